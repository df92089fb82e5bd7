"""Words of music that the readers know: styles, drums, voices, instruments, moods. In plain form: no accents.

A style that is not here is still heard by the text encoder; those here are named in the plan, and can be refused in the
middle of a sentence.
"""

from __future__ import annotations

import re

from .text import Text

# Style -> its other names, in any language.
STYLES = {
    "acid jazz": "", "afrobeat": "afrobeats?", "ambient": "", "aor": "",
    "ballad": "ballads?|ballade[ns]?|balada|ballata", "baroque": "barock|barroco|barocco", "bebop": "be-?bop|bop",
    "big band": "bigband", "black metal": "", "bluegrass": "", "blues": "блюз|ブルース", "bolero": "",
    "boogie": "boogie-woogie", "boom bap": "boom-bap", "bossa nova": "bossa|bossanova|боссанова|ボサノバ",
    "breakbeat": "", "breakcore": "", "britpop": "", "cabaret": "", "celtic": "keltisch|celta|celtique",
    "chillout": "chill-?out", "chillwave": "", "chiptune": "chip tune|8-?bit|chiptunes", "choro": "",
    "chorale prelude": "choralvorspiel", "cinematic": "", "city pop": "シティポップ",
    "classical": "klassisch|classique|clasica|classica", "country": "", "cumbia": "", "dancehall": "",
    "dark ambient": "", "death metal": "", "deep house": "", "disco": "", "disco polo": "", "doo-wop": "doo ?wop",
    "doom metal": "doom", "downtempo": "", "drone": "", "drum and bass": "drum ?& ?bass|drum ?'?n'? ?bass|dnb|d&b",
    "dub": "", "dub techno": "", "dubstep": "", "edm": "", "electro": "", "electro swing": "", "electronica": "",
    "electronic": "elektronisch", "emo": "", "euro disco": "eurodisco", "eurodance": "", "fado": "", "flamenco": "",
    "folk": "folklore|fo?lk music", "footwork": "", "forro": "", "foxtrot": "foxtrott", "free jazz": "",
    "french house": "", "frevo": "", "fugue": "fuga|fuge", "funk": "фанк", "future bass": "", "future garage": "",
    "gabber": "", "garage": "uk garage|2-step", "glitch": "", "goa": "goa trance", "gospel": "", "gothic": "",
    "grime": "", "grindcore": "", "groove metal": "", "grunge": "",
    "gypsy jazz": "jazz manouche|manouche|gypsy swing", "hard bop": "", "hard rock": "", "hardcore": "",
    "hardstyle": "", "heavy metal": "", "hip hop": "hip-?hop|хип-?хоп|ヒップホップ", "honky tonk": "honky-tonk",
    "hornpipe": "hornpipes", "house": "хаус", "hyperpop": "", "idm": "", "indie": "", "indie folk": "", "indie pop": "",
    "indie rock": "", "industrial": "", "italo disco": "", "j-pop": "jpop",
    "jazz": "джаз|ジャズ|爵士", "jazz fusion": "",
    "jig": "gigue|jigs", "jungle": "", "k-pop": "kpop", "kizomba": "", "klezmer": "", "latin": "",
    "liquid drum and bass": "liquid dnb", "lo-fi": "lofi|lo fi",
    "lo-fi hip hop": "lofi hip-?hop|lo-fi hip-hop|lofi hiphop", "lounge": "",
    "lullaby": "lullabies|wiegenlied|berceuse|nana|ninna nanna", "mambo": "", "maracatu": "",
    "march": "marsch|marche|marcha|marcia|marcetta|марш", "mariachi": "", "math rock": "",
    "mazurka": "mazurkas|mazurek|mazurca",
    "melodic techno": "", "merengue": "", "metal": "метал", "metalcore": "", "minimal techno": "",
    "minuet": "menuet|menuett|minuetto|minuets", "motown": "", "musette": "", "neo soul": "neo-soul", "new age": "",
    "new wave": "", "nocturne": "nocturno|notturno|ноктюрн", "nu metal": "", "opera": "", "orchestral": "orkestraal",
    "partido alto": "", "phonk": "", "pop": "поп", "pop punk": "pop-punk", "pop rock": "", "polka": "polkas|polca",
    "post-rock": "post rock", "prog rock": "progressive rock|prog", "progressive house": "",
    "psytrance": "psy-?trance", "punk": "панк", "punk rock": "", "r&b": "rnb|r'?n'?b|r and b", "ragtime": "rag",
    "rap": "рэп", "rave": "", "reel": "reels", "reggae": "регги|レゲエ", "reggaeton": "reggeaton|regueton|regeton",
    "rock": "рок|ロック", "rock and roll": "rock ?'?n'? ?roll|rock & roll", "rockabilly": "", "rumba": "rumba flamenca",
    "salsa": "", "samba": "", "sarabande": "zarabanda", "schlager": "", "sea shanty": "shanty|sea shanties",
    "shoegaze": "", "ska": "", "slip jig": "slip jigs", "soft rock": "", "son cubano": "", "soul": "",
    "soundtrack": "colonna sonora|bande originale|banda sonora|filmmusik", "southern gospel": "", "stride": "",
    "surf rock": "surf", "swing": "", "synth pop": "synthpop|synth-pop", "synthwave": "synth wave|retrowave|outrun",
    "tango": "tangos|танго", "tarantella": "tarantelle|tarantelas?", "tech house": "tech-house",
    "techno": "техно|テクノ", "timba": "",
    "trance": "транс", "trap": "", "trip hop": "trip-hop", "tropical house": "", "vaporwave": "",
    "waltz": "waltzes|walzer[ns]?|valses?|valzer|valsa|vals|wals|walc|вальс|ワルツ", "western swing": "", "worship": "",
}  # fmt: skip
# Styles that are words of the day, too, and what makes these of them.
_HOMES = frozenset(
    "house garage march trap rave industrial rock metal country soul jungle disco lounge western opera drone"
    " gothic surf cabaret swing grime glitch reel stride bop pop classical baroque folk gospel"
    " worship rag rap funk electro electronic ambient cinematic".split()
)
_SCENE_AFTER = re.compile(
    r"\s*(?:(?:of\s+|at\s+|amount\s+)?[:=]?\s*\d\d\s*%|searching|up\b|tales?\b|mate\b|sale|doors?\b|workshop|detector|climb|garden|bottom|quiz|sets?\b|keeping"
    r"|warming|mates?\b|yard|hands|lullab|studio|school|teacher|exchange|plate|gate|genre\b|:\s*[a-z]+way|roads?\b"
    r"|side\b|party\b|cleaning|move\b|guitar|level|scene|world\b|map\b|stage\b|temple|animals?|cave|forest|explor"
    r"|documentar|cat\b|gym\b|books?\b|adventure|tribe|house\b|of\s+(?:the|my|a|penguin)|complex|area|zone|estate"
    r"|building|plant\b|machine(?:ry)?|noise|creak|scrap|fence|box\b|pool|bar\b|floor|ball\b|lights?\b|movie|town"
    r"|life\b|border|fair\b|club\b|hall\b|singers?\b|card|file|bridge|window|church|castle|novel|beach|board|stone"
    r"|star\b|numbers?\s+\d|nr)"
)
_SCENE_BEFORE = re.compile(
    r"\b(?:(?:in|my|our|the|a|your|this|old|of|on)(?: the)?|(?:about|set in|through|into|inside|across|near|behind"
    r"|beneath|from|at|around|deep in)(?: (?:the|a|an|my|our|your|this|his|her|their))?(?: [\w-]+)?|for (?:a|the|my"
    r"|our) [\w-]+|soap|space) $"
)
_SOUNDS = re.compile(
    r"[\s-]*(?:(?:track|beat|song|groove|tune|music|loop|style|vibes?|anthem|banger|mix|feel|piece|instrumental|riff"
    r"|jam|number|band|drums?|bass|bassline|piano|ballad)s?(?!\w)|\d|,?\s*\d+\s*bpm)"
)
ABOUT = re.compile(
    r"\b(?:about|documentary on|history of|podcast on|called|titled|named|hates?|hated|loves?|quiz on"
    r"|museum of)\s+(?:the\s+)?[\"']?$"
)
MUSICAL = re.compile(
    r"[\s-]*(?:$|[,;.:!?()\n|/+&]|(?:track|beat|song|groove|tune|music|loop|style|vibes?|anthem|banger|mix|feel|piece"
    r"|instrumental|ballad|riff|jam|number|band|drums?|bass|bassline|piano|at|in|with|without|and|but|for|is|no|mit"
    r"|con|com|avec|met|z|ohne|sans|sin|senza|sem|\d)(?!\w))"
)

