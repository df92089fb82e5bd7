"""Numbers in words, in the languages that prompts come in: "a hundred and twenty" -> 120."""

from __future__ import annotations

import re
from functools import lru_cache

MOST = 320
_ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen".split(),
    "twenty thirty forty fifty sixty seventy eighty ninety".split(),
)
_GERMAN = (
    "null ein zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn funfzehn sechzehn siebzehn"
    " achtzehn neunzehn".split(),
    "zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig".split(),
)
_DUTCH = (
    "nul een twee drie vier vijf zes zeven acht negen tien elf twaalf dertien veertien vijftien zestien zeventien"
    " achttien negentien".split(),
    "twintig dertig veertig vijftig zestig zeventig tachtig negentig".split(),
)
_FRENCH = (
    "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize dixsept dixhuit"
    " dixneuf".split(),
    "vingt trente quarante cinquante soixante".split(),
)
_SPANISH = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciseis diecisiete"
    " dieciocho diecinueve".split(),
    "veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa".split(),
)
_ITALIAN = (
    "zero uno due tre quattro cinque sei sette otto nove dieci undici dodici tredici quattordici quindici sedici"
    " diciassette diciotto diciannove".split(),
    "venti trenta quaranta cinquanta sessanta settanta ottanta novanta".split(),
)
_PORTUGUESE = (
    "zero um dois tres quatro cinco seis sete oito nove dez onze doze treze quatorze quinze dezesseis dezessete"
    " dezoito dezenove".split(),
    "vinte trinta quarenta cinquenta sessenta setenta oitenta noventa".split(),
)
_POLISH = (
    "zero jeden dwa trzy cztery piec szesc siedem osiem dziewiec dziesiec jedenascie dwanascie trzynascie czternascie"
    " pietnascie szesnascie siedemnascie osiemnascie dziewietnascie".split(),
    "dwadziescia trzydziesci czterdziesci piecdziesiat szescdziesiat siedemdziesiat osiemdziesiat"
    " dziewiecdziesiat".split(),
)
_RUSSIAN = (
    "ноль один два три четыре пять шесть семь восемь девять десять одиннадцать двенадцать тринадцать четырнадцать"
    " пятнадцать шестнадцать семнадцать восемнадцать девятнадцать".split(),
    "двадцать тридцать сорок пятьдесят шестьдесят семьдесят восемьдесят девяносто".split(),
)
_HUNDREDS: tuple[tuple[tuple[list[str], list[str]], dict[int, tuple[str, ...]]], ...] = (
    (_ENGLISH, {100: ("onehundred", "hundred", "ahundred", "one"), 200: ("twohundred", "two"), 300: ("threehundred",)}),
    (_GERMAN, {100: ("hundert", "einhundert"), 200: ("zweihundert",), 300: ("dreihundert",)}),
    (_DUTCH, {100: ("honderd", "honderden", "eenhonderd"), 200: ("tweehonderd",)}),
    (_FRENCH, {100: ("cent",), 200: ("deuxcent", "deuxcents")}),
    (_SPANISH, {100: ("cien", "ciento"), 200: ("doscientos",)}),
    (_ITALIAN, {100: ("cento",), 200: ("duecento",)}),
    (_PORTUGUESE, {100: ("cem", "cento"), 200: ("duzentos",)}),
    (_POLISH, {100: ("sto",), 200: ("dwiescie",)}),
    (_RUSSIAN, {100: ("сто",), 200: ("двести",)}),
)
_AND = frozenset(("and", "et", "y", "e", "und", "en", "a"))
_TOKEN = re.compile(r"[^\W\d_]+")
_LONGEST = 6  # words of a number


def _below_hundred(number: int, language: tuple[list[str], list[str]]) -> list[str]:
    """How a number below a hundred is written, without blanks, hyphens and "and"."""
    small, tens = language
    if number < 20:
        return [small[number]] + (["eins"] if (number, language) == (1, _GERMAN) else [])
    if language is _FRENCH and number >= 70:
        if number < 80:
            return ["soixante" + small[number - 60]]
        return ["quatrevingt" + (small[number - 80] if number > 80 else ""), *(["quatrevingts"] * (number == 80))]
    ten, unit = tens[number // 10 - 2], number % 10
    if not unit:
        return [ten]
    if language in (_GERMAN, _DUTCH):
        return [small[unit] + ("und" if language is _GERMAN else "en") + ten]
    if language is _ITALIAN and unit in (1, 8):
        return [ten[:-1] + small[unit]]
    forms = [ten + small[unit]]
    if language is _SPANISH and number < 30:
        forms.append("veinti" + small[unit])
    return forms


@lru_cache(maxsize=1)
def _values() -> dict[str, int]:
    """How each number up to MOST may be written -> the number."""
    found: dict[str, int] = {}
    for language, hundreds in _HUNDREDS:
        for number in range(1, 100):
            for form in _below_hundred(number, language):
                found.setdefault(form, number)
        for hundred, names in hundreds.items():
            for name in names:
                if name not in ("one", "two"):
                    found.setdefault(name, hundred)
                for number in range(1 if name not in ("one", "two") else 10, min(100, MOST - hundred + 1)):
                    for form in _below_hundred(number, language):
                        found.setdefault(name + form, hundred + number)
    return found


def value(words: str) -> int | None:
    """The number that some words are, or None."""
    return _values().get("".join(w for w in _TOKEN.findall(words.lower()) if w not in _AND or w in ("a",)))


def at_end(text: str) -> tuple[int, int] | None:
    """(where it begins, its value) of the number in words at the end of a text in lower case."""
    return _longest(text, list(_TOKEN.finditer(text))[-_LONGEST:], True)


def at_start(text: str) -> tuple[int, int] | None:
    """(where it ends, its value) of the number in words at the start of a text in lower case."""
    return _longest(text, list(_TOKEN.finditer(text))[:_LONGEST], False)


def _longest(text: str, tokens: list[re.Match[str]], end: bool) -> tuple[int, int] | None:
    for count in range(len(tokens), 0, -1):
        chosen = tokens[-count:] if end else tokens[:count]
        between = (text[a.end() : b.start()] for a, b in zip(chosen, chosen[1:], strict=False))
        if any(gap.strip(" -") for gap in between) or {chosen[0][0], chosen[-1][0]} & (_AND - {"a"}):
            continue
        known = _values().get("".join(token[0] for token in chosen if token[0] not in _AND or token is chosen[0]))
        if known is not None:
            return (chosen[0].start() if end else chosen[-1].end()), known
    return None
