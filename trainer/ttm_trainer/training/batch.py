"""The batch of a training step: prepared folder + (seed, step) -> latents, noise, times, text and targets.

Which items, crops, captions, noise and times a step has is a pure function of the settings and the step, drawn for the
whole (global) batch; each process then reads its own share only. So one or many processes see the same batch, and a
run that was killed goes on with exactly the batch it would have had.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from operator import itemgetter
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor

from musicgen_app.control.grid import GIVEN
from musicgen_app.errors import FileError

from ..prepare.prepared_folder import Prepared
from ..runtime.randomness import generator, noise, rng, seed_for
from . import timesteps
from .cluster_sampler import ClusterBatches, batches_of, rank_slice
from .config import Training

T = TypeVar("T")


class Batch(NamedTuple):
    """B samples, T frames, D latent channels, S text tokens; what is not used is None."""

    items: Tensor  # (B,) int64, item numbers of the prepared folder
    data: Tensor  # (B, T, D) normalised latents, zero behind an item's end
    mask: Tensor  # (B, T) True where frames are real
    noise: Tensor  # (B, T, D)
    t: Tensor  # (B,) times, 1 at the data
    drop: Tensor  # (B,) True where the text is dropped
    tokens: Tensor  # (B, S, text_dim)
    text_mask: Tensor  # (B, S)
    vector: Tensor | None  # (B, G)
    grid: Tensor | None = None  # (B, T, grid_dim) what the plan says of each frame; zeros where it is dropped
    given: Tensor | None = None  # (B, T) True where the latents are given; there is nothing to learn there
    clap: Tensor | None = None  # (B, W) vectors of the audio
    muq: Tensor | None = None  # (B, T, 1024) features of the audio

    def map(self, change: Callable[[Tensor], Tensor]) -> Batch:
        """The same with every tensor changed."""
        return Batch._make(None if value is None else change(value) for value in self)

    def parts(self, size: int | None) -> list[Batch]:
        """Cut into micro-batches of at most `size` samples; None: one."""
        size = size or len(self.items)
        return [self.map(itemgetter(slice(a, a + size))) for a in range(0, len(self.items), size)]

    def to(self, device: torch.device) -> Batch:
        """The same on another device; the copy does not wait when the tensors are pinned."""
        return self.map(lambda value: value.to(device, non_blocking=True))


class Samples:
    """The batches of a run, for process `rank` of `world`.

    Raises FileError when the prepared folder lacks what the settings ask for (training items, scores, clusters), and
    RequestError when a batch cannot be shared equally by the processes.
    """

    def __init__(self, training: Training, prepared: Prepared, rank: int = 0, world: int = 1):
        self.training, self.prepared, self.rank, self.world = training, prepared, rank, world
        self.labels = prepared.clusters(*training.clusters)
        self.quality = self._quality()
        self.phase = lru_cache(self._phase)
        for number, phase in enumerate(training.phases):  # what cannot be is told before the first step
            rank_slice(np.empty(phase.batch or training.batch), rank, world)
            self.phase(number)

    def _quality(self) -> Tensor | None:
        """How well each item's caption fits (N,), where the schedule of times asks for it."""
        schedule = self.training.timesteps
        if not isinstance(schedule, timesteps.Beta):
            return None
        scores = self.prepared.scores
        known = scores[self.prepared.items("train")]
        if np.isnan(known).all():
            raise FileError(
                f"{self.prepared.folder} has no scores, which the Beta schedule needs: prepare it with scores"
            )
        return timesteps.Quality.fit(known, schedule.normalisation)(scores)

    def _phase(self, number: int) -> tuple[np.ndarray, ClusterBatches, int]:
        """The items of a phase, their batches, and the frames of a sample."""
        phase, seed = self.training.phases[number], self.training.seed
        items, tracks = self.prepared.items("train", phase.styles), self.prepared.tracks
        if phase.fraction < 1:
            shuffled = rng(seed, number, "tracks of a phase").permutation(np.unique(tracks[items]))
            chosen = shuffled[: max(1, round(phase.fraction * len(shuffled)))]
            items = items[np.isin(tracks[items], chosen)]
        if not len(items):
            styles = f" with captions of style {', '.join(phase.styles)}" if phase.styles else ""
            raise FileError(f"{self.prepared.folder} has no training items{styles}: prepare more data")
        longest = int(self.prepared.frames[items].max())
        batch, order = phase.batch or self.training.batch, seed_for(seed, number, "batches")
        batches = batches_of(self.labels[items], batch, order, self.training.remainder)
        return items, batches, min(phase.crop or longest, longest)

    def global_items(self, step: int) -> np.ndarray:
        """The item numbers of the whole batch of a step, in order."""
        phase, within = self.training.phase_at(step)
        items, batches, _ = self.phase(phase)
        return items[batches.batch(within)]

    def batch(self, step: int) -> Batch:
        """This process's share of the batch of a step, on the CPU."""
        training, prepared, seed = self.training, self.prepared, self.training.seed
        phase, _ = training.phase_at(step)
        frames = self.phase(phase)[2]
        everything = self.global_items(step)
        quality = None if self.quality is None else self.quality[everything]
        times = timesteps.sample(training.timesteps, len(everything), generator(seed, step, "times"), quality)
        draws = rng(seed, step, "crop, caption, dropout").random((len(everything), 3))
        items, t, draws, rows = (
            rank_slice(values, self.rank, self.world)
            for values in (everything, times, draws, np.arange(len(everything)))
        )
        spare = np.maximum(prepared.frames[items] - frames, 0)
        first = (draws[:, 0] * (spare + 1)).astype(np.int64)
        choices = [prepared.captions(int(item), training.phases[phase].styles) for item in items]
        draw = self._of_a_style if training.captions == "styles" else pick
        captions = [draw(numbers, u) for numbers, u in zip(choices, draws[:, 1], strict=True)]
        data, mask = prepared.latents(items, frames, first)
        text = prepared.text(np.array(captions))
        drop = draws[:, 2] < training.drop
        grid = self._grids(step, items, frames, first, drop, rows) if training.grid_layout else None
        given = self._given(step, mask, rows) if training.given else None
        if grid is not None and given is not None:
            grid[..., GIVEN] = given.float()
        return Batch(
            items=torch.from_numpy(items),
            data=data,
            mask=mask,
            noise=noise(seed, step, "noise", rows, data.shape[1:]),
            t=t,
            drop=torch.from_numpy(drop),
            tokens=text.tokens,
            text_mask=text.mask,
            vector=text.vector,
            grid=grid,
            given=given,
            clap=torch.from_numpy(prepared.audio_vectors(items)) if training.repa_clap else None,
            muq=prepared.muq(items, first, frames) if training.repa_muq else None,
        )

    def _of_a_style(self, captions: np.ndarray, u: float) -> int:
        """One of the captions of a track: every style alike, then every caption of that style alike."""
        of = self.prepared.caption_styles(captions)
        styles = np.unique(of)
        place = u * len(styles)
        return pick(captions[of == styles[int(place)]], place % 1)

    def _grids(self, step: int, items: np.ndarray, frames: int, first: np.ndarray, drop: np.ndarray, rows: np.ndarray):
        """The grids of a batch. Half of the samples without text lose their grid too, so that guidance can leave
        out either or both."""
        grids = self.prepared.grids(items, frames, first, self.training.grid_layout or 0)
        draws = rng(self.training.seed, step, "plan dropout").random(int(self.training.samples(step)))[rows]
        grids[torch.from_numpy(draws < np.where(drop, 0.5, self.training.plan_drop))] = 0
        return grids

    def _given(self, step: int, mask: Tensor, rows: np.ndarray) -> Tensor:
        """Which frames are given (B, T): of some samples what lies before, after or on both sides of a gap."""
        draws = rng(self.training.seed, step, "given frames").random((int(self.training.samples(step)), 4))[rows]
        real = mask.sum(dim=1).numpy()
        gap = np.maximum(1, (real * (0.2 + 0.6 * draws[:, 1])).astype(int))
        place = np.select([draws[:, 2] < 0.4, draws[:, 2] < 0.6], [1.0, 0.0], draws[:, 3])  # end, beginning, anywhere
        first = (place * (real - gap)).astype(int)
        frame = np.arange(mask.shape[1])
        within = (frame >= first[:, None]) & (frame < (first + gap)[:, None])
        return mask & torch.from_numpy(~within & (draws[:, :1] < self.training.given))


def pick(choices: np.ndarray, u: float) -> int:
    """One of `choices` by a uniform number u in [0, 1)."""
    return int(choices[int(u * len(choices))])


def prefetch(
    make: Callable[[int], T], steps: Iterable[int], threads: int | None = None, ahead: int = 2
) -> Iterator[tuple[int, T]]:
    """(step, make(step)) for each step in order, made in other threads while the caller works on those before.

    threads: None takes one for every four cores, at most eight; `ahead` batches of each wait to be used.
    """
    threads = threads or min(8, max(1, (os.cpu_count() or 1) // 4))
    pool = ThreadPoolExecutor(threads, "samples")
    waiting: deque[tuple[int, Future]] = deque()
    try:
        for step in steps:
            waiting.append((step, pool.submit(make, step)))
            if len(waiting) > ahead * threads:
                ready, made = waiting.popleft()
                yield ready, made.result()
        for ready, made in waiting:
            yield ready, made.result()
    finally:
        pool.shutdown(cancel_futures=True)
