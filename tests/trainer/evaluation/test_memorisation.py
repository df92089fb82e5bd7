"""The nearest neighbour among training latents: copies are found, new music is not taken for one."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from musicgen_app.engine import Engine
from musicgen_app.errors import FileError
from support.prepared_folder import write_tiny
from ttm_trainer.evaluation.memorisation import copying, nearest


def test_nearest_finds_a_copied_excerpt_anywhere(tmp_path):
    prepared = write_tiny(tmp_path / "prepared", items=12, frames=40)
    latents = prepared.latents(np.array([4]), 40)[0][0].numpy()
    fresh = np.random.default_rng(0).standard_normal((10, 8)).astype(np.float32)
    best = nearest(np.stack([latents[17:27], fresh]), prepared, np.arange(12))
    assert best[0] == pytest.approx(1.0, abs=1e-4) and best[1] < 0.9
    assert nearest(latents[None, 17:27], prepared, np.array([0, 1, 2]))[0] < 0.99  # it is not in these


def test_clips_stand_beside_unseen_music(home, tmp_path):
    prepared = write_tiny(tmp_path / "prepared", items=40, frames=50, val=4)
    paths = [tmp_path / f"{n}.wav" for n in range(3)]
    for n, path in enumerate(paths):
        soundfile.write(path, 0.1 * np.random.default_rng(n).standard_normal(8_000), 8_000)
    figures = copying(Engine(device="cpu"), "tiny", prepared, paths, resamples=20)
    assert {row["of"] for row in figures} == {"generated", "real, unseen"} and {row["clips"] for row in figures} == {3}
    assert all(-1 <= row["value"] <= 1.001 for row in figures) and len(figures) == 6
    other = write_tiny(tmp_path / "other", rate=10.0)
    with pytest.raises(FileError, match="8 dims at 10 Hz"):
        copying(Engine(device="cpu"), "tiny", other, paths)
