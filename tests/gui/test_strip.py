"""The plan strip without a browser: plans as bars and back, what is done to them, and what goes into a request."""

from __future__ import annotations

import base64
import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from musicgen_app import Engine
from musicgen_app.control.plan import Plan, Section
from musicgen_app.control.theory import QUALITIES
from musicgen_app.errors import RequestError
from musicgen_app.gui.strip import actions, bars, words
from musicgen_app.gui.strip.routes import router
from musicgen_app.gui.strip.state import State, planning, state_of
from musicgen_app.library import Library
from musicgen_app.machine import paths
from musicgen_app.machine.user_settings import Settings
from musicgen_app.request import GenerationRequest
from musicgen_app.server.context import Context
from musicgen_app.server.request_queue import EngineHolder, RequestQueue
from musicgen_app.server.work import Generation
from musicgen_app.songbook.midi_writer import write_midi
from musicgen_app.songbook.sheet import read_sheet
from support.planned_model import planned, wide

SONG = "tempo 96 · key Am · drums\nverse 4 energy 0.5: Am F\nchorus 2: F G\nchorus\nverse\n"


@pytest.fixture(scope="module")
def planner(tiny_parts, tmp_path_factory):
    """The folder of a model that follows plans, and borrows them."""
    return planned(tiny_parts, tmp_path_factory.mktemp("planned"), wide().tensors()).path


@pytest.fixture
def context(home, tmp_path, planner, monkeypatch):
    models = tmp_path / "home" / "models"
    models.mkdir(parents=True)
    (models / "planned").symlink_to(planner)
    (models / "tiny").symlink_to(home / "models" / "tiny")
    monkeypatch.setenv("TTM_APP_HOME", str(models.parent))
    kept = Library(tmp_path / "results")
    holder = EngineHolder(lambda: Engine(device="cpu"))
    context = Context(
        holder, kept, Settings(model="planned", library=kept.folder), RequestQueue(holder, kept, places=8)
    )
    yield context
    context.requests.close()


class Strip:
    """What a browser does: it keeps the state, and sends it with every action."""

    def __init__(self, context, prompt="", **asked):
        self.context, self.state = context, {}
        self.asked = {"prompt": prompt, "model": "planned", "seconds": "10"} | asked

    def __call__(self, name, **more):
        self.answer = actions.answer(self.context, json.loads(json.dumps(
            {"state": self.state, "asked": self.asked, "action": {"name": name} | more})))  # fmt: skip
        json.dumps(self.answer)
        self.state = self.answer["state"]
        return self

    @property
    def view(self):
        return self.answer["view"]

    @property
    def texts(self):
        return [bar["text"] for part in self.view["parts"] for bar in part["bars"]]

    @property
    def labels(self):
        return [bar["label"] for part in self.view["parts"] for bar in part["bars"]]

    @property
    def plan(self):
        return State.checked(self.state).plan


# --- bars


@pytest.mark.parametrize("file", sorted((paths.assets() / "examples").glob("*.txt")), ids=lambda file: file.stem)
def test_a_song_is_the_same_after_it_was_bars(file):
    plan = read_sheet(file.read_text()).plan
    assert bars.plan_of(plan, bars.parts_of(plan)) == plan


@pytest.mark.parametrize(
    "plan",
    [
        Plan(96.0, chords=(("Am", 8.0), ("F", 2.0), ("G", 2.0))),
        Plan(96.0, "6/8", chords=(("Am", 1.5), ("F", 1.5))),
        Plan(None, sections=(Section(0.25, "pickup", (("G7", 1.0),)), Section(2.0, "verse", (("C", 8.0),)))),
        Plan(120.0, sections=(Section(3.0, "odd", (("C", 8.0), ("", 2.0)), metre="5/8"),)),
        Plan(120.0, chords=(("C", 4.0),), sections=(Section(2.0, "A"), Section(2.0, "A"))),
    ],
    ids=["held chords", "split bars", "a pick-up", "a metre of its own", "repeats"],
)
def test_any_plan_is_the_same_after_it_was_bars(plan):
    assert bars.plan_of(plan, bars.parts_of(plan)) == plan


def test_a_repeated_section_is_there_once():
    parts = bars.parts_of(read_sheet(SONG).plan)
    assert [(part.section.name, part.times, len(part.bars)) for part in parts] == [
        ("verse", 1, 4), ("chorus", 2, 2), ("verse", 1, 4)]  # fmt: skip


