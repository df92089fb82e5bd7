"""A dictionary and our own captions -> `known_words.txt`, by which a prompt's words that are none are told.

    python -m ttm_trainer.corpus.caption.word_list /usr/share/dict/american-english

The dictionary (SCOWL, a word a line, names with a capital) is read for words, the captions, requests, prompt sets and
pages of this project for words of music. What follows from another word by an ending or a beginning is left out.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from musicgen_app.control.known_words import FILE, SHORTEST, derived

# Instruments, dances and styles of the world that captions do not name.
MUSIC = """
    mezzo primo secondo poco molto assai fuoco brio tutti sempre subito dolce fine segno capo niente mosso moto
    bachata bandolim bandoneon baiao balafon baroque bhangra biwa bodhran bouzouki cavaquinho chaabi charango
    chorinho cocek conga contrafact cumbia daichovo dembow dhrupad didgeridoo djembe djent doina duduk dulcimer
    dutar dombra erhu fado flugelhorn freylekhs gadulka gaida gamelan gayageum gnawa gqom guajira guaguanco guqin
    guzheng hardbass hicaz highlife horo hurdy gurdy isicathamiya jaleo joropo juju kanun kaval kemence klapa
    klarnet klezmer kopanitsa koto krivo lesnoto liuqin makam maqam marimba mbalax mbira mbube melodica merengue
    montuno moombahton morna mugham nadaswaram neofolk ngoni nyckelharpa ocarina oud paidushko pagode phonk pibroch
    pipa planxty psytrance qanun qawwali quena quinto raga requinto rebab rubato ruchenitsa sarangi santoor santur
    saz shamisen shakuhachi shehnai sheng sitar sordina soukous strathspey suona surna tabla taksim tanpura taraf
    theremin timba tsifteteli tumbao uilleann ukulele veena vihuela vuvuzela xiao yangqin zampona zither zouk zurna
    zydeco amapiano kuduro dancehall drumline footwork hardstyle kizomba breakcore chillwave darkwave coldwave
    synthwave vaporwave electroclash grindcore metalcore deathcore nightcore dungeon crunk hyperpop shoegaze
    slowcore mathcore sludge ostinato staccato legato pizzicato tremolo arpeggio glissando portamento rallentando
    ritardando accelerando crescendo diminuendo fortissimo pianissimo sforzando cantabile dolce espressivo maestoso
    allegretto vivace presto andante adagio largo lento fermata cadenza coda hemiola appoggiatura bday vibey kbps
    khz tbh idk plz thx wanna gonna gotta kinda sorta lemme gimme dunno fella chillin vocoder sidechain sidechained
    wobble bitcrushed supersaw reese amen bassline drumkit hihat hihats snare soundcloud spotify tiktok youtube
    podcast vlog stream streamer netflix
""".split()  # fmt: skip
_HEAD = """\
# Words, and then names, that known_words.py reads: of the captions and requests that models learn from, and of SCOWL.
# SCOWL is Copyright 2000-2011 by Kevin Atkinson: permission to use, copy, modify, distribute and sell these word lists,
# the associated scripts, the output created from the scripts, and its documentation for any purpose is hereby granted
# without fee, provided that the above copyright notice appears in all copies and that both that copyright notice and
# this permission notice appear in supporting documentation. Kevin Atkinson makes no representations about the
# suitability of this array for any purpose. It is provided "as is" without express or implied warranty.
"""
_ROOT = Path(__file__).parents[4]
_TEXTS = (
    "trainer/ttm_trainer/corpus/caption/*.py", "trainer/ttm_trainer/corpus/caption/free_requests.tsv",
    "trainer/ttm_trainer/evaluation/prompt_sets/*.csv", "docs/*.md", "README.md",
    "musicgen_app/control/reading/words.py",
)  # fmt: skip
HELD_OUT = "free_wording.csv"  # the rate of false alarms is measured on it


def word_list(dictionary: Iterable[str], texts: Iterable[str]) -> str:
    """The lines of a dictionary, and texts about music -> the text of `known_words.txt`."""
    plain = [_plain(line.strip()) for line in dictionary]
    words = {word for word in plain if re.fullmatch("[a-z]{3,}", word)} | set(MUSIC)
    words |= {word for text in texts for word in re.findall(r"[a-z]{4,}", _plain(text).lower())}
    kept: set[str] = set()
    for word in sorted(words, key=lambda word: (len(word), word)):
        if len(word) < SHORTEST or not derived(word, kept.__contains__, compounds=False):
            kept.add(word)
    names = {word for word in plain if re.fullmatch("[A-Z][a-z]{2,}", word)}
    names = {name for name in names if not derived(name.lower(), kept.__contains__, compounds=False)}
    return _HEAD + "\n".join([*sorted(kept), *sorted(names)]) + "\n"


def _plain(text: str) -> str:
    return "".join(sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))


def main(dictionary: str) -> None:
    """Write the list anew."""
    files = [file for pattern in _TEXTS for file in sorted(_ROOT.glob(pattern)) if file.name != HELD_OUT]
    lines = Path(dictionary).read_text(encoding="utf-8").splitlines()
    FILE.write_text(word_list(lines, (file.read_text(encoding="utf-8") for file in files)), encoding="ascii")


if __name__ == "__main__":
    main(sys.argv[1])
