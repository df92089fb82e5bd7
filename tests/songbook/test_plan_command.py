"""`ttm-app plan` and the options of `ttm-app generate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from musicgen_app import cli
from musicgen_app.control.plan import Plan, Section
from musicgen_app.control.theory import bar_length
from musicgen_app.models import installed
from musicgen_app.songbook.plan_files import SCHEMA
from musicgen_app.songbook.sheet import read_sheet
from musicgen_app.songbook.sheet_writer import write_sheet
from support.planned_model import planned, wide

EXAMPLES = Path(__file__).parents[2] / "assets" / "examples"
SHEET = "tempo 96 · 4/4 · key Am · no drums · ends\nverse 2: Am F\nchorus 2: C/E G\n"


@pytest.fixture
def model(home, tiny_parts, tmp_path) -> str:
    installed.install(planned(tiny_parts, tmp_path, wide().tensors()).path, replace=True)
    return "planned"


@pytest.fixture
def sheet(tmp_path) -> str:
    (tmp_path / "song.txt").write_text(SHEET, encoding="utf-8")
    return str(tmp_path / "song.txt")


def run(capsys, *words: str, code: int = 0) -> str:
    assert cli.run(list(words)) == code
    out, err = capsys.readouterr()
    return err if code else out


def test_it_tells_a_prompt_as_json(model, capsys):
    told = json.loads(
        run(capsys, "plan", "calm music, 97 BPM, chords: Am F", "--model", model, "--seconds", "9", "--json")
    )
    assert told.keys() == {"tempo", "metre", "key", "drums", "genre", "sections", "understood", "approximated",
                           "not_understood", "origin", "worked_out"}  # fmt: skip
    assert (told["tempo"], told["metre"], told["key"]) == (97.0, "4/4", "A minor")
    (section,) = told["sections"]
    assert section == {"name": "", "bars": 4.0, "chords": [["Am", 4.0], ["F", 4.0], ["Am", 4.0], ["F", 4.0]]}
    assert told["origin"]["tempo"] == told["origin"]["chords"] == "stated" and told["origin"]["drums"] == "borrowed"
    assert all(one.keys() == {"text", "as", "why"} for one in told["understood"]) and len(told["understood"]) == 2
    again = json.loads(
        run(capsys, "plan", "calm music, 97 BPM, chords: Am F", "--model", model, "--seconds", "9", "--json")
    )
    assert again == told


def test_it_tells_a_file_and_what_the_model_cannot_follow(model, sheet, capsys):
    out = run(capsys, "plan", sheet, "--model", model, "--bpm", "90")
    assert "tempo   90 BPM            option" in out and "key     A minor           plan" in out
    assert "| C/E | G |" in out and "C/E -> C" in out and "12.7 s; the plan takes 10.7 s" in out
    told = json.loads(run(capsys, "plan", "calm music", "--plan", sheet, "--model", model, "--json"))
    assert [one["name"] for one in told["sections"]] == ["verse", "chorus"]


def test_what_it_prints_is_what_is_played(model, tmp_path, sheet, capsys):
    told = json.loads(run(capsys, "plan", "calm music", "--model", model, "--seed", "3", "--json"))
    made = ("--model", model, "--seconds", "0.5", "--no-keep", "--json")
    clip = json.loads(run(capsys, "generate", "calm music", "--seed", "3", *made, "-o", str(tmp_path / "a.wav")))
    assert clip["played"]["tempo"] == told["tempo"] and clip["origin"] == told["origin"]


def test_options_file_and_python_make_the_same_file(model, tmp_path, sheet, capsys):
    made = ("--model", model, "--seconds", "0.5", "--seed", "3", "--no-keep")
    options = ("--bpm", "90", "--drums", "--form", "chorus | verse")
    run(capsys, "generate", "calm music", *made, "--plan", sheet, *options, "-o", str(tmp_path / "a.wav"))
    line = {
        "prompt": "calm music",
        "plan": SHEET,
        "bpm": 90,
        "drums": True,
        "form": "chorus | verse",
        "output": "b.wav",
    }
    (tmp_path / "prompts.txt").write_text(json.dumps(line) + "\n")
    run(capsys, "generate", "--prompts", str(tmp_path / "prompts.txt"), "--out-dir", str(tmp_path), *made)
    run(capsys, "generate", "--from", str(tmp_path / "a.wav"), "-o", str(tmp_path / "c.wav"), "--no-keep")
    first = (tmp_path / "a.wav").read_bytes()
    assert first == (tmp_path / "b.wav").read_bytes() == (tmp_path / "c.wav").read_bytes()
    assert "chorus" in run(capsys, "plan", "to-sheet", str(tmp_path / "a.wav"))


def test_a_plan_that_ends_sets_the_length_unless_it_is_given(model, tmp_path, sheet, capsys):
    made = ("--model", model, "--seed", "3", "--no-keep", "--json")
    clip = json.loads(run(capsys, "generate", "calm", *made, "--plan", sheet, "-o", str(tmp_path / "a.wav")))
    assert clip["seconds"] == 12
    clip = json.loads(
        run(capsys, "generate", "calm", *made, "--plan", sheet, "--seconds", "1", "-o", str(tmp_path / "b.wav"))
    )
    assert clip["seconds"] == 1


def test_plans_change_their_form_and_come_back(tmp_path, sheet, capsys):
    plan = read_sheet(SHEET).plan
    midi, plain = str(tmp_path / "a.mid"), str(tmp_path / "a.json")
    run(capsys, "plan", "to-midi", sheet, "-o", midi)
    run(capsys, "plan", "to-json", midi, "-o", plain)
    assert Plan.from_dict(json.loads(Path(plain).read_text())) == plan
    assert run(capsys, "plan", "to-sheet", plain) == run(capsys, "plan", "from-midi", midi) == write_sheet(plan)
    assert "exists already" in run(capsys, "plan", "to-midi", sheet, "-o", midi, code=3)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("transpose", "-2"), "verse 2: Gm Eb"),
        (("key", "Cm"), "verse 2: Cm Ab"),
        (("tempo", "88"), "tempo 88 · 4/4 · key Am · no drums · ends"),
        (("metre", "3/4"), "tempo 96 · 3/4 · key Am · no drums · ends"),
        (("reharmonise", "Dm G", "--section", "verse"), "verse 2: Dm G"),
        (("substitute", "relative", "--number", "1"), "verse 2: C F"),
        (("vary", "--seed", "4"), "chorus 2: C/E G"),
        (("extend", "bridge 2: F C"), "bridge 2: F C"),
        (("repeat", "2"), "verse"),
    ],
)
def test_operations_are_commands(words, line, sheet, capsys):
    assert line in run(capsys, "plan", words[0], sheet, *words[1:]).splitlines()


@pytest.mark.parametrize(
    ("content", "name", "code", "reason"),
    [
        (b"verse 8: Am Xyz", "a.txt", 3, "line 1, column 13"),
        (b"tempo nan", "a.txt", 3, "line 1, column 7"),
        (b"Am " * 400_000, "a.txt", 3, "line 1, column 1"),
        (b"\xff\xfe", "a.txt", 3, "line 1, column 1: it is not UTF-8"),
        (b'{"tempo": ', "a.json", 3, "line 1, column 11"),
        (b'{"tempo": NaN}', "a.json", 3, "tempo"),
        (b'{"sections": ' + b"[" * 60_000, "a.json", 3, "nests too deep"),
        (b"MThd" + b"\0" * 9, "a.mid", 3, "no MIDI"),
        (b"MThd\0\0\0\6\0\1\x27\x10\0\x60", "a.mid", 3, "10,000 tracks"),
    ],
)
def test_a_hostile_file_gives_one_line_a_code_and_no_file(content, name, code, reason, tmp_path, home, capsys):
    (tmp_path / name).write_bytes(content)
    for words in (("plan", "to-sheet", str(tmp_path / name), "-o", str(tmp_path / "out.txt")),
                  ("generate", "calm", "--plan", str(tmp_path / name), "-o", str(tmp_path / "out.wav"))):  # fmt: skip
        error = run(capsys, *words, code=code)
        assert reason in error and error.count("\n") == 1 and len(error) < 500
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [name]


def test_a_bad_option_gives_code_2(home, tmp_path, capsys):
    for words in (("--bpm", "nan"), ("--key", "Q"), ("--metre", "4/5"), ("--chords", "Am Xyz"), ("--form", "verse")):
        assert run(capsys, "generate", "calm", *words, "-o", str(tmp_path / "a.wav"), code=2).count("\n") == 1
    assert "a plan" in run(capsys, "plan", code=2)


def test_the_examples_are_songs(home, capsys):
    listed = [line.split()[0] for line in run(capsys, "plan", "examples").splitlines()]
    assert listed == ["blues", "edm", "jazz", "pop", "seven", "waltz"]
    for name in listed:
        text = run(capsys, "plan", "examples", name)
        assert text == (EXAMPLES / f"{name}.txt").read_text(encoding="utf-8")
        plan = read_sheet(text).plan
        assert plan.ends and read_sheet(write_sheet(plan)).plan == plan
        for stretch in plan.stretches:  # chords come round to the end of every section
            assert stretch.quarters % sum(length for _, length in stretch.chords) == 0
    assert "no example" in run(capsys, "plan", "examples", "polka", code=2)


def test_the_schema_has_the_fields_that_a_plan_has():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert schema["properties"].keys() == Plan.__dataclass_fields__.keys()
    plan = read_sheet(
        "tempo 96 · swing 60% · drums · start 3 · key Am\nv 7 7/8 tempo 80 key C no drums energy 1: Am\nends"
    )
    facts = plan.plan.to_dict()
    assert facts.keys() - {"chords"} <= schema["properties"].keys()
    assert facts["sections"][0].keys() == schema["$defs"]["section"]["properties"].keys()
    assert bar_length("7/8") == 3.5


@pytest.mark.parametrize("command", ["generate", "plan"])
def test_a_prompt_that_looks_like_a_file_is_refused(home, tmp_path, capsys, command):
    told = run(capsys, command, "verse.mid", code=2)
    assert "'verse.mid' is no file that is there" in told and "--plan" in told and told.count("\n") == 1


def test_a_prompt_that_is_a_file_names_the_option_that_reads_it(home, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "song.txt").write_text(SHEET, encoding="utf-8")
    (tmp_path / "clip.wav").write_bytes(b"RIFF")
    told = run(capsys, "generate", "song.txt", code=2)
    assert "'song.txt' is a file" in told and "--plan" in told and "--prompts" in told
    assert "--from" in run(capsys, "generate", str(tmp_path / "clip.wav"), code=2)
    assert run(capsys, "plan", "song.txt")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["clip.wav", "song.txt"]


def test_a_plan_needs_no_prompt(model, tmp_path, sheet, capsys):
    made = ("--model", model, "--seconds", "0.5", "--seed", "3", "--no-keep", "--json")
    assert cli.run(["generate", "--plan", sheet, *made, "-o", str(tmp_path / "a.wav")]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["prompt"] == "music" and "without a prompt" in err
    (tmp_path / "styled.txt").write_text(f"title: Rain\nstyle: slow folk, guitar\n{SHEET}", encoding="utf-8")
    assert cli.run(["generate", "--plan", str(tmp_path / "styled.txt"), *made, "-o", str(tmp_path / "b.wav")]) == 0
    assert json.loads(capsys.readouterr().out)["prompt"] == "slow folk, guitar"
    assert "give a PROMPT" in run(capsys, "generate", "--chords", "Am F", *made, code=2)


def test_sections_are_as_long_as_at_the_tempo_that_is_stated_or_borrowed(model, tmp_path, capsys):
    """A borrowed tempo too: of a file of prompts as well."""
    made = ("--model", model, "--seed", "3", "--no-keep", "--json", "--steps", "1")
    form = ("--form", "verse 2: Am F")
    stated = json.loads(run(capsys, "generate", "calm, 120 bpm", *form, *made, "-o", str(tmp_path / "a.wav")))
    assert stated["seconds"] == pytest.approx(4.0)
    told = json.loads(run(capsys, "plan", "calm music", *form, "--model", model, "--seed", "3", "--json"))
    borrowed = json.loads(run(capsys, "generate", "calm music", *form, *made, "-o", str(tmp_path / "b.wav")))
    assert borrowed["seconds"] == pytest.approx(8 * 60 / told["tempo"]) and told["origin"]["tempo"] == "borrowed"
    line = {"prompt": "calm music", "seed": 3, "form": form[1], "output": "c"}
    (tmp_path / "prompts.jsonl").write_text(json.dumps(line), encoding="utf-8")
    words = ("generate", "--prompts", str(tmp_path / "prompts.jsonl"), "--out-dir", str(tmp_path))
    run(capsys, *words, "--model", model, "--no-keep", "--steps", "1")
    assert (tmp_path / "c.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()
    assert "is there already" in run(capsys, *words, "--model", model, "--no-keep", "--steps", "1")


def test_a_key_that_nobody_says_is_worked_out_and_a_section_without_chords_has_some(model, capsys):
    out = run(capsys, "plan", "calm music, chords: Am F", "--model", model)
    assert "key     A minor           stated, worked out from the chords" in out
    told = json.loads(run(capsys, "plan", "calm", "--form", "intro 1 | verse 2: Am F", "--model", model, "--json"))
    assert told["worked_out"] == ["key"] and told["origin"]["key"] == "option"
    assert told["sections"][0]["chords"] == [["Am", 4.0]]
    assert ("intro", "Am F") in {(one["text"], one["as"]) for one in told["approximated"]}


def test_it_tells_the_start_one_bar_and_dotted_beats(model, tmp_path, capsys):
    (tmp_path / "s.txt").write_text("♩.=60 · 6/8 · start 6\nverse 1: Am\nchorus 2: (F G)\n", encoding="utf-8")
    out = run(capsys, "plan", str(tmp_path / "s.txt"), "--model", model)
    assert "90 BPM (♩.=60)" in out and "6 quarter notes into the song" in out and "verse: 1 bar\n" in out
    held = Plan(sections=(Section(3.0, "verse", (("F", 2.0), ("G", 2.0), ("C", 8.0))),))
    assert held.describe() == "verse 3 bars: (F G) C %"


def test_the_plan_of_a_clip_that_was_made_from_a_prompt(model, tmp_path, capsys):
    made = ("--model", model, "--seconds", "0.5", "--seed", "3", "--no-keep", "--no-sidecar")
    run(capsys, "generate", "calm music", *made, "-o", str(tmp_path / "a.wav"))
    assert cli.run(["plan", "to-sheet", str(tmp_path / "a.wav")]) == 0
    out, err = capsys.readouterr()
    told = json.loads(run(capsys, "plan", "calm music", "--model", model, "--seed", "3", "--json"))
    assert read_sheet(out).plan.tempo == told["tempo"] and "worked out again" in err
    run(capsys, "plan", "to-midi", str(tmp_path / "a.wav"), "-o", str(tmp_path / "a.mid"))


def test_a_file_of_prompts_names_plans_beside_it(model, tmp_path, sheet, capsys):
    lines = [{"prompt": "calm", "seed": 1, "plan": "song.txt", "output": "a"},
             {"prompt": "calm", "seed": 1, "plan": SHEET, "output": "b"},
             {"prompt": "calm", "plan": "../song.txt", "output": "c"}, {"prompt": "calm", "plan": "none.txt"},
             {"seed": 1, "plan": "song.txt", "output": "d"}]  # fmt: skip
    source = tmp_path / "prompts.jsonl"
    source.write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    words = ["generate", "--prompts", str(source), "--out-dir", str(tmp_path / "out"), "--model", model, "--no-keep"]
    assert cli.run([*words, "--seconds", "0.5", "--json"]) == 2
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["line"]: row.get("error", {}).get("code") for row in rows} == {1: None, 2: None, 3: 2, 4: 3, 5: None}
    assert (tmp_path / "out" / "a.wav").read_bytes() == (tmp_path / "out" / "b.wav").read_bytes()
    assert next(row["prompt"] for row in rows if row["line"] == 5) == "music"


def test_a_clip_longer_than_a_song_that_ends_is_told(model, tmp_path, sheet, capsys):
    words = ["generate", "calm", "--plan", sheet, "--model", model, "--seconds", "20", "--steps", "1", "--no-keep"]
    assert cli.run([*words, "-o", str(tmp_path / "a.wav")]) == 0
    assert "is not told where music ends, and plays on" in capsys.readouterr().err


def test_the_length_can_be_one_of_bars(model, sheet, capsys):
    told = json.loads(run(capsys, "plan", sheet, "--model", model, "--bars", "4", "--json"))
    assert sum(section["bars"] for section in told["sections"]) == 4
    assert "length  4 s" in run(capsys, "plan", "--chords", "Am F", "--bpm", "120", "--bars", "2", "--model", model)
    assert "needs a tempo" in run(capsys, "plan", "--chords", "Am F", "--bars", "2", "--model", model, code=2)
    assert "two lengths" in run(capsys, "plan", sheet, "--bars", "2", "--seconds", "4", "--model", model, code=2)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"tempo": 96, "sections": [{"bars": 4}, {"bars": 2, "chords": [["Am", 4], ["Xq", 4]]}]}',
         "sections[1].chords[1]: 'Xq' is no chord"),
        ('{"sections": [{"bars": 2}, {"bars": "four"}]}', "sections[1].bars must be a number"),
        ('{"sections": [{"bars": 2, "chords": [["Am"]]}]}', "sections[0].chords[0]: a chord must be"),
        ('{"sections": [{"bars": 2, "barz": 4}]}', "sections[0].'barz' is no part of a section"),
        ('{"sections": [{"name": "verse"}]}', "sections[0] has no bars"),
        ('{"sections": [{"bars": 2, "tempo": -3}]}', "sections[0].tempo: a tempo of -3"),
        ('{"tempo": 96, "key": "Q minor"}', "key: 'Q' is no note"),
        ('{"chords": [["Am", 4], ["F", 0]]}', "chords[1]: a chord has no length"),
        ('{"tempo": 96,\n "key": }', "line 2, column 9"),
    ],
)  # fmt: skip
def test_an_error_in_json_names_its_place(tmp_path, capsys, text, reason):
    (tmp_path / "plan.json").write_text(text, encoding="utf-8")
    assert reason in run(capsys, "plan", str(tmp_path / "plan.json"), code=3)
