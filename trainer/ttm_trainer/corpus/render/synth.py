"""Software synthesiser of the corpus: notes of one part -> stereo stem (2, samples) float32.

Oscillators read wavetables holding only the harmonics below the Nyquist frequency, so they do not alias. A note is
rendered once per distinct (pitch, length, loudness class, glide origin) and placed wherever it occurs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy.signal import lfilter, sosfilt

TABLE_BITS = 13
TABLE = 1 << TABLE_BITS
LENGTH_STEP = 0.02  # seconds; note lengths are rounded to this, so that repeated notes share one rendering


class Event(NamedTuple):
    """A note in seconds."""

    start: float
    seconds: float
    pitch: int
    velocity: int


@dataclass(frozen=True)
class Voice:
    """What a note function needs: (pitch in Hz, samples held, loudness 0..1, and the patch of the part)."""

    hz: float
    from_hz: float  # where a glide begins; hz when there is none
    held: int  # samples until the key is released
    loudness: float
    rate: int
    options: dict
    rng: np.random.Generator


def frequency(pitch: float) -> float:
    return 440.0 * 2.0 ** ((pitch - 69) / 12)


@lru_cache(maxsize=512)
def wavetable(wave: str, harmonics: int) -> np.ndarray:
    """One band-limited cycle (TABLE,) float32 of `wave`, peak 1, with `harmonics` partials."""
    spectrum = np.zeros(TABLE // 2 + 1, np.complex128)
    k = np.arange(1, min(harmonics, TABLE // 2 - 1) + 1)
    if wave == "sine":
        spectrum[1] = -1j
    elif wave == "saw":
        spectrum[k] = -1j / k
    elif wave == "triangle":
        spectrum[k] = np.where(k % 2 == 1, -1j * np.sin(k * np.pi / 2) / k**2, 0)
    elif wave == "stepped":
        cycle = np.round(np.abs(np.linspace(-2, 2, TABLE, endpoint=False)) * 7.5) / 7.5 - 1
        spectrum[k] = np.fft.rfft(cycle)[k]
    else:
        duty = float(wave.removeprefix("pulse"))
        spectrum[k] = -1j / k * (1 - np.exp(-2j * np.pi * k * duty))
    cycle = np.fft.irfft(spectrum)
    return (cycle / np.abs(cycle).max()).astype(np.float32)


def _harmonics(hz: float, rate: int) -> int:
    """Partials that fit below 0.47 of the sample rate, rounded to a coarse grid so that tables are shared."""
    fit = 0.47 * rate / hz
    return max(1, int(2 ** (math.floor(math.log2(max(fit, 1)) * 8) / 8)))


def oscillator(wave: str, hz: float | np.ndarray, samples: int, rate: int, phase: float = 0.0) -> np.ndarray:
    """(samples,) float32 of a band-limited wave; `hz` may be a curve (samples,), `phase` is in cycles."""
    if not isinstance(hz, np.ndarray):
        step = np.uint32(round(hz / rate * 2**32))
        angle = np.arange(samples, dtype=np.uint32) * step + np.uint32(int(phase % 1 * 2**32) & 0xFFFFFFFF)
        return wavetable(wave, _harmonics(hz, rate)).take(angle >> np.uint32(32 - TABLE_BITS))
    turns = phase + np.cumsum(hz / rate, dtype=np.float64)
    table = wavetable(wave, _harmonics(float(hz.max()), rate))
    return table.take((turns * TABLE).astype(np.int64) & (TABLE - 1))


def adsr(voice: Voice, attack: float, decay: float, sustain: float, release: float) -> np.ndarray:
    """Envelope (held + release samples,) float32; decay and release are exponential, times in seconds."""
    attack = voice.options.get("attack", attack)
    release = max(voice.options.get("release", release), 0.003)
    rate, held = voice.rate, voice.held
    tail = int(release * rate)
    t = np.arange(held, dtype=np.float32) / rate
    rise = np.minimum(t / max(attack, 0.001), 1)
    fall = sustain + (1 - sustain) * np.exp(-np.maximum(t - attack, 0) / max(decay / 3, 1e-3), dtype=np.float32)
    body = rise * fall
    end = body[-1] if held else 0.0
    ramp = np.arange(tail, dtype=np.float32) / max(tail, 1)
    return np.concatenate([body, end * np.exp(-4 * ramp) * (1 - ramp)]).astype(np.float32)


def lowpass(hz: float, resonance: float, rate: int, stages: int = 2) -> np.ndarray:
    """Second-order sections of a resonant low-pass (bilinear transform; resonance 0..1 goes on the first stage)."""
    hz = min(max(hz, 20.0), 0.45 * rate)
    w = 2 * math.pi * hz / rate
    sections = []
    for stage in range(stages):
        q = 0.6 + (11 * resonance**1.5 if stage == 0 else 0)
        alpha = math.sin(w) / (2 * q)
        b = (1 - math.cos(w)) / 2
        a0 = 1 + alpha
        sections.append([b / a0, 2 * b / a0, b / a0, 1, -2 * math.cos(w) / a0, (1 - alpha) / a0])
    return np.asarray(sections, np.float32)


def filter_sweep(
    audio: np.ndarray, cutoff: Callable[[float], float], rate: int, resonance: float = 0.0, block: int = 512
) -> np.ndarray:
    """Low-pass whose cutoff in Hz is a function of the position 0..1; new coefficients each `block` samples."""
    out = np.empty_like(audio)
    samples = audio.shape[-1]
    state = np.zeros((2, *audio.shape[:-1], 2), np.float32)
    for start in range(0, samples, block):
        sections = lowpass(cutoff(start / samples), resonance, rate)
        out[..., start : start + block], state = sosfilt(sections, audio[..., start : start + block], zi=state)
    return out


def _pitch_curve(voice: Voice, samples: int, vibrato: float = 0.0) -> float | np.ndarray:
    """Hz: a constant, or a curve when the note glides or has delayed vibrato (`vibrato` in semitones)."""
    glide = voice.options.get("glide", 0.0)
    glide = 0.06 if glide is True else float(glide)
    if vibrato == 0 and (voice.from_hz == voice.hz or glide <= 0):
        return voice.hz
    t = np.arange(samples, dtype=np.float32) / voice.rate
    semitones = vibrato * np.clip((t - 0.25) / 0.3, 0, 1) * np.sin(2 * np.pi * 5.3 * t)
    if glide > 0:
        semitones = semitones + 12 * math.log2(voice.from_hz / voice.hz) * np.exp(-t / (glide / 2.5))
    return voice.hz * np.exp2(semitones / 12)


def _unison(voice: Voice, samples: int, voices: int, cents: float, wave: str = "saw", vibrato: float = 0.0):
    """(2, samples): detuned copies spread over the stereo field, random phases."""
    cents *= voice.options.get("detune_scale", 1.0)
    if "detune" in voice.options:
        detune = float(voice.options["detune"])
        cents = detune if detune > 1 else 50 * detune
    base = _pitch_curve(voice, samples, vibrato)
    out = np.zeros((2, samples), np.float32)
    for place in np.linspace(-1, 1, voices) if voices > 1 else (0.0,):
        ratio = 2 ** (cents * (place + 0.07 * voice.rng.standard_normal()) / 1200)
        sound = oscillator(wave, base * ratio, samples, voice.rate, voice.rng.random())
        side = place * (1 if int(round(place * 10)) % 2 else -1) * 0.8
        out[0] += math.cos((side + 1) * math.pi / 4) * sound
        out[1] += math.sin((side + 1) * math.pi / 4) * sound
    return out / math.sqrt(voices)


def _swept(voice: Voice, sound: np.ndarray, low: float, high: float, seconds: float, resonance: float) -> np.ndarray:
    """Filter envelope of one note: cutoff falls exponentially from `high` to `low` Hz."""
    resonance = voice.options.get("resonance", resonance)
    span = sound.shape[-1] / voice.rate
    return filter_sweep(
        sound, lambda x: low + (high - low) * math.exp(-3 * x * span / seconds), voice.rate, resonance, block=256
    )


def _fm(voice: Voice, samples: int, ratio: float, index: np.ndarray) -> np.ndarray:
    """Two-operator frequency modulation (Chowning 1973): sine carrier, modulator at `ratio`, index curve in radians."""
    t = np.arange(samples, dtype=np.float64) / voice.rate
    carrier = (t * voice.hz % 1).astype(np.float32)
    modulator = (t * voice.hz * ratio % 1).astype(np.float32)
    return np.sin(2 * np.pi * carrier + index * np.sin(2 * np.pi * modulator))


def _decay(samples: int, seconds: float, rate: int) -> np.ndarray:
    return np.exp(np.arange(samples, dtype=np.float32) * np.float32(-3 / (seconds * rate)))


def _supersaw(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.008, 0.4, 0.8, 0.12)
    return _unison(v, len(shape), 7, 18) * shape


def _saw_lead(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.006, 0.3, 0.75, 0.1)
    sound = _unison(v, len(shape), 3, 7, vibrato=0.12)
    return _swept(v, sound, 2200 + v.hz, 5000 + 5000 * v.loudness, 0.3, 0.15) * shape


def _square_lead(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.006, 0.25, 0.7, 0.09)
    sound = _unison(v, len(shape), 2, 4, "pulse0.42", vibrato=0.15)
    return _swept(v, sound, 1800 + v.hz, 4000 + 4000 * v.loudness, 0.25, 0.1) * shape


def _pluck(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.002, 0.5, 0.0, 0.2)
    sound = _unison(v, len(shape), 3, 8)
    return _swept(v, sound, 300 + v.hz, 3000 + 6000 * v.loudness, 0.22, 0.2) * shape


def _fm_bell(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.002, 1.6, 0.0, 0.6)
    n = len(shape)
    ratio = v.options.get("ratio", 3.5)
    index = (0.8 + 2.2 * v.loudness) * _decay(n, 0.8, v.rate) * min(1, 900 / v.hz)
    left = _fm(v, n, ratio, index)
    right = _fm(v, n, ratio * 1.002, index)
    return np.stack([left, right]) * shape


def _fm_epiano(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.003, 2.2, 0.0, 0.15)
    n = len(shape)
    body = _fm(v, n, 1.0, (0.5 + 1.6 * v.loudness) * _decay(n, 0.9, v.rate))
    partial = 14 if v.hz * 15 < 0.45 * v.rate else 4
    tine = _fm(v, n, partial, 0.6 * v.loudness * _decay(n, 0.25, v.rate))
    return np.repeat(((body + 0.4 * tine) * shape)[None], 2, 0)


def _warm_pad(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.5, 1.0, 0.85, 0.8)
    sound = _unison(v, len(shape), 5, 11)
    return sosfilt(lowpass(700 + 1.2 * v.hz + 900 * v.loudness, 0.05, v.rate), sound).astype(np.float32) * shape


def _air_pad(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.8, 1.0, 0.9, 1.2)
    n = len(shape)
    sound = _unison(v, n, 5, 14, "triangle")
    sound += 0.4 * _unison(v, n, 2, 9, "sine")
    octave = oscillator("triangle", 2 * v.hz * 1.003, n, v.rate, v.rng.random())
    breath = v.rng.standard_normal((2, n), np.float32)
    breath = sosfilt(_bandpass(min(3.0 * v.hz, 6000), 1.2, v.rate), breath).astype(np.float32)
    return (sound + 0.3 * octave + 0.25 * breath) * shape


def _drone(v: Voice) -> np.ndarray:
    shape = adsr(v, 1.5, 1.0, 1.0, 1.5)
    n = len(shape)
    sound = _unison(v, n, 4, 8) + 0.5 * oscillator("saw", v.hz * 1.5, n, v.rate)
    sound += oscillator("sine", v.hz / 2, n, v.rate)
    speed, offset = 0.05 + 0.15 * v.rng.random(), v.rng.random()
    span = n / v.rate
    centre = 350 + 2.5 * v.hz
    return (
        filter_sweep(
            sound, lambda x: centre * 2 ** math.sin(2 * math.pi * (speed * x * span + offset)), v.rate, 0.25, 1024
        )
        * shape
    )


def _chip_pulse(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.001, 0.15, 0.65, 0.02)
    duty = v.options.get("duty", 0.25)
    sound = oscillator(f"pulse{duty}", _pitch_curve(v, len(shape), 0.2), len(shape), v.rate)
    return np.repeat((sound * shape)[None], 2, 0)


def _chip_triangle(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.001, 0.1, 1.0, 0.01)
    sound = oscillator("stepped", _pitch_curve(v, len(shape)), len(shape), v.rate)
    return np.repeat((sound * shape)[None], 2, 0)


def _sub_bass(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.006, 0.8, 0.85, 0.06)
    sound = oscillator("sine", _pitch_curve(v, len(shape)), len(shape), v.rate) * shape
    return np.repeat(np.tanh(1.9 * sound + 0.15)[None] - math.tanh(0.15), 2, 0)


def _saw_bass(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.004, 0.35, 0.7, 0.06)
    n = len(shape)
    curve = _pitch_curve(v, n)
    sound = oscillator("saw", curve, n, v.rate) + 0.7 * oscillator("pulse0.5", curve * 0.5, n, v.rate)
    sound = _swept(v, sound, 180 + 2 * v.hz, 900 + 2500 * v.loudness, 0.25, 0.2)
    return np.repeat((sound * shape)[None], 2, 0)


def _reese_bass(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.01, 0.5, 0.9, 0.08)
    n = len(shape)
    sound = _unison(v, n, 3, 22)
    sound = sosfilt(lowpass(500 + 3 * v.hz + 700 * v.loudness, 0.2, v.rate), sound).astype(np.float32)
    return (0.6 * sound + 0.6 * oscillator("sine", _pitch_curve(v, n), n, v.rate)) * shape


def _acid_bass(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.003, 0.5, 0.5, 0.03)
    n = len(shape)
    sound = oscillator(v.options.get("wave", "saw"), _pitch_curve(v, n), n, v.rate)
    accent = 1.0 if v.loudness > 0.75 else 0.5
    patch = Voice(**{**vars(v), "options": {"resonance": 0.65, **v.options}})
    sound = _swept(patch, sound, 250 + v.hz, 800 + 3800 * accent, 0.25 - 0.1 * accent, 0.65)
    return np.repeat((np.tanh(1.5 * sound) * shape)[None], 2, 0)


def _fm_bass(v: Voice) -> np.ndarray:
    shape = adsr(v, 0.003, 0.6, 0.6, 0.05)
    n = len(shape)
    index = (0.8 + 3.0 * v.loudness) * (0.2 + 0.8 * _decay(n, 0.25, v.rate))
    return np.repeat((_fm(v, n, v.options.get("ratio", 1.0), index) * shape)[None], 2, 0)


def _bandpass(hz: float, q: float, rate: int) -> np.ndarray:
    w = 2 * math.pi * min(max(hz, 30.0), 0.45 * rate) / rate
    alpha = math.sin(w) / (2 * q)
    a0 = 1 + alpha
    return np.asarray([[alpha / a0, 0, -alpha / a0, 1, -2 * math.cos(w) / a0, (1 - alpha) / a0]], np.float32)


def _riser(v: Voice) -> np.ndarray:
    n = max(v.held, 64)
    x = np.linspace(0, 1, n, dtype=np.float32)
    noise = 0.5 * v.rng.standard_normal((2, n), np.float32)
    noise = filter_sweep(noise, lambda p: 300 * 40**p, v.rate, 0.3)
    curve = v.hz * np.exp2(2 * x)
    tone = oscillator("saw", curve, n, v.rate) + oscillator("saw", 1.006 * curve, n, v.rate)
    fade = np.minimum(1, (1 - x) * n / (0.02 * v.rate))
    return (noise + 0.2 * tone) * x**1.5 * fade


def _noise_sweep(v: Voice) -> np.ndarray:
    n = max(v.held, 64)
    noise = v.rng.standard_normal((2, n), np.float32)
    down = v.options.get("direction", "down") == "down"
    sound = filter_sweep(noise, lambda p: 250 * 40 ** (1 - p if down else p), v.rate, 0.35)
    x = np.linspace(0, 1, n, dtype=np.float32)
    shape = np.exp(-3.5 * x) * (1 - x) if down else x**1.5
    return sound * shape * np.minimum(1, np.minimum(x, 1 - x) * n / (0.005 * v.rate))


def _vinyl(v: Voice) -> np.ndarray:
    n = max(v.held, 64)
    seconds = n / v.rate
    hiss = 0.02 * v.rng.standard_normal((2, n), np.float32)
    clicks = np.zeros((2, n), np.float32)
    count = v.rng.poisson(14 * seconds)
    at = v.rng.integers(0, n, count)
    clicks[v.rng.integers(0, 2, count), at] = v.rng.exponential(0.35, count) * v.rng.choice([-1, 1], count)
    clicks = sosfilt(_bandpass(2800, 0.7, v.rate), clicks)
    rumble = sosfilt(lowpass(60, 0, v.rate, 1), v.rng.standard_normal((2, n), np.float32)) * 0.2
    return (hiss + 1.5 * clicks + rumble).astype(np.float32)


SOUNDS: dict[str, Callable[[Voice], np.ndarray]] = {
    "supersaw": _supersaw, "saw_lead": _saw_lead, "square_lead": _square_lead, "pluck": _pluck, "fm_bell": _fm_bell,
    "fm_epiano": _fm_epiano, "warm_pad": _warm_pad, "air_pad": _air_pad, "drone": _drone, "chip_pulse": _chip_pulse,
    "chip_triangle": _chip_triangle, "sub_bass": _sub_bass, "saw_bass": _saw_bass, "reese_bass": _reese_bass,
    "acid_bass": _acid_bass, "fm_bass": _fm_bass, "riser": _riser, "noise_sweep": _noise_sweep, "vinyl": _vinyl,
}  # fmt: skip


def patch(name: str, options: dict, rng: np.random.Generator) -> dict:
    """The part's own variation of a sound: choices the composer left open, drawn once per part."""
    drawn = {
        "detune_scale": float(rng.uniform(0.6, 1.5)),
        "duty": float(rng.choice([0.125, 0.25, 0.5])),
        "wave": str(rng.choice(["saw", "pulse0.5"])),
    }
    if name == "fm_bell":
        drawn["ratio"] = float(rng.choice([1.41, 2.0, 3.5, 5.0]))
    if name == "fm_bass":
        drawn["ratio"] = float(rng.choice([0.5, 1.0, 2.0]))
    return {**drawn, **options}


