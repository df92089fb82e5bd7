"""Words of music that the readers know: styles, drums, voices, instruments, moods. In plain form: no accents.

A style that is not here is still heard by the text encoder; those here are named in the plan, and can be refused in the
middle of a sentence.
"""

from __future__ import annotations

import re

from .text import Text

# Style -> its other names, in any language.
STYLES = {
    "a cappella": "a cap+ella|acap+ella", "acid jazz": "", "afrobeat": "afrobeats?", "ambient": "", "aor": "",
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
    "hornpipe": "", "house": "хаус", "hyperpop": "", "idm": "", "indie": "", "indie folk": "", "indie pop": "",
    "indie rock": "", "industrial": "", "italo disco": "", "j-pop": "jpop",
    "jazz": "джаз|ジャズ|爵士", "jazz fusion": "",
    "jig": "gigue", "jungle": "", "k-pop": "kpop", "kizomba": "", "klezmer": "", "latin": "",
    "liquid drum and bass": "liquid dnb", "lo-fi": "lofi|lo fi",
    "lo-fi hip hop": "lofi hip-?hop|lo-fi hip-hop|lofi hiphop", "lounge": "",
    "lullaby": "wiegenlied|berceuse|nana|ninna nanna", "mambo": "", "maracatu": "",
    "march": "marsch|marche|marcha|marcia|marcetta|марш", "mariachi": "", "math rock": "", "mazurka": "",
    "melodic techno": "", "merengue": "", "metal": "метал", "metalcore": "", "minimal techno": "",
    "minuet": "menuet|menuett|minuetto", "motown": "", "musette": "", "neo soul": "neo-soul", "new age": "",
    "new wave": "", "nocturne": "nocturno|notturno|ноктюрн", "nu metal": "", "opera": "", "orchestral": "orkestraal",
    "partido alto": "", "phonk": "", "pop": "поп", "pop punk": "pop-punk", "pop rock": "", "polka": "",
    "post-rock": "post rock", "prog rock": "progressive rock|prog", "progressive house": "",
    "psytrance": "psy-?trance", "punk": "панк", "punk rock": "", "r&b": "rnb|r'?n'?b|r and b", "ragtime": "rag",
    "rap": "рэп", "rave": "", "reel": "", "reggae": "регги|レゲエ", "reggaeton": "reggeaton|regueton|regeton",
    "rock": "рок|ロック", "rock and roll": "rock ?'?n'? ?roll|rock & roll", "rockabilly": "", "rumba": "rumba flamenca",
    "salsa": "", "samba": "", "sarabande": "zarabanda", "schlager": "", "sea shanty": "shanty|sea shanties",
    "shoegaze": "", "ska": "", "slip jig": "", "soft rock": "", "son cubano": "", "soul": "",
    "soundtrack": "colonna sonora|bande originale|banda sonora|filmmusik", "southern gospel": "", "stride": "",
    "surf rock": "surf", "swing": "", "synth pop": "synthpop|synth-pop", "synthwave": "synth wave|retrowave|outrun",
    "tango": "танго", "tarantella": "", "tech house": "tech-house", "techno": "техно|テクノ", "timba": "",
    "trance": "транс", "trap": "", "trip hop": "trip-hop", "tropical house": "", "vaporwave": "",
    "waltz": "waltzes|walzer[ns]?|valses?|valzer|valsa|vals|wals|walc|вальс|ワルツ", "western swing": "", "worship": "",
}  # fmt: skip
# Words that make something else of a style that stands before them, or after.
NOT_A_STYLE = re.compile(
    r"\s*(?:sale|doors?\b|workshop|detector|climb|garden|bottom|quiz|sets?\b|keeping|warming|mates?\b|yard|hands|"
    r"lullab|studio|school|teacher|exchange|plate|gate|genre\b|:\s*[a-z]+way|roads?\b|side\b|party\b|cleaning"
    r"|move\b|guitar)"
)
BEFORE_A_STYLE = re.compile(r"\b(?:in|my|our|the|a|your|this|old|of|on) (?:the )?$")
_HOMES = (
    "house",
    "garage",
    "march",
    "trap",
    "rave",
    "industrial",
    "rock",
    "metal",
    "country",
    "soul",
)  # words of the day

