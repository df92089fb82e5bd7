"""What a request says of the plan in fields of its own: a plan, and options that win over it and over the prompt."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any
from unicodedata import category

from ..control.chord_reader import ChordReading
from ..control.key_names import read_key
from ..control.operations import at_tempo, checked, in_key, in_metre, keyed, with_chords
from ..control.plan import TEMPI, Chords, Plan
from ..control.theory import bar_length
from ..errors import RequestError
from .sheet import SHEET_LENGTH, Sheet, read_form, read_row, read_sheet

PLAN_BYTES = 100_000  # of a plan as JSON: what tags and sidecars hold
TEXT_LENGTH = 10_000  # characters of chords and of a form
NO_CHORDS = "it has no chords of its own, so that it has those of the first section with some"
NOT_IN_FORM = "the form that was given has sections, or chords, of its own"
DRUMS_OPTION = "drums, or no drums, as an option of its own wins over the plan and its form"
ROW = 8  # chords of a row that are told
RING = 2.0  # seconds that a last chord rings on


@dataclass(frozen=True)
class Wishes:
    """Fields of a request. None: it says nothing of that.

    plan: a Plan, or the text of a chord sheet; bpm: quarter notes a minute; key: "F minor"; metre: "7/8"; chords: a row
    of a sheet, "Am F (C G) E7"; drums: whether there are any; form: sections of a sheet, "intro 4 | verse 8 | ends".
    """

    plan: Plan | str | None = None
    bpm: float | None = None
    key: str | None = None
    metre: str | None = None
    chords: str | None = None
    drums: bool | None = None
    form: str | None = None

    @classmethod
    def checked(cls, values: dict) -> Wishes:
        """Wishes from values that may come from JSON, in canonical form. Raises RequestError, with line and column."""
        given = {name: value for name, value in values.items() if value is not None}
        checks: dict[str, Callable[[object], Any]] = {
            "plan": _plan,
            "bpm": _bpm,
            "key": _key,
            "metre": _metre,
            "chords": _row,
            "drums": _drums,
            "form": _form,
        }
        wishes = cls(**{name: checks[name](value) for name, value in given.items()})
        wishes.over(Plan())  # what only shows when all is put together
        return wishes

    def values(self) -> dict:
        """The fields by name."""
        return {one.name: getattr(self, one.name) for one in fields(self)}

    @property
    def given(self) -> bool:
        """Whether anything is said."""
        return any(getattr(self, one.name) is not None for one in fields(self))

    @cached_property
    def sheet(self) -> Sheet:
        """The plan that was given, empty for none."""
        if isinstance(self.plan, str):
            return read_sheet(self.plan)
        return Sheet(self.plan or Plan())

    @cached_property
    def has_chords(self) -> bool:
        """Whether there are chords among what is wished."""
        form = self._formed(self.sheet.plan).plan if self.form else self.sheet.plan
        return bool(self.chords) or any(stretch.chords for stretch in form.stretches)

    @property
    def has_sections(self) -> bool:
        """Whether there is a form among what is wished."""
        return bool(self.form or self.sheet.plan.sections)

    @cached_property
    def form_has_chords(self) -> bool:
        """Whether the form itself brings chords: those of a section that the plan has are the plan's."""
        plan = self.sheet.plan
        bare = replace(plan, chords=(), sections=tuple(replace(section, chords=()) for section in plan.sections))
        return bool(self.form) and any(section.chords for section in self._formed(bare).plan.sections)

    @property
    def changes(self) -> tuple[ChordReading, ...]:
        """Chords that the models do not know as they were written."""
        row = read_row(self.chords, self.key or "C major") if self.chords else None
        form = self._formed(self.sheet.plan).changes if self.form else ()
        return (*self.sheet.changes, *(row.changes if row else ()), *form)

    @property
    def told(self) -> list[tuple[str, str, str]]:
        """(what, as, why) of what else is not played as it stands: lyrics, sections without chords or left out, drums
        of sections that the option of drums wins over."""
        plan, lent = lend_chords(self._put_together(Plan(), None))
        lent_row = [(name or "a section", _first(plan.chords), NO_CHORDS) for name in lent]
        return [*self.sheet.told, *lent_row, *self._left_out(), *self._outdone_drums()]

    def _left_out(self) -> list[tuple[str, str, str]]:
        """What the form that was given leaves out of the plan that was given: its other sections, and their chords."""
        if not self.form or self.plan is None:
            return []
        given, formed = self.sheet.plan, self._formed(self.sheet.plan).plan
        names, rows = {section.name for section in formed.sections}, {stretch.chords for stretch in formed.stretches}
        lost = {}
        for stretch in given.stretches:
            other = bool(stretch.chords) and stretch.chords not in rows and not self.chords
            if stretch.name not in names and given.sections or other:
                lost[f"{stretch.name or 'chords'}: {_first(stretch.chords)}".removesuffix(": ")] = NOT_IN_FORM
        return [(what, "left out", why) for what, why in lost.items()]

    def _outdone_drums(self) -> list[tuple[str, str, str]]:
        """What the plan or the form says of drums, and the option of drums otherwise."""
        if self.drums is None:
            return []
        plan, words = replace(self, drums=None)._put_together(Plan(), None), {True: "drums", False: "no drums"}
        said = [("the plan", plan.drums), *((section.name or "a section", section.drums) for section in plan.sections)]
        other = dict.fromkeys(f"{name}: {words[drums]}" for name, drums in said if drums is (not self.drums))
        return [(what, words[self.drums], DRUMS_OPTION) for what in other]

    def _formed(self, plan: Plan) -> Sheet:
        try:
            return read_form(self.form or "", plan)
        except RequestError as error:
            raise RequestError(f"form: {error}") from None

    def over(self, borrowed: Plan, key: str | None = None) -> Plan:
        """The plan of a clip: what is wished, and from `borrowed` what is not. Raises RequestError.

        key: of the prompt, for chords that are wished without one; else it is worked out from them. A section that is
        wished without chords has those of the first one that has some.
        """
        plan = self._put_together(borrowed, key)
        return checked(lend_chords(plan)[0] if self.form or self.plan is not None else plan)

    def _put_together(self, borrowed: Plan, key: str | None) -> Plan:
        plan = replace(borrowed, start=0.0)
        if self.plan is not None:
            plan = _filled(keyed(self.sheet.plan), borrowed)
        if self.metre:
            plan = in_metre(plan, self.metre)
        if self.bpm is not None:
            plan = at_tempo(plan, self.bpm)
        if self.key:
            plan = in_key(plan, self.key)
        own_key = self.key or self.sheet.plan.key
        if self.chords:
            plan = with_chords(plan, read_row(self.chords, own_key or key or plan.key or "C major").chords)
        if self.form:
            plan = self._formed(plan).plan
            if self.form_has_chords and not self.chords and not self.sheet.plan.chords:
                plan = replace(plan, chords=())  # what is borrowed does not go with them
        if self.has_chords and not own_key:
            plan = keyed(replace(plan, key=key))
        if self.drums is not None:
            sections = tuple(replace(section, drums=None) for section in plan.sections)
            plan = replace(plan, drums=self.drums, sections=sections)
        return plan

    def seconds(self, tempo: float | None = None) -> float | None:
        """How long sections with a tempo take, once through, and with their last chord where they end; else None.

        tempo: where nothing is wished.
        """
        plan = self.over(Plan(tempo=tempo))
        if not plan.sections or any(stretch.tempo is None for stretch in plan.stretches):
            return None
        return plan.seconds + RING * plan.ends


