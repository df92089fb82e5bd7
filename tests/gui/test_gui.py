"""The page without a browser: form, queue, cards, guard, and the handlers' own functions."""

from __future__ import annotations

import asyncio
import io
import json
import re
import threading
import time

import numpy as np
import pytest

from musicgen_app import Engine
from musicgen_app.engine import Progress
from musicgen_app.errors import FileError, ModelError, RequestError, TTMError
from musicgen_app.gui import app, clip_card, components
from musicgen_app.gui.tabs import create, create_form, create_queue, library
from musicgen_app.library import Library
from musicgen_app.machine import paths
from musicgen_app.machine.user_settings import Settings
from musicgen_app.request import GenerationRequest
from musicgen_app.server import access
from musicgen_app.server.context import Context
from musicgen_app.server.request_queue import EngineHolder, QueueFull, RequestQueue
from musicgen_app.server.work import Generation

FAST = {"prompt": "soft bells", "model": "tiny", "seconds": 0.5, "steps": "2"}


@pytest.fixture
def context(home, tmp_path):
    kept = Library(tmp_path / "results")
    holder = EngineHolder(lambda: Engine(device="cpu"))
    settings = Settings(model="tiny", library=kept.folder)
    context = Context(holder, kept, settings, RequestQueue(holder, kept, places=8))
    yield context
    context.requests.close()


def wait_for(condition, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


def make(context, owner="me", suffix=".wav", **values):
    """A request through the queue to its end."""
    ticket = context.requests.submit(owner, Generation(create_form.request_from(FAST | values)), suffix, "gui")
    wait_for(lambda: ticket.over)
    return ticket


# --- the form


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [
        ({"seed": "9223372036854775807"}, "seed", 2**63 - 1),
        ({"seed": " 7 "}, "seed", 7),
        ({"steps": "4"}, "steps", 4),
        ({"steps": 4.0}, "steps", 4),
        ({"guidance": "2.5"}, "guidance", 2.5),
        ({"guidance": "0"}, "guidance", 0.0),
        ({"loudness": "-14"}, "loudness", -14.0),
        ({"interval_from": "0.2"}, "guidance_interval", (0.2, 1.0)),
        ({"interval_to": "0.6"}, "guidance_interval", (0.0, 0.6)),
        ({"guidance": "", "steps": None}, "steps", 3),
        ({"prompt": "1234"}, "prompt", "1234"),
        ({"seconds": None}, "seconds", 10.0),
    ],
)
def test_what_is_typed_is_what_is_asked_for(home, typed, name, value):
    assert getattr(create_form.request_from(FAST | typed), name) == value


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ({"prompt": "  "}, "prompt is empty"),
        ({"prompt": "x" * 2_001}, "2,001 characters"),
        ({"prompt": "x" * 10_000_000}, "10,000,000 characters"),
        ({"prompt": "a\x00b"}, "unusable character"),
        ({"seconds": 601}, "seconds must be a number from 0.5 to 600"),
        ({"seed": "-1"}, "seed must be a whole number"),
        ({"seed": "1e3"}, "seed must be a whole number"),
        ({"seed": "9" * 40}, "seed must be a whole number"),
        ({"steps": "2.5"}, "steps must be a whole number"),
        ({"guidance": "nan"}, "guidance must be a number"),
        ({"solver": "rk45"}, "solver must be one of"),
        ({"variations": 65}, "variations must be a whole number from 1 to 64"),
        ({"interval_from": "0.8", "interval_to": "0.2"}, "lower end first"),
    ],
)
def test_a_bad_value_is_refused_and_never_clamped(home, typed, message):
    with pytest.raises(RequestError, match=message):
        create_form.request_from(FAST | typed)


@pytest.mark.parametrize("model", ["nobody", "../models/tiny", "/etc", "{home}/models/tiny"])
def test_a_model_is_chosen_by_name_never_by_folder(home, model):
    with pytest.raises(ModelError, match="is installed"):
        create_form.request_from(FAST | {"model": model.format(home=home)})


