"""Clusters and their report on tiny prepared folders; the pictures and curves of training."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from musicgen_app.errors import FileError, RequestError
from support.prepared_folder import write_tiny
from ttm_trainer.prepare import clusters
from ttm_trainer.prepare.prepared_folder import Prepared
from ttm_trainer.runtime import charts
from ttm_trainer.training.cluster_sampler import ClusterBatches

pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Prepared:
    """60 items of 30 tracks in 3 genres, which are item // 2 % 3."""
    return write_tiny(tmp_path_factory.mktemp("prepared") / "data", items=60, genres=3)


@pytest.fixture
def silent():
    return lambda line: None


def same_partition(a: np.ndarray, b: np.ndarray) -> bool:
    return len(np.unique(np.stack([a, b]), axis=1).T) == len(np.unique(a)) == len(np.unique(b))


@pytest.mark.parametrize("by", ["text", "audio"])
def test_clusters_find_the_genres(prepared, by, silent):
    folder = clusters.make_clusters(prepared, by, 3, seed=1, batch=8, show=silent)
    assert folder == prepared.folder / "clusters" / f"{by}-3"
    labels = prepared.clusters(by, 3)
    assert labels.dtype == np.int32 and labels.shape == (60,)
    assert same_partition(labels, np.arange(60) // 2 % 3)
    facts = json.loads((folder / "report.json").read_text())
    assert facts["samples"] == len(prepared.items("train")) and sum(facts["sizes"]) == facts["samples"]
    assert (folder / "report.png").read_bytes().startswith(b"\x89PNG")


def test_text_clusters_are_of_tracks(prepared, silent):
    clusters.make_clusters(prepared, "text", 10, seed=0, show=silent)
    labels = prepared.clusters("text", 10)
    assert (labels[0::2] == labels[1::2]).all()


def test_the_same_seed_gives_the_same_clusters(prepared):
    vectors, _ = clusters.text_vectors(prepared)
    first = clusters.fit(vectors, 7, seed=5)
    np.testing.assert_array_equal(first, clusters.fit(vectors, 7, seed=5))
    assert set(first) <= set(range(7))


def test_text_vectors_are_means_over_the_chosen_styles(prepared):
    for styles in (None, ("qwen",)):
        vectors, owner = clusters.text_vectors(prepared, styles)
        for item in (0, 7, 59):
            expected = prepared.text_vectors(prepared.captions(item, styles)).mean(axis=0)
            np.testing.assert_allclose(vectors[owner[item]], expected, rtol=1e-5, atol=1e-6)


def test_audio_vectors_are_means_over_valid_frames(prepared):
    pooled = clusters.audio_vectors(prepared)
    for item in (0, 1, 59):
        n = int(prepared.frames[item])
        expected = prepared.latents(np.array([item]), n)[0][0].mean(dim=0)
        np.testing.assert_allclose(pooled[item], expected, rtol=1e-5, atol=1e-6)


def test_standardised_channels():
    vectors = np.random.default_rng(0).normal(3, [1, 10, 0], (50, 3))
    weights = np.arange(50)
    even = clusters.standardised(vectors, weights)
    np.testing.assert_allclose(np.average(even, axis=0, weights=weights), 0, atol=1e-5)
    np.testing.assert_allclose(np.average(even[:, :2] ** 2, axis=0, weights=weights), 1, rtol=1e-5)


def test_all_vectors_count_in_every_round_where_they_fit_into_memory(monkeypatch):
    import sklearn.cluster

    used = []
    for name in ("KMeans", "MiniBatchKMeans"):
        kind = getattr(sklearn.cluster, name)
        monkeypatch.setattr(
            sklearn.cluster, name, lambda *a, kind=kind, name=name, **k: used.append(name) or kind(*a, **k)
        )
    vectors = np.random.default_rng(0).standard_normal((60, 4)).astype(np.float32)
    clusters.fit(vectors, 3, 0)
    monkeypatch.setattr(clusters, "FULL", vectors.nbytes - 1)
    clusters.fit(vectors, 3, 0)
    assert used == ["KMeans", "MiniBatchKMeans"]


def test_what_weighs_nothing_shapes_nothing():
    """Held-out vectors are labelled, but moving them moves no cluster."""
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((40, 4)).astype(np.float32)
    weights = np.array([2] * 30 + [0] * 10)
    labels = clusters.fit(vectors, 3, 0, weights)
    vectors[30:] += 100
    np.testing.assert_array_equal(clusters.fit(vectors, 3, 0, weights)[:30], labels[:30])


@pytest.mark.parametrize("by", ["text", "audio"])
def test_training_items_alone_shape_the_clusters(prepared, by, silent, monkeypatch):
    """By text a track counts as often as it has training items; audio channels are standardised over them."""
    seen = []
    fit = clusters.fit
    monkeypatch.setattr(clusters, "fit", lambda *given: seen.append(given) or fit(*given))
    folder = clusters.make_clusters(prepared, by, 6, seed=4, show=silent)
    (vectors, k, seed, weights) = seen[0]
    assert (k, seed) == (6, 4)
    train = np.isin(np.arange(60), prepared.items("train"))
    assert train.sum() == 56  # 2 tracks of 2 items are held out
    np.testing.assert_array_equal(weights, train.reshape(30, 2).sum(axis=1) if by == "text" else train)
    if by == "audio":
        np.testing.assert_allclose(vectors[train].mean(axis=0), 0, atol=1e-5)
        np.testing.assert_allclose(vectors[train].std(axis=0), 1, rtol=1e-5)
    sources = json.loads((folder / "settings.json").read_text())["from"]
    assert sources.keys() == {"segments", "text" if by == "text" else "latents"}


def test_fewer_different_vectors_than_clusters_leave_some_empty():
    vectors = np.repeat(np.eye(3, dtype=np.float32), 10, axis=0)
    labels = clusters.fit(vectors, 8, 0)
    assert same_partition(labels, np.arange(30) // 10)
    assert clusters.report(labels, 4)["clusters"] == 3


def test_the_report_counts_what_batches_do():
    sizes = [100, 40, 9, 3]
    labels = np.repeat(np.arange(4), sizes)
    facts = clusters.report(labels, 8)
    assert facts["sizes"] == sizes and facts["smallest"] == 3 and facts["small_clusters"] == 1
    assert facts["plain_rule"] == {"wasted": 4 + 0 + 1 + 3, "never_used": 3} and facts["share_left"] == 8 / 152
    batches = ClusterBatches(labels, 8, seed=0)
    given = [8 * (batches.first_step(e)) for e in range(9)]
    waiting = [152 * e - g for e, g in enumerate(given)]
    assert waiting[1] == facts["deferred"]["first_epoch"] == 8
    assert np.mean(waiting[1:]) == facts["deferred"]["mean"]
    assert waiting[8] == facts["deferred"]["lost"] == 0
    small = next(e for e in range(9) if any(labels[batches.batch(s)[0]] == 3 for s in range(given[e] // 8)))
    assert small == facts["longest_wait"] == 3


def test_too_fine_clusters_are_warned_of(prepared):
    lines = []
    clusters.make_clusters(prepared, "audio", 20, batch=16, show=lines.append)
    assert any("none is lost" in line for line in lines)
    assert lines[-1].startswith("warning: ") and "in batches of 16" in lines[-1]
    assert clusters.warning(clusters.report(np.arange(3200) % 10, 32)) is None


def test_the_report_follows_the_batch_and_the_labels_stay(prepared, silent):
    folder = clusters.make_clusters(prepared, "text", 4, batch=8, show=silent)
    before = (folder / "00000" / "labels.npy").stat().st_mtime_ns
    clusters.make_clusters(prepared, "text", 4, batch=16, show=silent)
    assert json.loads((folder / "report.json").read_text())["batch"] == 16
    assert (folder / "00000" / "labels.npy").stat().st_mtime_ns == before


def test_other_settings_are_refused(prepared, silent):
    clusters.make_clusters(prepared, "text", 5, seed=0, show=silent)
    with pytest.raises(FileError, match="seed was 0, now 1"):
        clusters.make_clusters(prepared, "text", 5, seed=1, show=silent)
    with pytest.raises(FileError, match="styles"):
        clusters.make_clusters(prepared, "text", 5, seed=0, show=silent, styles=("qwen",))


@pytest.mark.parametrize(("by", "k"), [("mood", 3), ("text", 0), ("audio", 57)])
def test_impossible_clusters_are_refused(prepared, by, k, silent):
    with pytest.raises(RequestError):
        clusters.make_clusters(prepared, by, k, show=silent)
    assert not (prepared.folder / "clusters" / f"{by}-{k}").exists()


def metrics(path: Path, rows: list[dict], tail: str = "") -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows) + tail, encoding="utf-8")
    return path


def test_curves_of_one_and_of_several_runs(tmp_path):
    rows = [{"step": n, "loss": 1 / n, "lr": 1e-4, "gradient": 1.0, "memory": 3} for n in range(1, 400)]
    rows[99] |= {"val": 0.5, "val_shuffled": 0.6, "clap": 0.9}
    one = metrics(tmp_path / "one.jsonl", rows)
    few = metrics(tmp_path / "few.jsonl", [{"step": 1, "loss": 2.0}])
    charts.curves(one, tmp_path / "one.png")
    charts.curves({"one": one, "few": few}, tmp_path / "two.png")
    charts.curves({f"run {n}": one for n in range(8)}, tmp_path / "two.png")  # replaces it
    assert all((tmp_path / name).read_bytes().startswith(b"\x89PNG") for name in ("one.png", "two.png"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["few.jsonl", "one.jsonl", "one.png", "two.png"]


def test_metrics_are_read_as_they_are_written(tmp_path):
    """A resumed run logs steps again, the last line may be half there, and a loss may not be finite."""
    rows = [{"step": 1, "loss": 3.0}, {"step": 2, "loss": 2.0}, {"step": 2, "loss": 1.0}]
    rows += [{"step": 3, "loss": float("nan"), "val": None}, {"step": 4, "loss": 0.5, "val": 0.7}]
    found = charts.read_metrics(metrics(tmp_path / "metrics.jsonl", rows, tail='{"step": 5, "lo'))
    assert found.keys() == {"loss", "val"}
    assert [x.tolist() for x in found["loss"]] == [[1, 2, 4], [3.0, 1.0, 0.5]]
    assert [x.tolist() for x in found["val"]] == [[4], [0.7]]


@pytest.mark.parametrize("text", ["", "not json\n{}\n", "[1]\n[2]\n", '{"loss": 1}\n{"loss": 2}\n', '{"step": 1}\n'])
def test_metrics_that_are_none_are_refused(tmp_path, text):
    path = tmp_path / "metrics.jsonl"
    path.write_text(text)
    with pytest.raises(FileError, match="metrics"):
        charts.curves(path, tmp_path / "out.png")
    with pytest.raises(FileError, match="cannot be read"):
        charts.curves(tmp_path / "none.jsonl", tmp_path / "out.png")
    assert not (tmp_path / "out.png").exists()
