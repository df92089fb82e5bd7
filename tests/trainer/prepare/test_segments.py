from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen_app.errors import FileError
from ttm_trainer.data.track import Track, part_count, part_tracks
from ttm_trainer.prepare.config import Preparation
from ttm_trainer.prepare.score_report import fit_line, histogram, score_report
from ttm_trainer.prepare.stages.candidates import candidates
from ttm_trainer.prepare.stages.selection import Segments, keep, tiers
from ttm_trainer.runtime.stage_runner import check_settings, part_folder, write_part

PAPER = Preparation(high=0.33, medium=0.20)
SCORES = st.lists(st.floats(-1, 1, width=32), max_size=20).map(np.array)


def track(seconds: float | None = 200.0, name: str = "1", start: float = 0.0) -> Track:
    return Track(name, f"{name}.wav", "/music", start, seconds, {"qwen": ["piano"]}, split="train")


def test_candidates_are_random_stretches_within_the_track():
    found = candidates(track(start=5.0), PAPER)
    starts = np.array([start for start, _ in found])
    assert len(found) == 15 and {seconds for _, seconds in found} == {10.0}
    assert (np.diff(starts) > 0).all() and starts.min() >= 5.0 and starts.max() <= 195.0


def test_candidates_depend_on_seed_and_track_alone():
    assert candidates(track(), PAPER) == candidates(track(), replace(PAPER, high=0.5))
    assert candidates(track(), PAPER) != candidates(track(name="2"), PAPER)
    assert candidates(track(), PAPER) != candidates(track(), replace(PAPER, seed=1))


def test_candidates_cover_a_track_evenly():
    starts = np.concatenate([[s for s, _ in candidates(track(110.0, str(n)), PAPER)] for n in range(200)])
    counts = np.histogram(starts, bins=5, range=(0, 100))[0]
    assert abs(counts - 600).max() < 5 * np.sqrt(600)


@pytest.mark.parametrize("seconds", [0.4, 3.0, 10.0])
def test_a_track_no_longer_than_a_stretch_is_one_candidate(seconds):
    assert candidates(track(seconds, start=2.0), PAPER) == [(2.0, seconds)]


def test_whole_tracks_are_one_candidate():
    assert candidates(track(200.0), replace(PAPER, seconds=None)) == [(0.0, 200.0)]


def test_a_file_that_is_not_there_is_a_clear_error():
    with pytest.raises(FileError, match="/music/1.wav"):
        candidates(track(None), PAPER)


def test_tiers_of_the_paper():
    assert tiers(np.array([0.33, 0.3299, 0.20, 0.1999, np.nan]), 0.33, 0.20).tolist() == [2, 1, 1, 0, 0]


def test_six_of_the_high_tier_are_drawn_at_random():
    scores = np.array([0.9, 0.1, *[0.4] * 9, 0.3])
    drawn = [tuple(keep(scores, 0.33, 0.2, 6, np.random.default_rng(n))) for n in range(50)]
    assert all(len(places) == 6 and set(places) <= {0, *range(2, 11)} for places in drawn)
    assert len(set(drawn)) > 10 and any(0 not in places for places in drawn)  # the best one has no privilege


def test_fewer_high_ones_are_filled_up_with_the_best_medium_ones():
    scores = np.array([0.21, 0.4, 0.25, 0.19, 0.32, 0.31, 0.5, 0.22])
    assert keep(scores, 0.33, 0.2, 6, np.random.default_rng(0)).tolist() == [1, 2, 4, 5, 6, 7]
    assert keep(scores, 0.33, 0.2, 3, np.random.default_rng(0)).tolist() == [1, 4, 6]


@given(SCORES, st.integers(1, 8), st.integers(0, 3))
def test_the_rule_holds_for_any_scores(scores, count, seed):
    places = keep(scores, 0.33, 0.2, count, np.random.default_rng(seed))
    tier = tiers(scores, 0.33, 0.2)
    assert len(places) == min(count, (tier > 0).sum()) and (tier[places] > 0).all() and (np.diff(places) > 0).all()
    assert (tier[places] == 2).sum() == min(count, (tier == 2).sum())
    left = np.setdiff1d(np.flatnonzero(tier == 1), places)
    taken = places[tier[places] == 1]
    if len(left) and len(taken):
        assert scores[left].max() <= scores[taken].min()


