"""Score -> audio: General MIDI parts through FluidSynth, synth parts through `synth` and `drums`, then the mix.

Output is (2, samples) float32 and depends only on the score (its seed draws the soundfont and every patch).
"""

from __future__ import annotations

import ctypes
import os
import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from musicgen_app.errors import DependencyError

from ..compose.score import Part, Score
from .drums import KITS, SAMPLES, render_drums
from .mix import mix
from .sounds import SOUNDS
from .synth import Event, render_part

SOUNDFONTS = {  # file stem -> (title, licence)
    "FluidR3_GM": ("FluidR3 GM", "MIT"),
    "MuseScore_General_Lite": ("MuseScore General Lite", "MIT"),
    "FluidR3Mono_GM": ("FluidR3 Mono GM", "MIT"),
}
FOLDERS = ("/usr/share/sounds/sf2", "/usr/share/sounds/sf3", "/usr/share/soundfonts", "/usr/local/share/soundfonts")
CHANNELS = 16
BLOCK = 64  # FluidSynth's own block: every event starts on a multiple of it


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


def soundfont_for(score: Score) -> Path | None:
    """The soundfont a piece is played with, drawn from its seed; None when no part needs one."""
    if not any(part.sound.startswith("gm:") for part in score.parts):
        return None
    found = soundfonts()
    return found[_rng(score, "soundfont").integers(len(found))]


def sources(score: Score) -> list[str]:
    """Recorded material a render of the score uses, with licences, for the credits."""
    font = soundfont_for(score)
    named = [f"soundfont {SOUNDFONTS[font.stem][0]} ({SOUNDFONTS[font.stem][1]})"] if font else []
    sampled = ("synth:drums:909", "synth:drums:acoustic_samples")
    if SAMPLES.is_dir() and any(part.sound in sampled for part in score.parts):
        named.append("drum samples of Sonic Pi (CC0-1.0)")
    return named


def _rng(score: Score, purpose: str) -> np.random.Generator:
    return np.random.default_rng([score.seed, zlib.crc32(purpose.encode())])


@lru_cache(maxsize=4)
def _player(font: Path, rate: int) -> tuple[Any, int]:
    """A FluidSynth instance with one stereo output pair a channel, and the id of its loaded soundfont."""
    try:
        import fluidsynth
    except ImportError as error:
        raise DependencyError(
            "FluidSynth is missing: install the Debian package fluidsynth and `pip install pyfluidsynth`"
        ) from error
    settings: dict[str, Any] = {
        "synth.audio-channels": CHANNELS,
        "synth.audio-groups": CHANNELS,
        "synth.polyphony": 256,
    }
    settings |= {"synth.reverb.active": 0, "synth.chorus.active": 0, "synth.cpu-cores": 1}
    synth = fluidsynth.Synth(gain=0.4, samplerate=float(rate), channels=CHANNELS, **settings)
    bank = synth.sfload(str(font))
    if bank < 0:
        raise DependencyError(f"FluidSynth cannot load {font.name}: reinstall that soundfont")
    return synth, bank


def _program(sound: str) -> tuple[int, int]:
    """(bank, program) of "gm:<program>", "gm:drums" or "gm:drums:<kit>"."""
    fields = sound.split(":")[1:]
    if fields[0] == "drums":
        return 128, int(fields[1]) if len(fields) > 1 else 0
    return 0, int(fields[0])


