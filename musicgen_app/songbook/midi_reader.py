"""Any MIDI file -> a plan: the one that it holds, or what it says and what is estimated from its notes."""

from __future__ import annotations

import bisect
import io
import json
import struct
from collections import deque
from contextlib import suppress
from dataclasses import dataclass, field, replace

import mido
import numpy as np

from ..control.chord_reader import read_chord
from ..control.operations import checked, spelt
from ..control.plan import LATEST, MAX_BARS, MAX_SECTIONS, NAME_LENGTH, TEMPI, Chords, FoundPlan, Plan, Section
from ..control.theory import QUALITIES, SHARPS, bar_length, key_of, parse_metre
from ..errors import RequestError
from .chord_row import UNKNOWN
from .midi_writer import MARK, OURS, TICKS, tracks

MIDI_BYTES = 1_000_000
MOST_TRACKS = 256
DRUMS = 9  # the channel of General MIDI
MOST_TEMPI = 16  # changes that are kept; beyond that it is rubato
SHAPES = ("", "m", "7", "maj7", "m7", "dim", "sus4", "m7b5", "aug", "6", "5")  # that are looked for
_TEMPLATES = [(root, shape) for root in range(12) for shape in SHAPES]
_MARKS = np.array([[(p - root) % 12 in {t % 12 for t in QUALITIES[s]} for p in range(12)] for root, s in _TEMPLATES])


def read_midi(data: bytes) -> FoundPlan:
    """The plan of a MIDI file. One of ours gives its plan exactly; of any other it is estimated, and what is told.

    Raises RequestError: it is none, or beyond the limits.
    """
    file, ours = _opened(data), None
    texts = [message.text for track in file.tracks for message in track if message.type == "text"]
    for text in texts:
        if text.startswith(MARK):
            with suppress(TypeError, ValueError, KeyError, RecursionError, RequestError):
                plan = checked(Plan.from_dict(json.loads(text[len(MARK) :])))
                if file.ticks_per_beat == TICKS and _events(tracks(plan)) == _events(file.tracks):
                    return FoundPlan(plan)
                ours = plan
    found = _estimate(file)
    return _with_unwritten(found, ours) if ours else found


def _with_unwritten(found: FoundPlan, before: Plan) -> FoundPlan:
    """What a file of ours that was changed says, and what MIDI has no word for from the plan that it was made from."""
    plan, old = found.plan, {section.name: section for section in before.sections}
    sections = tuple(
        replace(section, drums=old[section.name].drums, energy=old[section.name].energy)
        if section.name in old
        else section
        for section in plan.sections
    )
    if not before.sections:
        sections = tuple(replace(section, drums=None) for section in sections)
    plan = replace(plan, drums=before.drums, swing=before.swing, ends=before.ends, sections=sections)
    told = "it was changed: drums, energy, swing and ending are those of the plan that it was made from"
    return FoundPlan(checked(plan), (*found.notes, told))


def _opened(data: bytes) -> mido.MidiFile:
    if len(data) > MIDI_BYTES:
        raise RequestError(f"byte {MIDI_BYTES:,}: the MIDI file is longer than {MIDI_BYTES:,} bytes")
    if len(data) < 14 or data[:4] != b"MThd":
        raise RequestError("byte 0: it is no MIDI file")
    _, tracks, division = struct.unpack(">HHH", data[8:14])
    if tracks > MOST_TRACKS:
        raise RequestError(f"byte 10: {tracks:,} tracks, but {MOST_TRACKS} are the most")
    if not 0 < division < 32768:
        raise RequestError("byte 12: its times are not in quarter notes")
    try:
        return mido.MidiFile(file=io.BytesIO(data), clip=True, charset="utf-8")
    except UnicodeDecodeError:
        return _opened_as(data, "latin1")
    except Exception as error:  # mido raises whatever a damaged file makes it stumble over
        raise _damaged(error) from None


def _opened_as(data: bytes, charset: str) -> mido.MidiFile:
    try:
        return mido.MidiFile(file=io.BytesIO(data), clip=True, charset=charset)
    except Exception as error:
        raise _damaged(error) from None


def _damaged(error: Exception) -> RequestError:
    reason = " ".join(str(error).split())[:80] or type(error).__name__
    return RequestError(f"the MIDI file is damaged ({reason})")


