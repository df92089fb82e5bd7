"""The composer's pieces are well formed and the captions say only what the window holds."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from musicgen_app.control.grid import OVER, frame_grid
from musicgen_app.control.plan import Plan, Stretch
from musicgen_app.control.theory import FLATS, MODES, QUALITIES, SHARPS, bar_length, parse_chord
from ttm_trainer.corpus.caption.captions import captions, window_facts
from ttm_trainer.corpus.caption.free_captions import requests
from ttm_trainer.corpus.caption.plans import drums_in, window_plan
from ttm_trainer.corpus.caption.vocabulary import FAMILY, GENRE_WORDS, MOOD_SYNONYMS
from ttm_trainer.corpus.caption.wording import HAPPENINGS
from ttm_trainer.corpus.compose.composer import GENRES, compose
from ttm_trainer.corpus.compose.genres import STYLES
from ttm_trainer.corpus.compose.instruments import DRUM_KITS, EFFECTS, INSTRUMENTS
from ttm_trainer.corpus.compose.players.metres import bar_of
from ttm_trainer.corpus.compose.score import Note, Part, Score, Section
from ttm_trainer.corpus.compose.theory import Key, fold, progression, roman, voicing

SEEDS = range(3)
CHROMATIC = ("blues", "funk", "jazz", "bossa nova")  # secondary dominants and blue notes belong to the style
RHYTHM = ("drums", "percussion")


@cache
def piece(seed: int, genre: str) -> Score:
    return compose(seed, 30.0, genre)


def sounding(plan: Plan, beat: float) -> tuple[Stretch, str]:
    """The stretch of a plan and the chord at a beat."""
    stretch = next((s for s in plan.stretches if beat < s.start + s.quarters - 0.08), plan.stretches[-1])
    end = stretch.start
    for symbol, length in stretch.chords:
        end += length
        if beat + 0.08 < end:
            return stretch, symbol
    return stretch, stretch.chords[-1][0]


def pitched(score: Score) -> list[Note]:
    return [note for part in score.parts if part.role not in (*RHYTHM, "effect") for note in part.notes]


def scale_of(key: str) -> set[int]:
    tonic, mode = key.split(" ", 1)
    root = SHARPS.index(tonic) if tonic in SHARPS else FLATS.index(tonic)
    return {(root + step) % 12 for step in MODES[mode]}


@cache
def windows() -> list[tuple[Score, float, dict]]:
    """Windows of 10 s of a piece of every genre, and of two of some, with their facts."""
    pieces = [piece(1, genre) for genre in GENRES] + [piece(2, genre) for genre in GENRES[::4]]
    return [(score, at, window_facts(score, at, 10.0)) for score in pieces for at in (0.0, 20.0)]


def test_genres_and_instruments_are_many() -> None:
    names = {part.name for genre in GENRES for seed in SEEDS for part in piece(seed, genre).parts}
    assert len(GENRES) >= 16 and len(names) >= 40
    assert names <= {*INSTRUMENTS, *DRUM_KITS, *EFFECTS}
    assert set(GENRE_WORDS) == set(GENRES)


def test_same_seed_same_piece() -> None:
    state = random.getstate()
    assert compose(7) == compose(7)
    assert compose(7, 30.0, "jazz") == compose(7, 30.0, "jazz")
    assert compose(7, 30.0, "jazz") != compose(8, 30.0, "jazz")
    assert random.getstate() == state
    assert len({compose(seed).genre for seed in range(60)}) > 10


@pytest.mark.parametrize("genre", GENRES)
def test_pieces_are_well_formed(genre: str) -> None:
    for seed in SEEDS:
        score = piece(seed, genre)
        low, high = STYLES[genre].tempo
        assert score.genre == genre and low <= score.tempo <= high
        last = score.sections[-1]
        bar = bar_of(last.metre or score.metre)
        assert 30.0 - 1e-3 <= score.seconds <= 30.0 + bar * 60 / (last.tempo or score.tempo) + 1e-3
        assert score.moods and score.themes and score.parts
        silence = score.seconds - score.seconds_at(last.end)
        assert abs(silence) < 1e-3 if score.excerpt else 0.69 < silence < 6
        assert score.sections[0].start == 0
        assert all(a.end == b.start and a.chords for a, b in pairwise(score.sections))
        for section in score.sections:
            bars = (section.end - section.start) / bar_of(section.metre or score.metre)
            assert bars == pytest.approx(round(bars)) or section.name == "pick-up"
            assert 0.1 <= section.energy <= 1
        for part in score.parts:
            assert -1 <= part.pan <= 1 and 0 <= part.reverb <= 1
            for note in part.notes:
                assert 0 <= note.pitch <= 127 and 1 <= note.velocity <= 127
                assert 0 <= note.start < score.beats and 0 < note.beats
                assert note.start + note.beats <= last.end + 1e-3
            if part.name in INSTRUMENTS:
                sounds, lowest, highest = INSTRUMENTS[part.name]
                assert part.sound in sounds
                assert all(lowest <= note.pitch <= highest for note in part.notes)


@pytest.mark.parametrize("genre", [g for g in GENRES if g not in CHROMATIC])
def test_notes_belong_to_the_key_or_the_chord(genre: str) -> None:
    for seed in SEEDS:
        score = piece(seed, genre)
        plan = window_plan(score, 0.0, True)
        counts = Counter()
        for note in pitched(score):
            stretch, symbol = sounding(plan, note.start)
            if stretch.key is not None and symbol:
                chord = parse_chord(symbol)
                counts[note.pitch % 12 in {*scale_of(stretch.key), *chord.pitches, chord.bass}] += 1
        assert counts[True] >= 0.9 * counts.total(), (seed, score.key, counts)


@pytest.mark.parametrize("genre", GENRES)
def test_music_never_stops_for_long(genre: str) -> None:
    for seed in SEEDS:
        score = piece(seed, genre)
        sounding = 0.0
        for note in sorted((n for p in score.parts if p.role != "effect" for n in p.notes), key=lambda n: n.start):
            assert score.seconds_at(note.start) - score.seconds_at(sounding) < 4.0
            sounding = max(sounding, note.start + note.beats)


def test_longer_pieces_and_unknown_genre() -> None:
    assert compose(3, 75.0, "rock").seconds >= 75.0
    assert compose(3, 10.0, "ambient").seconds >= 10.0
    with pytest.raises(KeyError):
        compose(3, 30.0, "yodelling")


def test_harmony() -> None:
    key = Key(9, "minor")
    assert key.name == "A minor"
    assert [bar[0].symbol for bar in progression("i VI III VII", key)] == ["Am", "F", "C", "G"]
    assert [c.symbol for bar in progression("ii7,V7 Imaj7", Key(5, "major")) for c in bar] == ["Gm7", "C7", "Fmaj7"]
    assert roman("bII", Key(4, "phrygian")).symbol == "F"
    assert roman("V7", key).pitch_classes == (4, 8, 11, 2)
    first = voicing(roman("I", Key(0, "major")), None, 60, 4)
    second = voicing(roman("IV", Key(0, "major")), first, 60, 4)
    assert sum(min(abs(p - q) for q in first) for p in second) <= 4
    assert fold(90, 40, 60) == 54
    assert all(steps[0] == 0 for steps in QUALITIES.values())


def test_chords_of_a_section_sound_when_they_are_said_to() -> None:
    score = piece(4, "pop")
    slot = (score.sections[0].end - score.sections[0].start) / len(score.sections[0].chords)
    window = window_facts(score, 0.0, score.seconds_at(slot))
    assert window["chords"] == [score.sections[0].chords[0]]


def hand_made() -> Score:
    piano = Part("piano", "melody", "gm:0", tuple(Note(b, 1, 60 + b, 70) for b in range(8)))
    drums = Part("drum machine", "drums", "synth:drums:909", tuple(Note(8 + b / 2, 0.2, 36, 100) for b in range(16)))
    sections = (Section("intro", 0, 8, ("C", "Am")), Section("verse", 8, 16, ("F", "G")))
    return Score(1, "pop", ("happy",), ("party",), 60.0, (4, 4), "C major", 16.0, (piano, drums), sections)


def test_facts_of_a_hand_made_piece() -> None:
    early, late = window_facts(hand_made(), 0.0, 8.0), window_facts(hand_made(), 8.0, 8.0)
    assert early["instruments"] == ["piano"] and not early["drums"] and early["solo"]
    assert early["chords"] == ["C", "Am"] and early["section"] == "intro" and early["density"] == "sparse"
    assert late["instruments"] == ["drum machine"] and late["drums"] and late["chords"] == ["F", "G"]
    assert late["dynamics"] == "loud" and early["dynamics"] == "medium"
    assert (early["bpm"], early["metre"], early["tonality"]) == (60, "4/4", "major")


def test_facts_agree_with_the_notes() -> None:
    for score, at, facts in windows():
        first, last = score.beat_at(at), score.beat_at(at + 10)
        heard = [p for p in score.parts if any(n.start < last and n.start + n.beats > first for n in p.notes)]
        assert facts["instruments"] and set(facts["instruments"]) <= {p.name for p in heard}
        assert facts["drums"] == any(p.role in RHYTHM for p in heard)
        here = [s for s in score.sections if s.start < last and s.end > first]
        assert round(facts["tempo"]) in {round(s.tempo or score.tempo) for s in here}
        assert facts["key"] in (
            {s.key or score.key for s in here} if any(p.role not in (*RHYTHM, "effect") for p in heard) else {None}
        )
        assert json.loads(json.dumps(facts)) == facts


def test_plans_agree_with_the_notes() -> None:
    """Most notes that begin under a chord are of it, and of the chord a bar later fewer are."""
    hits, bass = Counter(), Counter()
    for score, at, facts in windows():
        plan = Plan.from_dict(facts["plan"])
        plan.check()
        assert (plan.tempo, plan.key, plan.start) == (
            score.tempo,
            score.key,
            pytest.approx(score.beat_at(at), abs=1e-3),
        )
        assert plan.quarters == pytest.approx(score.sections[-1].end) and plan.ends == (not score.excerpt)
        for part in score.parts:
            if part.role in ("bass", "chords", "pad", "arpeggio") and at == 0:
                for note in part.notes:
                    stretch, symbol = sounding(plan, note.start)
                    later = sounding(plan, note.start + bar_length(stretch.metre))[1]
                    if symbol and later:
                        for shift, chord in enumerate(map(parse_chord, (symbol, later))):
                            hits[shift] += note.pitch % 12 in (*chord.pitches, chord.bass)
                        bass[note.pitch % 12 == chord.bass] += part.role == "bass" and "/" in symbol
    assert hits[1] < 0.8 * hits[0]


def test_the_bass_plays_what_stands_after_the_slash() -> None:
    right, wrong, chords = 0, 0, set()
    for seed in range(3):
        for genre in GENRES:
            score = compose(seed, 20.0, genre)
            plan = window_plan(score, 0.0, True)
            for part in score.parts:
                for note in part.notes if part.role == "bass" else ():
                    symbol = sounding(plan, note.start)[1]
                    if "/" in symbol:
                        chords.add(symbol)
                        right += note.pitch % 12 == parse_chord(symbol).bass
                        wrong += note.pitch % 12 != parse_chord(symbol).bass
    assert len(chords) > 20 and right > 0.9 * (right + wrong)


def test_drums_of_a_section_are_those_of_the_notes() -> None:
    told = Counter()
    for seed in range(2):
        for genre in GENRES:
            score = compose(seed, 20.0, genre)
            beats = [n.start for p in score.parts if p.role in RHYTHM for n in p.notes]
            for section, planned in zip(score.sections, window_plan(score, 0.0, True).sections, strict=True):
                heard = [beat for beat in beats if section.start - 0.1 < beat < section.end - 0.15]
                clear = [beat for beat in heard if beat > section.start + 0.1]
                told[planned.drums] += 1
                assert planned.drums == drums_in(score, section)
                assert {True: bool(heard), False: not clear, None: True}[planned.drums], (seed, genre, section.name)
    assert told[False] > 0.2 * told.total() and told[True] > 0.4 * told.total() and told[None] < 0.05 * told.total()


def test_the_grid_follows_the_notes() -> None:
    """Frame by frame: the beat, drums, bass note and ending of the grid are those of the score."""
    for seed, genre in enumerate(GENRES):
        score = compose(seed + 40, 20.0, genre)
        grid = frame_grid(window_plan(score, 0.0, True), 200, 10.0)
        seconds = (np.arange(200) + 0.5) / 10
        for section in score.sections:
            inside = (seconds > score.seconds_at(section.start) + 0.1) & (seconds < score.seconds_at(section.end) - 0.1)
            if inside.any():
                bar = bar_of(section.metre or score.metre)
                assert np.allclose(grid[inside, 78], bar / 4) and np.allclose(grid[inside, 82], section.energy)
                drums = drums_in(score, section)
                assert (grid[inside, 58] == (drums is not False)).all()
        over = seconds > score.seconds_at(score.sections[-1].end) + 0.1
        assert (grid[over, OVER] == (not score.excerpt)).all()


NAMES = sorted({*INSTRUMENTS, *DRUM_KITS, *EFFECTS}, key=len, reverse=True)


NAME = re.compile(rf"\b(?:{'|'.join(map(re.escape, NAMES))})\b", re.IGNORECASE)


def named(text: str) -> set[str]:
    """Instrument names in a text, longest first, so that "bass" in "double bass" is not counted again."""
    return {name.lower() for name in NAME.findall(text)}


@pytest.mark.slow
def test_captions_name_only_what_sounds() -> None:
    words = {word for nouns, tags in GENRE_WORDS.values() for word in (*nouns, *tags)} | set(GENRES)
    genre_words = re.compile(
        rf"\b(?:{'|'.join(map(re.escape, sorted(words, key=len, reverse=True)))})\b", re.IGNORECASE
    )
    missing = re.compile(r"\b(no|without) \w+", re.IGNORECASE)
    for _, _, facts in windows():
        allowed = {
            *facts["instruments"],
            *(n for i in facts["instruments"] for f in FAMILY.get(i, ()) for n in named(f)),
        }
        asked = [request.text for request in requests()[facts["genre"]]]
        for texts in captions(facts, random.Random(5)).values():
            for text in texts:
                bare = genre_words.sub(
                    " ", missing.sub(" ", next((text[len(r) :] for r in asked if text.startswith(r)), text))
                )
                assert named(bare) <= allowed, text


def test_captions_tell_the_truth_about_drums_and_mode() -> None:
    phrases = {phrase.lower() for told in HAPPENINGS.values() for phrase in (*told[0], *told[1])}
    happened = re.compile("|".join(map(re.escape, sorted(phrases, key=len, reverse=True))))
    for _, _, facts in windows():
        for texts in captions(facts, random.Random(6)).values():
            for text in texts:
                lower = text.lower()
                lower = happened.sub(" ", lower)
                if facts["drums"]:
                    assert not re.search(r"no drums|without (any )?drums|no percussion", lower), text
                if facts["tonality"] == "minor":
                    assert "major key" not in lower
                else:
                    assert "minor key" not in lower


def test_dense_captions_hold_the_figures() -> None:
    for _, _, facts in windows():
        for text in captions(facts, random.Random(7))["dense"]:
            assert f"{facts['bpm']} BPM" in text or f"{facts['tempo']} BPM" in text
            assert (facts["key"] or "") in text and facts["metre"] in text
            assert all(name in text for name in facts["instruments"])


def test_caption_lengths_and_variety() -> None:
    openings = Counter()
    for _, _, facts in windows():
        said = captions(facts, random.Random(8))
        assert (len(said["short"]), len(said["long"]), len(said["dense"])) == (3, 2, 2)
        assert said == captions(facts, random.Random(8))
        assert all(3 <= len(text.split()) <= 30 for text in said["short"])
        assert all(25 <= len(text.split()) <= 60 and text.endswith(".") for text in said["long"])
        assert all(
            not re.search(r"\ba (?!eu)[aeio]|\b(\w{2,}) \1\b|  |\{|None", text) for text in said["short"] + said["long"]
        ), said
        openings.update(" ".join(text.split()[:3]) for text in said["short"])
    assert max(openings.values()) < 0.1 * openings.total()


def test_what_is_said_to_be_missing_is_missing() -> None:
    families = {"guitars": "guitar", "piano": "piano", "strings": "strings", "brass": "brass", "bass": "bass"}
    told = Counter()
    for score, at, facts in windows():
        first, last = score.beat_at(at), score.beat_at(at + 10)
        heard = [p for p in score.parts if any(n.start < last and n.start + n.beats > first for n in p.notes)]
        for text in (t for draw in range(4) for t in captions(facts, random.Random(draw))["plain"]):
            for word in re.findall(r"\b(?:no|without) (\w+)", text.lower()):
                told[word] += 1
                if word == "bass":
                    assert not any(part.role == "bass" for part in heard), text
                elif word in families:
                    assert not any(families[word] in part.name for part in heard), text
    assert told["guitars"] > 5 and told["drums"] > 5 and told["bass"] > 0


def test_what_happens_is_told_and_true() -> None:
    """Drums that enter do so after the beginning, a last chord is the end, and each happening is found somewhere."""
    found = Counter()
    for seed in range(3):
        for genre in GENRES:
            score = compose(seed + 60, 30.0, genre)
            for at in (0.0, 10.0, 20.0):
                facts = window_facts(score, at, 10.0)
                assert set(facts["happens"]) <= set(HAPPENINGS)
                found.update(facts["happens"])
                first, last = score.beat_at(at), score.beat_at(at + 10)
                beats = sorted(
                    n.start for p in score.parts if p.role in RHYTHM for n in p.notes if first <= n.start < last
                )
                if "drums enter" in facts["happens"]:
                    beats = [beat for beat in beats if score.seconds_at(beat) > at + 0.31]
                    assert score.seconds_at(beats[0]) > at + 0.8 and score.seconds_at(beats[-1]) > at + 5
                if "drums only" in facts["happens"]:
                    assert all(facts["roles"][name] in RHYTHM for name in facts["instruments"])
                for what, who in facts["soloists"].items():
                    assert what in facts["happens"] and who in facts["instruments"]
                if "last chord" in facts["happens"]:
                    assert facts["ending"] and not score.excerpt
                if "one chord" in facts["happens"]:
                    assert len(set(facts["chords"])) == 1
    assert all(found[happening] for happening in HAPPENINGS), [h for h in HAPPENINGS if not found[h]]


def test_moods_fit_the_window() -> None:
    loud = window_facts(piece(1, "metal"), 10.0, 10.0)
    assert not {"calm", "peaceful"} & set(loud["moods"])
    for _, _, facts in windows():
        if facts["dynamics"] == "soft":
            assert not {"energetic", "aggressive", "furious", "intense"} & set(facts["moods"])
    assert all(mood in synonyms for mood, synonyms in MOOD_SYNONYMS.items())


@pytest.mark.parametrize("genre", GENRES)
def test_every_section_has_a_pitched_part(genre: str) -> None:
    for seed in range(100, 106):
        score = compose(seed, 30.0, genre)
        notes = pitched(score)
        for section in score.sections:
            heard = any(section.start - 0.2 <= note.start < section.end for note in notes)
            assert heard or not any(section.chords) or section.name == "pick-up", (seed, section.name)
            inside = any(section.start + 0.15 <= note.start < section.end - 0.15 for note in notes)
            assert not inside or any(section.chords) or section.name == "pick-up", (seed, section.name)
