"""MIDI files, written here note by note, become songs, arrangements and a corpus; what is bad is named and left out."""

from __future__ import annotations

import io
import json
import random
import re
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import soundfile

from musicgen_app import cli
from musicgen_app.control.grid import frame_grid
from musicgen_app.control.plan import Plan
from musicgen_app.control.theory import parse_chord, pitch_class
from musicgen_app.errors import FileError
from ttm_trainer.corpus import build
from ttm_trainer.corpus.caption.captions import captions, window_facts
from ttm_trainer.corpus.caption.plans import slots
from ttm_trainer.corpus.caption.vocabulary import FAMILY, GENRE_WORDS
from ttm_trainer.corpus.compose.composer import GENRES, compose
from ttm_trainer.corpus.compose.instruments import DRUM_KITS, INSTRUMENTS
from ttm_trainer.corpus.compose.score import Note, Score
from ttm_trainer.corpus.midi import build as midi_build
from ttm_trainer.corpus.midi import chords_and_key
from ttm_trainer.corpus.midi.arrange import CLEAR_KEY, STEPS, TEMPO, arrange, excerpt, starts
from ttm_trainer.corpus.midi.midi_file import read
from ttm_trainer.corpus.stats import stats

mido = pytest.importorskip("mido")

TICKS = 480
CADENCE = ((48, 60, 64, 67), (45, 60, 64, 69), (41, 60, 65, 69), (43, 59, 62, 67))  # C Am F G, the bass first
Voices = dict[int, tuple[int, list[Note]]]  # channel -> program, notes


def file_of(voices: Voices, tempi=((0.0, 120.0),), metres=((0.0, 4, 4),), controls=()) -> bytes:
    """A MIDI file; tempi, metres and controls (channel, number, value) each begin with their beat."""
    events = [(beat, mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(bpm))) for beat, bpm in tempi]
    events += [(b, mido.MetaMessage("time_signature", numerator=n, denominator=d)) for b, n, d in metres]
    events += [(b, mido.Message("control_change", channel=c, control=n, value=v)) for b, c, n, v in controls]
    for channel, (program, notes) in voices.items():
        events.append((0.0, mido.Message("program_change", channel=channel, program=program)))
        for n in notes:
            off = n.start + n.beats
            events.append((n.start, mido.Message("note_on", channel=channel, note=n.pitch, velocity=n.velocity)))
            if n.beats:
                events.append((off, mido.Message("note_on", channel=channel, note=n.pitch, velocity=0)))
    file, track, now = mido.MidiFile(ticks_per_beat=TICKS), mido.MidiTrack(), 0
    for beat, message in sorted(events, key=lambda e: (e[0], e[1].type == "note_on" and e[1].velocity > 0)):
        tick = round(beat * TICKS)
        track.append(message.copy(time=tick - now))
        now = tick
    file.tracks.append(track)
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def band(bars: int = 16, bar: int = 4, up: int = 0) -> Voices:
    """Bass, piano, flute and drums playing C Am F G, a bar each; the flute plays another figure in each half."""
    bass, piano, flute, drums = [], [], [], []
    for number in range(bars):
        at, (low, *chord) = number * bar, CADENCE[number % 4]
        bass += [Note(at, 1, low + up, 90), Note(at + bar - 1.5, 1.5, low + up, 80)]
        piano += [Note(at, bar, pitch + up, 70) for pitch in chord]
        flute += [Note(at + beat, 0.5, chord[beat % 3] + 12 + up, 75) for beat in range(bar - 1)]
        drums += [Note(at, 0.2, 36, 110)] + [Note(at + beat, 0.2, 38, 100) for beat in range(1, bar)]
        drums += [Note(at + 0.5, 0.2, 62, 60)]
    return {0: (33, bass), 1: (0, piano), 2: (73, flute), 9: (0, drums)}


def song(**changes):
    return read(file_of(band(), **changes))


# --- files ---


def test_voices_of_a_file() -> None:
    found = song(controls=((0.0, 1, 7, 50),))
    assert [(v.program, v.drums, round(v.volume)) for v in found.voices] == [
        (33, False, 100), (0, False, 50), (73, False, 100), (0, True, 100),
    ]  # fmt: skip
    assert found.voices[1].notes[:3] == tuple(Note(0, 4, pitch, 70) for pitch in (60, 64, 67))
    (stretch,) = found.stretches
    assert (stretch.tempo, stretch.metre, stretch.start, stretch.end) == (pytest.approx(120), (4, 4), 0, 64)
    assert stretch.metre_stated and stretch.seconds == pytest.approx(32)


