"""Words that refuse, in any language, and the words around them."""

from __future__ import annotations

import re
from functools import lru_cache

from ..words import DRUMS, INSTRUMENTS, MUSIC, SINGLE_DRUMS, VOICES

# Small words between what refuses and what is refused.
ARTICLES = re.compile(
    r"(?:(?:at\s+all|any|(?:any|even)\s+(?:kind|sort|hint|trace|type|form)\s+of|jegliche[nrs]?|irgendwelche"
    r"|anything\s+with|ne|ni|weder|some|the|a|an|those|these|that|this|of|more|kind|sort|type|bit|other|too|so|very"
    r"|overly|all|den|dem|der|die|das|ein|eine|einen|zu|sehr|auch|de|la|le|les|l'|du|des|d'|trop|el|los|las|un|una"
    r"|unos|demasiado|il|lo|gli|i|troppo|di|o|os|as|um|uma|het|een|te|in(?=\s+\d))(?:\s+|(?<=')))*"
)
_NOT = (
    r"(?:(?:i|we|you|they|he|she|it|who|that|which|please|to)\s+)?(?:do(?:es)?\s+not|don't|doesn't|did(?:\s+not|n't)"
    r"|never|must(?:\s+not|n't)|should(?:\s+not|n't)|shall\s+not|can't|can\s?not|won't|will\s+not|would(?:\s+not|n't)"
    r"|is\s+not|isn't|aren't|rather\s+not|not\s+to|to\s+not|not)\s+(?:really\s+|ever\s+|even\s+)?"
)
_WANT = (
    r"(?:(?:you\s+dare\s+)?(?:to\s+)?(?:want(?:\s+(?:it|this|that|them|you|the\s+\w+))?\s+to\s+(?:have|hear|use|contain|include"
    r"|feature|play|put|add)|want(?:\s+to\s+hear)?|contain|feature|involve|use|add|include|like|need|have|hear|put(?:\s+in)?|give\s+me|play|bring|insert|employ"
    r"|stand|go|make(?:\s+(?:it|this))?|do|love|be|sound(?:\s+like)?|feel|get|a\s+(?:big\s+)?fan\s+of))"
)
# Words that refuse what follows, by language.
_SURE = {
    "en": (
        rf"without|w/out|w/o|{_NOT}{_WANT}|(?:(?:i|we|he|she|they|who|that)\s+)?(?:hates?|dislikes?)|(?:any"
        rf"|every)thing\s+(?:but|except)|(?:all|any|every)\s+(?:the\s+)?[a-z]+\s+(?:but|except)(?=\s)|no\s+need\s+(?:for|of)|nothing\s+like"
        r"|instead\s+of|rather\s+than|other\s+than|apart\s+from|except(?:\s+for)?|(?:leav(?:e|ing)|tak(?:e|ing)|keep"
        r"|cut|get)\s+out|by\s+no\s+means|far\s+from|skip(?:ping)?|omit(?:ting)?|avoid(?:ing)?|exclud(?:e|ing)|(?:stay"
        r"|keep|steer)\s+(?:away|clear)\s+(?:from|of)|get\s+rid\s+of|too\s+(?:many|much)|free\s+(?:of|from)"
        r"|say(?:ing)?\s+no\s+to|(?:keep\s+(?:your|the)\s+)?hands\s+off|devoid\s+of|minus(?!\s*\d)|ditch|lose|remove"
        r"|mute|nor|neither|spare\s+me|negative(?:\s+prompt)?(?=\s*:)|stop\s+(?:using|with)|(?:nothing|no\s+(?:music"
        r"|song|track|version))\s+(?:with|that\s+(?:has|uses|contains|includes))|leave\s+away"
        r"|don't\s+you\s+dare\s+(?:to\s+)?(?:add|use|play)|(?:sick|tired)\s+of|(?:drop|kill|scrap|axe|delete)\s+(?:the|all|any)(?=\s+(?:drum|perc|kick|snare"
        r"|vocal))"
    ),
    "de": r"ohne|ausser|weder|noch|kein(?:e[nrms]?)?|bloss\s+kein\w*|finger\s+weg\s+vo[mn]|statt|anstatt|anstelle\s+von"
    r"|verzichte\s+auf|verzicht\s+auf|lass(?:t|en\s+sie)?(?=\s+(?:das|die|den)\s+\S+\s+weg)",
    "fr": r"sans|sauf|surtout\s+pas(?:\s+de)?|pas\s+(?:de|d'|du|trop)|aucune?|je\s+(?:n'aime|ne\s+veux)\s+pas(?:\s+de)?"
    r"|jamais\s+de|enleve[zr]?|evite[zr]?|laisse[zr]?\s+tomber|(?:on\s+)?se\s+passe\s+de|plutot\s+que"
    r"|au\s+lieu\s+(?:de"
    r"|du)",
    "es": r"salvo|excepto|sin(?:\s+(?:nada\s+de|ningun[ao]?))?|nada\s+de|no\s+(?:(?:le|me|lo)\s+)?(?:quiero|gustan?"
    r"|uses|pongas|usar|metas|tenga|haya|sea|lleve|incluya\w*)|quit[ae]|evita\w*|ningun[ao]?"
    r"|en\s+vez\s+de",
    "it": r"senza|tranne|eccetto|niente|nessun[ao]?|non\s+(?:voglio|mi\s+piac\w+|usare|mettere|mettermi|ci\s+siano)"
    r"|togli\w*|evita\w*|invece\s+(?:di|del|della)",
    "pt": r"sem|exceto|nao\s+(?:quero|gosto\s+de|use|usar|coloque|ponha|tenha)|tira|evite|nenhuma?|em\s+vez\s+de",
    "others": r"zonder|geen|nem\s+kell|nincs|bez|zadn\w+|utan|inga|ingen|inget|uden|uten|без|никак\w+"
    r"|ilman|nelkul|fara|χωρ[ιί]ς|prescind\w+\s+de|не\s+надо",
}
# Those that need the start of a clause, or a word of music behind them.
_WEAK = (
    r"no|not|non-?|nicht|nie|ni|ne|niet|inte|ikke|nem|nao|не|nothing(?:\s+too)?|nichts|nada|niente|nulla"
    r"|rien(?:\s+de)?|zero|never|hold\s+the"
)
CUE = re.compile(
    rf"(?:(?<![\w'-])|(?<=--)|(?<=\s')|(?<=^'))(?:(?P<sure>{'|'.join(_SURE.values())})|(?P<weak>{_WEAK}))(?:\s+(?:a"
    rf"|of)\s+(?!\w+\s+cap))?(?<!-)(?![\w-]|'\w)['\"]?\s*(?P<colon>:\s*)?"
    r"|(?<![\w'-])(?P<prefix>non-)(?=\w)"
)
# What follows "no" or "not" and refuses nothing.
IDLE = re.compile(
    r"(?:strings\s+attached|wait|sorry|hang\s+on|hold\s+on|let's|better|actually|(?:very\s+|so\s+|that\s+)?(?:many|much)|idea|matter|problems?|one|body|need|rush|worries|doubt|longer|less|time|way|reason|sign"
    r"|fuss|only|just|sure|yet|bad|far|even|that\b|really|necessarily|to\s+mention|else|but|for|in\b(?!\s+\d)|is\b"
    r"|are\b|was\b|if|you|me|him|her|us|them|it\b|my|your|going|able|more\s+than|less\s+than|(?:fewer|faster|slower"
    r"|quicker|higher|lower|above|below|over|under)(?!\w)|a\s+problem|nur|mehr|so\s+wichtig|sicher|seulement|alleen"
    r"|wonder|thanks|thank|i\b|he\b|she\b|we\b|they\b|who|what|how|the\s+only|limit|preference|care|pressure|hurry"
    r"|deadline|budget|money|name|home|end|return|why|because|as\b|too\s+late|too\s+old|this\s+time|know)(?!\w)"
)
SURELY = re.compile(r"(?:doubts?|question|fail|further|hesitation|delay|warning|ado|apolog\w+|exception)(?!\w)")
# A double "not" wants the thing, and so does one who finds what is without it useless.
_WITH_NO = r"without|w/out|w/o|lacking|minus|ohne|sans|sin|senza|sem|zonder|bez|utan|uden|uten|без"
_AND_WORDS = r"(?:and|or|nor|but|also|und|oder|aber|et|ou|mais|y|o|pero|e|ma|mas|en|of|maar)"  # a new refusal follows
TWICE = re.compile(
    rf"(?:(?:n't|(?<!\w)(?:do\s+not|don't(?:\s+you\s+dare)?|never|must\s+not|not|without|nicht|nie|no|cannot|niet|inte"
    rf"|ikke|pas|non|nao|jamais|nunca|nie|не|nothing|nobody|worthless|useless|pointless|boring|empty|naked|nichts"
    rf"|niemals|kein\w*))\s+)(?:(?!{_AND_WORDS}\b)[\w-]+\s+){{0,3}}?(?P<cue>{_WITH_NO}"
    rf"|(?:too|so)\s+(?:many|much)|leav(?:e|ing)\s+(?:out|away)|skip(?:ping)?|omit(?:ting)?|forget(?:ting)?"
    rf"|(?<!the )(?<!\ba )(?<!big )(?<!huge )drop(?:ping)?|los(?:e|ing)|remov(?:e|ing)"
    rf"|mut(?:e|ing)|exclud(?:e|ing)|weglassen|vergessen)(?!\w)"
)
USELESS = re.compile(
    r"[^.;!?\n,]{0,40}?\b(?:(?:is|are|be|feels?|sounds?|seems?|ist|klingt|klang|est|es|e|would\s+be"
    r"|=)\s+(?:\w+\s+){0,2}?(?:useless|boring|nothing|pointless|worthless|empty|dull|dead|incomplete|wrong|unthinkable"
    r"|impossible|unacceptable|sad|bland|no\s+(?:good|fun|use|option|go)|not\s+(?:\w+\s+)?(?:good|acceptable"
    r"|an?\s+option|enough|music|possible|rock|funk)|nix|nichts|langweilig|leer|undenkbar|nul|triste|nada|impossible"
    r"|aburrid\w+|noios\w+)|(?:doesn't|does\s+not|don't|won't|can't|isn't|geht\s+nicht|nicht\s+denkbar|lacks?"
    r"|wouldn't)\b)|[^.;!?\n,]{0,16}\?\s*(?:no\s+way|never|nope|are\s+you)"
)
ASKED = re.compile(r"\b(?:what(?:'s|\s+is|\s+would)|who\s+(?:wants|needs)|was\s+ware|que\s+serait)\b[^.;!?\n]{0,24}$")
WHY = re.compile(r"\b(?:why|how\s+come|warum|wieso|pourquoi|perche)\b[^.;!?\n]{0,24}$")
REVOKED = re.compile(
    r"\s*\??\s*[,.!?-]*\s*(?:no\s+(?:way|thanks|thank\s+you)\W*(?:give|i\s+want|bring)|never!|of\s+course\s+(?:not"
    r"|with)|are\s+you\s+(?:kidding|crazy|joking)|(?:but\s+)?(?:i|we)\s+(?:do\s+)?(?:love|want|like|need|adore)\s+(?:them|it"
    r"|those)\b)"
)
STOP = (
    r"but|just|only|please|pls|plz|thx|thanks|instead|rather|like|with|at|in|whatsoever|anywhere|ever|this|because|so"
    r"|then|on|to|from|until|till|is|are|was|be|for|if|that|which|who|it|its|as|even|no|not|without|and|or|nor|neither"
    r"|yet|when|while|into|over|under|by|i|you|we|though|n|vibes?|stuff|thing|things|feel|feeling|sound|sounds|style"
    r"|genre|music|anymore|here|there|again|today|either|also|maybe|very|all|any|during|of|aber|sondern|lieber|bitte"
    r"|nur|mit|und|oder|noch|dafur|im|in|zum|auf|sein|haben|musik|verwenden|benutzen|mais|juste|seulement|avec|svp"
    r"|s'il|et|ou|ni|dans|plutot|musique|pero|con|por|favor|y|o|e|en|musica|sino|ma|per|soltanto|oppure|mas|somente"
    r"|com|ou|so|graag|maar|alleen|wel|alsjeblieft|of|met|i|а|но|только|и|с|как|po|prosze|ale|tylko"
)
WORD = re.compile(rf"(?!(?:{STOP})(?![\w'-]))(?:\d+/\d+|[\w'&#+°-]*\w)")
MORE = re.compile(r"\s*(?:,\s*)?(?:(?:or|nor|oder|noch|ou|ni|ne|nem|o|и|или)\s+|/\s*(?=\w))" + ARTICLES.pattern)
COMMA = re.compile(r"\s*,\s*")
AND = re.compile(r"\s*(?:and|&|und|et|y|e|en)\s+" + ARTICLES.pattern)
TAIL = re.compile(
    r"(?:\s+(?:at\s+all|whatsoever|anywhere|please|feel|section|vibes?|stuff|music|thing|genre|style|this\s+time"
    r"|of\s+any\s+(?:sort|kind)|either|anymore|again|for\s+once|bitte|por\s+favor|per\s+favore|svp|thx|pls))+(?!\w)"
)
_NO = "no|nope|nah|nein|non|nao|niet|nie|nej|nei|нет|\u03cc\u03c7\u03b9"
_THINGS = rf"(?:the\s+)?(?P<what>{MUSIC.pattern}(?:\s+(?:and|or|und)\s+{MUSIC.pattern})?)"
# Words that refuse what stands before them, or around.
LATER = re.compile(
    rf"(?<![\w-])(?=\w){_THINGS}\s*(?:(?:(?:is|are)\s+)?(?:not\s+|un-?)(?:wanted|needed|allowed|welcome|necessary"
    rf"|required)|(?:(?:is|are)\s+)?(?:forbidden|banned|gone|removed|muted)\b|(?:is|are)\s+out\b|would\s+(?:ruin|spoil"
    rf"|kill)(?:\s+(?:it|this|everything))?|sucks?\b|[\"']?\s*[:=]\s*[\"']?(?:none|no|off|0|false|nein|keine?|aus|sans|non"
    rf"|nessun[ao]?|ninguna?|nenhuma?)\b|\?\s*(?:no\s*(?:,|thanks?|thank\s+you|$)|nope|nah|nein\b|never\b"
    rf"|not?\s+for)(?!\s*way)(?:\s*(?:thanks?|thank\s+you|this|danke))*|(?:should\s+|can\s+|must\s+|may\s+"
    rf"|will\s+)?(?:stays?|remains?)\s+(?:(?:at\s+)?home|out|away|off|silent|in\s+the\s+(?:van|case|box))|(?:has|have"
    rf"|gets?|takes?)\s+(?:a|the)\s+(?:day|night|evening|week|song|track)\s+off|(?:brauche?n?|will|mag"
    rf"|mochte)\s+(?:ich|wir)\s+(?:hier\s+)?nicht|(?:lieber\s+)?weg(?:lassen)?\b|raus\b|streichen|(?:{_NO})"
    rf"(?=\s*(?:$|[,.;!?]))|interdit\w*|verboten|vietat\w*|proibid\w*|prohibid\w*|(?:non|no|не|ne)\s+(?:serv\w+"
    rf"|нуж\w+)|olmasin\w*|istem\w+|don't\s+belong(?:\s+(?:in|here))?|(?:are|is)\s+not\s+an\s+option|tacet|\(\s*(?:off"
    rf"|none|no)\s*\)|(?:are\s+)?off\b(?!\s*-?beat)|-?free\b|nicht\b|weglassen|verboten)"
)
# How what stands around begins.
AROUND_BEGINS = re.compile(r"(?<!\w)(?:keep|leave|take|cut|get|kick|throw|switch|turn|send|give|auf|lass)|s[iu]z")


