"""Form, metre, tempo, harmony and energy of composed pieces, as their notes tell them."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict

import numpy as np
import pytest

from musicgen_app.control.grid import frame_grid
from musicgen_app.control.plan import Plan
from musicgen_app.control.theory import QUALITIES, parse_chord
from ttm_trainer.corpus.build import load_score
from ttm_trainer.corpus.caption.facts import window_facts
from ttm_trainer.corpus.caption.plans import slots, window_plan
from ttm_trainer.corpus.compose.composer import compose, genre_of
from ttm_trainer.corpus.compose.genres import GENRES, MAIN, ROUND, STYLES
from ttm_trainer.corpus.compose.harmony import splits, symbols, timeline
from ttm_trainer.corpus.compose.instruments import DRUM_KITS, EFFECTS, INSTRUMENTS
from ttm_trainer.corpus.compose.players.figures import ARPEGGIOS, BASS, COMPING
from ttm_trainer.corpus.compose.players.grooves import GROOVES
from ttm_trainer.corpus.compose.players.melody import CELLS
from ttm_trainer.corpus.compose.players.metres import PULSES, bar_of, fitted, groups, patterns, steps_of
from ttm_trainer.corpus.compose.score import Note, Part, Score, Section
from ttm_trainer.corpus.compose.theory import Key, chord, progression, roman, voicing

MANY = range(300)


@pytest.fixture(scope="module")
def pieces() -> list[Score]:
    return [compose(5_000 + number, 30.0, genre_of(number)) for number in MANY]


@pytest.mark.parametrize("genre", GENRES)
def test_a_genre_has_patterns_for_its_metres_and_known_instruments(genre: str) -> None:
    style = STYLES[genre]
    tables = {"drums": GROOVES, "percussion": GROOVES, "chords": COMPING, "bass": BASS}
    words = {
        "arpeggio": ARPEGGIOS, "pad": ("pad", "drone", "swell"), "melody": (*CELLS, "line", "inner", "thirds"),
        "effect": ("rise", "sweep", "vinyl", "waves", "birds"),
    }  # fmt: skip
    for layer in style.layers.splitlines():
        role, styles, names, _ = (field.strip() for field in layer.split("|"))
        assert set(names.split(", ")) <= {*INSTRUMENTS, *DRUM_KITS, *EFFECTS}
        for play in styles.split(", "):
            if play in ("held", "swell", "walking", "acid") or (role == "chords" and play in ARPEGGIOS):
                continue
            if role in words:
                assert play in words[role], (role, play)
                continue
            for metre in (*style.metres, *style.odd):
                for pattern in patterns(tables[role], play, metre):
                    rows = [pattern] if isinstance(pattern, str) else pattern.values()
                    assert {len(row) for row in rows} == {steps_of(metre)}, (role, play, metre)
    for mode in style.modes:
        for text in style.progressions["dark" if Key(0, mode).dark else "bright"]:
            for bar in progression(text, Key(3, mode)):
                assert all(parse_chord(c.symbol) == (c.root, c.quality, c.bass) for c in bar)


def test_a_corpus_goes_through_all_genres_and_the_main_ones_twice() -> None:
    counts = Counter(map(genre_of, range(len(ROUND))))
    assert set(counts) == set(GENRES) and all(counts[genre] == (2 if genre in MAIN else 1) for genre in GENRES)


def test_bars_of_every_metre() -> None:
    for metre, lengths in PULSES.items():
        assert sum(lengths) == sum(groups(metre)) == bar_of(metre)
        for count in (1, 2, 3, 4):
            begins = splits(metre, count)
            assert len(begins) == count and begins[0] == 0 and list(begins) == sorted(set(begins))
    assert splits((7, 8), 2) == (0, 2) and splits((5, 4), 2) == (0, 3) and splits((4, 4), 3) == (0, 2, 3)
    assert fitted("X...x...X...x...", (5, 4)) == "X...x...X...X...x..."
    assert fitted("X-x-X-x-X-x-X-x-", (12, 8)) == "X---x-" * 4
    assert fitted("X...x...X...x...", (7, 8)) == "X...x...X...x."


def test_slots_tell_chords_of_any_length() -> None:
    key = Key(0, "major")
    one, two = roman("I", key), roman("V7/3", key)
    assert two.symbol == "G7/B" and roman("IV/T", key).symbol == "F/C" and roman("bVII", key).symbol == "Bb"
    bars = timeline([[one, two], [one]], 0, 4.0, 11.0, (7, 8))
    assert [(begin, end, c.symbol) for begin, end, c in bars] == [(4, 6, "C"), (6, 7.5, "G7/B"), (7.5, 11, "C")]
    assert symbols(bars) == ("C",) * 4 + ("G7/B",) * 3 + ("C",) * 7
    low = voicing(chord(2, "13", key), None, 60, 4)
    assert {pitch % 12 for pitch in low} == {2, 6, 0, 11}  # the ninth is left out, not the seventh


def test_many_things_happen_and_all_qualities_sound(pieces: list[Score]) -> None:
    metres = Counter(score.metre for score in pieces)
    rare = sum(n for metre, n in metres.items() if metre not in ((4, 4), (3, 4), (6, 8)))
    assert 0.05 < rare / len(pieces) < 0.14 and {(5, 4), (7, 8), (12, 8), (2, 4), (9, 8)} <= set(metres)
    found: Counter = Counter()
    for score in pieces:
        heard = [parse_chord(symbol) for symbol, _, _ in slots(score) if symbol]
        found.update({c.quality for c in heard})
        lengths = [(length, s) for s in window_plan(score, 0, True).sections for _, length in s.chords]
        found["slash"] += any(c.bass != c.root for c in heard)
        found["several a bar"] += any(length < bar_of(score.metre) - 1e-6 for length, _ in lengths)
        found["no key"] += score.key is None
        found["key change"] += any(section.key for section in score.sections)
        found["tempo change"] += any(section.tempo for section in score.sections)
        found["ends"] += not score.excerpt
        found["swings"] += (score.swing or 0.5) > 0.55
    assert set(QUALITIES) <= set(found)
    share = {name: found[name] / len(pieces) for name in found}
    assert share["slash"] > 0.15 and share["several a bar"] > 0.2 and 0.04 < share["no key"] < 0.2
    assert share["key change"] > 0.05 and share["tempo change"] > 0.04 and 0.35 < share["ends"] < 0.65
    assert share["swings"] > 0.06


def test_pieces_last_as_long_as_asked_and_begin_as_the_score_says(pieces: list[Score]) -> None:
    for score in pieces:
        assert round(score.seconds * 44_100) >= 30 * 44_100
        first = score.sections[0]
        assert (first.tempo, first.metre, first.start) == (None, None, 0)


def test_windows_change_inside(pieces: list[Score]) -> None:
    drums = sections = 0
    for score in pieces:
        for at in (0.0, 10.0, 20.0):
            plan = window_plan(score, at, True)
            seen = [
                s
                for s in plan.stretches
                if score.seconds_at(s.start + s.quarters) > at + 1 and score.seconds_at(s.start) < at + 9
            ]
            sections += len(seen) > 1
            drums += {True, False} <= {s.drums for s in seen}
    assert drums > 0.12 * 3 * len(pieces) and sections > 0.6 * 3 * len(pieces)


def test_energy_is_heard(pieces: list[Score]) -> None:
    """Of two sections of a piece, the one of much more energy has more and harder strokes."""
    right = wrong = 0
    for score in pieces:
        known = []
        for section in score.sections:
            seconds = score.seconds_at(section.end) - score.seconds_at(section.start)
            notes = [
                n for p in score.parts if p.role != "effect" for n in p.notes if section.start <= n.start < section.end
            ]
            if seconds > 2 and section.name != "solo":
                known.append((section.energy, sum(n.velocity for n in notes) / seconds))
        for energy, played in known:
            for other, quieter in known:
                if energy > other + 0.3:
                    right, wrong = right + (played > quieter), wrong + (played <= quieter)
    assert right + wrong > 100 and right > 0.9 * (right + wrong)


def test_odd_bars_are_stated() -> None:
    """In 7/8 and 5/4 the kick and the bass are on the groups of the bar more often than on the eighths between."""
    for metre, starts in {(7, 8): (0, 1, 2), (5, 4): (0, 3)}.items():
        on = off = 0
        for seed in range(80):
            score = compose(seed, 20.0, ("prog rock", "balkan", "acid jazz", "percussion ensemble")[seed % 4])
            if score.metre != metre or any(section.metre for section in score.sections):
                continue
            first = next((s.end for s in score.sections[:1] if s.name == "pick-up"), 0.0)
            for part in score.parts:
                for note in part.notes:
                    if (part.role in ("drums", "percussion") and note.pitch in (36, 43)) or part.role == "bass":
                        place = (note.start - first + 0.1) % bar_of(metre)
                        on += any(0 <= place - start < 0.2 for start in starts) / len(starts)
                        off += any(0 <= place - start - 0.5 < 0.2 for start in starts) / len(starts)
        assert on > 1.5 * off > 0, (metre, on, off)


def test_swing_is_where_the_score_says() -> None:
    score = next(s for s in (compose(seed, 20.0, "big band") for seed in range(9)) if s.metre == (4, 4))
    late = [n.start % 1 for p in score.parts if p.role == "drums" for n in p.notes if 0.4 < n.start % 1 < 0.9]
    assert abs(float(np.median(late)) - score.swing) < 0.03 and score.swing_unit == 0.5
    assert Plan.from_dict(window_facts(score, 0, 10)["plan"]).swing == score.swing


@pytest.mark.parametrize("seconds", [10.0, 25.0, 60.0, 120.0])
def test_pieces_of_any_length(seconds: float) -> None:
    for seed, genre in enumerate(GENRES[::8]):
        score = compose(seed, seconds, genre)
        bar = bar_of(score.metre) * 60 / min(section.tempo or score.tempo for section in score.sections)
        assert round(seconds * 44_100) <= round(score.seconds * 44_100) and score.seconds <= seconds + 2 * bar
        frame_grid(window_plan(score, 0.0, True), 40, 2.0)


def test_time_follows_the_tempi_of_the_sections() -> None:
    part = Part("piano", "melody", "gm:0", (Note(0, 1, 60, 80),))
    sections = (Section("verse", 0, 8, ("C",)), Section("chorus", 8, 16, ("F",), tempo=120.0), Section("outro", 16, 20))
    score = Score(1, "pop", (), (), 60.0, (4, 4), "C major", 24.0, (part,), sections)
    assert [score.seconds_at(beat) for beat in (0, 8, 12, 16, 20)] == [0, 8, 10, 12, 16] and score.seconds == 20
    assert [score.beat_at(second) for second in (0, 8, 10, 12, 16)] == [0, 8, 12, 16, 20]
    plan = window_plan(score, 10.0, True)
    assert plan.start == 12 and np.allclose(plan.quarters_at(np.array([0.0, 2.0, 4.0])), [12, 16, 18])


def test_scores_of_older_editions_load(tmp_path) -> None:
    import gzip

    score = compose(3, 20.0, "prog rock")
    fields = json.loads(json.dumps(asdict(score)))
    path = tmp_path / "new.json.gz"
    path.write_bytes(gzip.compress(json.dumps(fields).encode()))
    assert load_score(path) == score
    for section in fields["sections"]:
        for name in ("energy", "tempo", "metre", "key", "feel"):
            del section[name]
    for name in ("swing", "swing_unit", "excerpt", "estimated"):
        del fields[name]
    path.write_bytes(gzip.compress(json.dumps(fields).encode()))
    old = load_score(path)
    assert old.sections[0].energy is None and old.swing is None
    plan = Plan.from_dict(window_facts(old, 0.0, 10.0)["plan"])
    plan.check()
    assert plan.swing is None and plan.sections[0].energy is None and plan.quarters == old.sections[-1].end
