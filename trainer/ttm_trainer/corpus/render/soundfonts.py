"""General MIDI through FluidSynth: the free soundfonts, notes of up to 16 channels in one pass, and single drums."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from musicgen_app.errors import DependencyError

from .synth import Event

SOUNDFONTS = {  # file stem -> (title, licence); what each Debian package brings
    "FluidR3_GM": ("FluidR3 GM", "MIT"),  # fluid-soundfont-gm
    "MuseScore_General_Lite": ("MuseScore General Lite", "MIT"),  # musescore-general-soundfont-small
    "FluidR3Mono_GM": ("FluidR3 Mono GM", "MIT"),  # fluidr3mono-gm-soundfont
    "MuseScore_General_Full": (
        "MuseScore General",
        "MIT",
    ),  # musescore-general-soundfont-lossless, or without -lossless
}
FOLDERS = ("/usr/share/sounds/sf2", "/usr/share/sounds/sf3", "/usr/share/soundfonts", "/usr/local/share/soundfonts")
CHANNELS = 16
VOICES = 256  # at once
BLOCK = 64  # FluidSynth's own block: every event starts on a multiple of it
DRUM_BANK = 128
BEND = 200.0  # cents, the reach of the pitch wheel
STRUCK = 3.0  # seconds of a single drum
SWELL = 0.05  # seconds between two steps of expression


class Take(NamedTuple):
    """How a channel plays a part."""

    font: Path
    bank: int
    program: int
    cents: float = 0.0  # detuning
    curve: float = 1.0  # exponent of the velocities: above 1 more contrast
    seconds: float = 0.0  # spread of the times of the notes
    swell: float = 0.0  # 0..1: how far loudness breathes while notes sound
    vibrato: int = 0  # 0..127
    gain: float = 0.0  # dB
    pan: float = 0.0  # -1 left .. 1 right
    seed: int = 0  # of the spread and of the swells


def soundfonts() -> list[Path]:
    """The known soundfonts found in the folders of TTM_APP_SOUNDFONTS and the standard ones, in a fixed order."""
    folders = [*os.environ.get("TTM_APP_SOUNDFONTS", "").split(os.pathsep), *FOLDERS]
    found = []
    for stem in SOUNDFONTS:
        paths = (Path(folder) / f"{stem}{suffix}" for folder in folders if folder for suffix in (".sf2", ".sf3"))
        found += [path for path in paths if path.is_file()][:1]
    if not found:
        raise DependencyError(
            "no General MIDI soundfont found: install the Debian packages fluidsynth, "
            "musescore-general-soundfont-small and fluid-soundfont-gm, or set TTM_APP_SOUNDFONTS to their folder"
        )
    return found


@lru_cache(maxsize=2)
def _player(rate: int) -> Any:
    """A FluidSynth instance with one stereo output pair a channel."""
    try:
        import fluidsynth
    except ImportError as error:
        raise DependencyError(
            "FluidSynth is missing: install the Debian package fluidsynth and `pip install pyfluidsynth`"
        ) from error
    settings: dict[str, Any] = {
        "synth.audio-channels": CHANNELS,
        "synth.audio-groups": CHANNELS,
        "synth.polyphony": VOICES,
    }
    settings |= {"synth.reverb.active": 0, "synth.chorus.active": 0, "synth.cpu-cores": 1}
    return fluidsynth.Synth(gain=0.4, samplerate=float(rate), channels=CHANNELS, **settings)


def _write(synth: Any, left: np.ndarray, right: np.ndarray, start: int, end: int) -> None:
    """Have the player fill blocks `start` to `end` of two arrays (CHANNELS, samples) float32."""
    import fluidsynth

    write = fluidsynth._fl.fluid_synth_nwrite_float
    write.argtypes = [ctypes.c_void_p, ctypes.c_int] + 4 * [ctypes.c_void_p]
    offset = start * BLOCK * left.itemsize
    pointers = ctypes.c_void_p * CHANNELS
    outputs = (pointers(*(row.ctypes.data + offset for row in side)) for side in (left, right))
    write(synth.synth, (end - start) * BLOCK, *outputs, None, None)


def _hush(synth: Any) -> None:
    """Silence, and nothing of it in what is played next."""
    import fluidsynth

    fluidsynth._fl.fluid_synth_all_sounds_off(ctypes.c_void_p(synth.synth), -1)
    left, right = np.zeros((2, CHANNELS, BLOCK), np.float32)
    _write(synth, left, right, 0, 1)  # before the reset, which forgets orders not yet carried out
    synth.system_reset()


@lru_cache(maxsize=16)
def _bank(font: Path, rate: int) -> int:
    """The number under which the player knows a soundfont, which is loaded when first asked for."""
    number = _player(rate).sfload(str(font))
    if number < 0:
        raise DependencyError(f"FluidSynth cannot load {font.name}: reinstall that soundfont")
    return number


def _reset(synth: Any, bank: int) -> None:
    """Bring the player into one state, whatever it has played before.

    A voice of FluidSynth fades from the loudness of the note it last played to that of its first block. So all voices
    play the same notes first, and are silenced.
    """
    import fluidsynth

    _hush(synth)
    count = fluidsynth._fl.fluid_synth_get_active_voice_count
    for channel in range(CHANNELS):
        synth.program_select(channel, bank, 0, 0)
        for pitch in range(48, 64):
            if count(ctypes.c_void_p(synth.synth)) < VOICES - 8:
                synth.noteon(channel, pitch, 60)
    left, right = np.zeros((2, CHANNELS, 2 * BLOCK), np.float32)
    _write(synth, left, right, 0, 2)
    _hush(synth)


class _Order(NamedTuple):
    """What a channel is told at a block. Releases come before what sounds anew."""

    block: int
    rank: int  # 0 release, 1 controller, 2 note
    channel: int
    number: int  # pitch or controller
    value: int


def _orders(channel: int, take: Take, events: Sequence[Event], rate: int) -> list[_Order]:
    rng = np.random.default_rng(take.seed)
    orders = []
    struck: dict[int, int] = {}  # pitch -> block where it sounds again: a release after that would cut the new note
    for event in sorted(events, reverse=True):
        late = take.seconds * float(rng.standard_normal()) if take.seconds else 0.0
        start = max(0, round((event.start + late) * rate / BLOCK))
        end = max(start + 1, round((event.start + late + event.seconds) * rate / BLOCK))
        velocity = min(127, max(1, round(127 * (event.velocity / 127) ** take.curve)))
        orders.append(_Order(start, 2, channel, event.pitch, velocity))
        orders.append(_Order(max(start + 1, min(end, struck.get(event.pitch, end))), 0, channel, event.pitch, 0))
        struck[event.pitch] = start
    if take.swell and events:
        steps = int(max(event.start + event.seconds for event in events) / SWELL) + 2
        knots = rng.uniform(-1, 1, steps // 30 + 3)  # a breath takes some three seconds
        curve = np.interp(np.arange(steps) / 30, np.arange(len(knots)), knots)
        for step, value in enumerate(np.round(100 + 27 * take.swell * curve).astype(int).tolist()):
            orders.append(_Order(round(step * SWELL * rate / BLOCK), 1, channel, 11, value))
    return orders


def play(takes: Sequence[Take], events: Sequence[Sequence[Event]], samples: int, rate: int) -> np.ndarray:
    """Play up to 16 takes in one pass; event timing is exact to 64 samples.

    Returns the dry stems (takes, 2, samples) float32, without the takes' gain and pan.
    """
    synth = _player(rate)
    banks = [_bank(take.font, rate) for take in takes]
    _reset(synth, _bank(soundfonts()[0], rate))
    for channel, (take, bank) in enumerate(zip(takes, banks, strict=True)):
        if synth.program_select(channel, bank, take.bank, take.program) != 0:
            synth.program_select(channel, bank, take.bank, 0)
        for controller, value in ((7, 100), (10, 64), (1, take.vibrato)):
            synth.cc(channel, controller, value)
        synth.pitch_bend(channel, round(8192 * take.cents / BEND))
    orders = [
        _orders(channel, take, part, rate) for channel, (take, part) in enumerate(zip(takes, events, strict=True))
    ]
    queue = sorted(order for channel in orders for order in channel)
    blocks = -(-samples // BLOCK)
    left = np.zeros((CHANNELS, blocks * BLOCK), np.float32)
    right = np.zeros_like(left)
    now = 0
    tell = (lambda c, pitch, _: synth.noteoff(c, pitch), synth.cc, synth.noteon)
    for order in queue:
        if order.block >= blocks:
            break
        if order.block > now:
            _write(synth, left, right, now, order.block)
            now = order.block
        tell[order.rank](order.channel, order.number, order.value)
    _write(synth, left, right, now, blocks)
    played = np.stack([left[: len(takes), :samples], right[: len(takes), :samples]], axis=1)
    _hush(synth)
    return played


@lru_cache(maxsize=256)
def struck(font: Path, kit: int, key: int, velocity: int, rate: int) -> np.ndarray:
    """One drum (2, n) float32 of a soundfont's kit, cut where it has died away."""
    (sound,) = play([Take(font, DRUM_BANK, kit)], [[Event(0.0, STRUCK, key, velocity)]], int(STRUCK * rate), rate)
    loud = np.flatnonzero(np.abs(sound).max(axis=0) > 1e-4 * max(float(np.abs(sound).max()), 1e-3))
    sound = sound[:, : loud[-1] + 1 if loud.size else 1].copy()
    edge = min(256, sound.shape[1])
    sound[:, -edge:] *= np.linspace(1, 0, edge, dtype=np.float32)
    return sound