# Nouns that make an article of an A before "minor" or "major", or a rank of the mode.
RANKED = re.compile(
    r"[\s-]+(?:key|mode|mood|label|league|tom|point|detail|inconvenien\w+|problems?|issues?|updates?|fix\w*"
    r"|complaints?|leak|budget|part|role|hits?|success|changes?|setbacks?|incidents?|injur\w+|accidents?|mistakes?"
    r"|miracles?|traged\w+|cit(?:y|ies)|events?|roads?|differences?|concerns?|scandals?|holidays?|upgrades?|works?"
    r"|deal|figure|victory|defeat|planet|character|annoyance|disaster|crisis|headache|artist|studio|company|feat"
    r"|improvement|repairs?|scratch|bug|glitches?|delay|in\s+(?:college|history|music|english|math|art|physics|biology"
    r"|literature)|chords?|sevenths?|offen[cs]e|wound|thing|one\b|and\s+(?:a\s+)?major|breakup|crush|rush"
    r"|announcement)"
)
# Drums and percussion as a whole, in any language; then single ones of the world.
DRUMS = (
    r"drum ?(?:kits?|machines?|sets?|beats?|tracks?|loops?|parts?|fills?|solos?|circles?)|drumlines?|(?:live |full "
    r"|jazz |rock |808 |909 )kit|drumm(?:ers?|ing)|drums?|percussions?|percussionists?|percussive \w+|blast[ -]?beats?"
    r"|back ?beats?|d-beat|amen break|beats? to (?:study|relax|chill|work|rap)|trommer|trumm(?:or|a|an)|trummer"
    r"|bici(?:ch)?|tambor(?:es)?|tambours?|tambur[io]|trommeln|schlag(?:zeug|werk|instrument)\w*|perkussion\w*"
    r"|drumcomputer|beat ?box(?:e[sr])?|batterie|percusion(?:es)?|bateria|percuss(?:ao|oes)|percussioni?|batteria"
    r"|slagwerk\w*|slagtoj|slagverk|perkusj[aei]|perkusista|beben\w*|bebn\w+|bubn\w+|bicie|rummut|lyomasoitt\w+|dobok"
    r"|dobbal|dobos|dob|rumpu\w*|utohangszer\w*|vurmali\w*|davul\w*|(?:cu )?tobe(?=[ ,.;]|$)(?! or| honest)|percutie"
    r"|ударн\w+|барабан\w*|перкусси\w+|тъпан\w*|тарамбук\w*|ντραμς|κρουστ[αά]|ταμπο[υύ]ρλο|τ[υύ]μπανα|ドラムス?|打楽器"
    r"|パーカッション|太鼓|鼓|打击乐器?|드럼|타악기|장구|북소리"
)
PULSE = r"beats?|rhythm|rhythms|rhythmus|ritmo|rythme"  # when they are refused, so are the drums
SINGLE_DRUMS = (
    r"(?:tr-?)?(?:808|909|707)s?(?: kit)?|linn ?drum|snares?(?: drums?)?|(?:double |bass |sub )?kicks?(?: drums?)?"
    r"|bass ?drums?(?:ming)?|double bass drum(?:s|ming)?|hi-? ?hats?|(?:open|closed|crisp|rolling|offbeat|off-beat"
    r"|trap|shuffled|swung) hats|(?:crash |ride |finger |splash )?cymbals?|ride(?=[, ]+(?:and|pattern|cymbal|bell))"
    r"|brush(?:es|ed)|congas?|bongos?|breakbeats?|breaks|toms|floor tom|tom-?toms?|[a-z]*-?(?:taikos?|daiko)"
    r"|cajon(?:es)?|pandeir(?:os?|etas?)|tambourines?|tambourins?|tamborim|tamborins|tambori[ln]\w*|tambur(?:ell|in"
    r"|o\b)\w*|tambora|bodhrans?|timbal(?:es)?|darbuka|darabukka|doumbek|dumbek|tombak|zarb|tablas?|djembes?|dunduns?"
    r"|surdos?|repiniques?|cuica|zabumba|atabaques?|alfaias?|agogos?|ganzas?|chocalho|reco-?reco|maracas|guiro|guira"
    r"|clave[s]?|shakers?|cabasa|caxixi|caixa|rullante|(?:kleine[rn]? |grosse[rn]? )?trommel|pauken?|timpan[io]s?"
    r"|timbals?|kettle ?drums?|cow ?bells?|woodblocks?|temple blocks?|(?:hand ?|finger ?)?claps?|hand ?clapping"
    r"|finger snaps|(?:foot )?stomps|rim ?shots?|rim ?clicks?|cross-?stick|ghost notes|triangulo"
    r"|(?<!love )triangles?(?! (?:wave|shape|synth|of|osc))|besen|escobillas|spazzole|aux balais|palmas|tam-?tams?"
    r"|gongs?|dhols?|dholaks?|dholki|mridangam|pakhawaj|ghatam|kanjira|daf|riqq?|bendir|frame ?drums?|talking drums?"
    r"|tapans?|tupans?|davul|naqareh|naqqara|nagara|nakers|kendang|kulintang|janggu|tsuzumi|bombos?|quijada"
    r"|bata(?: drums?)?|batucada|redoblante|platillos|castanets|castanuelas|castagnette|caisses? claires?"
    r"|grosses? caisses?|cymbales|gran ?cassa|piatti|tamburi militari|becken|beckenschlage|tromm(?:el|le)\w*"
    r"|wash ?boards?|slit drum|hang ?drum|handpan|udu|bell pattern|steel ?(?:pans?|drums?)|ashiko|berimbau|cencerro"
    r"|guacharaca|hosho|gankogui|kpanlogo|tassa|cununos?|crotales?|tabor|lambeg|madal|mazhar|panderos?|panderetas?"
    r"|rebana|rebolo|tan-?tan|thavil|chenda|edakka|parai|urumi|udukkai|taphon|tumbadoras?|shekere|xequere|sistrum"
    r"|vibraslap|zills|ratchet|bell tree|mark tree|anvil|tarolas?|huehuetl|teponaztli|txalaparta|lagerphone|stomp ?box"
    r"|schellen\w*|rasseln?|zimbeln|kastagnetten|castagnettes|werbel\w*|grzechotk\w*|guache|kashaka|(?:side|tenor"
    r"|field|military) drums?|goblet drum|ngoma|sabar|mbalax drums|dondo|bougarabou|krakebs?|qraqeb|qarqaba|tar drum"
    r"|pow-?wow drum|four[\s-](?:on|to)[\s-]the[\s-]floor|4[\s-](?:on|to)[\s-]the[\s-]floor|tanggu|малый барабан|бубен"
    r"|бубны|литавры|тарелки|дарбука|スネア|シンバル|ティンパニ|タンバリン|ボンゴ|コンガ|カホン|锣|꽹과리|사물놀이|징"
)
VOICES = (
    r"vocals?|vox|voices?|sing(?:ing|ers?)?|sung|lyrics?|chorus singers|rapp(?:er|ing)|raps|vocalists?|humming|gesang"
    r"|stimmen?|sanger(?:in)?|text|voix|chant|chante\w*|paroles|voz|voces|canto|cantante|letra|voce|voci|testo|vozes"
    r"|vocais|zang|stem|вокал\w*|голос\w*|пени[ея]|ボーカル|歌|wokal\w*|spiew\w*|speech|spoken words?|narrat(?:ion|or)"
)
INSTRUMENTS = (
    r"(?:electric |acoustic |upright |double |bowed |slap |bass |fretless |steel |lead |rhythm |nylon )?(?:guitars?"
    r"|bass(?:es)?|pianos?)|hats|choirs?|chor|humming|keys|keyboards?|synths?|synthesi[sz]ers?|organs?|hammond|leslie"
    r"|rhodes|wurlitzer|clav(?:inet)?|harpsichord|harps?|strings?|violins?|violas?|cellos?|fiddles?|orchestra|brass"
    r"|trumpets?|trombones?|horns?|tubas?|sax(?:ophones?)?|flutes?|clarinets?|oboes?|bassoons?|bagpipes?|accordions?"
    r"|harmonicas?|banjos?|mandolins?|ukuleles?|sitars?|bells?|marimbas?|vibraphones?|xylophones?|glockenspiel|celesta"
    r"|pads?|leads?|arps?|arpeggios?|airhorns?|sirens?|whistles?|theremin|solos?|guitar solos?|baixo|basse|basso|bajo"
    r"|contrabass\w*|kontrabass\w*|saxofon\w*|saksofon|flaut[oi]|flautas?|klavier|gitarren?|geigen?|orgel|flote"
    r"|trompeten?|streicher|blaser|guitare|violons?|piano|cuivres|cordes|guitarras?|violines|violin|metales|cuerdas"
    r"|chitarre?|violini?|archi|ottoni|pianoforte|violao|sanfona|cavaquinho|instruments?|instrumente|pedal|vibrato"
    r"|reverb|autotune|samples?|effects?|fx|distortion|melod(?:y|ies)|basslines?|drops?|fades?|intro|outro"
    r"|(?:chord|key|tempo) changes|chords?"
    r"|risers?|noise|hiss|whistling|clapping|beat ?boxing|shouting|screaming|screams|growls|growling|chanting"
    r"|strumming|yelling"
)
MOODS = (
    r"slow|fast|quick|vite|snel|szybko|wolno|schnell|langsam|rapide|lent|lento|rapido|veloce|upbeat|calm|sad|happy"
    r"|dark|cheesy|kitschy|epic|dramatic|scary|creepy|aggressive|angry|loud|harsh|noisy|busy|bright|depressing|gloomy"
    r"|melancholic|romantic|cute|childish|corporate|boring|fancy|sentimental|dissonant|distorted|heavy|jazzy|poppy"
    r"|modern|vintage|retro|electric|acoustic|electronic|digital|fancy|corny|sappy|schmaltzy|traurig|frohlich|dunkel"
    r"|laut|triste|triste|alegre|oscuro|allegro|gai|sombre|cheerful|intense|minor|major"
)  # fmt: skip


