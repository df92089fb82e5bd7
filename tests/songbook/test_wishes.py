"""Requests with a plan: options before plan before prompt before what is borrowed, and everything told."""

from __future__ import annotations

import json

import numpy as np
import pytest

from musicgen_app.control.grid import approximations
from musicgen_app.control.plan import Plan, Section
from musicgen_app.engine import Engine
from musicgen_app.errors import RequestError
from musicgen_app.gui.clip_card import card
from musicgen_app.gui.tabs.create_form import request_from as request_of_form
from musicgen_app.library import Library
from musicgen_app.library.clip_files import write_clip
from musicgen_app.library.metadata import record_of, request_from, sidecar_for
from musicgen_app.models import installed
from musicgen_app.request import GenerationRequest
from musicgen_app.songbook.sheet import read_sheet
from support.planned_model import planned, wide

SHEET = "tempo 96 · 4/4 · key Am · no drums\nverse 2: Am F\nchorus 2: C/E G\nends"
BORROWED = Plan(120.0, key="D minor", chords=(("Dm", 4.0), ("A", 4.0)), drums=True)


def request(prompt: str = "calm music", **more) -> GenerationRequest:
    return GenerationRequest(prompt, **more).validated()


def over(**wishes) -> Plan:
    return request(**wishes).wishes.over(BORROWED)


def test_what_is_not_wished_is_borrowed():
    assert over() == BORROWED and over(bpm=90) == Plan(90.0, "4/4", 0.0, "D minor", BORROWED.chords, True)
    assert over(drums=False).drums is False and over(metre="7/8").chords == (("Dm", 3.5), ("A", 3.5))
    assert over(key="Fm").chords == (("Fm", 4.0), ("C", 4.0)) and over(key="Fm").key == "F minor"
    chords = over(chords="C (F G)")
    assert chords.key == "C major" and chords.tempo == 120 and chords.chords == (("C", 4.0), ("F", 2.0), ("G", 2.0))
    assert over(chords="I V", key="Bb").chords == (("Bb", 4.0), ("F", 4.0))
    assert [symbol for symbol, _ in over(chords="i iv").chords] == ["Dm", "Gm"]  # degrees of the key that is borrowed
    form = over(form="intro 2 | verse 4: C F | ends")
    assert form.ends and form.chords == form.sections[1].chords and [s.bars for s in form.sections] == [2, 4]


def test_a_plan_counts_before_what_is_borrowed_and_options_before_the_plan():
    plan = over(plan=SHEET)
    assert plan == read_sheet(SHEET).plan
    assert over(plan="Am F").tempo == 120 and over(plan="Am F").key == "A minor"
    assert over(plan="verse 4").chords == BORROWED.chords
    assert over(plan=SHEET, bpm=80).tempo == 80 and over(plan=SHEET, drums=True).drums is True
    moved = over(plan=SHEET, key="C minor")
    assert moved.sections[0].chords == (("Cm", 4.0), ("Ab", 4.0))
    other = over(plan=SHEET, chords="Dm G")
    assert other.chords == (("Dm", 4.0), ("G", 4.0)) and not any(section.chords for section in other.sections)
    assert [s.name for s in over(plan=SHEET, form="chorus | verse").sections] == ["chorus", "verse"]


def test_chords_that_are_wished_leave_no_key_of_a_borrowed_section():
    borrowed = Plan(120.0, key="D minor", sections=(Section(4.0, chords=(("Bm", 4.0),), key="B minor"),))
    plan = request(chords="C G Am F").wishes.over(borrowed)
    assert plan.key == "C major" and plan.sections[0].key is None and not plan.sections[0].chords


