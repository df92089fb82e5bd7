"""What no reader has used, and what states something all the same: numbers and words of music."""

from __future__ import annotations

import re

from .negation import REFUSING
from .text import Text
from .words import NAMED, RANKED, STYLE

# kind -> what looks like a demand of it; why: what to write instead.
_LOOKS = {
    "tempo": (
        r"\b(?:speed|tempo|pace)\s+(?:as|of|like)\s+[^,;.\n\d]{2,30}|"
        r"\b\d(?:[.,]\d+)?\s?x\s+(?:the\s+)?(?:speed|tempo)\b|\btempo\s+(?:up|down)\b|\bdotted\s+(?:quarters?|crotchets?|half|halves|minims?|eighths?)(?:\s+notes?)?\b|-?\d+(?:[.,]\d+)?\s*(?:bpm|beats|schlage|battements|pulsos|battiti|batidas)\b|\b(?:tempo"
        r"|bpm)\b[^,;.\n\d]{0,16}\d+|(?:[^\s,;]{1,24}\s+){0,2}\bbpm\b|\btempo\s*(?:of|[:=])\s*\w+"
        r"|\b(?!(?:steady|constant|same|right|good|this|that|strict|free|consistent|moderate|the|any|its?|your|my|own|at|in|and"
        r"|with|of|for|full|high|low|up|down|mid|half|double)\b)[a-z]{4,}\s+(?:tempo|pace)\b"
    ),
    "key": r"\b(?:same|similar)\s+key\b(?:\s+(?:as|to)\b[^,;.?\n]{0,24})?"
    r"|\bkey\s*[:=]\s*\w+[^,;.\n]{0,16}|\bkey of\b[^,;.\n]{0,24}|\b(?:[1-7]|one|two|three|four|five"
    r"|six)\s+(?:sharps?|flats?)\b|\b(?:dorian|phrygian|lydian|mixolydian|locrian|aeolian|ionian)\b|\b(?:relative"
    r"|parallel)\s+(?:major|minor)\b|\b(?:hungarian|gypsy|neapolitan|romanian|byzantine|double\s+harmonic|whole[\s-]tone"
    r"|octatonic|altered|enigmatic|bebop|super[\s-]?locrian|diminished|chromatic|melodic|pentatonic)"
    r"\s+(?:minor|major|scale)\b(?:\s+scale\b)?|\b(?:maqam|raga?|makam)\s+\w+|(?-i:\b[A-H])(?:#|b)?[\s-](?:major|minor)\b(?!\s+(?:league|label"
    r"|key))",
    "chords": r"\b(?:(?:maj|min|m|sus|add|dim|aug|dom)\d{1,2}|sevenths?|ninths?|7th|9th|11th|13th|extended|diminished"
    r"|augmented|suspended|altered|quartal)\s+chords?\b|\b(?:(?:[\w'-]+\s+)?"
    r"(?:andalusian|canon|pachelbel'?s?|axis|50s|coltrane|rhythm|bird|giant steps"
    r"|royal road|autumn leaves|plagal|picardy|circle of fifths|backdoor|tritone|lament|deceptive|perfect|so what)"
    r"(?:\s+in\s+[A-G])?\s+(?:chord\s+)?(?:progressions?|changes|cadences?|turnarounds?|subs?|substitutions?))\b"
    r"|(?<![\w./-])[1-7](?:[\s-]+[1-7]){2,}(?![\w./:%-])|\b(?:circle of fifths|line clich\w+)\b"
    r"|\bchords?\s+(?:as|like|of|from)\s+[^,.;\n]{2,30}|(?-i:\b[A-G][#b]?)\s+or\s+(?:maybe\s+)?(?-i:[A-G][#b]?(?!\w))"
    r"|\b(?:want|play|hear)\s+(?-i:[B-G][#b]?)(?=\s*(?:$|[,.;!]|then\b))"
    r"|\b(?:one|two|three|four|five|six|seven)(?:[\s,-]+(?:one|two|three|four|five|six|seven)){2,}\b"
    r"|(?-i:\b[A-G][#b]?(?:m|maj|min|dim|sus|M)?(?:[24679]|11|13)?(?:b5|#5|b9|#9)?)(?:\s?/\s?(?-i:[A-G][#b]?(?:m|maj|min|dim"
    r"|sus|M)?(?:[24679]|11|13)?(?:b5|#5|b9|#9)?)){2,}(?!\w)|\bchords?\s*(?::|are)\s*[^.\n]{1,40}|(?-i:\b[A-G])(?:[\s-](?:sharp|flat))?(?:[\s-](?:major|minor))?"
    r"[\s-](?:seven|seventh|nine|ninth|dim\w*|aug\w*|half[\s-]dim\w*|sus\w*|sixth|dominant|thirteenth|eleventh)\b",
    "metre": r"\b(?:odd|uneven|asymmetric\w*|irregular|mixed|changing)\s+(?:met(?:re|er)s?|times?)(?:\s+signatures?)?\b"
    r"|\b(?:bars?|groups?|cycles?|phrases?|measures?)\s+of\s+(?:[2-9]|1[0-7]|two|three|four|five|six|seven|nine|eleven"
    r"|thirteen)\b|\b(?:[2-9]|1[0-7]|two|three|four|five|six|seven|nine|eleven|thirteen)[\s-]beats?\s+(?:cycle|bar"
    r"|groove|pattern|loop|phrase|rhythm)\b|\b(?:[2-9]|two|three|four|five|seven)\s*(?:over|against|:)\s*(?:[2-9]|two|three|four|five|seven)\b(?:\s+polyrhythm)?"
    r"|\b(?:polyrhythm\w*|polymet\w+|hemiolas?)\b|(?<![\d+])\d(?:\+\d)+(?:\s+(?:groove|feel|pattern))?"
    r"|\b\d{1,2}/\d{1,2}\s+(?:time|metre|meter)\b"
    r"|\btime signature\b[^,;.\n]{0,24}",
    "drums": r"\b\w*(?:drum|percuss|tambor|tambour|tambur|trommel|schlagwerk|cymbal|snare)\w*",
    "pitch": (
        r"[+-]?\d+\s*(?:semitones?|cents|octaves?|st)\b|\b4(?:15|32|4[0-4])\s*hz\b|\b(?:drop|open)\s+(?-i:[A-G])[b#]?(?:\s+tuning)?(?!\w)"
        r"|\b(?:(?:half|whole)[\s-]steps?\s+(?:down|lower|up)(?:\s+tuning)?|standard\s+[A-G][b#]?\s+tuning)\b|\btuned?\s+(?:down|up|to)\s+[^,;.\n]{1,20}"
    ),
    "level": r"-\d+(?:\.\d+)?\s*(?:db|lufs)\b",
}
_WHY = {
    "tempo": "no tempo was found in it: write one such as 96 BPM",
    "key": "no key was found in it: write one such as F# minor",
    "chords": "no chords were found in it: write them such as Am F C G",
    "metre": "no metre was found in it: write one such as 7/8",
    "drums": "not known as a word of drums: write with drums, or no drums",
    "pitch": "tuning and transposition cannot be asked for",
    "level": "the level is set beside the prompt",
}
_PATTERNS = {kind: re.compile(words, re.IGNORECASE) for kind, words in _LOOKS.items()}
# A number, or a note, that is a clause of its own.
_NUMBER = re.compile(
    r"(?<![\w./:,#'-])(\d{2,3})(?![\w/%:'-]|[.,]\d|\s*[a-z])|(?<![\w./:#-])(?:between )?\d{2,3} ?(?:-|to"
    r"|and) ?\d{2,3}(?![\w/%:])"
)
_COUNTED = re.compile(
    r"\b(?:op|opus|no|nr|number|bars?|page|room|route|bus|highway|chapter|tracks?|vol\w*|level|bwv|kv?|rv|age[d]?|area"
    r"|street|psalm|take|top|over)\.?\s*$"
)
_NOTE = re.compile(r"(?<![\w#'.&-])[A-H][#b]?(?:m|m?[679])?(?!\.?\w|[#'&/+])")
_MINOR = re.compile(r"(?<![\w#'.&-])(?:[B-H]|[A-H][#b]|(?<=[a-z,] )A)m(?!\.?\w|[#'&/+])")  # likely a chord
_MODE = re.compile(r"(?<![\w-])(?:minor|major)(?![\w-])")
_OF_STYLE = re.compile(rf"(?:{STYLE.pattern})\s+(?:chord\s+)?(?:changes|progressions?|cadences?|turnarounds?)(?!\w)")
_SMALL = re.compile(r"(?<![\w#'.&-])[a-h][#b]?m(?!\.?\w|[#'&/+])")  # likewise, where the prompt is a list of settings
_GLUED = re.compile(
    r"(?<![\w@#.-])(?=[a-z_]*\d{2,3}[a-z])(?=\w*[a-z]{4})(?!\w*(?:bit|nd|rd|th|st|s|hz|khz|kbps)\b)\w{6,}(?!\w)"
)
_MOST = 8  # of one kind


