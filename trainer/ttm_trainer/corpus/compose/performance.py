"""From what players mean to what they play: swing, humanised timing and force, and a place in the mix for each part."""

from __future__ import annotations

import random

from ..render.patches import patch, place
from .genres import Genre
from .players.player import Player
from .score import Note, Part


def swung(notes: list[Note], start: float, swing: float, unit: float) -> list[Note]:
    """The notes of a block that begins at `start`, each second note of `unit` beats moved to `swing` of the pair."""
    if swing == 0.5:
        return notes

    def moved(beat: float) -> float:
        pair, rest = divmod(beat - start, 2 * unit)
        rest = rest / unit * swing if rest < unit else swing + (rest / unit - 1) * (1 - swing)
        return start + (pair + rest) * 2 * unit

    done = []
    for note in notes:
        begin = moved(note.start)
        done.append(Note(begin, max(0.04, moved(note.start + note.beats) - begin), note.pitch, note.velocity))
    return done


def parts(
    band: list[Player], tracks: list[list[Note]], style: Genre, room: str, tempo: float, end: float, rng: random.Random
) -> tuple[Part, ...]:
    """One part per slot, humanised, without overlaps of one pitch, with its place in the mix; none sounds after `end`.

    end: beats.
    """
    slots: dict[str, list[int]] = {}
    for number, player in enumerate(band):
        slots.setdefault(player.slot, []).append(number)
    side = rng.choice((-1, 1))
    found = []
    for numbers in slots.values():
        player = band[numbers[0]]
        notes = [note for number in numbers for note in tracks[number]]
        if not notes:
            continue
        role = "melody" if any(band[n].role == "melody" for n in numbers) else player.role
        synthetic = player.sound.startswith("synth:") or player.sound in ("gm:drums:24", "gm:drums:25")
        loose = 0.0 if player.role == "effect" else style.loose * (0.35 if synthetic else 1.0)
        played = _humanised(notes, loose, tempo, end, rng)
        pan, reverb = place(role, room, side, rng)
        side = -side if pan else side
        options = patch(player.role, player.sound, style.sidechain, rng)
        found.append(Part(player.name, role, player.sound, played, player.gain, pan, reverb, options))
    return tuple(found)


def _humanised(notes: list[Note], loose: float, tempo: float, last: float, rng: random.Random) -> tuple[Note, ...]:
    jitter = 0.016 * loose * tempo / 60  # beats; 16 ms at the loosest
    dynamics = 1.0 + 7.0 * loose
    done: list[Note] = []
    sounding: dict[int, int] = {}
    for note in sorted(notes, key=lambda n: (n.start, n.pitch)):
        start = max(0.0, note.start + (rng.gauss(0, jitter) if jitter else 0.0))
        start = min(start, last - 0.05)
        end = min(last, note.start + note.beats)
        force = max(1, min(127, round(note.velocity + rng.gauss(0, dynamics))))
        before = sounding.get(note.pitch)
        if before is not None and done[before].start + done[before].beats > start:
            earlier = done[before]
            if start - earlier.start < 0.06:
                continue
            done[before] = Note(earlier.start, start - earlier.start - 0.01, earlier.pitch, earlier.velocity)
        sounding[note.pitch] = len(done)
        length = min(max(0.04, end - start), last - start)
        done.append(Note(round(start, 4), round(length, 4), note.pitch, force))
    return tuple(sorted(done, key=lambda n: n.start))