def _events(tracks: list[mido.MidiTrack]) -> list[tuple]:
    """All that tracks say at their times, but for the plan in words."""
    found = []
    for track in tracks:
        now = 0
        for message in track:
            now += message.time
            if message.type != "end_of_track" and not (message.type == "text" and message.text.startswith(MARK)):
                facts = message.dict() | {"time": now}
                found.append((now, *(str(facts[name]) for name in sorted(facts))))
    return sorted(found)


@dataclass
class _Heard:
    """What a file says, at quarter notes from its beginning. notes: (start, end, pitch, channel)."""

    tempi: list[tuple[float, float]] = field(default_factory=list)
    metres: list[tuple[float, str]] = field(default_factory=list)
    keys: list[tuple[float, str]] = field(default_factory=list)
    markers: list[tuple[float, str]] = field(default_factory=list)
    chords: list[tuple[float, str]] = field(default_factory=list)
    notes: list[tuple[float, float, int, int]] = field(default_factory=list)
    end: float = 0.0
    told: list[str] = field(default_factory=list)  # what could not be taken as it stands
    ours: bool = False  # it was written by `midi`, which has no track of drums


def _estimate(file: mido.MidiFile) -> FoundPlan:
    """The plan of a file that is not ours, and what was estimated. Raises RequestError: nothing can be used."""
    heard = _heard(file)
    told = list(dict.fromkeys(heard.told))
    if not heard.end:
        raise RequestError("the MIDI file has no notes and no chords")
    tempo, tempi = _tempi(heard, told)
    bars = _bars(heard, told)
    pitched = [note for note in heard.notes if note[3] != DRUMS]
    if heard.chords:
        told.append("chords are those written in its texts")
    elif pitched:
        told.append(f"chords were estimated from {len(pitched):,} notes")
    if not heard.markers:
        told.append("it has no markers, so that its sections are where metre or tempo change")
    pieces = _pieces(heard, bars, tempi)
    if len(pieces) > MAX_SECTIONS:
        raise RequestError(f"{len(pieces):,} sections, but {MAX_SECTIONS} are the most")
    notes = np.array(heard.notes).reshape(-1, 4)
    sections = [_section(heard, notes, bars, first, last, tempi) for first, last in pieces]
    drums = {section.drums for section in sections}
    metre = bars[0][1]
    plan = Plan(
        tempo=sections[0].tempo or tempo,
        metre=metre,
        drums=drums.pop() if len(drums) == 1 else None,
        sections=tuple(sections),
        ends=True,
    )
    symbols = [symbol for section in sections for symbol, _ in section.chords if symbol]
    key = heard.keys[0][1] if heard.keys else key_of(tuple(symbols)) if symbols else None
    if others := [name for name in dict.fromkeys(name for _, name in heard.keys) if name != key]:
        told.append(f"its key changes to {', '.join(others[:4])}: the plan keeps the first, {key}")
    if key and not heard.keys:
        told.append(f"its key was estimated: {key}")
    plan = checked(_common(plan, key), "the MIDI file cannot be used")
    return FoundPlan(spelt(plan), tuple(told))


def _common(plan: Plan, key: str | None) -> Plan:
    """What all sections say of tempo, metre and drums stands in the plan alone."""
    sections = tuple(
        replace(
            section,
            drums=section.drums if plan.drums is None else None,
            tempo=section.tempo if section.tempo != plan.tempo else None,
            metre=section.metre if section.metre != plan.metre else None,
        )
        for section in plan.sections
    )
    return replace(plan, key=key, sections=sections)


