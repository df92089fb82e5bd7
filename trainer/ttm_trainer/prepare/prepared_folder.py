"""The prepared folder, opened for training: which items there are, and batches of their latents, text and targets.

An item is a stretch of audio that a model is trained on (10 s of a track, or a whole clip). Everything large stays on
the disk and is read when a batch needs it; only a few numbers an item and a caption are in memory.

prepared.json                     {"schema": 1, "preparation", "latent", "text", "audio", "muq", "counts"}, written last
manifest/00000/tracks.jsonl       one track a line
scores/PART/audio.npy             (n, W) float16: unit audio vectors of the candidates
segments/00000/*.npy              track, start, seconds, score, split, part, row (N,): the items, in manifest order;
                                  `part` is that of their track in all stages, `row` their candidate in scores/PART
latents/PART/{values,offsets}.npy (F, D) float16 and (n + 1,) int64: the items of a part, one after the other
text/PART/{values,offsets,lengths,vectors,track,style}.npy, captions.jsonl
                                  one entry a caption: stored positions (F, D), how many of them are real tokens, vector
                                  (G,), number of its track and of its style; in the order of the tracks
null/00000/{tokens,vector}.npy    the features of no text at all
muq/PART/{values,offsets}.npy     like latents: (F', 1024) float16
clusters/BY-K/00000/labels.npy    (N,) int32
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from musicgen_app.control.grid import LAYOUT, frame_grid
from musicgen_app.control.plan import Plan
from musicgen_app.errors import FileError
from musicgen_app.text import SentenceTokens, TextCondition

from ..runtime.stage_runner import part_folder

SCHEMA = 1
META = "prepared.json"
SPLITS = ("train", "val", "test")


class Prepared:
    """An opened prepared folder. Raises FileError where it is not finished, of another schema, or damaged.

    meta: prepared.json; latent_dim D; latent_rate in frames a second; styles: names of the caption styles.
    frames (N,) int64, scores (N,) float32 (NaN where there are none), splits (N,) int8 (numbers in SPLITS), tracks (N,)
    int64: of each item.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self.meta = _read_meta(self.folder)
        latent, self._text_facts = self.meta["latent"], self.meta["text"]
        self.latent_dim, self.latent_rate = len(latent["mean"]), float(latent["rate"])
        self.styles = tuple(self._text_facts["styles"])
        self._mean, self._std = (torch.tensor(latent[name], dtype=torch.float32) for name in ("mean", "std"))

        names = ("track", "start", "score", "split", "part", "row")
        segments = {name: self._array("segments", 0, name) for name in names}
        self.tracks, self._part, self._row = (segments[name].astype(np.int64) for name in ("track", "part", "row"))
        self._start = segments["start"]
        self.scores, self.splits = segments["score"].astype(np.float32), segments["split"].astype(np.int8)
        self._first, self.frames = self._places("latents")

        self._text_parts = sorted(int(path.name) for path in (self.folder / "text").iterdir() if path.name.isdigit())
        columns = {
            name: [self._array("text", part, name) for part in self._text_parts]
            for name in ("offsets", "lengths", "track", "style")
        }
        counts = [len(lengths) for lengths in columns["lengths"]]
        self._text_part = np.repeat(self._text_parts, counts).astype(np.int64)
        self._text_row = np.concatenate([np.arange(count) for count in counts]).astype(np.int64)
        self._text_first = np.concatenate([offsets[:-1] for offsets in columns["offsets"]]).astype(np.int64)
        self._text_stored = np.concatenate([np.diff(offsets) for offsets in columns["offsets"]]).astype(np.int64)
        self._text_real, self._text_track, self._text_style = (
            np.concatenate(columns[name]).astype(np.int64) for name in ("lengths", "track", "style")
        )
        self._files: dict[tuple[str, int, str], tuple[Path, int, int]] = {}  # looked into so far
        self._captions_of = lru_cache(maxsize=8)(self._caption_index)
        self._plan = lru_cache(maxsize=65_536)(self._read_plan)

    def __len__(self) -> int:
        return len(self.tracks)

    @property
    def channel_weights(self) -> Tensor | None:
        """What each latent channel counts in the loss (D,), mean 1; None where the codec tells none."""
        weights = self.meta["latent"].get("weights")
        return None if weights is None else torch.tensor(weights, dtype=torch.float32)

    def normalise_as(self, latent: dict) -> None:
        """Normalise latents with the statistics {"mean", "std"} of a model in place of these data's own."""
        self.meta["latent"] |= {name: list(latent[name]) for name in ("mean", "std")}
        self._mean, self._std = (torch.tensor(latent[name], dtype=torch.float32) for name in ("mean", "std"))

    def items(self, split: str, styles: Sequence[str] | None = None) -> np.ndarray:
        """Numbers (int64) of the items of a split that have latents and a caption (in one of `styles`)."""
        starts = self._captions_of(None if styles is None else tuple(styles))[1]
        usable = (self.frames > 0) & (starts[self.tracks + 1] > starts[self.tracks])
        return np.flatnonzero((self.splits == SPLITS.index(split)) & usable)

    def latents(self, items: np.ndarray, frames: int, first: np.ndarray | None = None) -> tuple[Tensor, Tensor]:
        """Normalised latents (B, frames, D) float32 of items, each from its frame `first` (0), and a mask (B, frames).

        The mask is False past the end of an item; the latents are 0 there.
        """
        items = np.asarray(items)
        first = np.zeros(len(items), dtype=np.int64) if first is None else np.asarray(first)
        count = np.clip(self.frames[items] - first, 0, frames)
        batch = self._spans("latents", self._part[items], self._first[items] + first, count, frames)
        batch.sub_(self._mean).div_(self._std)
        mask = torch.arange(frames) < torch.from_numpy(count)[:, None]
        if not mask.all():
            batch.masked_fill_(~mask[..., None], 0)
        return batch, mask

    def captions(self, item: int, styles: Sequence[str] | None = None) -> np.ndarray:
        """Numbers of the captions of the item's track, of some styles or of all. FileError: an unknown style."""
        order, starts = self._captions_of(None if styles is None else tuple(styles))
        track = self.tracks[item]
        return order[starts[track] : starts[track + 1]]

    def caption_styles(self, captions: np.ndarray) -> np.ndarray:
        """The number in `styles` of each caption (B,) int64."""
        return self._text_style[np.asarray(captions)]

    def text(self, captions: np.ndarray) -> TextCondition:
        """Features of captions as the text encoder gave them: tokens (B, S, D) float32, mask, vector (B, G) or None.

        S is the encoder's own length where it has one, else that of the longest caption of the batch.
        """
        captions = np.asarray(captions)
        stored = self._text_stored[captions]
        length = self._text_facts["length"] or int(stored.max(initial=1))
        tokens = self._spans("text", self._text_part[captions], self._text_first[captions], stored, length)
        mask = torch.arange(length) < torch.from_numpy(self._text_real[captions])[:, None]
        vector = torch.from_numpy(self.text_vectors(captions)) if self._text_facts["vector"] else None
        return TextCondition(tokens, mask, vector)

    def text_vectors(self, captions: np.ndarray) -> np.ndarray:
        """One vector a caption (B, G) float32: the text encoder's, or the embedder's where the encoder gives none."""
        captions = np.asarray(captions)
        return self._rows("text", "vectors", self._text_part[captions], self._text_row[captions])

    def sentence_vectors(self, captions: np.ndarray) -> np.ndarray:
        """Like `text_vectors`, without what the bundled text encoder appends to the vector of a sentence."""
        width = SentenceTokens.width if self._text_facts.get("encoder", {}).get("kind") == "use" else None
        return self.text_vectors(captions)[:, :width]

    def plan(self, item: int) -> Plan:
        """The plan of an item: that of its track, from where the item begins; an empty one where the track has none."""
        return self._plan(item)

    def grids(self, items: np.ndarray, frames: int, first: np.ndarray | None = None, layout: int = LAYOUT) -> Tensor:
        """The plans of items, frame by frame: (B, frames, grid_dim) float32, each from its frame `first` (0).

        Zeros where a track has no plan; see `musicgen_app.control.grid`.
        """
        first = np.zeros(len(items), dtype=np.int64) if first is None else np.asarray(first)
        places = zip(np.asarray(items).tolist(), first.tolist(), strict=True)
        rate = self.latent_rate
        return torch.from_numpy(np.stack([frame_grid(self._plan(i), frames, rate, at, layout) for i, at in places]))

    def audio_vectors(self, items: np.ndarray) -> np.ndarray:
        """The embedder's unit audio vectors of items (B, W) float32: the targets of REPA-CLAP."""
        items = np.asarray(items)
        return self._rows("scores", "audio", self._part[items], self._row[items])

    def muq(self, items: np.ndarray, first: np.ndarray, frames: int) -> Tensor:
        """MuQ features (B, frames, 1024) float32 at the latents' frames, each item from its latent frame `first`.

        Where the rates differ they are interpolated linearly between the middles of frames; past the end of an item the
        last one is repeated. Raises FileError where there are none.
        """
        if not self.meta.get("muq"):
            raise FileError(f"{self.folder} has no MuQ features: prepare it with --muq, or train without REPA-MuQ")
        items, first = np.asarray(items), np.asarray(first)
        starts, counts = self._muq_places
        middle = first[:, None] + np.arange(frames) + 0.5
        place = middle / self.latent_rate * float(self.meta["muq"]["rate"]) - 0.5
        place = np.clip(place, 0, np.maximum(counts[items] - 1, 0)[:, None])
        left = np.floor(place).astype(np.int64)
        right = np.minimum(left + 1, np.maximum(counts[items] - 1, 0)[:, None])
        batch = []
        for item, low, high, share in zip(items.tolist(), left, right, place - left, strict=True):
            part = int(self._part[item])
            values = np.empty((counts[item], self._file("muq", part, "values")[2]), dtype=np.float16)
            self._read("muq", part, "values", starts[item], values)
            batch.append(values[low] * (1 - share[:, None]) + values[high] * share[:, None])
        return torch.from_numpy(np.stack(batch).astype(np.float32))

    def clusters(self, by: str, k: int) -> np.ndarray:
        """The cluster of every item (N,) int32; all zeros for k = 1. FileError where they were not made."""
        if k == 1:
            return np.zeros(len(self), dtype=np.int32)
        if not part_folder(self.folder, f"clusters/{by}-{k}", 0).is_dir():
            raise FileError(
                f"{self.folder} has no {k} clusters by {by}: make them with"
                f" `ttm-app prepare --out {self.folder} --clusters {by}-{k}`"
            )
        labels = self._array(f"clusters/{by}-{k}", 0, "labels")
        if len(labels) != len(self):
            raise FileError(f"{self.folder}/clusters/{by}-{k} is of {len(labels)} items, not {len(self)}: remove it")
        return np.asarray(labels, dtype=np.int32)

    def null_text(self) -> tuple[Tensor, Tensor | None]:
        """The features of no text: tokens (S, D) and vector (G,) or None; see `musicgen_app.text.null_features`."""
        tokens = torch.from_numpy(self._array("null", 0, "tokens").astype(np.float32))
        if not self._text_facts["vector"]:
            return tokens, None
        return tokens, torch.from_numpy(self._array("null", 0, "vector").astype(np.float32))

    def track(self, item: int) -> dict:
        """The manifest row of an item's track."""
        start, stop = self._manifest_lines[self.tracks[item] : self.tracks[item] + 2]
        return json.loads(self._manifest[start:stop].tobytes())

    def _read_plan(self, item: int) -> Plan:
        track = self.track(item)
        found = track.get("facts", {}).get("plan")
        return Plan.from_dict(found).later(float(self._start[item]) - track["start"]) if found else Plan()

    def _array(self, stage: str, part: int, name: str) -> np.ndarray:
        """One array of a part, memory-mapped. Raises FileError."""
        path = part_folder(self.folder, stage, part) / f"{name}.npy"
        with _reading(path):
            return np.asarray(np.load(path, mmap_mode="r"))

    def _places(self, stage: str) -> tuple[np.ndarray, np.ndarray]:
        """First frame within its part, and frames, of every item (N,) int64: items of a part lie in their order."""
        first, frames = np.zeros(len(self), dtype=np.int64), np.zeros(len(self), dtype=np.int64)
        parts, begins, counts = np.unique(self._part, return_index=True, return_counts=True)
        for part, begin, count in zip(parts.tolist(), begins, counts, strict=True):
            offsets = self._array(stage, part, "offsets")
            if len(offsets) != count + 1:
                raise FileError(
                    f"{self.folder}/{stage}/{part:05d} holds {len(offsets) - 1} items, but {count} were chosen:"
                    " prepare the data again in a new folder"
                )
            first[begin : begin + count], frames[begin : begin + count] = offsets[:-1], np.diff(offsets)
        return first, frames

    @cached_property
    def _muq_places(self) -> tuple[np.ndarray, np.ndarray]:
        return self._places("muq")

    def _file(self, stage: str, part: int, name: str) -> tuple[Path, int, int]:
        """The path of a float16 array of a part, where in the file its numbers begin, and its width."""
        if (stage, part, name) not in self._files:
            path = part_folder(self.folder, stage, part) / f"{name}.npy"
            with _reading(path):
                array = np.load(path, mmap_mode="r")
                if array.dtype != np.float16 or array.ndim != 2:
                    raise ValueError(f"{array.dtype} of {array.ndim} dimensions")
            self._files[stage, part, name] = path, array.offset, array.shape[1]
        return self._files[stage, part, name]

    def _read(self, stage: str, part: int, name: str, first: int, rows: np.ndarray) -> None:
        """Fill `rows` (n, width) float16 with those of an array of a part, from its row `first` on.

        A plain read: where the file is not in memory yet, it is many times faster than the pages of a mapped file.
        """
        path, offset, width = self._file(stage, part, name)
        with _reading(path), open(path, "rb", buffering=0) as file:
            file.seek(offset + 2 * width * first)
            if file.readinto(rows.data) != rows.nbytes:
                raise ValueError("it is too short")

    def _spans(self, stage: str, parts: np.ndarray, starts: np.ndarray, counts: np.ndarray, length: int) -> Tensor:
        """Stretches of ragged values, each padded with zeros to `length` -> (B, length, width) float32.

        They are put together in 16 bits and widened at once: one large step costs less than many small ones.
        """
        width = self._file(stage, int(parts[0]), "values")[2]
        batch = np.zeros((len(parts), length, width), dtype=np.float16)
        for rows, part, start, n in zip(batch, parts.tolist(), starts.tolist(), counts.tolist(), strict=True):
            self._read(stage, part, "values", start, rows[:n])
        return torch.from_numpy(batch).float()

    def _rows(self, stage: str, name: str, parts: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Rows of an array that lies in parts -> (B, width) float32."""
        batch = np.empty((len(parts), self._file(stage, int(parts[0]), name)[2]), dtype=np.float16)
        for i, (part, row) in enumerate(zip(parts.tolist(), rows.tolist(), strict=True)):
            self._read(stage, part, name, row, batch[i : i + 1])
        return batch.astype(np.float32)

    def _caption_index(self, styles: tuple[str, ...] | None) -> tuple[np.ndarray, np.ndarray]:
        """Numbers of the captions of some styles, by track, and where each track's begin (tracks + 1,)."""
        unknown = sorted(set(styles or ()) - set(self.styles))
        if unknown:
            raise FileError(f"{self.folder} has no captions of style {unknown[0]!r}: it has {', '.join(self.styles)}")
        wanted = range(len(self.styles)) if styles is None else [self.styles.index(style) for style in styles]
        numbers = np.flatnonzero(np.isin(self._text_style, list(wanted)))
        tracks = 1 + max(self.tracks.max(initial=-1), self._text_track.max(initial=-1))
        return numbers, np.searchsorted(self._text_track[numbers], np.arange(tracks + 1))

    @cached_property
    def _manifest(self) -> np.ndarray:
        return np.memmap(part_folder(self.folder, "manifest", 0) / "tracks.jsonl", dtype=np.uint8, mode="r")

    @cached_property
    def _manifest_lines(self) -> np.ndarray:
        """Where each line of the manifest begins, and the end of the last."""
        return np.concatenate([[0], np.flatnonzero(self._manifest == ord("\n")) + 1])


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """A file that is missing or not what it should be becomes a FileError of one line."""
    try:
        yield
    except (OSError, ValueError) as error:
        raise FileError(f"{path} cannot be read ({error}): prepare the data again") from error


def _read_meta(folder: Path) -> dict:
    path = folder / META
    if not path.exists():
        raise FileError(
            f"{folder} is no finished prepared folder: make one with `ttm-app prepare --data MUSIC --out {folder}`"
        )
    with _reading(path):
        meta = json.loads(path.read_bytes())
    if meta.get("schema") != SCHEMA:
        found = meta.get("schema")
        raise FileError(f"{path}: schema {found!r}, but this ttm-app reads {SCHEMA}: prepare the data again")
    return meta
