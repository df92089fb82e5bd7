"""The tempo that a prompt states, in figures or words, and its pace: "♩=88", "ninety bpm", "120-128 bpm", "lento"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from . import numbers
from .lexicon.tempo import (
    AT,
    BEFORE_STYLE,
    BEFORE_UNIT,
    BESIDE_STYLE,
    BY,
    BY_SHARE,
    CLAUSE,
    COMPARED,
    ELSEWHERE,
    EVERY,
    FAR_EAST,
    GOES_ON,
    HURRY,
    LABEL,
    LABEL_BEFORE,
    LABELLED_RANGE,
    LEAST_IN_WORDS,
    LIMIT,
    MADE,
    MIDDLE,
    NAMED,
    NEEDED,
    NO_PACE,
    NOTES,
    OF_MUSIC,
    OF_SOMEBODY,
    PACE,
    PART,
    RANGE,
    RECKONED,
    RESULT,
    SIGN,
    SOON,
    SWITCH,
    TENS,
    THAN,
    THING,
    UNITS,
    UNTIL,
    USUAL,
    WORDS_BESIDE,
)
from .text import TAKEN_BACK, Text
from .words import MUSIC, MUSICAL, STYLE

MORE_THAN_ONE = "more than one tempo is stated, and a clip has one"


class Tempo(NamedTuple):
    """value: beats a minute; beat: the quarter notes of one."""

    value: float
    beat: float = 1.0


class _Found(NamedTuple):
    start: int
    end: int
    value: float
    beat: float = 1.0
    low: float = 0.0  # of a range
    guessed: bool = False  # a number without a unit
    reckoned: bool = False  # from another tempo


def read_tempo(text: Text) -> Tempo | None:
    """The first tempo that is possible, or one that takes it back; a single one before a range. The rest is told."""
    found = sorted(_all(text))
    possible = [one for one in found if USUAL[0] <= one.value <= USUAL[1]]
    for one in found:
        if one not in possible:
            low, high = USUAL
            text.misses(
                "tempo", one[:2], f"no tempo: {one.value:g} beats a minute; state one from {low:g} to {high:g} BPM"
            )
    if not possible:
        return None
    last = text.holding([one[:2] for one in possible])
    taken = possible[last] if last else next((one for one in possible if not one.low), possible[0])
    more = any(
        one.value != taken.value and not (one.low or one.guessed) and text.contradicts(taken[:2], one[:2])
        for one in possible[last:]
    )
    for number, one in enumerate(possible):
        if number < last and not one.low and one.value != taken.value:
            text.takes("tempo", one[:2], _in_words(taken), TAKEN_BACK)
            continue
        limit = LIMIT.search(text.before(one.start, 24))
        if one is taken and limit:
            span = (one.start - len(limit[0]), one.end)
            text.takes("tempo", span, _in_words(one), "a limit: the tempo that it names is taken")
        elif one is taken and one.reckoned:
            text.takes("tempo", one[:2], _in_words(one), "reckoned from another tempo")
        elif one is taken and COMPARED.search(_clause(text, one)):
            text.takes("tempo", one[:2], _in_words(one), "the words around it may make another tempo of it")
        elif one is taken and more:
            text.takes("tempo", one[:2], _in_words(one), MORE_THAN_ONE)
        elif one is taken and not (one.low or one.guessed):
            text.says("tempo", one[:2], _in_words(one))
        elif one is taken and one.guessed:
            text.takes("tempo", one[:2], _in_words(one), "a number without a unit is read as beats a minute")
        elif one is taken:
            text.takes("tempo", one[:2], _in_words(one), "the middle of a range: a clip has one tempo")
        elif one.low and one.low <= taken.value <= 2 * one.value - one.low:
            text.says("tempo", one[:2], f"a range with {taken.value:g} BPM in it")
        elif one.value == taken.value:
            text.use(*one[:2])
        else:
            text.takes("tempo", one[:2], _in_words(taken), MORE_THAN_ONE)
    return Tempo(taken.value, taken.beat)


def _clause(text: Text, one: _Found) -> str:
    """The words around a tempo, up to a sign on either side, without those of the tempo."""
    before, after = text.before(one.start, 24), text.after(one.end, 24)
    return re.split(r"[,;:!?\n|(]", before)[-1] + " " + re.split(r"[,;:!?\n|)]", after)[0]


def _in_words(one: _Found) -> str:
    notes = {0.5: "eighth notes", 1.5: "dotted quarter notes", 2.0: "half notes"}.get(one.beat)
    return f"{one.value:g} BPM" + (f" in {notes}" if notes else "")


def _all(text: Text) -> list[_Found]:
    """All that states a tempo; of two that overlap the one that is found first."""
    found: list[_Found] = []
    for read in (_reckoned, _ranges, _by_the_second, _with_unit, _named, _in_words_of_numbers, _made, _without_unit):
        if read is _without_unit and any(not one.guessed for one in found):
            break
        for one in read(text):
            if text.is_free(*one[:2]) and not any(one.start < other.end and other.start < one.end for other in found):
                found.append(one)
    return found


def _reckoned(text: Text) -> Iterator[_Found]:
    for match in text.find(RECKONED):
        said = {name: thing for name, thing in match.groupdict().items() if thing}
        base = _value(next(said[name] for name in ("base", "whole", "from", "times", "first") if name in said))
        less = re.search(r"slower|below|less|under|down|minus", match[0]) is not None
        by = said.get("by") or said.get("after") or said.get("again")
        if by:
            value = base * (BY.get(by) or _value(by))
        elif "share" in said:
            value = base * (1 + (-1 if less else 1) * _value(said["share"]) / 100)
        else:
            step = {"ten": 10.0, "five": 5.0, "twenty": 20.0}.get(said.get("step") or said.get("more", ""), 12.0)
            figure = said.get("more") or said.get("step", "")
            value = base + (-1 if less else 1) * (_value(figure) if figure[0].isdigit() else step)
        result = RESULT.match(text.lower, match.end())
        end = result.end() if result else match.end()
        yield _Found(match.start(), end, _value(result["n"]) if result else round(value, 2), reckoned=True)


def _ranges(text: Text) -> Iterator[_Found]:
    for match in (*text.find(RANGE), *text.find(LABELLED_RANGE)):
        low, high = float(match["low"]), float(match["high"])
        if low < high <= USUAL[1]:
            yield _Found(*match.span(), (low + high) / 2, 1.0, low)
    for match in text.find(TENS):
        part = match["a"] or match["b"] or ""
        low = float(match["tens"]) + (7 if part[:1] in ("h", "u") or part == "late" else 4 if part[:1] == "m" else 0)
        high = float(match["tens"]) + (3 if part[:1] in ("l", "e") and part != "late" else 6 if part[:1] == "m" else 10)
        yield _Found(*match.span(), (low + high) / 2, 1.0, low)


def _by_the_second(text: Text) -> Iterator[_Found]:
    for match in text.find(EVERY):
        count = 1.0 if match["n"] == "a" else numbers.value(match["n"]) or float(match["n"])
        yield _Found(*match.span(), count * (120.0 if match["half"] else 60.0))


def _with_unit(text: Text) -> Iterator[_Found]:
    for match in text.find(BEFORE_UNIT):
        unit = UNITS.match(text.lower, match.end())
        label = LABEL_BEFORE.search(text.before(match.start(), 30))
        start = match.start() - (len(label[0]) if label else 0)
        value = (_value(match["n"]) + (0.5 if match["half"] else 0)) * (-1 if match["sign"] else 1)
        yield _of_another(text, start, unit.end() if unit else match.end(), value)


def _named(text: Text) -> Iterator[_Found]:
    for match in text.find(NAMED):
        until = UNTIL.match(text.lower, match.end())
        note = " ".join((match["note"] or "").replace("-", " ").split()).removesuffix(" notes")
        figure = "a" if match["a"] else "b"
        sign = -1 if re.search(r"(?<!\w)-$", text.before(match.start(figure), 2)) else 1
        value, beat = _value(match[figure]), NOTES.get(note, 1.0)
        if until and float(until[1]) > value:
            yield _Found(match.start(), until.end(), (value + float(until[1])) / 2, beat, value)
        else:
            part = PART.search(text.before(match.start(), 24)) if not match["note"] else None
            share = 1.0 if part is None else 0.5 if part["half"] else 2.0
            yield _Found(match.start() - (len(part[0]) if part else 0), match.end(), sign * value * share, beat)


def _in_words_of_numbers(text: Text) -> Iterator[_Found]:
    for unit in text.find(UNITS):
        begin = max(0, unit.start() - 60)
        if known := numbers.at_end(text.lower[begin : unit.start()].rstrip(" -")):
            yield _between(text, begin + known[0], unit.end(), known[1]) or _of_another(
                text, begin + known[0], unit.end(), float(known[1])
            )
    for label in text.find(LABEL):
        known = numbers.at_start(text.lower[label.end() : label.end() + 60])
        if known and known[1] >= USUAL[0]:
            yield _Found(label.start(), label.end() + known[0], float(known[1]))


def _between(text: Text, start: int, end: int, high: int) -> _Found | None:
    """ "between ninety and a hundred BPM": the middle."""
    before = text.before(start, 48)
    if link := re.search(r"(?<!\w)(?P<from>between|from)\s+(?P<low>[^\d,.;]{3,24}?)\s+(?:and|to)\s+$", before):
        low = numbers.value(link["low"])
        if low and USUAL[0] <= low < high:
            return _Found(start - len(before) + link.start(), end, (low + high) / 2, 1.0, float(low))
    return None


def _made(text: Text) -> Iterator[_Found]:
    """ "Make it exactly 121", "feels like 140", at the end of a clause."""
    for match in text.find(MADE):
        if text.ends(match.end()):
            yield _Found(*match.span("n"), float(match["n"]), guessed=True)


def _without_unit(text: Text) -> Iterator[_Found]:
    """ "house at 124", "techno 128", "Am, 128": a number that can hardly be anything else."""
    for pattern in (SIGN, AT, BESIDE_STYLE, BEFORE_STYLE, CLAUSE):
        for match in text.find(pattern, used=True):
            start, end = match.span("n")
            ish = text.after(end, 4).lstrip("-").startswith("ish")
            ends = text.ends(end) or ish and text.ends(end + text.after(end, 4).index("ish") + 3)
            alone = (text.begins(start) or text.is_used_before(start) or ish) and ends
            if (
                text.is_free(start, end)
                and (pattern is not CLAUSE or alone)
                and (pattern is not AT or ends or GOES_ON.match(text.lower, end))
            ):
                yield _Found(start, end, float(match["n"]), guessed=True)
    for beside in text.find(WORDS_BESIDE, used=True):
        known = numbers.at_start(text.lower[beside.end() : beside.end() + 60])
        if known and known[1] >= LEAST_IN_WORDS and text.ends(beside.end() + known[0]):
            yield _Found(beside.end() + 1, beside.end() + known[0], float(known[1]), guessed=True)
        begin = max(0, beside.start() - 60)
        known = numbers.at_end(text.lower[begin : beside.start()].rstrip(" "))
        if known and known[1] >= LEAST_IN_WORDS and text.begins(begin + known[0]):
            yield _Found(begin + known[0], beside.start() - 1, float(known[1]), guessed=True)


def _of_another(text: Text, start: int, end: int, value: float) -> _Found:
    """ "half of 140 BPM" is 70."""
    part = PART.search(text.before(start, 24))
    if not part:
        return _Found(start, end, value)
    return _Found(start - len(part[0]), end, value / 2 if part["half"] else value * 2)


def _value(figure: str) -> float:
    whole, _, part = figure.replace(",", ".").partition(".")
    return float(whole + part) if len(part) == 3 and "," in figure else float(f"{whole[:9]}.{part or 0}")


def read_pace(text: Text, tempo: Tempo | None) -> str | None:
    """ "slow" or "fast", where words say it and no tempo is stated; a text that asks for both says nothing."""
    said: dict[str, tuple[int, int]] = {}
    for pace, words in PACE.items():
        for match in (*text.find(words), *text.find(FAR_EAST[pace])):
            before = text.before(match.start(), 24)
            if NO_PACE.search(before) or SWITCH.search(before) or THING.match(text.after(match.end(), 16)):
                if THAN.match(text.lower, match.end()):
                    text.takes("pace", match.span(), "left open", "what it is compared with has no tempo here")
                continue
            who = OF_SOMEBODY.search(text.before(match.start(), 60))
            if who and not (
                OF_MUSIC.fullmatch(who["who"]) or MUSIC.fullmatch(who["who"]) or STYLE.fullmatch(who["who"])
            ):
                text.takes("pace", match.span(), "left open", "it is said of something else: write slow or fast music")
                continue
            if BY_SHARE.search(before):
                text.takes("pace", match.span(), "left open", "what it is compared with has no tempo here")
                continue
            hurry = text.begins(match.start()) and HURRY.match(text.lower, match.end())
            if hurry or SOON.match(text.lower, match.end()) or NEEDED.search(text.before(match.start(), 40)):
                why = "it may be when the music is needed: write slow music or fast music, or a number of BPM"
                text.takes("pace", match.span(), "left open", why)
                continue
            alone = text.begins(match.start()) and text.ends(match.end())
            word = before.split()[-1:] or [""]
            if (
                alone
                or MUSIC.fullmatch(word[0])
                or STYLE.fullmatch(word[0])
                or text.language not in ELSEWHERE.get(match[0], ())
            ):
                said.setdefault(pace, match.span())
    if tempo:
        for span in said.values():
            text.takes("pace", span, f"{tempo.value:g} BPM", "the tempo is stated: the word stays one of the prompt")
        return None
    if len(said) == 1:
        ((pace, span),) = said.items()
        after = re.sub(r"^[ -]+", "", text.after(span[1]))
        if not (MUSICAL.match(text.after(span[1])) or MUSIC.match(after) or STYLE.match(after)):
            text.takes("pace", span, pace, "it may be the pace of something else: state a number of BPM to be sure")
        else:
            text.says("pace", span, pace)
        return pace
    for span in said.values():
        text.takes("pace", span, "", "slow and fast are both asked for: the pace is left open")
    for match in text.find(MIDDLE):
        text.takes("pace", match.span(), "the usual pace of the style", "state a number of BPM to be sure")
    return None