@lru_cache(maxsize=1)
def around() -> re.Pattern[str]:
    """Words that refuse what stands between them; long to compile, and few texts have what begins one."""
    return re.compile(
        rf"(?<!\w)(?:keep|leave|take|cut|get|kick|throw|switch|turn|send)\s+{_THINGS}\s+(?:out|off|away|aside|behind"
        rf"|(?:at\s+)?home)(?:\s+of\s+(?:it|this))?(?!\w)|(?<!\w)give\s+{_THINGS.replace('what', 'rested')}\s+(?:(?:a"
        rf"|the)\s+)?(?:day|night|evening|break|rest)(?:\s+off)?(?!\w)"
        rf"|(?<!\w)auf\s+{_THINGS.replace('what', 'spared')}\s+(?:bitte\s+)?verzichten"
        rf"|(?<!\w)lass\w*\s+(?:das\s+|die\s+|den\s+)?{_THINGS.replace('what', 'left')}\s+weg(?!\w)"
        r"|(?P<less>davul|vurmali|gitar|vokal)s[iu]z"
    )


# "Jungle? no. 174 bpm? NO.", of what begins a clause.
ANSWERED = re.compile(
    r"(?:(?<=[?.!,;:\n(])|^)\s*(?:(?:and|or|some|any|an?|the)\s+)*(?!(?:no|not|without|what|who|why|how|when"
    r"|where|can|could|will|would|do|does|is|are|should|may|ready|right|ok(?:ay)?)\b)(?P<what>\w[\w&'/+#-]*"
    r"(?: [\w&'/+#-]+){0,3}?)\s*\?+\s*(?:(?:hell|god|oh)\s+)?(?:no(?:pe)?|nah|nein|non|nao|niet|nie|never)"
    r"(?:[\s,]+(?:thanks?|thank\s+you|please|danke|merci|gracias|obrigad[oa]|grazie))?(?=\s*(?:$|[.,;!)\n]))"
)
# "Pagode no, samba no": a clause of a thing and of what refuses it.
DENIED = re.compile(
    rf"(?:(?<=[?.!,;:\n(])|^)\s*(?:(?:and|y|e|et|und|the|some)\s+)*(?!(?:oh|ach|ah|uh|um|hm+|hey|please|maybe|perhaps|hell|god|yes|well|or|but|say|said"
    rf"|says|certainly|absolutely|definitely|of|claro|por|pero|mas|i|you|we|they|it|that|this)\b)(?P<what>[^\W\d_][\w&'-]*"
    rf"(?: (?!or\b)[\w&'-]+){{0,2}}?)(?:\s+(?:{_NO})(?=\s*(?:$|[,.;!)\n]))"
    rf"|\s*,\s*(?:{_NO})(?=\s*(?:$|[.;\n])))"
)
GENRE_WORDS = re.compile(r"\s+(?:music|songs?|tunes?|tracks?|sounds?|style|genre|musik|musique|musica)(?!\w)")
ALL_BUT = re.compile(r"(?:any|every)thing\s+(?:but|except)")
LISTED = re.compile(r"\s*[,;.&/]?\s*(?:(?:and|or|y|e|et|und)\s+)?")  # between two refusals of one list
# "Omit them", after what is meant.
REFERRED = re.compile(
    rf"(?<!\w)(?:(?:so\s+)?(?:please\s+)?(?:omit|skip|drop|remove|lose|mute|ditch|exclude|avoid|forget|delete|scrap|kill"
    rf"|spare\s+me|keep\s+away|(?:leave|cut|take|keep|get|throw)(?=\s+\w+\s+(?:out|away|off|behind)))|{_NOT}{_WANT})\s+"
    r"(?:them|those|these|any(?:\s+of\s+(?:them|it))?)(?!\s+\w*(?:to\b|with))(?:\s+(?:out|away|off|behind))?"
    r"(?=\s*(?:$|[.,;:!?)\n]|(?:here|in|at\s+all|please|this)\b))"
)
THING_NAMED = re.compile(rf"(?<![\w-])(?:{DRUMS}|{SINGLE_DRUMS}|{VOICES}|{INSTRUMENTS})(?!\w)")
REACH = 80  # signs before it in which it is looked for
_TONIC = r"(?:[A-Ha-h](?:is|es|s(?=[\s-])|#|b|[\s-](?:sharp|flat))?|(?i:do|re|mi|fa|sol|la|si))"
KEY = re.compile(  # "not in C major", "nicht C-Dur", "and not F"
    rf"(?<![\w-])(?i:not|nicht|pas|non|no|nao|niet|nie|never|instead\s+of|rather\s+than|any(?:thing|\s+key)\s+(?:but|except)|statt"
    rf"|не)\s+(?:(?i:in|en|em|im|dans)\s+)?(?:(?i:the\s+)?(?i:key\s+of)\s+)?(?P<what>{_TONIC}[\s-]*(?i:major|minor|dur"
    rf"|moll|majeur|mineur|mayor|menor|maior|maggiore|minore|dorian|mixolydian|phrygian|lydian)(?!\w)|[A-G](?:#|b"
    rf"|[\s-](?:sharp|flat))?m?(?=\s*(?:$|[,;.!?)])))"
)
EASTERN = re.compile(
    r"(?P<what>ドラムス?|パーカッション|打楽器|太鼓|ボーカル|歌|ギター|ピアノ|シンセ|드럼|타악기|보컬|피아노|기타)(?:は|も|を|が|の|은|는|이|을|를)?\s?(?:없이|없는|없게|빼고|빼|말고"
    r"|제외|なし|無し|ナシ|無|抜き|いらな|要らな|不要|使わな|入れな|入ら|やめ|ない)(?:いで|て|い)?|(?:不要|不用|不加|没有|沒有|去掉|无|無|別|别)(?:有|加|用)?\s*(?P<zh>架子鼓|鼓"
    r"|人声|打击乐器?|吉他|钢琴)"
)
ALMOST = re.compile(r"\b(?:with\s+or|almost|nearly|next\s+to|practically|fast|quasi|presque|casi)\s+$")
BEGINNING = re.compile(
    r"\b(?:and|but|or|with|please|absolutely|definitely|strictly|und|aber|mais|pero|ma|mas|maar|ale|men|но|och|og|y|et"
    r"|e|bitte|it|is|said|house|want|so)\s+$"
)
WITHOUT = re.compile(
    r"without|w/out|w/o|ohne|kein|sans|pas d|aucun|sin|nada|ningun|senza|niente|nessun|sem|nenhum|zonder|geen|bez|zadn"
    r"|utan|ing|uden|uten|без|никак"
)
BUT = re.compile(r"except|apart|other|ausser|sauf|salvo|exce|tranne|eccetto")
REFUSED_BEFORE = re.compile(
    r"\b(?:no|not|without|nothing|zero|kein\w*|ohne|nichts|pas|sans|rien|sin|nada|senza|niente|sem)\b[^,.;]*$"
)
# Words that refuse, in any way: where one is left over beside what is read, the reading is in doubt.
REFUSING = re.compile(
    r"(?<![\w-])(?:no|not|non|never|nobody|hardly|barely|scarcely|nowhere|without|none|nor|neither|nothing"
    r"|out(?=\s*(?:$|[,.;!?]))|off|away|stop|avoid\w*|ban|banned|quit|lose|missing|absent|unnecessary|unwanted"
    r"|enough\s+of|too\s+much|useless|spoil\w*|ruin\w*|forbidden|instead\s+of|rather\s+than|what\s+good|who\s+needs"
    r"|less|nicht|nichts|kein\w*|ohne|weg|nein|nie|niemals|pas|sans|jamais|aucune?|ni|rien|interdit\w*|sin|nada|nunca"
    r"|tampoco|prohibid\w*|senza|niente|mai|vietat\w*|sem|nao|nem|proibid\w*|geen|niet|zonder|bez|zadn\w+|utan|inga"
    r"|inte|ikke|uden|uten|ingen|ei|ilman|nelkul|nem|fara|nu|yok|olmasin|istem\w+|без|не|нет|ни|нельзя|χωρ[ιί]ς"
    r"|[οό]χι)(?![\w-])|n't(?!\w)|ない|なし|不|没|无|없|빼"
)
BESIDE = re.compile(
    r"\W*(?:(?:and|or|nor|but|also|und|oder|aber|auch|et|ou|mais|y|o|e|ma|mas|i|a|en|of|maar|only|just|nur|with|mit"
    r"|avec|con|com|и|а|но)\W+)*"
)
SIGNS = re.compile(r"[,;:.!?\n()|]")
MOST = 12  # things that one word refuses
NEGATED = re.compile(r"(?:don't|do\s+not|never|not)\s+(?:ever\s+)?$")
LESS = re.compile(
    r"(?<!\w)(?P<what>drum|beat|vocal|percussion|rhythm)-?less(?!\w)|(?<!\w)(?:no|non|sans|zero|without"
    r"|ohne)-?(?P<joined>drums?|percussion|percussive|beats?|vocals?|batterie|schlagzeug)(?!\w)"
)
PARTLY = re.compile(
    r"\s*(?:until|till|before|after|at\s+first|from\s+(?:\d|the\s+(?:start|middle|drop|chorus))|(?:the\s+)?(?:first|second|last)\s+(?:half|part|section)|at\s+the\s+(?:start|beginning|end)|(?:in|during|for)\s+the\s+(?:intro"
    r"|verse|first|beginning|start|bridge|breakdown|chorus|outro|last)|bis\s+zum|hasta|jusqu)"
)
OF_PART = re.compile(
    r"\b(?:intro|introduction|opening|beginning|start|verses?|breakdown|bridge|outro|ending|first\s+(?:part|half|section))"
    r"\s*(?:is\s+|comes\s+|goes\s+|-\s*|:\s*|\(\s*)?$"
)
