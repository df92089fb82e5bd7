"""Score -> audio. Each part is played (`soundfonts`, `synth`, `drums`, as `casting` says) to a dry stem; the stems go
through the channel strips, sends, bus and master of `mix`.

Output is (2, samples) float32 and depends only on the score (its seed draws soundfonts, patches, rooms and all else).
"""

from __future__ import annotations

import numpy as np

from ..compose.score import Part, Score
from .casting import Casting, cast, random_of
from .drum_sounds import KITS
from .drums import SPREAD, of_machine, of_soundfont, render_drums
from .mix import mix, pan
from .soundfonts import CHANNELS, play
from .sounds import SOUNDS
from .synth import Event, render_part


def part_events(part: Part, score: Score) -> list[Event]:
    """The notes of a part in seconds."""
    return [
        Event(start, max(score.seconds_at(note.start + note.beats) - start, 0.02), note.pitch, note.velocity)
        for note in part.notes
        for start in (score.seconds_at(note.start),)
    ]


def _stem(part: Part, index: int, casting: Casting, score: Score, samples: int, rate: int) -> np.ndarray:
    """Dry stem (2, samples) of a drum part or a synth part."""
    name = part.sound.removeprefix("synth:")
    rng = random_of(score, f"part {index}")
    events = part_events(part, score)
    if part.sound.startswith("gm:drums"):
        return render_drums(of_soundfont(casting.takes[0], rate), 1.0, events, samples, rate, rng)
    kit = name.removeprefix("drums:")
    if name.startswith("drums:") and kit in KITS:
        return render_drums(of_machine(kit, rate), SPREAD.get(kit, 1.0), events, samples, rate, rng)
    if name in SOUNDS:
        return render_part(name, events, samples, rate, part.options, rng, 60.0 / score.tempo)
    raise ValueError(f"unknown sound {part.sound!r} in the score")


def stems(score: Score, sample_rate: int = 32000) -> list[np.ndarray]:
    """Dry stems, one (2, samples) float32 a part, in the order of `score.parts`, before any level or effect."""
    samples = round(score.seconds * sample_rate)
    castings = cast(score)
    found: dict[int, np.ndarray] = {}
    takes = [
        (index, take)
        for index, (part, casting) in enumerate(zip(score.parts, castings, strict=True))
        if not part.sound.startswith("gm:drums")
        for take in casting.takes
    ]
    for first in range(0, len(takes), CHANNELS):
        group = takes[first : first + CHANNELS]
        events = [part_events(score.parts[index], score) for index, _ in group]
        for (index, take), sound in zip(
            group, play([take for _, take in group], events, samples, sample_rate), strict=True
        ):
            found[index] = found.get(index, 0) + pan(sound * np.float32(10 ** (take.gain / 20)), take.pan)
    for index, (part, casting) in enumerate(zip(score.parts, castings, strict=True)):
        if index not in found:
            found[index] = _stem(part, index, casting, score, samples, sample_rate)
    return [found[index] for index in range(len(score.parts))]


def render(score: Score, sample_rate: int = 32000) -> np.ndarray:
    """Play and mix a piece -> (2, round(score.seconds * sample_rate)) float32, peak at most 0.97.

    Raises DependencyError when a General MIDI part needs FluidSynth or a soundfont that is missing, and ValueError
    for an unknown sound.
    """
    return mix(score, stems(score, sample_rate), sample_rate)
