"""Recordings are listened to: what is likely is told and marked, what is not is left open; builds go on."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from musicgen_app import cli
from musicgen_app.control.grid import frame_grid
from musicgen_app.control.plan import Plan, Section
from musicgen_app.errors import FileError
from support.prepared_folder import write_tiny
from support.sounds import RATE, SONG, played
from ttm_trainer.corpus.listening import calibration as calibrations
from ttm_trainer.corpus.listening import listen as listening
from ttm_trainer.corpus.listening.calibrate import calibrate
from ttm_trainer.corpus.listening.calibration import Calibration, Fit, fit, load, reliability, table
from ttm_trainer.corpus.listening.captions import recorded_captions
from ttm_trainer.corpus.listening.evidence import EVIDENCE, Sound, hear
from ttm_trainer.corpus.listening.facts import clip_facts
from ttm_trainer.corpus.listening.listen import listen
from ttm_trainer.corpus.listening.plans import SAID, estimate
from ttm_trainer.corpus.listening.truth import right
from ttm_trainer.data.corpus_reader import known_facts, read_rows
from ttm_trainer.output.track_facts import known_plans

BPM, LATE = 120.0, 0.7
SOURCE = 'naev-data: music/battle1.ogg, "Storm over the Delta" by Nobody'


@pytest.fixture(scope="module")
def wave() -> np.ndarray:
    """Thirty seconds of a bar of each chord of SONG at 120 BPM; no drum before 0.7 s."""
    return played(BPM, 4, seconds=30.0, late=LATE)


@pytest.fixture(scope="module")
def sound(wave) -> Sound:
    return hear(np.stack([wave, wave]), RATE)


def sure(**odds: float) -> Calibration:
    """The log odds of each field whatever is heard; of drums "drums", of the others 5 where none is given."""
    fits = {
        field: Fit(np.zeros(len(names)), np.ones(len(names)), np.zeros(len(names)), odds.get(field, 5.0))
        for field, names in EVIDENCE.items()
    }
    width = 4 * len(EVIDENCE["drums"])
    return Calibration(fits | {"energy": Fit(np.zeros(width), np.ones(width), np.zeros(width), 0.6, 0.1)})


# --- hearing ---


def test_what_is_heard_is_what_was_played(sound):
    true = Plan(BPM, "4/4", -LATE * BPM / 60 % 16, "A minor", tuple((name, 4.0) for name, _ in SONG), True)
    found = right(sound, true)
    assert [found[field].tolist() for field in ("tempo", "beats", "bars", "metre")] == [[1], [1], [1], [1]]
    assert found["chords"].mean() > 0.85 and set(found["drums"]) == {1.0} and np.isnan(found["energy"]).all()
    wrong = right(sound, replace(true, tempo=BPM / 2, metre="3/4", key="F# major", chords=(("F#", 4.0),), drums=False))
    assert not any(wrong[field].any() for field in ("tempo", "beats", "bars", "metre", "key", "chords", "drums"))
    shifted = right(sound, replace(true, start=true.start + 1))
    assert (shifted["beats"].item(), shifted["bars"].item()) == (1, 0)
    assert {name: values.shape[1] for name, values in sound.evidence.items()} == {
        name: len(names) for name, names in EVIDENCE.items()
    }
    assert len(sound.evidence["chords"]) == len(sound.chords) == len(sound.times)


def test_silence_and_noise_are_heard_without_an_error():
    for audio in (np.zeros((2, 3 * RATE)), 0.1 * np.random.default_rng(0).standard_normal((1, 12 * RATE))):
        heard = hear(audio.astype(np.float32), RATE)
        assert all(np.isfinite(values).all() for values in heard.evidence.values())
        plan = estimate(heard, load()).plan
        plan.check()
        assert plan.tempo is None and not frame_grid(plan, 20, 2.0)[:, :34].any()


# --- plans ---


def test_a_sure_estimate_is_a_plan_in_bars(sound):
    heard = estimate(sound, sure())
    heard.plan.check()
    assert heard.plan.counted == "bar" and heard.plan.metre == "4/4" and heard.plan.tempo == pytest.approx(BPM, abs=0.1)
    frames = slice(round(10 * LATE) + 5, 290)
    true = Plan(BPM, "4/4", -LATE * BPM / 60 % 16, None, tuple((name, 4.0) for name, _ in SONG), True)
    told, wanted = (frame_grid(plan, 300, 10.0)[frames] for plan in (heard.plan, true))
    np.testing.assert_allclose(told[:, :5], wanted[:, :5], atol=0.6)  # a beat may be heard 20 ms early
    assert np.corrcoef(told[:, 0], wanted[:, 0])[0, 1] > 0.98
    assert (told[:, 10:22] == wanted[:, 10:22]).all(axis=1).mean() > 0.85
    assert (told[:, 58:60] == [1, 0]).all() and not told[:, [72, 74, 76, 77]].any()
    facts = clip_facts(sound, heard, 10.0, 10.0)
    later = frame_grid(Plan.from_dict(json.loads(json.dumps(facts["plan"]))), 100, 10.0)
    np.testing.assert_allclose(later, frame_grid(heard.plan, 200, 10.0)[100:], atol=1e-2)
    assert facts["bpm"] == 120 and facts["drums"] is True and facts["happens"] == [] and len(facts["chords"]) >= 4


@pytest.mark.parametrize(
    "odds, zero, said",
    [
        ({"bars": -5.0}, [0, 1, 5, 6, *range(72, 80)], [2, 3, 4, 10, 34]),
        ({"bars": -5.0, "beats": -5.0}, [*range(34), *range(60, 80)], [34, 58]),
        ({"chords": -5.0}, [*range(10, 34), *range(60, 72)], [0, 2]),
        ({"key": -5.0}, range(34, 58), [0, 2]),
        ({"drums": 0.0}, [58, 59], [0, 2]),
    ],
)
def test_what_is_not_likely_is_zero_in_the_grid_and_no_fact(sound, odds, zero, said):
    heard = estimate(sound, sure(**odds))
    facts = clip_facts(sound, heard, 10.0, 10.0)
    grid = frame_grid(Plan.from_dict(facts["plan"]), 100, 10.0)
    assert not grid[:, list(zero)].any() and grid[:, said].any(axis=0).all()
    for field in ("chords", "key", "drums"):
        assert (field in facts) == (odds.get(field, 5.0) > 0 and not (field == "chords" and "beats" in odds))
    assert all(0 <= p <= 1 for p in facts["estimated"].values())
    low = {field for field in odds if field in facts["estimated"]}
    assert all(facts["estimated"][field] < SAID for field in low)


def test_drums_that_enter_are_a_section_and_told(sound):
    """The first half of the blocks has evidence of no drums."""
    unsure = sure()
    late = np.zeros(len(EVIDENCE["drums"]))
    late[0] = 10.0
    unsure.fits["drums"] = Fit(np.zeros(len(late)), np.ones(len(late)), late, 0.0)
    half = len(sound.blocks) // 2
    blocks = np.zeros((len(sound.blocks), len(late)))
    blocks[:half, 0], blocks[half:, 0] = -1.0, 1.0
    altered = replace(sound, evidence=sound.evidence | {"drums": blocks})
    heard = estimate(altered, unsure)
    assert [section.drums for section in heard.plan.sections] == [False, True]
    assert all(section.bars == round(section.bars) for section in heard.plan.sections)
    assert clip_facts(altered, heard, 10.0, 10.0)["happens"] == ["drums enter"]
    assert clip_facts(altered, heard, 20.0, 10.0)["happens"] == []
    untimed = estimate(
        altered, Calibration(unsure.fits | {name: sure(**{name: -5.0}).fits[name] for name in ("beats", "bars")})
    )
    assert [Plan.from_dict(clip_facts(altered, untimed, start, 10.0)["plan"]).drums for start in (0.0, 10.0, 20.0)] == [
        False,
        None,
        True,
    ]


# --- calibration ---


def answers(pieces: int) -> tuple[dict, dict]:
    """Evidence of which the first number decides, by a logistic law, whether an answer is right."""
    rng = np.random.default_rng(0)
    evidence, truth = {}, {}
    for field, names in EVIDENCE.items():
        count = 1 if field in ("tempo", "beats", "bars", "metre", "key") else 8
        evidence[field] = [rng.standard_normal((count, len(names))) for _ in range(pieces)]
        truth[field] = [(rng.random(count) < 1 / (1 + np.exp(-2 * x[:, 0]))).astype(float) for x in evidence[field]]
    truth["energy"] = [0.5 + 0.1 * x[:, 0].clip(-2, 2) for x in evidence["drums"]]
    return evidence, truth


def test_a_calibration_says_how_often_it_is_right():
    evidence, truth = answers(600)
    for field, rows in reliability(evidence, truth).items():
        for row in rows:
            if row["answers"] > 100:
                assert abs(row["mean"] - row["right"]) < 0.1, (field, row)
    fitted = fit(evidence, truth)
    np.testing.assert_allclose(fitted.probability("metre", np.eye(5)[:1] * 1.5), 1 / (1 + np.exp(-3)), atol=0.06)
    assert fitted.energy_confidence > 0.95
    with pytest.raises(ValueError, match="one kind"):
        fit(evidence, truth | {"key": [np.ones(1)] * 600})


def test_the_built_in_calibration_is_what_its_table_says():
    built_in = json.loads(calibrations.BUILT_IN.read_text("utf-8"))
    assert built_in["pieces"] >= 300 and load().fits.keys() == {*EVIDENCE, "energy"}
    lines = table(built_in["table"]).splitlines()
    assert len(lines) == 2 + len(EVIDENCE) + 1 and lines[2].startswith("| tempo |")
    sure_ones = [row for name in EVIDENCE for row in built_in["table"][name] if row["said"][0] >= SAID]
    answered = sum(row["answers"] for row in sure_ones)
    assert sum(row["right"] * row["answers"] for row in sure_ones) / answered > 0.85


def test_a_calibration_that_cannot_be_used_is_refused(tmp_path):
    wrong = tmp_path / "c.json"
    for text in ("no JSON", "{}", '{"fits": {"tempo": {"mean": [1]}}}', '{"fits": {}}'):
        wrong.write_text(text)
        load.cache_clear()
        with pytest.raises(FileError, match="no calibration"):
            load(wrong)
    with pytest.raises(FileError, match="cannot read"):
        load(tmp_path / "none.json")


# --- captions ---


def test_captions_say_what_is_told_and_nothing_else():
    bare = recorded_captions(SOURCE, {}, random.Random(0))
    assert bare["title"] == ["Storm over the Delta, from the soundtrack of a space trading game"]
    assert set(bare) == {"title", "short", "plain"}
    nothing = recorded_captions("unheard-of: x.ogg by Nobody", {}, random.Random(0))
    assert nothing == {}
    facts = {"tempo": 97.0, "bpm": 97, "key": "E minor", "tonality": "minor", "metre": "3/4", "drums": False,
             "chords": ["Em", "C"], "happens": []}  # fmt: skip
    for seed in range(30):
        full = recorded_captions(SOURCE, facts, random.Random(seed))
        assert set(full) == {"title", "short", "long", "dense", "plain"}
        some = recorded_captions(SOURCE, {"drums": True, "happens": ["drums enter"]}, random.Random(seed))
        text = " ".join(text for style in ("short", "plain", "long") for text in some.get(style, ())).lower()
        assert not any(word in text for word in ("bpm", "tempo", "minor", "major", "no drums", "chord", " key"))
        said = " ".join(text for texts in full.values() for text in texts)
        assert "with drums" not in said and "There are drums" not in said and "None" not in said and "  " not in said
        assert "97" in full["dense"][0] and "E minor" in full["dense"][0]


# --- the corpus ---


@pytest.fixture
def recorded(tmp_path, wave) -> Path:
    """Three files of three, two and four clips; the last one has captions of its own."""
    folder = tmp_path / "recorded"
    (folder / "audio").mkdir(parents=True)
    (folder / "rows").mkdir()
    (folder / "meta.json").write_text(json.dumps({"schema": 1, "set": "recorded", "sample_rate": RATE}))
    longer = np.concatenate([wave, wave[: 10 * RATE]])
    for number, audio in enumerate((wave, wave[: 20 * RATE], longer)):
        soundfile.write(folder / "audio" / f"{number}.flac", np.stack([audio, audio], axis=1).clip(-1, 1), RATE)
        own = {"short": ["a song of mine"]} if number == 2 else {}
        rows = [
            {"id": f"{number}-{start}", "path": f"audio/{number}.flac", "start": float(start), "seconds": 10.0,
             "split": "train", "set": "recorded", "genre": None, "captions": own, "facts": {"mine": 1} if own else {},
             "licence": "CC0-1.0", "source": SOURCE}
            for start in range(0, len(audio) // RATE - 9, 10)
        ]  # fmt: skip
        (folder / "rows" / f"{number}.json").write_text(json.dumps(rows))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.json*"))}


def test_a_corpus_is_listened_to_once(recorded, tmp_path, monkeypatch):
    other = shutil.copytree(recorded, tmp_path / "other")
    states: list[dict] = []
    report = listen(recorded, progress=states.append)
    assert (report["files"], report["heard"], report["failed"], report["clips"]) == (3, 3, [], 9)
    assert [state["done"] for state in states] == [1, 2, 3] and states[-1]["left"] == 0
    rows = read_rows(recorded)
    assert len(rows) == 9 and all({"plan", "estimated", "listener"} <= row["facts"].keys() for row in rows)
    mine = [row for row in rows if row["id"].startswith("2-")]
    assert all(row["captions"]["short"] == ["a song of mine"] and "title" in row["captions"] for row in mine)
    assert [known_facts(row) for row in (rows[0], mine[0])] == [{}, {"mine": 1}]
    before = contents(recorded)
    assert listen(recorded)["heard"] == 0 and contents(recorded) == before

    heard = []
    monkeypatch.setattr(listening, "hear", lambda *given: heard.append(given) or hear(*given))
    shutil.copy(recorded / "rows" / "0.json", other / "rows")  # a build that was stopped after its first file
    assert listen(other)["heard"] == 2 and len(heard) == 3
    assert contents(other) == before


def test_a_file_that_cannot_be_read_is_told_and_tried_again(recorded):
    sound_file = recorded / "audio" / "1.flac"
    whole = sound_file.read_bytes()
    sound_file.write_bytes(b"no music")
    report = listen(recorded)
    assert report["heard"] == 2 and len(report["failed"]) == 1 and report["failed"][0].startswith("1: ")
    assert all("plan" not in row["facts"] for row in read_rows(recorded) if row["id"].startswith("1-"))
    sound_file.write_bytes(whole)
    assert listen(recorded)["heard"] == 1


def test_another_calibration_listens_again(recorded, tmp_path):
    listen(recorded)
    other = tmp_path / "other.json"
    fitted = load()
    fits = {field: one.to_dict() for field, one in fitted.fits.items()}
    fits["tempo"]["bias"] = -50.0
    fits["beats"]["bias"] = fits["bars"]["bias"] = -50.0
    other.write_text(json.dumps({"fits": fits}))
    assert listen(recorded, other)["heard"] == 3
    rows = read_rows(recorded)
    assert not any("tempo" in row["facts"] for row in rows)
    assert all(row["captions"]["short"] == ["a song of mine"] for row in rows if row["id"].startswith("2-"))


def test_other_corpora_are_refused_in_one_line(tmp_path, capsys):
    for name, meta in (("composed", '{"set": "composed"}'), ("midi", '{"set": "midi"}'), ("none", None)):
        folder = tmp_path / name
        folder.mkdir()
        if meta:
            (folder / "meta.json").write_text(meta)
        assert cli.run(["corpus", "listen", str(folder), "-q"]) == 3
        told = capsys.readouterr().err.strip()
        assert "\n" not in told and ("facts are known" if meta else "no corpus") in told
    assert cli.run(["corpus", "listen", str(tmp_path / "missing")]) == 3
    (tmp_path / "composed" / "manifest.jsonl").write_text('{"path": "a", "start": 0.0, "facts": {}}\n')
    with pytest.raises(FileError, match="0 composed pieces"):
        calibrate([tmp_path / "composed"])


def test_spans_are_of_three_clips_and_the_rest_is_heard_with_what_is_before_it():
    rows = [{"path": "a", "start": float(start), "seconds": 10.0} for start in (0, 10, 20, 30, 60, 70)]
    spans = [(begin, [row["start"] for row in span]) for begin, span in listening._spans(rows)]
    assert spans == [(0.0, [0.0, 10.0, 20.0]), (10.0, [30.0]), (60.0, [60.0, 70.0])]


def test_plans_with_gaps_are_not_lent_to_prompts(tmp_path, monkeypatch):
    prepared = write_tiny(tmp_path / "with", vector_dim=16, plans=True, val=2)
    read = type(prepared).track
    monkeypatch.setattr(
        type(prepared), "track",
        lambda self, item: (row := read(self, item)) | {"facts": row["facts"] | {"estimated": {"tempo": 0.9}}},
    )  # fmt: skip
    assert known_plans(prepared, 4) is None


def test_sections_of_an_estimate_are_in_the_form_of_composed_ones(sound):
    plan = estimate(sound, sure()).plan
    assert plan.sections and all(isinstance(section, Section) for section in plan.sections)
    assert sum(section.bars for section in plan.sections) * 4 >= plan.start + 30 * BPM / 60 - 0.1
    assert Plan.from_dict(plan.to_dict()) == plan
