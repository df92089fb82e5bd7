"""What a run will take, and how fast it is: that the numbers mean what they say, not how large they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from musicgen_app import cli
from ttm_trainer.costs import bench
from ttm_trainer.costs.estimate import estimate
from ttm_trainer.costs.synthetic_data import Shapes, write_sparse
from ttm_trainer.options import recipe_for
from ttm_trainer.recipes.recipe import Recipe
from ttm_trainer.training.config import Training

pytestmark = pytest.mark.slow

SIZES = {"hidden": 32, "depth": 2, "fused_depth": 1, "heads": 1, "mlp_width": 32}


@pytest.fixture
def small() -> Recipe:
    recipe = recipe_for("sketch", "sketch", batch=4, precision="fp32")
    for name, size in SIZES.items():
        recipe = recipe.changed(f"model.{name}", str(size))
    return recipe


def test_memory_is_counted_by_kind(small: Recipe) -> None:
    training = replace(small.training, micro=2)
    found = estimate(training, frames=20, tokens=48, device="cpu")
    assert found.weights == found.gradients == found.average == 4 * found.parameters
    assert found.optimizer == 8 * found.parameters and found.steps == training.steps
    assert estimate(replace(training, micro=1), 20, 48, device="cpu").activations == found.activations // 2
    assert found.seconds == pytest.approx(found.steps * found.seconds_a_step)


def test_the_plain_loop_trains_the_same_model(small: Recipe, tmp_path) -> None:
    """Without dropped texts both have the loss of the same weights on the same batch."""
    from ttm_trainer.runtime.distributed import assemble
    from ttm_trainer.training.batch import Samples
    from ttm_trainer.training.state import State

    training = Training(
        small.training.preset, small.training.overrides, batch=4, drop=0.0, precision="fp32", ema=None,
    )  # fmt: skip
    prepared = write_sparse(tmp_path, 8, 2, bench.shapes_of(small))
    samples, state = Samples(training, prepared), State(training, prepared, assemble("cpu"))
    plain = bench.PlainLoop(training, state, samples)
    plain.model.load_state_dict(state.objective.model.state_dict())
    batch = samples.batch(0)
    assert plain.loss(batch, "fp32").item() == pytest.approx(state.objective(batch)["loss"].mean().item(), rel=1e-4)


def test_the_command_compares_loops_and_loader(small: Recipe, capsys, monkeypatch) -> None:
    monkeypatch.setattr("ttm_trainer.options.recipe_for", lambda *options, **more: small)
    monkeypatch.setattr(bench, "TRACKS", 40)
    assert cli.run(["train", "bench", "--seconds", "1", "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert "plain loop, fp32" in said and "x as fast" in said and "a folder of 240 items" in said


def test_files_of_zeros_take_no_room_and_open(tmp_path) -> None:
    prepared = write_sparse(tmp_path, 600, 6, Shapes(vector_dim=0), val=100)
    assert (len(prepared), len(prepared.items("val"))) == (3_600, 600)
    stored = sum(path.stat().st_blocks * 512 for path in tmp_path.rglob("*.npy"))
    assert stored < 1 << 20 < sum(path.stat().st_size for path in tmp_path.rglob("*.npy"))
    assert prepared.latents([0, 3_599], 250)[0].shape == (2, 250, 64) and prepared.null_text()[1] is None
