"""Single drums (2, n) float32: synthesised drum machines, and CC0 one-shots.

Kits "909", "808", "hardstyle" and "chip" are synthesised; "acoustic_samples" (and, by chance, single drums of "909"
and "808") are the one-shots of the Debian package sonic-pi-samples where it is installed.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
from scipy.signal import butter, resample_poly, sosfilt

from .oscillators import lowpass, oscillator

SAMPLES = Path("/usr/share/sonic-pi/samples")
KITS = ("909", "808", "hardstyle", "chip", "acoustic_samples")
SAMPLED = ("synth:drums:909", "synth:drums:808", "synth:drums:acoustic_samples")  # sounds that may use one-shots
KICKS = (35, 36)
TOMS = {41: 85, 43: 100, 45: 120, 47: 145, 48: 175, 50: 210}
SKINS = {60: 420, 61: 300, 62: 330, 63: 250, 64: 190, 65: 420, 66: 300}  # bongos, congas, timbales
CYMBALS = {49: 1.6, 57: 1.8, 52: 1.2, 55: 0.7, 51: 0.9, 59: 0.9, 53: 0.7}
PANS = {42: 0.25, 44: 0.25, 46: 0.25, 49: -0.4, 57: 0.4, 51: 0.4, 59: 0.4, 54: -0.3, 70: 0.35, 82: 0.35, 56: -0.25,
        41: -0.4, 43: -0.3, 45: -0.15, 47: 0.1, 48: 0.25, 50: 0.35, 60: -0.3, 61: -0.2, 63: 0.2, 64: 0.3}  # fmt: skip
ONE_SHOTS = {
    35: ("drum_bass_soft", "drum_bass_hard"), 36: ("drum_bass_soft", "drum_bass_hard"),
    38: ("drum_snare_soft", "drum_snare_hard"), 40: ("drum_snare_soft", "drum_snare_hard"),
    41: ("drum_tom_lo_soft", "drum_tom_lo_hard"), 43: ("drum_tom_lo_soft", "drum_tom_lo_hard"),
    45: ("drum_tom_mid_soft", "drum_tom_mid_hard"), 47: ("drum_tom_mid_soft", "drum_tom_mid_hard"),
    48: ("drum_tom_hi_soft", "drum_tom_hi_hard"), 50: ("drum_tom_hi_soft", "drum_tom_hi_hard"),
    42: ("drum_cymbal_closed",) * 2, 44: ("drum_cymbal_pedal",) * 2, 46: ("drum_cymbal_open",) * 2,
    49: ("drum_cymbal_soft", "drum_cymbal_hard"), 57: ("drum_cymbal_soft", "drum_cymbal_hard"),
    51: ("drum_cymbal_soft",) * 2, 55: ("drum_splash_soft", "drum_splash_hard"), 56: ("drum_cowbell",) * 2,
}  # fmt: skip
CLUB_SHOTS: dict[str, dict[int, tuple[str, ...]]] = {
    "909": {
        36: ("bd_haus", "bd_klub", "bd_tek", "bd_ada", "bd_sone", "bd_zum", "bd_fat", "bd_pure", "bd_zome"),
        38: ("sn_dolf", "sn_generic", "sn_dub", "sn_zome", "elec_hi_snare", "elec_snare", "elec_mid_snare",
             "elec_lo_snare", "elec_filt_snare"),
        42: ("drum_cymbal_closed",), 46: ("drum_cymbal_open",), 37: ("elec_wood", "elec_tick"),
    },
    "808": {36: ("bd_808", "bd_boom", "bd_gas"), 38: ("elec_hi_snare", "sn_zome")},
}  # fmt: skip


def _time(seconds: float, rate: int) -> np.ndarray:
    return np.arange(int(seconds * rate), dtype=np.float32) / rate


def _noise(t: np.ndarray, rng: np.random.Generator, low: float, high: float, rate: int) -> np.ndarray:
    """White noise between two frequencies in Hz, RMS about 1."""
    sections = butter(2, [low, min(high, 0.47 * rate)], "bandpass", fs=rate, output="sos")
    sound = sosfilt(sections, rng.standard_normal(len(t))).astype(np.float32)
    return sound / (sound.std() + 1e-9)


def _drop(t: np.ndarray, start: float, end: float, seconds: float, rate: int) -> np.ndarray:
    """Sine falling from `start` to `end` Hz with the time constant `seconds`."""
    return oscillator("sine", end + (start - end) * np.exp(-t / seconds), len(t), rate)


def _metal(t: np.ndarray, rate: int, base: float) -> np.ndarray:
    """Six inharmonic square waves, the classic analogue cymbal source, high-passed."""
    ratios = (1.0, 1.342, 1.2312, 1.6532, 1.9523, 2.1523)
    sound = sum(oscillator("pulse0.5", base * r * 8, len(t), rate, 0.1 * i) for i, r in enumerate(ratios))
    return sosfilt(butter(4, 5500, "highpass", fs=rate, output="sos"), sound).astype(np.float32)


def _clap(rate: int, rng: np.random.Generator) -> np.ndarray:
    t = _time(0.35, rate)
    bursts = sum(np.where(t >= d, np.exp(-(t - d) / 0.006), 0) for d in (0, 0.011, 0.022))
    tail = np.where(t >= 0.03, np.exp(-(t - 0.03) / 0.07), 0)
    return 0.5 * _noise(t, rng, 800, 5000, rate) * (bursts + 0.8 * tail)


def _kick(kit: str, rate: int, rng: np.random.Generator) -> np.ndarray:
    if kit == "808":
        t = _time(rng.uniform(0.6, 1.0), rate)
        body = _drop(t, 130, rng.uniform(44, 55), 0.02, rate) * np.exp(-t / (t[-1] / 4))
        return np.tanh(1.6 * body) * np.minimum(1, (t[-1] - t) / 0.02)
    if kit == "chip":
        t = _time(0.16, rate)
        return oscillator("stepped", 45 + 260 * np.exp(-t / 0.022), len(t), rate) * (1 - t / t[-1])
    if kit == "hardstyle":
        t = _time(0.38, rate)
        body = _drop(t, rng.uniform(600, 1100), rng.uniform(46, 58), rng.uniform(0.02, 0.035), rate)
        body = np.tanh(rng.uniform(6, 14) * body * np.exp(-t / 0.22)) + 0.3 * np.tanh(3 * body)
        return sosfilt(lowpass(5500, 0.2, rate), body).astype(np.float32) * np.minimum(1, (t[-1] - t) / 0.05)
    t = _time(0.42, rate)
    body = _drop(t, rng.uniform(220, 380), rng.uniform(46, 58), rng.uniform(0.018, 0.03), rate) * np.exp(-t / 0.11)
    click = 0.25 * _noise(t, rng, 1500, 8000, rate) * np.exp(-t / 0.003)
    return np.tanh(rng.uniform(1.8, 3.5) * body + click) * np.minimum(1, (t[-1] - t) / 0.02)


def _snare(kit: str, rate: int, rng: np.random.Generator) -> np.ndarray:
    t = _time(0.3, rate)
    if kit == "chip":
        return _steps(t, rng, 9000, rate) * np.exp(-t / 0.05)
    tone = _drop(t, 330, rng.uniform(170, 220), 0.012, rate) * np.exp(-t / 0.06)
    if kit == "808":
        return (
            0.6 * tone
            + 0.3 * oscillator("sine", 331.0, len(t), rate) * np.exp(-t / 0.04)
            + 0.3 * _noise(t, rng, 1800, 11000, rate) * np.exp(-t / 0.06)
        )
    return 0.7 * tone + 0.4 * _noise(t, rng, 900, 12000, rate) * np.exp(-t / rng.uniform(0.055, 0.1))


def _steps(t: np.ndarray, rng: np.random.Generator, clock: float, rate: int) -> np.ndarray:
    """One-bit noise clocked at `clock` Hz, the sound chip's noise channel."""
    bits = rng.choice(np.array([-1, 1], np.float32), int(t[-1] * clock) + 2)
    return bits[(t * clock).astype(int)]


