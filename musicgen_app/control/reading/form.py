"""Feel, form, length and voices: what is stated of them, what of it a plan can hold, and what not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..chord_reader import read_chord
from .lexicon.chords import BULLET, CLAUSES, INLINE, SETTING, SPEAKS
from .negation import Refusal
from .text import Text
from .words import DRUM, DRUMS, VOICES


class Part(NamedTuple):
    """A part of a clip: its name, whether it has drums (None: as the whole), its energy from 0 to 1."""

    name: str
    drums: bool | None
    energy: float | None


_SHARE = re.compile(r"(?<!\w)(?:swing(?:\s+(?:of|at|amount))?\s*[:=]?\s*(?P<a>[5-7]\d)\s*%|(?P<b>[5-7]\d)\s*%\s+swing)")
_UNEVEN = re.compile(
    r"(?<![\w-])(?:swung\s+(?:16ths?|sixteenths?)(?:\s+notes?)?|triplet\s+(?:feel|groove|swing))(?![\w-])"
)
SWING = {"swing": 0.62, "shuffle": 0.667}  # where the second of two eighth notes begins
_SWING = re.compile(
    r"(?<![\w-])(?:(?P<shuffle>shuffle[ds]?|shuffling|12/8\s+feel)|(?P<swing>swing(?:ing|ed)?|swung)(?:\s+(?:feel"
    r"|eighths|8ths|rhythm|groove)|(?=\s*[,.;]|\s*$)))(?![\w-])"
)
_STRAIGHT = re.compile(r"(?<![\w-])straight\s+(?:eighths|8ths|feel|time)(?![\w-])")
_TIMES = re.compile(
    r"(?<![\w-])(?:half|double)[\s-]?(?:time|tempo)(?:\s+(?:feel|drums?|groove|beat|breakdown))?(?![\w-])"
)
_SECTIONS = {
    "intro": r"intro(?:duction)?s?",
    "verse": r"verses?|strophen?|couplets?",
    "build": r"build-?ups?|builds|pre-?chorus",
    "chorus": r"(?:final |last |big )?chorus(?:es)?|refrains?",
    "drop": r"(?:the |a |big |heavy |then |huge )drops?",
    "breakdown": r"breakdowns?",
    "bridge": r"bridges?|middle (?:eight|8)",
    "solo": r"(?:drum |guitar |sax |piano )?solo in the middle",
    "outro": r"outros?|coda",
}
_NAMES = "|".join(f"(?P<{name}>{words})" for name, words in _SECTIONS.items())
_SECTION = re.compile(rf"(?<![\w-])(?:{_NAMES})(?![\w-])")
_SECTION_WORD = re.compile(
    rf"(?<![\w-])(?:{_NAMES.replace('(?:the |a |big |heavy |then |huge )drops?', 'drops?')})(?![\w-])"
)
_ENERGY = {
    "intro": 0.3, "verse": 0.5, "build": 0.6, "chorus": 0.85, "drop": 0.95, "bridge": 0.4, "breakdown": 0.3,
    "solo": 0.7, "outro": 0.3,
}  # fmt: skip
_AROUND = {  # a part that is named alone, and what stands beside it
    "intro": ("intro", "verse"), "build": ("build", "drop"), "drop": ("build", "drop"), "outro": ("verse", "outro"),
    "breakdown": ("drop", "breakdown", "drop"), "bridge": ("verse", "bridge", "chorus"),
    "solo": ("verse", "solo", "chorus"), "chorus": ("verse", "chorus"), "verse": ("verse", "chorus"),
}  # fmt: skip
_WITH = re.compile(
    r"\b(?:with|has|have|includ\w+|plus|then|add|wants?|need)\s+(?:an?\s+|the\s+|one\s+)?(?:[\w-]+\s+){0,2}$"
)
SHARED = "each part gets its share of the clip: a chord sheet, or --form, says it in bars"
ENDS = "what it ends with is left to the words"
_STEP = r"(?:(?:a|an|one|by\s+a)\s+)?(?:half|whole|semi|minor\s+third|third|fourth|fifth|two)?[\s-]?(?:steps?|tones?)?"
_ENTRY = (
    r"(?:drums?|percussion|drummer|beat|kick)\s+(?:then\s+|only\s+|finally\s+)?(?:comes?|coming|enters?|entering|kicks?"
    r"|drops?(?!\s+out)|dropping(?!\s+out)|starts?|joins?)(?:\s+in(?!\s+(?:the|a|my)\b))?"
)
_CHANGES = (  # what becomes different within a clip
    rf"(?:key\s+change|modulat\w+|transpos\w+)(?:\s+(?:up|down|to))?(?:\s+{_STEP})?(?:\s+(?:higher|lower|up))?",
    r"(?:up|down|raise[sd]?)\s+(?:a|one|by\s+a)\s+(?:half|whole|semi)[\s-]?(?:step|tone)(?:\s+(?:to|higher))?",
    r"accelerat\w+|speeds?\s+up|slows?\s+down|accelerando|ritardando|rubato|gets\s+(?:faster|slower|louder|quieter)",
    r"(?:starts?|begins?)\s+(?:soft|slow|fast|quiet|loud|small|sparse)\w*",
    r"build(?:s|ing)?\s+up|crescendo|morendo|fad(?:e|es|ing)\s+(?:in|out)|diminuendo|rises?\s+to",
    r"ends?\s+abruptly|(?:starts?|begins?|opens?)\s+with\s+[^,.;\n]{1,40}?,?\s+(?:and\s+)?then",
    r"(?:drums?|percussion|drummer|beat|kick)\s+(?:drops?|dropping|cuts?|fades?|stops?|leaves?|goes)\s+(?:out|away|off)"
    r"(?:\s+(?:after|at|in|on|for|during)(?:\s+the)?\s+\w+)?",
    rf"{_ENTRY}(?:\s+(?:after|at|in|on|with|later)(?:\s+(?:the|a))?\s+\w+)?",
)
_QUIET_START = r"(?:starts?|begins?)\s+(?:soft|slow|quiet|small|sparse)"
_RISES = r"build(?:s|ing)?\s+up|crescendo|louder|rises?\s+to"
_FALLS = r"quieter|morendo|diminuendo"
_MADE = re.compile(rf".*?(?:{_QUIET_START}|{_RISES}|{_FALLS}|{_ENTRY})", re.DOTALL)
_END = re.compile(
    r"(?<!\w)(?:(?:and\s+)?ends?\s+(?:on|with|softly|quietly|in)(?:\s+(?!and\b|with\b)\w+){0,3}"
    r"|(?:with\s+)?(?:an?\s+)?(?:clear|proper|real|definite|big|clean|good|abrupt|strong|dramatic|grand)\s+"
    r"(?:ending|finish|finale)|(?:with\s+)?(?:an?\s+)?(?:final|last|closing)\s+chord(?:\s+(?:rings?|that\s+rings)(?:\s+out)?)?"
    r"|comes?\s+to\s+(?:an?|its)\s+(?:end|close|stop))(?!\w)"
)
LATE = re.compile(  # behind a word of drums
    r"\s+only\s+(?:in|at|from|after|for|during|near|towards?)\s+(?:the\s+)?\w+|\s+(?:in|at|for"
    r"|during)\s+the\s+(?:second\s+half|last|final|end\b|chorus|bridge|drop|outro|refrain)"
)
_WHOLE_DRUMS = re.compile(rf"(?<![\w-])(?:{DRUMS})(?!\w)")
_CHANGE = re.compile(rf"(?<!\w)(?:{'|'.join(_CHANGES)})(?!\w)")
_BARS = re.compile(
    r"(?<![\w-])(?:(?:\d{1,3}|four|eight|twelve|sixteen|thirty-two)[\s-]+(?:bars?|measures|compases|takte|mesures"
    r"|battute)(?:\s+blues)?|aaba|abab?a?|ababcb)(?![\w-])"
)
_LENGTH = re.compile(
    r"(?<![\w.:/-])(?:\d+(?:[.,]\d+)?[\s-]*(?:s(?:ec(?:ond)?s?)?|min(?:ute)?s?|mins|minuten|sekunden|minutos|segundos"
    r"|minuti|secondi|secondes|h(?:(?:ou)?rs?)?|hours?|stunden?|horas?|heures?|ore|мин\w*|секунд\w*|分|秒)(?![\w/])(?:\s*\d{1,2}(?:\s*s(?:ec(?:onds?)?)?)?(?!\w))?"
    r"|(?:half\s+a|a|one|two|three|four|five|ten|fifteen|twenty|thirty|forty-five|sixty|ninety)[\s-]+(?:seconds?"
    r"|minutes?|hours?)|\d{1,2}:[0-5]\d(?=\s+(?:long|min)))(?:\s+(?:long|loop|clip|song|piece))?(?!\w)"
)
_DECADE = re.compile(r"(?:\d\d)?[2-9]0s|a second")
_TIMED = re.compile(r"(?:every|each|per|half)\s*(?:half\s+)?$")
_LOOP = re.compile(
    r"(?<![\w-])(?:(?:(?:must|should|can)\s+)?loop(?:able|s)?\s+(?:seamlessly|perfectly)"
    r"|seamless(?:ly)?(?:\s+loop(?:ing|ed)?)?|loopable|endless\s+loop)(?![\w-])"
)
_VOICE = re.compile(
    r"(?<![\w-])(?:(?:an?\s+)?(?:female|male|woman|man|girl|boy|kids?|children|robotic|autotuned?|soulful)\s+)?"
    rf"(?:{VOICES})(?!\w)"
)
_BESIDE = re.compile(  # music for somebody else's voice
    r"(?:(?:under|over|below|behind|for|room for|around)\s+(?:the|a|my|an|our)?\s*(?:\w+\s+)?|by the )$|voice[\s-]?$"
)
_LISTED = 6  # at most, of one kind


def find_song(text: Text) -> list[tuple[int, int]]:
    """Places of chords among the words of a song: "[Am]Woke up", or a line of chords above each line of words.

    The words are used and told; what stands before or behind them and speaks of the music is not of the song.
    """
    lines = [match.span() for match in re.finditer(r"[^\n]+", text.plain)]
    chords: list[tuple[int, int]] = []
    for start, end in lines:
        inline = [m.span("chord") for m in INLINE.finditer(text.plain, start, end) if read_chord(m["chord"])]
        words = [text.plain[a[1] + 1 : b[0] - 1] for a, b in zip(inline, inline[1:], strict=False)]
        if inline and (any(re.search("[a-z]", said) for said in words) or text.plain[inline[0][1] + 1 :][:1].isalpha()):
            chords += inline
            text.misses("voice", _sung(text, start, end, inline), "the words of a song are not sung")
    alone = [
        number
        for number, line in enumerate(lines)
        if len(BULLET.sub("", text.plain[slice(*line)]).split()) > 1 and _only_chords(text, line)
    ]
    if len(lines) > 1 and alone and not chords:
        for number, (start, end) in enumerate(lines):
            if _only_chords(text, (start, end)):
                text.use(start, end)
                chords.append((start, end))
            elif (
                number - 1 in alone
                and len(text.plain[start:end].split()) > 2
                and not SETTING.search(text.lower, start, end)
            ):
                text.misses("voice", (start, end), "the words of a song are not sung")
    return chords


def _only_chords(text: Text, line: tuple[int, int]) -> bool:
    pieces = text.plain[slice(*line)].replace("|", " ").split()
    return all(
        re.fullmatch(r"[A-H][#b]?\S*|[-/.%]|x\d", piece) and (piece in "-/.%" or piece[0] == "x" or read_chord(piece))
        for piece in pieces
    ) and bool(pieces)


def _sung(text: Text, start: int, end: int, chords: list[tuple[int, int]]) -> tuple[int, int]:
    """The place of a song in a line, chords and words: from its first clause to the one that speaks of the music."""
    first, last = chords[0][0] - 1, chords[-1][1] + 1
    if SETTING.search(text.lower, start, first):
        return first, _end_of_song(text, last, end)
    signs = [m.end() for m in CLAUSES.finditer(text.lower, start, first)]
    spoken = [sign for sign in signs if SPEAKS.search(text.lower, start, sign)]
    return (spoken[-1] if spoken else start), _end_of_song(text, last, end)


def _end_of_song(text: Text, last: int, end: int) -> int:
    signs = [match.span() for match in CLAUSES.finditer(text.lower, last, end)]
    for (sign, begin), (until, _) in zip(signs, [*signs[1:], (end, end)], strict=False):
        if SPEAKS.search(text.lower, begin, until):
            return sign
    return end


def read_feel(text: Text) -> float | None:
    """Swing of the plan, where it is stated: 0.5 is straight."""
    swing = None
    shares = list(text.find(_SHARE))
    for match in shares:
        swing = float(match["a"] or match["b"]) / 100 if swing is None else swing
        text.says("feel", match.span(), f"swing {swing:.0%}")
    for match in text.find(_UNEVEN):
        text.misses("feel", match.span(), "a plan swings eighth notes alone: write swing, or shuffle")
    for match in text.find(_SWING, used=True):
        if text.is_refused(*match.span()):
            swing = 0.5 if swing is None else swing  # straight
        elif not any(share.start() <= match.start() < share.end() for share in shares):
            feel = SWING["shuffle" if match["shuffle"] else "swing"]
            swing = feel if swing is None else swing
            text.says("feel", match.span(), f"swing {feel:.0%}")
    for match in text.find(_STRAIGHT):
        swing = 0.5 if swing is None else swing
        text.says("feel", match.span(), "straight")
    for match in text.find(_TIMES, used=True):
        if not text.is_refused(*match.span()):
            why = "a plan holds one beat: what goes at half or double time is left to the words"
            text.takes("feel", match.span(), "words of the prompt", why)
    return swing


def read_form(text: Text, refusals: Sequence[Refusal] = ()) -> tuple[Part, ...]:
    """The parts of the clip, in order, where words tell of more than one. A form that is stated otherwise is told."""
    words = [match for match in text.find(_SECTION)][:_LISTED]
    changes = [m for m in text.find(_CHANGE, used=True) if not text.is_refused(*m.span())][:_LISTED]
    parts = _parts(text, words, changes, refusals)
    for match in changes:
        if parts and _MADE.match(match[0]):
            text.takes("form", match.span(), _named(parts), SHARED)
        else:
            text.misses("form", match.span(), "a change within the clip: write a chord sheet with sections")
    for match in words:
        if parts:
            text.takes("form", match.span(), _named(parts), SHARED)
        else:
            why = "parts of a form are not made from words: write a chord sheet, or use --form"
            text.misses("form", match.span(), why)
    for match in [m for m in text.find(_BARS, used=True) if not text.is_refused(*m.span())][:_LISTED]:
        text.misses("form", match.span(), "a number of bars or a form is not made from words: write a chord sheet")
    for match in list(text.find(_LOOP))[:_LISTED]:
        text.misses("length", match.span(), "a prompt cannot ask for a loop")
    for match in list(text.find(_LENGTH))[:_LISTED]:
        if not _DECADE.fullmatch(match[0]) and not _TIMED.search(text.before(match.start(), 16)):
            text.misses("length", match.span(), "the length is set beside the prompt, such as --seconds 30")
    return parts


def read_ending(text: Text) -> bool:
    """Whether the music should come to its end within the clip."""
    found = list(text.find(_END))[:_LISTED]
    for match in found:
        text.takes("ending", match.span(), "the last chord rings, and then it is over", ENDS)
    return bool(found)


def _named(parts: Sequence[Part]) -> str:
    return " | ".join(
        part.name + {None: "", False: " without drums", True: " with drums"}[part.drums] for part in parts
    )


def _parts(
    text: Text, words: Sequence[re.Match[str]], changes: Sequence[re.Match[str]], refusals: Sequence[Refusal]
) -> tuple[Part, ...]:
    """The parts that words of sections, changes and drums for a while tell of; none for fewer than two."""
    apart = [match for match in words if not any(c.start() < match.end() and match.start() < c.end() for c in changes)]
    names = [_section(match) for match in apart]
    silent: set[str] = set()
    when = [(relation, part) for relation, part in _drums_when(text, changes, refusals)]
    said = " ".join(match[0] for match in changes)
    if re.search(_QUIET_START, said):
        names.insert(0, "intro")
    if re.search(_RISES, said):
        top = next((at for at, name in enumerate(names) if name in ("chorus", "drop")), len(names))
        names[top:top] = ["build"] if set(names) - {"intro"} else ["intro", "build", "drop"]
    if re.search(_FALLS, said):
        names.append("outro")
    names += dict.fromkeys(part for _, part in when if part not in names)
    if len(set(names)) == 1:
        with_it = names[0] not in ("chorus", "verse") and apart and _WITH.search(text.before(apart[0].start()))
        if not (when or with_it or _MADE.match(said)):
            return ()
        names = list(_AROUND[names[0]])
    names = sorted(dict.fromkeys(names) if len(names) < 3 else _once(names), key=_place)
    tops = [at for at, name in enumerate(names) if name in ("chorus", "drop")]
    if tops and names[-1] == "build":  # "a drop after a build-up"
        names.insert(tops[-1], names.pop())
    for relation, part in when:
        at = names.index(part)
        silent |= {
            "in": {part},
            "only": set(names) - {part},
            "before": set(names[:at]) or {"intro"},
            "until": set(names[: at + 1]),
            "after": set(names[at + 1 :]),
        }[relation]
    if "before" in [relation for relation, _ in when] and not set(names) & silent:
        names.insert(0, "intro")
    if len(names) < 2:
        return ()
    played = True if when else None
    return tuple(
        Part(name, False if name in silent or name == "breakdown" else played, _ENERGY[name]) for name in names
    )


def _drums_when(text: Text, changes: Sequence[re.Match[str]], refusals: Sequence[Refusal]) -> Iterator[tuple[str, str]]:
    """Where there are no drums: ("in" a part, "before" it, "until" its end, "after" it, or "only" there are some)."""
    for refusal in refusals:
        if refusal.partly and DRUM.search(text.lower, refusal.start, refusal.end):
            after = _clause_after(text, refusal.end)
            part = _part_in(after)
            if re.match(r"\s*(?:until|till|before|bis|hasta|jusqu)", after):
                yield "before", part or "drop"
            elif re.match(r"\s*(?:after|from)", after):
                yield "after", part or "intro"
            else:
                part = part if re.match(r"\s*(?:in|during|for|at)\b", after) else ""
                yield "in", part or _part_in(text.before(refusal.start, 24)) or "intro"
    for match in changes:
        if entry := re.match(_ENTRY, match[0]):
            part = _part_in(match[0][entry.end() :])
            yield ("until" if "after" in match[0] and part else "before"), part or "drop"
    for match in text.find(_WHOLE_DRUMS, used=True):
        if not text.is_refused(*match.span()) and (late := LATE.match(text.lower, match.end())):
            part = _part_in(late[0]) or "drop"
            relation = "until" if re.search(r"after|from", late[0]) and part == "intro" else "only"
            yield relation, part


def _clause_after(text: Text, place: int) -> str:
    return re.split(r"[,;.!?\n]", text.after(place, 32))[0]


def _part_in(words: str) -> str:
    """The part of a form that some words name; "" for none."""
    if match := _SECTION_WORD.search(words):
        return _section(match)
    if re.search(r"\b(?:first|beginning|start|opening)\b", words):
        return "intro"
    return "outro" if re.search(r"\b(?:last|final|end|second\s+half)\b", words) else ""


def _section(match: re.Match[str]) -> str:
    return next(name for name, said in match.groupdict().items() if said)


def _once(names: Sequence[str]) -> list[str]:
    """Without one that follows itself."""
    return [name for at, name in enumerate(names) if not at or names[at - 1] != name]


def _place(name: str) -> int:
    return {"intro": 0, "outro": 2}.get(name, 1)


def read_voices(text: Text) -> None:
    """The models make instrumental music: voices and words that are asked for are told."""
    for match in list(text.find(_VOICE))[:_LISTED]:
        beside = _BESIDE.search(text.before(match.start(), 24)) or re.match(
            r"-over|\s?over\s*(?:$|[,.;:])", text.after(match.end(), 8)
        )
        if not beside:
            text.takes("voice", match.span(), "instrumental music", "the models do not sing or speak")
