"""Kinds of demands, a few phrasings of each: what is stated is read, and what is doubtful is told."""

from __future__ import annotations

import pytest

from musicgen_app.control.prompt_parser import parse_prompt, read_prompt


def told(prompt: str) -> set[str]:
    """Kinds of what is approximated or not understood."""
    reading = read_prompt(prompt)
    return {demand.kind for demand in (*reading.approximated, *reading.not_understood)} - {"language"}


@pytest.mark.parametrize(
    "instrument",
    ["tapan", "davul", "bombo legüero", "tambourin", "tamburello", "batá", "surdo", "grosse caisse", "blast beats",
     "riq", "тъпан", "太鼓", "장구", "shekere", "tarola", "Pauken", "castañuelas", "a backbeat"],
)  # fmt: skip
def test_drums_of_the_world(instrument):
    assert parse_prompt(f"folk dance, {instrument}, fiddle").drums is True


@pytest.mark.parametrize(
    "refusal",
    ["leave the drummer at home", "nothing with drums in it", "'ohne' any percussion", "drums? no thanks",
     "the drummer stays home", "give the drummer a day off", "auf Schlagzeug verzichten", "lass das Schlagzeug weg",
     "Batterie interdite", "no le pongas batería", "niente percussioni", "ドラムは入れないで", "不要鼓", "드럼 없이",
     "davulsuz", "non-percussive", "hands off the drums", "a cappella"],
)  # fmt: skip
def test_ways_to_refuse_drums(refusal):
    assert parse_prompt(f"{refusal}, a slow song").drums is False


@pytest.mark.parametrize(
    "wish",
    ["nicht ohne Schlagzeug", "a version without drums is useless to me", "never without drums",
     "nothing without drums",
     "can't do samba without surdo", "what is rock without drums?", "no drums? no way, I want drums",
     "pas sans batterie"],
)  # fmt: skip
def test_a_refusal_that_is_refused_is_a_wish_and_told(wish):
    assert parse_prompt(wish).drums is not False
    assert told(wish)


@pytest.mark.parametrize("prompt", ["drums are hardly my thing, never were", "I wonder why nobody likes drums"])
def test_drums_beside_words_that_refuse_are_told(prompt):
    assert "drums" in told(prompt)


@pytest.mark.parametrize(
    ("prompt", "chords"),
    [
        ("C major seven, A minor seven, D minor seven, G seven", ("Cmaj7", "Am7", "Dm7", "G7")),
        ("F sharp half diminished to B seven flat nine to E minor", ("F#m7b5", "B7b9", "Em")),
        ("play E flat over G, then A flat, then B flat seven", ("Eb/G", "Ab", "Bb7")),
        ("G sus four, C add nine, G", ("Gsus4", "Cadd9", "G")),
        ("- A\n- E/G#\n- F#m\n- D\nsinger-songwriter, 78 bpm", ("A", "E/G#", "F#m", "D")),
        ("1. Am 2. F 3. C 4. G", ("Am", "F", "C", "G")),
        ("(H = B natural, B = B flat): C, H7, Em, B, F", ("C", "B7", "Em", "Bb", "F")),
        ("N.C. for the pickup, then C6 | A7 | D9", ("", "C6", "A7", "D9")),
    ],
)
def test_chords(prompt, chords):
    assert parse_prompt(prompt).chords == chords


@pytest.mark.parametrize(
    ("prompt", "tempo", "reckoned"),
    [
        ("5 % slower than 120 BPM, so 114", 114, True),
        ("at 1.5 times 80 bpm", 120, True),
        ("2 bpm faster than 126", 128, True),
        ("80 bpm times two", 160, True),
        ("60 bpm doubled", 120, True),
        ("MM 108", 108, False),
        ("ninety-six beats in the minute", 96, False),
        ("每分钟90拍", 90, False),
        ("- Fmaj7\n- Em7\nmellow jazz, bpm: 88", 88, False),
    ],
)
def test_tempo(prompt, tempo, reckoned):
    assert parse_prompt(prompt).tempo == tempo
    assert ("tempo" in told(prompt)) is reckoned


