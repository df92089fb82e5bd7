"""What a prompt refuses: "no drums", "not techno", "anything but Irish", "ohne Schlagzeug", "drums are not wanted"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .lexicon.negation import (
    ALL_BUT,
    ALMOST,
    AND,
    ANSWERED,
    AROUND_BEGINS,
    ARTICLES,
    ASKED,
    BEGINNING,
    BESIDE,
    BUT,
    COMMA,
    CUE,
    DENIED,
    EASTERN,
    GENRE_WORDS,
    IDLE,
    KEY,
    LATER,
    LESS,
    LISTED,
    MORE,
    MOST,
    NEGATED,
    OF_PART,
    PARTLY,
    REACH,
    REFERRED,
    REFUSED_BEFORE,
    REFUSING,
    REVOKED,
    SIGNS,
    STOP,
    SURELY,
    TAIL,
    THING_NAMED,
    TWICE,
    USELESS,
    WHY,
    WITHOUT,
    WORD,
    around,
)
from .text import Text
from .words import DRUM, MUSIC, STYLE


@dataclass(frozen=True)
class Refusal:
    """start, end: all of it, with the words that refuse; what: the place of the thing.

    partly: only for a while; known: whether the thing is of music, and not something of a story.
    """

    start: int
    end: int
    what: tuple[int, int]
    partly: bool = False
    known: bool = True

    def meets(self, start: int, end: int) -> bool:
        """Whether it shares letters with a place."""
        return self.start < end and start < self.end


def read_refusals(text: Text) -> list[Refusal]:
    """All that is refused, in order; also marked in the text."""
    found: list[Refusal] = []
    unusual = (around(),) if AROUND_BEGINS.search(text.lower) else ()
    for pattern in (LATER, *unusual, LESS, EASTERN, KEY):
        for match in text.find(pattern, cased=pattern is KEY):
            if not NEGATED.search(text.before(match.start(), 20)) and not any(r.meets(*match.span()) for r in found):
                name = next(name for name, thing in match.groupdict().items() if thing)
                partly = PARTLY.match(text.lower, match.end()) is not None
                found.append(Refusal(*match.span(), match.span(name), partly))
    found += _answered(text, found)
    found += _referred(text, found)
    twice = [match.span() for match in TWICE.finditer(text.lower)]
    for start, end in twice:
        _tell_wanted(text, start, end)
        text.use(start, end)
    for cue in text.find(CUE):
        if (
            not any(start < cue.end() and cue.start() < end for start, end in twice)
            and not any(r.meets(*cue.span()) for r in found)
            and not ALMOST.search(text.before(cue.start(), 12))
        ):
            new = [one for one in _what_follows(text, cue) if not any(r.meets(one.start, one.end) for r in found)]
            if new and _is_missed(text, cue, new[-1].end):
                _tell_wanted(text, cue.start(), new[-1].end)
                text.use(*cue.span())
            else:
                found += new
    found = _as_listed(text, sorted(found, key=lambda refusal: refusal.start))
    for refusal in found:
        text.refuse(refusal.start, refusal.end)
    return found


def _answered(text: Text, found: list[Refusal]) -> list[Refusal]:
    """What a question names that is answered with no, or a clause denies."""
    new: list[Refusal] = []
    for match in (*text.find(ANSWERED), *text.find(DENIED)):
        start, end = match.span("what")
        if any(refusal.meets(start, match.end()) for refusal in (*found, *new)):
            continue
        known = _is_known(text.lower, start) or _is_known(text.lower, _last_word(text.lower, start, end))
        new.append(Refusal(start, match.end(), (start, end), known=known))
    return new


def _as_listed(text: Text, found: list[Refusal]) -> list[Refusal]:
    """With those known that stand beside a known one: "no snaps, no drums"."""
    order = list(range(len(found)))
    for number, other in (*zip(order, order[1:], strict=False), *zip(order[:0:-1], order[-2::-1], strict=False)):
        one, two = sorted((found[number], found[other]), key=lambda refusal: refusal.start)
        if found[number].known and not found[number].partly and LISTED.fullmatch(text.lower[one.end : two.start]):
            found[other] = replace(found[other], known=True)
    return found


def _referred(text: Text, found: list[Refusal]) -> list[Refusal]:
    """The thing that "omit them" is about, the last one of music before it: there, and where it is refused."""
    new = []
    for match in text.find(REFERRED):
        begin = max(0, match.start() - REACH)
        things = [one.span() for one in THING_NAMED.finditer(text.lower, begin, match.start())]
        if not things or any(refusal.meets(*match.span()) for refusal in found):
            continue
        if not any(refusal.meets(*things[-1]) for refusal in found):
            new.append(Refusal(*things[-1], things[-1]))
        new.append(Refusal(*match.span(), things[-1]))
        meaning, why = f"not {text.written(*things[-1])}", "taken to be about what stands before it"
        text.takes_word("unwanted", text.written(*match.span()), meaning, why, match.start())
    return new


def in_doubt(text: Text, start: int, end: int, refusals: list[Refusal]) -> bool:
    """Whether words that refuse stand in the clause of a place, and no refusal of a thing beside it explains them."""
    until = SIGNS.search(text.lower, end)
    begins = [match.end() for match in SIGNS.finditer(text.lower, max(0, start - 60), start)]
    begin, close = max(begins, default=max(0, start - 60)), min(until.start() if until else len(text.lower), end + 60)
    for match in REFUSING.finditer(text.lower, begin, close):
        known = next((r for r in refusals if r.known and r.meets(*match.span())), None)
        if match.start() < end and start < match.end() or known and BESIDE.fullmatch(_gap(text, known, start, end)):
            continue
        return True
    return False


def _gap(text: Text, refusal: Refusal, start: int, end: int) -> str:
    """What stands between a refusal and a place."""
    return text.lower[refusal.end : start] if refusal.end <= start else text.lower[end : refusal.start]


def _is_missed(text: Text, cue: re.Match[str], end: int) -> bool:
    """Whether a refusal is taken back: "without drums is useless", "rock without drums?", "no drums? no way"."""
    without = WITHOUT.match(cue[0]) is not None and USELESS.match(text.lower, end) is not None
    asked = WITHOUT.match(cue[0]) is not None and ASKED.search(text.before(cue.start(), 60)) is not None
    why = WHY.search(text.before(cue.start(), 40)) is not None and re.match(r"[^.;!\n]{0,40}\?", text.lower[end:])
    return without or asked or bool(why) or REVOKED.match(text.lower, end) is not None


def _tell_wanted(text: Text, start: int, end: int) -> None:
    """A refusal that is refused: the thing is wanted, and that it was read so is told."""
    clause = re.compile(r"[^,.;!?\n]{0,40}").match(text.lower, end)
    kind = "drums" if DRUM.search(text.lower, start, clause.end() if clause else end) else "unwanted"
    why = "a refusal that is itself refused: state what you want to be sure"
    text.takes_word(kind, text.written(start, end), "wanted", why, start)


def _what_follows(text: Text, cue: re.Match[str]) -> list[Refusal]:
    """The things that a cue refuses: a word of music, a style, a name, a number; of the rest what begins a clause."""
    lower = text.lower
    article = ARTICLES.match(lower, cue.end())
    at = article.end() if article else cue.end()
    end = _thing(lower, at)
    if cue[0].strip().lower() == "no" and re.match(r"\d+(?!\d|/\d)", lower[at:]) and not MUSIC.match(lower, at):
        return []  # "op. 10 no 3"
    if SURELY.match(lower, at) or IDLE.match(lower, cue.end()) or cue["weak"] and IDLE.match(lower, at) or end == at:
        return []
    starts = text.begins(cue.start()) or BEGINNING.search(text.before(cue.start(), 16)) is not None
    known = _is_known(lower, at) or _is_known(lower, _last_word(lower, at, end))
    known = known or bool(ALL_BUT.match(cue[0]) or GENRE_WORDS.match(lower, end))
    title = re.match(r"[A-Z]\w+ [A-Z]", text.plain[at : at + 40]) is not None and cue["weak"] is not None
    named = (starts or cue["sure"]) and text.plain[at].isupper() and not (text.plain[at : at + 2].isupper() or title)
    if BUT.match(cue[0]) and REFUSED_BEFORE.search(text.before(cue.start(), 40)):
        return []  # "no drums except a shaker"
    if starts and WITHOUT.match(cue[0]) and text.ends(end):
        known = True  # a clause that does nothing but refuse
    if not (known or named or starts and (text.ends(end) or _stops(lower, end))):
        return []
    refusals = [Refusal(cue.start(), end, (at, end), known=bool(known or named))]
    while len(refusals) < MOST and (more := _another(lower, end, known, bool(cue["colon"]))):
        at, end = more
        refusals.append(Refusal(refusals[-1].end, end, (at, end), known=refusals[0].known))
    tail = TAIL.match(lower, end)
    refusals[-1] = replace(refusals[-1], end=tail.end() if tail else end)
    partly = PARTLY.match(lower, end) is not None or OF_PART.search(text.before(cue.start())) is not None
    return [replace(refusal, partly=partly) for refusal in refusals]


def _is_known(lower: str, at: int) -> bool:
    return bool(MUSIC.match(lower, at) or STYLE.match(lower, at) or lower[at].isdigit())


def _stops(lower: str, end: int) -> bool:
    return re.match(rf"\s+(?:{STOP})(?![\w'-])", lower[end : end + 24]) is not None


def _last_word(lower: str, start: int, end: int) -> int:
    return max(lower.rfind(" ", start, end) + 1, start)


def _another(plain: str, end: int, known: bool, listed: bool) -> tuple[int, int] | None:
    """The next thing of "no drums, bass or guitars", if there is one."""
    more = MORE.match(plain, end) or listed and COMMA.match(plain, end) or None
    if more is None and (together := AND.match(plain, end)) and known and MUSIC.match(plain, together.end()):
        after = _thing(plain, together.end())
        if re.match(r"\s*(?:$|[,.;:!?)\n])", plain[after:]) and " " not in plain[together.end() : after].strip():
            more = together
    if more is None and (
        row := re.match(r",\s*([\w -]{1,30}?)(?=\s*,?\s+(?:or|nor|oder|ou|o)\s|,)", plain[end : end + 60])
    ):
        if MUSIC.fullmatch(row[1].strip()) and re.search(r"\b(?:or|nor|oder|ou)\b", plain[end : end + 60]):
            return end + row.start(1), end + row.end(1)
    if more is None or CUE.match(plain, more.end()):
        return None
    after = _thing(plain, more.end())
    return (more.end(), after) if after > more.end() else None


def _thing(lower: str, at: int) -> int:
    """Where a thing of at most four words ends that begins here: a word of music ends it where no other follows."""
    end = at
    for _ in range(4):
        gap = len(lower[end : end + 8]) - len(lower[end : end + 8].lstrip(" ")) if end > at else 0
        word = WORD.match(lower, end + gap)
        if not word or end > at and not gap:
            break
        whole = max(
            (m.end() for m in (MUSIC.match(lower, word.start()), STYLE.match(lower, word.start())) if m), default=0
        )
        if _is_music(lower, at, end) and not whole:
            break
        end = max(word.end(), whole)
    return end


def _is_music(lower: str, start: int, end: int) -> bool:
    return any(
        found is not None and found.end() == end for found in (MUSIC.match(lower, start), STYLE.match(lower, start))
    )


def read_unwanted(text: Text, refusals: list[Refusal]) -> tuple[str, ...]:
    """What is refused, as it was written, each once."""
    return tuple(
        dict.fromkeys(text.written(*refusal.what) for refusal in refusals if refusal.known and not refusal.partly)
    )