def test_the_form_of_a_clip_makes_its_request_again(home):
    request = create_form.request_from(
        FAST | {"seed": str(2**60 + 1), "guidance": "2.25", "interval_to": "0.5", "loudness": "-20"}
    )
    names = [
        "prompt",
        "seconds",
        "seed",
        "model",
        "steps",
        "guidance",
        "interval_from",
        "interval_to",
        "solver",
        "loudness",
    ]
    typed = dict(zip(names, create.form_of(request, names), strict=True))
    assert typed["seed"] == "1152921504606846977" and create_form.request_from(typed) == request


def test_a_loop_in_the_form(home):
    typed = {"prompt": "bells", "model": "tiny", "seconds": "", "bars": "4", "loop": True, "bpm": "120"}
    request = create_form.request_from(typed, usual={"seconds": 10.0})
    assert (request.bars, request.loop, request.seconds) == (4, True, None)
    again = dict(zip(typed, create.form_of(request, list(typed)), strict=True))
    assert again == typed
    with pytest.raises(RequestError, match="give one of both"):
        create_form.request_from(typed | {"seconds": 10})


def test_the_settings_of_an_uploaded_file(context, tmp_path):
    (item,) = make(context, seed="8", guidance="4.5").items
    upload = tmp_path / "x.wav"
    upload.write_bytes(item.path.read_bytes())
    assert create.request_of_upload(str(upload)) == item.request
    assert not upload.exists()


@pytest.mark.parametrize(
    "content", [b"MZ\x90\x00" + bytes(200), b"#!/bin/sh\necho hello\n", b"", b"RIFF\xff\xff\xff\xffWAVE"]
)
def test_a_renamed_program_is_no_sound(home, tmp_path, content):
    upload = tmp_path / "song.wav"
    upload.write_bytes(content)
    with pytest.raises(FileError, match="^song.wav ") as caught:
        create.request_of_upload(str(upload))
    assert str(tmp_path) not in str(caught.value) and not upload.exists()


def test_formats(home):
    assert create_form.check_suffix(".flac") == ".flac"
    with pytest.raises(RequestError, match="format must be one of"):
        create_form.check_suffix(".exe")


def test_examples_are_requests(home):
    genres = create.examples()
    assert len({genre["name"] for genre in genres}) == len(genres) >= 8
    for prompt in (prompt for genre in genres for prompt in genre["prompts"]):
        assert GenerationRequest(prompt).validated().prompt == prompt
    assert json.loads((paths.assets() / "examples.json").read_text())["schema"] == 1


# --- the queue


def test_a_request_becomes_a_clip_in_the_library(context):
    ticket = make(context, seed="7", variations=2)
    assert ticket.state == "done" and [item.request.seed for item in ticket.items] == [7, 8]
    assert [item.id for item in context.library.search()] == [item.id for item in ticket.items[::-1]]
    assert {item.source for item in ticket.items} == {"gui"} and ticket.items[0].path.suffix == ".wav"


def test_the_best_of_several_is_kept(context, tiny_aligner, monkeypatch):
    context.engine._engine = Engine(device="cpu", aligner=tiny_aligner)
    ticket = make(context, seed="7", variations=2, best_of=3)
    first, second = (item.request.seed for item in ticket.items)
    assert first in (7, 8, 9) and second in (10, 11, 12)
    assert re.search(r"best of 3 \(score -?\d\.\d\d\)$", clip_card.card(ticket.items[0])["settings"])


def test_the_file_is_the_one_that_the_engine_alone_would_write(context, tmp_path):
    from musicgen_app import audio
    from musicgen_app.library.metadata import tags_for

    (item,) = make(context, seed="11", suffix=".flac").items
    (alone,) = Engine(device="cpu").generate(create_form.request_from(FAST | {"seed": "11"}))
    audio.write(tmp_path / "alone.flac", alone.audio, alone.sample_rate, tags_for(alone))
    assert item.path.read_bytes() == (tmp_path / "alone.flac").read_bytes()