def test_chords_that_are_held_over_a_bar_line_are_one_chord_until_one_bar_is_changed():
    plan = Plan(96.0, chords=(("Am", 8.0), ("F", 4.0)))
    parts = bars.parts_of(plan)
    assert [bar.tied for bar in bars.flat(parts)] == [False, True, False]
    changed = bars.with_bar(parts, 0, lambda bar: bar._replace(chords=(("C", 4.0),)))
    assert bars.plan_of(plan, changed).chords == (("C", 4.0), ("Am", 4.0), ("F", 4.0))


def test_more_bars_than_the_strip_holds_are_refused():
    with pytest.raises(RequestError, match="holds 400 bars"):
        bars.parts_of(Plan(96.0, sections=(Section(401.0, "long", (("C", 4.0),)),)))


# --- words


@pytest.mark.parametrize(
    ("typed", "shown", "aloud"),
    [
        ("Am", ["Am"], ["A minor"]),
        ("am7 D9", ["Am7 D9"], ["A minor seventh, D ninth"]),
        ("F#m7b5/C#", ["F#m7b5/C#"], ["F sharp half-diminished over C sharp"]),
        ("C . . Bb", ["C . . Bb"], ["C major, B flat major"]),
        ("| Am | F | % | (C G) |", ["Am", "F", "F", "C G"], ["A minor", "F major", "F major", "C major, G major"]),
        ("", [""], ["no chord"]),
        ("ii V", ["Bm7b5 E"], ["B half-diminished, E major"]),
    ],
)
def test_what_is_typed_into_a_bar(typed, shown, aloud):
    read, _ = words.read_bars(typed, "A minor", None, [4.0])
    if typed != "ii V":
        assert [words.shown(bar) for bar in read] == shown and [words.described(bar) for bar in read] == aloud
    assert all(bar.quarters == 4.0 for bar in read)


@pytest.mark.parametrize("typed", ["xyz", "Am*3", "Am x2", "%", ".", "C |: D", "A" * 501])
def test_what_is_no_bar_is_refused(typed):
    with pytest.raises(RequestError):
        words.read_bars(typed, "C major", None, [4.0])


def test_every_chord_can_be_read_aloud():
    assert set(words.NAMES) == set(QUALITIES) and len(set(words.NAMES.values())) == len(QUALITIES)


# --- the prompt


def test_the_strip_fills_itself_from_the_prompt(context):
    strip = Strip(context, "slow piano, 96 BPM, in D minor, with glorps")("read")
    assert (strip.view["tempo"], strip.view["key"]) == ("96", "D minor")
    origin = {"tempo": "stated", "metre": "borrowed", "key": "stated", "chords": "borrowed", "drums": "borrowed"}
    assert strip.view["origin"] == origin | {"genre": "default"}
    assert strip.texts == ["Dm", "A"] * 2  # ten seconds at 96 BPM are four bars
    assert [one["text"] for one in strip.answer["reading"]["understood"]] == ["96 BPM", "D minor"]
    assert [one["text"] for one in strip.answer["reading"]["not_understood"]] == ["glorps"]


def test_a_model_without_plans_shows_what_is_stated_alone(context):
    strip = Strip(context, "slow piano, 96 BPM, chords: Am F", model="tiny")("read")
    assert strip.view["origin"]["key"] == strip.view["origin"]["chords"] == "stated"
    assert strip.view["origin"]["drums"] == "default" and strip.view["notes"] == []
    assert strip("drums", value="no").view["notes"] == [
        "tiny follows no plan: what is said here is told to it in words"]  # fmt: skip


def test_what_was_set_stays_when_the_prompt_changes(context):
    strip = Strip(context, "piano, 96 BPM")("read")("type", bar=1, text="C7")("tempo", value="120")
    before = strip.texts
    strip.asked["prompt"] = "techno, 140 BPM, without drums"
    strip("read")
    assert strip.texts == before and strip.view["tempo"] == "120" and strip.view["drums"] == "no"
    assert (strip.view["origin"]["tempo"], strip.view["origin"]["drums"]) == ("option", "stated")
    assert any(one["text"] == "140 BPM" for one in strip.answer["reading"]["approximated"])
    strip("reset")
    assert strip.view["tempo"] == "140" and not strip.view["touched"]


def test_a_tempo_that_is_emptied_is_the_prompts_again(context):
    strip = Strip(context, "piano, 96 BPM")("read")("tempo", value="120")("tempo", value="")("read")
    assert (strip.view["tempo"], strip.view["origin"]["tempo"]) == ("96", "stated")


# --- what is done


