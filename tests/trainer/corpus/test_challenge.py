"""Recorded music in the challenge's layout: files, captions that follow from what was measured, licences."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import soundfile

from musicgen_app.errors import FileError
from ttm_trainer.corpus.challenge import WORDS, build_challenge

RATE = 16_000


@pytest.fixture
def recorded(tmp_path):
    """Three tracks of 31 s: a soft low hum, loud clicks twice a second, bright noise; and one too short to be taken."""
    time = np.arange(31 * RATE) / RATE
    rng = np.random.default_rng(0)
    clicks = np.where(time % 0.5 < 0.01, 0.9, 0.0) * rng.standard_normal(time.size).clip(-1, 1)
    tracks = {
        "hum": ("naev-data", "music/ambient2.ogg", 0.02 * np.sin(2 * np.pi * 60 * time)),
        "clicks": ("ufoai-music", "music/battle.ogg", clicks),
        "noise": ("unheard-of", "music/x.ogg", 0.1 * np.diff(rng.standard_normal(time.size + 1))),
        "short": ("naev-data", "music/y.ogg", np.sin(time[: 20 * RATE])),
    }
    folder, rows = tmp_path / "recorded", []
    (folder / "audio").mkdir(parents=True)
    for name, (package, path, wave) in tracks.items():
        soundfile.write(folder / "audio" / f"{name}.flac", wave.clip(-1, 1), RATE)
        for start in range(0, len(wave) // RATE - 9, 10):
            rows.append({"path": f"audio/{name}.flac", "start": float(start), "seconds": 10.0, "licence": "CC0-1.0",
                         "source": f"{package}: {path} by Nobody"})  # fmt: skip
    (folder / "manifest.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return folder


def test_layout_captions_and_licences(recorded, tmp_path):
    out = tmp_path / "jamendo"
    report = build_challenge(recorded, out, hours=1, show=lambda line: None)
    assert report == {"tracks": 3, "hours": pytest.approx(3 * 30 / 3600, abs=0.001)}
    long, short = (json.loads((out / "captions" / f"{name}.json").read_text()) for name in ("measured", "short"))
    assert [row["path"] for row in long] == ["00/1000000.mp3", "01/1000001.mp3", "02/1000002.mp3"]
    assert [soundfile.info(out / row["path"]).format for row in long] == ["MP3"] * 3
    hum, clicks, noise = (row["caption"] for row in long)
    assert hum.startswith("Ambient instrumental soundtrack music from a space trading game.") and "quiet" in hum
    assert "science-fiction tactics game, for a battle." in clicks and WORDS["drums"][2] in clicks
    assert "music from a game." in noise and "bright" in noise
    assert "ambient soundtrack" in short[0]["caption"]
    rows = list(csv.DictReader(open(out / "licences.csv", encoding="utf-8")))
    assert rows[1] == {"id": "1000001", "licence": "CC0-1.0", "source": "ufoai-music: music/battle.ogg by Nobody"}


def test_built_again_it_is_the_same(recorded, tmp_path):
    out = tmp_path / "jamendo"
    build_challenge(recorded, out, hours=1, show=lambda line: None)
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.rglob("*.mp3")}
    captions = (out / "captions" / "measured.json").read_bytes()
    build_challenge(recorded, out, hours=1, show=lambda line: None)
    assert before == {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in out.rglob("*.mp3")}
    assert captions == (out / "captions" / "measured.json").read_bytes()


def test_nothing_long_enough(recorded, tmp_path):
    (recorded / "manifest.jsonl").write_text((recorded / "manifest.jsonl").read_text().splitlines()[-1])
    with pytest.raises(FileError, match="no track of at least 30 s"):
        build_challenge(recorded, tmp_path / "out", show=lambda line: None)
