"""The work of the stages that run an encoder over the data: scores, latents, text, null text and MuQ features.

A worker is what `stages.run_stage` runs: `name`, `settings` (what its rows depend on) and `worker(part) -> Rows`. It is
made from the folder and the preparation alone, which is all that is sent to another process; what is heavy is loaded
there, once, at the first call. See `prepared.py` for the arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import torch

from musicgen_app.codecs.chunks import encode_chunked
from musicgen_app.errors import FileError
from musicgen_app.text import null_features

from ..data.audio_reader import read
from ..data.track import Track, load_tracks, part_tracks
from ..runtime.stage_runner import Rows, digest, load_part, stage_settings
from .config import Preparation
from .embedders import MUQ, Muq, embedder_name, load_embedder, muq_folder
from .encoders import Encoders, device_of, find_encoders
from .segments import candidates

BATCH = 8  # clips of one length that go through a codec or MuQ at once
CAPTIONS = 32  # captions that go through a text encoder at once


class Worker:
    """What the workers share. Raises ModelError and DependencyError where an encoder is not on this machine."""

    name: str

    def __init__(self, folder: Path, preparation: Preparation):
        self.folder, self.preparation = Path(folder), preparation

    def __reduce__(self):
        return type(self), (self.folder, self.preparation)

    @cached_property
    def tracks(self) -> list[Track]:
        return load_tracks(self.folder)

    @cached_property
    def encoders(self) -> Encoders:
        return find_encoders(self.preparation.encoders)

    def numbers(self, part: int) -> range:
        """The numbers of the tracks of a part."""
        return part_tracks(part, len(self.tracks))

    def made_from(self, stage: str) -> str:
        """A digest of the settings of a stage that this one reads."""
        return digest(stage_settings(self.folder, stage))


class Scores(Worker):
    """Candidates of every track: unit vector of the audio, and its mean cosine with those of the track's captions."""

    name = "scores"

    @cached_property
    def settings(self) -> dict:
        p = self.preparation
        rule = {"candidates": p.candidates, "seconds": p.seconds, "seed": p.seed}
        return {"manifest": self.made_from("manifest"), "embedder": embedder_name(p.embedder), **rule}

    @cached_property
    def embedder(self):
        return load_embedder(self.preparation.embedder)

    def __call__(self, part: int) -> Rows:
        rows = {name: [] for name in ("track", "start", "seconds", "score")}
        vectors, bad = [np.zeros((0, self.embedder.width), np.float16)], []
        meanings = self._meanings(part)
        for number in self.numbers(part):
            starts, waves = self._read(self.tracks[number], bad)
            if not waves:
                continue
            audio = self._embed(waves)
            if not np.isfinite(audio).all():
                bad.append(_bad(self.tracks[number], "the embedder gives values that are not finite"))
                continue
            vectors.append(audio.astype(np.float16))
            rows["track"] += [number] * len(waves)
            rows["start"] += starts
            rows["seconds"] += [len(wave) / self.embedder.sample_rate for wave in waves]
            rows["score"] += (audio @ meanings[number]).tolist()
        kinds = {"track": np.int32, "start": np.float64, "seconds": np.float32, "score": np.float32}
        columns = {name: np.array(rows[name], kind) for name, kind in kinds.items()}
        return columns | {"audio": np.concatenate(vectors), "bad": bad}

    def _meanings(self, part: int) -> dict[int, np.ndarray]:
        """The mean vector of the captions of each track (W,); NaN without captions."""
        owners, captions = [], []
        for number in self.numbers(part):
            found = [caption for style in self.tracks[number].captions.values() for caption in style]
            owners += [number] * len(found)
            captions += found
        vectors, owners = self.embedder.text(captions), np.array(owners)
        nothing = np.full((1, self.embedder.width), np.nan, np.float32)
        return {
            number: (vectors[owners == number] if (owners == number).any() else nothing).mean(axis=0)
            for number in self.numbers(part)
        }

    def _read(self, track: Track, bad: list[dict]) -> tuple[list[float], list[np.ndarray]]:
        """Starts and mono samples of the candidates that can be read; the others become one line in `bad`."""
        starts, waves, reasons = [], [], []
        try:
            spans = candidates(track, self.preparation)
        except FileError as error:
            bad.append(_bad(track, str(error)))
            return [], []
        for start, seconds in spans:
            try:
                waves.append(read(track.file, self.embedder.sample_rate, 1, start, seconds)[0])
                starts.append(start)
            except FileError as error:
                reasons.append(str(error))
        if reasons:
            bad.append(_bad(track, f"{len(reasons)} of {len(spans)} stretches: {reasons[0]}" if waves else reasons[0]))
        return starts, waves

    def _embed(self, waves: list[np.ndarray]) -> np.ndarray:
        """Mono samples of several lengths -> unit vectors (n, W) float32."""
        vectors = np.zeros((len(waves), self.embedder.width), np.float32)
        lengths = np.array([len(wave) for wave in waves])
        for length in np.unique(lengths):
            here = np.flatnonzero(lengths == length)
            vectors[here] = self.embedder.audio(np.stack([waves[i] for i in here]))
        return vectors


