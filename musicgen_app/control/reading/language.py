"""The language of a prompt, as far as the readers need it: by its script, or by its small words."""

from __future__ import annotations

import re

NAMES = {
    "en": "English", "de": "German", "fr": "French", "es": "Spanish", "it": "Italian", "pt": "Portuguese",
    "nl": "Dutch",
    "pl": "Polish", "cs": "Czech", "sv": "Swedish",
    "da": "Danish", "sr": "Serbian", "tr": "Turkish", "hu": "Hungarian", "ro": "Romanian", "fi": "Finnish",
    "ru": "Russian",
    "el": "Greek", "he": "Hebrew", "ar": "Arabic", "hi": "Hindi", "th": "Thai", "ja": "Japanese", "ko": "Korean",
    "zh": "Chinese",
}  # fmt: skip
_SCRIPTS = (
    ("ja", r"[\u3040-\u30ff]"), ("ko", r"[\uac00-\ud7af]"), ("zh", r"[\u4e00-\u9fff]"), ("ru", r"[\u0400-\u04ff]"), (
    "el", r"[\u0370-\u03ff]{3}"), ("he", r"[\u0590-\u05ff]"),
    ("ar", r"[\u0600-\u06ff]"), ("hi", r"[\u0900-\u097f]"), ("th", r"[\u0e00-\u0e7f]"),
)  # fmt: skip
# Small words, and words of requests for music, that hardly another of these languages has. In plain form.
_WORDS = {
    "en": (
        "the and with for of to is are in on a an my your this that no not without but or from some something"
        " like please want need just into its it by at over very make song music slow fast drums guitar feel key"
        " minor major beat beats only we you be as so more me do don't all"
    ),
    "de": (
        "und der die das mit ohne fur ein eine einen einem einer kein keine keinen nicht bitte ist im auf aus zum"
        " zur aber nur wie ich wir etwas musik lied stuck langsam langsamer langsames schnell schlagzeug gitarre"
        " klavier geige streicher moll dur takt ruhig ruhiger den dem des von uber sehr auch oder lieber akkorde"
        " flote harfe"
    ),
    "fr": (
        "le la les des du une un et avec sans pour dans sur pas est qui que au aux je mon ma ton une musique"
        " chanson guitare batterie lent lente rapide mineur majeur svp plutot quelque chose en de ou tres accords"
        " piano mesure morceau voix mais"
    ),
    "es": (
        "el la los las con sin para por una un y que en de del es mi tu muy pero quiero cancion musica guitarra"
        " bateria lento rapido menor mayor algo como sobre acordes compas al hermano nuestra percusion"
    ),
    "it": (
        "il lo la gli le con senza per una un e di del della che in nel molto ma vorrei musica canzone chitarra"
        " batteria pianoforte lento veloce minore maggiore qualcosa come accordi sul alla non niente brano archi"
        " per due sua favore deve"
    ),
    "pt": (
        "o os as com sem para uma um e de do da que em no na muito mas quero musica violao bateria lento rapido"
        " menor maior algo como sobre acordes ele esta faz pra meu por tom"
    ),
    "nl": (
        "de het een en met zonder voor van op in niet geen maar graag iets zoals muziek lied gitaar drums"
        " langzaam snel mineur majeur klein groot akkoorden mijn wel naar zang bij om een twee"
    ),
    "pl": (
        "i z bez na w do nie jest utwor muzyka gitara perkusja wolno szybko moll dur cos prosze ale tylko coś"
        " może moze dwa wesolego jak oraz bemole"
    ),
    "cs": "a s bez na v do ne je skladba hudba kytara bici pomalu rychle neco prosim ale jen jako",
    "sv": "och med utan ett inte bara musik lat gitarr trummor langsam snabb vill pa moll dur",
    "da": "og med uden for en et ikke men kun musik sang guitar trommer langsom hurtig som jeg vil pa",
    "sr": "i sa bez za na u ne ali samo muzika pesma gitara bubnjeva bubnjevi brzo sporo harmonika kolo",
    "tr": "ve ile icin bir bu cok ama yok olsun muzik sarki gitar davul hizli yavas gibi",
    "hu": "es egy nem csak zene dal gitar dob lassu gyors nelkul legyen moll dur",
    "ro": "si cu fara pentru un o nu dar doar muzica piesa chitara tobe lent rapid",
    "fi": "ja ei ilman vain mutta musiikki laulu kitara rummut hidas nopea duuri molli",
}
_SETS = {language: frozenset(words.split()) for language, words in _WORDS.items()}
_TOKEN = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")
# Words that no other language of these has: one is enough where no English one stands beside.
_SURE = {
    "de": (
        "und ohne schlagzeug bitte akkorde dreivierteltakt viervierteltakt musik lied moll klavier streicher fur kein"
        " keinen uber eine einen einem einer"
    ),
    "fr": "avec sans musique chanson batterie mineur valse pour dans une du",
    "es": "sin musica cancion bateria quiero guitarra menor vals para con una en",
    "it": "senza musica canzone chitarra minore della voci",
    "pt": "sem violao em menor com",
    "nl": "zonder geen muziek akkoorden majeur",
    "pl": "bez moze wesolego nie prosze dwadziescia",
    "sr": "bubnjeva kolo bez",
}
_SURE_SETS = {language: frozenset(words.split()) for language, words in _SURE.items()}
_OFTEN = ("de", "fr", "es", "it", "pt", "nl")  # of the others more words are needed
_MOST = 400  # words that are looked at


def language_of(plain: str) -> str:
    """The ISO code of the language that most of the words are of; English where nothing speaks for another."""
    letters = len(re.findall(r"[^\W\d_]", plain[:2000])) or 1
    for language, letter in _SCRIPTS:
        count = len(re.findall(letter, plain[:2000]))
        if count and (count * 4 >= letters or language in ("ja", "ko") and count * 8 >= letters):
            return language
    tokens = _TOKEN.findall(plain)[:_MOST]
    words = dict.fromkeys(word.lower() for word in tokens if len(word) > 2 or word.islower())  # not the chord "Em"
    counts = {language: sum(word in known for word in words) for language, known in _SETS.items()}
    sure = {language: sum(word in known for word in words) for language, known in _SURE_SETS.items()}
    english = counts.pop("en")
    best = max(counts, key=lambda language: (counts[language] + sure.get(language, 0), -len(language)))
    score = counts[best] + sure.get(best, 0)
    if score > english and score >= (2 if best in _OFTEN or sure.get(best) else 3):
        return best
    return "en"