def echo(stem: np.ndarray, amount: float, beat: float, rate: int) -> np.ndarray:
    """Ping-pong delay of three eighth notes (`beat` in seconds), `amount` 0..1; (2, N) -> (2, N)."""
    out, tap = stem.copy(), stem
    lag = int(0.75 * beat * rate)
    for repeat in range(1, 5):
        if repeat * lag >= stem.shape[1]:
            break
        tap = lfilter([0.6], [1, -0.4], tap[::-1]).astype(np.float32)
        level = (0.5 * amount) ** (0.5 + 0.5 * repeat)
        out[:, repeat * lag :] += level * tap[:, : -repeat * lag]
    return out


def render_part(
    name: str, events: Sequence[Event], samples: int, rate: int, options: dict, rng: np.random.Generator, beat: float
) -> np.ndarray:
    """Play `events` on the sound `name` of SOUNDS -> (2, samples) float32.

    `options` as in `Part.options`; `beat` is the length of a quarter note in seconds (for the echo).
    """
    note = SOUNDS[name]
    options = patch(name, options, rng)
    seed = int(rng.integers(2**32))
    rendered: dict[tuple, np.ndarray] = {}
    out = np.zeros((2, samples), np.float32)
    before = None
    for event in sorted(events):
        start = max(0, int(round(event.start * rate)))
        if start >= samples:
            continue
        origin = event.pitch if before is None or not options.get("glide") else before
        before = event.pitch
        key = (event.pitch, max(1, round(event.seconds / LENGTH_STEP)), event.velocity // 20, origin)
        if key not in rendered:
            held = min(int(key[1] * LENGTH_STEP * rate), samples)
            loudness = min(1.0, (key[2] + 0.5) * 20 / 127)
            own = np.random.default_rng([seed, *key])
            voice = Voice(frequency(event.pitch), frequency(origin), held, loudness, rate, options, own)
            rendered[key] = note(voice).astype(np.float32, copy=False)
        sound = rendered[key][:, : samples - start]
        out[:, start : start + sound.shape[1]] += (event.velocity / 127) ** 1.4 * sound
    if name == "fm_epiano":
        t = np.arange(samples, dtype=np.float32) / rate
        wobble = 0.25 * np.sin(2 * np.pi * 4.7 * t)
        out *= np.stack([1 + wobble, 1 - wobble])
    if "cutoff" in options:
        low, high = options["cutoff"]
        out = filter_sweep(out, lambda x: low * (high / low) ** x, rate, options.get("resonance", 0.1), 1024)
    if drive := options.get("drive", 0.0):
        level = np.abs(out).max() + 1e-9
        out = np.tanh(out / level * (1 + 5 * drive)) * level
    if amount := options.get("delay", 0.0):
        out = echo(out, float(amount), beat, rate)
    return out