class Frames(Worker):
    """A stage that gives every item some frames: `values` of all items one after the other, and `offsets`.

    An item that cannot be read, or whose frames do not fit into 16 bits, has none and is in `bad`.
    """

    sample_rate: int
    channels: int
    width: int

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
                    bad.append(_bad(track, f"its {self.name} from {start:.1f} s are not finite in 16 bits"))
        offsets = np.cumsum([0, *map(len, frames)], dtype=np.int64)
        return {
            "values": np.concatenate([np.zeros((0, self.width), np.float16), *frames]),
            "offsets": offsets,
            "bad": bad,
        }

    def _batches(self, items: list, bad: list[dict]) -> Iterator[tuple[list[int], np.ndarray, list[int]]]:
        """(places in `items`, samples (B, channels, N), how many of the N are real) of consecutive items of one length.

        An item shorter than the wanted seconds is padded with silence.
        """
        window = self.preparation.seconds and round(self.preparation.seconds * self.sample_rate)
        places, waves, samples = [], [], []
        for place, (track, start, seconds) in enumerate(items):
            try:
                wave = read(track.file, self.sample_rate, self.channels, float(start), float(seconds))
            except FileError as error:
                bad.append(_bad(track, str(error)))
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


class Latents(Frames):
    """Latents of every item. Of a codec with a posterior (ACE-Step v1.5) they are its mean, so that they are exact."""

    name = "latents"

    @cached_property
    def settings(self) -> dict:
        return {"segments": self.made_from("segments"), "codec": self.encoders.codec_identity()}

    @cached_property
    def codec(self):
        return self.encoders.load_codec()

    @property
    def sample_rate(self) -> int:
        return self.codec.sample_rate

    @property
    def channels(self) -> int:
        return self.codec.channels

    @property
    def width(self) -> int:
        return self.codec.latent_dim

    def count(self, samples: int) -> int:
        return -(-samples // self.codec.samples_per_latent)

    def encode(self, waves: np.ndarray) -> np.ndarray:
        return encode_chunked(self.codec, torch.from_numpy(waves).to(device_of(self.codec))).float().cpu().numpy()


class MuqFrames(Frames):
    """MuQ features of every item, the targets of REPA-MuQ. `show` is told the licence of MuQ's weights."""

    name = "muq"
    sample_rate, channels, width = Muq.sample_rate, 1, Muq.width

    def __init__(self, folder: Path, preparation: Preparation, show: Callable[[str], None] = print):
        super().__init__(folder, preparation)
        self.show = show

    def __reduce__(self):  # the licence is told once, not by every process
        return type(self), (self.folder, self.preparation, _quiet)

    @cached_property
    def settings(self) -> dict:
        weights = f"{MUQ}@{muq_folder().name[:8]}"
        return {"segments": self.made_from("segments"), "muq": weights, "layers": list(Muq.layers)}

    @cached_property
    def model(self) -> Muq:
        return Muq(self.show)

    def count(self, samples: int) -> int:
        return round(samples / self.sample_rate * Muq.rate)

    def encode(self, waves: np.ndarray) -> np.ndarray:
        return self.model.frames(waves[:, 0])


class Text(Worker):
    """Token states of every caption, and a vector of it: the text encoder's own, or the embedder's without one."""

    name = "text"

    @cached_property
    def styles(self) -> list[str]:
        """The names of all styles; a caption's is a number in this list."""
        return sorted({style for track in self.tracks for style, captions in track.captions.items() if captions})

    @cached_property
    def settings(self) -> dict:
        facts = {"encoder": self.encoders.text_identity(), "styles": self.styles}
        if self.encoders.text["kind"] == "t5":
            facts["vectors"] = embedder_name(self.preparation.embedder)
        return {"manifest": self.made_from("manifest"), **facts}

    @cached_property
    def encoder(self):
        return self.encoders.load_text()

    def __call__(self, part: int) -> Rows:
        found = [
            (number, style, caption)
            for number in self.numbers(part)
            for style, captions in sorted(self.tracks[number].captions.items())
            for caption in captions
        ]
        encoded = self._encode([caption for _, _, caption in found] or [""])  # of no captions, the widths are kept
        tokens, lengths, vectors = (column[: len(found)] for column in encoded)
        rows = {
            "values": np.concatenate([np.zeros((0, self.encoder.width), np.float16), *tokens]),
            "offsets": np.cumsum([0, *map(len, tokens)], dtype=np.int64),
            "lengths": np.array(lengths, np.int32),
            "vectors": vectors,
            "track": np.array([number for number, _, _ in found], np.int32),
            "style": np.array([self.styles.index(style) for _, style, _ in found], np.int16),
            "captions": [{"caption": caption} for _, _, caption in found],
        }
        for name in ("values", "vectors"):
            if not np.isfinite(rows[name]).all():
                raise FileError(f"text features of part {part} are not finite in 16 bits: use another text encoder")
        return rows

    def _encode(self, captions: list[str]) -> tuple[list[np.ndarray], list[int], np.ndarray]:
        """Captions -> stored positions of each (n, D) float16, how many are real tokens, vectors (B, G) float16."""
        tokens: list = [None] * len(captions)
        lengths, vectors = [0] * len(captions), [None] * len(captions)
        order = sorted(range(len(captions)), key=lambda i: len(captions[i]))  # little padding in a batch
        for first in range(0, len(order), CAPTIONS):
            places = order[first : first + CAPTIONS]
            batch = self.encoder.encode([captions[i] for i in places])
            for row, place in enumerate(places):
                lengths[place] = int(batch.mask[row].sum())
                stored = batch.tokens[row] if self.encoders.keeps_padding else batch.tokens[row, : lengths[place]]
                tokens[place] = stored.cpu().numpy().astype(np.float16)
                vectors[place] = None if batch.vector is None else batch.vector[row].cpu().numpy()
        if vectors[0] is None:
            vectors = list(load_embedder(self.preparation.embedder).text(captions))
        return tokens, lengths, np.stack(vectors).astype(np.float16)


class NullText(Worker):
    """The features of no text, in one part: tokens (S, D) and, where the encoder gives one, a vector (G,)."""

    name = "null"

    @cached_property
    def settings(self) -> dict:
        return {"encoder": self.encoders.text_identity()}

    def __call__(self, part: int) -> Rows:
        tokens, vector = null_features(self.encoders.load_text())
        rows = {"tokens": tokens.cpu().numpy().astype(np.float16)}
        return rows if vector is None else rows | {"vector": vector.cpu().numpy().astype(np.float16)}


def _bad(track: Track, reason: str) -> dict:
    return {"id": track.id, "path": str(track.file), "reason": reason}


def _quiet(line: str) -> None:
    pass
