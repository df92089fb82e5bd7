"""What a run will take on this machine, found out before it begins: parameters, memory by kind, and time.

The time, and the memory for the backward pass, are measured on the model itself with tensors of the true shapes. Where
the whole model does not fit into the free memory, it is measured with one and with two blocks and extrapolated. That is
exact but for what the blocks share.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import torch

from musicgen_app import flow
from musicgen_app.backbones.base import Backbone
from musicgen_app.backbones.presets import build_backbone, configuration, trainable_parameters
from musicgen_app.machine.device import pick_device

if TYPE_CHECKING:
    from ..training.config import Training

BUDGET = 20.0  # seconds that the measurement may take, about
AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Estimate:
    """Bytes of memory on one device by kind, and seconds; `how` says what was measured."""

    parameters: int
    weights: int
    gradients: int
    optimizer: int
    average: int
    activations: int  # what autograd keeps of one micro-batch for the backward pass
    seconds_a_step: float
    steps: int
    how: str

    @property
    def memory(self) -> int:
        """All bytes together."""
        return self.weights + self.gradients + self.optimizer + self.average + self.activations

    @property
    def seconds(self) -> float:
        """Of the whole run, without preparing, checkpoints and validation."""
        return self.steps * self.seconds_a_step

    def to_dict(self) -> dict:
        return asdict(self) | {"memory": self.memory, "seconds": self.seconds}


@dataclass(frozen=True)
class Measured:
    """A model, measured: seconds of a micro-batch of `items` and of an optimizer step; bytes kept of an item."""

    micro: float
    optimizer: float
    kept: float
    items: int

    def per_block(self, other: Measured, blocks: int) -> Measured:
        """This model (one block) with `blocks` blocks, when `other` has two."""

        def line(a: float, b: float) -> float:
            return max(a, a + (blocks - 1) * (b - a))

        micro, optimizer = line(self.micro, other.micro), line(self.optimizer, other.optimizer)
        return Measured(micro, optimizer, line(self.kept, other.kept), self.items)


def estimate(training: Training, frames: int, tokens: int, world: int = 1, device: str = "auto") -> Estimate:
    """Estimate the run `training` on latents of `frames` frames and texts of `tokens` tokens, over `world` processes.

    Nothing is written. Raises RequestError for a device that is not there.
    """
    where = pick_device(device)
    with torch.device("meta"):
        parameters = trainable_parameters(build_backbone(training.preset, training.overrides))
    total = sum(phase.steps for phase in training.phases)
    fixed = {
        "parameters": parameters,
        "weights": 4 * parameters,
        "gradients": 4 * parameters,
        "optimizer": 8 * parameters,
        "average": 4 * parameters if training.ema else 0,
        "steps": total,
    }
    held = sum(fixed[name] for name in ("weights", "gradients", "optimizer"))
    fits = held * 1.5 < available(where)
    seconds, kept, notes = 0.0, 0.0, []
    for phase in training.phases:
        batch = -(-(phase.batch or training.batch) // world)
        micro = min(training.micro or batch, batch)
        length = min(phase.crop or frames, frames)
        found = (measure if fits else extrapolate)(training, where, micro, length, tokens)
        seconds += phase.steps * (found.micro * micro / found.items * batch / micro + found.optimizer)
        kept = max(kept, found.kept * micro)
        notes.append(f"{found.items} of {micro} items of {length} frames")
    model = "the model" if fits else "the model with one and two blocks, extrapolated (it does not fit whole)"
    how = f"measured on {where.type} in {training.precision}: {model}; {', '.join(dict.fromkeys(notes))}"
    return Estimate(**fixed, activations=round(kept), seconds_a_step=seconds / total, how=how)


def available(device: torch.device) -> int:
    """Bytes of memory that are free on a device."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    import psutil

    return psutil.virtual_memory().available


def extrapolate(training: Training, device: torch.device, micro: int, frames: int, tokens: int) -> Measured:
    """`measure` of a model too large to be tried, from the same with one and with two of its equal blocks."""
    sizes = configuration(training.preset, dict(training.overrides))
    joint = sizes.depth - getattr(sizes, "fused_depth", sizes.depth)
    blocks = sizes.depth - joint

    def small(count: int) -> Measured:
        depth = {"depth": joint + count} | ({"fused_depth": count} if hasattr(sizes, "fused_depth") else {})
        overrides = dict(training.overrides) | depth
        return measure(replace(training, overrides=overrides), device, micro, frames, tokens, BUDGET / 2)

    one, two = small(1), small(2)
    if one.items != two.items:  # compare like with like
        one, two = (replace(m, micro=m.micro / m.items, items=1) for m in (one, two))
    return one.per_block(two, blocks)


def measure(
    training: Training, device: torch.device, micro: int, frames: int, tokens: int, budget: float = BUDGET
) -> Measured:
    """Time micro-batches of up to `micro` items, as many as fit the budget of seconds, and an optimizer step."""
    with torch.random.fork_rng(devices=[]):
        model = build_backbone(training.preset, training.overrides).to(device).train()
        optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=0.0)
        kept = _kept(model, training.precision, _batch(model, 1, frames, tokens, device))
        first = _time(model, training.precision, _batch(model, 1, frames, tokens, device))  # the kernels are warm now
        items = micro if 2 * first * micro < budget else max(1, int(budget / 2 / first)) if first < budget / 2 else 1
        batch = _batch(model, items, frames, tokens, device)
        seconds = min(_time(model, training.precision, batch) for _ in range(2)) if first < budget else first
        optimizer.step()  # makes its state
        began = _now(device)
        optimizer.step()
        return Measured(seconds, _now(device) - began, kept, items)


def _batch(model: Backbone, items: int, frames: int, tokens: int, device: torch.device) -> tuple:
    """Random latents, times and text of the right shapes."""
    config = model.config
    vector = torch.randn(items, config.vector_dim, device=device) if hasattr(config, "vector_dim") else None
    text = torch.randn(items, tokens, config.text_dim, device=device)
    mask = torch.ones(items, tokens, dtype=torch.bool, device=device)
    x, t = torch.randn(items, frames, model.latent_dim, device=device), torch.rand(items, device=device)
    return x, t, text, mask, vector


def _loss(model: Backbone, precision: str, batch: tuple) -> torch.Tensor:
    x, t, *text = batch
    device = x.device.type
    with torch.autocast(device, AUTOCAST[precision]) if precision in AUTOCAST else nullcontext():
        return flow.velocity(model, x, t, model.condition(*text)).float().square().mean()


def _time(model: Backbone, precision: str, batch: tuple) -> float:
    """Seconds of a forward and a backward pass."""
    device = batch[0].device
    began = _now(device)
    _loss(model, precision, batch).backward()
    return _now(device) - began


def _kept(model: Backbone, precision: str, batch: tuple) -> int:
    """Bytes that autograd keeps of a forward pass, each piece of memory counted once, the weights not at all."""
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    pieces: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            pieces[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = _loss(model, precision, batch)
    del loss
    return sum(pieces.values())


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
