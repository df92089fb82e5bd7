"""How alike two recordings sound by models of hearing, and what a blurred one loses: width, attacks, treble.

The two models are packages of the extra `codec`, whose weights come with them: ViSQOL v3 in its audio mode (Chinen et
al., QoMEX 2020, arXiv 2004.09584) and Zimtohrli (Alakuijala et al., 2025, arXiv 2509.26133). Both give a mean opinion
score from 1 to 5 and hear 48 kHz, mono.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec

import numpy as np

RATE = 48_000  # Hz, of everything here
PACKAGES = {"visqol": "visqol-python", "zimtohrli": "zimtohrli"}  # module -> package
HIGH = 8_000  # Hz, from where treble begins
STEP = 240  # samples between two looks at the level: 5 ms
ONSETS = 8  # a second, at most, whose attacks are compared
NARROW = 1e-4  # power of the side, relative to the mid, below which a recording is mono


def available() -> list[str]:
    """The models of hearing that are installed."""
    return [module for module in PACKAGES if find_spec(module)]


def visqol(before: np.ndarray, after: np.ndarray) -> float:
    """Mean opinion score of `after` beside `before`, both (N,)."""
    return float(_visqol().measure_from_arrays(before.astype(float), after.astype(float), RATE).moslqo)


@lru_cache
def _visqol():
    from visqol import VisqolApi

    api = VisqolApi()
    api.create(mode="audio")
    return api


def zimtohrli(before: np.ndarray, after: np.ndarray) -> float:
    """Mean opinion score of `after` beside `before`, both (N,)."""
    from zimtohrli import mos_from_signals

    return float(mos_from_signals(before.astype(np.float32), after.astype(np.float32)))


def width_error(before: np.ndarray, after: np.ndarray) -> float | None:
    """By how many dB the level of the side, relative to the mid, is off; both (2, N). None where `before` is mono."""
    wide, now = (_side(channels) for channels in (before, after))
    return None if wide < NARROW else float(abs(10 * np.log10(max(now, 1e-8) / wide)))


def _side(channels: np.ndarray) -> float:
    """Power of the side relative to that of the mid."""
    mid, side = channels.mean(axis=0), (channels[0] - channels[1]) / 2
    return float(np.mean(side**2) / max(np.mean(mid**2), 1e-12))


def attack_kept(before: np.ndarray, after: np.ndarray) -> float | None:
    """How steep the attacks of `after` are for each dB of `before`'s, both (N,): 1 is as steep.

    An attack is a place where the level of `before` rises most within 10 ms; the steepest `ONSETS` a second count.
    None where nothing rises by 6 dB.
    """
    level, now = (_levels(wave) for wave in (before, after))
    rise, risen = level[2:] - level[:-2], now[2:] - now[:-2]
    places: list[int] = []
    for place in np.argsort(-rise):
        if rise[place] < 6 or len(places) >= ONSETS * len(before) / RATE:
            break
        if all(abs(place - other) > 10 for other in places):
            places.append(int(place))
    if not places:
        return None
    reached = [risen[max(0, place - 2) : place + 3].max() for place in places]  # the same attack, 10 ms around
    return float(np.mean(reached) / np.mean(rise[places]))


def _levels(wave: np.ndarray) -> np.ndarray:
    """Level in dB of every 5 ms, 60 dB below the loudest at least."""
    frames = wave[: len(wave) // STEP * STEP].reshape(-1, STEP).astype(float)
    power = np.mean(frames**2, axis=1)
    return 10 * np.log10(np.maximum(power, power.max() * 1e-6 + 1e-12))


def treble_error(before: np.ndarray, after: np.ndarray) -> float:
    """By how many dB the level above 8 kHz is off, both (N,)."""
    levels = []
    for wave in (before, after):
        spectrum = np.abs(np.fft.rfft(wave)) ** 2
        levels.append(10 * np.log10(spectrum[round(HIGH * len(wave) / RATE) :].sum() + 1e-9))
    return float(abs(levels[1] - levels[0]))