def _heard(file: mido.MidiFile) -> _Heard:
    heard = _Heard()
    for number, track in enumerate(file.tracks, start=1):
        now = 0
        sounding: dict[tuple[int, int], deque[float]] = {}
        texts: list[tuple[float, str]] = []
        for message in track:
            now += message.time
            if now > LATEST * file.ticks_per_beat:
                raise RequestError(f"track {number} goes on beyond {LATEST:,.0f} quarter notes")
            at = now / file.ticks_per_beat
            heard.ours = heard.ours or message.type == "track_name" and message.name == OURS
            if message.type == "set_tempo":
                heard.tempi += _tempo(at, message.tempo, heard.told)
            elif message.type == "time_signature":
                heard.metres.append((at, f"{message.numerator}/{message.denominator}"))
            elif message.type == "key_signature":
                minor = message.key.endswith("m")
                heard.keys.append((at, f"{message.key.removesuffix('m')} {'minor' if minor else 'major'}"))
            elif message.type == "marker":
                heard.markers.append((at, _clean(message.text)))
            elif message.type in ("text", "lyrics", "cue_marker"):
                texts.append((at, message.text))
            elif message.type == "note_on" and message.velocity:
                sounding.setdefault((message.channel, message.note), deque()).append(at)
            elif message.type in ("note_on", "note_off") and sounding.get((message.channel, message.note)):
                start = sounding[message.channel, message.note].popleft()
                heard.notes.append((start, at, message.note, message.channel))
        read = [(at, symbol) for at, text in texts if (symbol := _chord(text)) is not None]
        if len(read) > max(len(heard.chords), 0.6 * len(texts)):
            heard.chords = read
    for events in (heard.tempi, heard.metres, heard.keys, heard.markers, heard.chords, heard.notes):
        events.sort()
    last = [note[1] for note in heard.notes] + [at for at, _ in heard.chords[-1:]]
    heard.end = max(last, default=0.0)
    return heard


def _tempo(at: float, microseconds: int, told: list[str]) -> list[tuple[float, float]]:
    """A change of tempo, within what a plan can have."""
    if not microseconds:
        told.append("a tempo without end is left out")
        return []
    tempo = round(6e7 / microseconds, 3)
    nearest = min(max(tempo, TEMPI[0]), TEMPI[1])
    if nearest != tempo:
        told.append(f"a tempo of {tempo:,.0f} became {nearest:,.0f}")
    return [(at, nearest)]


def _chord(text: str) -> str | None:
    """The symbol that a text is; "" for an unknown chord, None for no chord."""
    if text.strip() == UNKNOWN:
        return ""
    found = read_chord(text.strip())
    return found.symbol if found else None


def _clean(name: str) -> str:
    return "".join(character for character in name if character.isprintable()).strip()[:NAME_LENGTH]


def _tempi(heard: _Heard, told: list[str]) -> tuple[float | None, list[tuple[float, float]]]:
    """The tempo of the file, by time, and its changes; of very many their mean."""
    changes = [(at, tempo) for at, tempo in heard.tempi if at < heard.end]
    if not changes:
        told.append("it names no tempo")
        return None, []
    ends = [at for at, _ in changes[1:]] + [heard.end]
    minutes = sum((end - at) / tempo for (at, tempo), end in zip(changes, ends, strict=True))
    mean = (heard.end - changes[0][0]) / minutes if minutes > 0 else changes[0][1]
    if len({tempo for _, tempo in changes}) > MOST_TEMPI:
        told.append(f"its {len(changes):,} changes of tempo became their mean, {mean:.1f}")
        return round(mean, 1), [(0.0, round(mean, 1))]
    return changes[0][1], [(0.0, changes[0][1]), *changes[1:]]


def _bars(heard: _Heard, told: list[str]) -> list[tuple[float, str]]:
    """(where it begins, metre) of every bar. Raises RequestError: there are too many."""
    metres, bars, at = deque(heard.metres), [], 0.0
    metre = "4/4"
    while at < heard.end - 1e-6:
        while metres and metres[0][0] <= at + 1e-6:
            try:
                bar_length(metres[0][1])
                metre = metres[0][1]
            except ValueError:
                raise RequestError(f"the metre {metres[0][1]} cannot be read") from None
            if metres.popleft()[0] < at - 1e-6:
                told.append(f"a change to {metre} within a bar comes with the next bar")
        bars.append((at, metre))
        at += bar_length(metre)
        if len(bars) > MAX_BARS:
            raise RequestError(f"the MIDI file has more than {MAX_BARS:,} bars")
    return bars


def _pieces(heard: _Heard, bars: list[tuple[float, str]], tempi: list[tuple[float, float]]) -> list[tuple[int, int]]:
    """First and last bar (not included) of every section."""
    starts = [at for at, _ in bars]
    cuts = {0, len(bars)} | {n for n in range(1, len(bars)) if bars[n][1] != bars[n - 1][1]}
    for at, _ in [*heard.markers, *tempi]:
        cuts.add(min(bisect.bisect_left(starts, at - 0.5), len(bars)))
    ordered = sorted(cuts)
    return list(zip(ordered[:-1], ordered[1:], strict=True))


