"""The HTTP API in this process: jobs, plans, library, models and audio, and that it answers as it says it does."""

from __future__ import annotations

import asyncio
import json
import threading

import jsonschema
import mido
import pytest

from musicgen_app import audio
from musicgen_app.cli import run
from musicgen_app.engine import Engine
from musicgen_app.errors import Cancelled, GenerationError
from musicgen_app.request import GenerationRequest
from musicgen_app.server import api, bodies, problems, requests, schemas
from musicgen_app.server.routes.jobs import finished
from support.api_jobs import until_ended

SHEET = "tempo 96 · key Am · no drums\nverse 4: Am F C G\n"


def check(answer, schema: str, status: int = 200) -> dict:
    """The JSON of an answer, which is as its schema says."""
    assert answer.status_code == status, answer.text
    jsonschema.validate(answer.json(), schemas.NAMED[schema])
    return answer.json()


def refusal(answer, status: int, *words: str) -> str:
    """The message of a refusal, which is one line of the one shape."""
    message = check(answer, "Error", status)["error"]["message"]
    assert "\n" not in message and all(word in message for word in words), message
    return message


@pytest.fixture
def held(monkeypatch):
    """The engine waits in its first step until it is let go, or cancelled."""
    gate = threading.Event()
    generate = Engine.generate

    def wait(self, request, progress=None, cancel=None):
        while not gate.wait(0.01):
            if cancel is not None and cancel.cancelled:
                raise Cancelled("cancelled; nothing was written")
        return generate(self, request, progress, cancel)

    monkeypatch.setattr(Engine, "generate", wait)
    yield gate
    gate.set()


# --- jobs


def test_a_job_is_accepted_done_and_fetched(client):
    body = {"prompt": "soft bells", "seed": 3, "steps": 2, "variations": 2, "format": "flac"}
    answer = client.post("/v1/jobs", json=body)
    job = check(answer, "Job", 202)
    assert answer.headers["location"] == job["links"]["self"] == f"/v1/jobs/{job['id']}"
    assert job["request"]["seconds"] == 0.5 and job["request"]["model"] == "tiny"  # of the settings
    done = until_ended(client, job["id"])
    jsonschema.validate(done, schemas.JOB)
    assert done["state"] == "done" and [clip["seed"] for clip in done["clips"]] == [3, 4]

    clips = check(client.get(done["links"]["results"]), "Clips")["clips"]
    assert [clip["format"] for clip in clips] == ["flac", "flac"] and clips[0]["source"] == "api"
    for number, clip in enumerate(clips, start=1):
        sound = client.get(f"{done['links']['results']}/{number}/audio")
        assert sound.headers["content-type"] == "audio/flac" and sound.content.startswith(b"fLaC")
        assert sound.content == client.get(clip["links"]["audio"]).content
        sidecar = client.get(f"{done['links']['results']}/{number}/sidecar").json()
        assert sidecar["seed"] == clip["request"]["seed"] and sidecar["ai_generated"] is True
    assert check(client.get("/v1/jobs"), "Jobs")["jobs"][-1]["id"] == job["id"]


@pytest.mark.parametrize(("format", "magic"), [("wav", b"RIFF"), ("flac", b"fLaC"), ("ogg", b"OggS"), ("mp3", b"ID3")])
def test_a_result_comes_in_any_format(client, make, format, magic):
    job = make()
    assert client.get(f"/v1/jobs/{job['id']}/results/1/audio?format={format}").content.startswith(magic)


def test_the_events_of_a_job_end_with_its_clips(client, held):
    job = client.post("/v1/jobs", json={"prompt": "soft bells", "steps": 2}).json()
    threading.Timer(0.3, held.set).start()
    answer = client.get(job["links"]["events"])
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [dict(line.split(": ", 1) for line in block.splitlines()) for block in answer.text.split("\n\n")[:-1]]
    told = [json.loads(event["data"]) for event in events]
    assert [event["event"] for event in events] == ["progress"] * (len(events) - 1) + ["end"] and len(events) > 1
    assert told[0]["state"] in ("waiting", "running") and told[-1]["state"] == "done" and len(told[-1]["clips"]) == 1
    for one in told:
        jsonschema.validate(one, schemas.object_of([*schemas.STANDING], **schemas.STANDING))


