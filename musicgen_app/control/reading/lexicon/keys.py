"""Words of keys, in any language: their notes, modes, and what stands around them."""

from __future__ import annotations

import re

from ...chord_reader import FLAT_WORDS, SHARP_WORDS
from ..words import STYLE

# The words for a mode, in any language and without accents -> the mode.
MODES = {
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
_MODE = "|".join(f"(?P<{mode.replace(' ', '_')}>{words})" for mode, words in MODES.items())
LATIN = {"do": "C", "ut": "C", "re": "D", "mi": "E", "fa": "F", "sol": "G", "la": "A", "si": "B"}
RUSSIAN = {"до": "C", "ре": "D", "ми": "E", "фа": "F", "соль": "G", "ля": "A", "си": "B"}
_SIGN = rf"(?:#|b|[\s-]?(?:{SHARP_WORDS}|{FLAT_WORDS}))"
LATIN_KEY = re.compile(
    rf"(?<![\w'])(?P<note>do|ut|re|mi|fa|sol|la|si)(?P<sign>{_SIGN}(?!\w))?[\s-]+(?:{_MODE})(?![\w])", re.IGNORECASE
)
RUSSIAN_KEY = re.compile(
    rf"(?<!\w)(?P<note>до|ре|ми|фа|соль|ля|си)[\s-]*(?P<sign>диез|бемоль)?[\s-]+(?:{_MODE})", re.IGNORECASE
)
EASTERN_KEY = re.compile(
    r"(?P<sign>[嬰変])?(?P<note>[ハニホヘトイロ])(?P<mode>[長短])調|(?P<korean_sign>올림"
    r"|내림)?(?P<korean>[다라마바사가나])(?P<korean_mode>[장단])조|(?P<latin>[A-G])(?P<flat>[b#])?\s?(?:(?P<han>[大小長短장단])[调調조]|(?P<kana>マイナー|メジャー))"
)
GERMAN_KEY = re.compile(
    r"(?<![\w])(?P<note>[A-Ha-h](?:is|es|s)?)[\s-](?P<mode>duuri|dur|molli?|mol)(?!\w)", re.IGNORECASE
)
GERMAN_ODD = re.compile(r"(?<![\w-])(?P<note>[A-Za-z]{1,3})-(?:dur|moll)(?!\w)", re.IGNORECASE)
DUTCH_KEY = re.compile(r"(?<![\w-])(?P<note>[A-Ga-g](?:is|es|s)?)[\s-](?P<mode>klein|groot|mineur|majeur)(?!\w)")
ENGLISH_KEY = re.compile(
    rf"(?<![\w'#/])(?P<note>[A-Ha-h])(?P<sign>#|b|[\s-]?(?:sharp|flat))?[\s-]+(?i:{_MODE})(?:\s+(?:scale"
    rf"|tonality))?(?![\w])",
    re.IGNORECASE,
)
MIXED_KEY = re.compile(rf"(?<![\w-])(?P<note>[CDFGAH]is|[CDG]es|Es|As|Bes|Hes)[\s-]+(?i:{_MODE})(?!\w)")
JOINED_KEY = re.compile(r"(?<![\w-])(?P<note>[A-Ha-h])(?P<sign>#|b)?(?P<mode>major|minor|maj)(?!\w)")
_LABEL = (
    r"(?:(?:the\s+)?key(?:\s+signature)?(?:\s+of)?|tonality|tonic|tonart|tonalite(?:\s+de)?|tonalidad(?:\s+de)?"
    r"|tonalita(?:\s+di)?|tonalidade(?:\s+de)?|tom\s+de|tono\s+de|tonacja|toonsoort|root(?:\s+note)?|тональность)"
)
_NOTE = rf"(?P<note>[A-H]|{'|'.join(LATIN)}|[A-Ha-h](?:is|es)|[EA]s)(?P<sign>#|b|[\s-]?(?:sharp|flat)(?!\w))?"
LABELLED = re.compile(
    rf"(?<!\w)(?:in\s+)?{_LABEL}\s*(?:[:=-]|is|in|to|(?:should|must|will|would)\s+be)?\s*(?:the\s+)?"
    rf"(?P<what>{_NOTE}\s?(?P<minor>m(?:in)?)?)(?![\w'#/-])",
    re.IGNORECASE,
)
UNREAD = re.compile(
    rf"(?<!\w){_LABEL}\s*[:=]?\s+(?P<what>(?:of\s+)?(?:[A-Z]|\d{{1,2}}[A-Z])(?:\s+(?:minor"
    rf"|major))?(?:\s*\(camelot\))?)(?!\w)|(?<![\w-])(?-i:[J-Z])(?:#|b)?[\s-](?:minor|major)(?!\w)",
    re.IGNORECASE,
)
IN = re.compile(
    r"(?<!\w)(?:in|en|em|im|dans)\s+(?:concert\s+)?(?P<note>[A-Ha-h])(?P<sign>#|b|[\s-]?(?:sharp"
    r"|flat)(?!\w))?(?P<minor>m(?:in)?)?(?![\w'#/&+-]|\.\w|\s*-\s*\w)"
)
IN_LATIN = re.compile(
    r"(?<!\w)(?:in|en|em)\s+(?P<note>[Dd]o|[Rr]e|[Mm]i|[Ff]a|[Ss]ol|[Ll]a|[Ss]i)"
    rf"(?P<sign>#|b|[\s-]+(?:{SHARP_WORDS}|{FLAT_WORDS}))?(?P<minor>m)?(?![\w'#/-])"
)
IN_GERMAN = re.compile(r"(?<!\w)in\s+(?P<note>[CDFGA]is|[CDG]es|Es|As)(?![\w'#/-])")
ALONE = re.compile(
    r"(?<![\w#'/.-])(?P<note>[A-H])(?:(?P<sign>#|b)(?P<minor>m(?:in?)?)?|(?P<m>m(?:in?)?))(?![\w#'/+°-])"
    r"|(?<![\w-])(?P<named>[A-Ha-h])[\s-](?P<word>sharp|flat)(?!\w)"
)
OF_BLUES = re.compile(r"(?<![\w'-])(?P<note>[B-G])(?P<sign>#|b|[\s-]?(?:sharp|flat))?\s+blues(?!\w)")
ON = re.compile(
    rf"(?<!\w)(?:{_MODE})(?:\s+(?:mode|scale|groove|vamp|jam|feel|drone|riff))?\s+(?:on|auf|in|en|sobre|sur|su|op)\s+(?P<note>[A-H](?:is"
    rf"|es)?)(?P<sign>#|b)?(?!\w)",
    re.IGNORECASE,
)
RELATIVE = re.compile(
    r"(?<!\w)(?P<kind>relative|parallel)\s+(?P<mode>minor|major)\s+(?:of|to)\s+(?:the\s+)?(?P<note>[A-G])(?P<sign>#"
    r"|b|[\s-]?(?:sharp|flat))?(?:\s+(?:major|minor))?(?![\w#])|(?<!\w)(?P<german>moll|dur)parallele\s+(?:von|zu)\s+(?P<name>[A-Ha-h](?:is"
    r"|es|s)?)"
    r"-(?:dur|moll)",
    re.IGNORECASE,
)
# "three flats, major": the key by the signs at its clef.
SIGNATURE = re.compile(
    r"(?<![\w-])(?:(?P<before>major|minor)(?:\s+key)?[\s,]+(?:with\s+|of\s+|in\s+)?)?(?P<count>no|zero|one|two|three"
    r"|four|five|six|seven|[0-7])\s+(?P<sign>sharp|flat)s?(?!\w)(?:[\s,]+(?:and\s+|in\s+(?:a\s+|the\s+)?|so\s+)?"
    r"(?P<after>major|minor)(?!\w)(?:\s+key)?)?"
)
COUNTS = ("no zero 0", "one 1", "two 2", "three 3", "four 4", "five 5", "six 6", "seven 7")
SIGNED = {"sharp": "C G D A E B F# C#".split(), "flat": "C F Bb Eb Ab Db Gb B".split()}  # major keys, by signs
NOT_IN = re.compile(
    r"\b(?:not|nothing|never|no|avoid|without|nicht|keine?|pas|non)\s+(?:anything\s+)?(?:in\s+)?(?:an?\s+)?$"
)
OF_STYLE = re.compile(
    rf"(?<![\w-])(?P<mode>minor|major)(?=[\s-]+(?:{STYLE.pattern}|jam|riff|groove|melody|chord\s+progression|song|tune|piece"
    r"|music|mood|feel|vibe|harmony|harmonies|loop|theme)(?!\w))|(?:(?<!\w)make\s+(?:it|this|that)\s+(?:more\s+)?"
    r"|(?:^|(?<=[,;.]))\s*)(?P<alone>minor|major)(?=\s*(?:$|[,;.!]))"
)
AFTER_KEY = re.compile(r"(?<![\w'-])(?P<note>[A-G])(?:(?P<sign>#|b)|(?<!A))(?P<minor>m)?\s+key(?!\w)(?!\s+of)")
VIBE = re.compile(r"(?:vibes?|feel|mood|song|tune|track|groove|beat|jam|riff|ballad|loop)\b")  # behind a minor chord
_OTHER_NAME = r"[A-H](?:#|b|[\s-](?:sharp|flat))?m?"
OR_AFTER = re.compile(
    rf"\s*,?\s+(?:or|oder|ou)\s+(?:in\s+)?(?P<other>{_OTHER_NAME})(?=\s*(?:$|[,;.!?)\n]|\w))(?![\w#])"
)
OR_BEFORE = re.compile(rf"(?<![\w'#-])(?P<other>{_OTHER_NAME})\s+(?:or|oder|ou)\s+(?:in\s+)?$")
CODE = re.compile(
    r"\b(?:written|coded|coding|code[sr]?|programm\w*|developer|compiler|script\w*|software|unity|backend|\.net|java"
    r"|python|c\+\+|rust|app|plugin|library)\b"
)
CAMELOT = re.compile(r"(?<![\w.])(?P<number>\d{1,2})(?P<letter>[ABab])(?![\w])")
PLACES = re.compile(
    r"\b(?:seat|room|gate|flat|apartment|bus|line|track|page|year|grade|class|section|unit|level|side|part|no\.?)\s*$"
)
WHEEL_MAJOR = ("B", "F#", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E")  # 1B to 12B
WHEEL_MINOR = ("Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_KEYS = r"tom|tono|tonalidad[e]?|tonalita|tonalite|ton|tonart|modo|mode|tonacj[ia]|toonsoort|skala|gamme|escala|scala"
_DARK = r"moll|mineur[e]?|minore?|menor|molow[aey]\w*|mol"
_LIGHT = r"dur|majeur[e]?|maggiore|mayor|maior|major|durow[aey]\w*"
_AFTER = r"s'il|bitte|please|graag|(?:por|per|und|et|y|e|en|con|com|avec|mit|met|om|voor|for|pour|para)\s"
_END = rf"(?=\s*(?:$|[,;.!?)\n-]|{_AFTER}))"
MODE_ALONE = re.compile(
    rf"(?<![\w-])(?:(?P<en>major|minor)(?:[\s-](?:key|mode|tonality|scale)|\s+(?:key|scale))|(?:in|im|en|em|w|i|na"
    rf"|dans|v)\s+(?:une?\s+|um\s+|un\s+|un'|einer\s+|een\s+|a\s+)?(?:(?:{_KEYS})\s+(?:{_DARK}|{_LIGHT})|(?:{_DARK}"
    rf"|{_LIGHT})-?(?:tonart|toonsoort)|(?:{_DARK}|{_LIGHT}|minor){_END})|(?:tonart|tonalitat|tonacja|tom|tono|modo"
    rf"|mode|tonalite)\s*:?\s*(?:{_DARK}|{_LIGHT}){_END}"
    r"|(?:в|на)\s+(?:минор|мажор)\w*|минорн\w+|мажорн\w+|в\s+(?:миноре|мажоре))(?!\w)"
    r"|(?<![嬰変ハニホヘトイロ])(?:短調|長調)|マイナー(?:キー|調)|メジャー(?:キー|調)|(?<![a-gb#])[小大][调調]|단조|장조",
    re.IGNORECASE,
)
FOLLOWS = re.compile(
    r"\s*(?:$|[,;:.!?()\[\]|\n\"'/+&]|-\s|\d|(?:with|or|ohne|sans|sin|senza|sem|zonder|at|and|on|for|using|please|by"
    r"|over|but|then|instead|rather|not|shuffle|swing|feel|slow|fast|mit|con|com|avec|und|et|y|e|bitte|por|pls|no\b"
    r"|played|-|instrumental|throughout|around|about|to\b|ending|starting|tempo|bpm|scale|blues|riff|jam|groove|cu"
    r"|progression|changes)\b)"
)
PREPOSED = re.compile(
    r"(?:\b(?:in|en|em|im|dans|key|of|de|di|tonality|tonalidad|tonalita|tonalidade|tonart|tonalite|tono|tom|is|nel|von"
    r"|и|на)\s*:?\s*|[:=]\s*)$"
)
_GERMANS = ("de", "pl", "cs", "sv", "da")