def _names() -> tuple[re.Pattern[str], dict[str, str]]:
    forms: dict[str, str] = {}
    for style, others in STYLES.items():
        forms[style] = style
        for other in filter(None, others.split("|")):
            forms[other] = style
    longest = sorted(forms, key=len, reverse=True)
    groups = "|".join(form.replace(" ", r"[\s-]") for form in longest)
    return re.compile(rf"(?<![\w-])(?=\w)(?:{groups})(?!\w)"), forms


STYLE, _FORMS = _names()
NAMED = re.compile(rf"(?<![\w-])(?:{DRUMS}|{SINGLE_DRUMS}|{PULSE}|{VOICES}|{INSTRUMENTS}|{MOODS})(?!\w)")
DRUM = re.compile(rf"(?<![\w-])(?:{DRUMS}|{SINGLE_DRUMS})(?!\w)")
MUSIC = re.compile(NAMED.pattern.removeprefix(r"(?<![\w-])"))
_EXACT = [(re.compile(form), style) for form, style in _FORMS.items() if re.search(r"[?+*\[]", form)]


def style_named(text: str) -> str:
    """The style that a match of STYLE names."""
    plain = " ".join(text.lower().replace("-", " ").split())
    for form in (text.lower(), plain, plain.replace(" ", "-")):
        if form in _FORMS:
            return _FORMS[form]
    return next((style for form, style in _EXACT if form.fullmatch(text) or form.fullmatch(plain)), plain)