def test_bars_are_typed_split_moved_copied_added_and_removed(context):
    strip = Strip(context)("type", bar=0, text="Am | F | C | G")
    assert strip.texts == ["Am", "F", "C", "G"]
    assert strip("split", bar=1).texts == ["Am", "F F", "C", "G"]
    assert strip("join", bar=1).texts == ["Am", "F", "C", "G"]
    assert strip("swap", **{"from": 0, "bar": 3}).texts == ["G", "F", "C", "Am"]
    assert strip("copy", **{"from": 0, "bar": 1}).texts == ["G", "G", "C", "Am"]
    assert strip("add", bar=2).texts == ["G", "G", "C", "C", "Am"]
    assert strip("remove", bar=0).texts == ["G", "C", "C", "Am"]
    assert strip("type", bar=3, text="Dm7 | E7").texts == ["G", "C", "C", "Dm7", "E7"]
    with pytest.raises(RequestError, match="Xyz"):
        strip("type", bar=0, text="Xyz")
    assert strip("key", value="Bbm").view["key"] == "B♭ minor"


def test_a_chord_that_no_model_knows_is_told(context):
    said = Strip(context)("type", bar=0, text="C7b9#11").answer["said"]
    assert "C7b9#11 is read as" in said


def test_other_chords_leave_the_locked_bars(context):
    strip = Strip(context, "piano, 96 BPM", roll="0")("read")
    strip("type", bar=0, text="Ebmaj7")("lock", bar=0, on=True)
    seen = {tuple(strip("roll").texts) for _ in range(12)}
    assert {texts[0] for texts in seen} == {"Ebmaj7"} and strip.labels[0] == "Bar 1: E flat major seventh, locked"
    assert "1 locked one stays" in strip.answer["said"]
    for bar in range(4):
        strip("lock", bar=bar, on=True)
    with pytest.raises(RequestError, match="all bars are locked"):
        strip("roll")


def test_other_chords_without_a_model_that_has_some(context):
    strip = Strip(context, model="tiny")
    with pytest.raises(RequestError, match="no chords to draw others from"):
        strip("roll")
    strip("type", bar=0, text="C | Am | F | G")("lock", bar=3, on=True)
    before = strip.texts
    assert strip("roll").texts != before and strip.texts[3] == "G"


def test_sections(context):
    strip = Strip(context)("type", bar=0, text="Am | F | C | G")("begin", bar=2)
    assert [part["section"]["name"] for part in strip.view["parts"]] == ["A", "B"]
    strip("section", part=1, what="name", value="chorus")("section", part=1, what="times", value=2)
    strip("section", part=1, what="energy", value=0.8)("section", part=0, what="drums", value="no")
    strip("again", part=0)("carry", part=2, right=False)("ends", value=True)("tempo", value="96")
    assert strip.view["sheet"] == (
        "tempo 96 · 4/4 · ends\n[A] 2 no drums: Am F\n[B] 2 no drums: Am F\nchorus 2 energy 0.8: C G\nchorus\n"
    )
    assert [part["section"]["name"] for part in strip("drop", part=1).view["parts"]] == ["A", "chorus"]


def test_bars_after_the_end_of_the_clip_are_marked(context):
    strip = Strip(context, seconds="5")("type", bar=0, text="Am | F | C | G")("tempo", value="96")
    assert [bar["past"] for bar in strip.view["parts"][0]["bars"]] == [False, False, True, True]
    assert strip.labels[2] == "Bar 3: C major, after the end of the clip"


@pytest.mark.parametrize("form", ["sheet", "midi", "json"])
def test_a_file_fills_the_strip(context, form):
    plan = read_sheet(SONG).plan
    data = {"sheet": SONG.encode(), "midi": write_midi(plan), "json": json.dumps(plan.to_dict()).encode()}[form]
    strip = Strip(context, "piano")("open", file=f"song.{form}", data=base64.b64encode(data).decode())
    assert strip.plan == plan and strip.view["origin"]["chords"] == "plan"
    assert strip("read").plan == plan
    with pytest.raises(RequestError, match="song.txt: line 1, column 1"):
        strip("open", file="song.txt", data=base64.b64encode(b"verse 4: Xyz").decode())
    assert strip("set", state=strip.state).plan == plan


def test_the_plan_of_a_clip_fills_the_strip(context):
    request = GenerationRequest("piano", model="planned", seconds=0.5, steps=1, seed=2**60, plan=SONG)
    from musicgen_app.gui.tabs.create_form import request_from

    ticket = context.requests.submit("me", Generation(request_from(vars(request))), ".wav", "gui")
    while not ticket.over:
        pass
    strip = Strip(context)("clip", id=ticket.items[0].id)
    assert strip.plan == ticket.items[0].played and strip.answer["asked"]["seed"] == str(2**60)
    assert strip.view["origin"]["tempo"] == "plan" and strip.texts[:2] == ["Am", "F"]


