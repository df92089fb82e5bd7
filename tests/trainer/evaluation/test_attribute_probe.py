"""A classifier fitted on features that hold the answer, tested on others; labels, thresholds and their accuracy."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ttm_trainer.corpus.compose.instruments import DRUM_KITS, INSTRUMENTS
from ttm_trainer.evaluation.clips import attribute_probe


def clips(count: int, seed: int) -> tuple[np.ndarray, list[dict], list[str]]:
    """Features that hold genre, drums and piano with noise, of clips with such facts; three clips a track."""
    rng = np.random.default_rng(seed)
    genre, drums, piano = rng.integers(3, size=count), rng.random(count) < 0.5, rng.random(count) < 0.3
    x = np.stack([genre == 0, genre == 1, genre == 2, drums, piano], axis=1) + 0.2 * rng.standard_normal((count, 5))
    facts = [
        {"genre": ("jazz", "rock", "waltz")[g], "drums": bool(d), "instruments": ["piano"] if p else ["sub bass"]}
        for g, d, p in zip(genre, drums, piano, strict=True)
    ]
    return x, facts, [f"{seed}-{number // 3}" for number in range(count)]


def test_what_the_features_hold_is_told_of_unseen_clips():
    fitted = attribute_probe.fit(*clips(300, 0))
    x, facts, _ = clips(200, 1)
    told = list(zip((fitted.attributes(row) for row in x), facts, strict=True))
    assert np.mean([t["drums"] == f["drums"] for t, f in told]) > 0.95
    assert np.mean([t["genres"][0] == f["genre"] for t, f in told]) > 0.95
    assert np.mean([t["instruments"]["piano"] == (f["instruments"] == ["piano"]) for t, f in told]) > 0.9
    assert set(told[0][0]["instruments"]) == {"piano", "synth bass"}
    right = attribute_probe.accuracy(fitted, x, facts)
    json.dumps(right, allow_nan=False)
    assert right["drums"] > 0.95 and right["genre"]["top1"] > 0.95 and right["genre"]["top3"] == 1
    piano = right["instruments"]["each"]["piano"]
    assert piano["area"] > 0.95 and piano["heard where it is"] > 0.8 > 0.2 > piano["heard where it is not"]


def test_features_without_an_answer_are_no_better_than_chance():
    x, facts, tracks = clips(300, 0)
    noise = np.random.default_rng(5).standard_normal(x.shape)
    right = attribute_probe.accuracy(attribute_probe.fit(noise, facts, tracks), np.roll(noise, 7, axis=0), facts)
    assert 0.3 < right["drums"] < 0.7 and 0.35 < right["instruments"]["mean"]["area"] < 0.65


def test_what_is_too_rare_is_not_told():
    x, facts, tracks = clips(60, 0)
    facts = [{"genre": "jazz", "drums": f["drums"], "instruments": []} for f in facts]
    fitted = attribute_probe.fit(x, facts, tracks)
    assert fitted.labels == ("drums",) and fitted.attributes(x[0])["genres"] == ()
    with pytest.raises(ValueError, match="too few"):
        attribute_probe.fit(x[:4], facts[:4], tracks[:4])


def test_groups_are_of_instruments_of_the_corpus():
    known = {*INSTRUMENTS, *DRUM_KITS}
    assert {name for members in attribute_probe.INSTRUMENTS.values() for name in members} <= known
    assert (
        attribute_probe.groups_of("muted trumpet") == ("trumpet", "brass") and attribute_probe.groups_of("kazoo") == ()
    )
    covered = [name for name in known if attribute_probe.groups_of(name)]
    assert len(covered) > 0.95 * len(known)