def is_style(text: str, start: int, end: int) -> bool:
    """Whether a style's name at a place of a text in lower case means the style: not a "garage sale" or "my house"."""
    word = text[start:end]
    before = text[max(0, start - 40) : start]
    if re.search(r"\b(?:chitarra|guitarra|guitare|gitarre) $", before):
        return False  # "chitarra classica"
    if word not in _HOMES:
        return True
    return not _SCENE_AFTER.match(text, end) and not (_SCENE_BEFORE.search(before) and not _SOUNDS.match(text, end))


def read_styles(text: Text) -> tuple[str, ...]:
    """The styles that are asked for, in order. Their words stay in the prompt: the text encoder hears them."""
    found: dict[str, None] = {}
    refused = {style_named(m[0]) for m in STYLE.finditer(text.lower) if text.is_refused(*m.span())}
    for match in text.find(STYLE):
        if not is_style(text.lower, *match.span()):
            continue
        style = style_named(match[0])
        theme = ABOUT.search(text.before(match.start()))
        if style in refused:
            text.takes("genre", match.span(), "left open", "it is both named and refused")
            continue
        found[style] = None
        if theme or match[0] in _HOMES and not (text.begins(match.start()) or MUSICAL.match(text.lower, match.end())):
            text.takes("genre", match.span(), style, "a style, or a thing that has the same name: read as the style")
        else:
            text.says("genre", match.span(), style)
    return tuple(found)


def other_scale(words: str) -> str:
    """Why the scale of a key is another one than it is called; "" for one that a plan knows."""
    scale = re.search(r"melodic|pentatonic", words)
    return f"the plan knows no {scale[0]} scale: it is the usual one of that mode" if scale else ""
