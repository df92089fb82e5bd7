"""Feel, form, length and voices: what is stated of them, what of it a plan can hold, and what not."""

from __future__ import annotations

import re

from .text import Text
from .words import VOICES

SWING = {"swing": 0.62, "shuffle": 0.667}  # where the second of two eighth notes begins
_SWING = re.compile(
    r"(?<![\w-])(?:(?P<shuffle>shuffle[ds]?|shuffling|12/8\s+feel)|(?P<swing>swing(?:ing|ed)?|swung)(?:\s+(?:feel"
    r"|eighths|8ths|rhythm|groove)|(?=\s*[,.;]|\s*$)))(?![\w-])",
    re.IGNORECASE,
)
_STRAIGHT = re.compile(r"(?<![\w-])(?:straight\s+(?:eighths|8ths|feel|time))(?![\w-])", re.IGNORECASE)
_TIMES = re.compile(
    r"(?<![\w-])(?P<half>half)?(?:double)?[\s-]?(?:half|double)[\s-]?(?:time|tempo)(?:\s+(?:feel|drums?|groove|beat"
    r"|breakdown))?(?![\w-])",
    re.IGNORECASE,
)
_SECTIONS = {
    "intro": "intro(?:duction)?s?", "verse": "verses?|strophen?"
        "|couplets?", "chorus": "(?:final |last |big )?chorus(?:es)?|refrains?"
            "|hooks?", "build": "build-?ups?|builds(?: up)?|pre-?chorus",
    "drop": "drops?(?! [A-G]\\b)", "bridge": "bridges?|middle eight|middle 8|breakdowns?|breaks?(?= "
        "|$)", "solo": "(?:drum |guitar |sax |piano )?solo(?: in the middle)", "outro": "outros?|coda|tag",
}  # fmt: skip
_SECTION = re.compile(
    rf"(?<![\w-])(?:{'|'.join(f'(?P<{name}>{words})' for name, words in _SECTIONS.items())})(?![\w-])", re.IGNORECASE
)
_CHANGE = re.compile(
    r"(?<!\w)(?:(?:key\s+change|modulat\w+|transpos\w+)(?:\s+(?:up|down|a|an|one|half|whole|step|steps|tone|tones"
    r"|semitones?|higher|lower|to|by|two|third|fourth|fifth))*|(?:up|down|raise[sd]?)\s+(?:a|one|by\s+a)\s+"
    r"(?:half|whole|semi)[\s-]?(?:step|tone)(?:\s+(?:to|higher))?|(?:speeds?\s+up|slows?\s+down|accelerando"
    r"|ritardando|rit\.|rubato|gets\s+(?:faster|slower|louder|quieter))"
    r"|(?:starts?|begins?)\s+(?:soft|slow|fast|quiet|loud|small|sparse)\w*|(?:build(?:s|ing)?\s+up|crescendo|morendo"
    r"|fad(?:e|es|ing)\s+(?:in|out)|diminuendo|rises?\s+to)|ends?\s+(?:on|with|in|softly|quietly"
    r"|abruptly)(?:\s+\w+){0,3})(?!\w)",
    re.IGNORECASE,
)
_BAR_FORM = re.compile(
    r"(?<![\w-])(?:(?P<n>\d{1,3}|twelve|eight|sixteen|thirty-two)[\s-]+(?:bars?|measures|compases|takte|mesures"
    r"|battute)(?:\s+blues)?|AABA|ABAB?A?|ABABCB)(?![\w-])",
    re.IGNORECASE,
)
_LENGTH = re.compile(
    r"(?<![\w.:/-])(?:(?:\d+(?:[.,]\d+)?|half\s+a|a|one|two|three|four|five|ten|fifteen|twenty|thirty|forty-five"
    r"|sixty|ninety)[\s-]*(?:sec(?:ond)?s?|s|min(?:ute)?s?|mins|minuten|sekunden|minutos|segundos|minuti|secondi"
    r"|minutes|secondes|hours?|stunden?|h|мин\w*|секунд\w*|分"
    r"|秒)(?![\w/])(?:\s*\d{1,2}(?:\s*s(?:ec(?:onds?)?)?)?(?!\w))?(?:\s+(?:long|loop|clip|song|piece))?)"
    r"|(?<![\w:])\d{1,2}:[0-5]\d\s+(?:long|minutes|min)\b",
    re.IGNORECASE,
)
_LOOP = re.compile(
    r"(?<![\w-])(?:(?:must\s+|should\s+|can\s+)?loop(?:able|s)?(?:\s+(?:seamlessly|perfectly))"
    r"|seamless(?:ly)?(?:\s+loop(?:ing|ed)?)?|loopable|endless\s+loop)(?![\w-])",
    re.IGNORECASE,
)
_VOICE = re.compile(
    rf"(?<![\w-])(?:(?:an?\s+)?(?:female|male|woman|man|girl|boy|kids?|children|robotic|autotuned?"
    rf"|soulful)\s+)?(?:{VOICES})(?!\w)",
    re.IGNORECASE,
)
_NO_VOICE = re.compile(
    r"(?:(?:under|over|below|behind|for|leave room for|around)\s+(?:the|a|my|an|our)?\s*(?:\w+\s+)?|by the )$"
    r"|voice[\s-]?$"
)
_LISTED = 6  # at most, of one kind


def read_feel(text: Text) -> float | None:
    """Swing of the plan, where it is stated: 0.5 is straight."""
    swing = None
    for match in text.find(_SWING, used=True):
        if text.is_refused(*match.span()):
            continue
        feel = "shuffle" if match["shuffle"] else "swing"
        swing = SWING[feel] if swing is None else swing
        text.says("feel", match.span(), f"swing {SWING[feel]:.0%}")
    for match in text.find(_STRAIGHT):
        swing = 0.5 if swing is None else swing
        text.says("feel", match.span(), "straight")
    for match in text.find(_TIMES, used=True):
        if not text.is_refused(*match.span()):
            text.takes(
                "feel",
                match.span(),
                "words of the prompt only",
                "the plan holds one beat: a half-time or double-time feel is left to the model's ear",
            )
    return swing


def read_form(text: Text) -> tuple[str, ...]:
    """The parts of a form that are named, in order. What a clip's length, form or voices should be is told."""
    parts = []
    for match in list(text.find(_CHANGE))[:_LISTED]:
        text.misses("form", match.span(), "a change within the clip: write a chord sheet with sections")
    for match in list(text.find(_SECTION))[:_LISTED]:
        parts.append(next(name for name, said in match.groupdict().items() if said))
        text.misses("form", match.span(), "parts of a form are not made from words: write a chord sheet, or use --form")
    for match in list(text.find(_BAR_FORM))[:_LISTED]:
        text.misses("form", match.span(), "a number of bars or a form is not made from words: write a chord sheet")
    for match in list(text.find(_LOOP))[:_LISTED]:
        text.misses("length", match.span(), "a prompt cannot ask for a loop")
    for match in list(text.find(_LENGTH))[:_LISTED]:
        if not re.search(r"(?:every|each|per|cut\s+every|half)\s*(?:half\s+)?$", text.before(match.start(), 16)):
            text.misses("length", match.span(), "the length is set beside the prompt, such as --seconds 30")
    return tuple(parts)


def read_voices(text: Text) -> None:
    """The models make instrumental music: voices and words that are asked for are told."""
    for match in list(text.find(_VOICE))[:_LISTED]:
        if not _NO_VOICE.search(text.before(match.start(), 24)) and not re.match(
            r"[\s-]?over", text.after(match.end(), 6)
        ):
            text.takes("voice", match.span(), "instrumental music", "the models do not sing or speak")