_TALK = 40  # signs behind a word that refuses in which it may mean a word of music


def _tell_refusals(text: Text) -> None:
    """Words that refuse, with a word of music behind them in the clause, which no refusal has used."""
    for match in list(text.find(REFUSING))[:_MOST]:
        clause = re.split(r"[,;:.!?\n()]", text.after(match.end(), _TALK))[0]
        thing = NAMED.search(clause)
        if thing and not text.is_refused(match.start(), match.end() + thing.end()):
            why = "what is refused here is not read: write it as no drums, or without guitars"
            text.misses_word("unwanted", text.written(match.start(), match.end() + thing.end()), why, match.start())


def tell_leftovers(text: Text) -> None:
    """Tell what is left over that looks like a demand."""
    _tell_refusals(text)
    for kind, pattern in _PATTERNS.items():
        for match in list(text.find(pattern, cased=True))[:_MOST]:
            text.misses(kind, match.span(), _WHY[kind])
    for match in list(text.find(_NUMBER))[:_MOST]:
        if text.ends(match.end()) and not _COUNTED.search(text.before(match.start(), 16)):
            why = "what the number counts is not said: 96 BPM is a tempo, --seconds 96 a length"
            text.misses("number", match.span(), why)
    for match in list(text.find(_OF_STYLE, used=True))[:_MOST]:
        if not text.is_refused(*match.span()):
            text.misses_word("chords", text.written(*match.span()), _WHY["chords"], match.start())
    for match in list(text.find(_MODE))[:_MOST]:
        if not RANKED.match(text.lower, match.end()):
            text.misses("key", match.span(), "which key it is about is not said: write one such as F# minor")
    for match in list(text.find(_GLUED))[:_MOST]:
        text.misses("number", match.span(), "a number and words in one: write them apart, such as techno 130 BPM")
    notes = [match for pattern in (_NOTE, _MINOR, _SMALL) for match in list(text.find(pattern, cased=True))[:_MOST]]
    for match in notes:
        if not text.is_free(*match.span()):
            continue
        signed = match[0][1:2] == "#" and text.ends(match.end())
        if match.re is _MINOR or signed or text.begins(match.start()) and text.ends(match.end()):
            text.misses("key", match.span(), "a key or a chord: write key of C, or chords: C")
