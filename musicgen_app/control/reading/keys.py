"""The key that a prompt states: "in Fm", "key of Bb", "blues in E", "c-Moll", "Sib menor", "11A"."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..chord_reader import FLAT_WORDS, SHARP_WORDS
from ..theory import DARK_MODES, pitch_class, spell_note
from .text import Text
from .words import MUSIC, RANKED, STYLE, other_scale

# The words for a mode, in any language and without accents -> the mode.
_MODES = {
    "phrygian dominant": r"phrygian\s+dominant|freygish|frigio\s+dominante",
    "harmonic minor": r"harmonic\s+minor|harmonisch\s+moll|minore\s+armonica",
    "minor": (
        r"minor\s+pentatonic|(?:natural\s+|melodic\s+|pentatonic\s+)?(?:minore?|min)|aeolian|menor|mineure?|[ -]?moll"
        r"|mol|aolisch|eolico|eolien|минор\w*|マイナー"
    ),
    "major": (
        r"major\s+pentatonic|(?:pentatonic\s+)?(?:major|maj)|ionian|mayor|maior|maggiore|majeure?|[ -]?dur|ionisch"
        r"|мажор\w*|メジャー"
    ),
    "dorian": r"dorian|dorisch|dorico|dorien",
    "phrygian": r"phrygian|phrygisch|frigio|phrygien|frygisch",
    "lydian": r"lydian|lydisch|lidio|lydien",
    "mixolydian": r"mixolydian|mixolydisch|misolidio|mixolidio|mixolydien",
    "locrian": r"locrian|lokrisch|locrio|locrien",
    "blues": r"blues\s+scale",
}
_MODE = "|".join(f"(?P<{mode.replace(' ', '_')}>{words})" for mode, words in _MODES.items())
_LATIN = {"do": "C", "ut": "C", "re": "D", "mi": "E", "fa": "F", "sol": "G", "la": "A", "si": "B"}
_RUSSIAN = {"до": "C", "ре": "D", "ми": "E", "фа": "F", "соль": "G", "ля": "A", "си": "B"}
_SIGN = rf"(?:#|b|[\s-]?(?:{SHARP_WORDS}|{FLAT_WORDS}))"
_LATIN_KEY = re.compile(
    rf"(?<![\w'])(?P<note>do|ut|re|mi|fa|sol|la|si)(?P<sign>{_SIGN}(?!\w))?[\s-]+(?:{_MODE})(?![\w])", re.IGNORECASE
)
_RUSSIAN_KEY = re.compile(
    rf"(?<!\w)(?P<note>до|ре|ми|фа|соль|ля|си)[\s-]*(?P<sign>диез|бемоль)?[\s-]+(?:{_MODE})", re.IGNORECASE
)
_EASTERN_KEY = re.compile(
    r"(?P<sign>[嬰変])?(?P<note>[ハニホヘトイロ])(?P<mode>[長短])調|(?P<korean_sign>올림"
    r"|내림)?(?P<korean>[다라마바사가나])(?P<korean_mode>[장단])조|(?P<latin>[A-G])(?P<flat>[b#])?(?P<han>[大小])[调調]"
)
_GERMAN_KEY = re.compile(
    r"(?<![\w])(?P<note>[A-Ha-h](?:is|es|s)?)[\s-](?P<mode>duuri|dur|molli?|mol)(?!\w)", re.IGNORECASE
)
_GERMAN_ODD = re.compile(r"(?<![\w-])(?P<note>[A-Za-z]{1,3})-(?:dur|moll)(?!\w)", re.IGNORECASE)
_DUTCH_KEY = re.compile(r"(?<![\w-])(?P<note>[A-Ga-g](?:is|es|s)?)[\s-](?P<mode>klein|groot|mineur|majeur)(?!\w)")
_ENGLISH_KEY = re.compile(
    rf"(?<![\w'#/])(?P<note>[A-Ha-h])(?P<sign>#|b|[\s-]?(?:sharp|flat))?[\s-]+(?i:{_MODE})(?:\s+(?:scale"
    rf"|tonality))?(?![\w])",
    re.IGNORECASE,
)
_MIXED_KEY = re.compile(rf"(?<![\w-])(?P<note>[CDFGAH]is|[CDG]es|Es|As|Bes|Hes)[\s-]+(?i:{_MODE})(?!\w)")
_JOINED_KEY = re.compile(r"(?<![\w-])(?P<note>[A-H])(?P<sign>#|b)?(?P<mode>major|minor|maj)(?!\w)")
_LABEL = (
    r"(?:(?:the\s+)?key(?:\s+signature)?(?:\s+of)?|tonality|tonic|tonart|tonalite(?:\s+de)?|tonalidad(?:\s+de)?"
    r"|tonalita(?:\s+di)?|tonalidade(?:\s+de)?|tom\s+de|tono\s+de|tonacja|toonsoort|root(?:\s+note)?|тональность)"
)
_NOTE = rf"(?P<note>[A-H]|{'|'.join(_LATIN)}|[A-Ha-h](?:is|es)|[EA]s)(?P<sign>#|b|[\s-]?(?:sharp|flat)(?!\w))?"
_LABELLED = re.compile(
    rf"(?<!\w)(?:in\s+)?{_LABEL}\s*(?:[:=-]|is|in|to|(?:should|must|will|would)\s+be)?\s*(?:the\s+)?"
    rf"(?P<what>{_NOTE}\s?(?P<minor>m(?:in)?)?)(?![\w'#/-])",
    re.IGNORECASE,
)
_UNREAD = re.compile(
    rf"(?<!\w){_LABEL}\s*[:=]?\s+(?P<what>(?:of\s+)?(?:[A-Z]|\d{{1,2}}[A-Z])(?:\s+(?:minor"
    rf"|major))?(?:\s*\(camelot\))?)(?!\w)|(?<![\w-])(?-i:[J-Z])(?:#|b)?[\s-](?:minor|major)(?!\w)",
    re.IGNORECASE,
)
_IN = re.compile(
    r"(?<!\w)(?:in|en|em|im|dans)\s+(?:concert\s+)?(?P<note>[A-Ha-h])(?P<sign>#|b|[\s-]?(?:sharp"
    r"|flat)(?!\w))?(?P<minor>m(?:in)?)?(?![\w'#/&+-]|\.\w|\s*-\s*\w)"
)
_IN_LATIN = re.compile(
    r"(?<!\w)(?:in|en|em)\s+(?P<note>[Dd]o|[Rr]e|[Mm]i|[Ff]a|[Ss]ol|[Ll]a|[Ss]i)"
    rf"(?P<sign>#|b|[\s-]+(?:{SHARP_WORDS}|{FLAT_WORDS}))?(?P<minor>m)?(?![\w'#/-])"
)
_IN_GERMAN = re.compile(r"(?<!\w)in\s+(?P<note>[CDFGA]is|[CDG]es|Es|As)(?![\w'#/-])")
_ALONE = re.compile(
    r"(?<![\w#'/.-])(?P<note>[A-H])(?:(?P<sign>#|b)(?P<minor>m(?:in)?)?|(?P<m>m(?:in)?))(?![\w#'/+°-])"
    r"|(?<![\w-])(?P<named>[A-Ha-h])[\s-](?P<word>sharp|flat)(?!\w)"
)
_OF_BLUES = re.compile(r"(?<![\w'-])(?P<note>[B-G])(?P<sign>#|b|[\s-]?(?:sharp|flat))?\s+blues(?!\w)")
_ON = re.compile(
    rf"(?<!\w)(?:{_MODE})(?:\s+(?:mode|scale))?\s+(?:on|auf|in|en|sobre|sur|su|op)\s+(?P<note>[A-H](?:is"
    rf"|es)?)(?P<sign>#|b)?(?!\w)",
    re.IGNORECASE,
)
_RELATIVE = re.compile(
    r"(?<!\w)(?P<kind>relative|parallel)\s+(?P<mode>minor|major)\s+(?:of|to)\s+(?:the\s+)?(?P<note>[A-G])(?P<sign>#"
    r"|b)?(?:\s+(?:major|minor))?(?![\w#])|(?<!\w)(?P<german>moll|dur)parallele\s+(?:von|zu)\s+(?P<name>[A-Ha-h](?:is"
    r"|es|s)?)"
    r"-(?:dur|moll)",
    re.IGNORECASE,
)
_NOT_IN = re.compile(r"\bnot\s+(?:in\s+)?(?:an?\s+)?$")
_OF_STYLE = re.compile(
    r"(?<![\w-])(?P<mode>minor|major)(?=[\s-]+(?:blues|ballad|waltz|jazz|jam|riff|groove|melody|chord\s+progression))"
)
_CODE = re.compile(
    r"\b(?:written|coded|coding|code[sr]?|programm\w*|developer|compiler|script\w*|software|unity|backend|\.net|java"
    r"|python|c\+\+|rust|app|plugin|library)\b"
)
_CAMELOT = re.compile(r"(?<![\w.])(?P<number>\d{1,2})(?P<letter>[ABab])(?![\w])")
_PLACES = re.compile(
    r"\b(?:seat|room|gate|flat|apartment|bus|line|track|page|year|grade|class|section|unit|level|side|part|no\.?)\s*$"
)
_WHEEL_MAJOR = ("B", "F#", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E")  # 1B to 12B
_WHEEL_MINOR = ("Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_KEYS = r"tom|tono|tonalidad[e]?|tonalita|tonalite|ton|tonart|modo|mode|tonacj[ia]|toonsoort|skala|gamme|escala|scala"
_DARK = r"moll|mineur[e]?|minore?|menor|molow[aey]\w*|mol"
_LIGHT = r"dur|majeur[e]?|maggiore|mayor|maior|major|durow[aey]\w*"
_AFTER = r"s'il|bitte|please|graag|(?:por|per|und|et|y|e|en|con|com|avec|mit|met|om|voor|for|pour|para)\s"
_END = rf"(?=\s*(?:$|[,;.!?)\n-]|{_AFTER}))"
_MODE_ALONE = re.compile(
    rf"(?<![\w-])(?:(?P<en>major|minor)(?:[\s-](?:key|mode|tonality|scale)|\s+(?:key|scale))|(?:in|im|en|em|w|i|na"
    rf"|dans|v)\s+(?:une?\s+|um\s+|un\s+|un'|einer\s+|een\s+|a\s+)?(?:(?:{_KEYS})\s+(?:{_DARK}|{_LIGHT})|(?:{_DARK}"
    rf"|{_LIGHT})-?(?:tonart|toonsoort)|(?:{_DARK}|{_LIGHT}|minor){_END})|(?:tonart|tonalitat|tonacja|tom|tono|modo"
    rf"|mode|tonalite)\s*:?\s*(?:{_DARK}|{_LIGHT}){_END}"
    r"|(?:в|на)\s+(?:минор|мажор)\w*|минорн\w+|мажорн\w+|в\s+(?:миноре|мажоре))(?!\w)"
    r"|(?<![嬰変ハニホヘトイロ])(?:短調|長調)|マイナー(?:キー|調)|メジャー(?:キー|調)|(?<![a-gb#])[小大][调調]|단조|장조",
    re.IGNORECASE,
)
_FOLLOWS = re.compile(
    r"\s*(?:$|[,;:.!?()\[\]|\n\"'/+&]|-\s|\d|(?:with|or|ohne|sans|sin|senza|sem|zonder|at|and|on|for|using|please|by"
    r"|over|but|then|instead|rather|not|shuffle|swing|feel|slow|fast|mit|con|com|avec|und|et|y|e|bitte|por|pls|no\b"
    r"|played|-|instrumental|throughout|around|about|to\b|ending|starting|tempo|bpm|scale|blues|riff|jam|groove|cu)\b)"
)
_PREPOSED = re.compile(
    r"(?:\b(?:in|en|em|im|dans|key|of|de|di|tonality|tonalidad|tonalita|tonalidade|tonart|tonalite|tono|tom|is|nel|von"
    r"|и|на)\s*:?\s*|[:=]\s*)$"
)
_GERMANS = ("de", "pl", "cs", "sv", "da")


class Key(NamedTuple):
    """tonic: an English name, None where only a mode is stated; mode: None where only the tonic is."""

    tonic: str | None
    mode: str | None

    @property
    def name(self) -> str:
        """Such as "F# minor", "E" or "minor"."""
        return " ".join(filter(None, self))

    @property
    def dark(self) -> bool | None:
        """Whether it has a minor third; None where that is not said."""
        return None if self.mode is None else self.mode in DARK_MODES


def read_key(text: Text) -> Key | None:
    """The first key that is stated. What else is said of keys is told."""
    found: list[tuple[int, int, Key, str]] = []
    for read in (_relatives, _camelot, _german, _latin, _eastern, _english, _on, _labelled, _within, _alone, _of_blues):
        for start, end, key, why in read(text):
            if text.is_free(start, end) and not any(start < until and begin < end for begin, until, _, _ in found):
                found.append((start, end, key, why))
    found = sorted((start, end, key, why or other_scale(text.lower[start:end])) for start, end, key, why in found)
    for match in (*text.find(_UNREAD, cased=True), *text.find(_GERMAN_ODD, cased=True)):
        if not any(start < match.end() and match.start() < end for start, end, _, _ in found):
            text.misses("key", match.span(), "no key of that name is known: write one such as F# minor, or 8A")
    mode = _mode_alone(text, found)
    if not found:
        return Key(None, mode) if mode else None
    if found[0][2].mode is None and mode:
        start, end, key, why = found[0]
        found[0] = (start, end, key._replace(mode=mode), why)
    for number, (start, end, key, why) in enumerate(found):
        if key.name != found[0][2].name:
            text.takes("key", (start, end), found[0][2].name, "more than one key is stated, and a clip begins in one")
        elif number == 0 and (why or key.mode is None):
            text.takes(
                "key", (start, end), key.name, why or "whether it is major or minor is not said: it is left open"
            )
        else:
            text.says("key", (start, end), key.name)
    return found[0][2]


def _mode_alone(text: Text, found: _Keys) -> str | None:
    """The mode of "in a minor key" or of a "minor blues", where no key with a mode is named."""
    if any(key.mode for _, _, key, _ in found):
        return None
    for match in (*text.find(_MODE_ALONE, cased=True), *text.find(_OF_STYLE)):
        mode = "minor" if re.search("min|mol|menor|минор|短|マイナー|小|단", match[0].lower()) else "major"
        if _NOT_IN.search(text.before(match.start(), 16)):
            text.misses("key", match.span(), "which key it should have instead is not said")
        else:
            text.says("key", match.span(), mode)
            return mode
    return None


_Keys = list[tuple[int, int, Key, str]]


def _mode_of(match: re.Match[str]) -> str:
    return next(mode for mode in _MODES if match.groupdict().get(mode.replace(" ", "_")))


def _sharpened(letter: str, sign: str | None) -> str:
    sign = (sign or "").strip(" -").lower()
    if not sign:
        return letter
    return letter + ("#" if sign == "#" or re.match(rf"{SHARP_WORDS}|диез", sign) else "b")


def _german_note(name: str) -> str:
    name = name.lower()
    letter = {"h": "B", "b": "Bb"}.get(name[0], name[0].upper())
    if len(name) == 1:
        return letter
    return letter[0] + ("#" if name.endswith("is") else "b")


def _german(text: Text) -> _Keys:
    found = [
        (*m.span(), Key(_german_note(m["note"]), "major" if m["mode"].lower().startswith("du") else "minor"), "")
        for m in text.find(_GERMAN_KEY, cased=True)
    ]
    found += [(*m.span(), Key(_german_note(m["note"]), _mode_of(m)), "") for m in text.find(_MIXED_KEY, cased=True)]
    if text.language == "nl":
        for m in text.find(_DUTCH_KEY, cased=True):
            found.append(
                (*m.span(), Key(_dutch_note(m["note"]), "minor" if m["mode"] in ("klein", "mineur") else "major"), "")
            )
    return found


def _dutch_note(name: str) -> str:
    return name[0].upper() + ("#" if name.endswith("is") else "b" if len(name) > 1 else "")


def _latin(text: Text) -> _Keys:
    found = []
    for m in text.find(_LATIN_KEY, cased=True):
        asked = _PREPOSED.search(text.before(m.start(), 16)) or m["note"][0].isupper() and not m["note"].isupper()
        alone = (text.begins(m.start()) or asked) and _FOLLOWS.match(text.after(m.end(), 24))
        if alone or _PREPOSED.search(text.before(m.start(), 16)) and not RANKED.match(text.after(m.end(), 24)):
            found.append((*m.span(), Key(_sharpened(_LATIN[m["note"].lower()], m["sign"]), _mode_of(m)), ""))
    for m in text.find(_RUSSIAN_KEY, cased=True):
        found.append((*m.span(), Key(_sharpened(_RUSSIAN[m["note"].lower()], m["sign"]), _mode_of(m)), ""))
    return found


def _eastern(text: Text) -> _Keys:
    found = []
    names = dict(zip("ハニホヘトイロ다라마바사가나", "CDEFGABCDEFGAB", strict=True))
    signs = {"嬰": "#", "올림": "#", "変": "b", "내림": "b"}
    for m in text.find(_EASTERN_KEY, cased=True):
        letter = m["latin"] or names[m["note"] or m["korean"]]
        sign = signs.get(m["sign"] or m["korean_sign"], m["flat"] or "")
        major = (m["mode"] or m["korean_mode"] or m["han"]) in "長大장"
        found.append((*m.span(), Key(letter + sign, "major" if major else "minor"), ""))
    return found


def _english(text: Text) -> _Keys:
    found = []
    for m in text.find(_ENGLISH_KEY, cased=True):
        note, mode, after = m["note"], _mode_of(m), text.after(m.end(), 40)
        named = note not in "aA" and re.match(r"[\s-]+(?:key|mode|tonality|scale)\b", after)
        if RANKED.match(after) and not named or re.fullmatch(r"[a-z]-(?:major|minor|min|maj)", m[0]) and note in "a":
            continue
        if note in "aA" and not m["sign"] and _is_article(text, m):
            continue
        if (
            note in "bcdefgh"
            and m["sign"] is None
            and not (_FOLLOWS.match(after) or _PREPOSED.search(text.before(m.start(), 16)) or text.begins(m.start()))
        ):
            continue
        found.append((*m.span(), *_named(text, note, m["sign"], mode)))
    return found + [
        (*m.span(), *_named(text, m["note"], m["sign"], m["mode"].replace("maj", "major").replace("majoror", "major")))
        for m in text.find(_JOINED_KEY, cased=True)
    ]


def _is_article(text: Text, found: re.Match[str]) -> bool:
    """Whether the A of "a minor ..." is the article: in small letters it is, if no key is asked for there."""
    asked = re.search(r"\b(?:in|of|key)\s+$", text.before(found.start(), 8)) is not None
    clause = text.begins(found.start()) and text.ends(found.end())
    if found["note"] == "a":
        return not asked and not clause
    after = text.lower[found.end() :]
    goes_on = re.match(r"\s+(?=[a-z])", after)
    music = goes_on and (MUSIC.match(after, goes_on.end()) or STYLE.match(after, goes_on.end()))
    return not asked and goes_on is not None and not music and not _FOLLOWS.match(after)


def _named(text: Text, note: str, sign: str | None, mode: str | None) -> tuple[Key, str]:
    """A key by an English or, where it can only be so, a German name."""
    if note in "hH":
        return Key(_sharpened("B", sign), mode), ""
    if note in "bB" and not sign and re.search(r"\bgerman (?:sense|notation|b\b|naming)|deutsche\w* b\b", text.lower):
        return Key("Bb", mode), "B in the German sense is B flat"
    if note in "bB" and not sign and mode is None and (text.german or text.language == "de"):
        return Key("Bb", mode), "" if text.german else "B in a German text is read as B flat; write H or Bb to be sure"
    return Key(_sharpened(note.upper(), sign), mode), ""


def _labelled(text: Text) -> _Keys:
    found = []
    for m in text.find(_LABELLED, cased=True):
        note = m["note"]
        if note[0].islower() and note.lower() not in _LATIN and not (m["sign"] or m["minor"]) and len(note) == 1:
            if not text.ends(m.end()) or note == "a":
                continue
        if note.lower() in _LATIN:
            key, why = Key(_sharpened(_LATIN[note.lower()], m["sign"]), "minor" if m["minor"] else None), ""
        elif len(note) > 1:
            key, why = Key(_german_note(note), None), ""
        else:
            key, why = _named(text, note, m["sign"], "minor" if m["minor"] else None)
        found.append((*m.span(), key, why))
    return found


def _within(text: Text) -> _Keys:
    """ "in Fm", "blues in E": what stands behind must not make it the beginning of something else."""
    found = []
    for m in (*text.find(_IN, cased=True), *text.find(_IN_LATIN, cased=True)):
        note, after, ends = m["note"], text.after(m.end(), 24), text.ends(m.end())
        bare = not (m["minor"] or m["sign"])
        if not m["minor"] and note in "CFD" and _CODE.search(text.before(m.start(), 40) + "|" + after):
            text.misses("key", m.span(), "a key, or a programming language: write key of C")
            continue
        short = m["sign"] in ("#", "b")
        if not _FOLLOWS.match(after) or len(note) == 1 and note.islower() and not (ends and note != "a" or short):
            continue
        if note in "Aa" and bare and not ends and re.match(r"\s+(?:slow|fast|swing|blues|riff|jam|groove)", after):
            continue  # "in A fast tune"
        letter = _LATIN.get(note.lower())
        if letter and note.islower() and not (m["sign"] or ends and text.language in ("fr", "es", "it", "pt")):
            continue
        mode = "minor" if m["minor"] else None
        key, why = (Key(_sharpened(letter, m["sign"]), mode), "") if letter else _named(text, note, m["sign"], mode)
        found.append((*m.span(), key, why))
    for m in text.find(_IN_GERMAN, cased=True):
        if _FOLLOWS.match(text.after(m.end(), 24)) and (m["note"] != "As" or text.language == "de"):
            found.append((*m.span(), Key(_german_note(m["note"]), None), ""))
    return found


def _alone(text: Text) -> _Keys:
    """A minor chord, or a note with a sign, that is a clause of its own or begins one: "techno, 128 bpm, F#m"."""
    found = []
    for m in text.find(_ALONE, cased=True):
        begins, ends, minor = text.begins(m.start()), text.ends(m.end()), m["minor"] or m["m"]
        after = text.lower[m.end() :].lstrip(" ")
        goes_on = minor and (after[:1].isdigit() or begins and (MUSIC.match(after) or STYLE.match(after)))
        if not (begins and ends or goes_on or m["minor"]) or re.match(r"/|\s*\|", text.after(m.end(), 3)):
            continue
        if m[0] == "Am" and not text.before(m.start()).strip("\" '") and ends and after:
            continue  # "Am, ..." may be the beginning of a sentence, or of a row
        note, sign = m["note"] or m["named"], m["sign"] or m["word"]
        found.append((*m.span(), *_named(text, note, sign, "minor" if minor else None)))
    return found


def _of_blues(text: Text) -> _Keys:
    return [(*m.span(), *_named(text, m["note"], m["sign"], None)) for m in text.find(_OF_BLUES, cased=True)]


def _on(text: Text) -> _Keys:
    """ "phrygisch auf E"."""
    found = []
    for m in text.find(_ON, cased=True):
        if (mode := _mode_of(m)) not in ("minor", "major"):
            note = m["note"]
            letter = _LATIN.get(note.lower()) or (
                _german_note(note) if len(note) > 1 else note.upper().replace("H", "B")
            )
            found.append((*m.span(), Key(_sharpened(letter, m["sign"]), mode), ""))
    return found


def _camelot(text: Text) -> _Keys:
    """Places on the wheel of DJs: 8A is A minor, 8B is C major."""
    named = re.search("camelot|harmonic mix", text.lower)
    djs = re.search(r"\bbpm\b|\d\s?bpm", text.lower)
    found = []
    for m in text.find(_CAMELOT, cased=True):
        before = text.before(m.start(), 14)
        labelled = re.search(r"\bkey(?:\s+of)?\s*[:=]?\s*$", before)
        clause = text.begins(m.start()) and text.ends(m.end()) and int(m["number"]) > 1
        alone = m["letter"].isupper() and (clause or djs and not _PLACES.search(before))
        if not (named or labelled or alone):
            continue
        number, minor = int(m["number"]), m["letter"] in "Aa"
        start = m.start() - (len(labelled[0]) if labelled else 0)
        around = re.match(r"\s*\(camelot\)|\s+on\s+the\s+camelot\s+wheel", text.after(m.end(), 28))
        end = m.end() + (around.end() if around else 0)
        if 1 <= number <= 12:
            tonic = (_WHEEL_MINOR if minor else _WHEEL_MAJOR)[number - 1]
            found.append((start, end, Key(tonic, "minor" if minor else "major"), ""))
        elif named or labelled:
            text.misses("key", (start, end), "no place on the Camelot wheel: it has 1A to 12B")
    return found


def _relatives(text: Text) -> _Keys:
    """ "the relative minor of G major" is E minor."""
    found = []
    for m in text.find(_RELATIVE, cased=True):
        tonic = _german_note(m["name"]) if m["name"] else _sharpened(m["note"].upper(), m["sign"])
        dark = (m["mode"] or m["german"]).lower() in ("minor", "moll")
        if m["kind"] and m["kind"].lower() == "parallel":
            found.append((*m.span(), Key(tonic, "minor" if dark else "major"), ""))
            continue
        home = f"{tonic} {'major' if dark else 'minor'}"
        other = spell_note((pitch_class(tonic) + (9 if dark else 3)) % 12, home)
        found.append((*m.span(), Key(other, "minor" if dark else "major"), ""))
    return found
