"""What the stages that give every item some frames share: reading the items, batching them, storing their frames."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from musicgen_app.errors import FileError

from ...data.audio_reader import read
from ...runtime.stage_runner import Rows, load_part
from .worker import Worker

BATCH = 8  # clips of one length that go through a network at once


class ItemFrames(Worker):
    """A stage that gives every item some frames: `values` of all items one after the other, and `offsets`.

    An item that cannot be read, or whose frames do not fit into 16 bits, has none and is in `bad`.
    """

    @property
    def sample_rate(self) -> int:
        raise NotImplementedError

    @property
    def channels(self) -> int:
        raise NotImplementedError

    @property
    def width(self) -> int:
        raise NotImplementedError

    def encode(self, waves: np.ndarray) -> np.ndarray:
        """Clips of one length (B, channels, N) -> (B, T, width)."""
        raise NotImplementedError

    def count(self, samples: int) -> int:
        """The frames of a clip of that many samples."""
        raise NotImplementedError

    def __call__(self, part: int) -> Rows:
        segments = load_part(self.folder, "segments", 0)
        here = np.flatnonzero(segments["part"] == part)
        items = [(self.tracks[segments["track"][i]], segments["start"][i], segments["seconds"][i]) for i in here]
        frames: list[np.ndarray] = [np.zeros((0, self.width), np.float16)] * len(items)
        bad: list[dict] = []
        for places, waves, samples in self._batches(items, bad):
            for place, values, n in zip(places, self.encode(waves), samples, strict=True):
                with np.errstate(over="ignore"):
                    values = values[: self.count(n)].astype(np.float16)
                if np.isfinite(values).all():
                    frames[place] = values
                else:
                    track, start, _ = items[place]
                    bad.append(track.left_out(f"its {self.name} from {start:.1f} s are not finite in 16 bits"))
        offsets = np.cumsum([0, *map(len, frames)], dtype=np.int64)
        return {
            "values": np.concatenate([np.zeros((0, self.width), np.float16), *frames]),
            "offsets": offsets,
            "bad": bad,
        }

    def _batches(self, items: list, bad: list[dict]) -> Iterator[tuple[list[int], np.ndarray, list[int]]]:
        """Consecutive items of one length: places in `items`, samples (B, channels, N), and how many are no padding.

        An item shorter than the wanted seconds is padded with silence.
        """
        window = self.preparation.seconds and round(self.preparation.seconds * self.sample_rate)
        places: list[int] = []
        waves: list[np.ndarray] = []
        samples: list[int] = []
        for place, (track, start, seconds) in enumerate(items):
            try:
                wave = read(track.file, self.sample_rate, self.channels, float(start), float(seconds))
            except FileError as error:
                bad.append(track.left_out(str(error)))
                continue
            n = wave.shape[1]
            if window and n < window:
                wave = np.pad(wave, ((0, 0), (0, window - n)))
            if waves and (len(waves) == BATCH or wave.shape != waves[0].shape):
                yield places, np.stack(waves), samples
                places, waves, samples = [], [], []
            places.append(place)
            waves.append(wave)
            samples.append(n)
        if waves:
            yield places, np.stack(waves), samples