# Drums and percussion as a whole, in any language; then single ones.
DRUMS = (
    r"drum ?(?:kits?|machines?|sets?|beats?|tracks?|loops?|parts?)|drumm(?:er|ing)|drums?|percussions?|percussive \w+"
    r"|trummor|bici(?:ch)?|드럼|trommeln?|tambores|tambours?|tamburi"
    r"|schlagzeug\w*|schlagwerk|perkussion|drumcomputer|beat ?boxe?s?"
    r"|batterie|percusion(?:es)?|bateria|percuss(?:ao|oes)|percussioni?|batteria|slagwerk|perkusj[aei]|perkusja"
    r"|bebn\w+|bubnj\w+"
    r"|ударн\w+|барабан\w*|перкусси\w+|ドラム|打楽器|パーカッション|鼓"
)
PULSE = r"beats?|rhythm|rhythms|rhythmus|ritmo|rythme"  # when they are refused, so are the drums
SINGLE_DRUMS = (
    r"808s?|909s?|snares?(?: drums?)?|(?:double |bass|kick|bass )?kicks?(?: drums?)?|kick ?drums?|bass ?drum"
    r"|bassdrum|hi-? ?hats?|(?:open|closed|crisp|rolling|offbeat|off-beat|trap) hats"
    r"|cymbals?"
    r"|ride(?=[, ]+(?:and|pattern|cymbal|bell))|brush(?:es|ed)|congas?|bongos?|breakbeats|breaks|toms"
    r"|tom-?toms?|taikos?|cajon(?:es)?|pandeiros?"
    r"|pandeireta"
    r"|tambourines?|tamborim|tamborins|tamburin\w*|bodhrans?|timbales?|darbuka|darabukka|doumbek|tablas?|djembes?"
    r"|surdos?"
    r"|cuica|zabumba|atabaques?|alfaias?|maracas|guiro|clave[s]?|shakers?|caixa|rullante|(?:kleine[rn]? |grosse[rn]?"
    r" )?trommeln?|pauken"
    r"|timpani|cowbells?|hand ?claps?|claps|rimshots?|triangulo|besen|escobillas|palmas|tamtam|gongs?|dhol|mridangam"
    r"|four[\s-](?:on|to)[\s-]the[\s-]floor|4[\s-](?:on|to)[\s-]the[\s-]floor|tanggu|becken|tromm\w+|малый барабан"
)  # fmt: skip
VOICES = (
    r"vocals?|vox|voices?|sing(?:ing|ers?)?|sung|lyrics?|chorus singers|rapp(?:er|ing)|raps|vocalists?"
    r"|humming"
    r"|gesang|stimmen?|sanger(?:in)?|text|voix|chant|chante\w*|paroles|voz|voces|canto|cantante|letra|voce|voci"
    r"|testo"
    r"|vozes|vocais|zang|stem|вокал\w*|голос\w*|пени[ея]|ボーカル|歌|wokal\w*|spiew\w*|speech"
    r"|spoken words?|narrat(?:ion|or)"
)
INSTRUMENTS = (
    r"(?:electric |acoustic |upright |double |bowed |slap |bass |fretless |steel |lead |rhythm |nylon )?(?:guitars?"
    r"|bass(?:es)?|pianos?)"
    r"|hats|choirs?|chor|humming|keys|keyboards?|synths?|synthesi[sz]ers?|organs?|hammond|leslie|rhodes|wurlitzer"
    r"|clav(?:inet)?|harpsichord"
    r"|harps?"
    r"|strings?|violins?|violas?|cellos?|fiddles?|orchestra|brass|trumpets?|trombones?|horns?|tubas?"
    r"|sax(?:ophones?)?|flutes?|clarinets?"
    r"|oboes?|bassoons?|bagpipes?|accordions?|harmonicas?|banjos?|mandolins?|ukuleles?|sitars?|bells?|marimbas?"
    r"|vibraphones?"
    r"|xylophones?|glockenspiel|celesta|pads?|leads?|arps?|arpeggios?|airhorns?|sirens?|whistles?|theremin|solos?"
    r"|guitar solos?"
    r"|baixo|basse|basso|bajo|contrabass\w*|kontrabass\w*|saxofon\w*|saksofon|flaut[oi]|flautas?|klavier|gitarren?"
    r"|geigen?|orgel|flote|trompeten?|streicher|blaser|guitare|violons?|piano|cuivres|cordes"
    r"|guitarras?|violines|violin"
    r"|metales|cuerdas|chitarre?|violini?|archi|ottoni|pianoforte|violao|sanfona|cavaquinho|instruments?|instrumente"
    r"|pedal|vibrato|reverb"
    r"|autotune|samples?|effects?|fx|distortion|melod(?:y|ies)|basslines?|drops?|fades?|intro|outro|chords?|risers?"
    r"|noise|hiss"
)
MOODS = (
    r"slow|fast|quick|vite|snel|szybko|wolno|schnell|langsam|rapide|lent|lento|rapido|veloce|upbeat|calm|sad|happy"
    r"|dark|cheesy|kitschy|epic"
    r"|dramatic|scary|creepy|aggressive|angry|loud|harsh|noisy|busy|bright"
    r"|depressing|gloomy"
    r"|melancholic|romantic|cute|childish|corporate|boring|fancy|sentimental|dissonant|distorted|heavy|jazzy|poppy"
    r"|modern|vintage|retro"
    r"|corny|sappy|schmaltzy|traurig|frohlich|dunkel|laut|triste|triste|alegre|oscuro|allegro|gai|sombre|cheerful"
    r"|intense|minor|major"
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
MUSIC = re.compile(rf"(?:{DRUMS}|{SINGLE_DRUMS}|{PULSE}|{VOICES}|{INSTRUMENTS}|{MOODS})(?!\w)")
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
    if NOT_A_STYLE.match(text, end):
        return False
    word = text[start:end]
    if re.search(r"\b(?:chitarra|guitarra|guitare|gitarre) $", text[max(0, start - 10) : start]):
        return False  # "chitarra classica"
    return word not in _HOMES or not BEFORE_A_STYLE.search(text[max(0, start - 24) : start])


def read_styles(text: Text) -> tuple[str, ...]:
    """The styles that are asked for, in order. Their words stay in the prompt: the text encoder hears them."""
    found: dict[str, None] = {}
    for match in text.find(STYLE):
        if is_style(text.lower, *match.span()):
            style = style_named(match[0])
            found[style] = None
            text.says("genre", match.span(), style)
    return tuple(found)
