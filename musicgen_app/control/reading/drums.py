"""Whether a prompt asks for drums, or refuses them."""

from __future__ import annotations

import re

from .negation import Refusal, in_doubt
from .text import Text
from .words import ABOUT, DRUMS, PULSE, SINGLE_DRUMS

_FAR_EAST = r"ドラムス?|打楽器|パーカッション|太鼓|鼓|打击乐器?|架子鼓|드럼|타악기|장구"
_WHOLE = re.compile(rf"(?<![\w-])(?:{DRUMS})(?!\w)|{_FAR_EAST}")
_SINGLE = re.compile(rf"(?<![\w-])(?:{SINGLE_DRUMS})(?!\w)")
_REFUSED = re.compile(
    rf"(?<![\w-])(?:{DRUMS}|{PULSE}|drum|drms|beat|percussive|percussion|rhythm|kit|instruments?|instrumente?|davul"
    rf"|vurmali)(?!\w)|{_FAR_EAST}"
)
_FLOOR = re.compile(r"(?<!\w)(?:four|4)[\s-](?:on|to)[\s-]the[\s-]floor(?!\w)")
_A_CAPPELLA = re.compile(r"(?<!\w)a[\s-]?cap+el+a(?!\w)")
# A battery, a kick-off, the brush of a painter.
_OTHER = re.compile(
    r"kicks?\s+(?:in|off|back|out|ass|it|the|my|your|his|her|him|me|some|started)\b|claves?\s+de\s+(?:sol|fa|do)\b"
    r"|drumm?(?:ing)?\s+up\b"
    r"|(?:batterie|bateria|batteria)\s+(?:de|do|del|di|d'|da|mon|meu|mi|is|ist"
    r"|est|e)\s+(?:(?:mon|ma|meu|minha|mi|mio|il|la|le|l'|o|a"
    r"|mein\w*|tu|ton|su)\s*)?(?:tel\w+|cel\w+|smart\w+|handy|movil|portab\w+|pentol\w+|cucina|cuisine|cozinha|coche"
    r"|carro|auto|voiture|lapt\w+|iphone|\d)"
    r"|breaks?\s+(?:my|your|the|each|every|up|down|of)\b|rides?\s+(?:a|the|my|his|her|to|home|through|into)\b"
    r"|brush(?:ed"
    r"|es)?\s+(?:my|your|teeth|off|past|against)"
    r"|drum\s+roll\s+please|trommelfell|hats\s+off|(?:top|cowboy|straw)\s+hats"
)
_MAYBE = re.compile(r"\b(?:maybe|perhaps|possibly|with\s+or\s+without|optionally)\s+(?:some\s+)?$")
_OR_NOT = re.compile(r"\s*(?:(?:are|is)\s+|[:=]\s*)?optional|\s*,?\s*or\s+not\b|,?\s+maybe\s+not")
_AMOUNT = re.compile(
    r"\b(?:fewer|less|not\s+(?:so|too)\s+(?:many|much)|(?:hardly|barely|scarcely)\s+any|(?:almost|nearly"
    r"|next\s+to)\s+no|sparse"
    r"|weniger|moins\s+de|menos|meno)\s+(?:the\s+)?$"
)
_YES = re.compile(r"\s*[:=]\s*(?:yes|on|true|1|ja|oui|si)\b")


_LATE = re.compile(
    r"\s+only\s+(?:in|at|from|after|for|during|near|towards?)\s+(?:the\s+)?\w+|\s+(?:in|at|for"
    r"|during)\s+the\s+(?:second\s+half|last|final|end\b|chorus"
    r"|bridge|drop|outro|refrain)"
)
_TRADE = re.compile(r"\s*(?:teacher|shop|store|lessons?|boy|school|major|academy|company|brakes?)\b")
_BEAT = re.compile(r"(?<![\w-])beats?(?![\w-]|\s+(?:of|it|the|me|up|him|her|them|you)\b)")
_DOUBT = "other words that refuse stand beside it: write drums, or no drums, to be sure"


def read_drums(text: Text, refusals: list[Refusal]) -> bool | None:
    """True: asked for; False: refused; None: nothing is said, or both."""
    refused = [
        r
        for r in refusals
        if r.known
        and _REFUSED.fullmatch(_what(text, r))
        or _WHOLE.search(_what(text, r))
        and not _SINGLE.fullmatch(_what(text, r))
    ]
    sung = next(text.find(_A_CAPPELLA), None)
    floor = next(text.find(_FLOOR, used=True), None)  # also a metre
    whole = [m for m in text.find(_WHOLE) if not _OTHER.match(text.lower, m.start())]
    single = [m for m in text.find(_SINGLE) if not _OTHER.match(text.lower, m.start())]
    partly = [r for r in refused if r.partly]
    for refusal in partly:
        text.misses(
            "drums", (refusal.start, refusal.end), "drums for a part of a clip only: write a chord sheet with sections"
        )
    refused = [r for r in refused if not r.partly]
    if refused and whole:
        for match in whole:
            text.takes("drums", match.span(), "left open", "drums are both asked for and refused")
        return None
    if not refused and sung and (whole or single):
        text.takes("voice", sung.span(), "drums with it", "a cappella is without drums, and drums are asked for")
        sung = None
    if refused or sung:
        for refusal in refused:
            span = (refusal.start, refusal.end)
            if in_doubt(text, *span, refusals):
                text.takes("drums", span, "no drums", _DOUBT)
            else:
                text.says("drums", span, "no drums")
        if not refused and sung:
            text.says("drums", sung.span(), "no drums")
        for match in single:
            text.takes("drums", match.span(), "no drums", "drums are refused, and the plan knows them only as a whole")
        return False
    late = [m for m in (*whole, *single) if _LATE.match(text.lower, m.end())]
    for match in late:
        span = (match.start(), _LATE.match(text.lower, match.end()).end())
        text.misses("drums", span, "drums for a part of a clip only: write a chord sheet with sections")
    whole, single = ([m for m in some if m not in late] for some in (whole, single))
    left = [
        m for m in (*whole, *single) if _MAYBE.search(text.before(m.start(), 24)) or _OR_NOT.match(text.lower, m.end())
    ]
    for match in left:
        text.takes("drums", match.span(), "left open", "they may be there or not")
    whole, single = ([m for m in some if m not in left] for some in (whole, single))
    for match in (*whole, *single):
        stated = _YES.match(text.lower, match.end())
        span = (match.start(), stated.end() if stated else match.end())
        amount = _AMOUNT.search(text.before(span[0], 24))
        if amount:
            text.takes(
                "drums", (span[0] - len(amount[0]), span[1]), "drums", "the plan has drums or none, not an amount"
            )
        elif in_doubt(text, *span, refusals):
            text.takes("drums", span, "drums", _DOUBT)
        elif ABOUT.search(text.before(span[0])) or _TRADE.match(text.after(span[1])):
            text.takes(
                "drums", span, "drums", "it may be what the music is about: write drums, or no drums, to be sure"
            )
        else:
            text.says("drums", span, "drums")
    if not whole and not single:
        for match in list(text.find(_BEAT))[:3]:
            text.takes(
                "drums", match.span(), "left open", "a beat may be one without drums: write with drums to be sure"
            )
    if floor and not text.is_refused(*floor.span()):
        text.says("drums", floor.span(), "drums")
        single.append(floor)
    return True if (whole or single) and not partly else None


def _what(text: Text, refusal: Refusal) -> str:
    return text.plain[slice(*refusal.what)].strip().lower()
