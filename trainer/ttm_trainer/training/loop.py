"""The training loop: prepared folder + settings -> checkpoints, and a model with averaged weights.

Every step: the batch of (seed, step), the gradient of its mean loss in micro-batches, clipping, AdamW, the average of
the weights. Nothing random is kept between steps, so a run that was killed, resumed, or spread over more processes goes
on with the numbers it would have had: bit for bit on the CPU with as many processes and threads, and the same
micro-batches.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from musicgen_app.backbones.presets import trainable_parameters
from musicgen_app.errors import GenerationError, RequestError

from ..prepare.prepared_folder import Prepared
from ..runtime.distributed import Team, assemble
from ..runtime.progress import Log
from ..runtime.randomness import seed_for
from ..runtime.run_folder import METRICS
from ..runtime.stopping import REASONS, Stop, only_one, verdict
from .batch import Batch, Samples, prefetch
from .config import EmaSettings, Phase, Training
from .optim import set_lr
from .state import State, starting_point
from .validation import Validation

__all__ = ["EmaSettings", "Phase", "Result", "Training", "train"]


@dataclass(frozen=True)
class Result:
    """Where a run is: the steps done, and whether these are all of them.

    stopped: why not ("SIGTERM", "Ctrl-C", "time limit", "stop_at"), else None; model: the averaged one, in evaluation
    mode; checkpoint: the last one written; adapter: its factors, where one was trained (the model has it in its
    weights).
    """

    step: int
    finished: bool
    stopped: str | None
    model: nn.Module
    checkpoint: Path | None
    adapter: dict[str, tuple[Tensor, Tensor]] | None = None


def train(
    training: Training,
    prepared: Prepared,
    out: Path,
    *,
    resume: str | Path = "auto",
    stop_at: int | None = None,
    max_hours: float | None = None,
    on_preview: Callable[[int, nn.Module], object] | None = None,
    device: str = "auto",
    shard: bool | None = None,
    show: Callable[[str], None] = print,
) -> Result:
    """Run, or go on with, a training run in the folder `out`.

    resume: "auto" goes on from the newest checkpoint in `out` if there is one; "never" refuses a folder that has one; a
    path is the checkpoint to go on from. stop_at: end at this step, keeping the schedule of the whole run; max_hours:
    end after this time. SIGTERM and Ctrl-C end the run after the step in flight, with a checkpoint. on_preview(step,
    model) is called in the main process at set steps and must leave the model as it is. device, shard: see `assemble`.

    Settings must be those of the checkpoint, but for what `config.harmless` lets through. Raises FileError (data,
    clusters or scores missing, another trainer in the folder, a full disk), ModelError (a checkpoint that is unusable
    or of other settings), RequestError, and GenerationError after `max_bad_steps` steps in a row without a finite
    gradient.
    """
    team = _team(training, device, shard)
    show = show if team.main else _silence
    end = min(stop_at or training.steps, training.steps)
    with only_one(out, team), Stop(max_hours) as stop:
        samples = Samples(training, prepared, team.rank, team.world)
        validation = Validation(prepared, training.validation_items, training.micro or training.batch, team)
        state = State(training, prepared, team, starting_point(out, resume))
        log = _log(state, end, out, show)
        show(_headline(state, prepared))
        if not state.looked:  # the run was stopped before it could
            _look(state, validation, on_preview, log, show)
        reason = None
        for step, batch in prefetch(samples.batch, range(state.step, end)):
            set_lr(state.optimizer, training.rate(step))
            losses = backward(state, step, batch)
            norm = clipped_norm(state)
            means, reason = _together(team, losses, stop)
            if math.isfinite(means["loss"]) and math.isfinite(norm):
                update(state, step)
            else:
                skip(state, step, losses["loss"], batch, prepared, show)
            state.step = step + 1
            log.step(state.step, training.samples(step), **means, gradient=norm, lr=training.rate(step))

            with log.paused():
                if looked := reason is None or state.step == training.steps:
                    _look(state, validation, on_preview, log, show)
                if reason is not None or state.step == end or _due(state.step, training.save_every):
                    state.save(out, log.window, looked)
            if reason is not None:
                show(f"{reason}: stopped after step {state.step}; run the same command to go on")
                break
        log.close()
        stopped = None if state.step == training.steps else reason or "stop_at"
        return Result(state.step, stopped is None, stopped, state.model(), state.saved, state.adapter())


def _team(training: Training, device: str, shard: bool | None) -> Team:
    """As `assemble`. RequestError where weights would be spread over processes in a way that the run cannot have."""
    team = assemble(device, shard)
    if team.shards and training.precision == "fp16":
        raise RequestError("FSDP does not scale gradients for fp16: use bf16")
    if team.shards and training.lora:
        raise RequestError("an adapter is too small for FSDP: start several processes without it")
    return team


def _log(state: State, end: int, out: Path, show: Callable[[str], None]) -> Log:
    path = out / METRICS if state.team.main else None
    return Log(path, state.step, end, show, state.training.log_every, out / "tensorboard", state.window)


def backward(state: State, step: int, batch: Batch) -> dict[str, Tensor]:
    """Leave the gradient of the mean loss over the global batch in the parameters; the losses of this share (b,).

    Dropout within the model is drawn anew for every (step, micro-batch, process).
    """
    training, team = state.training, state.team
    state.objective.train()
    state.optimizer.zero_grad(set_to_none=True)
    parts, found = batch.parts(training.micro), []
    for number, part in enumerate(parts):
        torch.manual_seed(seed_for(training.seed, step, "dropout", number * team.world + team.rank))
        last = number == len(parts) - 1
        with nullcontext() if last else team.unsynchronised(state.wrapped):
            losses = state.wrapped(part.to(team.device))
            state.scaler.scale(losses["loss"].sum() / len(batch.items)).backward()
        found.append({name: values.detach() for name, values in losses.items()})
    return {name: torch.cat([losses[name] for losses in found]) for name in found[0]}


def clipped_norm(state: State) -> float:
    """Clip the gradient to the norm of the settings; returns its norm before."""
    state.scaler.unscale_(state.optimizer)
    norm = nn.utils.clip_grad_norm_(state.objective.parameters(), state.training.clip)
    return float(norm.full_tensor() if hasattr(norm, "full_tensor") else norm)


def update(state: State, step: int) -> None:
    """One step of the optimizer, and of the average."""
    state.scaler.step(state.optimizer)
    state.scaler.update()
    state.bad_in_a_row = 0
    if state.ema:
        state.ema.update(state.objective.model, step)


def skip(
    state: State, step: int, losses: Tensor, batch: Batch, prepared: Prepared, show: Callable[[str], None]
) -> None:
    """Leave the weights as they are; GenerationError when that has happened too often in a row.

    An overflow of 16-bit gradients while the loss is finite only lowers their scale: that is how the scale is found.
    """
    state.scaler.update()
    bad = [int(item) for item, loss in zip(batch.items, losses, strict=True) if not math.isfinite(loss)]
    bad = [item for share in state.team.gather(bad) for item in share]
    if state.scaler.is_enabled() and not bad and state.scaler.get_scale() >= 1:
        show(f"step {step + 1}: 16-bit gradients overflow, scale lowered to {state.scaler.get_scale():g}")
        return
    state.skipped += 1
    state.bad_in_a_row += 1
    involved = bad or [item for share in state.team.gather(batch.items.tolist()) for item in share]
    names = ", ".join(f"{prepared.track(item)['id']} (item {item})" for item in involved[:8])
    what = "loss" if bad else "gradient"
    show(f"step {step + 1}: the {what} is not finite, update skipped; items {names}")
    if state.bad_in_a_row >= state.training.max_bad_steps:
        kept = f"; {state.saved.name} is intact" if state.saved else ""
        raise GenerationError(
            f"the {what} was not finite {state.bad_in_a_row} steps in a row, last at step {step + 1}, items {names}:"
            f" look at these items, lower the learning rate or use fp32{kept}"
        )


def _together(team: Team, losses: dict[str, Tensor], stop: Stop) -> tuple[dict[str, float], str | None]:
    """Mean losses over the global batch, and the reason to stop, if any; both are the same in all processes."""
    means = torch.stack([values.double().mean() for values in losses.values()]).cpu() / team.world
    sums = team.sum(torch.cat([means, stop.votes()])).tolist()
    return dict(zip(losses, sums[: -len(REASONS)], strict=True)), verdict(sums[-len(REASONS) :])


def _look(
    state: State,
    validation: Validation,
    on_preview: Callable[[int, nn.Module], object] | None,
    log: Log,
    show: Callable[[str], None],
) -> None:
    """Validation and previews, where they are due after this step."""
    training = state.training
    if _due(state.step, training.validate_every) or state.step == training.steps:
        _validate(state, validation, log, show)
    if on_preview and _due(state.step, training.preview_every):
        _preview(state, on_preview)


def _validate(state: State, validation: Validation, log: Log, show: Callable[[str], None]) -> None:
    measured = validation.loss(state.averaged)
    if measured:
        log.write({"step": state.step, **{name: round(value, 6) for name, value in measured.items()}})
        show(f"step {state.step}  " + "  ".join(f"{name} {value:.4f}" for name, value in measured.items()))


def _preview(state: State, on_preview: Callable[[int, nn.Module], object]) -> None:
    model = state.model()

    def hear() -> None:
        on_preview(state.step, model)

    state.team.on_main(hear)


def _due(step: int, every: int) -> bool:
    return every > 0 and step % every == 0


def _headline(state: State, prepared: Prepared) -> str:
    team = state.team
    size = trainable_parameters(state.objective.model) / 1e6
    several = f", {team.world} processes ({'FSDP' if team.shards else 'DDP'})" if team.world > 1 else ""
    return (
        f"{state.training.preset}: {size:.1f}M parameters on {team.device.type} in {state.training.precision}{several},"
        f" {len(prepared.items('train'))} items, step {state.step} of {state.training.steps}"
    )


def _silence(line: str) -> None:
    pass
