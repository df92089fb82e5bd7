"""What can be said in a jam: a line -> orders, each of which says what it is. Every word counts, or is refused.

A line is one command (`COMMANDS`), or changes of what plays with commas between them, or a new prompt: whatever is
neither. A line that begins with a change and goes on with something else is refused, for it could be both.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import Any

from ...control.prompt_parser import Reading, read_prompt
from ...errors import RequestError
from .edit_words import read_edit

STEP = 0.85  # that a tempo is multiplied by for "slower"
STRETCH = 1.5  # that a length is multiplied by for "longer"
TONES = 2  # semitones of "higher"

HELP = """\
Type a prompt, such as: slow piano over soft strings
Change what plays, several things at once with commas between them:
  slower  faster  a bit slower  much faster  90 bpm        tempo
  no drums  drums                                          drums
  Am F C G      in G minor  in minor  up 2  down 3         chords, key
  3/4                                                      metre
  longer  shorter  20 seconds  loop 8 bars  8 bars  no loop  length
  as bossa nova                                            another style, on the same chords
  add strings   with strings   no piano   + strings        words more in the prompt
  again  seed 7                                            the same with another seed
Edit it, a line each; chords, "no drums" or ": words of a prompt" may stand behind:
  repaint bars 5-8   repaint 4 to 8 seconds                play a part again
  continue 8 bars   continue 20 seconds left               go on, or begin earlier
  vary 0.4   vary bars 1-4 0.6                             0 as it is, 1 anew
  ending   ending 4 bars                                   lead to an end
  add a bass line   add strings on top                     another part
Then:
  keep  keep FILE  throw away  undo  redo  history
  play  stop  plan  command  help  quit
