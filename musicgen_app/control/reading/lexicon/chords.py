"""What rows of chords, degrees and melodies look like, and the words around them."""

from __future__ import annotations

import re

from ..words import DRUM, INSTRUMENTS, STYLE

_LABEL_WORDS = (
    r"(?:power\s+)?chords?(?:\s+(?:progression|sequence|loop|changes))?|(?:chord\s+)?progression|(?:chord\s+)?changes"
    r"|akkord(?:e|en|folge)|akkoorden|accords|acordes|accordi|progres(?:ion|sao|sione)|akordy|аккорды|コード(?:進行)?|和弦"
    r"|harmony|harmonies|vamp|turnaround|cadence"
)
LABEL = re.compile(
    rf"(?<!\w)(?:{_LABEL_WORDS})(?:\s+(?:are|is|of|on|like|over|should\s+be|go(?:es|ing)?|that\s+goes|sind|son|sono"
    rf"|to\s+use))?(?:\s+(?:just|only|the))?[\s:=,(\[\"-]*$",
    re.IGNORECASE,
)
LABEL_AFTER = re.compile(
    rf"\s*(?:{_LABEL_WORDS}|only|alternating|forever|throughout|all\s+the\s+way|all\s+along|the\s+(?:whole|entire)"
    rf"|over\s+and\s+over|loop(?:ed|ing)?|vamp|back\s+and\s+forth"
    rf"|and\s+that's\s+(?:all|it))(?!\w)",
    re.IGNORECASE,
)
KEPT = re.compile(r"\b(?:drone|pedal|vamp|jam|stay|only|just)(?:\s+on)?\s+$")
RICH = re.compile(r"alt|-(?:\d|\^)|maj\d|sus|m7|m9|7#|7b|dim7|add|13|11|9$|ø|Δ|\^")
OF_KEY = re.compile(r"\b(?:in|en|em|im|key(?: of)?|is|giro di)\s*:?\s*$")
HEARD = re.compile(r"\b(?:sounds?|sounding|hear(?:d)?\s+(?:is|as)|actually)\W*$")
ON = re.compile(
    r"\b(?:on|only|over|vamp(?:\s+on)?|jam\s+on|just|sobre|uber|auf|play|use|using|chords?|loop(?:\s+of)?|between"
    r"|with)\s+$"
)
LIST_SIGN = re.compile(r"[,|>/\n;()+-]")
_MOVES = (  # between two chords
    r"(?:go(?:es|ing)?|mov(?:es?|ing)|chang(?:es?|ing)|switch(?:es|ing)?)(?:\s+back)?\s+to"
    r"|(?:end|finish|clos)(?:s|es|e|ing)?(?:\s+up)?\s+(?:in|on|with)"
)
MOVES = re.compile(rf"(?<!\w)(?:{_MOVES})(?!\w)", re.IGNORECASE)
BETWEEN = re.compile(
    r"(?:[\s,;|<>/:.()\[\]{}\"*~%&-]+|\+|(?<!\w)an?(?=\s+[A-H])|(?:for\s+)?\(?\b\w+\s+(?:bars?|beats?|measures?)(?:\s+each)?\)?|\d{1,2}[.)](?=\s)|(?:then(?:\s+to)?|and|to"
    r"|next|finally|lastly|into|moving\s+to|resolv(?:es|ing)\s+to|dopo|danach|zu|und|dann|y|et|puis|luego|poi|e|en"
    rf"|back\s+to|{_MOVES}"
    r"|followed\s+by|x\s?\d{1,2}|\d{1,2}\s?x)(?!\w))*",
    re.IGNORECASE,
)
LATIN = "do|re|mi|fa|sol|la|si|ut|Do|Re|Mi|Fa|Sol|La|Si|DO|RE|MI|FA|SOL|LA|SI"
PICK_UP = re.compile(r"\s*(?:for|in|on|during)(?:\s+[\w-]+){1,4}\s*[,;:|]?\s*(?:then\s+)?", re.IGNORECASE)  # after N.C.
NOTATION = re.compile(
    r"(?<!\w)[Hh]\s*(?:=|is|means|stands\s+for|for)\s*(?:(?:our|the|an?)\s+)?B(?:[\s-]natural)?(?![\w#])"
    r"|(?<!\w)[Bb]\s*(?:=|is|means|stands\s+for|for)\s*B(?:b|[\s-]flat)(?!\w)|(?<!\w)(?:in\s+"
    r"|using\s+)?[Gg]erman\s+(?:note\s+|chord\s+)?(?:writing|notation|names|naming|spelling|style|sense|letters)"
)
SETTING = re.compile(r"\d|bpm|tempo|(?<!\w)key(?!\w)")  # words that no song has
CLAUSES = re.compile(r"\s*(?:[,;:.!?()|]|\s-)\s+|\s*[()]")  # what stands between clauses
SPEAKS = re.compile(
    rf"{SETTING.pattern}|(?<!\w)(?:major|minor)(?!\w)|{STYLE.pattern}|{DRUM.pattern}|(?<!\w)(?:{INSTRUMENTS})(?!\w)"
)  # of music
BULLET = re.compile(r"^\s*(?:[-*>,]|\d{1,2}[.)])\s+")  # of a list; the round one is a comma in the plain form
SILENCE = re.compile(r"\(?N\.?\s?C\.?\)?")
NEXT = re.compile(r"(?:\s*[|,>/-]\s*|\s+)(?P<piece>[A-H](?:[#b]|\d|maj|min|m(?![a-z])|dim|sus|aug|add|/[A-G])\S*)")
# An article, and no chord: behind a word or a comma and before a chord, or at the end of a row and before a word.
ARTICLE = re.compile(
    r"(?<![\w'])(?P<link>and|then|to|plus|with|or|into|next|und|dann|[A-Za-z]{3,}|[,;&+]) +an? +(?=[A-H])"
)
BEHIND_ROW = re.compile(r"a|e|as|es|des|do|re|mi|fa|sol|la|si|ut|dim|add")
NOUN = re.compile(
    r" +(?!(?:in|at|on|for|with|and|or|over|as(?! a)|but|to|then|by|forever|please|again|is|are)\b)(?=\w)"
)
MELODY = re.compile(
    r"(?<!\w)(?:melod(?:y|ies|ie|ia)|tune|theme|(?<!which )notes?|scale|bass\s?line|riff|lick|hook|motif|lead|solo"
    r"|noten|notas)(?:\s+(?:is|are|of|goes|like|with|on|using|in))?(?:\s+the)?(?:\s+notes)?[\s:=(\"-]*$"
)
MELODY_AFTER = re.compile(r"[\s)\"]*(?:melody|tune|theme|notes?|bass\s?line|lick|motif|scale)(?!\w)")
NOTES = re.compile(r"[A-H][#b]?[1-5]?")
RIFF = re.compile(r"(?<!\w)(?:power|riffs?|chugs?|chugging|palm|distort\w*|metal|punk|rock|grunge|djent|thrash)(?!\w)")
MODE_WORDS = re.compile(
    r"[\s-](?:dur|moll|major|minor|majeur|mineur|maggiore|minore|mayor|menor|maior)$", re.IGNORECASE
)
FAR = 40  # signs between two chords, at most
WEAK = re.compile(  # symbols that may also be words, grades, or names of other things
    rf"[A-Ha-h]|[AaEe]m|[Dd]im|Add|[A-H]\d|[A-F][+-]|[a-h][b+-]|NC|[EA]s|as|es|[Dd]es|dis|ges|[Cc]es|Hes|[Aa]dd\d?"
    rf"|{LATIN}"
)
SHAPE = re.compile(  # what every symbol of a chord fits; it is quicker than to read it
    rf"(?:[A-Ha-h]|{LATIN}|[A-Ha-h]e?s)(?:is|[#b]|maj|min|mi|ma|Maj|MA|dim|aug|sus|add|alt|no|omit|dom|M|m|j|h|o|ø|°"
    rf"|[\d+^Δ().,-]|/9|/(?:[A-Ha-h]|{LATIN}))*"
)
ODD = re.compile(r"(?<![\w.])(?P<what>[A-Z][#b]?(?:m|maj|min|sus|dim|aug|add)?(?:\d{1,2})?(?:[#b]\d{1,2})*)(?![\w.])")
LENGTHS = re.compile(
    r"\s*\(?(?:\bfor\s+)?\b(?:\d+|one|two|three|four|eight|a|half\s+a)\s+(?:bars?|beats?|measures?)(?:\s+each)?\)?"
)
APART = re.compile(r"(?<=[IViv])\s+(?=(?:maj|min|dim|sus)\d)")  # "I maj7"
OF_SECTION = re.compile(
    r"(?:intro|verse|chorus|bridge|refrain|strophe|outro|coda|solo|pre-?chorus|section|part)s?\s*(?P<sign>[:\])=])?\W*$"
)
ROMAN = re.compile(
    r"(?<![\w'./])(?:[b#]?(?:VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(?:\s(?=(?:maj|min|dim|sus)\d))?(?:Δ|\^|ø|o|°|dim|maj|min|m|M|sus|add|aug|\+|b|#"
    r"|-(?=\d))*\d{0,2}(?:[b#]\d{1,2})*(?:/(?:VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i))?)(?![\w])"
)
NUMBER = re.compile(r"(?<![\w./+:#])[b#]?[1-7](?:-7?|m7?|maj7|7|°|sus4?)?(?:/[1-7])?(?![\w:)/%+'\"]|\.\d)")
NASHVILLE = re.compile(r"nashville|number\s+system|numbers?\s+(?:chart|notation)|degrees", re.IGNORECASE)
INLINE = re.compile(r"\[(?P<chord>[A-H][#b]?[^\]\s]{0,10})\]")
CAPO = re.compile(r"(?<!\w)capo\s+(?:on\s+|at\s+|fret\s+)*\d+", re.IGNORECASE)
POWER = re.compile(r"power[\s-]?chords?")
CHORD_ALONE = re.compile(r"[A-G][#b]?(?:m(?:aj)?|sus|add|dim|aug)?(?:7|9|11|13|sus|dim|aug)\S*|[A-G][#b]?m?/[A-G][#b]?")
FORMS = re.compile(r"[ABC]+")
SCALES = "ABCDEFGABCDEFG doremifasollasido DoReMiFaSolLaSiDo"
SEVENTH = re.compile(r"\d|seven|nin|dim|aug|sus|six|add|domin|over")
STRANGE = re.compile(
    r"[A-HJ-Z](?:[#b]|m|maj|min|sus|dim|aug|add)*\d{0,2}(?:[#b]\d{1,2})*|[A-HJ-Z](?=\w*[\d#])[\w#+°^/]{1,9}"
)
NO_STRANGERS = ("I", "X", "N", "S", "W")
NO_KEY = "no key is named: the degrees are those of the key that the clip gets"
