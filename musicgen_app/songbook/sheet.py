"""A chord sheet as text -> a plan. The grammar is in docs/songbook.md.

    tempo 96 · 4/4 · key Am · no drums
    intro 4 | verse 8: Am F C/E E7 | chorus 8 drums: F G Am (Am E7)

A line of the header says what holds for the whole song. Sections follow, several on a line or one on several lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from ..control.chord_reader import ChordReading, names_of
from ..control.operations import checked
from ..control.plan import MAX_SECTIONS, Plan, Section
from ..control.theory import bar_length, parse_metre
from ..errors import RequestError
from .chord_row import HOLD, UNKNOWN, ChordRow, Fixed, times
from .chordpro import REMARKS, is_row, part_of, translated
from .sheet_lexer import Token, tokens
from .sheet_words import (
    HEADER,
    LEVELS,
    METRE,
    NUMBER,
    TEMPO,
    Words,
    common,
    is_chord,
    is_degree,
    is_equals,
    name_of,
    name_tokens,
    stretches_of,
    swing,
    usual,
)  # fmt: skip

SHEET_LENGTH = 100_000  # characters
ABOUT_LENGTH = 500  # of a style or a title
UNPLAYED = ("chords before the first section", "not played", "every section has its own")
UNITS = ("bar", "bars", "beat", "beats")
FORMS = ("form", "structure", "order", "arrangement")  # rows of names, which a sheet has none of
ABOUT = ("style", "genre", "title", "t")  # lines that can stand for a prompt, the first that is there


class Sheet(NamedTuple):
    """What a sheet says. changes: chords that the models do not know as written, and what stands for them.

    told: (what, as, why) of what else is not read as it stands; about: its style, or title, in words.
    """

    plan: Plan
    changes: tuple[ChordReading, ...] = ()
    told: tuple[tuple[str, str, str], ...] = ()
    about: str = ""


@lru_cache(maxsize=8)
def read_sheet(text: str) -> Sheet:
    """The plan of a chord sheet. Raises RequestError with line and column."""
    if len(text) > SHEET_LENGTH:
        line = text[:SHEET_LENGTH].count("\n") + 1
        raise RequestError(
            f"line {line}, column 1: the sheet has {len(text):,} characters, {SHEET_LENGTH:,} are the most"
        )
    translation = translated(text)
    sheet = _read(translation.text, Plan(), numbered=translation.numbered)
    return sheet._replace(told=translation.told + sheet.told, about=sheet.about or translation.title[:ABOUT_LENGTH])


def read_row(text: str, key: str | None = None) -> ChordRow:
    """A row of chords such as "Am F (C G) E7"; key: for degrees. Raises RequestError with line and column."""
    names: str | None = None
    for _ in range(2):  # what names of notes there are is known at the end
        sheet, row = _Reader(), ChordRow(key=key, names=names)
        for number, line in enumerate(text.splitlines(), start=1):
            sheet.take_chords(row, stretches_of(list(tokens(line, number))))
        names = names_of(row.words)
        if not names:
            break
    if not row.parts:
        raise RequestError("line 1, column 1: there are no chords: write them as Am F C G")
    return row


def read_form(text: str, plan: Plan) -> Sheet:
    """A plan with other sections, such as "intro 4 | verse 8: Am F | chorus 8 | ends".

    A section of a name that the plan has is taken from there, as if it stood before. Raises RequestError.
    """
    before = replace(plan, chords=(), sections=(), ends=False)
    sheet = _read(text, before, plan.sections)
    if replace(sheet.plan, sections=(), ends=False) != before:
        raise RequestError("line 1, column 1: a form has sections alone: say the rest with options of their own")
    return sheet._replace(plan=replace(sheet.plan, chords=plan.chords, ends=sheet.plan.ends or plan.ends))


@dataclass
class _Draft:
    """A section as it is read."""

    token: Token
    name: str
    bars: float | None = None
    beats: bool = False  # that number is one of beats
    facts: dict = field(default_factory=dict)
    row: ChordRow = field(default_factory=ChordRow)
    has_colon: bool = False
    times: int = 1
    before: _Draft | None = None  # the last one of that name

    def settle(self) -> None:
        """Take what it does not say from the section of that name before it: its chords; all, for a name alone."""
        if self.before is None or self.has_colon or self.row.parts:
            return
        self.row = self.before.row
        if self.bars is None:
            self.bars, self.beats = self.before.bars, self.before.beats
            self.facts = self.before.facts | self.facts


def _read(text: str, before: Plan, known: tuple[Section, ...] = (), numbered: frozenset[str] = frozenset()) -> Sheet:
    reader = _Reader(before, None, known, numbered)
    sheet = reader.read(text)
    names = names_of([word for row in reader.rows for word in row.words])
    return _Reader(before, names, known, numbered).read(text) if names else sheet


class _Reader:
    """Reads one sheet. before: what is said already; names: the habit of naming notes; known: sections to refer to.

    numbered: parts of a song whose number is a part of the name, "Verse 2".
    """

    def __init__(
        self,
        before: Plan | None = None,
        names: str | None = None,
        known: tuple[Section, ...] = (),
        numbered: frozenset[str] = frozenset(),
    ):
        self.numbered = numbered
        self.facts: dict = {}
        self.about: dict[str, str] = {}
        self.plan = before or Plan()
        self.names = names
        self.row = ChordRow(names=names)  # of the song
        self.drafts: list[_Draft] = []
        self.known = {section.name.casefold(): _draft_of(section) for section in reversed(known)}
        self.open: ChordRow | None = None  # where a line of chords alone belongs

    def read(self, text: str) -> Sheet:
        for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), start=1):
            if not self._is_remark(line):
                found = list(tokens(line, number))
                if found:
                    self._line(found)
        plan = replace(self.plan, **self.facts)
        metre = plan.metre
        plan = replace(plan, chords=self.row.chords(bar_length(metre)))
        sections = [section for draft in self.drafts for section in _finished(draft, metre)]
        if plan.ends and not sections:
            raise RequestError("line 1, column 1: it ends, but has no sections: write them as verse 8")
        plan = checked(replace(plan, sections=tuple(sections)), "line 1, column 1")
        changes = tuple(dict.fromkeys(change for row in self.rows for change in row.changes))
        told = (UNPLAYED,) if plan.chords and sections and all(one.chords for one in sections) else ()
        return Sheet(plan, changes, told, about=next((self.about[name] for name in ABOUT if self.about.get(name)), ""))

    def _is_remark(self, line: str) -> bool:
        """Whether a line says something about the song that is no part of its plan, such as its title."""
        name, colon, text = line.partition(":")
        name = name.strip().lower()
        if not colon or name not in REMARKS or name not in ABOUT and is_row(text):  # "Tag: C G" is a section
            return False
        self.about.setdefault(name, " ".join(text.split())[:ABOUT_LENGTH])
        return True

    @property
    def rows(self) -> list[ChordRow]:
        return [self.row, *(draft.row for draft in self.drafts)]

    def _line(self, found: list[Token]) -> None:
        first, word = found[0], found[0].text.lower()
        named = len(found) > 1 and found[1].kind == "colon"
        colon = any(token.kind == "colon" for token in found)
        if first.kind == "word" and word == "chords" and named:
            self._header_is_first(first)
            self.take_chords(self.row, stretches_of(found[2:]))
            return
        if named and word in FORMS and self.drafts:
            raise first.fail(
                f"{first.shown}: a sheet is played from its first section to its last: write a section again by its"
                " name alone, on a line of its own or between | lines"
            )
        tempo = TEMPO.fullmatch(word) or len(found) > 1 and found[1].text.lower() in ("bpm", "=")
        if first.kind == "word" and (word in HEADER or METRE.fullmatch(word) or tempo) and (named or not colon):
            if not (word == "ends" and len(found) == 1):
                self._header_is_first(first)
            self._header(found)
            return
        self._sections(found)

    def _header_is_first(self, token: Token) -> None:
        if self.drafts:
            raise token.fail(f"{token.shown} after the first section: give a section its own, as in chorus 8 tempo 120")

    def _header(self, found: list[Token]) -> None:
        found = [token for before, token in pairwise([found[0], *found]) if not is_equals(token, before)]
        words = Words([token for token in found if token.kind != "colon"])
        while words.left:
            token = words.next()
            word = token.text.lower()
            if word in ("time", "metre", "meter"):
                token = words.next(token, "a metre such as 3/4")
                word = token.text
            if facts := common(token, word, words):
                self._state(token, facts)
            elif word == "swing":
                self._state(token, {"swing": swing(words)})
            elif word == "straight":
                self._state(token, {"swing": 0.5})
            elif word == "ends":
                self._state(token, {"ends": True})
            elif word == "start":
                self._state(token, {"start": words.number(token, "the quarter note that it begins at", signed=True)})
            else:
                raise token.fail(
                    f"{token.shown} does not belong in the header, which has such as tempo 96 · 4/4 · key Am"
                )

    def _state(self, token: Token, facts: dict) -> None:
        if facts.keys() & self.facts.keys():
            raise token.fail(f"{token.shown} says a second time what the header has said: say it once")
        self.facts |= facts
        self.row.key = self.facts.get("key", self.plan.key)

    def _sections(self, found: list[Token]) -> None:
        """A line of sections, or of chords for the one before."""
        row: list[list[Token]] = []
        target, starts_with_bar = self.open, False  # starts_with_bar: a bar line stands before the first chord
        for stretch in stretches_of(found):
            inner = usual([token for token in stretch if token.kind not in ("bar", "separator")], self.known)
            if self._is_head(inner, target is not None):
                self._flush(target, row, starts_with_bar)
                target = self._head(inner)
                after = next((n for n, token in enumerate(inner) if token.kind == "colon"), len(inner)) + 1
                row, starts_with_bar = [inner[after:]] if inner[after:] else [], False
            elif inner:
                if target is None:
                    target = self._place(inner[0])
                starts_with_bar = starts_with_bar or not row and stretch[0].kind in ("bar", "open")
                row.append(inner)
            elif not row:
                starts_with_bar = starts_with_bar or bool(stretch)
        self._flush(target, row, starts_with_bar)

    def _place(self, token: Token) -> ChordRow:
        """Where chords without a section belong."""
        if self.drafts:
            name = self.drafts[-1].name[:40]
            raise token.fail(
                f"{token.shown} is a chord, but {name!a} has no colon: write {name or 'verse'} 8: before it"
            )
        self.open = self.row
        return self.row

    def _flush(self, target: ChordRow | None, row: list[list[Token]], starts_with_bar: bool) -> None:
        if row and target is not None:
            target.add(row, starts_with_bar or len(row) > 1 or row[0][-1].kind == "close")

    def take_chords(self, target: ChordRow, stretches: list[list[Token]]) -> None:
        starts_with_bar = bool(stretches) and stretches[0][0].kind in ("bar", "open")
        row = [[token for token in stretch if token.kind != "bar"] for stretch in stretches]
        self._flush(target, [stretch for stretch in row if stretch], starts_with_bar)
        self.open = target

    def _is_head(self, inner: list[Token], chords_may_follow: bool) -> bool:
        """Whether tokens between two bar lines begin a section."""
        if not inner:
            return False
        first = inner[0]
        if first.kind == "quoted" or any(token.kind == "colon" for token in inner):
            return True
        known = name_of(inner).casefold() in self.known
        numbered = any(NUMBER.fullmatch(token.text) for token in inner[1:])
        if chords_may_follow and all(map(is_degree, inner)):  # "6- 4 5 1", but "V2" after a section "V1"
            return self._is_next(inner)
        if first.kind == "bracket":
            return known or numbered or not is_chord(first.text)
        if first.kind != "word" or NUMBER.fullmatch(first.text) or first.text in (*HOLD, "%", UNKNOWN):
            return False
        chord = is_chord(first.text)
        if chord and chords_may_follow and known and not numbered:
            raise first.fail(
                f"{first.shown} is a chord and the name of a section: write [{first.text}] for the section"
            )
        return known or numbered or not chord

    def _is_next(self, inner: list[Token]) -> bool:
        """Whether "V2" is the section after "V1", and no degree with a number."""
        letters = inner[0].text.rstrip("0123456789").casefold()
        others = {name.rstrip("0123456789") for name in self.known if name[-1:].isdigit()}
        return len(inner) == 1 and inner[0].text[-1:].isdigit() and letters in others

    def _same_part(self, draft: _Draft) -> _Draft | None:
        """The section that "Verse 2" is sung to, if it has no chords: the last one of its part."""
        part = part_of(draft.name)
        if part not in self.numbered:
            return None
        return next((one for one in reversed(self.drafts) if part_of(one.name) == part), None)

    def _head(self, inner: list[Token]) -> ChordRow | None:
        """Begin a section: "name bars attributes:", or a name alone for one that was there before.

        Where chords on the same line belong is returned; None: there can be none.
        """
        first = inner[0]
        if len(self.drafts) >= MAX_SECTIONS:
            raise first.fail(f"more than {MAX_SECTIONS} sections")
        if len(inner) == 1 and first.text.lower() == "ends" and "ends" not in self.known:
            self._state(first, {"ends": True})
            self.open = None
            return None
        colon = next((n for n, token in enumerate(inner) if token.kind == "colon"), len(inner))
        if first.kind == "word" and set("{}") & set(first.text):
            raise first.fail(f"{first.shown} is no directive of ChordPro: write it as {{tempo: 96}}, alone on its line")
        if not colon:
            raise first.fail("a section needs a name before its colon")
        head = [token for token in inner[:colon] if token.kind not in ("group", "end")]  # "Intro (4 bars)"
        draft = _Draft(first, name_of(head), has_colon=colon < len(inner))
        rest = head[len(name_tokens(head)) :]
        unit = rest[1].text.lower() if len(rest) > 1 else ""
        if part_of(draft.name) in self.numbered and rest and rest[0].text.isdigit() and unit not in UNITS:
            draft.name += f" {rest.pop(0).text}"  # "Verse 2"
        _attributes(draft, Words(rest))
        draft.row = ChordRow(key=draft.facts.get("key", self.row.key), names=self.names)
        draft.before = self.known.get(draft.name.casefold()) or self._same_part(draft)
        self.known[draft.name.casefold()] = draft
        self.drafts.append(draft)
        self.open = draft.row
        return draft.row if draft.has_colon else None


def _draft_of(section: Section) -> _Draft:
    """A section as if it had been read."""
    entries = ("drums", "energy", "tempo", "metre", "key")
    facts = {name: getattr(section, name) for name in entries if getattr(section, name) is not None}
    row = ChordRow([Fixed(symbol, length) for symbol, length in section.chords])
    return _Draft(Token("word", section.name, 1, 1), section.name, section.bars, facts=facts, row=row)


def _attributes(draft: _Draft, words: Words) -> None:
    """What stands between the name of a section and its colon."""
    while words.left:
        token = words.next()
        word = token.text.lower()
        facts: dict = {}
        if draft.bars is None and NUMBER.fullmatch(word) and words.ahead() != "bpm":
            draft.bars = float(word)
            if words.ahead() in UNITS:
                draft.beats = words.next().text.lower().startswith("beat")
        elif (count := times(word)) is not None:
            draft.times = count
            if not 0 < draft.times <= MAX_SECTIONS:
                raise token.fail(f"{token.shown}: a section is repeated from 1 to {MAX_SECTIONS} times")
        elif word == "energy":
            facts = {"energy": words.number(token, "a number from 0 to 1, as in energy 0.8")}
            if not facts["energy"] <= 1:
                raise token.fail("an energy is a number from 0 to 1")
        elif word in LEVELS:
            facts = {"energy": LEVELS[word]}
        elif not (facts := common(token, word, words)):
            raise token.fail(
                f"{token.shown} does not belong in the head of a section, such as chorus 8 drums energy 0.8:"
            )
        if facts.keys() & draft.facts.keys():
            raise token.fail(f"{token.shown} says a second time what this section has said: say it once")
        draft.facts |= facts


def _finished(draft: _Draft, metre: str) -> list[Section]:
    """A section as often as it is played. Raises RequestError where its chords do not fit."""
    draft.settle()
    metre = draft.facts.get("metre") or metre
    bar = bar_length(metre)
    chords = draft.row.chords(bar)
    length = sum(quarters for _, quarters in chords)
    bars = draft.bars
    if bars is not None and draft.beats:
        bars *= 4 / parse_metre(metre)[1] / bar
    if bars is None:
        bars = round(length / bar, 9)
    name = draft.name[:40]
    if not bars:
        raise draft.token.fail(
            f"how many bars has {name!a}? Write {name if name.isprintable() else 'verse'} 8, or give it chords"
        )
    if len(chords) == 1 and not isinstance(draft.row.parts[0], Fixed):  # a chord fills a pick-up as well
        chords = ((chords[0][0], min(length, bars * bar)),)
    elif length > bars * bar * (1 + 1e-9):
        raise draft.token.fail(
            f"{name!a}: {length / bar:g} bars of chords do not fit into {bars:g}"
            f" (if {bars:g} is part of its name, write [{name} {bars:g}])"
        )
    try:
        section = Section(bars, draft.name, chords, **draft.facts)
        Plan(sections=(section,)).check()
    except ValueError as error:
        raise draft.token.fail(str(error)) from None
    return [section] * draft.times