def test_progress_has_stage_rate_and_time_left(client, context, monkeypatch):
    seen = []
    generate = Engine.generate

    def watched(self, request, progress=None, cancel=None):
        def look(at):
            progress(at)
            seen.append(requests.standing(context, context.requests.find(job["id"])))

        return generate(self, request, look, cancel)

    monkeypatch.setattr(Engine, "generate", watched)
    with context.engine.lend():  # so that the job has its id before it runs
        job = client.post("/v1/jobs", json={"prompt": "soft bells", "steps": 50}).json()
    assert until_ended(client, job["id"])["state"] == "done"
    last = [one for one in seen if one["stage"] == "sampling"][-1]
    assert (last["step"], last["total"], last["part"], last["parts"]) == (50, 50, 1, 1)
    assert last["rate"] > 0 and last["stage_seconds_left"] == 0


def test_a_job_is_cancelled_where_it_waits_and_where_it_runs(client, held):
    first, second = (client.post("/v1/jobs", json={"prompt": "soft bells", "steps": 2}).json()["id"] for _ in "12")
    assert check(client.delete(f"/v1/jobs/{second}"), "Job")["state"] == "cancelled"
    check(client.delete(f"/v1/jobs/{first}"), "Job")
    assert until_ended(client, first)["state"] == "cancelled"
    refusal(client.delete(f"/v1/jobs/{first}"), 409, "cancelled already")
    refusal(client.get(f"/v1/jobs/{first}/results"), 409, "cancelled")
    assert client.get("/v1/library").json()["total"] == 0


def test_what_is_not_there_yet_is_a_conflict(client, held):
    id = client.post("/v1/jobs", json={"prompt": "soft bells", "steps": 2}).json()["id"]
    refusal(client.get(f"/v1/jobs/{id}/results"), 409, "wait for its end")
    refusal(client.get(f"/v1/jobs/{id}/results/1/audio"), 409, "wait for its end")
    refusal(client.get(f"/v1/jobs/{id}/results/2/audio"), 404, "no clip 2")
    client.delete(f"/v1/jobs/{id}")


