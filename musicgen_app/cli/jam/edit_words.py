"""What can be said in a jam to edit the clip that plays: a line -> an edit, and the fields of its request.

An edit is a line of its own. Behind it may stand what is made: chords, "no drums", or words of a prompt.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...errors import RequestError

if TYPE_CHECKING:
    from ...editing.edit import Edit, Region

_TIME = r"\d{1,6}(?:\.\d{1,6})?"
_BARS = r"bars?\s+\d{1,6}(?:\s*(?:-|to)\s*\d{1,6})?"
_SECONDS = rf"(?:from\s+)?{_TIME}\s*(?:-|to)\s*{_TIME}\s*(?:s|secs?|seconds?)"
_REGION = rf"(?:{_BARS}|{_SECONDS}|\d{{1,6}}\s*(?:-|to)\s*\d{{1,6}}|\d{{1,6}})"  # the last two: bars, after others
_WHERE = rf"(?:{_BARS}|{_SECONDS})(?:\s*(?:,|and)\s*{_REGION})*"
_WORDS = r"(?:(?:\s*:\s*|\s*,\s*|\s+(?=(?:with|without|no)\s))(?P<words>\S.*))?"
_LEVEL = r"(?:[\s,]+(?P<level>[+-]?\d{1,2}(?:\.\d{1,3})?)\s*db)?"


@dataclass(frozen=True)
class Asked:
    """An edit as it was said. given: fields of its request: prompt, chords, drums."""

    edit: Edit
    given: dict[str, Any] = field(default_factory=dict)


def _repaint(found: re.Match[str]) -> dict[str, Any]:
    return {"kind": "repaint", "regions": _regions(found["where"])}


def _continue(found: re.Match[str]) -> dict[str, Any]:
    length: dict[str, Any] = {}
    if found["n"]:
        bars = found["unit"].lower().startswith("bar")
        length = {"bars": _whole(found["n"])} if bars else {"seconds": float(found["n"])}
    return {"kind": "continue", "left": bool(found["left"])} | length


def _vary(found: re.Match[str]) -> dict[str, Any]:
    said: dict[str, Any] = {"kind": "vary", "regions": _regions(found["where"] or "")}
    if found["n"]:
        said["strength"] = float(found["n"]) / (100 if found["percent"] else 1)
    return said


def _ending(found: re.Match[str]) -> dict[str, Any]:
    return {"kind": "ending"} | ({"bars": int(found["n"])} if found["n"] else {})


def _add(found: re.Match[str]) -> dict[str, Any]:
    return {"kind": "add"} | ({"level": float(found["level"])} if found["level"] else {})


# What a whole line looks like, and the edit that its match stands for.
EDITS: tuple[tuple[str, Callable[[re.Match[str]], dict[str, Any]]], ...] = (
    (rf"repaint\s+(?P<where>{_WHERE}){_WORDS}", _repaint),
    (rf"play\s+(?P<where>{_WHERE})\s+again{_WORDS}", _repaint),
    (
        rf"(?:continue|go\s+on)(?:\s+(?:it\s+)?(?:for\s+|by\s+)?(?P<n>{_TIME})\s*(?P<unit>bars?|s|secs?|seconds?))?"
        rf"(?P<left>\s+(?:to\s+the\s+left|on\s+the\s+left|left|before(?:\s+it)?))?{_WORDS}",
        _continue,
    ),
    (rf"vary(?:\s+it)?(?:\s+(?P<where>{_WHERE}))?(?:\s+(?:by\s+)?(?P<n>{_TIME})(?P<percent>\s*%)?)?{_WORDS}", _vary),
    (rf"(?:an?\s+)?ending(?:\s+(?:of\s+)?(?P<n>\d{{1,5}})\s*bars?)?{_WORDS}", _ending),
    (
        rf"add\s+(?:an?\s+|the\s+)?(?P<words>\S.*?(?:\s(?:line|part|track|solo)|(?=\s+(?:on\s+top|over\s+it))))"
        rf"(?:\s+(?:on\s+top|over\s+it))?{_LEVEL}",
        _add,
    ),
)
EXAMPLES = {
    "repaint": "bars, or seconds: repaint bars 5-8, repaint 4 to 8 seconds",
    "continue": "how long: continue 8 bars, continue 20 seconds",
    "vary": "how much: vary 0.4, vary bars 1-4 0.6",
}
_BEGUN = re.compile(rf"({'|'.join(EXAMPLES)})\b", re.IGNORECASE)
_PATTERNS = [(re.compile(pattern, re.IGNORECASE), said) for pattern, said in EDITS]


def read_edit(line: str, change: Callable[[str], list[Any]]) -> Asked | None:
    """The edit that a line asks for; None: it is none. change: words -> the orders that they are.

    Raises RequestError: an edit cannot be so, or cannot change that.
    """
    from ...editing.edit import Edit

    text = line.strip(" .!")
    for pattern, said in _PATTERNS:
        if found := pattern.fullmatch(text):
            values = said(found)
            return Asked(Edit(**values).checked(), _fields(found["words"], values["kind"], change))
    if begun := _BEGUN.match(text):
        raise RequestError(f'{begun[1]} is followed by {EXAMPLES[begun[1].lower()]}; "new: {text}" makes it a prompt')
    return None


def _fields(words: str | None, kind: str, change: Callable[[str], list[Any]]) -> dict[str, Any]:
    """The fields of the request that the words behind an edit ask for. Raises RequestError."""
    if not words:
        return {}
    orders = [] if kind == "add" else change(words)
    names = {order.name for order in orders}
    if names and names <= {"chords", "drums"}:
        return {order.name: order.value for order in orders}
    if names - {"add"}:
        raise RequestError(f"an edit is a line of its own, and {words!a} changes all of the clip: write it alone")
    return {"prompt": words}


def _regions(text: str) -> tuple[Region, ...]:
    """Regions such as "bars 5-8 and 12, 4 to 8 seconds"; what names no unit is in bars."""
    from ...editing.edit import Region

    found = []
    for part in filter(None, re.split(r"\s*(?:,|\band\b)\s*", text.lower())):
        numbers = [float(number) for number in re.findall(_TIME, part)]
        bars = not re.search(r"[sc]\s*$|s\b", part.replace("bars", "bar"))
        first, last = numbers[0], numbers[-1]
        found.append(Region(int(first), int(last), True) if bars else Region(first, last))
    return tuple(found)


def _whole(text: str) -> int | float:
    number = float(text)
    return int(number) if number.is_integer() else number
