"""Feel, form, length and voices: what is stated of them, what of it a plan can hold, and what not."""

from __future__ import annotations

import re

from .text import Text
from .words import VOICES

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
    "bridge": r"bridges?|middle (?:eight|8)|breakdowns?",
    "solo": r"(?:drum |guitar |sax |piano )?solo in the middle",
    "outro": r"outros?|coda",
}
_SECTION = re.compile(
    rf"(?<![\w-])(?:{'|'.join(f'(?P<{name}>{words})' for name, words in _SECTIONS.items())})(?![\w-])"
)
_STEP = r"(?:(?:a|an|one|by\s+a)\s+)?(?:half|whole|semi|minor\s+third|third|fourth|fifth|two)?[\s-]?(?:steps?|tones?)?"
_CHANGES = (  # what becomes different within a clip
    rf"(?:key\s+change|modulat\w+|transpos\w+)(?:\s+(?:up|down|to))?(?:\s+{_STEP})?(?:\s+(?:higher|lower|up))?",
    r"(?:up|down|raise[sd]?)\s+(?:a|one|by\s+a)\s+(?:half|whole|semi)[\s-]?(?:step|tone)(?:\s+(?:to|higher))?",
    r"speeds?\s+up|slows?\s+down|accelerando|ritardando|rubato|gets\s+(?:faster|slower|louder|quieter)",
    r"(?:starts?|begins?)\s+(?:soft|slow|fast|quiet|loud|small|sparse)\w*",
    r"build(?:s|ing)?\s+up|crescendo|morendo|fad(?:e|es|ing)\s+(?:in|out)|diminuendo|rises?\s+to",
    r"ends?\s+(?:on|with|softly|quietly|abruptly)(?:\s+\w+){0,3}",
    r"(?:drums?|beat|kick)\s+(?:comes?|enters?|kicks?|drops?|starts?|joins?)(?:\s+in)?(?:\s+(?:after|at|in|on"
    r"|later)\s+\w+)?",
)
_CHANGE = re.compile(rf"(?<!\w)(?:{'|'.join(_CHANGES)})(?!\w)")
_BARS = re.compile(
    r"(?<![\w-])(?:(?:\d{1,3}|four|eight|twelve|sixteen|thirty-two)[\s-]+(?:bars?|measures|compases|takte|mesures"
    r"|battute)(?:\s+blues)?|aaba|abab?a?|ababcb)(?![\w-])"
)
_LENGTH = re.compile(
    r"(?<![\w.:/-])(?:\d+(?:[.,]\d+)?[\s-]*(?:s(?:ec(?:ond)?s?)?|min(?:ute)?s?|mins|minuten|sekunden|minutos|segundos"
    r"|minuti|secondi|secondes|мин\w*|секунд\w*|分|秒)(?![\w/])(?:\s*\d{1,2}(?:\s*s(?:ec(?:onds?)?)?)?(?!\w))?"
    r"|(?:half\s+a|a|one|two|three|four|five|ten|fifteen|twenty|thirty|forty-five|sixty|ninety)[\s-]+(?:seconds?"
    r"|minutes?)|\d{1,2}:[0-5]\d(?=\s+(?:long|min)))(?:\s+(?:long|loop|clip|song|piece))?(?!\w)"
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


def read_feel(text: Text) -> float | None:
    """Swing of the plan, where it is stated: 0.5 is straight."""
    swing = None
    for match in text.find(_SWING, used=True):
        if not text.is_refused(*match.span()):
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


def read_form(text: Text) -> tuple[str, ...]:
    """The parts of a form that are named, in order. What a clip's length or form should be is told."""
    parts = []
    for match in list(text.find(_CHANGE, used=True))[:_LISTED]:
        if not text.is_refused(*match.span()):
            text.misses("form", match.span(), "a change within the clip: write a chord sheet with sections")
    for match in list(text.find(_SECTION))[:_LISTED]:
        parts.append(next(name for name, said in match.groupdict().items() if said))
        text.misses("form", match.span(), "parts of a form are not made from words: write a chord sheet, or use --form")
    for match in list(text.find(_BARS))[:_LISTED]:
        text.misses("form", match.span(), "a number of bars or a form is not made from words: write a chord sheet")
    for match in list(text.find(_LOOP))[:_LISTED]:
        text.misses("length", match.span(), "a prompt cannot ask for a loop")
    for match in list(text.find(_LENGTH))[:_LISTED]:
        if not _DECADE.fullmatch(match[0]) and not _TIMED.search(text.before(match.start(), 16)):
            text.misses("length", match.span(), "the length is set beside the prompt, such as --seconds 30")
    return tuple(parts)


def read_voices(text: Text) -> None:
    """The models make instrumental music: voices and words that are asked for are told."""
    for match in list(text.find(_VOICE))[:_LISTED]:
        beside = _BESIDE.search(text.before(match.start(), 24)) or re.match(
            r"-over|\s?over\s*(?:$|[,.;:])", text.after(match.end(), 8)
        )
        if not beside:
            text.takes("voice", match.span(), "instrumental music", "the models do not sing or speak")
