"""The parts of a timeline that go through a model: encoded, sampled beside what is kept, decoded, put in their place.

A passage is what is made together with as much around it as the model was trained to see. Spans that lie near one
another share one. The rest of the recording is never touched, so memory does not grow with it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from .. import audio
from ..codecs.chunks import encode_chunked
from ..control.plan import Plan
from ..errors import GenerationError, ModelError
from ..pipeline import EncodedPrompt, LoadedModel
from ..request import GenerationRequest
from .preparation import Prepared
from .splice import beside, gain, spliced
from .timeline import Timeline

SEEN = 0.25  # of the length that a model was trained on: what it sees on either side of a long span, at least
LOUD = (0.03, 0.3)  # root mean square that models know: what is outside is brought there to be encoded
ROUNDS = 2  # how often each step is taken back and gone again by a model that was not trained to fit what is kept
AFTER = 1.0  # seconds of silence that an ending is led into
BEYOND = (
    0.3  # of that length: what is made beyond an end of the new recording and cut off, so that no music stops there
)


@dataclass(frozen=True)
class Passage:
    """A stretch of the timeline, [start, stop) in samples, with the spans in it. It may reach beyond either end."""

    start: int
    stop: int
    spans: tuple[tuple[int, int], ...]


def passages_of(timeline: Timeline, rate: int, codec_rate: int, native: float) -> list[Passage]:
    """The passages of a timeline for a model that was trained on `native` seconds.

    Each begins on a sample of both rates.
    """
    unit, found = rate // math.gcd(rate, codec_rate), list[Passage]()
    for begin, end in timeline.spans:
        beside = max((native * rate - (end - begin)) / 2, SEEN * native * rate)
        start, stop = begin - beside, end + beside
        if start < 0:
            start, stop = 0, max(end + beside, min(stop - start, native * rate))
        if stop > timeline.samples:
            start, stop = max(0, min(start, timeline.samples - native * rate)), timeline.samples
        start -= BEYOND * native * rate * (begin <= 0 < timeline.offset)
        stop += BEYOND * native * rate * (end >= timeline.samples and not timeline.ends)
        start, stop = math.floor(start / unit) * unit, math.ceil(stop)
        if found and start <= found[-1].stop:
            before = found.pop()
            found.append(Passage(before.start, max(stop, before.stop), (*before.spans, (begin, end))))
        else:
            found.append(Passage(start, stop, ((begin, end),)))
    if timeline.ends:
        last = found.pop()
        found.append(Passage(last.start, last.stop + round(AFTER * rate), last.spans))
    return found


@dataclass(frozen=True, eq=False)
class Work:
    """One edit of a recording (channels, samples) with a model: what is made anew of every passage."""

    model: LoadedModel
    source: np.ndarray
    rate: int
    timeline: Timeline
    strength: float = 1.0

    @classmethod
    def of(cls, model: LoadedModel, ready: Prepared) -> Work:
        """The work of an edit that was prepared."""
        strength = 1.0 if ready.edit.strength is None else ready.edit.strength
        return cls(model, ready.source.audio, ready.source.sample_rate, ready.timeline, strength)

    @cached_property
    def passages(self) -> list[Passage]:
        native = self.model.bundle.native_seconds
        return passages_of(self.timeline, self.rate, self.model.codec.sample_rate, native)

    @cached_property
    def latents(self) -> list[Tensor]:
        """The latents (T, D) of what is there of every passage. Raises ModelError: the codec has no encoder."""
        return [self._encoded(passage) for passage in self.passages]

    def _sound(self, passage: Passage) -> np.ndarray:
        """What is there of a passage (channels, n). What lies before or after the recording is its mirror image, so
        that it is encoded as music that goes on; where it ends, the end is silence."""
        place = np.arange(passage.start, passage.stop) - self.timeline.offset
        samples = self.source.shape[1]
        turn = np.abs((place + samples - 1) % max(1, 2 * samples - 2) - samples + 1)
        sound = self.source[:, turn]
        if self.timeline.ends:
            sound[:, max(0, self.timeline.samples - passage.start) :] = 0.0
        return sound

    def _level(self, sound: np.ndarray) -> float:
        """What a passage is multiplied by to be as loud as music that models know."""
        loud = float(np.sqrt(np.square(sound, dtype=np.float64).mean()))
        return min(max(loud, LOUD[0]), LOUD[1]) / max(loud, 1e-6) if loud > 0 else 1.0

    def _encoded(self, passage: Passage) -> Tensor:
        codec, sound = self.model.codec, self._sound(passage)
        if not callable(getattr(codec, "encode", None)):
            raise ModelError(f"the codec of {self.model.bundle.name} has no encoder: edit with another --model")
        sound = audio.resample(sound * np.float32(self._level(sound)), self.rate, codec.sample_rate)
        sound = np.broadcast_to(sound.mean(axis=0), (1, sound.shape[1])) if codec.channels == 1 else sound
        sound = np.broadcast_to(sound, (codec.channels, sound.shape[1]))
        return encode_chunked(codec, torch.from_numpy(sound.copy())[None].to(self.model.device))[0]

    def _free(self, passage: Passage, frames: int) -> Tensor:
        """Which frames (T,) of a passage are made: those that reach into a span."""
        size = self.model.codec.samples_per_latent * self.rate / self.model.codec.sample_rate
        first = passage.start + np.arange(frames) * size
        last = math.inf if not self.timeline.ends else self.timeline.samples
        reach = [
            (-math.inf if begin <= 0 else begin, last if end >= self.timeline.samples else end)
            for begin, end in passage.spans
        ]
        free = [(first < end) & (first + size > begin) for begin, end in reach]
        return torch.from_numpy(np.logical_or.reduce(free)).to(self.model.device)

    @property
    def longest(self) -> float:
        """Seconds of the longest stretch that is sampled as one."""
        pairs = zip(self.passages, self.latents, strict=True)
        turns = [window for passage, item in pairs for window, _ in self._turns(self._free(passage, len(item)))]
        return max(window.stop - window.start for window in turns) / self.model.codec.latent_rate

    def sample(
        self,
        text: EncodedPrompt,
        plan: Plan,
        seeds: Sequence[int],
        request: GenerationRequest,
        on_step: Callable[[int, int, int], None],
    ) -> list[list[Tensor]]:
        """The latents (T, D) of every passage, for every seed: [seed][passage]. plan: of the timeline.

        on_step is told the number of the passage, the steps of it that are done, and how many it takes.
        """
        rounds = 0 if self.model.bundle.takes_given else ROUNDS
        draws = 1 + rounds * (request.steps or 0)  # the first is what each frame begins with
        noises = self.model.draw_noise(seeds, draws * sum(len(latents) for latents in self.latents))
        found: list[list[Tensor]] = [[] for _ in seeds]
        first = 0
        for number, (passage, latents) in enumerate(zip(self.passages, self.latents, strict=True)):
            frames = len(latents)
            drawn = noises[:, draws * first : draws * (first + frames)].unflatten(1, (draws, frames)).transpose(0, 1)
            free, made = self._free(passage, frames), latents.expand(len(seeds), -1, -1).clone()
            turns = self._turns(free)
            for turn, (window, part) in enumerate(turns):

                def tell(done: int, total: int, number: int = number, turn: int = turn, of: int = len(turns)) -> None:
                    on_step(number, turn * total + done, of * total)

                here = plan.later(passage.start / self.rate + window.start / self.model.codec.latent_rate)
                noise = drawn[:, :, window]
                again = noise[1:].unflatten(0, (rounds, request.steps)) if rounds and not free.all() else None
                answer = self._sampled(text, here, made[:, window], free[window], noise[0], again, request, tell)
                made[:, part] = answer[:, part.start - window.start : part.stop - window.start]
                free = free.clone()
                free[part] = False
            for clip, item in zip(found, made, strict=True):
                clip.append(item)
            first += frames
        return found

    def _sampled(
        self,
        text: EncodedPrompt,
        plan: Plan,
        latents: Tensor,
        free: Tensor,
        noise: Tensor,
        again: Tensor | None,
        request: GenerationRequest,
        on_step: Callable[[int, int], None],
    ) -> Tensor:
        """Latents (B, T, D) whose free frames are made anew, to a plan that begins with them."""
        plans = [plan] * len(latents) if self.model.bundle.follows_plans else None
        batch, frames = latents.shape[:2]
        conditions = self.model.conditions(text, batch, frames, plans, given=(~free).cpu().numpy())
        sample = self.model.sample
        return sample(
            conditions, noise, request, on_step, initial=latents, strength=self.strength, free=free, again=again
        )

    def _turns(self, free: Tensor) -> list[tuple[slice, slice]]:
        """What is sampled at once of a passage with these free frames (T,), and the part of it that is then kept.

        One that fits into one pass is sampled whole, and so is one of which nothing is kept. Of another the free frames
        are made a part at a time, beside what was made before, away from what is kept.
        """
        frames, places = len(free), torch.nonzero(free)[:, 0]
        if frames <= self.model.frames(self.model.bundle.pass_seconds) or len(places) == frames:
            return [(slice(0, frames), slice(0, frames))]
        backwards = bool(free[0]) and not bool(free[-1])
        size = self.model.frames(self.model.bundle.native_seconds)
        seen, beyond = round(SEEN * size), round(BEYOND * size)
        place, last = (frames - 1 - int(places[-1]), frames) if backwards else (int(places[0]), int(places[-1]) + 1)
        found = []
        while place < last:
            start = max(0, min(place - seen, frames - size))
            stop = min(frames, start + size)
            until = last if last <= stop else stop - beyond
            found.append((start, stop, place, until))
            place = until
        if backwards:
            found = [(frames - stop, frames - start, frames - until, frames - at) for start, stop, at, until in found]
        return [(slice(start, stop), slice(at, until)) for start, stop, at, until in found]

    def finish(self, latents: Sequence[Tensor], on_part: Callable[[int, int], None]) -> np.ndarray:
        """The latents of every passage -> the whole recording (channels, samples) anew.

        GenerationError: what was made is not usable.
        """
        offset, samples = self.timeline.offset, self.source.shape[1]
        result = np.zeros((len(self.source), self.timeline.samples), np.float32)
        result[:, offset : offset + samples] = self.source
        for passage, item in zip(self.passages, latents, strict=True):
            made = self._decoded(passage, item, on_part)
            for begin, end in passage.spans:
                part = made[:, begin - passage.start : end - passage.start]
                if np.square(part, dtype=np.float64).mean() < 10 ** (audio.SILENCE / 10):
                    raise GenerationError("the model produced silence: try another seed, more steps or another prompt")
                ends = self.timeline.ends and end == self.timeline.samples
                sides = (begin > 0, end < self.timeline.samples)
                result[:, begin:end] = spliced(result[:, begin:end].copy(), part, self.rate, *sides, ends)
        return result

    def _decoded(self, passage: Passage, latents: Tensor, on_part: Callable[[int, int], None]) -> np.ndarray:
        """The sound of a passage (channels, n) as the model has it, at the level of what is there."""
        length = passage.stop - passage.start
        made = self.model.decode(latents, on_part).float().cpu().numpy()
        made = audio.resample(made, self.model.codec.sample_rate, self.rate)[:, :length]
        if not np.isfinite(made).all():
            raise GenerationError("the model produced NaN or infinite samples: try another seed or less guidance")
        channels = len(self.source)
        made = made.mean(axis=0, keepdims=True) if channels == 1 else made
        made = np.broadcast_to(made, (channels, made.shape[1]))
        kept = np.zeros(length, dtype=bool)
        for begin, end in self.timeline.kept(self.source.shape[1]):
            kept[max(0, begin - passage.start) : max(0, end - passage.start)] = True
        kept = kept if kept.any() else np.ones(length, dtype=bool)
        kept = kept[: made.shape[1]]
        there = self._sound(passage)[:, : made.shape[1]]
        made = made / self._level(self._sound(passage))
        made = (made * gain(made[:, kept], there[:, kept])).astype(np.float32)
        for begin, end in passage.spans:
            span = slice(begin - passage.start, end - passage.start)
            made[:, span] = beside(made[:, span], there[:, kept])
        return made