@pytest.mark.parametrize(
    ("prompt", "metre"),
    [("Irish jig, fiddle", "6/8"), ("slip jig", "9/8"), ("tarantella", "6/8"), ("polka", "2/4"),
     ("a jig in 4/4", "4/4"),
     ("NOT 4/4!! in five, loud", "5/4"), ("in the five, trumpet", "5/4"), ("拍子は8分の6", "6/8"), ("a march", None)],
)  # fmt: skip
def test_metre(prompt, metre):
    assert parse_prompt(prompt).metre == metre


@pytest.mark.parametrize(
    ("prompt", "key"),
    [("Em tom menor", "minor"), ("в миноре", "minor"), ("短調で", "minor"), ("w tonacji molowej", "minor"),
     ("en mode majeur", "major"), ("key of Fis major", "F# major"), ("nicht in C-Dur, sondern in c-Moll", "C minor"),
     ("my game is written in C#, boss music", None)],
)  # fmt: skip
def test_key(prompt, key):
    assert parse_prompt(prompt).key == key


@pytest.mark.parametrize(
    ("prompt", "pace"),
    [("musica lenta", "slow"), ("遅いバラード", "slow"), ("빠른 노래", "fast"), ("yavaş şarkı", "slow"),
     ("♩.=48, slow", None),
     ("organ, Leslie on slow", None), ("pad with slow attack", None), ("5 % slower than 120 BPM", None)],
)  # fmt: skip
def test_pace(prompt, pace):
    assert parse_prompt(prompt).pace == pace


@pytest.mark.parametrize(
    ("prompt", "genres"),
    [("documentary about the jungle, flute", ()), ("jungle level, pan pipes", ()), ("a house track", ("house",)),
     ("a soap opera", ()), ("jungle, 170 bpm", ("jungle",)), ("techno, but not techno", ())],
)  # fmt: skip
def test_styles_and_scenery(prompt, genres):
    assert read_prompt(prompt).genres == genres


@pytest.mark.parametrize(
    ("prompt", "unwanted"),
    [
        ("Jungle? no. 174 bpm? NO. Give me ambient.", ("Jungle", "174 bpm")),
        ("Drums? nope. Guitars? no thanks. Piano, please", ("Drums", "Guitars")),
        ("The vicar wants drums. I do not. Omit them.", ("drums",)),
        ("there were vocals in the last one, leave them out", ("vocals",)),
        ("drums: I do not want them", ("drums",)),
    ],
)
def test_what_is_refused_by_an_answer_or_a_pronoun(prompt, unwanted):
    reading = read_prompt(prompt)
    assert reading.unwanted == unwanted
    assert reading.facts.tempo is None
    assert reading.facts.drums is (False if {"drums", "Drums"} & set(unwanted) else None)


@pytest.mark.parametrize(
    "prompt",
    ["Es muss schnell fertig werden: Klaviermusik", "I need it done fast, a piano piece", "quick turnaround, jazz",
     "c'est pour demain, vite pret, du piano", "as fast as possible please, some lo-fi"],
)  # fmt: skip
def test_a_deadline_is_no_pace_and_told(prompt):
    assert parse_prompt(prompt).pace is None
    assert "pace" in told(prompt)


@pytest.mark.parametrize("prompt", ["happy song for my bday its on 6/8", "the wedding is on 3/4, a harp"])
def test_a_date_is_no_metre_and_told(prompt):
    assert parse_prompt(prompt).metre is None
    assert "metre" in told(prompt)


@pytest.mark.parametrize(
    "scale", ["A melodic minor", "C minor pentatonic", "D Hungarian minor", "a whole tone scale", "maqam rast"]
)
def test_a_scale_that_the_plan_does_not_know_is_told(scale):
    assert "key" in told(f"a slow piece in {scale}, oud")


@pytest.mark.parametrize(
    ("dance", "metre"),
    [("tarantella", "6/8"), ("siciliana", "6/8"), ("courante", "3/4"), ("habanera", "2/4"), ("kopanitsa", "11/8"),
     ("zortziko", "5/8"), ("bulerias", "12/8")],
)  # fmt: skip
def test_the_metre_of_a_dance(dance, metre):
    assert parse_prompt(f"a {dance} for strings").metre == metre
    assert "metre" in told(f"a {dance} for strings")


def test_a_drummer_who_left_asks_for_no_drums():
    assert parse_prompt("our drummer quit, so a quiet song").drums is None
    assert parse_prompt("Our drummer quit, so leave the drums out. Country").drums is False
    assert parse_prompt("not drum and bass please, but do keep the drums").drums is True
