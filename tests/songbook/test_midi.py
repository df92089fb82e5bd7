"""Plans as MIDI: ours read back equal, those of others as far as they say, and rubbish is refused."""

from __future__ import annotations

import io
import random
import struct
import time

import mido
import pytest
from hypothesis import given, settings

from musicgen_app.control.plan import Plan
from musicgen_app.errors import RequestError
from musicgen_app.songbook.midi_reader import read_midi
from musicgen_app.songbook.midi_writer import MARK, write_midi
from musicgen_app.songbook.sheet import read_sheet
from musicgen_app.songbook.sheet_writer import write_sheet
from support.plans import plans

SONG = read_sheet(
    "tempo 96.3 · 4/4 · key Am · drums · ends\nintro 4: Am\nverse 8: Am F C/E E7\n"
    "chorus 4: (F G) Am C7#9 Bdim\noutro 2 7/8 tempo 80: Am"
).plan


@settings(max_examples=60, deadline=None)
@given(plans)
def test_a_plan_survives_midi(plan):
    found = read_midi(write_midi(plan))
    assert found.plan == plan and not found.notes


def changed(data: bytes, change) -> bytes:
    """A MIDI file with each of its messages changed, or taken out where that gives None."""
    file, out = mido.MidiFile(file=io.BytesIO(data)), io.BytesIO()
    for track in file.tracks:
        rest, kept = 0, []
        for message in track:
            new = change(message)
            if new is None:
                rest += message.time
            else:
                kept.append(new.copy(time=new.time + rest))
                rest = 0
        track[:] = kept
    file.save(file=out)
    return out.getvalue()


def test_a_file_that_somebody_changed_is_read_by_what_it_says_now():
    def faster(message):
        return message.copy(tempo=500_000) if message.type == "set_tempo" else message

    found = read_midi(changed(write_midi(SONG), faster))
    assert found.plan.tempo == 120 and any("written in its texts" in note for note in found.notes)
    assert [section.name for section in found.plan.sections] == ["intro", "verse", "chorus", "outro"]
    assert [symbol for symbol, _ in found.plan.sections[2].chords] == ["F", "G", "Am", "C7#9", "Bdim"]


def test_what_midi_has_no_words_for_is_kept_when_somebody_changes_the_rest():
    plan = read_sheet("tempo 90 · swing 62% · no drums\nverse 2 energy 0.3: Am F\nchorus 2 drums energy 0.9: C G").plan

    def faster(message):
        return message.copy(tempo=500_000) if message.type == "set_tempo" else message

    found = read_midi(changed(write_midi(plan), faster))
    assert found.plan.tempo == 120 and (found.plan.drums, found.plan.ends, found.plan.swing) == (False, False, 0.62)
    assert [(one.drums, one.energy) for one in found.plan.sections] == [(None, 0.3), (True, 0.9)]
    assert any("drums, energy, swing and ending are those" in note for note in found.notes)
    loop = read_midi(changed(write_midi(read_sheet("tempo 90\nchords: Am F").plan), faster))
    assert not loop.plan.ends


def test_chords_of_other_files_are_estimated_and_that_is_told():
    found = read_midi(changed(write_midi(SONG), lambda message: None if message.type == "text" else message))
    assert any("estimated from" in note for note in found.notes)
    assert write_sheet(found.plan).splitlines() == [
        "tempo 96.3 · 4/4 · key Am · ends",
        "intro 4: | Am | . | . | . |",
        "verse 8: Am F C E7 Am F C E7",
        "chorus 4: | F G | Am | C7 | Bdim |",
        "outro 2 tempo 80 7/8: | Am | . |",
    ]


