"""Measures against known answers, and the whole of `evaluate following` on a small folder of real clips."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from musicgen_app import cli
from musicgen_app.control.theory import QUALITIES, parse_chord
from musicgen_app.engine import Engine
from musicgen_app.errors import FileError, ModelError, RequestError
from musicgen_app.library.metadata import request_from
from support.fake_embedder import FakeEmbedder
from support.sounds import beat, cadence, tones
from ttm_trainer.evaluation.clips.adherence_scores import joined, measure
from ttm_trainer.evaluation.clips.clip_features import ClipFeatures, unseen
from ttm_trainer.evaluation.clips.clips import Clip
from ttm_trainer.evaluation.clips.targets import Target, read_targets
from ttm_trainer.evaluation.prompt_adherence import PromptAdherence, measure_adherence
from ttm_trainer.evaluation.tables.adherence import table

KEYS = ("C major", "D minor", "E minor", "F major", "G minor", "A minor")
HEAD = "id,kind,prompt,genre,instruments,tempo,key,drums\n"


def pairs(count: int = 12) -> tuple[list[Target], list[ClipFeatures], np.ndarray]:
    """Targets, all different, and clips that are exactly what was asked for."""
    axes = np.eye(count)
    targets = [
        Target(f"{n}", "dense", f"text {n}", f"genre {n % 6}", ("piano",) if n % 2 else ("harp",), 60.0 + 7 * n,
               (n % 12, "minor"), bool(n % 2))
        for n in range(count)
    ]  # fmt: skip
    heard = [
        ClipFeatures(axes[n], t.tempo, t.key, t.drums, (t.genre, *(f"genre {g}" for g in range(6) if g != n % 6)),
              {"piano": bool(n % 2), "harp": not n % 2})
        for n, t in enumerate(targets)
    ]  # fmt: skip
    return targets, heard, axes


def test_chords_that_are_named_are_heard_bar_by_bar(tmp_path):
    """Clips of the chords that are asked for, and of those that another prompt asks for."""
    targets, heard = [], []
    for number, target in enumerate(read_targets(Path("chords")).targets[:6]):
        chords = [parse_chord(symbol) for symbol, _ in target.plan.chords]
        bars = [tones([48 + root, *(60 + root + step for step in QUALITIES[kind])], 2.5) for root, kind, _ in chords]
        wave = np.concatenate(bars)
        soundfile.write(tmp_path / f"{number}.wav", wave, 32_000)
        clip = Clip(str(number), tmp_path / f"{number}.wav", 0.0, 10.0)
        targets.append(target)
        heard.append(ClipFeatures(np.eye(6)[number], 96.0, (0, "major"), clip=clip))
    found = measure(targets, heard, np.eye(6))["chords"]
    assert found.own.mean() == 1 and found.floor.mean() < 0.6
    assert "chords" not in measure(targets, [replace(h, clip=None) for h in heard], np.eye(6))


def test_perfect_clips_reach_every_target_and_shuffled_ones_the_floor():
    targets, heard, text = pairs()
    found = measure(targets, heard, text)
    assert list(found) == [
        "alignment", "top 1 of 12", "top 3 of 12", "genre", "genre among 3", "instruments", "drums", "tempo",
        "tempo or octave", "key", "key or relative",
    ]  # fmt: skip
    assert all(scores.own.mean() == 1 for scores in found.values())
    assert found["alignment"].floor.mean() == 0 and found["top 3 of 12"].floor.mean() == 0.25
    assert found["drums"].chance(resamples=0).value == 0.5
    shifted = measure(targets, heard[2:] + heard[:2], text)
    assert all(shifted[name].own.mean() == 0 for name in ("alignment", "top 1 of 12", "tempo", "key"))
    assert shifted["drums"].own.mean() == 1  # every second one has drums
    assert shifted["drums"].share(1.0, resamples=0).value == 1
    assert found["tempo"].gain(shifted["tempo"], resamples=20).value == 1


def test_octaves_and_relative_keys_are_counted_apart():
    targets, heard, text = pairs()
    other = [
        ClipFeatures(h.vector, 2 * h.tempo, ((h.key[0] + 3) % 12, "major"), h.drums, h.genres, h.instruments)
        for h in heard
    ]
    found = measure(targets, other, text)
    values = {name: scores.own.mean() for name, scores in found.items()}
    assert values["tempo"] < 0.1 and values["key"] == 0
    assert values["tempo or octave"] == values["key or relative"] == 1


def test_always_drums_is_no_better_than_chance():
    targets, heard, text = pairs()
    targets = [Target(t.id, t.kind, t.text, drums=n > 1) for n, t in enumerate(targets)]
    always = [ClipFeatures(h.vector, h.tempo, h.key, True) for h in heard]
    drums = measure(targets, always, text)["drums"]
    assert drums.value(resamples=0).value == pytest.approx(0.5) == drums.chance(resamples=0).value
    assert drums.share(1.0, resamples=0).value == pytest.approx(0) and drums.share(0.52, resamples=0) is None


def test_clips_of_one_prompt_count_as_one_and_do_not_make_its_floor():
    targets, heard, text = pairs(6)
    wrong = [ClipFeatures(-h.vector, h.tempo, h.key) for h in heard]
    found = measure(targets * 2, heard + wrong, np.concatenate([text, text]))
    assert found["alignment"].own.tolist() == [0.0] * 6 and found["alignment"].floor.tolist() == [0.0] * 6
    assert "genre" not in measure(targets, wrong, text)  # no probe was there
    both = joined([found, measure(targets[:5], heard[:5], text[:5])])
    assert len(both["alignment"].own) == 11 and both["alignment"].own.sum() == 5


def test_what_few_prompts_ask_for_is_not_measured():
    targets, heard, text = pairs()
    few = [t if n < 4 else Target(t.id, t.kind, t.text) for n, t in enumerate(targets)]
    assert set(measure(few, heard, text)) == {"alignment", "top 1 of 12", "top 3 of 12"}
    assert measure(targets[:3], heard[:3], text[:3]) == {}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Forty training clips and ten unseen ones: beats that the embedder calls low, chords that it calls high."""
    folder = tmp_path_factory.mktemp("corpus")
    rows = []
    for n in range(50):
        drums, key = bool(n % 2), KEYS[n % 6]
        tonic = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9}[key[0]]
        wave = beat(100 + n, 1.0, seed=n) if drums else cadence(tonic, key[2:], 1.0)
        soundfile.write(folder / f"{n}.flac", wave[::4], 8_000)
        text = f"{'low' if drums else 'high'} {key}, {100 + n} BPM"
        rows.append({
            "id": f"c{n}", "path": f"{n}.flac", "start": 0.0, "seconds": 1.0, "split": "val" if n >= 40 else "train",
            "set": "composed", "captions": {"short": [text], "long": [text], "dense": [text]}, "licence": "CC0-1.0",
            "facts": {"genre": "techno" if drums else "ambient", "tempo": 100.0 + n, "key": key, "drums": drums,
                      "instruments": ["drum machine"] if drums else ["harp"]},
        })  # fmt: skip
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder


