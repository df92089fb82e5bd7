"""Reverberation made here: rooms by image sources and a tail whose bands die at their own speed, plates and springs.

An impulse response is (2, 2, n): from either side to either ear, so that a sound's place in the stereo picture is its
place in the room, and the two ears never hear the same tail.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from .filters import filtered, high_cut

SPEED = 343.0  # metres a second
BANDS = (125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)
AIR = np.array([0.0001, 0.0003, 0.0006, 0.001, 0.0018, 0.005, 0.017, 0.05])  # damping by air, 1/m (ISO 9613, roughly)
ORDER = 3  # reflections in a row that are traced
EARLY = 0.09  # seconds that are traced
SHOEBOXES = {  # metres from and to: length, width, height; absorption at 1 kHz from and to
    "dry": ((2.5, 4.5), (2.2, 4.0), (2.2, 2.8), (0.35, 0.6)),
    "room": ((5.0, 11.0), (4.0, 8.0), (2.7, 4.5), (0.16, 0.35)),
    "hall": ((22.0, 45.0), (15.0, 26.0), (9.0, 18.0), (0.16, 0.28)),
    "cathedral": ((40.0, 80.0), (20.0, 38.0), (16.0, 30.0), (0.10, 0.18)),
}
LONGEST = 5.0  # seconds


def response(kind: str, rate: int, rng: np.random.Generator) -> np.ndarray:
    """Impulse response (2, 2, n) float32 of a room of SHOEBOXES, a "plate" or a "spring", drawn by `rng`; the energy
    that a side sends to both ears is 1."""
    made = {"plate": _plate, "spring": _spring}.get(kind)
    found = made(rate, rng) if made else _shoebox(kind, rate, rng)
    return (found / np.sqrt(np.sum(found**2) / 2)).astype(np.float32)


def convolve(audio: np.ndarray, impulse: np.ndarray) -> np.ndarray:
    """Audio (2, N) in a room (2, 2, n) -> what the two ears hear (2, N). Blocks are added where they overlap."""
    samples, n = audio.shape[1], impulse.shape[2]
    size = next_fast_len(min(4 * n, samples + n), real=True)
    hop = size - n + 1
    count = -(-samples // hop)
    blocks = np.pad(audio, ((0, 0), (0, count * hop - samples))).reshape(2, count, hop)
    room = rfft(impulse, size)
    out = np.zeros((2, count * hop + n), np.float32)
    for block in range(count):
        sent = rfft(blocks[:, block], size)
        heard = irfft((sent[:, None] * room).sum(axis=0), size)
        out[:, block * hop : block * hop + size] += heard[:, : out.shape[1] - block * hop]
    return out[:, :samples]


def _tail(seconds: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """(2, 2, n): noise whose band k falls by 60 dB within `seconds[k]`."""
    n = int(min(LONGEST, 1.1 * seconds.max()) * rate)
    size = next_fast_len(n, real=True)
    noise = rfft(rng.standard_normal((4, size), np.float32))
    octave = np.log2(np.maximum(np.linspace(0, rate / 2, size // 2 + 1), 1.0) / BANDS[0])
    t = np.arange(n, dtype=np.float32) / rate
    out = np.zeros((4, n), np.float32)
    for k, reach in enumerate(seconds):
        near = np.clip(octave, 0, len(BANDS) - 1) - k
        weight = np.sqrt(np.maximum(0, 1 - np.abs(near))).astype(np.float32)
        out += irfft(noise * weight, size)[:, :n] * np.exp(-6.91 * t / np.float32(reach))
    return out.reshape(2, 2, n)


def _shoebox(kind: str, rate: int, rng: np.random.Generator) -> np.ndarray:
    *sizes, absorbing = SHOEBOXES[kind]
    box = np.array([rng.uniform(*size) for size in sizes])
    middle = rng.uniform(*absorbing)
    slope = rng.uniform(0.0, 0.5)  # soft furnishings take more of the treble
    absorption = np.clip(middle * (1 + slope * np.log2(np.array(BANDS) / 1000) / 3), 0.04, 0.9)
    volume, surface = float(box.prod()), 2 * float(box[0] * box[1] + box[0] * box[2] + box[1] * box[2])
    seconds = 0.161 * volume / (-surface * np.log(1 - absorption) + 4 * AIR * volume)  # Eyring
    tail = _tail(np.clip(seconds, 0.08, LONGEST), rate, rng)
    early = _reflections(box, absorption, rate, rng)
    mixing = min(0.06, 0.0015 * math.sqrt(volume))  # seconds until single reflections cannot be told apart
    start = np.clip(np.arange(tail.shape[2]) / rate / max(mixing, 1e-3), 0, 1) ** 2
    tail *= start.astype(np.float32)
    n = max(tail.shape[2], early.shape[2])
    out = np.zeros((2, 2, n), np.float32)
    share = rng.uniform(0.25, 0.5)
    out[..., : tail.shape[2]] += tail * np.float32(math.sqrt((1 - share) / np.sum(tail**2)))
    out[..., : early.shape[2]] += early * np.float32(math.sqrt(share / np.sum(early**2)))
    return out


def _reflections(box: np.ndarray, absorption: np.ndarray, rate: int, rng: np.random.Generator) -> np.ndarray:
    """First reflections (2, 2, n) of two sources at two ears by image sources.

    Time 0 is when the direct sound, which is not part of it, arrives.
    """
    ears = box * rng.uniform((0.3, 0.42, 0.3), (0.45, 0.58, 0.5))
    apart, ahead = rng.uniform(0.06, 0.2), rng.uniform(0.15, 0.4)
    width = min(0.4 * box[1], rng.uniform(1.5, 5.0))
    sources = np.array([[ears[0] + ahead * box[0], 0.5 * box[1] + side * width / 2, ears[2]] for side in (-1, 1)])
    grid = np.array([
        (x, y, z) for x in range(-ORDER, ORDER + 1) for y in range(-ORDER, ORDER + 1) for z in range(-ORDER, ORDER + 1)
        if 0 < abs(x) + abs(y) + abs(z) <= ORDER
    ])  # fmt: skip
    bounces = np.abs(grid).sum(axis=1)
    keep = np.sqrt(1 - absorption[3])
    out = np.zeros((ORDER, 4, int(EARLY * rate) + 2), np.float32)
    direct = float(np.linalg.norm(sources[0] - ears)) / SPEED
    for source in (0, 1):
        images = np.where(grid % 2 == 0, grid * box + sources[source], (grid + 1) * box - sources[source])
        images += rng.normal(0, 0.05, images.shape)  # no wall is a mirror
        for ear in (0, 1):
            place = ears + np.array([0.0, (ear - 0.5) * 2 * apart, 0.0])
            way = np.linalg.norm(images - place, axis=1)
            facing = 1 + 0.5 * (1 if ear else -1) * (images[:, 1] - place[1]) / way  # microphones face their side
            at = np.maximum(way / SPEED - direct, 0) * rate
            strong = facing * keep**bounces / np.maximum(way, 1.0) * rng.choice([-1, 1], len(way), p=[0.15, 0.85])
            inside = at < out.shape[2] - 1
            whole, part = at[inside].astype(int), at[inside] % 1
            row = (bounces[inside] - 1, 2 * source + ear)
            np.add.at(out, (*row, whole), strong[inside] * (1 - part))
            np.add.at(out, (*row, whole + 1), strong[inside] * part)
    dull = 14000 * (1 - absorption[6])
    early = sum(filtered(taps, high_cut(dull / (1 + order), rate, 0.5)) for order, taps in enumerate(out))
    return np.asarray(early).reshape(2, 2, -1)


def _plate(rate: int, rng: np.random.Generator) -> np.ndarray:
    """A steel plate: dense at once, treble arrives first, lows ring longest."""
    longest = rng.uniform(1.4, 3.2)
    tail = _tail(longest * np.array([1.0, 1.0, 0.92, 0.82, 0.7, 0.55, 0.4, 0.28]), rate, rng)
    tail *= np.minimum(1, np.arange(tail.shape[2]) / (0.004 * rate)).astype(np.float32)
    size = next_fast_len(tail.shape[2] + rate // 10, real=True)
    hz = np.maximum(np.linspace(0, rate / 2, size // 2 + 1), 60.0)
    delay = rng.uniform(0.15, 0.3) / np.sqrt(hz)  # seconds; waves that bend a plate are the faster the higher
    turn = np.exp(-2j * np.pi * np.cumsum(delay) * (hz[-1] / len(hz)))
    level = 10 ** (-np.maximum(0, np.log2(300 / hz)) * 4 / 20)  # plates have little bass
    return irfft(rfft(tail, size) * (turn * level).astype(np.complex64), size)[..., : tail.shape[2]]


def _spring(rate: int, rng: np.random.Generator) -> np.ndarray:
    """A tank of two or three springs a side: chirps that return, duller and longer each time."""
    size = next_fast_len(int(2.2 * rate), real=True)
    hz = np.linspace(0, rate / 2, size // 2 + 1)
    top = rng.uniform(3800, 5200)
    out = np.zeros((2, 2, size // 2 + 1), np.complex128)
    for side in (0, 1):
        for ear in (0, 1):
            for _ in range(rng.integers(2, 4)):
                trip, bend = rng.uniform(0.033, 0.055), rng.uniform(0.5, 1.0)
                delay = trip * (1 + bend * np.minimum(hz / top, 1) ** 2)
                phase = np.exp(-2j * np.pi * np.cumsum(delay) * (rate / 2 / len(hz)))
                kept = rng.uniform(0.6, 0.75) * np.exp(-((hz / top) ** 2) / 4)
                out[side, ear] += phase * kept / (1 - phase * kept)
    out *= 1 / (1 + (hz / top) ** 8) * (hz / (hz + 90))
    return irfft(out, size)[..., : int(2.0 * rate)]
