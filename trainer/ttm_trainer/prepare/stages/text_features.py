"""The stages "text" and "null": what the text encoder makes of every caption, and of no text at all."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from musicgen_app.errors import FileError
from musicgen_app.text import TextEncoder, null_features

from ...runtime.stage_runner import Rows
from ..embedders import embedder_name, load_embedder
from .worker import Worker

CAPTIONS = 32  # captions that go through the encoder at once


class Text(Worker):
    """Token states of every caption, and one vector: the text encoder's own where it gives one, else the embedder's."""

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
    def encoder(self) -> TextEncoder:
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
        rows: Rows = {
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
        lengths = [0] * len(captions)
        vectors: list[np.ndarray | None] = [None] * len(captions)
        order = sorted(range(len(captions)), key=lambda i: len(captions[i]))  # little padding in a batch
        for first in range(0, len(order), CAPTIONS):
            places = order[first : first + CAPTIONS]
            batch = self.encoder.encode([captions[i] for i in places])
            for row, place in enumerate(places):
                lengths[place] = int(batch.mask[row].sum())
                stored = batch.tokens[row] if self.encoders.keeps_padding else batch.tokens[row, : lengths[place]]
                tokens[place] = stored.cpu().numpy().astype(np.float16)
                vectors[place] = None if batch.vector is None else batch.vector[row].cpu().numpy()
        own = [vector for vector in vectors if vector is not None]  # all of them, or none
        stacked = np.stack(own) if own else load_embedder(self.preparation.embedder).text(captions)
        return tokens, lengths, stacked.astype(np.float16)


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