def test_pedal_restrikes_and_notes_without_an_end() -> None:
    voices = band() | {3: (0, [Note(0, 1, 80, 90), Note(2, 1, 80, 90), Note(8, 1, 81, 90), Note(60, 0, 82, 90)])}
    notes = read(file_of(voices, controls=((0.5, 3, 64, 127), (6.0, 3, 64, 0)))).voices[3].notes
    assert [(n.start, n.beats, n.pitch) for n in notes] == [(0, 2, 80), (2, 4, 80), (8, 1, 81), (60, 4, 82)]


def test_stretches_keep_one_tempo_and_begin_on_bar_lines() -> None:
    tempi = ((0, 120), (8, 120.9), (50, 100), (52, 90), (54, 120))
    found = read(file_of(band(30), tempi)).stretches
    assert [(round(s.tempo), s.start, s.end) for s in found] == [(120, 0, 48), (120, 56, 120)]


def test_other_metres_are_cut_out() -> None:
    found = read(file_of(band(30), metres=((0, 4, 4), (44, 5, 8), (60, 4, 4)))).stretches
    assert [(s.start, s.end) for s in found] == [(0, 44), (60, 120)]
    waltz = read(file_of(band(20, bar=3), metres=((0, 3, 4),))).stretches
    assert [(s.metre, s.bar, s.end) for s in waltz] == [((3, 4), 3.0, 60)]


def test_a_file_that_states_no_metre_is_in_four_if_its_notes_are() -> None:
    (stretch,) = read(file_of(band(), metres=())).stretches
    assert stretch.metre == (4, 4) and not stretch.metre_stated
    with pytest.raises(FileError, match="another metre"):
        read(file_of(band(20, bar=3), metres=()))