def test_chords_are_borrowed_from_the_sections_of_a_piece_as_well():
    verse = Section(4.0, "verse", (("Am", 3.0), ("E7", 3.0)), metre="3/4", key="A minor")
    borrowed = Plan(120.0, key="C major", sections=(Section(2.0, "intro"), verse))
    assert request(plan="verse 4").wishes.over(borrowed).chords == (("Am", 4.0), ("E7", 4.0))
    moved = request(plan="key Cm\nverse 4").wishes.over(borrowed)
    assert moved.chords == (("Cm", 4.0), ("G7", 4.0)) and moved.key == "C minor"


@pytest.mark.parametrize(
    ("wishes", "reason"),
    [
        ({"bpm": float("nan")}, "bpm must be a number"),
        ({"bpm": True}, "bpm must be"),
        ({"bpm": 0.5}, "from 1 to 1000"),
        ({"key": "Q"}, "key: 'Q' is no key"),
        ({"metre": "4/5"}, "metre: '4/5'"),
        ({"metre": 4}, "metre must be text"),
        ({"chords": "Am Hxx"}, "chords: line 1, column 4"),
        ({"chords": "| |"}, "there are no chords"),
        ({"form": "verse"}, "form: line 1, column 1: how many bars"),
        ({"form": "tempo 90"}, "sections alone"),
        ({"drums": 1}, "drums must be true or false"),
        ({"plan": "verse 8: Am\n  Xx"}, "line 2, column 3"),
        ({"plan": "Am\x00"}, "line 1, column 3: an unusable character"),
        ({"plan": ""}, "plan has 0 characters"),
        ({"plan": "Am " * 50_000}, "149,999 characters"),
        ({"plan": {"tempo": 1e400}}, "a tempo of inf"),
        ({"plan": {"foo": 1}}, "foo"),
        ({"plan": [1]}, "JSON object"),
        ({"plan": {"sections": [3]}}, "JSON object"),
        ({"plan": {"sections": [{"bars": True}]}}, "bars must be a number"),
        ({"plan": {"sections": [{"bars": 10**400}]}}, "too large"),
        ({"plan": {"sections": [{"bars": 2, "name": "a\nb"}]}}, "name"),
        ({"plan": {"chords": [["C", 4, 4]]}}, "its symbol and its length"),
        ({"plan": {"chords": [["C" * 5000, 4]]}}, "is no chord"),
        ({"plan": {"drums": "yes"}}, "true or false"),
        ({"plan": Plan(sections=(Section(1.0, chords=(("Cmaj7/E", 0.1),) * 9000),))}, "bytes of JSON"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(wishes, reason):
    with pytest.raises(RequestError, match=reason) as caught:
        request(**wishes)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 400


def test_a_request_with_a_plan_survives_json():
    for plan in (SHEET, read_sheet(SHEET).plan):
        one = request(plan=plan, bpm=90, key="Cm", chords="Am F", drums=False, form="verse 8 | ends", metre="3/4")
        assert GenerationRequest.from_dict(json.loads(json.dumps(one.to_dict()))) == one


def test_sections_with_a_tempo_set_the_length():
    sampler = {"solver": "euler", "steps": 3, "guidance": 2.0}
    assert request(plan=SHEET).resolved(sampler, 60).seconds == 4 * 4 * 60 / 96 + 2
    assert request(plan=SHEET).resolved(sampler, 5).seconds == 5
    assert request(plan="tempo 120\nverse 8: Am F").resolved(sampler, 60).seconds == 16  # nothing rings after it
    assert request(plan=SHEET, seconds=3.0).resolved(sampler, 60).seconds == 3
    assert request(plan="verse 8").resolved(sampler, 60).seconds == 10 == request().resolved(sampler, 60).seconds


@pytest.fixture
def model(home, tiny_parts, tmp_path) -> str:
    """A model that follows plans, installed."""
    installed.install(planned(tiny_parts, tmp_path, wide().tensors()).path, replace=True)
    return "planned"


def make(request: GenerationRequest):
    (clip,) = Engine(device="cpu", precision="fp32").generate(request)
    return clip


def told(clip) -> dict:
    return clip.decision.reading()


def test_every_part_says_where_it_comes_from(model):
    wanted = request("calm music, 97 BPM, no drums", model=model, seconds=1.0, seed=1, plan="key C · 3/4\nC F", bpm=88)
    clip = make(wanted)
    assert clip.plan.tempo == 88 and clip.plan.drums is False and clip.plan.chords == (("C", 3.0), ("F", 3.0))
    reading = told(clip)
    origin = {
        "tempo": "option",
        "metre": "plan",
        "key": "plan",
        "chords": "plan",
        "drums": "stated",
        "genre": "default",
    }
    assert reading["origin"] == origin
    (lost,) = [one for one in reading["approximated"] if one["text"] == "97 BPM"]
    assert lost["as"] == "88 BPM" and any("97 BPM: 88 BPM" in note for note in clip.notes)
    assert [one["text"] for one in reading["understood"]] == ["no drums"]
    borrowed = told(make(request(model=model, seconds=0.5, seed=1)))["origin"]
    assert borrowed["tempo"] == borrowed["chords"] == borrowed["key"] == "borrowed"


def test_a_form_over_a_plan_keeps_its_chords_and_says_so(model):
    def origin(form: str) -> dict:
        return told(make(request(model=model, seconds=0.5, seed=1, plan=SHEET, form=form)))["origin"]

    assert origin("chorus | verse")["chords"] == origin("chorus | verse")["key"] == "plan"
    assert origin("chorus | verse 2: Dm")["chords"] == "option"


def test_the_same_plan_in_any_form_gives_the_same_sound(model):
    plan = read_sheet(SHEET).plan
    one, other = (make(request(model=model, seconds=1.0, seed=1, plan=form)) for form in (SHEET, plan))
    assert np.array_equal(one.audio, other.audio) and one.plan == other.plan == plan
    plain = make(request(model=model, seconds=1.0, seed=1))
    assert not np.array_equal(one.audio, plain.audio)


def test_a_clip_made_again_from_its_tags_or_sidecar_is_the_same_file(model, tmp_path):
    for name, plan in (("a", SHEET), ("b", read_sheet(SHEET).plan)):
        wanted = request(model=model, seconds=1.0, seed=1, plan=plan, bpm=90)
        for suffix in (".flac", ".wav"):
            first, again = tmp_path / f"{name}1{suffix}", tmp_path / f"{name}2{suffix}"
            write_clip(make(wanted), first, True, overwrite=False)
            write_clip(make(request_from(first)), again, True, overwrite=False)
            assert first.read_bytes() == again.read_bytes()
            assert request_from(first.with_name(first.name + ".json")).wishes == wanted.wishes


def test_the_page_and_python_make_the_same(model, home):
    values = {"prompt": "calm music", "model": model, "seconds": 1, "seed": "1", "plan": SHEET, "bpm": "90",
              "drums": "no", "key": "", "metre": "", "chords": "", "form": None}  # fmt: skip
    page = make(request_of_form(values))
    assert np.array_equal(
        page.audio, make(request(model=model, seconds=1.0, seed=1, plan=SHEET, bpm=90, drums=False)).audio
    )


def test_a_long_plan_does_not_fit_a_wav_and_comes_with_its_sidecar(model, tmp_path):
    plan = Plan(90.0, sections=tuple(Section(4.0, f"part {n}", (("Am", 4.0), ("F", 4.0))) for n in range(60)))
    wanted = request(model=model, seconds=0.5, seed=1, plan=plan)
    write_clip(make(wanted), tmp_path / "a.wav", True, overwrite=False)
    assert request_from(tmp_path / "a.wav").plan == plan
    for suffix in (".flac", ".ogg", ".mp3"):
        write_clip(make(wanted), tmp_path / f"a{suffix}", False, overwrite=False)
        assert record_of(tmp_path / f"a{suffix}")["plan"] == plan.to_dict()


def test_the_library_keeps_the_plan_and_finds_it(model, home):
    library = Library()
    item = library.add(make(request(model=model, seconds=0.5, seed=1, plan=SHEET)), ".flac")
    assert "C/E: C (this model is not told of the bass)" in item.told and "C/E: C" in card(item)["plan"]
    assert library.get(item.id).played == read_sheet(SHEET).plan and item.to_dict()["played"]["tempo"] == 96
    assert [one.id for one in library.search("96 bpm chorus c/e")] == [item.id] and not library.search("7/8")


def test_sidecars_of_before_still_read(model, tmp_path):
    result = make(request(model=model, seconds=0.5, seed=1))
    old = {n: v for n, v in sidecar_for(result, "a.wav").items() if n not in ("played", "origin", "understood")}
    (tmp_path / "a.wav.json").write_text(json.dumps(old | {"plan": "124 BPM, 4/4, A minor"}))
    assert request_from(tmp_path / "a.wav.json").plan is None


def test_a_model_without_a_grid_is_told_in_words(home, tiny_bundle):
    wanted = request(model=str(tiny_bundle.path), seconds=0.5, seed=1, plan=SHEET)
    clip = make(wanted)
    words = "96 BPM, 4/4, A minor, chords: Am F C/E G, no drums"
    assert any(words in note for note in clip.notes) and clip.plan is None
    typed = make(request(f"calm music, {words}", model=str(tiny_bundle.path), seconds=0.5, seed=1))
    assert np.array_equal(clip.audio, typed.audio) and clip.request.prompt == "calm music"


def test_what_an_edition_cannot_follow_is_told():
    plan = read_sheet("tempo 250 · 7/8 · swing 60%\nverse 4 drums energy 1: C/E\nend 4 no drums: Caug\nends").plan
    old, new = ([what for what, *_ in approximations(plan, layout)] for layout in (1, 2))
    assert new == ["250 BPM"]
    assert old == ["250 BPM", "7/8", "Caug", "C/E", "drums that enter or leave", "the energy of sections", "swing",
                   "the ending"]  # fmt: skip
    assert not approximations(read_sheet("tempo 96\nAm F7 x2").plan, 1)


def test_a_plan_longer_than_its_clip_is_told(model):
    clip = make(request(model=model, seconds=1.0, seed=1, plan=SHEET))
    assert any("the plan takes 10.0 s, but the clip has 1 s" in note for note in clip.notes)


def test_what_a_prompt_refuses_leads_away(home, tiny_bundle):
    refusing = make(request("not techno, calm piano", model=str(tiny_bundle.path), seconds=0.5, seed=1))
    typed = make(request("calm piano", negative="techno", model=str(tiny_bundle.path), seconds=0.5, seed=1))
    assert np.array_equal(refusing.audio, typed.audio) and refusing.request.negative == ""


@pytest.mark.parametrize(
    ("wishes", "told"),
    [
        ({"form": "verse 8 drums", "drums": False}, [("verse: drums", "no drums")]),
        ({"plan": "tempo 96 · drums\nAm F", "drums": False}, [("the plan: drums", "no drums")]),
        ({"plan": SHEET, "drums": False}, []),
        ({"plan": SHEET, "form": "verse 2"}, [("chorus: C/E G", "left out")]),
        ({"plan": SHEET, "form": "chorus 2 | verse 2"}, []),
        ({"plan": SHEET, "form": "verse 2: Dm G | chorus 2"}, [("verse: Am F", "left out")]),
        ({"plan": "key Am\nAm F C G", "form": "verse 2: Dm G"}, [("chords: Am F C G", "left out")]),
        ({"plan": "key Am\nAm F C G", "form": "verse 4"}, []),
    ],
)
def test_what_a_form_or_the_option_of_drums_takes_away_is_told(wishes, told):
    assert [(what, meaning) for what, meaning, _ in GenerationRequest("x", **wishes).validated().wishes.told] == told