def _hat(kit: str, opened: bool, rate: int, rng: np.random.Generator) -> np.ndarray:
    length = rng.uniform(0.09, 0.16) if opened else rng.uniform(0.018, 0.035)
    t = _time(6 * length, rate)
    if kit == "chip":
        return 0.6 * _steps(t, rng, 15000, rate) * np.exp(-t / length)
    sound = 0.4 * _metal(t, rate, rng.uniform(50, 62)) + 0.35 * _noise(t, rng, 7000, 15000, rate)
    return 0.6 * sound * np.exp(-t / length) * np.minimum(1, t / 0.0005)


def _cymbal(kit: str, key: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    length = CYMBALS[key]
    t = _time(length, rate)
    if kit == "chip":
        return 0.6 * _steps(t, rng, 12000, rate) * np.exp(-t / (length / 4))
    fade = np.exp(-t / (length / 4.5)) * np.minimum(1, (length - t) / 0.05)
    if key in (51, 59, 53):
        bell = sum(oscillator("sine", f, len(t), rate) for f in (3130.0, 4270.0, 5410.0, 6870.0)) / 4
        return (0.35 * _metal(t, rate, 45) + 0.15 * _noise(t, rng, 5000, 14000, rate) + 0.35 * bell) * fade
    return (0.35 * _metal(t, rate, 40) + 0.4 * _noise(t, rng, 3000, 15000, rate)) * fade


def _shot(kit: str, key: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    """One synthesised drum (n,) float32 for a General MIDI percussion key."""
    if key in KICKS:
        return _kick(kit, rate, rng)
    if key in (38, 40):
        return _snare(kit, rate, rng)
    if key == 39:
        return _clap(rate, rng)
    if key in (42, 44, 46):
        return _hat(kit, key == 46, rate, rng)
    if key in CYMBALS:
        return _cymbal(kit, key, rate, rng)
    if key in TOMS or key in SKINS:
        hz: float = TOMS.get(key) or SKINS[key]
        t = _time(0.5 if key in TOMS else 0.3, rate)
        skin = _drop(t, hz * 1.7, hz, 0.03, rate) * np.exp(-t / (18 / hz)) * np.minimum(1, (t[-1] - t) / 0.02)
        return 0.8 * skin + 0.12 * _noise(t, rng, 500, 5000, rate) * np.exp(-t / 0.01)
    if key in (56, 67, 68):
        t = _time(0.35, rate)
        low = {56: 545.0, 67: 900.0, 68: 660.0}[key]
        pair = oscillator("pulse0.5", low, len(t), rate) + oscillator("pulse0.5", low * 1.48, len(t), rate)
        return 0.4 * sosfilt(lowpass(4500, 0.1, rate), pair).astype(np.float32) * np.exp(-t / 0.07)
    if key in (37, 75, 76, 77, 31):
        t = _time(0.1, rate)
        hz = {37: 1650.0, 75: 2500.0, 76: 950.0, 77: 700.0, 31: 1200.0}[key]
        return 0.7 * oscillator("triangle", hz, len(t), rate) * np.exp(-t / 0.014) + 0.1 * _noise(
            t, rng, 2000, 9000, rate
        ) * np.exp(-t / 0.006)
    if key in (80, 81):
        t = _time(1.0 if key == 81 else 0.15, rate)
        ring = sum(oscillator("sine", f, len(t), rate) for f in (4120.0, 6230.0, 9470.0)) / 3
        return 0.5 * ring * np.exp(-t / (t[-1] / 4))
    t = _time(0.14, rate)  # shakers, tambourine and whatever else: a short bright noise
    swell = np.minimum(1, t / (0.002 if key == 54 else 0.015))
    return 0.35 * _noise(t, rng, 4500, 14000, rate) * swell * np.exp(-t / (0.05 if key == 54 else 0.03))


@lru_cache(maxsize=256)
def one_shot(name: str, rate: int) -> np.ndarray | None:
    """A recorded drum (2, n) float32, peak 1, trimmed to 2.5 s; None when the samples are not installed."""
    import soundfile

    path = SAMPLES / f"{name}.flac"
    if not path.exists():
        return None
    audio, recorded = soundfile.read(path, dtype="float32", always_2d=True)
    audio = audio.T[:, : int(2.5 * recorded)]
    audio = np.repeat(audio, 2, 0) if len(audio) == 1 else audio[:2]
    divisor = math.gcd(rate, recorded)
    audio = resample_poly(audio, rate // divisor, recorded // divisor, axis=1).astype(np.float32)
    audio[:, -64:] *= np.linspace(1, 0, 64, dtype=np.float32)
    return audio / (np.abs(audio).max() + 1e-9)


def _stereo(mono: np.ndarray, key: int) -> np.ndarray:
    angle = (PANS.get(key, 0.0) * 0.7 + 1) * math.pi / 4
    return np.stack([mono * math.cos(angle), mono * math.sin(angle)]).astype(np.float32) * math.sqrt(2)


def drum(kit: str, key: int, layer: int, rate: int, rng: np.random.Generator) -> np.ndarray:
    """One drum (2, n) float32 of a kit of KITS: `layer` 0 is a soft hit, 1 a hard one."""
    name = ONE_SHOTS[key][layer] if kit == "acoustic_samples" and key in ONE_SHOTS else None
    if key in CLUB_SHOTS.get(kit, {}) and rng.random() < 0.4:
        name = str(rng.choice(CLUB_SHOTS[kit][key]))
    recorded = one_shot(name, rate) if name else None
    if recorded is not None:
        level = 0.5 if key in CYMBALS or key in (42, 44, 46) else 0.9
        return level * recorded
    return _stereo(_shot(kit, key, rate, rng), key)