def test_the_queue_and_its_limits_are_those_of_the_page(client, context, held):
    request = GenerationRequest("of the page", model="tiny", seconds=0.5, seed=1, steps=1, guidance=1.0)
    context.requests.submit("a browser", requests.generation(context, {"prompt": request.prompt}), ".wav", "gui")
    answers = [client.post("/v1/jobs", json={"prompt": "soft bells"}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [202, 202, 429, 429]  # a quarter of eight places
    refusal(answers[-1], 429, "requests waiting")
    assert answers[-1].headers["retry-after"]
    assert answers[0].json()["before"] >= 1
    assert client.get("/v1").json() == {"name": "ttm-app", "version": "0.5.0", "waiting": 2, "places": 8} or (
        client.get("/v1").json()["waiting"] == 3
    )
    for ticket in context.requests.tickets("a browser") + context.requests.tickets("api testclient"):
        context.requests.cancel(ticket.owner, ticket.id)


def test_a_failed_job_says_why_and_the_direct_call_refuses(client, monkeypatch, context):
    def fail(*arguments, **options):
        raise GenerationError(f"the model produced silence in {context.library.folder}/x.wav: try another seed")

    monkeypatch.setattr(Engine, "generate", fail)
    job = client.post("/v1/jobs", json={"prompt": "soft bells"}).json()
    failed = until_ended(client, job["id"])
    assert failed["state"] == "failed" and failed["error"]["code"] == 5
    assert failed["error"]["message"] == "the model produced silence in x.wav: try another seed"
    answer = client.post("/v1/audio/music", json={"prompt": "soft bells"})
    assert answer.json()["error"] | {"message": ""} == {"message": "", "type": "invalid_request", "code": 5}
    refusal(answer, 422, "silence")


# --- the same bytes


@pytest.mark.parametrize(
    ("options", "flags"),
    [
        ({}, []),
        ({"negative": "drums", "guidance": 3.5}, ["--negative", "drums", "--guidance", "3.5"]),
        ({"seconds": 0.7}, ["--seconds", "0.7"]),
        ({"chords": "Am F", "bpm": 90}, ["--chords", "Am F", "--bpm", "90"]),
        ({"loudness": -20}, ["--loudness", "-20"]),
    ],
)
@pytest.mark.parametrize("format", ["wav", "flac", "mp3"])
def test_the_api_and_the_command_line_make_the_same_bytes(client, tmp_path, options, flags, format):
    direct = client.post(
        "/v1/audio/music", json={"input": "soft bells", "seed": 5, "response_format": format} | options
    )
    assert direct.status_code == 200, direct.text
    target = tmp_path / f"same.{format}"
    command = ["generate", "soft bells", "--seed", "5", "--model", "tiny", "-o", str(target), "--no-keep", "-q"]
    assert run([*command, *([] if "seconds" in options else ["--seconds", "0.5"]), *flags]) == 0
    assert direct.content == target.read_bytes()
    job = client.post("/v1/jobs", json={"prompt": "soft bells", "seed": 5, "format": format} | options).json()
    until_ended(client, job["id"])
    assert client.get(f"/v1/jobs/{job['id']}/results/1/audio").content == target.read_bytes()


def test_the_direct_call_says_which_clip_it_is(client):
    answer = client.post("/v1/audio/music", json={"model": "tiny", "prompt": "soft bells", "seed": 9})
    clip = check(client.get(f"/v1/library/{answer.headers['x-clip-id']}"), "Clip")
    assert answer.headers["x-seed"] == "9" and clip["request"]["seed"] == 9
    assert answer.headers["content-type"] == "audio/wav" and ".wav" in answer.headers["content-disposition"]


def test_a_client_that_goes_away_cancels_its_work(context, held):
    class Gone:
        calls = 0

        async def is_disconnected(self):
            self.calls += 1
            return self.calls > 2

    ticket = requests.submit(context, "me", {"prompt": "soft bells"})
    with pytest.raises(problems.Problem, match="went away"):
        asyncio.run(finished(context, ticket, Gone()))
    assert ticket.token.cancelled


# --- plans


def test_a_plan_is_decided_and_explained(client):
    told = check(client.post("/v1/plans", json={"prompt": "folk guitar in A minor, 96 bpm, zork"}), "Decision")
    assert (told["plan"]["tempo"], told["plan"]["key"], told["origin"]["tempo"]) == (96, "A minor", "stated")
    assert told["sheet"] == "tempo 96 · 4/4 · key Am\n"
    told = check(client.post("/v1/plans", json={"plan": SHEET, "key": "Cm"}), "Decision")
    assert told["origin"]["key"] == "option" and told["sections"][0]["chords"][0] == ["Cm", 4.0]
    refusal(client.post("/v1/plans", json={}), 422, "give a prompt")
    refusal(client.post("/v1/plans", json={"prompt": "x", "steps": 3}), 422, "steps")


def test_a_plan_can_be_asked_for_while_a_clip_is_made(client, context, make):
    make()  # the model is in memory now
    with context.engine.lend():
        assert client.post("/v1/plans", json={"prompt": "96 bpm"}).json()["plan"]["tempo"] == 96


def test_an_engine_at_work_with_another_model_is_busy(client, context, monkeypatch):
    monkeypatch.setattr("musicgen_app.server.request_queue.BUSY", 0.05)
    monkeypatch.setattr(Engine, "holds", lambda self, bundle: False)
    with context.engine.lend():
        answer = client.post("/v1/plans", json={"prompt": "96 bpm"})
    refusal(answer, 503, "busy")
    assert answer.headers["retry-after"]


@pytest.mark.parametrize(
    ("operation", "chords"),
    [
        ({"name": "transpose", "semitones": 3}, ["Cm", "Ab", "Eb", "Bb"]),
        ({"name": "key", "key": "Em"}, ["Em", "C", "G", "D"]),
        ({"name": "reharmonise", "chords": "Dm G"}, ["Dm", "G", "Dm", "G"]),
        ({"name": "substitute", "kind": "relative", "number": 2}, ["Am", "Dm", "C", "G"]),
    ],
)
def test_operations_change_chords(client, operation, chords):
    made = check(client.post("/v1/plans/operations", json={"plan": SHEET, "operations": [operation]}), "WrittenPlan")
    row = made["plan"]["sections"][0].get("chords") or made["plan"]["chords"]
    assert [row[i % len(row)][0] for i in range(4)] == chords


def test_operations_change_the_form(client):
    steps = [
        {"name": "tempo", "bpm": 120},
        {"name": "metre", "metre": "3/4"},
        {"name": "extend", "section": "bridge 2: F G", "at": 0},
        {"name": "repeat", "times": 2, "section": "verse"},
        {"name": "vary", "seed": 4},
    ]
    plan = client.post("/v1/plans/operations", json={"plan": SHEET, "operations": steps}).json()["plan"]
    assert (plan["tempo"], plan["metre"]) == (120, "3/4")
    assert [section["name"] for section in plan["sections"]] == ["bridge", "verse", "verse"]


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ({"name": "explode"}, ["explode", "transpose"]),
        ({"name": ["transpose"]}, ["no operation"]),
        ({"name": "transpose"}, ["semitones"]),
        ({"name": "transpose", "semitones": 1000}, ["-48 to 48"]),
        ({"name": "transpose", "semitones": 3, "x": 1}, ["has no 'x'"]),
        ({"name": "tempo", "bpm": None}, ["bpm"]),
        ({"name": "key", "key": "H flat"}, ["key"]),
        ({"name": "extend", "section": "nothing"}, ["line 1"]),
        ("transpose", ["object"]),
    ],
)
def test_operations_that_cannot_be_done(client, operation, words):
    refusal(client.post("/v1/plans/operations", json={"plan": SHEET, "operations": [operation]}), 422, *words)


