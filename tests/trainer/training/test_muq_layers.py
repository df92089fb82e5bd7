"""REPA-MuQ through the frozen conformer: the layers, where gradients go, and what is kept."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from musicgen_app.errors import RequestError
from support.prepared_folder import write_tiny
from support.tiny_training import TINY
from ttm_trainer.training import muq_layers as module
from ttm_trainer.training.batch import Samples
from ttm_trainer.training.muq_layers import MuqLayers
from ttm_trainer.training.objective import new_objective

WIDTH = 16  # MuQ's is 1024


@pytest.fixture(scope="module")
def conformer():
    """Nine thin layers of MuQ's kind, with random weights."""
    from transformers import Wav2Vec2ConformerConfig
    from transformers.models.wav2vec2_conformer.modeling_wav2vec2_conformer import Wav2Vec2ConformerEncoder

    torch.manual_seed(0)
    config = Wav2Vec2ConformerConfig(
        hidden_size=WIDTH, num_hidden_layers=9, num_attention_heads=2, intermediate_size=8,
        position_embeddings_type="rotary", conv_depthwise_kernel_size=3,
    )  # fmt: skip
    return Wav2Vec2ConformerEncoder(config).eval()


def states(conformer, frames: torch.Tensor) -> list[torch.Tensor]:
    """What goes in, and what comes out of every layer."""
    found = [frames]
    hooks = [
        layer.register_forward_hook(lambda m, i, out: found.append(out[0] if isinstance(out, tuple) else out))
        for layer in conformer.layers
    ]
    with torch.no_grad():
        conformer(frames.clone())
    for hook in hooks:
        hook.remove()
    return found


def test_what_enters_layer_3_gives_what_layers_3_to_9_give(conformer):
    frames = torch.randn(2, 7, WIDTH, generator=torch.Generator().manual_seed(1))
    own = states(conformer, frames)
    found = MuqLayers(conformer)(own[2], torch.ones(2, 7, dtype=torch.bool))
    torch.testing.assert_close(found, torch.stack(own[3:10]).mean(dim=0), rtol=1e-4, atol=1e-5)


def test_frames_outside_of_the_mask_are_not_heard(conformer):
    frames, layers = torch.randn(1, 8, WIDTH, generator=torch.Generator().manual_seed(2)), MuqLayers(conformer)
    mask = torch.arange(8)[None] < 5
    other = frames.clone()
    other[:, 5:] = 100.0
    torch.testing.assert_close(layers(frames, mask)[:, :5], layers(other, mask)[:, :5])


def test_gradients_reach_the_head_and_nothing_frozen_is_trained_or_kept(conformer, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "Muq", lambda: type("Loaded", (), {"conformer": conformer}))
    module.Muq.rate = 25.0
    monkeypatch.setattr("ttm_trainer.training.objective.MUQ_WIDTH", WIDTH)
    training = replace(
        TINY, repa_clap=0.0, repa_muq=0.1, repa_muq_into="conformer", precision="fp32", clusters=("text", 1)
    )
    prepared = write_tiny(tmp_path / "prepared", muq=True, muq_dim=WIDTH)
    objective = new_objective(training, prepared)
    simple = new_objective(replace(training, repa_muq_into="features"), prepared)
    assert objective.state_dict().keys() == simple.state_dict().keys()
    assert len(list(objective.parameters())) == len(list(simple.parameters()))
    batch = Samples(training, prepared).batch(0)
    objective.train()
    parts = objective(batch)
    parts["muq"].sum().backward()
    assert objective.heads["muq"].project.weight.grad.abs().sum() > 0
    assert all(p.grad is None for layers in objective.frozen for p in layers.parameters())
    assert not any(layer.training for layers in objective.frozen for layer in layers.modules())
    assert not torch.allclose(parts["muq"], simple(batch)["muq"])


def test_latents_of_another_rate_are_refused(tmp_path):
    with pytest.raises(RequestError, match="hears 25 frames a second, these latents have 12.5"):
        module.muq_layers(write_tiny(tmp_path / "prepared", muq=True, rate=12.5))