@pytest.fixture
def prompts(tmp_path):
    lines = [f'{kind}-{n},{kind},"low {n} {kind}",techno,drum machine,{100 + 10 * n},C major,yes' for kind in
             ("short", "dense") for n in range(6)]  # fmt: skip
    (tmp_path / "prompts.csv").write_text(HEAD + "\n".join(lines) + "\n")
    return tmp_path / "prompts.csv"


@pytest.mark.slow
def test_a_model_stands_between_floor_and_ceiling(home, corpus, prompts, tmp_path):
    lines = []
    settings = PromptAdherence(
        "tiny", prompts=prompts, data=corpus, clips=2, seconds=0.5, steps=1, resamples=10, real=10, fitted=40,
        audio_out=tmp_path / "clips",
    )  # fmt: skip
    report = measure_adherence(settings, Engine(device="cpu"), embedder=FakeEmbedder(), show=lines.append)
    json.dumps(report, allow_nan=False)
    entries = {(entry["kind"], entry["measure"]): entry for entry in report["figures"]}
    assert {kind for kind, _ in entries} == {"short", "dense", "all"} and report["bad"] == []
    drums = entries["short", "drums"]
    assert drums["real"]["clips"] == 10 and drums["real"]["value"] > 0.8
    assert drums["real"]["value"] == pytest.approx(report["listener"]["drums"])
    assert report["listener"]["instruments"]["each"]["harp"]["area"] > 0.8
    assert set(drums["models"]) == {"tiny 1"} and drums["models"]["tiny 1"]["clips"] == 6
    assert drums["share"] is None or drums["floor"]["value"] < drums["real"]["value"]
    assert entries["dense", "tempo"]["real"]["clips"] == 10 and entries["all", "alignment"]["floor"]["clips"] == 12
    assert len(list((tmp_path / "clips" / "tiny-1").glob("*.wav"))) == 24
    assert any("fitting on 40" in line for line in lines)
    text = table(report)
    for part in ("SHORT: genre", "ALL: all kinds", "share of the way", "10 unseen clips", "the classifier, on 10"):
        assert part in text