def test_every_operation_is_that_of_the_command_line(client, tmp_path, capsys):
    (tmp_path / "song.txt").write_text(SHEET, encoding="utf-8")
    for command, step in (
        (["transpose", "-3"], {"name": "transpose", "semitones": -3}),
        (["key", "Dm"], {"name": "key", "key": "Dm"}),
        (["tempo", "100"], {"name": "tempo", "bpm": 100}),
        (["metre", "6/8"], {"name": "metre", "metre": "6/8"}),
        (["reharmonise", "Dm (G C)"], {"name": "reharmonise", "chords": "Dm (G C)"}),
        (["substitute", "relative"], {"name": "substitute", "kind": "relative"}),
        (["vary", "--seed", "2"], {"name": "vary", "seed": 2}),
        (["extend", "bridge 2: F G"], {"name": "extend", "section": "bridge 2: F G"}),
        (["repeat", "2"], {"name": "repeat", "times": 2}),
    ):
        name, *rest = command
        assert run(["plan", name, str(tmp_path / "song.txt"), *rest]) == 0, command
        made = client.post("/v1/plans/operations", json={"plan": SHEET, "operations": [step]}).json()
        assert made["sheet"] == capsys.readouterr().out, command


def test_plans_are_converted(client, tmp_path):
    midi = client.post("/v1/plans/convert?to=midi", content=SHEET.encode())
    (tmp_path / "x.mid").write_bytes(midi.content)
    tempi = [m.tempo for track in mido.MidiFile(tmp_path / "x.mid").tracks for m in track if m.type == "set_tempo"]
    assert midi.headers["content-type"] == "audio/midi" and tempi[0] == 625_000
    again = client.post("/v1/plans/convert?to=json", content=midi.content)
    assert check(again, "Plan")["tempo"] == 96
    sheet = client.post("/v1/plans/convert?to=sheet", content=again.content)
    assert "verse 4: Am F C G" in sheet.text
    refusal(client.post("/v1/plans/convert?to=json", content=b"MThd"), 422)
    refusal(client.post("/v1/plans/convert?to=png", content=b"x"), 422, "to")


# --- library and models


