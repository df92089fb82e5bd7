"""Half a minute of sound -> what is heard in it, and the evidence by which that can be trusted.

Evidence is a few numbers for each answer: how well it fits, how much better than the next best one, and whether the
first and the last two thirds of the sound, heard by themselves, give the same answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import median_filter

from musicgen_app.analysis.beats import Beats, find_beats
from musicgen_app.analysis.chords import Heard, find_chords
from musicgen_app.analysis.key import PROFILES, fold, semitones
from musicgen_app.analysis.spectra import log_mel
from musicgen_app.analysis.tempo import COMMON, comb, onsets, same
from musicgen_app.control.theory import MODES, key_name, parse_chord, tonic_and_mode

RATE = 24_000  # Hz that are listened to
BLOCK = 2.0  # seconds for which drums and energy are told
NEAR = 0.07  # seconds within which two beats are the same
OTHERS = np.geomspace(50, 200, 140)  # tempi that the heard one is compared with
BANDS, EDGES = 40, (0, 8, 22, 40)  # mel bands, and what of them is low, middle and high

TEMPO = ("clarity", "lead over others", "lead over half", "lead over double", "same in parts", "off the usual")
BEATS = ("clarity", "lead", "off in parts", "same in parts", "steady")
BARS = ("certainty", "same bars in parts", "same metre in parts", "clarity", "lead", "off in parts", "threes")
EVIDENCE = {  # field -> the numbers that speak for or against its answer
    "tempo": TEMPO + BEATS,
    "beats": TEMPO + BEATS + BARS,
    "bars": BARS,
    "metre": ("certainty", "same metre in parts", "same bars in parts", "clarity", "threes"),
    "key": ("fit", "lead", "lead over relative", "same in parts", "chords inside"),
    "chords": ("fit", "fit of stretch", "length", "inside key", "clarity", "lead", "off in parts"),
    "drums": tuple(
        f"{what} {band}"
        for what in ("sharpest rise", "mean rise", "percussive", "sharpest rise of all")
        for band in ("low", "middle", "high")
    )
    + ("level", "brightness", "height of spectrum"),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Sound:
    """What was heard in a stretch of sound.

    seconds: its length; key: such as "F# minor"; chords: one a beat; blocks: seconds at which blocks of BLOCK begin;
    evidence: of each field of EVIDENCE (n, features); n is 1, of chords the number of beats, of drums that of blocks.
    """

    seconds: float
    beats: Beats
    key: str
    chords: list[Heard]
    blocks: np.ndarray
    evidence: dict[str, np.ndarray]

    @property
    def times(self) -> np.ndarray:
        """Seconds of all beats (B,)."""
        return self.beats.times(self.seconds)

    @property
    def downbeats(self) -> np.ndarray:
        """Whether each beat begins a bar (B,)."""
        return _downbeats(self.beats, len(self.times))


def hear(audio: np.ndarray, sample_rate: int) -> Sound:
    """What is heard in audio (channels, samples) float32, of some ten to thirty seconds."""
    from musicgen_app.audio import resample

    mono = audio.mean(axis=0)
    mono = mono if sample_rate == RATE else resample(mono[None], sample_rate, RATE)[0]
    mono = np.ascontiguousarray(mono, dtype=np.float32)
    seconds = len(mono) / RATE
    beats = find_beats(mono, RATE)
    third = len(mono) // 3
    parts = [(0.0, find_beats(mono[: 2 * third], RATE)), (third / RATE, find_beats(mono[third:], RATE))]
    times = beats.times(seconds)
    chords = find_chords(mono, RATE, times, _downbeats(beats, len(times)))
    key, of_key = _key(mono, chords)
    rhythm = _rhythm(mono, beats, parts, seconds)
    harmony = _of_chords(chords, key, rhythm["beats"][len(TEMPO) : len(TEMPO) + 3])
    blocks, percussion = _blocks(mono)
    evidence = {name: np.atleast_2d(values) for name, values in rhythm.items()}
    evidence |= {"key": np.atleast_2d(of_key), "chords": harmony, "drums": percussion}
    return Sound(seconds, beats, key, chords, blocks, evidence)


def _downbeats(beats: Beats, count: int) -> np.ndarray:
    return np.arange(count) % beats.metre == beats.downbeat % beats.metre


def _rhythm(mono: np.ndarray, beats: Beats, parts: list[tuple[float, Beats]], seconds: float) -> dict[str, np.ndarray]:
    """Evidence of tempo, beats, bars and metre."""
    strength, rate = onsets(mono, RATE)

    def fits(tempi: np.ndarray) -> np.ndarray:
        return comb(strength, rate, tempi) + comb(strength, rate, 2 * tempi)

    own, half, double = fits(beats.tempo * np.array([1, 1 / 2, 2]))
    others = OTHERS[np.abs(np.log2(OTHERS / beats.tempo)) > 0.08]
    agree = [same(part.tempo, beats.tempo) for _, part in parts]
    off, bars, metres = [], [], []
    period, own_times = 60 / beats.tempo, beats.times(seconds)
    own_bars = own_times[_downbeats(beats, len(own_times))]
    for begin, part in parts:
        theirs = begin + part.times(seconds - begin)
        off.append(min(0.5, _off(theirs, own_times) / period) if len(theirs) and len(own_times) else 0.5)
        lines = theirs[_downbeats(part, len(theirs))]
        bars.append(len(lines) > 0 and len(own_bars) > 0 and _off(lines, own_bars) < NEAR)
        metres.append(part.metre == beats.metre)
    shift = float(np.abs(np.log(np.array([part.tempo for _, part in parts]) / beats.tempo)).clip(max=0.1).max())
    threes = float(beats.metre == 3)
    of_tempo = [
        beats.clarity, own - fits(others).max(), own - half, own - double, np.mean(agree),
        abs(np.log2(beats.tempo / COMMON)),
    ]  # fmt: skip
    of_beats = [beats.clarity, beats.lead, max(off), np.mean(agree), shift]
    of_bars = [beats.certainty, np.mean(bars), np.mean(metres), beats.clarity, beats.lead, max(off), threes]
    return {
        "tempo": np.array(of_tempo + of_beats),
        "beats": np.array(of_tempo + of_beats + of_bars),
        "bars": np.array(of_bars),
        "metre": np.array([beats.certainty, np.mean(metres), np.mean(bars), beats.clarity, threes]),
    }  # fmt: skip


def _off(moments: np.ndarray, others: np.ndarray) -> float:
    """The median distance, in seconds, of moments to the nearest of others; those beyond the others left out."""
    inside = moments[(moments >= others[0] - NEAR) & (moments <= others[-1] + NEAR)]
    if not len(inside):
        return float("inf")
    return float(np.median(np.abs(inside[:, None] - others).min(axis=1)))


def _key(mono: np.ndarray, chords: list[Heard]) -> tuple[str, np.ndarray]:
    """The key, and its evidence."""
    classes = fold(np.sqrt(semitones(mono, RATE)))
    fits = _fits(classes.sum(axis=0))
    best = int(np.argmax(fits))
    tonic, minor = best % 12, best // 12
    relative = (tonic + 3) % 12 if minor else (tonic + 9) % 12 + 12
    others = np.delete(fits, [best, relative])
    parts = [int(np.argmax(_fits(part.sum(axis=0)))) == best for part in np.array_split(classes, 3)]
    name = key_name(tonic, "minor" if minor else "major")
    inside = float(np.mean([_inside(chord.symbol, name) for chord in chords])) if chords else 0.0
    evidence = [fits[best], fits[best] - others.max(), fits[best] - fits[relative], np.mean(parts), inside]
    return name, np.array(evidence)


def _fits(classes: np.ndarray) -> np.ndarray:
    """How well pitch classes (12,) fit the 24 keys, twelve major ones first: correlations."""
    if classes.std() < 1e-9:
        return np.zeros(24)
    profiles = [np.roll(profile, tonic) for profile in PROFILES for tonic in range(12)]
    return np.array([np.corrcoef(classes, profile)[0, 1] for profile in profiles])


def _inside(symbol: str, key: str) -> bool:
    """Whether all notes of a chord are in a key."""
    tonic, mode = tonic_and_mode(key)
    scale = {(tonic + step) % 12 for step in MODES[mode]}
    return bool(symbol) and scale.issuperset(pitch % 12 for pitch in parse_chord(symbol).pitches)


def _of_chords(chords: list[Heard], key: str, rhythm: np.ndarray) -> np.ndarray:
    """Evidence (B, 7) of the chord of every beat."""
    rows: list[list[float]] = []
    begin = 0
    for number, chord in enumerate(chords, 1):
        if number == len(chords) or chords[number].symbol != chord.symbol:
            run = chords[begin:number]
            mean, inside = float(np.mean([one.fit for one in run])), float(_inside(chord.symbol, key))
            rows += [[one.fit, mean, np.log2(len(run)), inside, *rhythm] for one in run]
            begin = number
    return np.array(rows).reshape(-1, len(EVIDENCE["chords"]))


def _blocks(mono: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the blocks begin, seconds (N,), and the evidence (N, 15) for drums, and of energy, in each."""
    hop = RATE // 100
    mel = log_mel(torch.from_numpy(mono)[None], RATE, 1024, BANDS, hop=hop)[0].numpy()  # (T, 40)
    mel = np.maximum(mel, mel.max() - 8)
    rises = np.maximum(np.diff(mel, axis=0, prepend=mel[:1]), 0)
    power = np.exp(2 * mel)
    held, struck = median_filter(power, (21, 1)), median_filter(power, (1, 9))
    percussive = struck**2 / (held**2 + struck**2 + 1e-20)
    level = 10 * np.log10(power.sum(axis=1) + 1e-12)
    places = np.arange(BANDS)
    groups = [slice(low, high) for low, high in zip(EDGES, EDGES[1:], strict=False)]
    size = round(BLOCK * RATE / hop)
    count = max(1, len(mel) // size)
    rows = []
    for number in range(count):
        here = slice(number * size, (number + 1) * size if number < count - 1 else None)
        bands = [rises[here, group].mean(axis=1) for group in groups]
        shares = [float((percussive[here, g] * power[here, g]).sum() / (power[here, g].sum() + 1e-12)) for g in groups]
        spectrum = power[here].mean(axis=0)
        rows.append([
            *(np.quantile(band, 0.95) for band in bands), *(band.mean() for band in bands), *shares, 0, 0, 0,
            10 * np.log10(10 ** (level[here] / 10)).mean() - level.max(),
            10 * np.log10(spectrum[EDGES[2] :].sum() / spectrum.sum()),
            float((spectrum * places).sum() / spectrum.sum()),
        ])  # fmt: skip
    found = np.array(rows)
    found[:, 9:12] = found[:, :3].mean(axis=0)
    return np.arange(count) * BLOCK, found