# --- what goes into a request


def test_what_is_seen_is_what_is_played(context):
    strip = Strip(context, "piano, 96 BPM")("read")
    given = {"prompt": "piano, 96 BPM", "model": "planned", "seed": None, "variations": 1, "best_of": 1}
    state = State.checked(strip.state)
    assert planning(state, strip.answer["read"], given, True) == {"plan": strip.plan}
    played = context.engine.decide(_resolved(context, given | {"plan": strip.plan, "seed": 5, "seconds": 10}))
    assert played.plan == strip.plan and played.approximated == ()
    # what the engine would do anyhow, another prompt, a model that follows no plan
    assert planning(state, strip.answer["read"], given | {"seed": str(state.roll)}, True) == {}
    assert planning(state, strip.answer["read"], given | {"seed": str(state.roll), "variations": 2}, True) != {}
    assert planning(state, strip.answer["read"], given | {"prompt": "drums"}, True) == {}
    assert planning(state, strip.answer["read"], given, False) == {}
    assert planning(State.checked(strip("key", value="Cm").state), None, given, False) == {"key": "C minor"}


@pytest.mark.parametrize(
    "prompt",
    ["piano, chords: Am F C G", "piano in D minor, 3/4, without drums, swing", "piano that builds up, and ends"],
)
def test_a_plan_that_is_the_prompts_own_is_not_told_to_win_over_it(context, prompt):
    strip = Strip(context, prompt)("read")
    request = {"prompt": prompt, "model": "planned", "seed": 5, "seconds": 10, "plan": strip.plan}
    played = context.engine.decide(_resolved(context, request))
    assert not [one for one in (*played.approximated, *played.not_understood) if "wins over" in one.why]
    assert played.plan == strip.plan


def _resolved(context, values):
    from musicgen_app.gui.tabs.create_form import request_from
    from musicgen_app.models.installed import ResolvedRequest, find_installed

    values = {name: value for name, value in values.items() if name not in ("variations", "best_of")}
    return ResolvedRequest(request_from(values), find_installed("planned"))


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"bpm": 90.0},
        {"drums": False, "key": "C minor"},
        {"plan": SONG},
        {"plan": SONG, "bpm": 80.0, "drums": False},
        {"chords": "Am F", "metre": "3/4"},
        {"form": "intro 2 | verse 4: Am F | ends"},
    ],
    ids=str,
)
def test_a_request_that_was_taken_into_the_strip_plays_the_same(context, fields):
    request = _resolved(context, {"prompt": "piano", "model": "planned", "seed": 7, "seconds": 10} | fields)
    wishes = state_of(request.request).wishes()
    again = _resolved(context, {"prompt": "piano", "model": "planned", "seed": 7, "seconds": 10} | wishes)
    assert context.engine.decide(again).plan == context.engine.decide(request).plan


# --- the address


def test_the_address_answers_or_says_what_is_wrong(context):
    app = FastAPI()
    app.include_router(router(context))
    with TestClient(app) as browser:
        good = {"state": {}, "asked": {}, "action": {"name": "type", "bar": 0, "text": "Am"}}
        assert browser.post("/strip", json=good).json()["said"] == "Bar 1: A minor."
        state = {"plan": {}, "origin": {}, "locked": [], "roll": "1"}
        for wrong in (
            {},
            {"asked": {}},
            {"asked": [], "action": {}},
            good | {"action": {"name": "no"}},
            good | {"state": []},
            good | {"state": state | {"roll": "-1"}},
            good | {"state": state | {"locked": [1.5]}},
            good | {"state": state | {"plan": {"tempo": "fast"}}},
            good | {"asked": {"prompt": ["x"]}},
            good | {"action": {"name": "type", "bar": 10**30, "text": "C"}},
            good | {"action": {"name": "type", "bar": -1}},
            good | {"action": {"name": "clip", "id": "../../etc"}},
            good | {"action": {"name": "open", "file": "x", "data": 5}},
            good | {"action": {"name": "section", "part": 3, "what": "name", "value": "x"}},
            good | {"action": {"name": "drums", "value": []}},
        ):
            answer = browser.post("/strip", json=wrong)
            assert answer.status_code == 200 and answer.json()["problem"], wrong
        assert browser.post("/strip", content=b"x" * 2_100_000).status_code == 413
        assert browser.post("/strip", content=b"{").status_code == 400