def test_drums_and_many_changes_of_tempo():
    track = mido.MidiTrack()
    for number in range(64):
        track.append(mido.MetaMessage("set_tempo", tempo=500_000 + 1_000 * number, time=0))
        track.append(mido.Message("note_on", channel=9, note=36, velocity=90, time=0))
        track.append(mido.Message("note_off", channel=9, note=36, time=480))
    out = io.BytesIO()
    mido.MidiFile(tracks=[track], ticks_per_beat=480).save(file=out)
    found = read_midi(out.getvalue())
    assert found.plan.drums and found.plan.tempo == pytest.approx(112.8, abs=0.5)
    assert len(found.plan.sections) == 1 and any("their mean" in note for note in found.notes)


def header(tracks: int = 1, division: int = 96) -> bytes:
    return b"MThd" + struct.pack(">LHHH", 6, 1, tracks, division)


def one_track(data: bytes) -> bytes:
    return header() + b"MTrk" + struct.pack(">L", len(data)) + data


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "no MIDI file"),
        (b"RIFF" * 9, "no MIDI file"),
        (header(10_000), "10,000 tracks"),
        (header(1, 0xE728), "not in quarter notes"),
        (header(1, 0), "not in quarter notes"),
        (one_track(b"\x00\x11\x22\x33\x44"), "damaged"),
        (one_track(b"\x00\xff\x51\x7f\x00"), "damaged"),
        (write_midi(SONG)[:60], "damaged"),
        (one_track(b"\x00\x90\x3c\x40\xff\xff\x7f\x80\x3c\x00" * 3), "more than 10,000 bars"),
        (one_track(b"\x00\x90\x3c\x40\xff\xff\xff\x7f\x80\x3c\x00"), "beyond 1,000,000 quarter notes"),
        (one_track(b"\xff" * 400 + b"\x00\xff\x2f\x00"), "beyond 1,000,000 quarter notes"),
        (one_track(b"\x00\xff\x06\x01A\x00\x90\x3c\x40\x83\x00\x80\x3c\x40" * 10_000), "10,000 sections"),
        (one_track(b"\x00\xff\x2f\x00"), "no notes and no chords"),
        (header() + b"\0" * 1_000_001, "longer than"),
    ],
)
def test_rubbish_is_refused_in_one_line(data, reason):
    began = time.monotonic()
    with pytest.raises(RequestError, match=reason) as caught:
        read_midi(data)
    assert "\n" not in str(caught.value) and time.monotonic() - began < 5


def test_what_a_plan_cannot_keep_of_a_file_is_told():
    file, track, out = mido.MidiFile(), mido.MidiTrack(), io.BytesIO()
    file.tracks.append(track)
    for tempo, key, beats in ((1, "C", 4), (500_000, "Eb", 3), (0, "Am", 4)):
        track.append(mido.MetaMessage("set_tempo", tempo=tempo))
        track.append(mido.MetaMessage("key_signature", key=key))
        track.append(mido.MetaMessage("time_signature", numerator=beats, denominator=4))
        track.append(mido.Message("note_on", note=60, velocity=64))
        track.append(mido.Message("note_off", note=60, time=480 * 5))
    file.save(file=out)
    found = read_midi(out.getvalue())
    assert found.plan.tempo == 1_000 and found.plan.key == "C major"
    notes = " ".join(found.notes)
    for part in (
        "a tempo of 60,000,000 became 1,000",
        "without end",
        "changes to Eb major, A minor",
        "3/4 within a bar",
    ):
        assert part in notes


def test_no_damage_does_worse_than_be_refused():
    whole, draw = write_midi(SONG), random.Random(1)
    for _ in range(200):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 20)):
            data[draw.randrange(14, len(data))] = draw.randrange(256)
        try:
            read_midi(bytes(data)).plan.check()
        except RequestError:
            continue


def test_the_words_inside_are_not_believed():
    """The plan that a file has as text counts only where all else in it is what that plan is written as."""
    lie = MARK + '{"tempo": 60.0, "chords": [["C", 4.0]]}'
    data = changed(write_midi(SONG), lambda m: m.copy(text=lie) if m.type == "text" and m.text.startswith(MARK) else m)
    assert read_midi(data).plan.tempo == 96.3
    assert Plan(60.0) != read_midi(data).plan
