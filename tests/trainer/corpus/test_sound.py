"""Figures of how a corpus sounds, on signals whose figures are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from musicgen_app.errors import FileError
from ttm_trainer.corpus import sound

RATE = 48000


def tone(hz: float, seconds: float = 6.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE).astype(np.float32)


def test_tone_lies_in_its_octave_and_has_its_crest() -> None:
    found = sound.figures(np.stack([tone(1000), tone(1000)]), RATE)
    assert found["1000 Hz"] == pytest.approx(0, abs=0.1)
    assert found["8000 Hz"] < -40
    assert found["crest"] == pytest.approx(3.01, abs=0.05)
    assert found["peak dBFS"] == pytest.approx(-6.02, abs=0.05)
    assert found["loudness LUFS"] == pytest.approx(-6.0, abs=0.3)
    assert found["loudness range"] == pytest.approx(0, abs=0.1)
    assert found["correlation"] == pytest.approx(1, abs=1e-3)


def test_width_is_told_by_band() -> None:
    low, high = tone(100), tone(6000)
    found = sound.figures(np.stack([low + high, low - high]), RATE)
    assert found["side/mid low"] < -40 < 40 < found["side/mid high"]
    assert found["correlation"] == pytest.approx(0, abs=0.01)


def test_flatness_and_loudness_range() -> None:
    noise = np.random.default_rng(0).standard_normal((2, 12 * RATE)).astype(np.float32) * 0.1
    assert (
        sound.figures(noise, RATE)["flatness"] > -4 > -20 > sound.figures(np.stack([tone(440)] * 2), RATE)["flatness"]
    )
    noise[:, 6 * RATE :] *= 0.316
    assert sound.figures(noise, RATE)["loudness range"] == pytest.approx(10, abs=1)


def test_onsets_are_counted() -> None:
    clicks = np.zeros((2, 10 * RATE), np.float32)
    for start in range(0, 10 * RATE, RATE // 3):
        clicks[:, start : start + 2000] = np.random.default_rng(start).standard_normal(2000) * np.linspace(1, 0, 2000)
    assert sound.figures(clicks, RATE)["onsets a second"] == pytest.approx(3, abs=0.3)


def test_silence_has_figures() -> None:
    assert all(np.isfinite(value) for value in sound.figures(np.zeros((2, 5 * RATE), np.float32), RATE).values())


def test_folders_side_by_side(tmp_path: Path) -> None:
    from ttm_trainer.cli.corpus import corpus

    for name, level in (("loud", 1.0), ("soft", 0.1)):
        (tmp_path / name).mkdir()
        rows = []
        for number in range(3):
            soundfile.write(tmp_path / name / f"{number}.flac", np.stack([tone(500) * level] * 2).T, RATE)
            rows.append({"path": f"{number}.flac", "start": 0.0, "seconds": 6.0})
        (tmp_path / name / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    asked = [str(tmp_path / "loud"), str(tmp_path / "soft")]
    printed = CliRunner().invoke(corpus, ["sound", *asked, "--clips", "2"]).output
    line = next(line for line in printed.splitlines() if line.startswith("| peak dBFS"))
    assert line == "| peak dBFS | -6.02 (-6.02 to -6.02) | -26.02 (-26.02 to -26.02) |"
    told = json.loads(CliRunner().invoke(corpus, ["sound", *asked, "--json"]).output)
    assert told[asked[1]]["crest"][1] == pytest.approx(3.01, abs=0.05)


def test_missing_audio_is_told(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text(json.dumps({"path": "gone.flac", "start": 0, "seconds": 1}) + "\n")
    with pytest.raises(FileError, match=r"gone\.flac.*build the corpus again"):
        sound.measure(tmp_path)