class Held:
    """An engine that waits at every step until it is let go, as `generate` of Engine."""

    batch = 1

    def __init__(self):
        self.go, self.steps, self.prompts = threading.Event(), 0, []

    def generate(self, request, progress, cancel):
        from musicgen_app.errors import Cancelled

        self.prompts.append(request.prompt)
        for step in range(1, 1_000):
            if cancel.cancelled:
                raise Cancelled("cancelled")
            progress(Progress("sampling", step, 1_000, 0.1 * step))
            self.steps = step
            if self.go.wait(0.005):
                break
        raise RequestError("that was all")


@pytest.fixture
def held(context):
    engine = Held()
    context.engine._engine = engine
    yield engine
    engine.go.set()


def ask(context, owner, prompt="soft bells"):
    return context.requests.submit(
        owner, Generation(create_form.request_from(FAST | {"prompt": prompt})), ".wav", "gui"
    )


def test_cancel_stops_at_the_next_step(context, held):
    ticket = ask(context, "me")
    wait_for(lambda: held.steps > 2)
    before = held.steps
    context.requests.cancel("me", ticket.id)
    wait_for(lambda: ticket.over)
    assert ticket.state == "cancelled" and held.steps <= before + 2
    assert context.library.count() == 0


def test_only_the_owner_can_cancel(context, held):
    ticket = ask(context, "me")
    context.requests.cancel("somebody", ticket.id)
    context.requests.cancel("me", "another")
    wait_for(lambda: held.steps > 5)
    assert ticket.state == "running" and not ticket.token.cancelled
    assert context.requests.tickets("somebody") == []


def test_a_waiting_request_is_cancelled_at_once(context, held):
    first, second = ask(context, "me"), ask(context, "me")
    context.requests.cancel("me", second.id)
    assert second.state == "cancelled" and not first.over


def test_everybodys_first_request_comes_before_anybodys_second(context, held):
    ask(context, "me", "first")
    wait_for(lambda: held.prompts)
    mine = [ask(context, "me", "mine")]
    theirs = [ask(context, "they", "theirs 1"), ask(context, "they", "theirs 2")]
    late = ask(context, "late", "late")
    assert [context.requests.position(t) for t in (theirs[0], late, mine[0], theirs[1])] == [1, 2, 3, 4]
    held.go.set()
    wait_for(lambda: all(t.over for t in (*mine, *theirs, late)))
    assert held.prompts == ["first", "theirs 1", "late", "mine", "theirs 2"]


def test_nobody_holds_more_than_a_quarter_of_the_places(context, held):
    ask(context, "me")
    wait_for(lambda: held.prompts)
    for _ in range(2):
        ask(context, "me")
    with pytest.raises(QueueFull, match="you have 2 requests waiting"):
        ask(context, "me")
    for owner in "abcdef":
        ask(context, owner)
    with pytest.raises(QueueFull, match="8 requests are waiting already"):
        ask(context, "g")


def test_one_failure_does_not_end_the_queue(context):
    context.engine._engine = Held()  # whose requests fail
    context.engine._engine.go.set()
    failed = ask(context, "me")
    wait_for(lambda: failed.over)
    assert (failed.state, failed.error) == ("failed", "that was all")
    context.engine.forget()
    assert make(context).state == "done"


