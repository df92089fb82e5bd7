"""How much of the music comes back through codecs and baselines, on tracks that they never saw.

log-mel error   multi-resolution log-mel error, natural log; 0 is perfect
SI-SDR          scale-invariant signal-to-distortion ratio in dB; says something only of what keeps the waveform
tempo kept      share of excerpts with a clear beat whose estimated tempo stays within 4 %
notes kept      F1 score of the semitones that sound, a quarter of a second at a time
ViSQOL, Zimtohrli   mean opinion scores by models of hearing, 1 to 5, where their packages are installed
width, treble   by how many dB the side (of recordings that have one) and the level above 8 kHz are off
attacks kept    how steep onsets are, as a share of the original's

All but width is measured on the mean of both channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch

from musicgen_app.analysis.key import notes
from musicgen_app.analysis.tempo import same, steadiness, tempo
from musicgen_app.codecs.base import Codec
from musicgen_app.errors import FileError, RequestError

from ..codec.losses import mel_error
from ..data.corpus_reader import read_rows
from ..prepare.encoders import device_of, find_encoders
from . import codec_baselines
from .clips.clips import Clip
from .metrics import perceptual
from .metrics.bootstrap import mean_interval
from .metrics.perceptual import RATE
from .report import figure

CLEAR = 0.15  # of `analysis.tempo.steadiness`: from there a beat is clear
OPUS = (12.0, 24.0, 48.0)  # kbit/s
BETTER = {
    "log_mel": "lower", "visqol": "higher", "zimtohrli": "higher", "si_sdr": "higher", "tempo": "higher",
    "notes": "higher", "attacks": "higher", "width": "lower", "treble": "lower",
}  # fmt: skip
SHAPES = {  # how figures are printed; the others as percentages
    "log_mel": "{:.3f}", "visqol": "{:.2f}", "zimtohrli": "{:.2f}", "si_sdr": "{:.1f}", "width": "{:.1f}",
    "treble": "{:.1f}",
}  # fmt: skip
TITLES = {
    "log_mel": "log-mel error", "visqol": "ViSQOL", "zimtohrli": "Zimtohrli", "si_sdr": "SI-SDR, dB",
    "tempo": "tempo kept", "notes": "notes kept", "attacks": "attacks kept", "width": "width, dB",
    "treble": "treble, dB",
}  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """A codec or baseline. run: audio (2, N) at `RATE` -> audio (1 or 2, N), and the bit rate in kbit/s or None."""

    name: str
    about: str
    run: Callable[[np.ndarray], tuple[np.ndarray, float | None]]


def evaluate_codecs(
    codecs: Sequence[str],
    data: Sequence[Path],
    excerpts: int = 60,
    seconds: float = 10.0,
    resamples: int = 1000,
    with_baselines: bool = True,
    trips: Sequence[int] = (),
    noise: Sequence[float] = (),
    show: Callable[[str], None] = lambda line: None,
) -> dict:
    """Figures of each codec and baseline on each dataset folder, JSON-safe: {"data": {folder: {"subjects": ...}}}.

    codecs: as for `train --encoders`. trips, noise: each codec also after so many times there and back, and with noise
    of so many standard deviations on its latents. Raises ModelError, FileError: no held-out files.
    """
    if len(set(codecs)) < len(codecs):
        raise RequestError("a codec is named twice: give each --codec once")
    subjects = [subject for name in codecs for subject in of_codec(name, trips, noise)]
    subjects += baseline_subjects() if with_baselines else []
    for module in sorted(perceptual.PACKAGES.keys() - set(perceptual.available())):
        show(f"without {TITLES[module]}: pip install {perceptual.PACKAGES[module]}")
    report: dict = {"excerpts": excerpts, "seconds": seconds, "sample_rate": RATE, "data": {}}
    for folder in data:
        waves = [wave for _, wave in excerpts_of(folder, excerpts, seconds)]
        show(f"{folder}: {len(waves)} excerpts of {seconds:g} s")
        report["data"][str(folder)] = {}
        for subject in subjects:
            show(f"  {subject.name}")
            report["data"][str(folder)][subject.name] = _figures(subject, waves, resamples)
    report["subjects"] = {subject.name: subject.about for subject in subjects}
    return report


def excerpts_of(folder: Path, count: int, seconds: float) -> list[tuple[Clip, np.ndarray]]:
    """Random excerpts of the held-out clips of a dataset folder, one a file as far as they go: (2, N) float32 at
    `RATE`.

    Always the same ones. Excerpts that cannot be read, or are silent, are left out. FileError: there are none.
    """
    files: dict[str, float] = {}
    for row in read_rows(folder):
        if row["split"] == "val":
            files[row["path"]] = max(files.get(row["path"], 0.0), row["start"] + row["seconds"])
    rng, found = np.random.default_rng(0), []
    paths = sorted(files)
    for number in range(2 * count if paths else 0):
        if number % len(paths) == 0:
            order = rng.permutation(len(paths))
        path = paths[order[number % len(paths)]]
        start = round(float(rng.uniform(0, max(0.0, files[path] - seconds))), 2)
        clip = Clip(f"{path}@{start:g}", Path(folder) / path, start, seconds)
        try:
            wave = clip.audio(RATE, 2)
        except FileError:
            continue
        if wave.shape[1] > RATE:
            found.append((clip, wave))
        if len(found) == count:
            break
    if not found:
        raise FileError(f"{folder} has no held-out files that can be read: build it with another seed, or more of it")
    return found


def of_codec(name: str, trips: Sequence[int] = (), noise: Sequence[float] = ()) -> list[Subject]:
    """A codec by its name in `train --encoders`; also after several trips, and with noise on its latents.

    Raises ModelError.
    """
    codec = find_encoders(name).load_codec()
    rate = f"{codec.latent_rate:g} x {codec.latent_dim} latents a second"
    about = f"{rate}, {codec.sample_rate:,} Hz, {'stereo' if codec.channels == 2 else 'mono'}"

    def subject(suffix: str, count: int = 1, share: float = 0.0) -> Subject:
        return Subject(name + suffix, about + suffix, lambda wave: (through(codec, wave, count, share), None))

    return [
        subject(""),
        *(subject(f", {count} trips", count=count) for count in trips),
        *(subject(f", noise {share:g}", share=share) for share in noise),
    ]


@torch.inference_mode()
def through(codec: Codec, wave: np.ndarray, trips: int = 1, noise: float = 0.0) -> np.ndarray:
    """Audio (2, N) at `RATE` through a codec and back so many times, (channels of the codec, N).

    noise: on the latents, in standard deviations of each channel; always the same.
    """
    from musicgen_app.audio import resample

    given = wave if codec.channels == 2 else wave.mean(axis=0, keepdims=True)
    sound = torch.from_numpy(np.ascontiguousarray(resample(given, RATE, codec.sample_rate)))[None]
    for _ in range(trips):
        latents = codec.encode(sound.to(device_of(codec)))
        if noise:
            drawn = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0)).to(latents)
            latents = latents + noise * latents.std(dim=1, keepdim=True) * drawn
        sound = codec.decode(latents).float()[..., : sound.shape[-1]]
    back = resample(sound[0].cpu().numpy(), codec.sample_rate, RATE)
    return np.pad(back, ((0, 0), (0, max(0, wave.shape[1] - back.shape[1]))))[:, : wave.shape[1]]


def baseline_subjects() -> list[Subject]:
    """Griffin-Lim and Opus."""
    frames = RATE / codec_baselines.HOP
    about = f"{frames:g} x {codec_baselines.MELS} mel bands a second, magnitudes alone"
    subjects = [Subject("Griffin-Lim", about, lambda wave: (codec_baselines.griffin_lim(_mid(wave), RATE)[None], None))]
    return subjects + [Subject(f"Opus {bits:g}", "libopus, mono", partial(_opus, bits=bits)) for bits in OPUS]


def _opus(wave: np.ndarray, bits: float) -> tuple[np.ndarray, float]:
    after, rate = codec_baselines.opus(_mid(wave), RATE, bits)
    return after[None], rate


def _mid(channels: np.ndarray) -> np.ndarray:
    """(channels, N) -> their mean (N,)"""
    return np.ascontiguousarray(channels.mean(axis=0))


def measure(before: np.ndarray, after: np.ndarray) -> dict[str, float | None]:
    """One excerpt (2, N) and what came back of it (1 or 2, N), by the names of `TITLES`.

    None: no clear beat, no attacks, a mono excerpt, or a model of hearing that is not installed.
    """
    width = perceptual.width_error(before, np.broadcast_to(after, before.shape))
    before, after = _mid(before), _mid(after)
    output, target = (torch.from_numpy(wave)[None] for wave in (after, before))
    kept = None
    if steadiness(before, RATE)[0] >= CLEAR:
        kept = float(same(tempo(after, RATE), tempo(before, RATE)))
    heard = {name: getattr(perceptual, name)(before, after) for name in perceptual.available()}
    return {
        "log_mel": mel_error(output, target, RATE).item(),
        "visqol": heard.get("visqol"),
        "zimtohrli": heard.get("zimtohrli"),
        "si_sdr": si_sdr(before, after),
        "tempo": kept,
        "notes": notes_kept(before, after),
        "attacks": perceptual.attack_kept(before, after),
        "width": width,
        "treble": perceptual.treble_error(before, after),
    }


def si_sdr(before: np.ndarray, after: np.ndarray) -> float:
    """Scale-invariant signal-to-distortion ratio in dB (Le Roux et al., ICASSP 2019, arXiv 1811.02508), -60 to 60."""
    before, after = before.astype(float) - before.mean(), after.astype(float) - after.mean()
    signal = before * (after @ before / max(before @ before, 1e-12))
    noise = after - signal
    return float(np.clip(10 * np.log10((signal @ signal + 1e-12) / (noise @ noise + 1e-12)), -60, 60))


def notes_kept(before: np.ndarray, after: np.ndarray) -> float:
    """F1 score of the semitones that have a spectral peak, over all frames."""
    wanted, heard = notes(before, RATE), notes(after, RATE)
    return float(2 * (wanted & heard).sum() / max(wanted.sum() + heard.sum(), 1))


def _figures(subject: Subject, waves: Sequence[np.ndarray], resamples: int) -> dict:
    rows: list[dict[str, float | None]] = []
    bits: list[float | None] = []
    for wave in waves:
        after, rate = subject.run(wave)
        rows.append(measure(wave, after))
        bits.append(rate)
    rates = [rate for rate in bits if rate is not None]
    result: dict = {"kbit_s": round(float(np.mean(rates)), 2) if len(rates) == len(bits) else None}
    for name, better in BETTER.items():
        values = [row[name] for row in rows if row[name] is not None]
        if values:
            interval = mean_interval(np.array(values), resamples=resamples)
            result[name] = figure(TITLES[name], interval, len(values), better=better)
    return result


def table(report: dict) -> str:
    """The report as lines of text, a table a dataset folder."""
    lines = [f"{name:<14} {about}" for name, about in report["subjects"].items()]
    for folder, subjects in report["data"].items():
        lines += ["", f"{folder}: held-out excerpts of {report['seconds']:g} s; in brackets the 95 % interval"]
        lines.append(f"{'':<16}" + "".join(f"{name[-24:]:<26}" for name in subjects).rstrip())
        rates = (f"{row['kbit_s']:.1f}" if row["kbit_s"] else "-" for row in subjects.values())
        lines.append(f"{'kbit/s':<16}" + "".join(f"{rate:<26}" for rate in rates).rstrip())
        for name in measured(subjects):
            cells = (_cell(row.get(name), name) for row in subjects.values())
            lines.append(f"{TITLES[name]:<16}" + "".join(f"{cell:<26}" for cell in cells).rstrip())
    lines += ["", "note: SI-SDR says nothing of codecs that rebuild phases: they are far below 0 however they sound"]
    return "\n".join(lines)


def measured(subjects: dict[str, dict]) -> list[str]:
    """The measures that any of the rows of a report has, in the order of `TITLES`."""
    return [name for name in TITLES if any(name in row for row in subjects.values())]


def _cell(entry: dict | None, name: str) -> str:
    if entry is None:
        return "-"
    shape = SHAPES.get(name, "{:.0%}")
    ends = f" ({shape.format(entry['low'])} to {shape.format(entry['high'])})" if "low" in entry else ""
    return shape.format(entry["value"]) + ends


def draw(codecs: Sequence[str], data: Sequence[Path], path: Path, seconds: float = 8.0) -> None:
    """A PNG of spectrograms: a row the original, each codec and each baseline, a column a dataset folder."""
    from ..runtime.charts import picture
    from .tables.spectrograms import show_spectrogram

    subjects = [subject for name in codecs for subject in of_codec(name)] + baseline_subjects()
    waves = [excerpts_of(folder, 1, seconds)[0] for folder in data]
    with picture(path, len(subjects) + 1, len(waves), (4.8 * len(waves), 1.7 * (len(subjects) + 1))) as axes:
        grid = np.asarray(axes, dtype=object).reshape(len(subjects) + 1, len(waves))
        for column, (clip, wave) in enumerate(waves):
            show_spectrogram(grid[0, column], _mid(wave), RATE, f"original: {clip.id[-40:]}")
            for row, subject in enumerate(subjects, 1):
                after, bits = subject.run(wave)
                title = subject.name[-40:] + (f", {bits:.1f} kbit/s" if bits else "")
                show_spectrogram(grid[row, column], _mid(after), RATE, title)