@pytest.mark.slow
def test_without_real_music_there_is_no_ceiling(home, prompts):
    settings = PromptAdherence("tiny", prompts=prompts, seconds=0.5, steps=1, resamples=0, count=5)
    options = {"embedder": FakeEmbedder(), "show": lambda line: None}
    report = measure_adherence(settings, Engine(device="cpu"), **options)
    assert report == measure_adherence(settings, Engine(device="cpu"), **options)
    assert {entry["measure"] for entry in report["figures"]} >= {"alignment", "tempo", "key"}
    assert all(entry["real"] is None and entry["share"] is None for entry in report["figures"])
    assert any("need --data" in note for note in report["notes"]) and "-" in table(report)


@pytest.mark.slow
def test_the_best_of_several_is_heard_and_said(home, prompts, tiny_aligner, tmp_path):
    settings = PromptAdherence("tiny", prompts=prompts, seconds=0.5, steps=1, resamples=0, count=5, best_of=3,
                         audio_out=tmp_path)  # fmt: skip
    options = {"embedder": FakeEmbedder(), "show": lambda line: None}
    report = measure_adherence(settings, Engine(device="cpu", aligner=tiny_aligner), **options)
    assert report["models"][0]["settings"]["best_of"] == 3 and report["notes"][0].startswith("best of 3 by the bundled")
    made = {path: path.stat().st_mtime_ns for path in sorted(tmp_path.rglob("*.wav"))}
    assert len(made) == 10 and request_from(next(iter(made)), choosing=True).best_of == 3
    assert (
        measure_adherence(settings, Engine(device="cpu", aligner=tiny_aligner), **options) == report
    )  # nothing is made again
    assert made == {path: path.stat().st_mtime_ns for path in made}
    single = measure_adherence(replace(settings, best_of=1), Engine(device="cpu"), **options)
    assert single["notes"][0].startswith("single shot") and single["figures"] != report["figures"]


@pytest.mark.slow
def test_the_command_compares_two_models(home, prompts, tmp_path, tiny_parts, monkeypatch, capsys):
    from musicgen_app.models.bundle import write_bundle

    config, state, files = tiny_parts
    other = write_bundle(tmp_path / "other", config, {k: 1.1 * v for k, v in state.items()}, "# tiny\n", files)
    monkeypatch.setattr("ttm_trainer.evaluation.prompt_adherence.load_embedder", lambda name: FakeEmbedder())
    command = ["evaluate", "following", "tiny", "--against", str(other.path), "--prompts", str(prompts), "--seconds",
               "0.5", "--steps", "1", "--bootstrap", "10", "--device", "cpu", "-o",
               str(tmp_path / "f.json")]  # fmt: skip
    assert cli.run(command) == 0
    text, notes = capsys.readouterr()
    assert "minus tiny 1 (2)" in text and "making 12 clips with tiny 1 (2)" in notes
    report = json.loads((tmp_path / "f.json").read_text())
    assert [model["label"] for model in report["models"]] == ["tiny 1 (1)", "tiny 1 (2)"]
    entry = report["figures"][0]
    difference = entry["models"]["tiny 1 (1)"]["value"] - entry["models"]["tiny 1 (2)"]["value"]
    assert entry["gain"]["tiny 1 (2)"]["value"] == pytest.approx(difference)
    assert cli.run(command) == 3


def test_what_cannot_be_measured_is_told(home, tmp_path):
    with pytest.raises(ModelError):
        measure_adherence(PromptAdherence("nobody"))
    with pytest.raises(RequestError, match="twice"):
        measure_adherence(PromptAdherence("tiny", against=("tiny",)))
    with pytest.raises(FileError):
        measure_adherence(PromptAdherence("tiny", data=tmp_path), embedder=FakeEmbedder(), show=lambda line: None)


def test_unseen_clips_are_one_a_track_first(corpus, tmp_path):
    rows = [json.loads(line) for line in (corpus / "manifest.jsonl").read_text().splitlines()][40:]
    doubled = [row | {"id": f"{row['id']}-{n}", "start": n / 2} for row in rows for n in range(2)]
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, doubled)) + "\n")
    assert len({row["path"] for row in unseen(tmp_path, 10)}) == 10 and len(unseen(tmp_path, 100)) == 20