LOOSE = random.Random(1)
BAD = {
    "damaged": file_of(band())[:200],
    "it is damaged": b"MThd nothing of the kind",
    "larger than 1 MB": file_of(band()) + bytes(1_000_000),
    "no notes": file_of({0: (0, [])}),
    "only drums": file_of({9: band()[9]}),
    "longer than 15 minutes": file_of(band(8) | {5: (0, [Note(2000, 1, 60, 80)])}),
    "at once": file_of(band() | {c: (0, [Note(8, 4, p, 60) for p in range(30, 90)]) for c in (3, 4, 5)}),
    "its metre is 7/8": file_of(band(), metres=((0, 7, 8),)),
    "another metre": file_of(band(20, bar=3)),
    "20 seconds": file_of(band(8)),
    "its tempo is 300": file_of(band(60), tempi=((0, 300.0),)),
    "do not follow its beat": file_of({0: (0, [Note(LOOSE.uniform(0, 64), 1, 60, 80) for _ in range(200)])}),
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_files_say_why(reason: str) -> None:
    with pytest.raises(FileError, match=reason):
        read(BAD[reason])


def test_the_same_notes_have_the_same_digest() -> None:
    assert song().digest == song(tempi=((0, 100.0),)).digest != read(file_of(band(up=1))).digest


# --- key and chords ---


def test_key_and_chords_of_a_cadence() -> None:
    notes = [n for voice in song().voices if not voice.drums for n in voice.notes]
    key, fit = chords_and_key.key_of_notes(notes, 0, 64)
    assert key.name == "C major" and fit > CLEAR_KEY
    assert chords_and_key.chords(notes, 0, 16, 4.0, key) == ("C", "C", "Am", "Am", "F", "F", "G", "G")


def test_what_is_no_chord_gets_no_name() -> None:
    cluster = [Note(0, 4, pitch, 80) for pitch in range(60, 67)]
    halves = [Note(0, 2, p, 80) for p in (57, 60, 64)] + [Note(2, 2, p, 80) for p in (60, 61, 62, 63)]
    key = chords_and_key.key_of_notes(cluster, 0, 4)[0]
    assert chords_and_key.chords(cluster, 0, 4, 4.0, key) == ("", "")
    assert chords_and_key.chords(halves, 0, 4, 4.0, key) == ("Am", "")
    assert chords_and_key.chords([], 0, 4, 4.0, key) == ("", "")


def test_estimates_agree_with_what_the_composer_wrote() -> None:
    """Clear keys are mostly right, and nearly all chords have the right root."""
    keys, roots = Counter(), Counter()
    for seed, genre in enumerate(GENRES[:33] * 2):
        score = compose(seed, 30.0, genre)
        if not score.key or any(s.key or s.metre or s.tempo or not any(s.chords) for s in score.sections):
            continue  # drawn at random, or changing on its way
        notes = [n for p in score.parts if p.role not in ("drums", "percussion", "effect") for n in p.notes]
        key, fit = chords_and_key.key_of_notes(notes, 0, score.beats)
        if fit >= CLEAR_KEY:
            keys[key.tonic == pitch_class(score.key.split(" ")[0])] += 1
        bar = score.metre[0] * 4 / score.metre[1]
        for number, symbol in enumerate(chords_and_key.chords(notes, 0, score.sections[-1].end, bar, key)):
            middle = (number + 0.5) * bar / 2
            true = next((s for s, begin, end in slots(score) if begin <= middle < end), "")
            if true and "/" not in true and parse_chord(true).quality not in chords_and_key.AMBIGUOUS:
                roots[parse_chord(symbol)[0] == parse_chord(true)[0] if symbol else None] += 1
    assert keys[True] >= 0.75 * keys.total() and keys.total() >= 10
    assert roots[None] < 0.15 * roots.total() and roots[True] > 0.93 * (roots[True] + roots[False])


# --- arrangements ---


def arranged(seed: int, **changes) -> Score:
    found = song(**changes)
    return arrange(found, found.stretches[0], 0.0, 24.0, seed)


def test_same_seed_same_arrangement() -> None:
    assert arranged(3) == arranged(3)
    scores = [arranged(seed) for seed in range(16)]
    assert len({score.tempo for score in scores}) > 10 and len({score.key for score in scores}) > 5
    assert len({part.name for score in scores for part in score.parts}) > 20


def test_arrangements_keep_the_music() -> None:
    for seed in range(16):
        score = arranged(seed)
        assert TEMPO[0] * 120 - 0.1 <= score.tempo <= TEMPO[1] * 120 + 0.1
        assert score.beats % 4 == 0 and 24 <= score.seconds <= 24 + 8 * 60 / score.tempo
        roles = Counter(part.role for part in score.parts)
        assert roles["bass"] == roles["melody"] == roles["drums"] == roles["percussion"] == 1
        step = (parse_chord(score.sections[0].chords[0])[0]) % 12
        assert step in {s % 12 for s in range(STEPS[0], STEPS[1] + 1)}
        assert pitch_class(score.key.split(" ")[0]) == step and score.key.endswith("major")
        for part in score.parts:
            if part.role == "drums":
                assert {note.pitch for note in part.notes} == {36, 38}
            elif part.role == "percussion":
                assert part.name == "congas" and {note.pitch for note in part.notes} == {62}
            else:
                sounds, low, high = INSTRUMENTS[part.name]
                assert part.sound in sounds and all(low <= note.pitch <= high for note in part.notes)
                assert {(n.pitch - step) % 12 for n in part.notes} <= {0, 2, 4, 5, 7, 9, 11}
            assert all(1 <= n.velocity <= 127 and 0 <= n.start < score.beats for n in part.notes)


def test_excerpts_cover_the_stretch_in_whole_bars() -> None:
    (stretch,) = read(file_of(band(60))).stretches
    begins = starts(stretch, 30.0)
    assert begins == [0, 60, 120, 180]
    for seed, begin in enumerate(begins):
        tempo, start, end = excerpt(stretch, begin, 30.0, seed)
        assert start % 4 == end % 4 == 0 and start <= begin and end <= stretch.end and (end - start) * 60 / tempo >= 30


def test_instruments_of_the_genre_where_it_is_known() -> None:
    found = song()
    names = {
        p.name
        for seed in range(20)
        for p in arrange(found, found.stretches[0], 0.0, 24.0, seed, "string quartet").parts
    }
    assert {name for name in names if name in INSTRUMENTS} == {
        *("violin", "viola", "cello"),
        *("electric bass", "piano", "flute"),  # as written
    }


def test_unclear_harmony_is_left_unsaid() -> None:
    rng = random.Random(5)
    noise = [Note(beat, 1, 36 + rng.randrange(60), 80) for beat in range(64) for _ in range(4)]
    found = read(file_of({0: (0, noise), 9: band()[9]}))
    score = arrange(found, found.stretches[0], 0.0, 24.0, 1)
    assert score.key is None and score.sections[0].chords.count("") > 0.8 * len(score.sections[0].chords)
    facts = window_facts(score, 0.0, 10.0)
    assert facts["tonality"] is None and facts["chords"] == []
    plan = Plan.from_dict(facts["plan"])
    plan.check()
    assert (
        plan.key is None and frame_grid(plan, 20, 2.0)[:, :10].any() and not frame_grid(plan, 20, 2.0)[:, 34:58].any()
    )
    for texts in captions(facts, random.Random(1)).values():
        assert not re.search(r"\b(major|minor|key)\b", " ".join(texts))


# --- facts and captions ---


def test_facts_carry_the_plan_and_say_what_is_estimated() -> None:
    score = arranged(2)
    facts = window_facts(score, 10.0, 10.0)
    assert facts["genre"] is None and facts["estimated"] == ["key", "chords"] and not facts["ending"]
    assert window_facts(arranged(2, metres=()), 10.0, 10.0)["estimated"] == ["key", "chords", "metre"]
    plan = Plan.from_dict(json.loads(json.dumps(facts["plan"])))
    plan.check()
    assert (plan.tempo, plan.metre, plan.key) == (score.tempo, "4/4", score.key)
    assert plan.start == pytest.approx(10 * score.tempo / 60, abs=1e-3)
    assert sum(length for _, length in plan.chords) == score.beats


def entering() -> Score:
    """The band without its drums for eight bars, then all of it, louder."""
    voices = band()
    late = {c: (k, [n for n in notes if c != 9 or n.start >= 32]) for c, (k, notes) in voices.items()}
    loud = {
        c: (k, [Note(n.start, n.beats, n.pitch, 40 if n.start < 32 else 110) for n in ns])
        for c, (k, ns) in late.items()
    }
    found = read(file_of(loud))
    return arrange(found, found.stretches[0], 0.0, 30.0, 5)


def test_drums_that_enter_in_a_file_begin_a_section() -> None:
    score = entering()
    assert [(s.start, s.end, s.name) for s in score.sections] == [(0, 32, ""), (32, 64, "")]
    quiet, full = (section.energy for section in score.sections)
    assert quiet is not None and full is not None and full > quiet + 0.2
    assert {"sections", "energy"} <= set(score.estimated)
    middle = score.seconds_at(32)
    facts = window_facts(score, middle - 5, 10.0)
    assert "drums enter" in facts["happens"] and "rises" in facts["happens"]
    assert not {"drums first", "drum break", "one chord"} & set(facts["happens"])
    plan = Plan.from_dict(json.loads(json.dumps(facts["plan"])))
    plan.check()
    assert [section.drums for section in plan.sections] == [False, True]
    grid = frame_grid(plan, 20, 2.0)
    assert grid[0, 58:60].tolist() == [0, 1] and grid[-1, 58:60].tolist() == [1, 0]
    assert sum(bar.bars for bar in plan.sections) * 4 == score.beats


def test_drums_beside_notes_without_clear_chords_are_not_alone() -> None:
    rng = random.Random(5)
    noise = [Note(beat, 1, 36 + rng.randrange(60), 80) for beat in range(64) for _ in range(4)]
    late = [note for note in band()[9][1] if note.start >= 32]
    found = read(file_of({0: (0, noise), 9: (0, late)}))
    score = arrange(found, found.stretches[0], 0.0, 30.0, 1)
    happens = window_facts(score, score.seconds_at(32) - 5, 10.0)["happens"]
    assert "drums enter" in happens and not {"drum break", "one chord"} & set(happens)


def test_captions_without_a_genre() -> None:
    words = {word.lower() for nouns, tags in GENRE_WORDS.values() for word in (*nouns, *tags)} | set(GENRES)
    instruments = " ".join((*INSTRUMENTS, *DRUM_KITS, *(name for names in FAMILY.values() for name in names)))
    words = {word for word in words if word not in instruments.lower() and word not in ("solo piano", "groove")}
    openings = Counter()
    for seed in range(16):
        facts = window_facts(arranged(seed), 0.0, 10.0)
        said = captions(facts, random.Random(seed))
        assert [len(said[kind]) for kind in ("short", "long", "dense")] == [3, 2, 2]
        for text in [text for texts in said.values() for text in texts]:
            assert not [word for word in words if re.search(rf"\b{re.escape(word)}\b", text.lower())], text
            assert not re.search(r"None|, ,|,\.|, $|,$|  |Chords: \.", text), text
        openings.update(" ".join(text.split()[:3]) for text in said["short"])
    assert len(openings) > 20


def test_captions_name_a_genre_of_the_table() -> None:
    facts = window_facts(arranged(1), 0.0, 10.0) | {"genre": "ragtime"}
    said = [text for texts in captions(facts, random.Random(1)).values() for text in texts]
    assert sum("ragtime" in text.lower() for text in said) >= 4


# --- the corpus ---


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[Score]:
    """Noise instead of playing, and the scores that would have been played."""
    played: list[Score] = []

    def noise(score: Score, rate: int) -> np.ndarray:
        played.append(score)
        return np.full((2, round(score.seconds * rate)), 0.1, np.float32)

    monkeypatch.setattr(build, "render", noise)
    monkeypatch.setattr(midi_build, "sources_of", lambda score: ["soundfont X (MIT)"])
    return played


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "more").mkdir(parents=True)
    (folder / "a.mid").write_bytes(file_of(band()))
    (folder / "b.MID").write_bytes(file_of(band(40, up=1)))
    (folder / "more" / "c.midi").write_bytes(file_of(band(up=2)))
    (folder / "same.mid").write_bytes(file_of(band(), tempi=((0, 90.0),)))
    (folder / "broken.mid").write_bytes(b"MThd")
    (folder / "gpl.mid").write_bytes(file_of(band(up=3)))
    (folder / "nobody.mid").write_bytes(file_of(band(up=4)))
    rows = ["a.mid,CC0-1.0,Anna,waltz", "b.MID,GPL-2.0 or CC-BY-4.0,Bert,", "more/c.midi,CC0-1.0,Carla,"]
    rows += ["same.mid,CC0-1.0,Anna,", "broken.mid,CC0-1.0,Anna,", "gpl.mid,GPL-3.0-or-later,Gus,"]
    (folder / "sources.csv").write_text("file,licence,source,genre\n" + "\n".join(rows) + "\n")
    return folder


