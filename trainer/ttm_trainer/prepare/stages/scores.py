"""The stage "scores": how well each candidate of a track fits the captions of the track.

Captions that were rewritten for a later phase do not count where a track has others: the paper of score-aware training
selects by the captions of its first stage, and a style that is added must not move what was selected.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from musicgen_app.errors import FileError

from ...data.audio_reader import read
from ...data.track import Track
from ...runtime.stage_runner import SETTINGS, Rows, stage_settings
from ..config import REWRITTEN
from ..embedders import Embedder, embedder_name, load_embedder
from .candidates import candidates
from .worker import Worker


class Scores(Worker):
    """Candidates of every track: the unit vector of the audio, and its mean cosine with the vectors of the captions."""

    name = "scores"

    @cached_property
    def settings(self) -> dict:
        p = self.preparation
        rule = {"candidates": p.candidates, "seconds": p.seconds, "seed": p.seed}
        made = {"manifest": self.made_from("manifest"), "embedder": embedder_name(p.embedder), **rule}
        return made | ({} if self.every_style else {"without": REWRITTEN})

    @cached_property
    def every_style(self) -> bool:
        """Whether all captions count: none was rewritten, or an earlier version began the stage, which counted all."""
        if not any(track.captions.get(REWRITTEN) for track in self.tracks):
            return True
        begun = (self.folder / self.name / SETTINGS).exists()
        return begun and "without" not in stage_settings(self.folder, self.name)

    @cached_property
    def embedder(self) -> Embedder:
        return load_embedder(self.preparation.embedder)

    def __call__(self, part: int) -> Rows:
        rows: dict[str, list[float]] = {name: [] for name in ("track", "start", "seconds", "score")}
        vectors = [np.zeros((0, self.embedder.width), np.float16)]
        bad: list[dict] = []
        meanings = self._meanings(part)
        for number in self.numbers(part):
            starts, waves = self._read(self.tracks[number], bad)
            if not waves:
                continue
            audio = self._embed(waves)
            if not np.isfinite(audio).all():
                bad.append(self.tracks[number].left_out("the embedder gives values that are not finite"))
                continue
            vectors.append(audio.astype(np.float16))
            rows["track"] += [number] * len(waves)
            rows["start"] += starts
            rows["seconds"] += [len(wave) / self.embedder.sample_rate for wave in waves]
            rows["score"] += (audio @ meanings[number]).tolist()
        kinds = {"track": np.int32, "start": np.float64, "seconds": np.float32, "score": np.float32}
        columns: Rows = {name: np.array(rows[name], kind) for name, kind in kinds.items()}
        return columns | {"audio": np.concatenate(vectors), "bad": bad}

    def _meanings(self, part: int) -> dict[int, np.ndarray]:
        """The mean vector (W,) of the captions of each track; NaN without captions."""
        numbers, captions = [], []
        for number in self.numbers(part):
            styles = {style: own for style, own in self.tracks[number].captions.items() if own}
            counted = styles if self.every_style or set(styles) == {REWRITTEN} else styles.keys() - {REWRITTEN}
            found = [caption for style in styles if style in counted for caption in styles[style]]
            numbers += [number] * len(found)
            captions += found
        vectors, owners = self.embedder.text(captions), np.array(numbers)
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
            bad.append(track.left_out(str(error)))
            return [], []
        for start, seconds in spans:
            try:
                waves.append(read(track.file, self.embedder.sample_rate, 1, start, seconds)[0])
                starts.append(start)
            except FileError as error:
                reasons.append(str(error))
        if reasons:
            some = f"{len(reasons)} of {len(spans)} stretches: " if waves else ""
            bad.append(track.left_out(some + reasons[0]))
        return starts, waves

    def _embed(self, waves: list[np.ndarray]) -> np.ndarray:
        """Mono samples of several lengths -> unit vectors (n, W) float32."""
        vectors = np.zeros((len(waves), self.embedder.width), np.float32)
        lengths = np.array([len(wave) for wave in waves])
        for length in np.unique(lengths):
            here = np.flatnonzero(lengths == length)
            vectors[here] = self.embedder.audio(np.stack([waves[i] for i in here]))
        return vectors
