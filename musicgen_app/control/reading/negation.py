"""What a prompt refuses: "no drums", "not techno", "anything but Irish", "ohne Schlagzeug", "drums are not wanted"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .text import Text
from .words import MUSIC, STYLE

_ARTICLE = r"(?:(?:any|some|the|a|an|those|these|that|this|of|more|kind|sort|type|bit|other|too|so|very|overly|all"
_ARTICLE += (
    r"|den|dem|der|die|das|ein|eine|einen|zu|sehr|auch|de|la|le|les|l'|du|des|d'|trop|el|los|las|un|una|unos|demasiado"
)
_ARTICLE += r"|il|lo|gli|i|troppo|di|o|os|as|um|uma|het|een|te)(?:\s+|(?<=')))*"
_WANT = (
    r"(?:want|use|add|include|like|need|have|put(?:\s+in)?|give\s+me|play|bring|insert|employ|make\s+it|make\s+this"
    r"|make|do"
    r"|go|love|be|sound(?:\s+like)?|feel|get)"
)
_NOT = (
    r"(?:do\s+not|don't|does\s+not|doesn't|did\s+not|didn't|never|must\s+not|mustn't|should\s+not|shouldn't|shall\s+not"
)
_NOT += r"|can't|cannot|won't|will\s+not|would\s+not|wouldn't|isn't|is\s+not|aren't|not\s+to|to\s+not|please\s+not)"
# Words that refuse what follows. The second group needs the start of a clause, or a word of music behind it.
_SURE = (
    rf"without|w/o|anything\s+but|instead\s+of|rather\s+than|{_NOT}\s+(?:really\s+|ever\s+)?{_WANT}|(?:i|we|he|she"
    rf"|they|who|that|which)?\s*hates?"
    r"|leav(?:e|ing)\s+out|skip(?:ping)?|omit(?:ting)?|avoid(?:ing)?|exclud(?:e|ing)|stay\s+away\s+from"
    r"|keep\s+away\s+from|get\s+rid\s+of"
    r"|too\s+(?:many|much)|free\s+of|devoid\s+of|minus|sans|ditch|lose|remove|mute|nor|neither"
    r"|ohne|weder|noch|kein(?:e[nrms]?)?|bloss\s+kein\w*|finger\s+weg\s+vo[mn]|statt|anstatt|anstelle\s+von"
    r"|verzichte\s+auf"
    r"|surtout\s+pas(?:\s+de)?|pas\s+(?:de|d'|du|trop)|aucune?|jamais\s+de|plutot\s+que|au\s+lieu\s+(?:de|du)"
    r"|sin(?:\s+(?:nada\s+de|ningun[ao]?))?|nada\s+de|no\s+(?:quiero|uses|pongas|usar|metas)|ningun[ao]?|en\s+vez\s+de"
    r"|senza|niente|nient'altro|nessun[ao]?|non\s+(?:voglio|usare|mettere)|invece\s+(?:di|del|della)"
    r"|sem|nao\s+(?:quero|use|usar|coloque)|nenhuma?|em\s+vez\s+de|zonder|geen|bez|zadn\w+|utan|inga|uden|uten|без"
    r"|никак\w+"
)
_WEAK = (
    r"no|not|nicht|non|nie|ni|ne|niet|inte|ikke|nem|nao|не|nothing(?:\s+too)?|nichts|rien\s+de|zero|never|hold\s+the"
    r"|less"
)
_CUE = re.compile(
    rf"(?<![\w'-])(?:(?P<sure>{_SURE})|(?P<weak>{_WEAK}))(?:\s+(?:a|of)\s+(?!\w+\s+cap))?(?![\w'-])\s*", re.IGNORECASE
)
# What follows "no" or "not" and refuses nothing.
_IDLE = re.compile(
    r"(?:idea|matter|problems?|one|body|need|rush|worries|doubt|longer|less|time|way|reason|sign|fuss|only|just|sure"
    r"|yet|bad|far|even|that\b|really"
    r"|necessarily|to\s+mention|else|but|for|in\b|is\b|are\b|was\b|if|you|me|him|her|us|them|it\b|my|your|going|able"
    r"|more\s+than|less\s+than|a\s+problem"
    r"|nur|mehr|so\s+wichtig|sicher|solo|seulement|alleen|wonder|thanks|thank|i\b|he\b|she\b|we\b|they\b|who|what"
    r"|how|the\s+only|limit|preference|care"
    r"|pressure|hurry|deadline|budget|money|name|home|end|return|why|because|as\b|too\s+late|too\s+old|this\s+time"
    r"|know)(?!\w)",
    re.IGNORECASE,
)
# A double "not" wants the thing.
_TWICE = re.compile(
    r"(?:(?:do\s+not|don't|never|must\s+not|not|without|nicht|no)\s+(?:ever\s+|to\s+)?)(?P<cue>(?:too\s+(?:many"
    r"|much)|leav(?:e|ing)\s+out|skip(?:ping)?|omit(?:ting)?"
    r"|forget(?:ting)?|drop(?:ping)?|los(?:e|ing)|remov(?:e|ing)|mut(?:e|ing)|exclud(?:e|ing)|weglassen"
    r"|vergessen))(?!\w)",
    re.IGNORECASE,
)
_STOP = (
    r"but|just|only|please|pls|plz|thx|thanks|instead|rather|like|with|at|in|whatsoever|anywhere|ever|this|because"
    r"|so|then|on|to|from|until|till"
    r"|is|are|was|be|for|if|that|which|who|it|its|as|even|no|not|without|and|or|nor|neither|yet|when|while|into|over"
    r"|under|by|i|you|we|though|n"
    r"|vibes?|stuff|thing|things|feel|feeling|sound|sounds|style|genre|music|anymore|here|there|again|today|either"
    r"|also|maybe|very|all|any|during|of"
    r"|aber|sondern|lieber|bitte|nur|mit|und|oder|noch|dafur|im|in|zum|auf|sein|haben|musik|verwenden|benutzen"
    r"|mais|juste|seulement|avec|svp|s'il|et|ou|ni|dans|plutot|musique|pero|solo|con|por|favor|y|o|e|en|musica|sino"
    r"|ma|per|soltanto|oppure|mas|somente|com|ou|so|graag|maar|alleen|wel|alsjeblieft|of|met|i|а|но|только|и|с|как"
    r"|po|prosze|ale|tylko"
)
_WORD = re.compile(rf"(?!(?:{_STOP})(?![\w'-]))[\w'&#+°-]*\w", re.IGNORECASE)
_MORE = re.compile(r"\s*(?:,\s*)?(?:(?:or|nor|oder|noch|ou|ni|nem|o|и|или)\s+|/\s*(?=\w))" + _ARTICLE, re.IGNORECASE)
_AND = re.compile(r"\s*(?:and|&|und|et|y|e|en)\s+" + _ARTICLE, re.IGNORECASE)
_TAIL = re.compile(
    r"(?:\s+(?:at\s+all|whatsoever|anywhere|please|vibes?|stuff|music|thing|genre|style|this\s+time"
    r"|of\s+any\s+(?:sort|kind)|either|anymore|for\s+once"
    r"|bitte|por\s+favor|per\s+favore|svp|thx|pls))+(?!\w)",
    re.IGNORECASE,
)
_LATER = re.compile(
    rf"(?P<what>(?:the\s+)?{MUSIC.pattern}(?:\s+(?:and|or|und|,)\s*{MUSIC.pattern})?)\s*(?:(?:is|are)\s+(?:not"
    rf"|un)\s*-?(?:wanted|needed|allowed|welcome|necessary)"
    rf"|(?:is|are)\s+(?:forbidden|out|banned)|[:=]\s*(?:none|no|off|0|false|nein|keine?|aus|sans|non|nessun[ao]?"
    rf"|ninguna?|nenhuma?)\b"
    rf"|tacet|(?:are\s+)?off\b|-?free\b|nicht|なし|抜き|無し|いらない|weglassen|verboten)",
    re.IGNORECASE,
)
_EASTERN = re.compile(
    r"(?P<what>ドラム|パーカッション|打楽器|ボーカル|歌|ギター|ピアノ)(?:は|も)?(?:なし|無し|抜き|いらない|不要)|(?:不要|没有|无|別|别)\s*(?P<zh>鼓|人声|打击乐|吉他|钢琴)"
)
_LESS = re.compile(r"(?<!\w)(?P<what>drum|beat|vocal|percussion|rhythm)-?less(?!\w)", re.IGNORECASE)
_PARTLY = re.compile(
    r"\s*(?:until|till|before|at\s+first|at\s+the\s+(?:start|beginning|end)|(?:in|during|for)\s+the\s+(?:intro|verse"
    r"|first|beginning|start"
    r"|bridge|breakdown|chorus|outro|last)|bis\s+zum|hasta|jusqu)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Refusal:
    """start, end: all of it, with the words that refuse; what: the place of the thing; partly: only for a while."""

    start: int
    end: int
    what: tuple[int, int]
    partly: bool = False


def read_refusals(text: Text) -> list[Refusal]:
    """All that is refused, in order; also marked in the text."""
    found: list[Refusal] = []
    for pattern in (_LATER, _LESS, _EASTERN):
        for match in text.find(pattern):
            if not any(match.start() < other.end and other.start < match.end() for other in found):
                what = match.span("what")
                found.append(Refusal(*match.span(), what if what[0] >= 0 else match.span("zh")))
    wanted = [match.span("cue") for match in _TWICE.finditer(text.plain)]
    for cue in text.find(_CUE):
        if any(a <= cue.start() < b or cue.start() <= a < cue.end() for a, b in wanted):
            continue
        if any(other.start < cue.end() and cue.start() < other.end for other in found):
            continue
        found += [
            new for new in _what_follows(text, cue) if not any(o.start < new.end and new.start < o.end for o in found)
        ]
    found.sort(key=lambda refusal: refusal.start)
    text.refused = [(refusal.start, refusal.end) for refusal in found]
    return found


def _what_follows(text: Text, cue: re.Match[str]) -> list[Refusal]:
    """The things that a cue refuses."""
    plain, at = text.plain, cue.end()
    article = re.compile(_ARTICLE, re.IGNORECASE).match(plain, at)
    at = article.end() if article else at
    weak = cue["weak"]
    if _IDLE.match(plain, cue.end()) or weak and _IDLE.match(plain, at):
        return []
    end = _thing(plain, at)
    if end == at:
        return []
    starts = text.begins(cue.start()) or re.search(
        r"(?:and|but|or|with|please|absolutely|definitely|strictly|und|aber|mais|pero|ma|mas|y|et|e|bitte|aber bitte"
        r"|it|is|said|house,|want|so)\s+$",
        text.before(cue.start()),
    )
    verbal = re.search(r"want|use|add|include|hate|anything|quiero|uses|voglio|quero", cue[0].lower()) is not None
    known = MUSIC.match(plain, at) or STYLE.match(plain, at) or MUSIC.match(plain, _last_word(plain, at, end))
    if (
        not known
        and not verbal
        and not (starts and (weak or text.ends(end) or plain[at].isupper() or _stops(plain, end)))
    ):
        return []
    if (
        weak
        and weak.lower() in ("less", "nie", "ne", "ni", "non", "never", "non")
        and not known
        and not text.begins(cue.start())
    ):
        return []
    refusals = [Refusal(cue.start(), end, (at, end))]
    while len(refusals) < 12 and (more := _another(plain, end, known is not None)):
        at, end = more
        refusals.append(Refusal(refusals[-1].end, end, (at, end)))
    tail = _TAIL.match(plain, end)
    last = refusals[-1]
    partly = _PARTLY.match(plain, end) is not None
    refusals[-1] = Refusal(last.start, tail.end() if tail else end, last.what)
    return [Refusal(r.start, r.end, r.what, partly) for r in refusals]


def _stops(plain: str, end: int) -> bool:
    return re.match(rf"\s+(?:{_STOP})(?![\w'-])", plain[end : end + 24], re.IGNORECASE) is not None


def _last_word(plain: str, start: int, end: int) -> int:
    return max(plain.rfind(" ", start, end) + 1, start)


def _another(plain: str, end: int, known: bool) -> tuple[int, int] | None:
    """The next thing of "no drums, bass or guitars", if there is one."""
    more = _MORE.match(plain, end)
    if more is None and (together := _AND.match(plain, end)) and known and MUSIC.match(plain, together.end()):
        after = _thing(plain, together.end())
        if re.match(r"\s*(?:$|[,.;:!?)\n])", plain[after:]) and " " not in plain[together.end() : after].strip():
            more = together
    if more is None and (
        listed := re.match(r",\s*([\w -]{1,30}?)(?=\s*,?\s+(?:or|nor|oder|ou|o)\s|,)", plain[end : end + 60])
    ):
        if MUSIC.fullmatch(listed[1].strip()) and re.search(r"\b(?:or|nor|oder|ou)\b", plain[end : end + 60]):
            return end + listed.start(1), end + listed.end(1)
    if more is None or _CUE.match(plain, more.end()):
        return None
    after = _thing(plain, more.end())
    return (more.end(), after) if after > more.end() else None


def _thing(plain: str, at: int) -> int:
    """Where a thing of at most four words ends that begins here: a word of music ends it where no other follows."""
    end = at
    for _ in range(4):
        gap = len(plain[end : end + 8]) - len(plain[end : end + 8].lstrip(" \t")) if end > at else 0
        word = _WORD.match(plain, end + gap)
        if not word or end > at and not gap:
            break
        if _is_music(plain, at, end) and not (MUSIC.match(plain, word.start()) or STYLE.match(plain, word.start())):
            break
        end = word.end()
    return end


def _is_music(plain: str, start: int, end: int) -> bool:
    found = MUSIC.match(plain, start)
    return found is not None and found.end() == end


def read_unwanted(text: Text, refusals: list[Refusal]) -> tuple[str, ...]:
    """What is refused, as it was written, each once."""
    return tuple(dict.fromkeys(text.written(*refusal.what) for refusal in refusals if not refusal.partly))