def test_an_unexpected_error_is_told_and_does_not_end_the_queue(context, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(Library, "add", lambda *a, **k: 1 / 0)
        assert make(context).error == "unexpected ZeroDivisionError: division by zero"
    assert make(context).state == "done"


def test_what_the_queue_shows(context, held):
    running, waiting = ask(context, "me", "one"), ask(context, "me", "two")
    wait_for(lambda: running.pace is not None)
    shown = create_queue.row(running, 0)
    assert shown["text"].startswith("sampling, step ") and shown["text"].endswith(" s left") and 0 < shown["share"] < 1
    assert create_queue.row(waiting, 1)["text"] == "waiting, 1 before you"
    held.go.set()
    wait_for(lambda: waiting.over)
    shown = create_queue.row(waiting, 0)
    assert (shown["id"], shown["prompt"], shown["state"]) == (waiting.id, "two", "failed")
    assert shown["stage"] == shown["text"] == "that was all"


def test_what_stands_is_open_until_every_clip_was_told(context):
    ticket = context.requests.submit(
        "me", Generation(create_form.request_from(FAST | {"variations": 3})), ".wav", "gui"
    )
    shown, lines = ["0" * 12], []
    while not lines or lines[-1]["open"]:
        line, shown = create_queue.standing(context, "me", shown)
        lines.append(line)
    ids = [item.id for item in ticket.items]
    assert ticket.state == "done" and shown == [*ids[::-1], "0" * 12]
    assert lines[0]["open"] and lines[0]["rows"][0]["id"] == ticket.id and lines[-1]["rows"] == []
    assert [line["stamp"] for line in lines] == sorted(line["stamp"] for line in lines)
    assert create_queue.standing(context, "me", [])[1] == ids[::-1]
    assert create_queue.standing(context, "you", ["a"])[1] == ["a"]


def test_a_note_on_a_clip_is_shown_for_a_while(context, monkeypatch):
    ticket = make(context)
    assert not create_queue.visible(ticket)
    ticket.notes = ("3 tokens of the prompt did not fit", "and another")
    assert create_queue.visible(ticket)
    assert create_queue.row(ticket, 0)["text"] == "3 tokens of the prompt did not fit; and another"
    monkeypatch.setattr(create_queue, "NOTED", 0.0)
    assert not create_queue.visible(ticket)


def test_closing_the_desk_stops_what_runs(context, held):
    ticket = ask(context, "me")
    wait_for(lambda: held.steps)
    context.requests.close()
    assert ticket.state == "cancelled"


# --- cards


def test_a_card_has_what_it_shows(context):
    (item,) = make(context, seed=str(2**53 + 1), loudness="-20", interval_to="0.5").items
    card = clip_card.card(item)
    assert json.loads(json.dumps(card)) == card
    assert (card["seed"], card["seconds"], card["top"]) == ("9007199254740993", 0.5, 4_000)
    assert card["settings"] == "2 steps, euler, guidance 2, from 0 to 0.5, -20 LUFS"
    assert len(card["outline"]) == clip_card.BARS and max(card["outline"]) == 100 and min(card["outline"]) >= 0


def test_a_card_of_a_file_that_is_gone_still_shows(context):
    (item,) = make(context).items
    item.path.unlink()
    assert clip_card.card(item)["outline"] == []


def test_outline_follows_the_loudness():
    sound = np.linspace(0, 1, 8_000, dtype=np.float32)[None] * np.float32([[1], [-0.5]])
    bars = clip_card.outline(sound, 10)
    assert bars == tuple(sorted(bars)) and bars[-1] == 100 and bars[0] <= 11
    assert clip_card.outline(np.zeros((1, 5), np.float32)) == (0,) * clip_card.BARS


@pytest.mark.parametrize("frequency", [100.0, 440.0, 2_000.0])
def test_a_tone_is_a_line_at_its_height(frequency):
    rate = 16_000
    sound = 0.5 * np.sin(2 * np.pi * frequency * np.arange(2 * rate) / rate)[None].astype(np.float32)
    levels = clip_card.spectrogram(sound, rate)
    assert levels.shape == (clip_card.ROWS, clip_card.COLUMNS) and levels.max() == 1 and levels.min() >= 0
    row = clip_card.ROWS - 1 - levels[:, 100].argmax()
    edges = np.geomspace(clip_card.LOW, rate / 2, clip_card.ROWS + 1)
    assert abs(np.log2(np.sqrt(edges[row] * edges[row + 1]) / frequency)) < 0.25


@pytest.mark.parametrize("samples", [1, 100, 4_000])
def test_a_spectrogram_of_any_length(samples):
    assert np.isfinite(clip_card.spectrogram(np.ones((2, samples), np.float32), 8_000)).all()


def test_the_spectrogram_is_a_small_png(context):
    from PIL import Image

    (item,) = make(context, seconds=2).items
    png = clip_card.spectrogram_png(item.path)
    image = Image.open(io.BytesIO(png))
    assert (image.format, image.size, image.mode) == ("PNG", (clip_card.COLUMNS, clip_card.ROWS), "P") and len(
        png
    ) < 80_000
    with pytest.raises(FileError):
        clip_card.spectrogram_png(item.path.with_name("none.wav"))


def test_cards_leave_out_what_is_not_there(context):
    (item,) = make(context).items
    value = components.cards(context.library, [item.id, "f" * 12, "../../etc/passwd", item.id], "empty")
    assert [clip["id"] for clip in value["clips"]] == [item.id]


@pytest.mark.parametrize("value", [None, "x", {}, {"clips": 3}, {"clips": [None, "x"]}])
def test_a_value_from_a_browser_may_be_anything(value):
    assert components.ids_of(value) == []


def test_what_is_pressed_on_a_card_is_done(context):
    (item,) = make(context).items
    kept, one = context.library, {"id": item.id}
    components.change(kept, one | {"action": "keep"})
    components.change(kept, one | {"action": "rename", "title": "My <b>song</b>"})
    components.change(kept, one | {"action": "tag", "tags": ["quiet", "../../x"]})
    changed = kept.get(item.id)
    assert (changed.favourite, changed.title, changed.tags) == (True, "My <b>song</b>", ("quiet", "../../x"))
    components.change(kept, one | {"action": "keep"})
    components.change(kept, {"ids": [item.id], "action": "delete"})
    assert kept.get(item.id).trashed and not kept.get(item.id).favourite
    components.change(kept, one | {"action": "restore"})
    assert not kept.get(item.id).trashed
    components.change(kept, one | {"action": "delete"})
    components.change(kept, one | {"action": "purge"})
    assert kept.count() == kept.count(trashed=True) == 0


@pytest.mark.parametrize(
    "event",
    [
        {"action": "delete", "id": "../../x"},
        {"action": "rename", "id": "{id}", "title": "x" * 5_000},
        {"action": "rename", "id": "{id}", "title": 3},
        {"action": "tag", "id": "{id}", "tags": ["\x00"]},
        {"action": "tag", "id": "{id}", "tags": 7},
        {"action": "purge", "id": "{id}"},
    ],
)
def test_nonsense_is_refused_and_changes_nothing(context, event):
    (item,) = make(context).items
    before = context.library.get(item.id)
    with pytest.raises(TTMError):
        components.change(context.library, event | {"id": event["id"].format(id=item.id)})
    assert context.library.get(item.id) == before


def test_an_unknown_action_is_ignored(context):
    components.change(context.library, {"action": "format", "id": 3})


def test_an_error_is_text_not_html():
    assert components.problem('<img src=x onerror="x">') == (
        '<p class="problem" role="alert">&lt;img src=x onerror=&quot;x&quot;&gt;</p>'
    )
    assert components.problem() == ""


def test_scripts_set_texts_as_texts():
    for script in components.STATIC.glob("*.js"):
        text = script.read_text(encoding="utf-8")
        for dangerous in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http:", "https:"):
            assert dangerous not in text.replace("http://www.w3.org/2000/svg", ""), (script.name, dangerous)


def test_only_the_api_goes_through_the_queue_of_the_toolkit(context):
    """See parts.PRIVATE."""
    queued = [fn for fn in app.build_page(context).fns.values() if fn.queue and fn.fn]
    assert {(fn.api_name, fn.api_visibility) for fn in queued} == {
        ("generate", "public"), ("models", "public"), ("library", "public"),
    }  # fmt: skip


# --- the library tab


def test_filters(home):
    assert library.conditions_of("", "any", "any", "", None, False, False) == {
        "text": "", "model": None, "tag": None, "since": None, "until": None, "favourite": None, "trashed": False,
    }  # fmt: skip
    conditions = library.conditions_of("piano", "tiny", "quiet", "2026-01-31", "2026-02-01", True, True)
    assert conditions == {
        "text": "piano", "model": "tiny", "tag": "quiet", "since": "2026-01-31", "until": "2026-02-01",
        "favourite": True, "trashed": True,
    }  # fmt: skip


def test_names_that_occur(context):
    (item,) = make(context).items
    context.library.update(item.id, tags=["b", "a"])
    assert library.names(context.library) == (["tiny"], ["a", "b"])


# --- the guard


def visit(app, path="/", method="GET", body=b"", **headers) -> tuple[int, dict, str]:
    """One request to an ASGI application."""
    sent = []
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [
            (k.replace("_", "-").encode(), v.encode()) for k, v in ({"host": "127.0.0.1:7860"} | headers).items()
        ],
    }

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent[0]["status"], dict(sent[0]["headers"]), b"".join(m.get("body", b"") for m in sent[1:]).decode()


