"""Generated clips beside real ones: limits, what is odd, variation, the contact sheet, copies, the command."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile

from musicgen_app import cli
from musicgen_app.analysis.artefacts import listen
from musicgen_app.engine import Engine
from musicgen_app.errors import FileError
from support.fake_embedder import FakeEmbedder
from support.prepared_folder import write_tiny
from support.sounds import RATE, beat, cadence
from ttm_trainer.evaluation.audio_quality import AudioQuality, limits_of, measure_quality, row_of, table


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder, rows = tmp_path_factory.mktemp("corpus"), []
    for n in range(8):
        wave = (0.4 + 0.05 * n) * beat(90 + 5 * n, 1.0, seed=n) + cadence(n, "major", 1.0)
        soundfile.write(folder / f"{n}.flac", wave, RATE)
        rows.append({"id": f"c{n}", "path": f"{n}.flac", "start": 0.0, "seconds": 1.0, "split": "val",
                     "captions": {"short": ["x"]}, "facts": {"genre": ("jazz", "rock")[n % 2]}})  # fmt: skip
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    return folder


def test_only_what_hardly_any_real_clip_has_is_odd():
    real = [listen(0.5 * beat(100 + 5 * n, 2.0, seed=n) + cadence(n, "major", 2.0), RATE) for n in range(6)]
    usual = np.quantile([one.bands for one in real], 0.01, axis=0)
    limits = limits_of(real, usual)
    assert limits["loudness"] == limits["beat"] == [None, None] and limits["end"][0] <= -30
    normal = 0.5 * beat(112, 2.0, seed=2) + cadence(3, "major", 2.0)
    broken = normal.copy()
    broken[round(0.78 * RATE)] += 0.9
    broken[-RATE:] = 0
    row = row_of("a", listen(broken, RATE), usual, limits)
    assert {"clicking", "dead end"} <= set(row["odd"]) and row["id"] == "a"
    assert len(row_of("b", real[2], usual, limits)["odd"]) <= 1


def test_generated_clips_stand_beside_real_ones(home, corpus, tmp_path):
    settings = AudioQuality(
        "tiny", corpus, clips=5, varied=2, seeds=2, seconds=1.0, steps=1, resamples=10, real=8,
        prepared=write_tiny(tmp_path / "prepared", items=40, frames=50, val=4).folder, audio_out=tmp_path / "clips",
        sheet=tmp_path / "sheet.png",
    )  # fmt: skip
    report = measure_quality(settings, Engine(device="cpu"), embedder=FakeEmbedder(), show=lambda line: None)
    json.dumps(report, allow_nan=False)
    assert [row["id"] for row in report["clips"]] == [
        "short-01", "long-01", "free-01", "dense-01", "short-02", "short-01.1", "long-01.1",
    ]  # fmt: skip
    figures = {(entry["name"], entry["of"]): entry for entry in report["figures"]}
    assert figures["whine", "generated"]["clips"] == 7 and figures["whine", "real"]["clips"] == 8
    assert figures["anything odd", "generated"]["value"] > figures["anything odd", "real"]["value"]  # it is noise
    assert figures["variation between seeds of a prompt", "generated"]["clips"] == 2
    assert figures["variation between pieces of a genre", "real"]["clips"] == 2
    assert {entry["of"] for entry in report["copying"]} == {"generated", "real, unseen"}
    assert (tmp_path / "sheet.png").read_bytes()[:4] == b"\x89PNG" and report["bad"] == []
    text = table(report)
    for part in ("8 unseen clips", "variation between prompts", "nearest training excerpt", "short-01"):
        assert part in text


def test_the_command_measures_and_refuses(home, corpus, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("ttm_trainer.evaluation.audio_quality.load_embedder", lambda name: FakeEmbedder())
    out, sheet = tmp_path / "music.json", tmp_path / "sheet.png"
    command = ["evaluate", "music", "tiny", "--data", str(corpus), "--clips", "2", "--varied", "0", "--seconds", "1",
               "--steps", "1", "--bootstrap", "0", "--device", "cpu", "-o", str(out),
               "--sheet", str(sheet)]  # fmt: skip
    assert cli.run(command) == 0 and "anything odd" in capsys.readouterr().out
    assert len(json.loads(out.read_text())["clips"]) == 2
    out.unlink()
    assert cli.run(command) == 3 and "sheet.png" in capsys.readouterr().err  # the picture is there
    with pytest.raises(FileError):
        measure_quality(AudioQuality("tiny", tmp_path), embedder=FakeEmbedder(), show=lambda line: None)