"new: ..." makes any words a new prompt, "add: ..." adds any words to the prompt.
"""


@dataclass(frozen=True)
class Order:
    """One thing that a line asks for. name: one of COMMANDS, CHANGES, "edit" or "prompt"; text: as it was written."""

    name: str
    value: Any = None
    text: str = ""


COMMANDS = {
    "quit": ("quit", "exit", "bye", "q"),
    "help": ("help", "?"),
    "undo": ("undo", "back"),
    "redo": ("redo", "forward"),
    "history": ("history",),
    "command": ("command",),
    "plan": ("plan", "what is that"),
    "play": ("play", "play it again"),
    "stop": ("stop", "silence"),
    "drop": ("throw away", "throw it away", "discard", "drop it"),
    "keep": ("keep", "keep it", "keep this", "save", "save it"),
}
_ALONE = {word: name for name, words in COMMANDS.items() for word in words}
_KEEP = re.compile(r"(?:keep|save)\s+(?:(?:it|this)\s+)?(?:as\s+|in\s+)?(\S.*)", re.IGNORECASE)
_AMOUNT = {
    "": 1.0, "a bit": 0.5, "a little": 0.5, "slightly": 0.5, "even": 1.0, "much": 2.0, "a lot": 2.0, "far": 2.0,
}  # fmt: skip
_HOW = rf"(?:(?P<how>{'|'.join(filter(None, _AMOUNT))})\s+)?"
_NUMBER = r"(?P<n>\d{1,9}(?:\.\d{1,6})?)"

# name -> what it looks like, in lower case, and the value that its match stands for.
CHANGES: dict[str, tuple[str, Any]] = {
    "pace": (
        rf"{_HOW}(?P<way>slower|faster|quicker)(?:\s+tempo)?",
        lambda m: (STEP if m["way"] == "slower" else 1 / STEP) ** _AMOUNT[m["how"] or ""],
    ),
    "length": (
        rf"{_HOW}(?P<way>longer|shorter)",
        lambda m: (STRETCH if m["way"] == "longer" else 1 / STRETCH) ** _AMOUNT[m["how"] or ""],
    ),
    "transpose": (
        rf"{_HOW}(?P<way>higher|lower)|(?P<by>up|down|transpose)\s+(?:by\s+)?(?P<sign>[+-]?)(?P<n>\d\d?)"
        r"(?:\s+(?:semitones?|steps?))?",
        lambda m: _semitones(m),
    ),
    "again": (r"again|another(?:\s+one)?|once\s+more|other\s+seed|another\s+seed", lambda m: None),
    "seed": (r"seed\s+(?P<n>\d{1,19})", lambda m: int(m["n"])),
    "seconds": (
        rf"(?:for\s+)?{_NUMBER}\s*(?P<unit>s|secs?|seconds?|min|minutes?)(?:\s+long)?",
        lambda m: float(m["n"]) * (60 if m["unit"].startswith("m") else 1),
    ),
    "loop": (r"(?:a\s+)?loop(?:\s+(?:of\s+)?(?P<n>\d{1,9})\s*bars?)?", lambda m: int(m["n"]) if m["n"] else None),
    "no loop": (r"no\s+loop|not\s+a\s+loop", lambda m: None),
    "bars": (r"(?P<n>\d{1,9})\s*bars?(?:\s+long)?", lambda m: int(m["n"])),
}
_PATTERNS = {name: re.compile(pattern) for name, (pattern, _) in CHANGES.items()}
_STYLE = re.compile(r"(?:as|in\s+the\s+style\s+of)\s+(?:an?\s+)?(\S[^,;]*)", re.IGNORECASE)
_ADD = re.compile(r"(?:\+\s*|add\s+)(\S[^,;]*)", re.IGNORECASE)
_MORE = re.compile(r"(?:with|without|no|more|less|fewer|but)\s+\S[^,;]*", re.IGNORECASE)
_NEW = re.compile(r"new\s*:\s*(\S.*)", re.IGNORECASE)
_POLITE = re.compile(
    r"^(?:(?:and|then|now|please|ok|okay|make\s+it|play\s+it)\s+)+|[\s,]+(?:please|now|then|instead)[.!]*$",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*[,;]\s*")
_FACTS = frozenset(("tempo", "key", "metre", "chords", "drums"))
_IN_WORDS = frozenset(
    ("form", "ending", "feel", "pace", "unwanted")
)  # demands that only the words of a prompt can carry
_FILLING = frozenset("a an the in at of to with and it make be please now but key tempo chords chord play".split())


def read_line(line: str) -> list[Order]:
    """The orders of a line; none of an empty one. Raises RequestError where it could be one thing or another."""
    text = " ".join(line.split())
    if not text:
        return []
    if name := _ALONE.get(text.lower().rstrip("!.")):
        return [Order(name, None, text)]
    if found := _KEEP.fullmatch(text):
        return [Order("keep", found[1], text)]
    if found := _NEW.fullmatch(text):
        return [Order("prompt", found[1], text)]
    if found := re.match(r"add\s*:\s*(\S.*)", text, re.IGNORECASE):
        return [Order("add", found[1], text)]
    if asked := read_edit(_POLITE.sub("", text), _change):
        return [Order("edit", asked, text)]
    if whole := _change(text):
        return whole
    parts = [part for part in _BETWEEN.split(_POLITE.sub("", text)) if part] or [text]
    read = [_change(part) for part in parts]
    if len(parts) > 1 and (read_edit(parts[0], _change) or (read[0] and any(read_edit(p, _change) for p in parts))):
        raise RequestError("an edit is a line of its own: write the rest on another one")
    if read[0] and not _could_begin_a_prompt(read[0]):
        for place, part in enumerate(parts):
            if not read[place] and place and read[place - 1][-1].name == "add":
                read[place] = [Order("add", part, part)]  # "with strings, warm": both are words of the prompt
    if all(read):
        return [order for orders in read for order in orders]
    if read[0] and not _could_begin_a_prompt(read[0]):
        other = parts[read.index([])]
        raise RequestError(f'{other!a} is no change of what plays: write "add {other}", or "new: ..." for a new prompt')
    _refuse_typing_errors(text)
    return [Order("prompt", text, text)]


def _change(part: str) -> list[Order]:
    """What one part of a line changes; none where it is no change."""
    plain = _POLITE.sub("", _POLITE.sub("", part)).strip(" .!")
    small = plain.lower()
    for name, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(small):
            return [Order(name, CHANGES[name][1](found), part)]
    if found := _STYLE.fullmatch(plain):
        return [Order("style" if read_prompt(found[1]).genres else "add", found[1], part)]
    if found := _ADD.fullmatch(plain):
        return [Order("add", found[1], part)]
    if plain and (facts := _facts(plain, part)):
        return facts
    return [Order("add", plain, part)] if _MORE.fullmatch(plain) else []


def _facts(plain: str, part: str) -> list[Order]:
    """What a part states of tempo, key, metre, chords and drums, where it says nothing else."""
    reading = read_prompt(plain)
    said, missed = [*reading.understood, *reading.approximated], reading.not_understood
    rest = plain
    for demand in (*said, *missed):
        rest = rest.replace(demand.text, " ", 1)
    if reading.genres or not (said or missed) or not set(re.findall(r"\w+", rest.lower())) <= _FILLING:
        return []
    for demand in missed:
        if demand.kind in _FACTS:
            raise RequestError(f'{demand.text!a} is not understood ({demand.why}); "new: {plain}" makes it a prompt')
    if missed:
        return []
    kinds = {demand.kind for demand in said}
    if "metre" in kinds and not any(demand.kind == "metre" and re.search(r"\d", demand.text) for demand in said):
        return []  # a waltz is a style, and so are words of a prompt
    if kinds <= _IN_WORDS:
        return [Order("add", plain, part)]
    return _stated(reading, part) if kinds <= _FACTS else []


def _stated(reading: Reading, part: str) -> list[Order]:
    facts = reading.facts
    texts = {demand.kind: demand.text for demand in (*reading.understood, *reading.approximated)}
    values = {
        "tempo": facts.quarters,
        "key": facts.key,
        "metre": facts.metre,
        "chords": " ".join(texts["chords"].replace(",", " ").split()) if "chords" in texts else None,
        "drums": facts.drums,
    }
    return [Order(name, value, part) for name, value in values.items() if value is not None]


def _could_begin_a_prompt(orders: list[Order]) -> bool:
    """Whether a part says what prompts begin with as well: "90 bpm" does, "slower" does not."""
    return all(order.name in _FACTS for order in orders)


def _semitones(found: re.Match[str]) -> int:
    if found["way"]:
        tones = max(1, round(TONES * _AMOUNT[found["how"] or ""]))
        return tones if found["way"] == "higher" else -tones
    down = (found["by"] == "down") != (found["sign"] == "-")
    return -int(found["n"]) if down else int(found["n"])


def _refuse_typing_errors(text: str) -> None:
    """A single word that is nearly a command is no prompt. Raises RequestError."""
    known = [*(word for word in _ALONE if len(word) > 3 and " " not in word), "slower", "faster", "longer", "shorter",
             "again", "higher", "lower", "drums"]  # fmt: skip
    if " " not in text and (near := difflib.get_close_matches(text.lower(), known, n=1, cutoff=0.8)):
        raise RequestError(f'{text!a} is no command; did you mean {near[0]}? "new: {text}" makes it a prompt')