NOTHING = Wishes()


def lend_chords(plan: Plan) -> tuple[Plan, list[str]]:
    """A plan whose sections without chords have those of the first one with some, and the names of those sections."""
    first = next((stretch for stretch in plan.stretches if stretch.chords), None)
    lacking = [section.name for section in plan.sections if not section.chords]
    if plan.chords or first is None or not lacking:
        return plan, []
    chords = in_metre(Plan(metre=first.metre, chords=first.chords), plan.metre).chords
    return replace(plan, chords=chords), lacking


def _first(chords: Chords) -> str:
    """The first chords of a row, in words."""
    return " ".join(symbol or "?" for symbol, _ in chords[:ROW]) + " ..." * (len(chords) > ROW)


def _filled(plan: Plan, borrowed: Plan) -> Plan:
    """A plan with what it does not say from another, whose chords are those of its first section that has some."""
    if not any(stretch.chords for stretch in plan.stretches):
        first = next((stretch for stretch in borrowed.stretches if stretch.chords), borrowed.stretches[0])
        row = in_metre(Plan(metre=first.metre, key=first.key, chords=first.chords), plan.metre)
        key = plan.key or first.key
        plan = replace(plan, chords=(in_key(row, key) if row.key and key else row).chords, key=key)
    return replace(
        plan,
        tempo=plan.tempo or borrowed.tempo,
        drums=borrowed.drums if plan.drums is None else plan.drums,
        swing=borrowed.swing if plan.swing is None else plan.swing,
    )


def _plan(value: object) -> Plan | str:
    if isinstance(value, str):
        text = _text("plan", value, SHEET_LENGTH)
        read_sheet(text)
        return text
    try:
        plan = Plan.from_dict(value.to_dict() if isinstance(value, Plan) else value)  # type: ignore[arg-type]
        plan.check()
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        reason = str(error).replace("\n", " ")
        raise RequestError(f"the plan cannot be used: {reason[:300]}") from None
    if len(json.dumps(plan.to_dict()).encode()) > PLAN_BYTES:
        raise RequestError(f"the plan is longer than {PLAN_BYTES:,} bytes of JSON: shorten it")
    return plan


def _bpm(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not TEMPI[0] <= value <= TEMPI[1]:
        raise RequestError(f"bpm must be a number from {TEMPI[0]:g} to {TEMPI[1]:g}")
    return float(value)


def _key(value: object) -> str:
    try:
        return read_key(_text("key", value, 100))
    except ValueError as error:
        raise RequestError(f"key: {error}") from None


def _metre(value: object) -> str:
    metre = _text("metre", value, 100)
    try:
        bar_length(metre)
    except ValueError as error:
        raise RequestError(f"metre: {error}") from None
    return metre


def _row(value: object) -> str:
    text = " ".join(_text("chords", value, TEXT_LENGTH).split())
    try:
        read_row(text, "C major")
    except RequestError as error:
        raise RequestError(f"chords: {error}") from None
    return text


def _form(value: object) -> str:
    lines = _text("form", value, TEXT_LENGTH).splitlines()
    return " | ".join(line.strip() for line in lines if line.strip())


def _drums(value: object) -> bool:
    if not isinstance(value, bool):
        raise RequestError("drums must be true or false")
    return value


def _text(name: str, value: object, most: int) -> str:
    """Text of 1 to `most` characters without control characters but tabs and ends of lines."""
    if not isinstance(value, str):
        raise RequestError(f"{name} must be text")
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not 0 < len(text) <= most:
        raise RequestError(f"{name} has {len(text):,} characters: give it 1 to {most:,}")
    for number, line in enumerate(text.split("\n"), start=1):
        for column, character in enumerate(line, start=1):
            if category(character) in ("Cc", "Cs") and character != "\t":
                place = f"line {number}, column {column}"
                raise RequestError(f"{name}: {place}: an unusable character (U+{ord(character):04X}): remove it")
    return text
