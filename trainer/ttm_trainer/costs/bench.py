"""How fast a recipe trains on this machine: this trainer's steps beside a plain PyTorch loop's, and the loader alone.

The plain loop is what one would write down first: the model of `musicgen_app.backbones.reference` in the same sizes,
stock AdamW, clipping, and an average of the weights that is updated parameter by parameter. Both loops read the same
batches by themselves. They run in turns, so that other work on the machine slows both. The data are files of zeros,
read from the page cache.
"""

from __future__ import annotations

import copy
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path

import torch
from torch import Tensor, nn

from musicgen_app import flow
from musicgen_app.backbones.presets import trainable_parameters
from musicgen_app.backbones.reference import plain_twin
from musicgen_app.bench.measure import peak_memory
from musicgen_app.machine.device import has_fast_bfloat16

from ..prepare.prepared_folder import Prepared
from ..recipes.fit_to_data import for_device
from ..recipes.recipe import Recipe, encoder_sizes, latent_rate
from ..runtime.distributed import assemble
from ..training.batch import Batch, Samples, prefetch
from ..training.config import Training
from ..training.loop import backward, clipped_norm, update
from ..training.objective import AUTOCAST
from ..training.optim import set_lr
from ..training.state import State
from .dry_run import WHOLE_FILE
from .synthetic_data import Shapes, write_sparse

TURN = 2  # steps of one loop before it is the other's turn
TRACKS, PER_TRACK = 55_701, 6  # of the challenge's training set


def measure(recipe: Recipe, seconds: float = 20.0, device: str = "auto", show: Callable[[str], None] = print) -> dict:
    """Samples a second of the trainer and, on a CPU, of the plain loop in the type it computes fast: `seconds` each.

    Raises RequestError for a device that is not there.
    """
    recipe, _ = for_device(recipe, device)
    shapes = shapes_of(recipe)
    phase = replace(recipe.training.phases[-1], styles=None, fraction=1.0, crop=None)
    batch = phase.batch or recipe.training.batch
    training = replace(recipe.training, phases=(phase,), clusters=("text", 1), repa_muq=0.0)
    team = assemble(device)
    with tempfile.TemporaryDirectory(prefix="ttm-app-bench-") as folder:
        prepared = write_sparse(Path(folder), max(64, 2 * batch), 2, shapes)
        samples, state = Samples(training, prepared), State(training, prepared, team)
        loops: dict[str, Callable[[int], None]] = {f"ttm-app, {training.precision}": partial(own_step, state, samples)}
        if team.device.type == "cpu":
            plain = PlainLoop(training, state, samples)
            precisions = ("fp32", "bf16") if has_fast_bfloat16(team.device) else ("fp32",)
            loops |= {f"plain loop, {precision}": partial(plain.step, precision) for precision in precisions}
        taken = take_turns(loops, seconds, show)
    rates = {name: batch / statistics.median(times) for name, times in taken.items()}
    own = next(iter(rates.values()))
    return {
        "recipe": recipe.name,
        "parameters": trainable_parameters(state.objective.model),
        "device": str(team.device),
        "threads": torch.get_num_threads(),
        "batch": batch,
        "frames": shapes.frames,
        "samples_per_second": rates,
        "faster_than": {name: own / rate for name, rate in list(rates.items())[1:]},
        "steps": {name: len(times) for name, times in taken.items()},
        "peak_bytes": peak_memory(),
    }


def loader(recipe: Recipe, seconds: float = 10.0) -> dict:
    """Opening a folder of the challenge's size (sparse files), and the samples a second that the loader makes of it."""
    training = replace(recipe.training, clusters=("text", 1), repa_muq=0.0)
    training = replace(training, phases=(replace(training.phases[0], styles=None, fraction=1.0),))
    batch = training.phases[0].batch or training.batch
    with tempfile.TemporaryDirectory(prefix="ttm-app-bench-") as folder:
        write_sparse(Path(folder), TRACKS, PER_TRACK, shapes_of(recipe))
        began = time.perf_counter()
        samples = Samples(training, Prepared(folder))
        opened = time.perf_counter() - began
        steps, began = 0, time.perf_counter()
        for steps, _ in prefetch(samples.batch, range(1_000_000)):
            if steps == 2:  # the first batches wait for nothing
                began = time.perf_counter()
            if steps > 4 and time.perf_counter() - began > seconds:
                break
        rate = (steps - 2) * batch / (time.perf_counter() - began)
    return {
        "items": TRACKS * PER_TRACK,
        "open_seconds": opened,
        "samples_per_second": rate,
        "peak_bytes": peak_memory(),
    }


def shapes_of(recipe: Recipe) -> Shapes:
    """What the data of a recipe look like."""
    encoders = recipe.preparation.encoders
    sizes, rate = encoder_sizes(encoders), latent_rate(encoders)
    frames = round((recipe.preparation.seconds or WHOLE_FILE) * rate)
    return Shapes(
        frames, sizes["latent_dim"], rate, sizes["text_len"], sizes["text_dim"], vector_dim=sizes.get("vector_dim", 0)
    )


def own_step(state: State, samples: Samples, step: int) -> None:
    """A step as `loop.train` does it, but for the prefetch."""
    set_lr(state.optimizer, state.training.rate(step))
    backward(state, step, samples.batch(step))
    clipped_norm(state)
    update(state, step)


class PlainLoop:
    """The plain model of the same sizes, its optimizer and its average."""

    def __init__(self, training: Training, state: State, samples: Samples):
        self.training, self.samples = training, samples
        model = state.objective.model
        self.sign = -1 if model.time_axis == "noise_at_one" else 1
        self.model = plain_twin(model)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4, betas=training.betas)

    def step(self, precision: str, step: int) -> None:
        batch = self.samples.batch(step)
        self.optimizer.zero_grad()
        for part in batch.parts(self.training.micro):
            (self.loss(part, precision) * (len(part.items) / len(batch.items))).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.training.clip)
        self.optimizer.step()
        with torch.no_grad():
            for mean, now in zip(self.average.parameters(), self.model.parameters(), strict=True):
                mean.mul_(0.999).add_(now, alpha=0.001)

    def loss(self, batch: Batch, precision: str) -> Tensor:
        x = flow.interpolate(batch.data, batch.noise, batch.t)
        t = 1 - batch.t if self.sign < 0 else batch.t
        kind = AUTOCAST[precision]
        with torch.autocast("cpu", kind) if kind else nullcontext():
            condition = self.model.condition(batch.tokens, batch.text_mask, batch.vector)
            velocity = self.sign * self.model(x, t, condition, batch.grid)
        return (velocity.float() - flow.target(batch.data, batch.noise)).square().mean()


def take_turns(
    loops: dict[str, Callable[[int], None]], seconds: float, show: Callable[[str], None] = print
) -> dict[str, list[float]]:
    """Seconds of the steps of each loop, after one that warms up: in turns of `TURN`, until each had its `seconds`."""
    taken: dict[str, list[float]] = {name: [] for name in loops}
    steps = {name: count() for name in loops}

    def run(name: str) -> float:
        began = time.perf_counter()
        loops[name](next(steps[name]))
        return time.perf_counter() - began

    for name in loops:
        show(f"{name}: first step {run(name):.2f} s")
    while any(sum(times) < seconds for times in taken.values()):
        for name, times in taken.items():
            times += [run(name) for _ in range(TURN)]
    return taken
