from __future__ import annotations

import numpy as np
import pytest
import torch

from ttm_trainer.training.optim import EMA, adamw, cosine, power_exponent, steps_down, warm


def average_after(ema: EMA, module: torch.nn.Module, values: np.ndarray) -> float:
    for step, value in enumerate(values):
        with torch.no_grad():
            module.weight.fill_(float(value))
        ema.update(module, step)
    return ema.average.weight.item()


def test_a_constant_decay_follows_the_weights() -> None:
    module = torch.nn.Linear(1, 1, bias=False)
    assert average_after(EMA(module, 0.9), module, np.full(200, 5.0)) == pytest.approx(5.0, abs=1e-3)


@pytest.mark.parametrize("sigma", [0.05, 0.1])
def test_the_power_average_has_its_relative_width(sigma: float) -> None:
    """Weights of the steps that the average is made of: their spread is sigma of the whole (Karras et al., eq. 10)."""
    steps, exponent = 4_000, power_exponent(sigma)
    place = (np.arange(steps) + 0.5) / steps
    weights = place**exponent
    mean = np.average(place, weights=weights)
    assert np.sqrt(np.average((place - mean) ** 2, weights=weights)) == pytest.approx(sigma, rel=0.01)
    module = torch.nn.Linear(1, 1, bias=False).double()
    found = average_after(EMA(module, None, sigma), module, place)  # the average of the places is their mean
    assert found == pytest.approx(mean, rel=1e-3)


def test_only_matrices_decay() -> None:
    module = torch.nn.Linear(3, 2)
    decays = {
        p.ndim: group["weight_decay"] for group in adamw([module], 1e-3, 0.1).param_groups for p in group["params"]
    }
    assert decays == {2: 0.1, 1: 0.0}


def test_schedules() -> None:
    assert [warm(step, 4) for step in (0, 3, 9)] == [0.25, 1.0, 1.0] and warm(0, 0) == 1.0
    assert cosine(10, 110, 10, 0.1) == 1.0 and cosine(60, 110, 10, 0.1) == pytest.approx(0.55)
    assert cosine(110, 110, 10, 0.1) == pytest.approx(0.1)
    assert [steps_down(step, 100, (0.8, 0.9)) for step in (79, 80, 90)] == pytest.approx([1, 0.1, 0.01])
