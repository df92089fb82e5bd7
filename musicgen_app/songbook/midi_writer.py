"""A plan -> a MIDI file: tempo map, metres, key, markers of the sections, a track of chords and one of the bass.

The file also holds the plan itself as a text, so that `midi_reader` reads it back equal as long as nobody changes the
rest.
"""

from __future__ import annotations

import io
import json
import math
from contextlib import suppress

import mido

from ..control.key_names import short_key
from ..control.operations import checked, usual_key
from ..control.plan import Plan, Stretch
from ..control.theory import bar_length, parse_chord, parse_metre, tonic_and_mode
from .chord_row import UNKNOWN

TICKS = 960  # a quarter note
MARK, OURS = "ttm-app plan ", "ttm-app"
LOOP_BARS = 4  # of a plan that has neither sections nor chords
_MIDDLE, _BASS, _VELOCITY = 60, 36, 72


def write_midi(plan: Plan) -> bytes:
    """A MIDI file of type 1: every section once through, a plan without any as one round of its chords.

    Raises RequestError: it is no possible plan.
    """
    file = mido.MidiFile(ticks_per_beat=TICKS, type=1, charset="utf-8")
    file.tracks += tracks(checked(plan))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def tracks(plan: Plan) -> list[mido.MidiTrack]:
    """The conductor's track, that of the chords, that of the bass."""
    text = MARK + json.dumps(plan.to_dict(), separators=(",", ":"))
    conductor = [(0, mido.MetaMessage("track_name", name=OURS)), (0, mido.MetaMessage("text", text=text))]
    chords = [(0, mido.MetaMessage("track_name", name="chords"))]
    bass = [(0, mido.MetaMessage("track_name", name="bass"))]
    said: dict[str, list[int]] = {}
    for stretch in plan.stretches:
        start, end = _ticks(stretch.start), _ticks(stretch.start + _length(stretch, plan))
        for kind, message in _signs(stretch):
            if said.get(kind) != message.bytes():
                conductor.append((start, message))
                said[kind] = message.bytes()
        if plan.sections:
            conductor.append((start, mido.MetaMessage("marker", text=stretch.name)))
        _play(stretch, start, end, chords, bass)
    return [_track(events) for events in (conductor, chords, bass)]


def _length(stretch: Stretch, plan: Plan) -> float:
    """Quarter notes of a stretch, of one round where it has no end."""
    if math.isfinite(stretch.quarters):
        return stretch.quarters
    return sum(length for _, length in stretch.chords) or LOOP_BARS * bar_length(plan.metre)


def _signs(stretch: Stretch) -> list[tuple[str, mido.MetaMessage]]:
    """Tempo, metre and key of a stretch, where they are known."""
    beats, unit = parse_metre(stretch.metre)
    found = [("metre", mido.MetaMessage("time_signature", numerator=beats, denominator=unit))]
    if stretch.tempo is not None:
        found.append(("tempo", mido.MetaMessage("set_tempo", tempo=min(round(6e7 / stretch.tempo), 0xFFFFFF))))
    if stretch.key and tonic_and_mode(stretch.key)[1] in ("major", "minor"):
        for key in (stretch.key, usual_key(stretch.key)):  # a file knows keys of up to seven sharps or flats
            with suppress(ValueError):
                found.append(("key", mido.MetaMessage("key_signature", key=short_key(key))))
                break
    return found


def _play(stretch: Stretch, start: int, end: int, chords: list, bass: list) -> None:
    """Append the notes of a stretch, and its chords as texts."""
    length = sum(quarters for _, quarters in stretch.chords)
    if not length:
        return
    place, number = 0.0, 0
    while (here := start + _ticks(place)) < end:
        symbol, quarters = stretch.chords[number % len(stretch.chords)]
        number += 1
        place += quarters
        stop = min(start + _ticks(place), end)
        if stop <= here:
            continue
        chords.append((here, mido.MetaMessage("text", text=symbol or UNKNOWN)))
        if symbol:
            chord = parse_chord(symbol)
            low = _MIDDLE - 5 + (chord.root + 5) % 12
            pitches = [low + (pitch - chord.root) % 12 for pitch in dict.fromkeys(chord.pitches)]
            for track, channel, notes in ((chords, 0, pitches), (bass, 1, [_BASS + chord.bass])):
                for note in notes:
                    track += [(here, _note("note_on", channel, note)), (stop, _note("note_off", channel, note))]


def _note(kind: str, channel: int, note: int) -> mido.Message:
    velocity = _VELOCITY if kind == "note_on" else 0
    return mido.Message(kind, channel=channel, note=note, velocity=velocity, skip_checks=True)


def _ticks(quarters: float) -> int:
    return round(quarters * TICKS)


def _track(events: list[tuple[int, mido.messages.BaseMessage]]) -> mido.MidiTrack:
    """Events at ticks from the beginning -> a track; at one tick notes end before others begin."""
    track, now = mido.MidiTrack(), 0
    for tick, message in sorted(events, key=lambda event: (event[0], event[1].type != "note_off")):
        message.time = tick - now
        track.append(message)
        now = tick
    return track
