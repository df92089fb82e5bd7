"""Words of tempo and pace, in any language."""

from __future__ import annotations

import re

from ..words import STYLE

USUAL = (20.0, 400.0)  # beats a minute that somebody can mean
_FIGURE = r"\d+(?:[.,]\d+)?"
_OTHER_UNITS = (
    "rpm",
    "wpm",
    "bps",
    "bpi",
    "bpd",
    "dpm",
    "fpm",
    "kpm",
    "spm",
    "tpm",
    "app",
    "bam",
    "bum",
    "bp",
    "pm",
    "bm",
)


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
    r"|every)\s+)min(?:ute)?s?\b\.?|(?:to\s+the|per)\s+min(?:ute)?\b|(?:pulsaciones|golpes|pulsos)\s*(?:por|/)\s*min(?:uto)?\b|(?:battements?"
    r"|pulsations?)\s+(?:par|a\s+la)\s+minute|a\s+la\s+(?:noire|negra)|schlage?n?\s*(?:pro|/|in\s+der)\s*min(?:ute)?\b|уд\.?\s?/\s?мин"
    r"|battiti\s*(?:al|/)\s*min(?:uto)?\b|batidas\s+por\s+minuto|uderzen\s+na\s+minute|udar\w+\s+v\s+minutu|ударов\s+в\s+минуту"
    r"|slagen\s+per\s+minuut)"
)
UNITS = re.compile(_UNIT)
_NEAR = (
    r"(?:\s*(?:[=:~\"'>]|\s-\s|(?<=\w)-(?=\d)|(?:of|is|at|on|to|de|von|bei|auf|a|um|about|around|approx(?:imately)?|ca"
    r"|circa|roughly|near|exactly|soll|should\s+be|debe\s+ser|alrededor|environ|etwa|ungefahr|rond|set|em"
    r"|em\s+torno)(?!\w)\.?))*\s*"
)
NOTES = {
    "\u2669.": 1.5, "\u2669": 1.0, "\U0001d15f": 1.0, "\u266a": 0.5, "\U0001d15e": 2.0, "dotted quarter": 1.5,
    "dotted crotchet": 1.5, "half": 2.0, "half note": 2.0, "minim": 2.0, "quarter": 1.0, "quarter note": 1.0,
    "crotchet": 1.0,
    "eighth": 0.5, "eighth note": 0.5, "quaver": 0.5, "viertel": 1.0, "noire": 1.0, "noire pointee": 1.5, "negra": 1.0,
    "blanche": 2.0, "halbe": 2.0, "semiminima": 1.0, "kwart": 1.0, "kwartnoot": 1.0, "cwiercnuta": 1.0, "q": 1.0,
}  # fmt: skip
_NOTE = "|".join(re.escape(name).replace(r"\ ", r"[\s-]+") for name in sorted(NOTES, key=len, reverse=True))
UNTIL = re.compile(r"\s*[-~]\s*(\d{2,3})(?![\d/])")
NAMED = re.compile(
    rf"(?P<note>(?<!\w)(?:{_NOTE})(?:[\s-]+notes?)?)\s*(?:=|equals|(?:at|a)(?=\s+\d))\s*(?:ca\.?\s*)?(?P<a>{_FIGURE})|(?<!\w)(?:tempo"
    rf"|beats\s+per\s+minute|bpm|t(?=\s?[=:]\s?\d)|metronom[eo]?(?:\s+mark(?:ing)?)?|click|m\.\s?m\.?|mm(?=\s?[=:]|\s\d\d)|clocked|темп"
    rf"|テンポ|毎分|每分钟|分당|분당|速度|metronoom){_NEAR}(?P<b>{_FIGURE})(?![\d/]|\s*/\s*\d)"
)
LABEL = re.compile(rf"(?<!\w)(?:tempo|bpm|beats\s+per\s+minute|metronome?|click){_NEAR}")
BEFORE_UNIT = re.compile(
    rf"(?P<sign>(?:(?<=\s)|^)[-]|\bminus\s+)?(?<![lio|\d])(?P<n>{_FIGURE})(?P<half>\s+and\s+a\s+half)?(?:-?ish)?[\s-]*"
    rf"(?={_UNIT})"
)
_LOW_HIGH = (
    r"(?<![\d.,/])(?P<low>\d{2,3})\s*(?:bpm)?\s*(?:-|~|>|/|\s(?:to|bis|a|or)\s|(?(from)\s(?:and|und|y|e|et)\s|-))\s*"
)
_LOW_HIGH += r"(?P<high>\d{2,3})"
RANGE = re.compile(
    rf"(?:(?P<from>(?<!\w)(?:between|from|entre|zwischen|von|tra|da|de))\s+)?{_LOW_HIGH}(?:\s*-?\s*{_UNIT}"
    rf"|(?=\s+(?:is\s+ok|range|would|tempo)))(?:\s+range)?"
)
LABELLED_RANGE = re.compile(rf"(?<!\w)(?P<from>tempo|bpm)[^\d,.;\n]{{0,16}}{_LOW_HIGH}(?![\d/])")
TENS = re.compile(  # "in the low 120s"
    r"(?<!\w)(?:(?:in|around|at)\s+the\s+(?:(?P<a>low|lower|early|mid|middle|high|higher|upper|late)[\s-]+)?"
    r"|(?P<b>low|mid|high|upper|lower)[\s-]+)(?P<tens>1\d0)'?s(?!\w)(?:\s+bpm)?"
)
LABEL_BEFORE = re.compile(rf"(?:{LABEL.pattern})$")
_BARE = r"(?<![\w.:,#-])(?<!\d/)(?P<n>[6-9]\d|1\d\d|20\d)(?:-?ish)?(?![\w:%]|/\s?\d|[.,]\d|\s*%)"
MADE = re.compile(  # "make it exactly 121", "feels like 140"
    rf"(?<!\w)(?:(?:make|change)\s+(?:it|that|this)(?:\s+to)?|(?:feels?|felt|feeling)\s+(?:like|as|at))\s+"
    rf"(?:exactly\s+|about\s+|around\s+)?{_BARE}"
)
_GO_ON = r"\s+(?:with|and|in|on|but|or\s+so|please|no|not|without|for|then|maybe)(?!\w)"  # words behind a tempo
GOES_ON = re.compile(_GO_ON)
AT = re.compile(
    rf"(?:(?<!\w)(?:at|around|about)(?:\s+an?)?(?:\s+(?!least|most)[a-z]+)?\s+|(?<!\w)a\s+){_BARE}"
    rf"(?:(?!\s*[a-z])|(?={_GO_ON}))"
)
SIGN = re.compile(rf"@\s?{_BARE}")
BESIDE_STYLE = re.compile(rf"(?:{STYLE.pattern}|(?<!\w)(?:shuffle|groove|beat|feel))\s+{_BARE}")
CLAUSE = re.compile(rf"{_BARE}(?!\s*[a-z])")
BEFORE_STYLE = re.compile(rf"(?:^|(?<=[,;.]\s)){_BARE}\s+(?:{STYLE.pattern}|beats(?=\s*(?:$|[,;.])))")
WORDS_BESIDE = re.compile(rf"{STYLE.pattern}|(?<!\w)(?:at|around|about|@)(?!\w)")
LEAST_IN_WORDS = 60  # beats a minute of a number in words that has no unit
LIMIT = re.compile(
    r"(?:(?<!\w)(?:at\s+(?:least|most)|up\s+to|under|over|above|below|max(?:imum)?\.?|min(?:imum)?\.?|(?:no"
    r"|not)\s+(?:(?:faster|slower|more|less|fewer|higher|lower)\s+than|above|over|below|under)|sub-|north\s+of|south\s+of|beyond)|[<>]=?)\s*$"
)
PART = re.compile(
    r"(?:(?P<half>half(?:\s+of|\s+as\s+(?:fast|quick)\s+as|\s+the\s+(?:speed|pace|tempo)\s+of)?|die\s+halfte\s+von|la\s+moitie\s+de)|(?P<twice>(?:twice|double)(?:\s+of"
    r"|\s+as\s+(?:fast|quick)\s+as|\s+the\s+(?:speed|pace|tempo)\s+of)?"
    r"|doppelt))\s+(?:the\s+)?$"
)
EVERY = re.compile(
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
        r"|high[\s-]speed|breakneck|presto|prestissimo|allegro|vivace|vivo|schnell\w*|vite|veloc(?:[ei]s?|issim[oaie])|rapidissim[oaie]|schnellst\w*|velocemente"
        r"|snelle?|быстр\w*|бърз\w*|швидк\w*|szybk\w*|rychl\w*|brz[oaei]|depressa|deprisa|rapidamente|rasant\w*"
        r"|flott\w*|speedy|rasch\w*|hizli|gyors\w*|snabb\w*|hurtig\w*|nope[aei]\w*|γρ[ηή]γορ\w*"
    ),
}  # fmt: skip
FAR_EAST = {
    "slow": re.compile(r"ゆっくり|ゆったり|スローテンポ|遅[いくめ]|スロー|慢(?!慢地变快)|缓慢|느린|느리|천천히"),
    "fast": re.compile(r"速[いくめ]|早い|アップテンポ|快速|快节奏|(?<!欢|轻)快(?!乐)|빠른|빠르|신나고 빠"),
}
PACE = {pace: re.compile(rf"(?<![\w-])(?:{words})(?![\w-])") for pace, words in _PACES.items()}
MIDDLE = re.compile(
    r"(?<![\w-])(?:andante|andantino|moderato|mid[\s-]?tempo|medium(?:[\s-]+(?:tempo|swing|pace))"
    r"|mittelschnell)(?![\w-])"
)
# What is slow or fast by itself, and not the music.
THING = re.compile(
    r"\s*(?:attacks?|release|decay|fade|fading|rotor|rotary|leslie|tremolo|vibrato|phaser|lfo|chorus|delay|cooker"
    r"|cooking|food|forward|lane|track\b|asleep|cars?\b|break\b|changes?|question|note\b|four\b|learner|zoom|pan\b"
    r"|shot|camera|mo\b|burn\b|reveal|transition|build|rise|swell|crescendo|internet|reader|death\b|down\b|up\b|(?:than|als|dan|que)\b"
    r"|fashion|pace\s+of\s+life|typing|riser|gate|filter|sweep)|-"
)
# What stands before a word of pace that says how somebody or something moves, and the music where it is the music.
OF_SOMEBODY = re.compile(
    r"(?P<who>[^\W\d_]+)(?:\s+(?:he|she|it|they))?(?:\s+(?:is|are|was|were|ist|sind|est|es|runs?|ran|drives?|moves?|flies|goes|swims?"
    r"|walks?|jumps?|types?|talks?|speaks?|thinks?|eats?|grows?|learns?|works?|gets?)|'s)\s+"
    r"(?:(?:very|so|really|too|super|quite|pretty|extremely|always|sehr|muy|tres)\s+)*$"
)
OF_MUSIC = re.compile(
    r"it|this|that|which|everything|tempo|songs?|tracks?|pieces?|music|beats?|pace|tunes?|rhythms?|stuck|lied|musik|musica"
    r"|cancion|chanson|morceau|one|part|sound|loop|groove|speed|intro|verse|chorus|solo|bpm"
)
# "Quick, I need a song", "10 % slower": said to the reader, or of another tempo.
HURRY = re.compile(r"\s*[,!.]\s*(?:i|we|please|make|give|can|write|need)\b")
BY_SHARE = re.compile(r"\d\s*(?:%|percent|per\s+cent|bpm|clicks|x)\s+$")
THAN = re.compile(r"\s*(?:than|als|dan|que)\b")
# The music is wanted soon, which says nothing of its pace.
SOON = re.compile(
    r"[^.;!?\n]{0,24}\b(?:turn-?around|deliver\w*|deadline|due|needed|ready|done|finished|upload\w*|as\s+possible|reply|asap"
    r"|answer|fertig|abgabe|geliefert|braucht|brauche|moglich|pret|prete|fini\w*|possible|livr\w+|list[oa]|entreg\w+"
    r"|posible|necesit\w+|pront[oa]|possibile|consegn\w+|preciso|possivel|klaar|mogelijk)\b"
)
NEEDED = re.compile(
    r"\b(?:(?:need|want|get|have|send|finish|deliver|render|generate|upload)\w*\s+(?:\w+\s+){0,3}?(?:done|ready|back|over"
    r"|asap|out)|(?:brauche|benotige)\s+(?:\w+\s+){0,3}|(?:necesito|lo\s+quiero|preciso|il\s+me\s+faut"
    r"|j'en\s+ai\s+besoin)(?:\s+\w+){0,3}|\b(?:need|want|get|have)\s+(?:it|this|that|them|one|something)\s+(?:by|before"
    r"|until|today|tonight|tomorrow|now|this\s+\w+|for\s+(?:today|tomorrow|tonight))\b[^.;!?\n]{0,24})\s*$"
)
SWITCH = re.compile(r"(?:leslie|rotary|rotor|tremolo|vibrato|phaser|fan|setting|speed)\s+(?:set\s+)?(?:on|to|at)\s+$")
NO_PACE = re.compile(
    r"(?:not(?:\s+\w+)?|never|less|too|no|isn't|can't(?:\s+\w+)?|cannot(?:\s+\w+)?|don't(?:\s+\w+)?|nicht(?:\s+zu)?"
    r"|kein\w*|pas(?:\s+trop)?|no\s+muy|non\s+troppo|nicht\s+so|demasiado|muito|a\s+lo|zu|trop)\s+$"
)
# Words of pace that are other words in some language.
ELSEWHERE = {
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
BY = {"half": 0.5, "twice": 2.0, "double": 2.0, "doubled": 2.0, "halved": 0.5, "two": 2.0, "three": 3.0, "thrice": 3.0}
_BASE = rf"(?:(?:tempo|bpm)\s+(?:of\s+)?)?(?P<base>\d{{2,3}}(?:[.,]\d+)?)(?:\s*{_UNIT})?"
_TIMES = r"(?:times|x|\*|mal|fois|por|veces|volte)"
RECKONED = re.compile(
    rf"(?<![\w.])(?:(?P<by>{_N}|twice|thrice|two|three)\s*{_TIMES}\s+{_BASE}|(?P<share>{_N})\s*(?:%|percent|per\s+cent"
    rf"|prozent)\s+(?P<way>slower|faster|quicker|below|above|less|more|under|over|up|down)\s+(?:than\s+|of\s+"
    rf"|from\s+)?{_BASE.replace('base', 'whole')}|(?P<step>{_N}|ten|five|twenty|a\s+dozen)(?:\s*(?:{_UNIT}|clicks"
    rf"|beats))?\s+(?P<side>slower|faster|quicker|below|above|under|over|less|more)\s+"
    rf"(?:than\s+)?{_BASE.replace('base', 'from')}|{_BASE.replace('base', 'times')}\s*(?:{_TIMES}\s+(?P<after>{_N}|two"
    rf"|three)|,?\s*(?:but\s+)?(?P<again>doubled|halved))|{_BASE.replace('base', 'first')}\s+(?P<sign>plus"
    rf"|minus)\s+(?P<more>{_N})(?:\s*{_UNIT})?)(?![\w])"
)
RESULT = re.compile(
    rf"\W{{0,3}}(?:so|i\.?\s?e\.?|that\s+is|that's|thus|which\s+(?:is|makes)|equals?|makes?|meaning|gives|also|donc"
    rf"|soit|cioe|o\s+sea|call\s+it|=|>)[\s,:]*(?:about\s+|to\s+"
    rf"|it\s+)?(?P<n>\d{{2,3}}(?:[.,]\d+)?)(?![\d/])(?:\s*{_UNIT})?"
)
COMPARED = re.compile(
    r"(?<!\w)(?:slower|faster|quicker|than|plus|minus|times|half|halved|twice|doubled?|percent|less|more|below|above"
    r"|under|over|divided|mal|fois|minus|%|not|nicht|pas|instead|never)(?!\w)|-(?:something|odd)\b|%|\*|\+/?-|\u00b1"
)