def test_the_library_is_searched_changed_and_emptied_by_id(client, make):
    first, second = (make(prompt=prompt)["clips"][0]["id"] for prompt in ("soft bells", "loud drums"))
    assert check(client.get("/v1/library?text=drums"), "Clips")["total"] == 1
    page = check(client.get("/v1/library?limit=1&offset=1"), "Clips")
    assert page["total"] == 2 and [clip["id"] for clip in page["clips"]] == [first]
    changed = check(
        client.patch(f"/v1/library/{first}", json={"title": "Opening", "tags": ["a"], "favourite": True}), "Clip"
    )
    assert (changed["title"], changed["tags"], changed["favourite"]) == ("Opening", ["a"], True)
    assert client.get("/v1/library?favourite=true").json()["clips"][0]["id"] == first
    refusal(client.patch(f"/v1/library/{first}", json={"path": "/etc/passwd"}), 422, "title")
    for bad in ({"tags": "a"}, {"tags": 3}, {"title": 3}, {"favourite": "yes"}, {}, {"title": "\x00"}):
        refusal(client.patch(f"/v1/library/{first}", json=bad), 422)
    assert check(client.delete(f"/v1/library/{second}"), "Clip")["trashed"] is True
    assert client.get("/v1/library").json()["total"] == 1
    assert client.get("/v1/library?trashed=true").json()["total"] == 1
    assert check(client.post(f"/v1/library/{second}/restore"), "Clip")["trashed"] is False


def test_no_answer_has_a_path(client, make, context, tmp_path):
    job = make()
    id = job["clips"][0]["id"]
    texts = [client.get(path).text for path in ("/v1/library", f"/v1/library/{id}", f"/v1/jobs/{job['id']}/results")]
    texts += [client.get(path).text for path in ("/v1/library/ffffffffffff", "/v1/models", f"/v1/library/{id}/sidecar")]
    assert not any(str(tmp_path) in text or str(context.library.folder) in text for text in texts)


@pytest.mark.parametrize(
    "id", ["ffffffffffff", "..%2f..%2fetc%2fpasswd", ".index.sqlite", "0123456789ab.wav", "%00", "a" * 500]
)
def test_clips_are_named_by_id_alone(client, id):
    for path in (f"/v1/library/{id}", f"/v1/library/{id}/audio", f"/v1/library/{id}/sidecar"):
        refusal(client.get(path), 404)


def test_the_sound_comes_in_ranges(client, make):
    link = make()["clips"][0]["links"]["audio"]
    whole = client.get(link).content
    part = client.get(link, headers={"Range": "bytes=0-99"})
    assert (part.status_code, part.content) == (206, whole[:100])


def test_a_clip_of_a_plan_gives_it_in_every_form(client, make):
    clip = make(plan=SHEET)["clips"][0]
    plan = check(client.get(clip["links"]["plan"]), "Plan")
    assert plan["sections"][0]["name"] == "verse"
    assert client.get(f"{clip['links']['plan']}?format=midi").content.startswith(b"MThd")
    assert "verse 4: Am F C G" in client.get(f"{clip['links']['plan']}?format=sheet").text
    refusal(client.get(make()["clips"][0]["links"]["plan"]), 404, "no plan")


def test_models_are_listed_by_name(client):
    listed = check(client.get("/v1/models"), "Models")["data"]
    assert {"tiny", "sketch"} <= {model["id"] for model in listed}
    assert check(client.get("/v1/models/tiny"), "Model")["max_seconds"] == 600
    refusal(client.get("/v1/models/nope"), 404, "nope")
    refusal(client.post("/v1/jobs", json={"prompt": "x", "model": "/etc"}), 404, "installed")


