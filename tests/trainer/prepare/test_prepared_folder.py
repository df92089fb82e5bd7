from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from musicgen_app.errors import FileError
from support.prepared_folder import write_tiny
from ttm_trainer.costs.synthetic_data import Shapes, write_sparse
from ttm_trainer.prepare.prepared_folder import Prepared
from ttm_trainer.runtime.stage_runner import load_part

TRACKS, PER_TRACK = 55_701, 6  # of the challenge


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("prepared")
    write_tiny(folder, muq=True, muq_dim=6)
    return folder


@pytest.fixture
def prepared(folder) -> Prepared:
    return Prepared(folder)


def raw_item(folder: Path, item: int, stage: str = "latents", part_items: int = 10) -> np.ndarray:
    """The stored values of an item, found without `Prepared`."""
    rows = load_part(folder, stage, item // part_items)
    offsets = rows["offsets"]
    return np.array(rows["values"][offsets[item % part_items] : offsets[item % part_items + 1]], dtype=np.float32)


def test_items_of_a_split(prepared):
    assert len(prepared) == 24 and prepared.latent_dim == 8 and prepared.latent_rate == 25.0
    assert prepared.items("train").tolist() == list(range(20)) and prepared.items("val").tolist() == [20, 21, 22, 23]
    assert prepared.items("test").tolist() == [] and prepared.items("train").dtype == np.int64
    assert prepared.tracks.tolist() == [n // 2 for n in range(24)]
    assert (prepared.frames[::2] == 20).all() and (prepared.frames <= 20).all() and (prepared.frames > 0).all()
    assert prepared.channel_weights.tolist() == [1.0] * 8


def test_latents_are_the_stored_ones_normalised_masked_and_zero_behind_the_end(prepared, folder):
    items = np.array([23, 1, 10, 1, 7])  # of several parts, one twice
    latents, mask = prepared.latents(items, 18)
    mean, std = (np.float32(prepared.meta["latent"][name]) for name in ("mean", "std"))
    for row, item in enumerate(items):
        n = min(18, prepared.frames[item])
        expected = (raw_item(folder, item)[:n] - mean) / std
        np.testing.assert_allclose(latents[row, :n], expected, rtol=1e-5, atol=1e-5)
        assert mask[row].tolist() == [True] * n + [False] * (18 - n)
        assert not latents[row, n:].any()
    assert latents.dtype == torch.float32 and mask.dtype == torch.bool


def test_latents_from_a_frame_on(prepared, folder):
    whole, _ = prepared.latents([3, 12], 20)
    crops, mask = prepared.latents([3, 12], 6, np.array([2, 9]))
    np.testing.assert_array_equal(crops[0], whole[0, 2:8])
    np.testing.assert_array_equal(crops[1], whole[1, 9:15])
    end = int(prepared.frames[3])
    crop, mask = prepared.latents([3], 5, np.array([end - 2]))
    assert mask.tolist() == [[True, True, False, False, False]] and not crop[0, 2:].any()
    _, mask = prepared.latents([3], 5, np.array([end + 4]))
    assert not mask.any()


def test_all_training_latents_have_no_mean_and_unit_deviation(prepared):
    latents, mask = prepared.latents(np.arange(len(prepared)), 20)
    assert latents[mask].mean(0).abs().max() < 1e-5 and (latents[mask].std(0, correction=0) - 1).abs().max() < 1e-5


def test_captions_of_an_item_by_style(prepared, folder):
    parts = sorted(int(path.name) for path in (folder / "text").iterdir() if path.name.isdigit())
    words = [row["caption"] for part in parts for row in load_part(folder, "text", part)["captions"]]
    both = ["qwen caption of track 7", "flamingo caption of track 7"]
    assert [words[n] for n in prepared.captions(14)] == both and prepared.styles == ("qwen", "flamingo")
    assert [words[n] for n in prepared.captions(14, ["flamingo"])] == both[1:]
    with pytest.raises(FileError, match="no captions of style 'short'.*qwen, flamingo"):
        prepared.captions(0, ["short"])


def test_items_without_frames_or_captions_are_left_out(tmp_path):
    write_tiny(tmp_path, items=8, part_tracks=2, val=0)
    offsets = np.load(tmp_path / "latents/00000/offsets.npy")
    offsets[2:4] = offsets[1]  # items 1 and 2 have none, item 3 has theirs
    np.save(tmp_path / "latents/00000/offsets.npy", offsets)
    style = np.load(tmp_path / "text/00001/style.npy")
    style[2:] = 0  # the last track has no flamingo caption
    np.save(tmp_path / "text/00001/style.npy", style)
    prepared = Prepared(tmp_path)
    assert prepared.items("train").tolist() == [0, 3, 4, 5, 6, 7]
    assert prepared.items("train", ["flamingo"]).tolist() == [0, 3, 4, 5]


@pytest.mark.parametrize("real_padding", [False, True])
def test_text_of_a_fixed_length(tmp_path, real_padding):
    prepared = write_tiny(tmp_path, length=10, real_padding=real_padding)
    numbers = np.array([20, 0, 13])  # ten captions a part
    text = prepared.text(numbers)
    assert text.tokens.shape == (3, 10, 16) and text.vector.shape == (3, 16) and text.tokens.dtype == torch.float32
    for row, number in enumerate(numbers):
        rows = load_part(tmp_path, "text", number // 10)
        n, stored = rows["lengths"][number % 10], raw_item(tmp_path, number, "text")
        assert text.mask[row].sum() == n and text.mask[row, :n].all() and len(stored) == (10 if real_padding else n)
        np.testing.assert_array_equal(text.tokens[row, : len(stored)], stored)
        assert not text.tokens[row, len(stored) :].any()
        np.testing.assert_array_equal(text.vector[row], rows["vectors"][number % 10].astype(np.float32))


def test_text_as_long_as_the_longest_of_the_batch_and_without_a_vector(tmp_path):
    prepared = write_tiny(tmp_path, length=None, vector_dim=0)
    for numbers in ([0, 1, 2], [3]):
        text = prepared.text(np.array(numbers))
        assert text.vector is None and text.tokens.shape[1] == text.mask.sum(1).max()
    assert prepared.text_vectors(np.array([0, 5])).shape == (2, 12)  # the embedder's, for clusters
    tokens, vector = prepared.null_text()
    assert tokens.shape == (1, 16) and vector is None


def test_vectors_keep_the_order_asked_for(prepared, folder):
    items = np.array([22, 0, 11, 5, 0])
    audio = prepared.audio_vectors(items)
    for row, item in enumerate(items):
        stored = load_part(folder, "scores", item // 10)["audio"][item % 10]
        np.testing.assert_array_equal(audio[row], stored.astype(np.float32))
    np.testing.assert_allclose(np.linalg.norm(audio, axis=1), 1, atol=2e-3)


def test_muq_frames_at_the_rate_of_the_latents(prepared, folder):
    found = prepared.muq(np.array([4, 13]), np.array([3, 0]), 8)
    for row, (item, first) in enumerate(((4, 3), (13, 0))):
        np.testing.assert_allclose(found[row], raw_item(folder, item, "muq")[first : first + 8], rtol=1e-6)


def test_muq_frames_are_interpolated_to_another_rate(tmp_path):
    prepared = write_tiny(tmp_path, rate=12.5, muq=True, muq_dim=6, ragged=False)
    found, stored = prepared.muq(np.array([2]), np.array([1]), 3)[0], raw_item(tmp_path, 2, "muq")
    np.testing.assert_allclose(found, [(stored[n] + stored[n + 1]) / 2 for n in (2, 4, 6)], rtol=1e-3, atol=1e-3)
    beyond = prepared.muq(np.array([2]), np.array([100]), 2)[0]
    np.testing.assert_allclose(beyond, stored[[-1, -1]], rtol=1e-6)


def test_what_was_not_prepared_says_so(tmp_path):
    prepared = write_tiny(tmp_path)
    with pytest.raises(FileError, match="no MuQ features"):
        prepared.muq(np.array([0]), np.array([0]), 4)
    with pytest.raises(FileError, match="no 50 clusters by text.*--clusters text-50"):
        prepared.clusters("text", 50)
    assert not prepared.clusters("text", 1).any() and len(prepared.clusters("audio", 1)) == 24
    labels = tmp_path / "clusters/text-50/00000"
    labels.mkdir(parents=True)
    np.save(labels / "labels.npy", np.arange(24, dtype=np.int32))
    assert prepared.clusters("text", 50).tolist() == list(range(24))
    np.save(labels / "labels.npy", np.arange(7, dtype=np.int32))
    with pytest.raises(FileError, match="of 7 items, not 24"):
        prepared.clusters("text", 50)


def test_manifest_rows_and_null_text(prepared):
    assert prepared.track(0)["id"] == "0000" and prepared.track(23)["id"] == "0011"
    tokens, vector = prepared.null_text()
    assert tokens.shape == (10, 16) and vector.shape == (16,) and tokens.dtype == torch.float32


def test_without_scores_they_are_nan(tmp_path):
    assert np.isnan(write_tiny(tmp_path, scores=False).scores).all()


def test_damaged_folders_are_refused(tmp_path):
    with pytest.raises(FileError, match="no finished prepared folder.*ttm-app prepare"):
        Prepared(tmp_path)
    write_tiny(tmp_path)
    offsets = tmp_path / "latents/00001/offsets.npy"
    whole = offsets.read_bytes()
    np.save(offsets, np.load(offsets)[:-1])
    with pytest.raises(FileError, match="latents/00001 holds 9 items, but 10"):
        Prepared(tmp_path)
    offsets.write_bytes(whole[:40])
    with pytest.raises(FileError, match="offsets.npy cannot be read"):
        Prepared(tmp_path)
    offsets.write_bytes(whole)
    meta = json.loads((tmp_path / "prepared.json").read_text())
    (tmp_path / "prepared.json").write_text(json.dumps(meta | {"schema": 9}))
    with pytest.raises(FileError, match="schema 9"):
        Prepared(tmp_path)
    (tmp_path / "prepared.json").write_text("{")
    with pytest.raises(FileError, match="cannot be read"):
        Prepared(tmp_path)


def test_values_cut_short_do_not_load(tmp_path):
    prepared = write_tiny(tmp_path)
    values = tmp_path / "latents/00000/values.npy"
    values.write_bytes(values.read_bytes()[:-100])
    with pytest.raises(FileError, match="values.npy cannot be read"):
        prepared.latents([0], 5)


OPEN = """
import sys
import numpy as np, torch
from musicgen_app.bench.measure import peak_memory
from ttm_trainer.prepare.prepared_folder import Prepared
prepared = Prepared(sys.argv[1])
items = np.random.default_rng(0).choice(prepared.items("train"), 64)
latents, mask = prepared.latents(items, 250)
text = prepared.text(np.array([prepared.captions(item)[0] for item in items]))
assert latents.shape == (64, 250, 64) and mask.all() and text.tokens.shape == (64, 77, 1024)
print(len(prepared), peak_memory())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs sparse files and a peak of memory")
def test_the_whole_challenge_set_opens_in_little_memory(tmp_path):
    """Sparse files of the true size: 55,701 tracks x 6 items of 250 x 64, 2 captions of 77 x 1,024."""
    write_sparse(tmp_path, TRACKS, PER_TRACK, Shapes())
    logical = sum(path.stat().st_size for path in tmp_path.rglob("values.npy"))
    stored = sum(path.stat().st_blocks * 512 for path in tmp_path.rglob("*.npy"))
    assert logical > 28e9 > 1e9 > stored
    command = [sys.executable, "-c", OPEN, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    count, memory = map(int, done.stdout.split())
    assert count == TRACKS * PER_TRACK and memory < 2 << 30, done.stdout