def manifest(out: Path) -> list[dict]:
    return [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]


def test_a_folder_becomes_a_dataset(data, tmp_path, quick) -> None:
    states, notes = [], []
    out = tmp_path / "out"
    summary = midi_build.build_midi(data, out, 150 / 3600, 7, progress=states.append, note=notes.append)
    assert (summary["files"], summary["failed"]) == (3, []) and summary["hours"] * 3600 >= 150
    assert [line.split(":")[0] for line in summary["left_out"]] == ["broken.mid", "gpl.mid", "nobody.mid", "same.mid"]
    assert "the same notes as a.mid" in summary["left_out"][3] and len(notes) == 4
    assert (states[-1]["done"], states[-1]["total"]) == (summary["pieces"], summary["pieces"])
    rows = manifest(out)
    assert len(rows) == summary["clips"] == len({row["id"] for row in rows})
    for row in rows:
        assert (out / row["path"]).is_file() and row["set"] == "midi" and row["seconds"] == 10.0
        assert row["genre"] == ("waltz" if row["source"].startswith("a.mid of Anna") else None)
        assert set(row["captions"]) == {"short", "long", "dense", "plain", "free"} and row["facts"]["plan"]["tempo"]
        assert bool(row["captions"]["free"]) == (row["genre"] is not None)
    assert {row["source"].split(" of ")[0] for row in rows} == {"a.mid", "b.MID", "more/c.midi"}
    assert "more/c.midi of Carla, arranged by ttm-app; soundfont X (MIT): CC0-1.0" in (out / "CREDITS.md").read_text()
    meta = json.loads((out / "meta.json").read_text())
    assert meta["set"] == "midi" and sum(meta["clips_by"]["genre"].values()) == len(rows)
    assert {path.stem for path in (out / "scores").iterdir()} == {f"{p.stem}.json" for p in (out / "rows").iterdir()}
    assert set(stats(out)["genre"]) == {"waltz", "unknown"} and None not in stats(out).get("key", {})
    again = build.recaption(out)
    assert again["clips"] == len(rows) and manifest(out) == rows


