"""The tempo that a prompt states, in figures or words, and its pace: "♩=88", "ninety bpm", "120-128 bpm", "lento"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from . import numbers
from .text import Text
from .words import MUSIC, MUSICAL, STYLE

USUAL = (20.0, 400.0)  # beats a minute that somebody can mean
_FIGURE = r"\d+(?:[.,]\d+)?"
_OTHER_UNITS = ("rpm", "wpm", "bps", "bpi", "bpd", "dpm", "fpm", "kpm", "spm", "tpm", "app", "bam", "bum", "bp", "pm", "bm")


def _misspelt(word: str) -> str:
    """An expression for a word with one letter too many, too few, changed, or in the place of its neighbour."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    found = {a + letter + b for a, b in cuts for letter in letters}
    found |= {a + letter + b[1:] for a, b in cuts if b for letter in letters}
    found |= {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    return "|".join(sorted(found - {word, *_OTHER_UNITS}))


# "ppm" are pulsaciones por minuto, "bp" is what is left of BPM where a tempo is named.
_UNIT = (
    rf"(?:(?:bpm(?:'?s)?|b\.\s?p\.\s?m\.?|b p m|{_misspelt('bpm')})(?![a-z])"
    r"|(?:beats?|clicks?|strokes?|hits|pulses)[\s-]*(?:(?:per|pr|p\.?|a|/|every|each)[\s-]*|(?:in|to)\s+(?:a|the|one"
    r"|every)\s+)min(?:ute)?s?\b\.?|(?:to\s+the|per)\s+min(?:ute)?\b|(?:pulsaciones|golpes|pulsos)\s+por\s+minuto|(?:battements?"
    r"|pulsations?)\s+(?:par|a\s+la)\s+minute|a\s+la\s+(?:noire|negra)|schlage?n?\s+(?:pro|in\s+der)\s+minute"
    r"|battiti\s+al\s+minuto|batidas\s+por\s+minuto|uderzen\s+na\s+minute|udar\w+\s+v\s+minutu|ударов\s+в\s+минуту"
    r"|slagen\s+per\s+minuut)"
)
_UNITS = re.compile(_UNIT)
_NEAR = (
    r"(?:\s*(?:[=:~\"'>]|\s-\s|(?<=\w)-(?=\d)|(?:of|is|at|on|to|de|von|bei|auf|a|um|about|around|approx(?:imately)?|ca"
    r"|circa|roughly|near|exactly|soll|should\s+be|debe\s+ser|alrededor|environ|etwa|ungefahr|rond|set|em"
    r"|em\s+torno)(?!\w)\.?))*\s*"
)
_NOTES = {
    "\u2669.": 1.5, "\u2669": 1.0, "\U0001d15f": 1.0, "\u266a": 0.5, "\U0001d15e": 2.0, "dotted quarter": 1.5,
    "dotted crotchet": 1.5, "half": 2.0, "half note": 2.0, "minim": 2.0, "quarter": 1.0, "quarter note": 1.0,
    "crotchet": 1.0,
    "eighth": 0.5, "eighth note": 0.5, "quaver": 0.5, "viertel": 1.0, "noire": 1.0, "noire pointee": 1.5, "negra": 1.0,
    "blanche": 2.0, "halbe": 2.0, "semiminima": 1.0, "kwart": 1.0, "kwartnoot": 1.0, "cwiercnuta": 1.0, "q": 1.0,
}  # fmt: skip
_NOTE = "|".join(re.escape(name).replace(r"\ ", r"[\s-]+") for name in sorted(_NOTES, key=len, reverse=True))
_UNTIL = re.compile(r"\s*[-~]\s*(\d{2,3})(?![\d/])")
_NAMED = re.compile(
    rf"(?P<note>(?<!\w)(?:{_NOTE})(?:[\s-]+notes?)?)\s*(?:=|equals)\s*(?:ca\.?\s*)?(?P<a>{_FIGURE})|(?<!\w)(?:tempo"
    rf"|beats\s+per\s+minute|bpm|t(?=\s?[=:]\s?\d)|metronom[eo]?(?:\s+mark(?:ing)?)?|click|m\.\s?m\.?|mm(?=\s?[=:]|\s\d\d)|clocked|темп"
    rf"|テンポ|毎分|每分钟|分당|분당|速度|metronoom){_NEAR}(?P<b>{_FIGURE})(?![\d/]|\s*/\s*\d)"
)
_LABEL = re.compile(rf"(?<!\w)(?:tempo|bpm|beats\s+per\s+minute|metronome?|click){_NEAR}")
_BEFORE_UNIT = re.compile(
    rf"(?P<sign>(?:(?<=\s)|^)[-]|\bminus\s+)?(?P<n>{_FIGURE})(?P<half>\s+and\s+a\s+half)?(?:-?ish)?[\s-]*"
    rf"(?={_UNIT})"
)
_LOW_HIGH = (
    r"(?<![\d.,/])(?P<low>\d{2,3})\s*(?:bpm)?\s*(?:-|~|>|/|\s(?:to|bis|a|or)\s|(?(from)\s(?:and|und|y|e|et)\s|-))\s*"
)
_LOW_HIGH += r"(?P<high>\d{2,3})"
_RANGE = re.compile(
    rf"(?:(?P<from>(?<!\w)(?:between|from|entre|zwischen|von|tra|da|de))\s+)?{_LOW_HIGH}(?:\s*-?\s*{_UNIT}"
    rf"|(?=\s+(?:is\s+ok|range|would|tempo)))(?:\s+range)?"
)
_LABELLED_RANGE = re.compile(rf"(?<!\w)(?P<from>tempo|bpm)[^\d,.;\n]{{0,16}}{_LOW_HIGH}(?![\d/])")
_LABEL_BEFORE = re.compile(rf"(?:{_LABEL.pattern})$")
_BARE = r"(?<![\w./:,#-])(?P<n>[6-9]\d|1\d\d|20\d)(?:-?ish)?(?![\w/:%]|[.,]\d|\s*%)"
_GO_ON = r"\s+(?:with|and|in|on|but|or\s+so|please|no|not|without|for|then|maybe)(?!\w)"  # words behind a tempo
_GOES_ON = re.compile(_GO_ON)
_AT = re.compile(
    rf"(?:(?<!\w)(?:at|around|about)(?:\s+an?)?(?:\s+(?!least|most)[a-z]+)?\s+|@\s?|(?<!\w)a\s+){_BARE}"
    rf"(?:(?!\s*[a-z])|(?={_GO_ON}))"
)
_BESIDE_STYLE = re.compile(rf"(?:{STYLE.pattern}|(?<!\w)(?:shuffle|groove|beat|feel))\s+{_BARE}")
_CLAUSE = re.compile(rf"{_BARE}(?!\s*[a-z])")
_BEFORE_STYLE = re.compile(rf"(?:^|(?<=[,;.]\s)){_BARE}\s+(?:{STYLE.pattern}|beats(?=\s*(?:$|[,;.])))")
_WORDS_BESIDE = re.compile(rf"{STYLE.pattern}|(?<!\w)(?:at|around|about|@)(?!\w)")
_LEAST_IN_WORDS = 60  # beats a minute of a number in words that has no unit
_LIMIT = re.compile(
    r"(?:(?<!\w)(?:at\s+(?:least|most)|up\s+to|under|over|above|below|max(?:imum)?\.?|min(?:imum)?\.?|(?:no"
    r"|not)\s+(?:(?:faster|slower|more|less|fewer|higher|lower)\s+than|above|over|below|under))|[<>]=?)\s*$"
)
_PART = re.compile(
    r"(?:(?P<half>half(?:\s+of)?|die\s+halfte\s+von|la\s+moitie\s+de)|(?P<twice>twice|double(?:\s+of)?"
    r"|doppelt))\s+(?:the\s+)?$"
)
_EVERY = re.compile(
    r"(?P<n>one|two|three|a|\d(?:\.\d+)?)\s+beats?\s+(?:per|a|every|each)\s+(?P<half>half[\s-]+)?second\b"
)
_PACES = {
    "slow": (
        r"slow(?:ly|er|est|-paced|-moving)?|unhurried|adagio|adagietto|largo|larghetto|lent[oaie]?s?|lentissim[oaie]"
        r"|lentement|lentamente|grave|down[\s-]?tempo|langsam\w*|gemachlich\w*|devagar|despacio|sluggish(?:ly)?"
        r"|snail'?s pace|schleppend\w*|langzaam|langzame|traag|trage|медленн\w*|бавн\w*|споро|pomal\w*|spor[oaiu]"
        r"|woln[oaeyi]\w*|powoln\w*|powoli|slow-?motion|yavas|agir|lassu|lassan|langsamt?|langsom\w*|hida[sns]\w*"
        r"|hitaa\w*|αργ[οόαάηή]\w*|incet|rustig|tres lent"
    ),
    "fast": (
        r"fast(?:er|est|-paced|-moving)?|zugig\w*|quick(?:ly|er)?|rapid(?:ly|e|o|a|ement|as?|os)?|up[\s-]?tempo"
        r"|high[\s-]speed|breakneck|presto|prestissimo|allegro|vivace|vivo|schnell\w*|vite|veloc[ei]s?|velocemente"
        r"|snelle?|быстр\w*|бърз\w*|швидк\w*|szybk\w*|rychl\w*|brz[oaei]|depressa|deprisa|rapidamente|rasant\w*"
        r"|flott\w*|speedy|rasch\w*|hizli|gyors\w*|snabb\w*|hurtig\w*|nope[aei]\w*|γρ[ηή]γορ\w*"
    ),
}  # fmt: skip
_FAR_EAST = {
    "slow": re.compile(r"ゆっくり|ゆったり|スローテンポ|遅[いくめ]|スロー|慢(?!慢地变快)|缓慢|느린|느리|천천히"),
    "fast": re.compile(r"速[いくめ]|早い|アップテンポ|快速|快节奏|(?<!欢|轻)快(?!乐)|빠른|빠르|신나고 빠"),
}
_PACE = {pace: re.compile(rf"(?<![\w-])(?:{words})(?![\w-])") for pace, words in _PACES.items()}
_MIDDLE = re.compile(
    r"(?<![\w-])(?:andante|andantino|moderato|mid[\s-]?tempo|medium(?:[\s-]+(?:tempo|swing|pace))"
    r"|mittelschnell)(?![\w-])"
)
# What is slow or fast by itself, and not the music.
_THING = re.compile(
    r"\s*(?:attacks?|release|decay|fade|fading|rotor|rotary|leslie|tremolo|vibrato|phaser|lfo|chorus|delay|cooker"
    r"|cooking|food|forward|lane|track\b|asleep|cars?\b|break\b|changes?|question|note\b|four\b|learner|zoom|pan\b"
    r"|shot|camera|mo\b|burn\b|reveal|transition|build|rise|swell|crescendo|internet|reader|death\b|down\b|up\b|than\b"
    r"|fashion|pace\s+of\s+life|typing|riser|gate|filter|sweep)|-"
)
# The music is wanted soon, which says nothing of its pace.
_SOON = re.compile(
    r"[^.;!?\n]{0,24}\b(?:turn-?around|deliver\w*|deadline|due|needed|ready|done|finished|upload\w*|as\s+possible|reply|asap"
    r"|answer|fertig|abgabe|geliefert|braucht|brauche|moglich|pret|prete|fini\w*|possible|livr\w+|list[oa]|entreg\w+"
    r"|posible|necesit\w+|pront[oa]|possibile|consegn\w+|preciso|possivel|klaar|mogelijk)\b"
)
_NEEDED = re.compile(
    r"\b(?:(?:need|want|get|have|send|finish|deliver|render|generate|upload)\w*\s+(?:\w+\s+){0,3}?(?:done|ready|back|over"
    r"|asap|out)|(?:brauche|benotige)\s+(?:\w+\s+){0,3}|(?:necesito|lo\s+quiero|preciso|il\s+me\s+faut"
    r"|j'en\s+ai\s+besoin)(?:\s+\w+){0,3}|\b(?:need|want|get|have)\s+(?:it|this|that|them|one|something)\s+(?:by|before"
    r"|until|today|tonight|tomorrow|now|this\s+\w+|for\s+(?:today|tomorrow|tonight))\b[^.;!?\n]{0,24})\s*$"
)
_SWITCH = re.compile(r"(?:leslie|rotary|rotor|tremolo|vibrato|phaser|fan|setting|speed)\s+(?:set\s+)?(?:on|to|at)\s+$")
_NO_PACE = re.compile(
    r"(?:not(?:\s+\w+)?|never|less|too|no|isn't|can't(?:\s+\w+)?|cannot(?:\s+\w+)?|don't(?:\s+\w+)?|nicht(?:\s+zu)?"
    r"|kein\w*|pas(?:\s+trop)?|no\s+muy|non\s+troppo|nicht\s+so|demasiado|muito|a\s+lo|zu|trop)\s+$"
)
# Words of pace that are other words in some language.
_ELSEWHERE = {
    "fast": ("de",),
    "lent": ("en",),
    "lente": ("en", "nl"),
    "largo": ("es", "pt"),
    "grave": ("en", "fr", "es", "pt", "it"),
    "vite": ("en",),
    "vivo": ("es", "pt", "it", "en"),
    "presto": ("it",),
    "lens": ("en", "fr", "nl"),
    "flott": ("en",),
    "rapide": ("en",),
    "rustig": ("de", "nl"),
    "agir": ("en", "fr"),
    "sporo": ("pl",),
    "brza": ("en",),
}
# "1.5 times 80 bpm", "5 % slower than 120, so 114", "twice 60": what is reckoned, and the result where it is said.
_N = r"\d{1,3}(?:[.,]\d+)?"
_BY = {"half": 0.5, "twice": 2.0, "double": 2.0, "doubled": 2.0, "halved": 0.5, "two": 2.0, "three": 3.0, "thrice": 3.0}
_BASE = rf"(?:(?:tempo|bpm)\s+(?:of\s+)?)?(?P<base>\d{{2,3}}(?:[.,]\d+)?)(?:\s*{_UNIT})?"
_TIMES = r"(?:times|x|\*|mal|fois|por|veces|volte)"
_RECKONED = re.compile(
    rf"(?<![\w.])(?:(?P<by>{_N}|twice|thrice|two|three)\s*{_TIMES}\s+{_BASE}|(?P<share>{_N})\s*(?:%|percent|per\s+cent"
    rf"|prozent)\s+(?P<way>slower|faster|quicker|below|above|less|more|under|over|up|down)\s+(?:than\s+|of\s+"
    rf"|from\s+)?{_BASE.replace('base', 'whole')}|(?P<step>{_N}|ten|five|twenty|a\s+dozen)(?:\s*(?:{_UNIT}|clicks"
    rf"|beats))?\s+(?P<side>slower|faster|quicker|below|above|under|over|less|more)\s+"
    rf"(?:than\s+)?{_BASE.replace('base', 'from')}|{_BASE.replace('base', 'times')}\s*(?:{_TIMES}\s+(?P<after>{_N}|two"
    rf"|three)|,?\s*(?:but\s+)?(?P<again>doubled|halved))|{_BASE.replace('base', 'first')}\s+(?P<sign>plus"
    rf"|minus)\s+(?P<more>{_N})(?:\s*{_UNIT})?)(?![\w])"
)
_RESULT = re.compile(
    rf"\W{{0,3}}(?:so|i\.?\s?e\.?|that\s+is|that's|thus|which\s+(?:is|makes)|equals?|makes?|meaning|gives|also|donc"
    rf"|soit|cioe|o\s+sea|call\s+it|=|>)[\s,:]*(?:about\s+|to\s+"
    rf"|it\s+)?(?P<n>\d{{2,3}}(?:[.,]\d+)?)(?![\d/])(?:\s*{_UNIT})?"
)
_COMPARED = re.compile(
    r"(?<!\w)(?:slower|faster|quicker|than|plus|minus|times|half|halved|twice|doubled?|percent|less|more|below|above"
    r"|under|over|divided|mal|fois|minus|%|not|nicht|pas|instead|never)(?!\w)|%|\*"
)


class Tempo(NamedTuple):
    """value: beats a minute; beat: the quarter notes of one."""

    value: float
    beat: float = 1.0


class _Found(NamedTuple):
    start: int
    end: int
    value: float
    beat: float = 1.0
    low: float = 0.0  # of a range
    guessed: bool = False  # a number without a unit
    reckoned: bool = False  # from another tempo


def read_tempo(text: Text) -> Tempo | None:
    """The first tempo that is possible; a single one before a range. What else is stated is told."""
    found = sorted(_all(text))
    possible = [one for one in found if USUAL[0] <= one.value <= USUAL[1]]
    for one in found:
        if one not in possible:
            low, high = USUAL
            text.misses(
                "tempo", one[:2], f"no tempo: {one.value:g} beats a minute; state one from {low:g} to {high:g} BPM"
            )
    if not possible:
        return None
    taken = next((one for one in possible if not one.low), possible[0])
    for one in possible:
        limit = _LIMIT.search(text.before(one.start, 24))
        if one is taken and limit:
            span = (one.start - len(limit[0]), one.end)
            text.takes("tempo", span, _in_words(one), "a limit: the tempo that it names is taken")
        elif one is taken and one.reckoned:
            text.takes("tempo", one[:2], _in_words(one), "reckoned from another tempo")
        elif one is taken and _COMPARED.search(_clause(text, one)):
            text.takes("tempo", one[:2], _in_words(one), "the words around it may make another tempo of it")
        elif one is taken and not (one.low or one.guessed):
            text.says("tempo", one[:2], _in_words(one))
        elif one is taken and one.guessed:
            text.takes("tempo", one[:2], _in_words(one), "a number without a unit is read as beats a minute")
        elif one is taken:
            text.takes("tempo", one[:2], _in_words(one), "the middle of a range: a clip has one tempo")
        elif one.low and one.low <= taken.value <= 2 * one.value - one.low:
            text.says("tempo", one[:2], f"a range with {taken.value:g} BPM in it")
        elif one.value == taken.value:
            text.use(*one[:2])
        else:
            text.takes("tempo", one[:2], _in_words(taken), "more than one tempo is stated, and a clip has one")
    return Tempo(taken.value, taken.beat)


def _clause(text: Text, one: _Found) -> str:
    """The words around a tempo, up to a sign on either side, without those of the tempo."""
    before, after = text.before(one.start, 24), text.after(one.end, 24)
    return re.split(r"[,;:!?\n|(]", before)[-1] + " " + re.split(r"[,;:!?\n|)]", after)[0]


def _in_words(one: _Found) -> str:
    notes = {0.5: "eighth notes", 1.5: "dotted quarter notes", 2.0: "half notes"}.get(one.beat)
    return f"{one.value:g} BPM" + (f" in {notes}" if notes else "")


def _all(text: Text) -> list[_Found]:
    """All that states a tempo; of two that overlap the one that is found first."""
    found: list[_Found] = []
    for read in (_reckoned, _ranges, _by_the_second, _with_unit, _named, _in_words_of_numbers, _without_unit):
        if read is _without_unit and found:
            break
        for one in read(text):
            if text.is_free(*one[:2]) and not any(one.start < other.end and other.start < one.end for other in found):
                found.append(one)
    return found


def _reckoned(text: Text) -> Iterator[_Found]:
    for match in text.find(_RECKONED):
        said = {name: thing for name, thing in match.groupdict().items() if thing}
        base = _value(next(said[name] for name in ("base", "whole", "from", "times", "first") if name in said))
        less = re.search(r"slower|below|less|under|down|minus", match[0]) is not None
        by = said.get("by") or said.get("after") or said.get("again")
        if by:
            value = base * (_BY.get(by) or _value(by))
        elif "share" in said:
            value = base * (1 + (-1 if less else 1) * _value(said["share"]) / 100)
        else:
            step = {"ten": 10.0, "five": 5.0, "twenty": 20.0}.get(said.get("step") or said.get("more", ""), 12.0)
            figure = said.get("more") or said.get("step", "")
            value = base + (-1 if less else 1) * (_value(figure) if figure[0].isdigit() else step)
        result = _RESULT.match(text.lower, match.end())
        end = result.end() if result else match.end()
        yield _Found(match.start(), end, _value(result["n"]) if result else round(value, 2), reckoned=True)


def _ranges(text: Text) -> Iterator[_Found]:
    for match in (*text.find(_RANGE), *text.find(_LABELLED_RANGE)):
        low, high = float(match["low"]), float(match["high"])
        if low < high <= USUAL[1]:
            yield _Found(*match.span(), (low + high) / 2, 1.0, low)


def _by_the_second(text: Text) -> Iterator[_Found]:
    for match in text.find(_EVERY):
        count = 1.0 if match["n"] == "a" else numbers.value(match["n"]) or float(match["n"])
        yield _Found(*match.span(), count * (120.0 if match["half"] else 60.0))


def _with_unit(text: Text) -> Iterator[_Found]:
    for match in text.find(_BEFORE_UNIT):
        unit = _UNITS.match(text.lower, match.end())
        label = _LABEL_BEFORE.search(text.before(match.start(), 30))
        start = match.start() - (len(label[0]) if label else 0)
        value = (_value(match["n"]) + (0.5 if match["half"] else 0)) * (-1 if match["sign"] else 1)
        yield _of_another(text, start, unit.end() if unit else match.end(), value)


def _named(text: Text) -> Iterator[_Found]:
    for match in text.find(_NAMED):
        until = _UNTIL.match(text.lower, match.end())
        note = " ".join((match["note"] or "").replace("-", " ").split()).removesuffix(" notes")
        figure = "a" if match["a"] else "b"
        sign = -1 if re.search(r"(?<!\w)-$", text.before(match.start(figure), 2)) else 1
        value, beat = _value(match[figure]), _NOTES.get(note, 1.0)
        if until and float(until[1]) > value:
            yield _Found(match.start(), until.end(), (value + float(until[1])) / 2, beat, value)
        else:
            yield _Found(*match.span(), sign * value, beat)


def _in_words_of_numbers(text: Text) -> Iterator[_Found]:
    for unit in text.find(_UNITS):
        begin = max(0, unit.start() - 60)
        if known := numbers.at_end(text.lower[begin : unit.start()].rstrip(" -")):
            yield _between(text, begin + known[0], unit.end(), known[1]) or _of_another(
                text, begin + known[0], unit.end(), float(known[1])
            )
    for label in text.find(_LABEL):
        known = numbers.at_start(text.lower[label.end() : label.end() + 60])
        if known and known[1] >= USUAL[0]:
            yield _Found(label.start(), label.end() + known[0], float(known[1]))


def _between(text: Text, start: int, end: int, high: int) -> _Found | None:
    """ "between ninety and a hundred BPM": the middle."""
    before = text.before(start, 48)
    if link := re.search(r"(?<!\w)(?P<from>between|from)\s+(?P<low>[^\d,.;]{3,24}?)\s+(?:and|to)\s+$", before):
        low = numbers.value(link["low"])
        if low and USUAL[0] <= low < high:
            return _Found(start - len(before) + link.start(), end, (low + high) / 2, 1.0, float(low))
    return None


def _without_unit(text: Text) -> Iterator[_Found]:
    """ "house at 124", "techno 128", "Am, 128": a number that can hardly be anything else."""
    for pattern in (_AT, _BESIDE_STYLE, _BEFORE_STYLE, _CLAUSE):
        for match in text.find(pattern, used=True):
            start, end = match.span("n")
            ish = text.after(end, 4).lstrip("-").startswith("ish")
            ends = text.ends(end) or ish and text.ends(end + text.after(end, 4).index("ish") + 3)
            alone = (text.begins(start) or text.is_used_before(start) or ish) and ends
            if (
                text.is_free(start, end)
                and (pattern is not _CLAUSE or alone)
                and (pattern is not _AT or ends or _GOES_ON.match(text.lower, end))
            ):
                yield _Found(start, end, float(match["n"]), guessed=True)
    for beside in text.find(_WORDS_BESIDE, used=True):
        known = numbers.at_start(text.lower[beside.end() : beside.end() + 60])
        if known and known[1] >= _LEAST_IN_WORDS and text.ends(beside.end() + known[0]):
            yield _Found(beside.end() + 1, beside.end() + known[0], float(known[1]), guessed=True)
        begin = max(0, beside.start() - 60)
        known = numbers.at_end(text.lower[begin : beside.start()].rstrip(" "))
        if known and known[1] >= _LEAST_IN_WORDS and text.begins(begin + known[0]):
            yield _Found(begin + known[0], beside.start() - 1, float(known[1]), guessed=True)


def _of_another(text: Text, start: int, end: int, value: float) -> _Found:
    """ "half of 140 BPM" is 70."""
    part = _PART.search(text.before(start, 24))
    if not part:
        return _Found(start, end, value)
    return _Found(start - len(part[0]), end, value / 2 if part["half"] else value * 2)


def _value(figure: str) -> float:
    whole, _, part = figure.replace(",", ".").partition(".")
    return float(whole + part) if len(part) == 3 and "," in figure else float(f"{whole[:9]}.{part or 0}")


def read_pace(text: Text, tempo: Tempo | None) -> str | None:
    """ "slow" or "fast", where words say it and no tempo is stated; a text that asks for both says nothing."""
    said: dict[str, tuple[int, int]] = {}
    for pace, words in _PACE.items():
        for match in (*text.find(words), *text.find(_FAR_EAST[pace])):
            before = text.before(match.start(), 24)
            if _NO_PACE.search(before) or _SWITCH.search(before) or _THING.match(text.after(match.end(), 16)):
                continue
            if _SOON.match(text.lower, match.end()) or _NEEDED.search(text.before(match.start(), 40)):
                why = "it may be when the music is needed: write slow music or fast music, or a number of BPM"
                text.takes("pace", match.span(), "left open", why)
                continue
            alone = text.begins(match.start()) and text.ends(match.end())
            word = before.split()[-1:] or [""]
            if (
                alone
                or MUSIC.fullmatch(word[0])
                or STYLE.fullmatch(word[0])
                or text.language not in _ELSEWHERE.get(match[0], ())
            ):
                said.setdefault(pace, match.span())
    if tempo:
        for span in said.values():
            text.takes("pace", span, f"{tempo.value:g} BPM", "the tempo is stated: the word stays one of the prompt")
        return None
    if len(said) == 1:
        ((pace, span),) = said.items()
        after = re.sub(r"^[ -]+", "", text.after(span[1]))
        if not (MUSICAL.match(text.after(span[1])) or MUSIC.match(after) or STYLE.match(after)):
            text.takes("pace", span, pace, "it may be the pace of something else: state a number of BPM to be sure")
        else:
            text.says("pace", span, pace)
        return pace
    for span in said.values():
        text.takes("pace", span, "", "slow and fast are both asked for: the pace is left open")
    for match in text.find(_MIDDLE):
        text.takes("pace", match.span(), "the usual pace of the style", "state a number of BPM to be sure")
    return None
