"""The metre that a prompt states: "7/8", "in five", "cut time", "Dreivierteltakt", "waltz"."""

from __future__ import annotations

import re

from .text import TAKEN_BACK, Text

_FIGURES = re.compile(r"(?<![\d/.:,])(\d{1,2})\s?/\s?(\d{1,2})(?![\d/]|\s?/\s?\d|[.,]\d)")
_TIME = (
    r"(?:time(?:\s+signature)?|met(?:re|er)|beats?|bars?|feel|groove|takt|maat|mesure|compas|compasso|tempo|tact"
    r"|measure|signature|rhythm|pulse)"
)
_NOT_AFTER = re.compile(
    r"\s*(?:of\s+(?:the|it|my|our|a|all|that|this|us|them|you|people|songs)\b|full\b|stars?\b|cups?\b|tsp|inch|\"|'|%|ths?\b)"
)
_SPACED = re.compile(r"(?<![\d/.-])(\d{1,2})[ -](2|4|8|16)[ -](?:time|metre|meter|beat|takt|feel)(?!\w)")
_DATE = re.compile(
    r"\b(?:by|until|till|before|due|since|on|from|after|dated?|am|le|il|el|meet(?:ing)?\s+at)\s+(?:the\s+)?$"
)
_DAY = re.compile(
    r"\b(?:b-?day|birthday|party|wedding|anniversary|concert|gig|show|exam|meeting|event|due|deadline|release\w*|premiere"
    r"|geburtstag|hochzeit|anniversaire|mariage|cumple\w*|boda|fiesta|compleanno|festa|aniversario|verjaardag)\b"
    r"[^.;!?\n]{0,24}\b(?:on|am|the|le|el|il|op|dia|is|its|it's)\s+$"
)
_ALWAYS = frozenset(
    ("24/7", "50/50", "9/11", "7/11", "20/20", "1/1", "1/2", "1/4", "1/8", "1/16")
)  # these mean other things
_SMALL = {
    2: "two|zwei|deux|dos|due|dois|twee|две|dwa|dwie",
    3: "three|drei|trois|tres|tre|drie|три|trzy",
    4: "four|vier|quatre|cuatro|quattro|quatro|четыре|cztery",
    5: "five|funf|cinq|cinco|cinque|vijf|пять|piec",
    6: "six|sechs|seis|sei|zes|шесть|szesc",
    7: "seven|sieben|sept|siete|sette|sete|zeven|семь|siedem",
    8: "eight|acht|huit|ocho|otto|oito|восемь",
    9: "nine|neun|neuf|nueve|nove|negen|девять|dziewiec",
    10: "ten|zehn|dix|diez|dieci|dez|tien",
    11: "eleven|elf|onze|once|undici",
    12: "twelve|zwolf|douze|doce|dodici|doze|twaalf|двенадцать",
}
_UNITS = {
    2: r"two|twos|halbe\w*|deux|halve",
    4: r"four|fours|quarters?|viertel\w*|quatre|cuatro|cuartos|quarti|quatro|quartos|kwarts\w*|четверт\w*|czwarte",
    8: r"eights?|eighths?|achtel\w*|huit|ocho|octavos|ottavi|oito|oitavos|achtste\w*|восьмых|osme|osmych",
    16: r"sixteen|sixteenths?|sechzehntel\w*|seize",
}
_COUNT = "|".join(f"(?P<n{n}>{words})" for n, words in _SMALL.items())
_UNIT = "|".join(f"(?P<u{n}>{words})" for n, words in _UNITS.items())
# "seven-eight", "Siebenachteltakt", "tres por cuatro", "due quarti", "sept-huit", "zesachtstemaat"
_SPELT = re.compile(
    rf"(?<![\w])(?:{_COUNT})(?P<gap>[\s-]*(?:por|auf|over|na|per)?[\s-]*)(?:{_UNIT})(?P<takt>[\s-]*(?:takt\w*|maat"
    rf"|time|metre|meter))?(?![\w])"
)
_SURE_BEFORE = re.compile(
    r"\b(?:in|im|en|em|a|time|metre|meter|takt|compas|compasso|размер[ае]?|tempo(?: di)?|mesure|maat|u|op|it's|its|au"
    r"|na|al)\s*:?\s*$"
)
_FRACTION = re.compile(r"\s*(?:d'|del|di|dell|of\b|des\b|der\b|часа|hour|de hora|d'heure|traurig|sad)")
_TO_THE_BAR = re.compile(
    rf"(?<!\w)(?:{_COUNT}|(?P<digit>\d{{1,2}}))\s+(?:beats?|crotchets|quarters|quarter notes)\s+(?:per|to\s+the"
    rf"|in\s+(?:a|the)|a)\s+(?:bar|measure)(?!\w)"
)
_TEMPS = re.compile(rf"(?<!\w)(?:a|en)\s+(?:{_COUNT}|(?P<digit>\d))\s+temps(?!\w)")
_JAPANESE = re.compile(r"(?:拍子は?\s*[:=]?\s*)?([248]|16)分の(\d{1,2})(?:拍子?)?")
_POR = re.compile(
    r"(?<![\d/.:,])(\d{1,2})\s+(?:por|per|by|sur|auf|на|na)\s+(2|4|8|16)(?![\d\w/%]|\s*(?:cm|m\b|km|euro|minut))"
)
_BEATS = re.compile(r"(?<![\d分])([2-7])(?:拍子|박자)")
_HAN = {"二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_CHINESE = re.compile(r"([二三四五六七八九])分の?([二三四五六七八九])拍")
_COUNTED = re.compile(
    rf"(?P<what>(?<![\w'-])[\w'-]+\s+|^\s*|[^\w\s]\s*)in\s+(?:a\s+)?(?P<the>the\s+)?(?:(?:slow|fast|quick|gentle|brisk"
    rf"|easy|heavy|steady|swung|swinging)\s+)?(?:{_COUNT}|(?P<digit>[345679]|11))(?P<time>[\s-]+{_TIME})?(?![\w/-]"
    rf"|\s*(?:minutes?|min\b|sec|hours?"
    r"|days?|weeks?|years?|months?|parts?|steps?|seconds|flats?|sharps?|songs?|bars|beats\s+per|voices|movements|\d|%"
    r"|o'clock|the))"
)
_NO_COUNT = re.compile(
    r"(?:ready|back|there|here|done|leav\w+|start\w*|g2g|due|meet\w*|be|live|one|party|walk\w*|go|gone|out)\s+$"
)
_OF_METRES = {3: "3/4", 5: "5/4", 6: "6/8", 7: "7/8", 9: "9/8", 11: "11/8", 12: "12/8", 4: "4/4", 2: "2/4", 10: "10/8"}
_NAMES = {
    "3/4": r"triple\s+(?:time|met(?:re|er))|three[\s-](?:four|quarter|beats)|3-4\s+time|(?:a|in)\s+trois\s+temps"
        r"|compas(?:so)?\s+ternario|waltz\s+time",
    "4/4": r"four[\s-](?:four|to[\s-]the[\s-]floor|on[\s-]the[\s-]floor)|common\s+time|(?:a|en)\s+quatre\s+temps"
        r"|compasso\s+quaternario",
    "2/2": r"cut[\s-]?time|alla\s+breve|tempo\s+tagliato|cut\s+common|compas\s+partido",
    "6/8": r"six[\s-]eight|compound\s+duple", "2/4": r"(?:a|en)\s+deux\s+temps"
        r"|compas(?:so)?\s+binario", "9/8": r"slip[\s-]jigs?|compound\s+triple",
}  # fmt: skip
_WORDS = {metre: re.compile(rf"(?<!\w)(?:{words})(?!\w)") for metre, words in _NAMES.items()}
_WALTZ = re.compile(
    r"(?<![\w-])(?:waltz(?:es)?|\w*walzer[ns]?|valses?|valzer|valsa|vals|wals(?:je)?|walc|valcik|valcer"
    r"|вальс\w*)(?!\w)|ワルツ|圆舞曲|华尔兹|왈츠"
)
_DANCES = (  # metre, names of dances that hardly go in another one
    ("6/8", r"jigs?|gigues?|giga|tarantell[ae]|tarantelas?|saltarello|barcarol\w*|chacareras?|zambas?|sicilian[ao]s?"
            r"|siciliennes?|cuecas?|loure|forlana|currulao"),
    ("3/4", r"minuets?|menuett?e?|minuett[oi]|mazurkas?|mazure?k|landler|kujawiak|oberek|sarabandes?|polonaises?"
            r"|polones[ae]|chaconnes?|passacaglia|springar|polska|courantes?|sevillanas?|jotas?|hambo|redowa|tsamiko"
            r"|boston waltz|pasillos?|galliards?|folia"),
    ("2/4", r"polkas?|polca|polki|galopp?s?|czardas|csardas|krakowiak|gavottes?|bourrees?|habaneras?|kolomyika"
            r"|rigaudons?|contradanz\w+|two[\s-]?step|paso\s?doble|maxixe"),
    ("7/8", r"ruchenitsa|rachenitsa|racenica|ръченица|kalamatianos|lesnoto"),
    ("9/8", r"karsilamas?|zeybeks?|zeibekiko|daichovo"),
    ("5/8", r"paidushko|zortzikos?"), ("11/8", r"kopanitsa|gankino"), ("12/8", r"bulerias?"),
)  # fmt: skip
_DANCE = re.compile(rf"(?<![\w-])(?:{'|'.join(f'(?P<d{n}>{names})' for n, (_, names) in enumerate(_DANCES))})(?![\w-])")
_GROUPS = re.compile(r"[\s(]*(?:grouped|felt|counted|as|in|group(?:ing|s)(?:\s+of)?)?\s*\(?\d(?:\s?\+\s?\d)+\)?")


def read_metre(text: Text) -> str | None:
    """The first metre, figures before words, or one that takes it back; a waltz is in 3/4 where none is stated."""
    found: list[tuple[int, int, str]] = []
    for match in text.find(_FIGURES):
        count, unit = int(match[1]), int(match[2])
        timed = re.match(rf"[\s-]*{_TIME}\b", text.after(match.end(), 24))
        labelled = re.search(r"(?:metre|meter|signature|takt|compas)\W*$", text.before(match.start(), 16))
        written = f"{count}/{unit}"
        if not (timed or labelled) and (
            written in _ALWAYS
            or _NOT_AFTER.match(text.after(match.end(), 24))
            or _DATE.search(text.before(match.start(), 24))
            and not text.before(match.start(), 24).rstrip().endswith(("in", "on"))
            or re.match(r"\s*[,\s]\s*(?:our|my)\b", text.after(match.end(), 12))
        ):
            continue
        if not (timed or labelled) and _DAY.search(text.before(match.start(), 60)):
            why = "it may be a date: write 6/8 time where it is a metre".replace("6/8", written)
            text.misses("metre", match.span(), why)
            continue
        end = match.end() + (timed.end() if timed else 0)
        if unit in (2, 4, 8, 16) and 1 <= count <= 32 and (count, unit) != (1, 2):
            groups = _GROUPS.match(text.lower, end)
            found.append((match.start(), groups.end() if groups else end, written))
        elif timed or labelled or text.begins(match.start()) and text.ends(end):
            text.misses("metre", (match.start(), end), "no metre: write one such as 4/4, 6/8 or 7/8")
    for pattern in (_SPACED, _POR):
        found += [(*match.span(), f"{match[1]}/{match[2]}") for match in text.find(pattern)]
    found += [(*match.span(), f"{_counted(match)}/4") for match in (*text.find(_TEMPS), *text.find(_TO_THE_BAR))]
    found += _in_other_signs(text) + sorted(_in_words(text))
    if not found:
        found = [(*match.span(), "3/4") for match in text.find(_WALTZ, used=True) if not text.is_refused(*match.span())]
    if not found:
        return _of_dance(text)
    if last := text.holding([one[:2] for one in sorted(found)]):
        found = sorted(found)
    taken = found[last][2]
    more = any(metre != taken and text.contradicts(found[last][:2], (a, b)) for a, b, metre in found[last:])
    for number, (start, end, metre) in enumerate(found):
        if number < last and metre != taken:
            text.takes("metre", (start, end), taken, TAKEN_BACK)
        elif metre != taken or more:
            text.takes("metre", (start, end), taken, "more than one metre is stated, and a clip has one")
        else:
            text.says("metre", (start, end), metre)
    return taken


def _of_dance(text: Text) -> str | None:
    """The usual metre of a dance that is named, where no other is stated; that it is only the usual one is told."""
    for match in text.find(_DANCE):
        metre = next(_DANCES[int(group[1:])][0] for group, said in match.groupdict().items() if said)
        text.takes_word("metre", text.written(*match.span()), metre, "the usual metre of that dance", match.start())
        return metre
    return None


def _in_other_signs(text: Text) -> list[tuple[int, int, str]]:
    found = [(*match.span(), f"{int(match[2])}/{int(match[1])}") for match in text.find(_JAPANESE)]
    found += [(*m.span(), f"{m[1]}/{8 if m[1] == '6' else 4}") for m in text.find(_BEATS)]
    return found + [(*match.span(), f"{_HAN[match[2]]}/{_HAN[match[1]]}") for match in text.find(_CHINESE)]


def _in_words(text: Text) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    for match in text.find(_SPELT):
        count, unit = (
            next(int(k[1:]) for k, v in match.groupdict().items() if v and k[0] == kind and k[1:].isdigit())
            for kind in "nu"
        )
        clause = text.begins(match.start()) and text.ends(match.end())
        sure = (
            clause
            or match["takt"]
            or match["gap"].strip(" ")
            or not match["gap"]
            or _SURE_BEFORE.search(text.before(match.start(), 16))
        )
        if (
            sure
            and not _FRACTION.match(text.after(match.end(), 12))
            and count != unit
            or match["takt"]
            or sure
            and count == 4
        ):
            found.append((*match.span(), f"{count}/{unit}"))
    for metre, words in _WORDS.items():
        found += [
            (*match.span(), metre)
            for match in text.find(words)
            if not any(s < match.end() and match.start() < e for s, e, _ in found)
        ]
    for match in text.find(_COUNTED):
        if any(s < match.end() and match.start() < e for s, e, _ in found) or _NO_COUNT.search(
            match["what"].lower() + " "
        ):
            continue
        if (match["digit"] or match["the"]) and not match["time"] and not text.ends(match.end()):
            continue
        if match["digit"] and _NO_COUNT.search(text.before(match.start() + len(match["what"]), 12)):
            continue
        count = _counted(match)
        if count in _OF_METRES:
            found.append((match.start() + len(match["what"]), match.end(), _OF_METRES[count]))
    return found


def _counted(match: re.Match[str]) -> int:
    """The number that a match of _COUNT, or its digit, is."""
    return int(match["digit"] or next(k[1:] for k, v in match.groupdict().items() if v and re.fullmatch(r"n\d+", k)))