def test_all_versions_of_a_file_are_in_one_split(data, tmp_path, quick) -> None:
    midi_build.build_midi(data, tmp_path / "out", 300 / 3600, 7)
    splits: dict[str, set[str]] = {}
    for row in manifest(tmp_path / "out"):
        splits.setdefault(row["source"].split(" of ")[0], set()).add(row["split"])
    assert len(splits) == 3 and all(len(found) == 1 for found in splits.values())
    assert len(quick) > 8 and len({(score.tempo, score.key) for score in quick}) > 8


def test_going_on_makes_only_what_is_missing(data, tmp_path, quick) -> None:
    out = tmp_path / "out"
    midi_build.build_midi(data, out, 60 / 3600, 7)
    rows, first = manifest(out), len(quick)
    midi_build.build_midi(data, out, 60 / 3600, 7)
    assert len(quick) == first
    next(iter(sorted((out / "rows").iterdir()))).unlink()
    midi_build.build_midi(data, out, 60 / 3600, 7)
    assert len(quick) == first + 1 and manifest(out) == rows
    midi_build.build_midi(data, out, 120 / 3600, 7)
    assert manifest(out)[: len(rows)] == rows and len(manifest(out)) > len(rows)
    (data / "d.mid").write_bytes(file_of(band(up=5)))
    with pytest.raises(FileError, match="another files"):
        midi_build.build_midi(data, out, 120 / 3600, 7, licence="CC0-1.0", source="Dora")
    with pytest.raises(FileError, match="another seed"):
        midi_build.build_midi(data, out, 120 / 3600, 8)