def _section(
    heard: _Heard,
    notes: np.ndarray,
    bars: list[tuple[float, str]],
    first: int,
    last: int,
    tempi: list[tuple[float, float]],
) -> Section:
    start, metre = bars[first]
    length = bar_length(metre)
    end = start + (last - first) * length
    name = next((name for at, name in reversed(heard.markers) if at <= start + 0.5), "")
    tempo = next((tempo for at, tempo in reversed(tempi) if at <= start + 0.5), None)
    starts, stops, drum = notes[:, 0], notes[:, 1], notes[:, 3] == DRUMS
    drums = bool((drum & (start <= starts) & (starts < end)).any()) or (None if heard.ours else False)
    if heard.chords:
        chords = _written(heard.chords, start, end)
    else:
        chords = _estimated(notes[~drum & (starts < end) & (stops > start)], start, end, metre)
    return Section(float(last - first), name, chords=chords, drums=drums, tempo=tempo, metre=metre)


def _written(chords: list[tuple[float, str]], start: float, end: float) -> Chords:
    """Chords that a file names, between two places."""
    first = bisect.bisect_right(chords, start + 1e-6, key=lambda chord: chord[0])
    after = bisect.bisect_left(chords, end - 1e-6, key=lambda chord: chord[0])
    inside = [(start, chords[first - 1][1] if first else ""), *chords[first:after]]
    ends = [at for at, _ in inside[1:]] + [end]
    return tuple((symbol, stop - at) for (at, symbol), stop in zip(inside, ends, strict=True))


def _estimated(notes: np.ndarray, start: float, end: float, metre: str) -> Chords:
    """The chord of every bar, or of its halves where they clearly differ; equal neighbours are one.

    notes: (N, 4), each its start, end, pitch and channel.
    """
    if not len(notes):
        return ()
    bar = bar_length(metre)
    halves = 2 if parse_metre(metre)[0] % 2 == 0 else 1
    edges = np.arange(start, end + bar / halves / 2, bar / halves)
    weights, lowest = _profile(notes, edges)
    chords: list[tuple[str, float]] = []
    for first in range(0, len(weights), halves):
        whole, score = _best(weights[first : first + halves].sum(axis=0), lowest[first])
        parts = [_best(weights[n], lowest[n]) for n in range(first, min(first + halves, len(weights)))]
        split = len({symbol for symbol, _ in parts}) > 1 and np.mean([s for _, s in parts]) > score + 0.15
        found = [symbol for symbol, _ in parts] if split else [whole]
        for symbol in found:
            length = bar / len(found)
            if chords and chords[-1][0] == symbol:
                chords[-1] = (symbol, chords[-1][1] + length)
            else:
                chords.append((symbol, length))
    return tuple(chords) if any(symbol for symbol, _ in chords) else ()


def _profile(notes: np.ndarray, edges: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How long each pitch class sounds between the edges (N, 12), and the lowest pitch there (N,), 128 for none."""
    total = np.zeros((len(edges), 12))
    for pitch in range(12):
        own = notes[notes[:, 2] % 12 == pitch]
        for column, sign in ((0, 1), (1, -1)):
            moments = np.sort(own[:, column])
            before = np.searchsorted(moments, edges)
            total[:, pitch] += sign * (before * edges - np.concatenate([[0], np.cumsum(moments)])[before])
    lowest = np.full(len(edges) - 1, 128)
    place = np.clip(np.searchsorted(edges, notes[:, 0] + 1e-6) - 1, 0, len(lowest) - 1)
    np.minimum.at(lowest, place, notes[:, 2].astype(int))
    return np.diff(total, axis=0), lowest


def _best(weights: np.ndarray, lowest: int) -> tuple[str, float]:
    """The chord that explains pitch classes (12,) best, and how well; "" for silence."""
    if weights.sum() < 1e-6:
        return "", 0.0
    share = weights / weights.sum()
    inside = _MARKS @ share
    missing = _MARKS @ (share < 0.03)
    score = inside - (1 - inside) - 0.15 * missing
    score = score + np.array([0.15 * (root == lowest % 12) for root, _ in _TEMPLATES]) * (lowest < 128)
    number = int(score.argmax())
    root, shape = _TEMPLATES[number]
    return SHARPS[root] + shape, float(score[number])