async def inner(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"the page"})


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost:7860", "[::1]:7860", "127.0.0.2"])
def test_a_local_page_answers_to_its_own_names(host):
    assert visit(access.Guard(inner, "127.0.0.1"), host=host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example:7860", "127.0.0.1.evil.example", "10.0.0.1", "", "[::1", "localhost.evil"]
)
def test_and_to_no_other(host):
    assert visit(access.Guard(inner, "127.0.0.1"), host=host)[0] == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:8000", "http://localhost:7860"])
def test_a_request_from_another_sites_page_is_refused(origin):
    app = access.Guard(inner, "127.0.0.1")
    assert visit(app, method="POST", origin=origin)[0] == 403
    assert visit(app, method="POST", origin="http://127.0.0.1:7860")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=http://example.org/x",
        "/gradio_api/proxy=http://example.org/x",
        "/gradio_api/vibe-edit/",
        "/gradio_api/run-history/buckets",
        "/monitoring/summary",
    ],
)
def test_doors_of_the_toolkit_that_the_page_does_not_need_are_shut(path):
    assert visit(access.Guard(inner, "127.0.0.1"), path)[0] == 404


def test_headers_that_browsers_heed():
    headers = visit(access.Guard(inner, "127.0.0.1"))[1]
    assert headers[b"x-frame-options"] == b"DENY" and headers[b"x-content-type-options"] == b"nosniff"


