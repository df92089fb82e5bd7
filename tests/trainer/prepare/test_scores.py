"""The stage "scores": which captions a segment is scored by."""

from __future__ import annotations

import json

import numpy as np

from support.fake_embedder import FakeEmbedder
from ttm_trainer.data.track import Track
from ttm_trainer.prepare.config import Preparation
from ttm_trainer.prepare.stages.scores import Scores
from ttm_trainer.runtime.stage_runner import SETTINGS


def scores(tmp_path, *captions: dict[str, list[str]]) -> Scores:
    stage = Scores(tmp_path, Preparation())
    stage.tracks = [Track(str(i), f"{i}.wav", "", captions=own) for i, own in enumerate(captions)]
    stage.embedder = FakeEmbedder()
    stage.made_from = lambda stage: "0"
    return stage


def test_a_style_that_is_rewritten_later_moves_no_score(tmp_path):
    plain = {"qwen": ["a low tone"], "flamingo": ["a top tone"]}
    before = scores(tmp_path, plain)._meanings(0)[0]
    after = scores(tmp_path, plain | {"rewritten": ["high", "high and high"]})._meanings(0)[0]
    np.testing.assert_array_equal(before, after)


def test_captions_that_are_all_there_is_count(tmp_path):
    stage = scores(tmp_path, {"rewritten": ["a low tone"]}, {"qwen": ["a top tone"], "rewritten": ["high"]})
    found = stage._meanings(0) | stage._meanings(1)
    np.testing.assert_array_equal(found[0], FakeEmbedder().text(["a low tone"])[0])
    np.testing.assert_array_equal(found[1], FakeEmbedder().text(["a top tone"])[0])


def test_scores_that_an_earlier_version_began_go_on_as_they_began(tmp_path):
    captions = {"qwen": ["a low tone"], "rewritten": ["a top tone"]}
    fresh = scores(tmp_path, captions)
    assert not fresh.every_style and fresh.settings["without"] == "rewritten"
    (tmp_path / "scores").mkdir()
    (tmp_path / "scores" / SETTINGS).write_text(json.dumps({"candidates": 15}))
    begun = scores(tmp_path, captions)
    assert begun.every_style and "without" not in begun.settings
    np.testing.assert_allclose(begun._meanings(0)[0], FakeEmbedder().text(["a low tone", "a top tone"]).mean(axis=0))