def test_every_excerpt_comes_once_before_any_comes_again() -> None:
    usable = [
        (midi_build.Origin(n, Path(n), "CC0-1.0", "x", None), read(file_of(band(b)))) for n, b in (("a", 16), ("b", 64))
    ]
    drawn = list(islice(midi_build.versions(usable, 1, 30.0), 10))
    first, second = ([(v.origin.name, v.start) for v in part] for part in (drawn[:5], drawn[5:]))
    assert sorted(first) == sorted(second) == [("a", 0), ("b", 0), ("b", 64), ("b", 128), ("b", 192)]
    assert len({v.seed for v in drawn}) == 10


def test_sources_as_json_and_from_options(tmp_path) -> None:
    for name in ("a.mid", "b.mid"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "sources.json").write_text(json.dumps([{"file": "a.mid", "licence": "CC0-1.0", "genre": "jazz"}]))
    found, left_out = midi_build.origins(tmp_path, "CC-BY-4.0", "Somebody")
    assert [(o.name, o.licence, o.source, o.genre) for o in found] == [
        ("a.mid", "CC0-1.0", "Somebody", "jazz"), ("b.mid", "CC-BY-4.0", "Somebody", None),
    ]  # fmt: skip
    assert left_out == []
    _, left_out = midi_build.origins(tmp_path, "CC BY-NC 4.0", "Somebody")
    assert left_out[0].startswith("b.mid: CC BY-NC 4.0 is no licence")
    (tmp_path / "sources.json").write_text('[{"file": "z.mid"}]')
    with pytest.raises(FileError, match=r"no z\.mid"):
        midi_build.origins(tmp_path)
    (tmp_path / "sources.json").write_text('{"a.mid": 1}')
    with pytest.raises(FileError, match="no table"):
        midi_build.origins(tmp_path)


def test_a_chiptune_is_played_for_real_by_the_command(tmp_path, capsys) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    data.mkdir()
    voices = {channel: voice for channel, voice in band(11).items() if channel != 9}
    (data / "tune.mid").write_bytes(file_of(voices))
    (data / "sources.csv").write_text("file,licence,source,genre\ntune.mid,CC0-1.0,Anna,chiptune\n")
    (data / "bad.mid").write_bytes(b"bad")
    words = ["corpus", "midi", "--data", str(data), "--out", str(out), "--hours", "0.002", "--seed", "2"]
    assert cli.run([*words, "--licence", "CC0-1.0", "--source", "Anna", "--json"]) == 0
    said = capsys.readouterr()
    assert "left out bad.mid: it is damaged" in said.err and json.loads(said.out)["pieces"] == 1
    rows = manifest(out)
    assert rows[0]["genre"] == "chiptune"
    assert set(rows[0]["facts"]["instruments"]) <= {"square lead", *(n for n in INSTRUMENTS if "chiptune" in n)}
    audio, rate = soundfile.read(out / rows[0]["path"])
    assert rate == 32000 and np.sqrt(np.mean(audio**2)) > 0.05


def test_what_the_command_cannot_use(tmp_path, capsys) -> None:
    out = ["--out", str(tmp_path / "out"), "--hours", "0.01"]
    assert cli.run(["corpus", "midi", "--data", str(tmp_path / "none"), *out]) == 3
    assert "is no folder" in capsys.readouterr().err
    (tmp_path / "bad.mid").write_bytes(b"bad")
    assert cli.run(["corpus", "midi", "--data", str(tmp_path), *out, "--licence", "CC0-1.0", "--source", "x"]) == 3
    assert "none of the MIDI files" in capsys.readouterr().err
