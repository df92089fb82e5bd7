"""A library item -> what its card shows: a small dictionary, the outline of its waveform, its spectrogram as a PNG."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .. import audio

if TYPE_CHECKING:
    from ..library.library import Item

BARS = 120  # of the outline
COLUMNS, ROWS = 480, 112  # of the spectrogram, in pixels
LOW = 40.0  # Hz, its lower edge; the upper one is half the sample rate
RANGE = 75.0  # dB from its brightest point to black
COLOURS = ("#0d1416", "#12302f", "#14544f", "#1f7f74", "#5aa98a", "#b3c98a", "#f2dfa3", "#fff8e6")  # quiet to loud


def card(item: Item) -> dict:
    """What the page needs to show the clip. The seed is text: a browser's numbers have 53 bits."""
    request = item.request
    return {
        "id": item.id,
        "title": item.title,
        "prompt": request.prompt,
        "negative": request.negative,
        "seed": str(request.seed),
        "model": request.model,
        "seconds": item.samples / item.sample_rate,
        "plan": plan_line(item),
        "settings": settings_line(item),
        "took": sum(item.seconds_taken.values()),
        "created": item.created,
        "source": item.source,
        "tags": list(item.tags),
        "favourite": item.favourite,
        "trashed": item.trashed,
        "suffix": item.path.suffix.lower(),
        "top": item.sample_rate // 2,
        "outline": _outline_of(item.path),
    }


def plan_line(item: Item) -> str:
    """What the clip was made to, and what of the request was not done as it was written."""
    made = ", ".join(filter(None, (item.read_as and f"read as {item.read_as}", item.plan)))
    return "; ".join(filter(None, (made, *item.told)))


def settings_line(item: Item) -> str:
    """The rest of the request in one line."""
    request = item.request
    parts = [f"{request.steps} steps", str(request.solver), f"guidance {request.guidance:g}"]
    parts += [f"{name} {value:g}" for name, value in request.conditions.items()]
    if request.guidance_interval and tuple(request.guidance_interval) != (0.0, 1.0):
        parts.append("from {:g} to {:g}".format(*request.guidance_interval))
    if request.loudness is not None:
        parts.append(f"{request.loudness:g} LUFS")
    if item.choice:
        parts.append(f"best of {item.choice.best_of} (score {item.choice.score:.2f})")
    return ", ".join(parts)


def _outline_of(path: Path) -> list[int]:
    """The outline of a file, worked out once for each version of it; empty where it cannot be read any more."""
    try:
        return list(_outline(path, path.stat().st_mtime_ns))
    except (OSError, audio.FileError):
        return []


@lru_cache(maxsize=512)
def _outline(path: Path, version: int) -> tuple[int, ...]:
    return outline(audio.read(path)[0])


def outline(sound: np.ndarray, bars: int = BARS) -> tuple[int, ...]:
    """(channels, samples) -> the peak of each of `bars` equal stretches, 0 to 100, the loudest being 100."""
    mono = np.abs(sound).max(axis=0)
    edges = np.linspace(0, len(mono), bars + 1).astype(int)[:-1]
    peaks = np.maximum.reduceat(mono, np.minimum(edges, len(mono) - 1))
    return tuple(int(round(100 * peak / max(peaks.max(), 1e-9))) for peak in peaks)


def spectrogram_png(path: Path) -> bytes:
    """The spectrogram of a sound file as a small PNG, worked out once for each version of it. Raises FileError."""
    try:
        return _spectrogram_png(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise audio.FileError(f"cannot read {path}: {error.strerror}") from error


@lru_cache(maxsize=64)
def _spectrogram_png(path: Path, version: int) -> bytes:
    from PIL import Image

    sound, rate, _ = audio.read(path)
    levels = spectrogram(sound, rate)
    image = Image.fromarray(np.round(levels * 255).astype(np.uint8), "P")
    image.putpalette(_palette())
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def spectrogram(sound: np.ndarray, rate: int, columns: int = COLUMNS, rows: int = ROWS) -> np.ndarray:
    """(channels, samples) -> (rows, columns) levels from 0 (quiet) to 1 (loudest), high notes on top.

    Magnitudes of a Hann window of about 64 ms; the frequency axis is logarithmic from LOW to half the sample rate.
    """
    mono = sound.mean(axis=0)
    window = 1 << max(6, round(np.log2(0.064 * rate)))
    padded = np.pad(mono, window // 2)
    starts = np.linspace(0, max(len(padded) - window, 0), columns).astype(int)
    if len(padded) < window:
        padded = np.pad(padded, (0, window - len(padded)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[starts]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(window).astype(np.float32), axis=1)))  # (columns, bins)

    edges = np.geomspace(LOW, rate / 2, rows + 1) * window / rate  # in bins
    first = np.minimum(np.floor(edges[:-1]).astype(int), power.shape[1] - 1)
    last = np.maximum(np.ceil(edges[1:]).astype(int), first + 1)
    bands = np.stack([power[:, a:b].max(axis=1) for a, b in zip(first, last, strict=True)])  # (rows, columns)
    decibels = 10 * np.log10(bands + 1e-12)
    return np.clip((decibels - decibels.max()) / RANGE + 1, 0, 1)[::-1]


def _palette() -> list[int]:
    """256 colours (768 numbers) between COLOURS."""
    anchors = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in COLOURS])
    at = np.linspace(0, 1, 256)
    channels = [np.interp(at, np.linspace(0, 1, len(anchors)), anchors[:, c]) for c in range(3)]
    return np.round(np.stack(channels, axis=1)).astype(int).ravel().tolist()
