"""`ttm-app plan` and the options of `ttm-app generate`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from musicgen_app import cli
from musicgen_app.control.plan import Plan
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