@pytest.fixture
def folder(tmp_path):
    """Scores of 300 tracks, in many parts: of track n, n % 9 candidates high, two medium, one low."""
    tracks = [replace(track(name=str(n)), split="val" if n % 10 == 0 else "train") for n in range(300)]
    check_settings(tmp_path / "manifest", {})
    write_part(part_folder(tmp_path, "manifest", 0), {"tracks": [asdict(t) for t in tracks]})
    check_settings(tmp_path / "scores", {"manifest": "x"})
    for part in range(part_count(300)):
        rows = [(n, s) for n in part_tracks(part, 300) for s in [0.1, 0.25, 0.3] + [0.4] * (n % 9)]
        number, score = np.array([n for n, _ in rows], np.int32), np.array([s for _, s in rows], np.float32)
        start = np.arange(len(rows), dtype=np.float64)
        columns = {"track": number, "start": start, "seconds": np.full(len(rows), 10.0, np.float32), "score": score}
        write_part(part_folder(tmp_path, "scores", part), columns | {"audio": np.zeros((len(rows), 4), np.float16)})
    return tmp_path


def test_items_of_all_tracks_in_order(folder):
    rows = Segments(folder, PAPER)(0)
    counts = np.bincount(rows["track"], minlength=300)
    assert counts.tolist() == [min(6, n % 9 + 2) for n in range(300)]
    assert (np.diff(rows["track"]) >= 0).all() and (rows["score"] >= 0.2).all()
    assert ((rows["split"] == 1) == (rows["track"] % 10 == 0)).all()
    for part in range(part_count(300)):
        scores = np.load(part_folder(folder, "scores", part) / "start.npy")
        own = rows["part"] == part
        assert np.isin(rows["track"][own], part_tracks(part, 300)).all()
        assert (scores[rows["row"][own]] == rows["start"][own]).all() and (np.diff(rows["row"][own]) > 0).all()
    assert all(np.array_equal(rows[name], again) for name, again in Segments(folder, PAPER)(0).items())


def test_whole_tracks_are_all_kept(folder):
    rows = Segments(folder, replace(PAPER, seconds=None))(0)
    assert np.bincount(rows["track"], minlength=300).tolist() == [3 + n % 9 for n in range(300)]


def test_the_rule_is_part_of_the_settings(folder):
    assert Segments(folder, PAPER).settings == Segments(folder, replace(PAPER, muq=True)).settings
    assert Segments(folder, PAPER).settings != Segments(folder, replace(PAPER, high=0.4)).settings


def test_the_report_has_shares_and_a_picture(folder):
    preparation = replace(PAPER, medium=0.35, high=0.35)
    write_part(part_folder(folder, "segments", 0), Segments(folder, preparation)(0))
    report = score_report(folder, preparation)
    high = sum(n % 9 for n in range(300))
    assert report["candidates"] == high + 900 and report["high"] == pytest.approx(high / (high + 900))
    assert report["medium"] == 0 and report["low"] == pytest.approx(900 / (high + 900))
    assert report["tracks"] == 300 and report["tracks_without_items"] == sum(n % 9 == 0 for n in range(300))
    assert (folder / "segments/scores.png").read_bytes()[:4] == b"\x89PNG"


def test_tracks_without_a_stretch_that_fits_are_told_with_what_to_change(folder):
    assert fit_line(folder, PAPER) is None and fit_line(folder, replace(PAPER, seconds=None)) is None
    said = fit_line(folder, replace(PAPER, medium=0.35, high=0.35))
    none = sum(n % 9 == 0 for n in range(300))
    assert f"{none} of 300 tracks have no stretch that fits" in said and "0.30 to 0.30, below --medium 0.35" in said
    assert "with --medium 0.30 nine tracks of ten have one" in said
    assert fit_line(folder, replace(PAPER, medium=0.3, high=0.35)) is None


def test_histogram_of_hardly_any_scores(tmp_path):
    histogram(np.array([0.3], np.float32), 0.33, 0.2, tmp_path / "one.png")
    assert (tmp_path / "one.png").stat().st_size > 1000
