"""Where the encoders of a preparation are."""

from __future__ import annotations

from types import SimpleNamespace

import torch

from ttm_trainer.prepare.encoders import device_of


def test_a_codec_without_parameters_is_on_the_cpu():
    """A plug-in's codec need not be a module of PyTorch."""
    assert device_of(SimpleNamespace(sample_rate=8_000)) == torch.device("cpu")
    assert device_of(torch.nn.Linear(2, 2, device="meta")) == torch.device("meta")
