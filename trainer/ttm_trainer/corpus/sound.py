"""How the music of corpora sounds, in figures: spectrum, loudness, dynamics, width and onsets of excerpts.

Every figure is of one excerpt; a corpus is told by the quartiles of its excerpts, so that corpora of any size compare.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from scipy.fft import rfft

from musicgen_app import audio as levels
from musicgen_app.errors import FileError

from ..data.corpus_reader import read_rows, read_stereo

OCTAVES = (31, 63, 125, 250, 500, 1000, 2000, 4000, 8000, 16000)  # Hz, middles of the bands
EDGES = np.array([hz * 2**0.5 for hz in (15.6, 31.25, 62.5, 125, 250, 500, 1000, 2000, 4000, 8000, 16000)])
WIDTHS = {"low": (20, 250), "middle": (250, 4000), "high": (4000, 20000)}  # Hz
FRAME = 2048  # samples of a frame of spectral flatness
QUARTILES = (25, 50, 75)


def excerpts(folder: Path, count: int, seconds: float) -> Iterator[tuple[np.ndarray, int]]:
    """Audio (2, N) float32 and rate of up to `count` files of a corpus, each from its middle. Raises FileError."""
    try:
        paths = sorted({row["path"] for row in read_rows(folder)})
        for place in np.unique(np.linspace(0, len(paths) - 1, min(count, len(paths))).astype(int)):
            about = soundfile.info(folder / paths[place])
            frames = min(about.frames, round(seconds * about.samplerate))
            yield read_stereo(folder / paths[place], (about.frames - frames) // 2, frames), about.samplerate
    except (OSError, KeyError, ValueError, soundfile.LibsndfileError) as error:
        raise FileError(f"cannot measure {folder}: {error}; build the corpus again") from error


def figures(audio: np.ndarray, rate: int) -> dict[str, float]:
    """Every figure of an excerpt (2, N): levels in dB, loudness in LUFS, onsets a second, the rest plain numbers."""
    power = np.abs(rfft(np.stack([audio[0], audio[1], audio[0] + audio[1], audio[0] - audio[1]]))) ** 2
    hertz = np.linspace(0, rate / 2, power.shape[1])
    both = power[:2].sum(0)
    total = both.sum() + 1e-20

    def share(low: float, high: float, of: np.ndarray = both) -> float:
        return float(of[(hertz >= low) & (hertz < high)].sum()) + 1e-12 * total

    found = {f"{hz} Hz": _db(share(EDGES[i], EDGES[i + 1]) / total) for i, hz in enumerate(OCTAVES)}
    found["above 8 kHz"] = _db(share(8000, rate) / total)
    found["tilt dB/octave"] = float(np.polyfit(range(6), [found[f"{hz} Hz"] for hz in OCTAVES[2:8]], 1)[0])
    found |= _dynamics(audio, rate)
    for name, band in WIDTHS.items():
        found[f"side/mid {name}"] = _db(share(*band, power[3]) / share(*band, power[2]))
    left, right = audio - audio.mean(axis=1, keepdims=True)
    found["correlation"] = float(left @ right / (math.sqrt(float(left @ left) * float(right @ right)) + 1e-12))
    found["onsets a second"] = _onsets(audio, rate)
    found["flatness"] = _flatness(audio, rate)
    return found


def _db(ratio: float) -> float:
    return 10 * math.log10(ratio + 1e-12)


def _dynamics(audio: np.ndarray, rate: int) -> dict[str, float]:
    """Loudness, its range over 3 s (EBU Tech 3342), peak to RMS of the whole and of 50 ms (the median), and peak."""
    peak = float(np.abs(audio).max()) + 1e-9
    frame = rate // 20
    frames = audio[:, : audio.shape[1] // frame * frame].reshape(2, -1, frame)
    short = np.sqrt((frames**2).mean(axis=(0, 2))) + 1e-9
    crest = np.abs(frames).max(axis=(0, 2)) / short
    window, hop = 3 * rate, rate // 2
    starts = range(0, max(1, audio.shape[1] - window + 1), hop)
    loud = np.array([levels.loudness(audio[:, start : start + window], rate) for start in starts])
    loud = loud[loud > -70]
    if loud.size:
        loud = loud[loud > 10 * math.log10(float(np.mean(10 ** (loud / 10)))) - 20]
    low, high = np.percentile(loud, (10, 95)) if loud.size else (0.0, 0.0)
    return {
        "loudness LUFS": max(-70.0, levels.loudness(audio, rate)), "loudness range": float(high - low),
        "peak dBFS": 2 * _db(peak), "crest": 2 * _db(peak / (float(np.sqrt((audio**2).mean())) + 1e-9)),
        "crest of 50 ms": 2 * _db(float(np.median(crest[short > short.max() * 1e-3]))),
    }  # fmt: skip


def _onsets(audio: np.ndarray, rate: int) -> float:
    """Peaks of onset strength a second that stand out from what is around them."""
    from musicgen_app.analysis.tempo import onsets

    strength, frames = onsets(audio.mean(axis=0), rate)
    curve = strength.sum(axis=1)
    inner = curve[1:-1]
    peaks = (inner > curve[:-2]) & (inner >= curve[2:]) & (inner > curve.mean() + curve.std())
    return float(peaks.sum() * frames / len(curve))


def _flatness(audio: np.ndarray, rate: int) -> float:
    """Spectral flatness (geometric by arithmetic mean of power, 60 Hz to 15 kHz) in dB, median of the frames."""
    mono = audio.mean(axis=0)
    frames = mono[: len(mono) // FRAME * FRAME].reshape(-1, FRAME) * np.hanning(FRAME).astype(np.float32)
    frames = frames[(frames**2).mean(axis=1) > 1e-8]
    if not len(frames):
        return -60.0
    power = np.abs(rfft(frames)[:, 60 * FRAME // rate + 1 : 15000 * FRAME // rate]) ** 2 + 1e-12
    return float(np.median(10 * np.log10(np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1))))


def measure(folder: Path, count: int = 60, seconds: float = 30.0) -> dict[str, tuple[float, float, float]]:
    """Lower quartile, median and upper quartile of every figure over excerpts of a corpus. Raises FileError."""
    each = [figures(audio, rate) for audio, rate in excerpts(folder, count, seconds)]
    return {name: tuple(np.percentile([one[name] for one in each], QUARTILES).tolist()) for name in each[0]}


def table(measured: dict[str, dict[str, tuple[float, float, float]]]) -> str:
    """Corpora side by side, as Markdown: the median of every figure and, in brackets, its quartiles."""
    lines = ["| figure | " + " | ".join(measured) + " |", "|---" * (len(measured) + 1) + "|"]
    for name in next(iter(measured.values())):
        cells = (f"{m:.2f} ({a:.2f} to {b:.2f})" for a, m, b in (one[name] for one in measured.values()))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)
