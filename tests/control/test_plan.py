"""Plans: from facts, prompts and seeds to what a generator is told of every frame."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from musicgen_app.control import operations
from musicgen_app.control.grid import OVER, WIDTHS, frame_grid, layout_of
from musicgen_app.control.plan import MAX_BARS, Plan, Section
from musicgen_app.control.planner import Pieces, load_pieces, plans_for
from musicgen_app.control.prompt_parser import parse_prompt
from musicgen_app.control.theory import bar_length, beat_length, key_of, parse_chord, pitch_class, transpose
from musicgen_app.engine import Engine
from musicgen_app.errors import ModelError, RequestError
from musicgen_app.library.metadata import sidecar_for
from musicgen_app.request import GenerationRequest
from musicgen_app.songbook.sheet_writer import write_sheet
from support.planned_model import pieces, planned, wide
from support.prepared_folder import write_tiny
from ttm_trainer.output.track_facts import known_plans

WALTZ = Plan(120.0, "3/4", 0.0, "A minor", (("Am", 6.0), ("E7", 3.0)))
SONG = Plan(  # 16 s at 120 BPM, and 8 s more at 60
    120.0, "4/4", 0.0, "A minor", (("Am", 4.0), ("F", 2.0), ("C/E", 2.0)), sections=(
        Section(2, "intro", drums=False, energy=0.3),
        Section(4, "Verse 1", drums=True, energy=0.6),
        Section(2, "chorus", (("F", 4.0),), True, 0.9, key="F major"),
        Section(2, "outro", (("Am", 7.0),), False, 0.4, tempo=105.0, metre="7/8"),
    ), ends=True, swing=0.6,
)  # fmt: skip


def test_notes_and_chords():
    assert [pitch_class(note) for note in ("C", "F#", "Gb", "B", "Cb", "B#")] == [0, 6, 6, 11, 11, 0]
    assert parse_chord("F#m7") == (6, "m7", 6) and parse_chord("Bbmaj7") == (10, "maj7", 10)
    assert parse_chord("C/E") == (0, "", 4) and parse_chord("Am7/Gb").bass == 6
    assert parse_chord("G7").pitches == (7, 11, 2, 5)
    assert transpose("Am7", 3) == "Cm7" and transpose("C", -1) == "B" and transpose("C/E", 2) == "D/F#"
    for wrong in ("H", "Cx", "am", "", "C/", "C/H", "C/G/E", "/G"):
        with pytest.raises(ValueError):
            parse_chord(wrong)


def test_the_grid_tells_the_place_in_the_bar():
    """At 120 BPM and 8 frames a second a quarter note is 4 frames; frames are told of their middle."""
    grid = frame_grid(WALTZ, 24, 8.0)
    quarters = (np.arange(24) + 0.5) / 4
    for column, period in enumerate((3, 1.5, 1, 0.5, 0.25)):
        np.testing.assert_allclose(grid[:, column], np.sin(2 * np.pi * quarters / period), atol=1e-5)
        np.testing.assert_allclose(grid[:, 5 + column], np.cos(2 * np.pi * quarters / period), atol=1e-5)
    np.testing.assert_allclose(grid[:12, :10], grid[12:, :10], atol=1e-5)  # a bar later it is the same


def test_the_grid_tells_chord_and_key():
    grid = frame_grid(WALTZ, 72, 8.0, layout=1)
    chord, root, scale, tonic = grid[:, 10:22], grid[:, 22:34], grid[:, 34:46], grid[:, 46:58]
    assert WIDTHS[1] == grid.shape[1] == 60
    for first, last, notes, bass in ((0, 24, (9, 0, 4), 9), (24, 36, (4, 8, 11, 2), 4), (36, 60, (9, 0, 4), 9)):
        assert (chord[first:last] == np.isin(np.arange(12), notes)).all()
        assert (root[first:last] == (np.arange(12) == bass)).all()
    assert (scale == np.isin(np.arange(12), (9, 11, 0, 2, 4, 5, 7))).all() and (tonic == (np.arange(12) == 9)).all()


def test_what_is_not_known_is_zero():
    assert not frame_grid(Plan(), 5, 8.0).any()
    only_key, only_tempo = frame_grid(Plan(key="C major"), 5, 8.0), frame_grid(Plan(tempo=90.0), 5, 8.0)
    assert not only_key[:, :34].any() and only_key[:, 34:58].any() and not only_key[:, 58:].any()
    for drums, column in ((True, 58), (False, 59)):
        added = frame_grid(replace(WALTZ, drums=drums), 5, 8.0) - frame_grid(WALTZ, 5, 8.0)
        assert (added == np.eye(WIDTHS[2])[column]).all()
    assert only_tempo[:, :10].any() and not only_tempo[:, 10:72].any()


def test_a_plan_may_know_some_chords_only():
    plan = Plan(60.0, chords=(("C", 1.0), ("", 2.0), ("G", 1.0)), key="C major")
    plan.check()
    assert frame_grid(plan, 4, 1.0)[:, 10:34].any(axis=1).tolist() == [True, False, False, True]
    assert plan.describe() == "60 BPM, 4/4, C major, (C ? G)"
    assert operations.transpose(plan, 2).chords == (("D", 1.0), ("", 2.0), ("A", 1.0))
    assert Plan.from_dict(plan.to_dict()) == plan


@pytest.mark.parametrize("layout", WIDTHS)
def test_what_cannot_be_counted_is_zero_and_all_else_as_ever(layout):
    """Of a recording bar lines may be known, but no phrases; or beats alone, whatever the metre is called."""
    full = frame_grid(SONG, 60, 4.0, layout=layout)
    bars = frame_grid(replace(SONG, counted="bar"), 60, 4.0, layout=layout)
    beats = frame_grid(replace(SONG, counted="beat"), 60, 4.0, layout=layout)
    lost = [np.flatnonzero((grid != full).any(axis=0)).tolist() for grid in (bars, beats)]
    phrases = [72, 74, 76, 77] if layout > 1 else []
    bar_lines = [0, 1, 5, 6] + ([*range(72, 80)] if layout > 1 else [])
    assert not bars[:, phrases].any() and set(lost[0]) == set(phrases)
    assert not beats[:, bar_lines].any() and set(lost[1]) <= set(bar_lines) >= {0, 1, 5, 6}
    assert beats[:, 2].any() and beats[:, 10:60].any()


def test_a_plan_of_beats_alone_says_no_metre_and_no_sheet_hides_that():
    plan = replace(WALTZ, counted="beat")
    assert plan.describe() == "120 BPM, A minor, Am % E7"
    assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan and "counted" not in WALTZ.to_dict()
    with pytest.raises(ValueError, match="neither bar nor beat"):
        replace(WALTZ, counted="phrase").check()
    with pytest.raises(RequestError, match="cannot hold"):
        write_sheet(plan)


def test_a_plan_from_later_on_and_a_grid_from_a_frame_on_are_the_same_music():
    for plan in (WALTZ, SONG, replace(SONG, ends=False)):
        whole = frame_grid(plan, 400, 8.0)
        np.testing.assert_allclose(frame_grid(plan, 380, 8.0, first=20), whole[20:])
        np.testing.assert_allclose(frame_grid(plan.later(2.5), 380, 8.0), whole[20:], atol=1e-5)
    assert Plan(key="C major").later(3.0) == Plan(key="C major")


def column(grid: np.ndarray, number: int) -> list[float]:
    """Distinct values of a column, in order."""
    values = grid[:, number].astype(float)
    return values[np.flatnonzero(np.diff(values, prepend=np.nan))].round(3).tolist()


def test_sections_change_the_grid_inside_a_clip():
    grid = frame_grid(SONG, 352, 16.0)
    assert layout_of(grid.shape[1]) == 2
    assert column(grid, 58) == [0, 1, 0] and column(grid, 59) == [1, 0, 1, 0]  # drums; after the end there is nothing
    assert np.flatnonzero(np.diff(grid[:, 58])).tolist() == [63, 255]  # they enter at 4 s and leave at 16 s
    assert column(grid, 82) == [0.3, 0.6, 0.9, 0.4, 0]  # energy
    assert (np.argmax(grid[:, 84:92], axis=1)[[0, 100, 200, 300]] == [0, 1, 2, 7]).all()  # "Verse 1" is a verse
    assert grid[200, 60:72].argmax() == 5 and grid[60, 60:72].argmax() == 4  # the bass of F, and of C/E
    assert grid[200, 46:58].argmax() == 5 and grid[10, 46:58].argmax() == 9  # its own key
    assert column(grid, 78) == [1, 0.875, 0] and column(grid, 80) == [0.6, 0]  # length of the bar; swing
    assert column(grid, 92) == [0, 1, 0] and column(grid, 93) == [0, 1]  # the last bar rings, then it is over


def test_a_piece_ends_or_begins_again():
    assert SONG.seconds == 20 and SONG.quarters == 39 and SONG.stretches[3].start == 32
    after = frame_grid(SONG, 40, 10.0, first=200)
    assert (after[:, OVER] == 1).all() and not np.delete(after, OVER, axis=1).any()
    again = replace(SONG, ends=False)
    np.testing.assert_allclose(frame_grid(again, 200, 10.0, first=200), frame_grid(again, 200, 10.0), atol=1e-4)
    assert not frame_grid(again, 400, 10.0)[:, 92:].any()


def test_a_layout_1_grid_of_sections_is_the_first_part_of_layout_2():
    assert (frame_grid(SONG, 50, 8.0, layout=1) == frame_grid(SONG, 50, 8.0)[:, :60]).all()


def test_metres():
    lengths = {"7/8": (3.5, 0.5), "12/8": (6, 1.5), "5/4": (5, 1), "2/2": (4, 2), "3/8": (1.5, 0.5)}
    for metre, (bar, beat) in lengths.items():
        assert bar_length(metre) == bar and beat_length(metre) == beat


@pytest.mark.parametrize(
    "wrong",
    [
        {"tempo": float("nan")}, {"tempo": 0}, {"metre": "4/5"}, {"metre": "0/4"}, {"metre": "99/4"},
        {"key": "H major"}, {"key": "C"}, {"chords": [["C", 0]]}, {"chords": [["C", float("inf")]]},
        {"chords": [["Q", 4]]}, {"drums": 3},
        {"start": float("inf")}, {"swing": 0.9}, {"ends": True}, {"sections": [{"bars": 0}]},
        {"sections": [{"bars": MAX_BARS + 1}]}, {"sections": [{"bars": 1}] * 501}, {"sections": [{"bars": 6_000}] * 2},
        {"sections": [{"bars": 4, "energy": 1.1}]}, {"sections": [{"bars": 4, "chords": [["H", 4]]}]},
        {"sections": [{"bars": float("nan")}]}, {"sections": [{"bars": 4, "metre": "1/1"}]}, {"tempo": "fast"},
        {"color": "red"}, {"sections": [{}]},
    ],
)  # fmt: skip
def test_a_plan_that_cannot_be(wrong):
    with pytest.raises((TypeError, ValueError)):
        Plan.from_dict(wrong).check()


def test_in_words():
    assert WALTZ.describe() == "120 BPM, 3/4, A minor, Am % E7" and Plan().describe() == ""
    long = replace(WALTZ, chords=(("C", 3.0),) * 9)
    assert long.describe().endswith("A minor, C C C C C C C C ...")
    assert Plan(90.0, drums=False).describe() == "90 BPM, 4/4, no drums"
    form = "intro 2 bars, no drums | Verse 1 4 bars, drums | chorus 2 bars, drums: F | outro 2 bars, no drums: Am %"
    assert SONG.describe() == f"120 BPM, 4/4, A minor, Am (F C/E), {form}"
    assert Plan.from_dict(json.loads(json.dumps(SONG.to_dict()))) == SONG and Plan.from_dict({}) == Plan()
    SONG.check()


def test_key_of_chords():
    for chords, key in {
        ("Am", "F", "C", "G"): "A minor", ("C", "Am", "F", "G"): "C major", ("Dm7", "G7", "Cmaj7"): "C major",
        ("Bb", "Eb", "F", "Bb"): "Bb major", ("G#m", "C#m", "D#m"): "G# minor",
        ("E", "A", "B7"): "E major", ("Em", "C", "G", "D"): "E minor",
    }.items():  # fmt: skip
        assert key_of(chords) == key


def test_moved_to_another_key_chords_go_along():
    waltz = Pieces(np.ones((1, 1), dtype=np.float32), (WALTZ,))
    moved = plan_for("in C minor", np.ones(1), 0, waltz)
    assert moved.key == "C minor" and [symbol for symbol, _ in moved.chords] == ["Cm", "G7"]
    assert plan_for("in F# minor", None, 0, None).key == "F# minor"


def plan_for(prompt: str, vector: np.ndarray | None, seed: int, pieces: Pieces | None) -> Plan:
    (plan,) = plans_for(parse_prompt(prompt), vector, [seed], pieces)
    return plan


def test_what_a_prompt_does_not_state_comes_from_a_near_piece():
    near = [plan_for("calm", np.array([1.0, 0.0]), seed, pieces()) for seed in range(40)]
    assert {plan.tempo for plan in near} == {60.0, 61.0, 62.0, 63.0, 64.0}  # the five nearest, by the seed
    assert plan_for("calm", np.array([1.0, 0.0]), 7, pieces()) == near[7]
    assert plan_for("calm", np.array([0.0, 3.0, 9.0]), 1, pieces()).tempo >= 160  # what is behind G is not looked at


def test_a_pace_is_that_of_pieces_which_are_like_it():
    """Forty near pieces of 60 to 99 BPM, and slower and faster ones that are unlike."""
    plans = [Plan(60.0 + n) for n in range(40)] + [Plan(41.0 + n % 2 * 160) for n in range(20)]
    vectors = np.array([[1.0, 0.001 * (n * 7 % 40)] for n in range(40)] + [[0.0, 1.0]] * 20, dtype=np.float32)
    few = Pieces(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), tuple(plans))

    def tempi(prompt: str) -> set[float]:
        return {plan_for(prompt, np.array([1.0, 0.0]), seed, few).tempo for seed in range(60)}

    slow, fast, any_pace = tempi("slow piano"), tempi("fast piano"), tempi("piano")
    assert len(slow) == len(fast) == len(any_pace) == 5
    assert slow < {60.0 + n for n in range(8)} and fast < {99.0 - n for n in range(8)}
    assert any_pace - slow - fast
    assert tempi("slow piano, 140 BPM") == {140.0}  # a number says it better
    assert tempi("slow piano, no drums") <= set(range(60, 68))


def test_there_are_drums_if_most_of_the_near_pieces_have_them():
    few = pieces()
    plans = tuple(replace(plan, drums=n in (1, 2, 3)) for n, plan in enumerate(few.plans))
    several = [plan_for("calm", np.array([1.0, 0.0]), seed, Pieces(few.vectors, plans)) for seed in range(9)]
    assert {plan.drums for plan in several} == {True} and len({plan.tempo for plan in several}) > 1


def test_what_a_prompt_states_is_in_the_plan():
    vector = np.array([1.0, 0.0])
    assert plan_for("calm, 97 BPM", vector, 1, pieces()).tempo == 97.0
    moved = plan_for("calm, in F minor", vector, 1, pieces())
    assert moved.key == "F minor" and [symbol for symbol, _ in moved.chords] == ["Fm", "C"]
    assert plan_for("calm, in a major key", vector, 1, pieces()).key == "G major"  # from farther away
    assert plan_for("calm, in D", vector, 1, pieces()).key == "D major"  # not D minor, which is nearer
    dark = Pieces(pieces().vectors[:6], pieces().plans[:6])  # which have nothing in major
    moved = plan_for("calm, in E", vector, 1, dark)
    assert moved.key == "E major" and [symbol for symbol, _ in moved.chords] == ["E", "B"]
    assert plan_for("calm with drums", vector, 1, pieces()).key == "G major"
    assert plan_for("calm waltz, no drums", vector, 1, pieces()).drums is False
    waltz = plan_for("a waltz, chords Am F C E7", vector, 1, pieces())
    assert waltz.metre == "3/4" and waltz.key == "A minor"
    assert waltz.chords == (("Am", 3.0), ("F", 3.0), ("C", 3.0), ("E7", 3.0))
    assert plan_for("chords Am F, key of C major", vector, 1, pieces()).key == "C major"
    alone = plan_for("87 BPM in D minor", None, 1, None)
    assert alone == Plan(87.0, key="D minor") and plan_for("calm", None, 1, None) == Plan()


@pytest.fixture
def engine(home, tiny_parts, tmp_path):
    class Told(Engine):
        """An engine for one model."""

        path = str(planned(tiny_parts, tmp_path, wide().tensors()).path)

        def make(self, prompt: str, **more):
            return self.generate(GenerationRequest(prompt, seconds=1.0, seed=1, model=self.path, **more))

    return Told(device="cpu", precision="fp32")


def test_a_model_plays_to_its_plan(engine):
    [clip] = engine.make("calm music")
    assert clip.plan in wide().plans
    [same], [other] = engine.make("calm music"), engine.make("calm music, 97 BPM")
    assert np.array_equal(clip.audio, same.audio) and not np.array_equal(clip.audio, other.audio)
    assert other.plan.tempo == 97.0
    assert Plan.from_dict(sidecar_for(other, "x.wav")["played"]) == other.plan


def test_variations_have_plans_of_their_own_alone_or_together(engine):
    clips = engine.make("calm music", variations=4)
    assert len({clip.plan for clip in clips}) > 1
    engine.batch = 4
    for alone, together in zip(clips, engine.make("calm music", variations=4), strict=True):
        assert alone.plan == together.plan
        np.testing.assert_allclose(alone.audio, together.audio, atol=2e-3)


def test_plan_guidance_is_the_models(engine, tmp_path):
    [plain] = engine.make("calm music")
    config = json.loads((Path(engine.path) / "config.json").read_text())
    for value, same in ((1.0, True), (2.0, False)):
        config["sampler"]["plan_guidance"] = value
        (Path(engine.path) / "config.json").write_text(json.dumps(config))
        [clip] = engine.make("calm music")
        assert np.array_equal(clip.audio, plain.audio) == same and clip.plan == plain.plan


def test_joint_guidance_leads_away_from_text_and_plan_in_one_pass(engine, tmp_path):
    config = json.loads((Path(engine.path) / "config.json").read_text())
    batches, clips = [], []
    for sampler in ({"plan_guidance": 2.0}, {"joint_guidance": True}, {"joint_guidance": True, "power": 2.0}):
        (Path(engine.path) / "config.json").write_text(json.dumps(config | {"sampler": config["sampler"] | sampler}))
        model = engine.load(engine.path)
        backbone, sizes = model.backbone, set()
        forward = backbone.forward

        def counted(x, *args, forward=forward, sizes=sizes, **options):
            sizes.add(len(x))
            return forward(x, *args, **options)

        backbone.forward = counted
        [clip] = engine.make("calm music", guidance=3.0, negative="drums")
        batches.append(sizes)
        clips.append(clip.audio)
    assert batches == [{3}, {2}, {2}]
    assert not np.array_equal(clips[0], clips[1]) and not np.array_equal(clips[1], clips[2])


def test_a_model_without_pieces_follows_what_is_stated(home, tiny_parts, tmp_path):
    path = str(planned(tiny_parts, tmp_path).path)
    [clip] = Engine(device="cpu").generate(GenerationRequest("calm, 97 BPM", seconds=0.5, seed=1, model=path))
    assert clip.plan == Plan(97.0)


def test_pieces_survive_their_file(tiny_parts, tmp_path):
    read = load_pieces(planned(tiny_parts, tmp_path, pieces().tensors()))
    assert read.plans == pieces().plans
    np.testing.assert_allclose(read.vectors, pieces().vectors, atol=1e-3)


@pytest.mark.parametrize(
    "plans",
    [
        b"[]", b"no JSON", b'[{"tempo": "fast"}]', b'[{"tempo": NaN}]', b'[{"metre": "5/5"}]', b'[{"key": "H minor"}]',
        b'[{"tempo": 90, "chords": [["C", 0]]}]', b'[{"tempo": 90, "chords": [["X", 4]]}]', b'[{"other": 1}]', b"[1]",
        b'[{"drums": "loud"}]',
    ],
)  # fmt: skip
def test_damaged_pieces_are_refused(plans, tiny_parts, tmp_path):
    tensors = {"vectors": torch.ones(1, 2), "plans": torch.frombuffer(bytearray(plans), dtype=torch.uint8)}
    with pytest.raises(ModelError, match="its plans.safetensors cannot be used"):
        load_pieces(planned(tiny_parts, tmp_path, tensors))


def test_a_model_of_another_layout_is_refused(home, tiny_parts, tmp_path):
    path = str(planned(tiny_parts, tmp_path, grid=9).path)
    with pytest.raises(ModelError, match="grid layout 9, but this ttm-app has 1 and 2"):
        Engine(device="cpu").load(path)


def test_prepared_data_gives_grids_and_pieces(tmp_path):
    prepared = write_tiny(tmp_path / "with", vector_dim=16, plans=True, val=2)
    second = int(prepared.items("train")[1])  # begins where the first item of its track ends
    expected = Plan(100.0, "3/4", 0.0, "A minor", (("Am", 3.0), ("F", 3.0)))
    expected = frame_grid(expected, 30, 25.0)
    grids = prepared.grids(np.array([0, second]), 10, np.array([3, 0]))
    np.testing.assert_allclose(grids[0], expected[3:13], atol=1e-5)
    np.testing.assert_allclose(grids[1], expected[20:30], atol=1e-5)
    found = known_plans(prepared, 4)
    assert len(found.plans) == 4 and found.vectors.shape == (4, 16)
    assert [plan.tempo for plan in found.plans] == [100.0, 103.0, 106.0, 109.0]
    without = write_tiny(tmp_path / "without", vector_dim=16)
    assert known_plans(without, 4) is None and not without.grids(np.array([0]), 10).any()
