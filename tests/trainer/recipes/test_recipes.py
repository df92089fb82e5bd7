"""The papers' recipes hold the papers' numbers; options and data change them, and say so."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from musicgen_app.backbones.presets import build_backbone, trainable_parameters
from musicgen_app.errors import RequestError
from support.prepared_folder import write_tiny
from ttm_trainer.options import recipe_for
from ttm_trainer.recipes.fit_to_data import fitted, for_device
from ttm_trainer.recipes.papers import PAPER, RECIPES, SCORE_AWARE, UCSD_MAMBA, UT_AIST
from ttm_trainer.recipes.recipe import with_encoders
from ttm_trainer.training.timesteps import Beta


def test_ut_aist_is_the_papers() -> None:
    training = UT_AIST.training
    (phase,) = training.phases
    assert (training.batch, training.clusters, training.clip) == (32, ("text", 500), 1.0)
    assert (phase.steps, phase.lr, phase.warmup) == (600_000, 1e-4, 1_000)


def test_score_aware_is_the_papers() -> None:
    training, preparation = SCORE_AWARE.training, SCORE_AWARE.preparation
    first, second = training.phases
    assert (preparation.candidates, preparation.keep, preparation.high, preparation.medium) == (15, 6, 0.33, 0.20)
    assert training.captions == "styles"
    assert training.timesteps == Beta(1.0, "min-p75")
    assert (training.repa_clap, training.repa_muq, training.repa_alpha) == (0.2, 0, 2)
    assert (second.steps, second.fraction, second.styles) == (10_000, 0.4, ("rewritten",))
    assert first.lr == 1e-4 and first.warmup == 1_000 and training.weight_decay == 1e-6


def test_ucsd_mamba_is_the_papers() -> None:
    training = UCSD_MAMBA.training
    (phase,) = training.phases
    assert (phase.steps, phase.warmup, phase.crop, training.batch) == (300_000, 2_000, 328, 32)
    assert training.ema is None and UCSD_MAMBA.preparation.seconds is None
    assert (UCSD_MAMBA.sampler["solver"], UCSD_MAMBA.sampler["steps"], UCSD_MAMBA.sampler["guidance"]) == (
        "euler",
        100,
        3.5,
    )


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("ut-aist", 478_417_684),
        ("score-aware", 449_134_400),
        ("ucsd-mamba", 189_094_784),
        ("sketch", 22_071_488),
        ("sketch-mamba", 22_686_016),
    ],
)
def test_every_recipe_trains_the_papers_model(name: str, parameters: int) -> None:
    training = RECIPES[name].training
    with torch.device("meta"):
        assert trainable_parameters(build_backbone(training.preset, training.overrides)) == parameters


@pytest.mark.parametrize("name", RECIPES)
def test_every_origin_names_a_parameter_that_is_there(name: str) -> None:
    recipe = RECIPES[name]
    known = recipe.parameters()
    for origin in recipe.origins:
        assert any(whole == origin or whole.startswith(f"{origin}.") for whole in [*known, "model"]), origin
    assert name.startswith("sketch") or PAPER in {recipe.origin(parameter) for parameter in known}


@pytest.mark.parametrize("name", [name for name in RECIPES if name != "sketch"])
def test_every_recipe_runs_on_what_is_bundled(name: str) -> None:
    recipe = recipe_for(name, "sketch")
    sizes = recipe.parameters()
    assert sizes["model.latent_dim"] == 64 and sizes["model.text_dim"] == 512
    assert recipe.preparation.embedder == "aligner" and recipe.origin("preparation.encoders") == "--encoders"
    assert recipe.preparation.seconds is None or -1 <= recipe.preparation.medium <= recipe.preparation.high <= 1
    if name == "ucsd-mamba":  # 30 s, as before, at another rate
        assert recipe.training.phases[0].crop == round(328 * 12.5 / (44_100 / 4_096))


def test_fewer_steps_keep_the_proportions() -> None:
    recipe = recipe_for("score-aware", steps=2_100)
    assert [phase.steps for phase in recipe.training.phases] == [2_000, 100]
    assert [phase.warmup for phase in recipe.training.phases] == [200, 10]
    recipe = recipe_for("sketch", batch=64, lr=7e-3)
    first, second = recipe.training.phases
    assert (recipe.training.batch, first.batch, second.batch) == (64, None, 32)
    assert first.lr == 7e-3 and second.lr == pytest.approx(0.45 * 7e-3)


def test_what_small_data_cannot_give_is_changed_and_told(tmp_path) -> None:
    prepared = write_tiny(tmp_path, items=24, vector_dim=16)
    recipe, notes = fitted(recipe_for("ut-aist", "sketch", batch=4), prepared)
    assert recipe.training.clusters == ("text", 5) and any("5 clusters in place of 500" in note for note in notes)
    recipe, notes = fitted(recipe_for("score-aware", "sketch", batch=4), prepared)
    assert recipe.training.phases[1].styles is None and any("ttm-app captions" in note for note in notes)
    with pytest.raises(RequestError, match="500 clusters cannot be made"):
        fitted(recipe_for("sketch", "sketch", clusters=("text", 500)), prepared)


@pytest.mark.parametrize("fast", [True, False])
def test_bfloat16_is_left_to_devices_that_have_it(monkeypatch, fast) -> None:
    monkeypatch.setattr("ttm_trainer.recipes.fit_to_data.has_fast_bfloat16", lambda device: fast)
    recipe, notes = for_device(recipe_for("sketch"), "cpu")
    assert (recipe.training.precision, len(notes)) == (("bf16", 0) if fast else ("fp32", 1))
    for precision in ("bf16", "fp16", "fp32"):
        recipe, notes = for_device(recipe_for("sketch", precision=precision), "cpu")
        assert (recipe.training.precision, notes) == (precision, [])


def test_a_style_that_a_phase_names_is_kept_for_it(tmp_path) -> None:
    prepared = write_tiny(tmp_path, items=24, vector_dim=16, styles=("qwen", "rewritten"))
    recipe, _ = fitted(recipe_for("score-aware", "sketch", batch=4), prepared)
    assert [phase.styles for phase in recipe.training.phases] == [("qwen",), ("rewritten",)]


def test_a_recipe_that_leaves_the_tiers_to_its_embedder_takes_the_bundled_one() -> None:
    recipe = RECIPES["score-aware"]
    recipe = replace(recipe, preparation=replace(recipe.preparation, high=None, medium=None))
    preparation = with_encoders(recipe, "sketch").preparation
    assert (preparation.embedder, preparation.high, preparation.medium) == ("aligner", None, None)