# --- what is refused


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (b"", 400, ["not JSON"]),
        (b"soft bells", 400, ["not JSON"]),
        (b'{"prompt": "x"', 400, ["not JSON"]),
        (b"[]", 400, ["JSON object"]),
        (b"\xff\xfe", 400, ["UTF-8"]),
        (b'{"prompt": "x", "seconds": NaN}', 400, ["NaN"]),
        (b'{"prompt": "x", "seed": ' + b"9" * 10_000 + b"}", 400, ["too long"]),
        (b'{"prompt": "x", "prompt": "y"}', 400, ["twice"]),
        (b"[" * 100_000, 400, ["too deep"]),
        (b'{"plan":' * 40 + b"1" + b"}" * 40, 400, ["too deep"]),
        (b'"' + b"x" * bodies.JSON_BYTES + b'"', 413, ["bytes"]),
        (b"{}", 422, ["prompt"]),
        (b'{"prompt": ""}', 422, ["empty"]),
        (b'{"prompt": 3}', 422, ["text"]),
        (b'{"prompt": "x", "seconds": "10"}', 422, ["seconds"]),
        (b'{"prompt": "x", "secondz": 10}', 422, ["secondz"]),
        (b'{"prompt": "x", "format": "exe"}', 422, ["format"]),
        (b'{"prompt": "x", "format": [1]}', 422, ["format"]),
        (b'{"prompt": "x", "plan": {"tempo": "x"}}', 422, ["plan"]),
        (b'{"prompt": "x", "plan": [[1]]}', 422, ["plan"]),
        (b'{"prompt": "x", "key": "H flat"}', 422, ["key"]),
        (b'{"prompt": "\\ud800"}', 422, ["unusable"]),
        (b'{"prompt": "x", "\\ud800": 1}', 422, ["unknown key"]),
    ],
)
def test_a_bad_body_is_refused_in_one_line(client, body, status, words):
    refusal(client.post("/v1/jobs", content=body), status, *words)
    assert client.get("/v1/jobs").json() == {"jobs": []}


def test_the_direct_call_refuses_what_it_cannot_do(client):
    refusal(client.post("/v1/audio/music", json={"prompt": "x", "variations": 2}), 422, "/v1/jobs")
    refusal(client.post("/v1/audio/music", json={"prompt": "x", "input": "y"}), 422, "another name")
    refusal(client.post("/v1/audio/music", json={"input": "x", "response_format": "aac"}), 422, "format")


def test_an_unknown_address_or_method_has_the_same_shape(client):
    refusal(client.get("/v1/nothing"), 404)
    refusal(client.get("/"), 404)
    refusal(client.put("/v1/jobs"), 405)
    refusal(client.get("/v1/jobs/ffffffffffffffff"), 404, "no job")
    refusal(client.get("/v1/library?limit=zero"), 422, "limit")


def test_a_mistake_of_ours_is_told_without_its_details(client, monkeypatch, context):
    monkeypatch.setattr(context.library.__class__, "search", lambda *a, **o: 1 / 0)
    assert refusal(client.get("/v1/library"), 500) == "unexpected ZeroDivisionError"


# --- the description


def test_the_description_names_every_route_and_only_schemas_that_there_are(client):
    told = client.get("/v1/openapi.json").json()
    assert told["openapi"].startswith("3.") and told["servers"] == [{"url": "/v1"}]
    operations = {(path, method) for path, methods in told["paths"].items() for method in methods}
    assert {
        ("/jobs", "post"),
        ("/jobs/{id}/events", "get"),
        ("/plans/convert", "post"),
        ("/audio/music", "post"),
    } <= operations
    assert len(operations) == 30 and all(path.startswith("/") for path, _ in operations)
    text = json.dumps(told)
    for name in schemas.NAMED:
        assert f'"#/components/schemas/{name}"' in text, f"{name} is used nowhere"
    references = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert references == set(told["components"]["schemas"]) == {*schemas.NAMED, "Sound", "PlanForm", "ExportKind"}
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            assert operation["description"] and operation["operationId"], (path, method)


def test_schemas_are_schemas():
    for schema in schemas.NAMED.values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_the_schema_of_a_request_has_its_fields():
    fields = set(GenerationRequest.__dataclass_fields__)
    assert set(schemas.REQUEST["properties"]) == fields | {"format"}
    assert set(schemas.MUSIC["properties"]) == (fields - {"variations"}) | {"input", "response_format"}
    example = {"prompt": "x", "plan": SHEET, "seconds": 3, "guidance_interval": [0, 1], "drums": False}
    jsonschema.validate(example, schemas.REQUEST)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"prompt": "x", "variations": 65}, schemas.REQUEST)


def test_every_status_has_a_word():
    assert set(problems.STATUSES.values()) <= set(problems.TYPES)
    assert api.API == requests.API == "/v1" and audio.FORMATS.keys() == {f".{word}" for word in schemas.WORDS}