def render_gm(
    sounds: Sequence[str], events: Sequence[Sequence[Event]], samples: int, rate: int, font: Path
) -> np.ndarray:
    """Play up to 16 parts in one pass; event timing is exact to 64 samples.

    Returns the dry stems (parts, 2, samples) float32.
    """
    import fluidsynth

    synth, bank = _player(font, rate)
    synth.system_reset()
    for channel, sound in enumerate(sounds):
        number, program = _program(sound)
        if synth.program_select(channel, bank, number, program) != 0:
            synth.program_select(channel, bank, number, 0)
        synth.cc(channel, 7, 100)
        synth.cc(channel, 10, 64)
    queue = []
    for channel, part in enumerate(events):
        struck: dict[int, int] = {}  # pitch -> block where it sounds again: a release after that would cut the new note
        for event in sorted(part, reverse=True):
            start = max(0, round(event.start * rate / BLOCK))
            end = max(start + 1, round((event.start + event.seconds) * rate / BLOCK))
            queue.append((start, 1, channel, event.pitch, event.velocity))
            queue.append((min(end, struck.get(event.pitch, end)), 0, channel, event.pitch, 0))
            struck[event.pitch] = start
    queue.sort()
    blocks = -(-samples // BLOCK)
    left = np.zeros((CHANNELS, blocks * BLOCK), np.float32)
    right = np.zeros_like(left)
    write = fluidsynth._fl.fluid_synth_nwrite_float
    write.argtypes = [ctypes.c_void_p, ctypes.c_int] + 4 * [ctypes.c_void_p]
    pointers = ctypes.c_void_p * CHANNELS

    def advance(start: int, end: int) -> None:
        offset = start * BLOCK * left.itemsize
        outputs = (pointers(*(row.ctypes.data + offset for row in side)) for side in (left, right))
        write(synth.synth, (end - start) * BLOCK, *outputs, None, None)

    now = 0
    for at, on, channel, pitch, velocity in queue:
        if at >= blocks:
            break
        if at > now:
            advance(now, at)
            now = at
        if on:
            synth.noteon(channel, pitch, velocity)
        else:
            synth.noteoff(channel, pitch)
    advance(now, blocks)
    count = len(sounds)
    played = np.stack([left[:count, :samples], right[:count, :samples]], axis=1)
    fluidsynth._fl.fluid_synth_all_sounds_off(ctypes.c_void_p(synth.synth), -1)
    advance(0, 1)  # before the reset, which forgets orders not yet carried out: the next piece would hear the tails
    synth.system_reset()
    return played


def part_events(part: Part, score: Score) -> list[Event]:
    """The notes of a part in seconds."""
    beat = 60.0 / score.tempo
    return [Event(note.start * beat, max(note.beats * beat, 0.02), note.pitch, note.velocity) for note in part.notes]


def _stem(part: Part, index: int, score: Score, samples: int, rate: int) -> np.ndarray:
    """Dry stem (2, samples) of a "synth:" part."""
    name = part.sound.removeprefix("synth:")
    rng = _rng(score, f"part {index}")
    events = part_events(part, score)
    kit = name.removeprefix("drums:")
    if name.startswith("drums:") and kit in KITS:
        return render_drums(kit, events, samples, rate, rng)
    if name in SOUNDS:
        return render_part(name, events, samples, rate, part.options, rng, 60.0 / score.tempo)
    raise ValueError(f"unknown sound {part.sound!r} in the score")


def stems(score: Score, sample_rate: int = 32000) -> list[np.ndarray]:
    """Dry stems, one (2, samples) float32 a part, in the order of `score.parts`, before any level or effect."""
    samples = round(score.seconds * sample_rate)
    found: dict[int, np.ndarray] = {}
    midi = [i for i, part in enumerate(score.parts) if part.sound.startswith("gm:")]
    for first in range(0, len(midi), CHANNELS):
        group = midi[first : first + CHANNELS]
        parts = [score.parts[i] for i in group]
        events = [part_events(part, score) for part in parts]
        font = soundfont_for(score)
        assert font is not None  # a part needs one
        played = render_gm([part.sound for part in parts], events, samples, sample_rate, font)
        found |= dict(zip(group, played, strict=True))
    for i, part in enumerate(score.parts):
        if i not in found:
            found[i] = _stem(part, i, score, samples, sample_rate)
    return [found[i] for i in range(len(score.parts))]


def render(score: Score, sample_rate: int = 32000) -> np.ndarray:
    """Play and mix a piece -> (2, round(score.seconds * sample_rate)) float32, peak at most 0.97.

    Raises DependencyError when a General MIDI part needs FluidSynth or a soundfont that is missing, and ValueError
    for an unknown sound.
    """
    return mix(score, stems(score, sample_rate), sample_rate, _rng(score, "mix"))