@pytest.mark.parametrize("length", [str(2**40), "-1", "many"])
@pytest.mark.parametrize("path", ["/gradio_api/queue/join", "/gradio_api/upload"])
def test_a_huge_request_is_refused_before_it_is_read(length, path):
    assert visit(access.Guard(inner, "127.0.0.1"), path, method="POST", content_length=length)[0] == 413


def test_an_open_address_needs_a_password():
    with pytest.raises(AssertionError):
        access.Guard(inner, "0.0.0.0")


def test_with_a_password_nothing_else_is_served():
    app = access.Guard(inner, "0.0.0.0", "correct horse")
    assert visit(app, "/clips/0123456789ab.wav")[::2] == (401, "a password is needed")
    status, _, page = visit(app, accept="text/html")
    assert status == 401 and "the page" not in page and 'type="password"' in page
    assert visit(app, "/gradio_api/upload", method="POST")[0] == 401

    assert visit(app, "/login", "POST", b"password=wrong+horse")[0] == 401
    status, headers, text = visit(app, "/login", "POST", b"username=&password=correct+horse")
    cookie = headers[b"set-cookie"].decode()
    assert (
        (status, json.loads(text)) == (200, {"success": True}) and "HttpOnly" in cookie and "SameSite=Strict" in cookie
    )
    assert visit(app, cookie=cookie.split(";")[0])[::2] == (200, "the page")
    assert visit(app, cookie="ttm-app=guess")[0] == 401
    assert visit(app, cookie=cookie.split(";")[0], host="studio.local:7860")[0] == 200

    status, headers, _ = visit(app, "/login", "POST", b"password=correct+horse", accept="text/html")
    assert (status, headers[b"location"]) == (303, b"./")


def test_passwords_cannot_be_tried_for_long():
    app = access.Guard(inner, "0.0.0.0", "correct horse")
    statuses = [visit(app, "/login", "POST", b"password=%d" % i)[0] for i in range(access.TRIES + 1)]
    assert statuses == [401] * access.TRIES + [429]
    assert visit(app, "/login", "POST", b"password=correct+horse")[0] == 429
