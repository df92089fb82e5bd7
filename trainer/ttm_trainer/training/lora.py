"""Training an adapter: a frozen model, and two thin matrices for every layer within its blocks.

While it is trained, a layer's weights are W + B A by a parametrization, so that every way of reading them sees the sum.
See `musicgen_app.models.adapters` for the format of what comes out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from musicgen_app.backbones.base import Backbone
from musicgen_app.errors import ModelError
from musicgen_app.models import installed
from musicgen_app.models.adapters import product, targets
from musicgen_app.models.bundle import WEIGHTS, load_backbone


class LowRank(nn.Module):
    """Weights (out, in, ...) -> the same plus B A: A (rank, in, ...) random, B (out, rank, ...) zero at first."""

    def __init__(self, weight: Tensor, rank: int, random: torch.Generator):
        super().__init__()
        out, *rest = weight.shape
        bound = 1 / math.sqrt(math.prod(rest))
        self.A = nn.Parameter(torch.empty(rank, *rest).uniform_(-bound, bound, generator=random))
        self.B = nn.Parameter(torch.zeros(out, rank, *[1] * (len(rest) - 1)))

    def forward(self, weight: Tensor) -> Tensor:
        return weight + product(self.A, self.B)


def base_sha256(name: str) -> str:
    """The SHA-256 of the weights of the generator `name`, which the adapter belongs to. Raises ModelError."""
    return installed.find(name).config["files"][WEIGHTS]


def attach(model: Backbone, name: str, rank: int, seed: int) -> None:
    """Put the weights of the installed model `name` into `model`, freeze them, and add an adapter to train.

    Raises ModelError for a model of other sizes.
    """
    state, own = load_backbone(installed.find(name)).state_dict(), model.state_dict()
    differ = [key for key in own | state if key not in own or key not in state or own[key].shape != state[key].shape]
    if differ:
        raise ModelError(f"an adapter of {name} needs a model of its very sizes, and {differ[0]} is of others")
    model.load_state_dict({key: value.to(own[key].dtype) for key, value in state.items()})
    model.requires_grad_(False)
    random = torch.Generator().manual_seed(seed)
    for layer in _adaptable(model):
        parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank, random))


def parts(model: nn.Module) -> nn.ModuleDict:
    """The trained part alone, the same modules: what checkpoints hold."""
    return nn.ModuleDict({name.replace(".", "/"): part for name, part in _low_rank(model)})


def factors(model: nn.Module) -> dict[str, tuple[Tensor, Tensor]]:
    """A and B of every layer, as `adapters.write_adapter` takes them: matrices in 16 bits where they fit into these."""
    return {name: (_half(part.A), _half(part.B)) for name, part in _low_rank(model)}


@torch.no_grad()
def merged(model: nn.Module) -> dict[str, Tensor]:
    """The state dict of the model itself, its weights the sums."""
    state, changed = model.state_dict(), dict(_low_rank(model))
    own = {name: value.clone() for name, value in state.items() if ".parametrizations." not in name}
    sums = {name: part(state[f"{name}.parametrizations.weight.original"]) for name, part in changed.items()}
    return own | {f"{name}.weight": value for name, value in sums.items()}


def _adaptable(model: nn.Module) -> list[Any]:
    """The layers within blocks; of a model without blocks all."""
    lists = tuple(f"{name}." for name, module in model.named_modules() if isinstance(module, nn.ModuleList))
    found = list(targets(model))
    return [layer for name, layer in found if name.startswith(lists)] or [layer for _, layer in found]


def _low_rank(model: nn.Module) -> Iterator[tuple[str, LowRank]]:
    for name, module in model.named_modules():
        if isinstance(module, LowRank):
            yield name.removesuffix(".parametrizations.weight.0"), module


def _half(value: Tensor) -> Tensor:
    value = value.detach().cpu()
    small = value.half()
    return small if torch.isfinite(small).all() else value
