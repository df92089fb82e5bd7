"""Whether a prompt asks for drums, or refuses them."""

from __future__ import annotations

import re

from .form import LATE, SHARED
from .negation import Refusal, in_doubt
from .text import Text
from .words import ABOUT, DRUMS, PULSE, SINGLE_DRUMS, STYLE

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
    r"drummers?\s+(?:just\s+|has\s+|have\s+)?(?:quit|left|moved|died|ill|sick|is\s+(?:\w+\s+)?(?:sick|ill|away|gone"
    r"|out|on\s+holiday|asleep|late)|can't|couldn't|didn't|won't)\b|kicks?\s+(?:in|off|back|out|ass|it|the|my|your|his|her|him|me|some|started)\b|claves?\s+de\s+(?:sol|fa|do)\b"
    r"|drumm?(?:ing)?\s+up\b|(?:batterie|bateria|batteria)\s+(?:de|do|del|di|d'|da|mon|meu|mi|is|ist|est"
    r"|e)\s+(?:(?:mon|ma|meu|minha|mi|mio|il|la|le|l'|o|a|mein\w*|tu|ton|su)\s*)?(?:tel\w+|cel\w+|smart\w+|handy|movil"
    r"|portab\w+|pentol\w+|cucina|cuisine|cozinha|coche|carro|auto|voiture|lapt\w+|iphone|\d)|breaks?\s+(?:my|your|the"
    r"|each|every|up|down|of)\b|rides?\s+(?:a|the|my|his|her|to|home|through|into)\b|brush(?:ed|es)?\s+(?:my|your"
    r"|teeth|off|past|against)|drum\s+roll\s+please|trommelfell|hats\s+off|(?:top|cowboy|straw)\s+hats"
)
# A kind of drums, or something that they play: who refuses it may want others.
_KIND = re.compile(
    r"(?:(?:too\s+many\s+|any\s+|those\s+|these\s+)?(?:electronic|electric|programmed|sampled|synthetic|synth|fake|digital|robotic"
    r"|live|acoustic|real|808|909|trap|rock|jazz|edm|techno|tribal|marching|military|loud|heavy|busy|fast|hard|harsh"
    r"|big|crazy|aggressive|booming|boomy|distorted|processed|epic|double|machine|elektronische[ns]?)\s+)+"
    r"(?:drums?|percussion|drummers?|beats?)|drum\s?(?:machines?|fills?|solos?|rolls?|loops?|samples?|breaks?)|drumcomputer"
    r"|blast[ -]?beats?|back ?beats?|d-beats?|amen breaks?|beat ?box(?:e[sr])?"
)
_ONLY_KIND = "only that kind is refused, and whether there are others is not said: write drums, or no drums"
_MAYBE = re.compile(r"\b(?:maybe|perhaps|possibly|with\s+or\s+without|optionally)\s+(?:some\s+)?$")
_OR_NOT = re.compile(r"\s*(?:(?:are|is)\s+|[:=]\s*)?optional|\s*,?\s*or\s+not\b|,?\s+maybe\s+not")
_AMOUNT = re.compile(
    r"\b(?:fewer|less|not\s+(?:(?:so|too|that|very)\s+)?(?:many|much)|(?:hardly|barely|scarcely)\s+any|(?:almost|nearly"
    r"|next\s+to)\s+no|sparse|weniger|moins\s+de|menos|meno)\s+(?:the\s+)?$"
)
_YES = re.compile(r"\s*[:=]\s*(?:yes|on|true|1|ja|oui|si)\b")

_TRADE = re.compile(r"\s*(?:teacher|shop|store|lessons?|boy|school|major|academy|company|brakes?)\b")
_BEAT = re.compile(r"(?<![\w-])beats?(?![\w-]|\s+(?:of|it|the|me|up|him|her|them|you)\b)")
_PART = "drums in a part of the clip"
_DOUBT = "other words that refuse stand beside it: write drums, or no drums, to be sure"


def read_drums(text: Text, refusals: list[Refusal]) -> bool | None:
    """True: asked for; False: refused; None: nothing is said, or both."""
    refused = [
        r
        for r in refusals
        if r.known
        and _REFUSED.fullmatch(_what(text, r))
        or _WHOLE.search(_what(text, r))
        and not STYLE.fullmatch(_what(text, r))
        and not _SINGLE.fullmatch(_what(text, r))
    ]
    sung = next(text.find(_A_CAPPELLA), None)
    floor = next(text.find(_FLOOR, used=True), None)  # also a metre
    whole = [m for m in text.find(_WHOLE) if not _OTHER.match(text.lower, m.start())]
    single = [m for m in text.find(_SINGLE) if not _OTHER.match(text.lower, m.start())]
    partly = [r for r in refused if r.partly]
    for refusal in partly:
        text.takes("drums", (refusal.start, refusal.end), _PART, SHARED)
    refused = [r for r in refused if not r.partly]
    kinds = [r for r in refused if _KIND.fullmatch(_what(text, r))]
    refused = [r for r in refused if r not in kinds]
    if kinds and not (refused or sung or whole or single):
        for refusal in kinds:
            text.takes("drums", (refusal.start, refusal.end), "left open", _ONLY_KIND)
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
    asked = [match for match in (*whole, *single) if _is_asked(text, match, refusals)]
    if not whole and not single:
        for match in list(text.find(_BEAT))[:3]:
            text.takes("drums", match.span(), "left open", "a beat may be one without drums: write with drums")
    if floor and not text.is_refused(*floor.span()):
        text.says("drums", floor.span(), "drums")
        asked.append(floor)
    return True if asked and not partly else None


def _is_asked(text: Text, match: re.Match[str], refusals: list[Refusal]) -> bool:
    """Whether a word of drums asks for drums in all of the clip; tells what it is taken for."""
    if late := LATE.match(text.lower, match.end()):
        text.takes("drums", (match.start(), late.end()), _PART, SHARED)
        return False
    if _MAYBE.search(text.before(match.start(), 24)) or _OR_NOT.match(text.lower, match.end()):
        text.takes("drums", match.span(), "left open", "they may be there or not")
        return False
    stated = _YES.match(text.lower, match.end())
    start, end = match.start(), stated.end() if stated else match.end()
    amount = _AMOUNT.search(text.before(start, 24))
    if amount:
        text.takes("drums", (start - len(amount[0]), end), "drums", "the plan has drums or none, not an amount")
    elif in_doubt(text, start, end, refusals):
        text.takes("drums", (start, end), "drums", _DOUBT)
    elif ABOUT.search(text.before(start)) or _TRADE.match(text.after(end)):
        text.takes("drums", (start, end), "drums", "it may be what the music is about: write drums, or no drums")
    else:
        text.says("drums", (start, end), "drums")
    return True


def _what(text: Text, refusal: Refusal) -> str:
    return text.plain[slice(*refusal.what)].strip().lower()
