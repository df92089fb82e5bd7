"""Edits, layers, recordings that are sent and exports through the HTTP API, in this process."""

from __future__ import annotations

import gc
import io
import json
import zipfile
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import rpp
import soundfile as sf

from musicgen_app import GenerationRequest
from musicgen_app.cli import run
from musicgen_app.editing.edit import Edit
from musicgen_app.editing.source import read_source
from musicgen_app.errors import GenerationError
from musicgen_app.library.clip_files import write_clip
from musicgen_app.machine import paths
from musicgen_app.server import schemas
from musicgen_app.server.editing import recordings
from support.api_jobs import until_ended

FAST = ["--model", "tiny", "--steps", "2", "--seed", "4"]
PLAN = {"bpm": 120, "metre": "2/4", "chords": "Am F"}  # a bar a second


def refusal(answer, status: int, *words: str) -> None:
    assert answer.status_code == status, answer.text
    jsonschema.validate(answer.json(), schemas.ERROR)
    message = answer.json()["error"]["message"]
    assert "\n" not in message and all(word in message for word in words), message


def left() -> list[Path]:
    """What is there of recordings that were sent."""
    gc.collect()
    return list((paths.cache() / "recordings").glob("*/*"))


@pytest.fixture
def song(client, make) -> dict:
    """A clip of the library, with a plan: three bars in three seconds."""
    return make(seed=4, seconds=3, **PLAN)["clips"][0]


@pytest.fixture
def edit(client):
    """A function: the body of an edit -> its job, when it has ended."""

    def edit(route: str = "edits", **values) -> dict:
        asked = client.post(f"/v1/{route}", json={"seed": 4, "steps": 2, "model": "tiny"} | values)
        assert asked.status_code == 202, asked.text
        jsonschema.validate(asked.json(), schemas.JOB)
        return until_ended(client, asked.json()["id"])

    return edit


def wav(sound: np.ndarray, rate: int = 8_000, **options) -> bytes:
    file = io.BytesIO()
    sf.write(file, sound, rate, format="WAV", **options)
    return file.getvalue()


def noise(seconds: float, channels: int = 1) -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal((round(seconds * 8_000), channels))


# --- the same bytes


EDITS = {
    "repaint": ({"kind": "repaint", "regions": [{"bars": [2, 2]}]}, ["--bars", "2"]),
    "repaint seconds": ({"kind": "repaint", "regions": [{"seconds": [1, 2]}]}, ["--from", "1", "--to", "2"]),
    "continue": ({"kind": "continue", "bars": 1}, ["--bars", "1"]),
    "left": ({"kind": "continue", "seconds": 1.5, "left": True}, ["--seconds", "1.5", "--left"]),
    "vary": ({"kind": "vary", "strength": 0.3}, ["--strength", "0.3"]),
    "ending": ({"kind": "ending", "bars": 1}, ["--bars", "1"]),
}


@pytest.mark.parametrize("name", EDITS)
def test_the_api_the_command_line_and_python_make_the_same_bytes(client, song, edit, context, engine, tmp_path, name):
    item = context.library.get(song["id"])
    before = item.path.read_bytes()
    said, flags = EDITS[name]
    job = edit(clip=song["id"], edit=said, format="flac")
    assert job["state"] == "done", job["error"]
    made = client.get(f"/v1/jobs/{job['id']}/results/1/audio").content
    target = tmp_path / "same.flac"
    command = [said["kind"], str(item.path), *FAST, *flags, "-o", str(target), "--no-keep", "-q"]
    assert run(command) == 0 and target.read_bytes() == made
    request = GenerationRequest("", model="tiny", steps=2, seed=4)
    (result,) = engine.edit(read_source(item.path), Edit.from_dict(said), request)
    write_clip(result, tmp_path / "python.flac", sidecar=False)
    assert (tmp_path / "python.flac").read_bytes() == made and item.path.read_bytes() == before


def test_an_edit_says_what_it_is_and_where_it_comes_from(client, song, edit):
    job = edit(clip=song["id"], edit={"kind": "repaint", "regions": [{"bars": [2, 2]}]}, prompt="loud", variations=2)
    assert job["clip"] == song["id"] and job["edit"]["regions"] == [{"bars": [2, 2]}]
    assert [clip["seed"] for clip in job["clips"]] == [4, 5]
    (first, _) = client.get(job["links"]["results"]).json()["clips"]
    jsonschema.validate(first, schemas.CLIP)
    assert first["edited"].startswith("repaint of soft-bells-4-") and first["request"]["prompt"] == "loud"
    assert first["edit"]["source"]["sha256"] and first["edit"]["kept"][0][0] == 0
    assert first["played"]["tempo"] == 120 and first["source"] == "api"
    sidecar = client.get(first["links"]["sidecar"]).json()
    assert sidecar["edit"] == first["edit"] and sidecar["played"] == first["played"]
    again = edit(clip=first["id"], edit={"kind": "continue", "bars": 1})
    assert again["state"] == "done" and again["clips"][0]["seconds"] == 4


def test_an_added_part_comes_with_the_sum_and_alone(client, song, edit):
    job = edit(clip=song["id"], edit={"kind": "add", "level": -3}, prompt="bass line")
    assert [clip["edited"].split()[0] for clip in job["clips"]] == ["add", "part"]
    assert client.get(f"/v1/jobs/{job['id']}/results/2/audio").content.startswith(b"RIFF")
    refusal(client.get(f"/v1/jobs/{job['id']}/results/3/audio"), 404, "no clip 3")
    refusal(client.post("/v1/edits", json={"clip": song["id"], "edit": {"kind": "add"}}), 422, "which part")


def test_layers_are_those_of_the_command_line(client, edit, tmp_path):
    job = edit(
        "layers", parts=["bass", "drums"], levels=[0, -6], prompt="slow bells", seconds=1, bpm=120, chords="Am F"
    )
    assert job["state"] == "done" and job["layers"] == {"parts": ["bass", "drums"], "levels": [0, -6]}
    assert [clip["edited"] for clip in job["clips"]] == ["layers", "layer bass", "layer drums"]
    target = tmp_path / "same.wav"
    command = ["layers", "bass", "drums", *FAST, "--style", "slow bells", "--seconds", "1", "--bpm", "120"]
    assert run([*command, "--chords", "Am F", "--levels", "0,-6", "-o", str(target), "--no-keep", "-q"]) == 0
    for number, name in enumerate(("same", "same-bass", "same-drums"), start=1):
        sound = client.get(f"/v1/jobs/{job['id']}/results/{number}/audio").content
        assert sound == target.with_name(f"{name}.wav").read_bytes()
    loops = edit("layers", parts=["bass", "keys"], bars=1, loop=True, bpm=120)
    assert [clip["seconds"] for clip in loops["clips"]] == [2, 2, 2]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 422, ["parts must be"]),
        ({"parts": "bass"}, 422, ["parts must be"]),
        ({"parts": []}, 422, ["1 to 8 parts"]),
        ({"parts": ["bass", 3]}, 422, ["text"]),
        ({"parts": ["bass", "Bass"]}, 422, ["each once"]),
        ({"parts": ["bass"], "levels": [1, 2]}, 422, ["as many levels"]),
        ({"parts": ["bass"], "levels": [True]}, 422, ["level"]),
        ({"parts": ["bass"], "variations": 2}, 422, ["made once"]),
        ({"parts": ["bass"], "bars": 0}, 422, ["bars"]),
        ({"parts": ["bass"], "bars": 10_000, "loop": True}, 422, ["bars"]),
        ({"parts": ["bass"], "model": "/etc"}, 404, ["installed"]),
        ({"parts": ["bass"], "secondz": 1}, 422, ["unknown key"]),
    ],
)
def test_layers_that_cannot_be(client, body, status, words):
    refusal(client.post("/v1/layers", json=body), status, *words)
    assert client.get("/v1/jobs").json() == {"jobs": []}


# --- recordings


def test_a_recording_is_sent_heard_edited_and_deleted(client, edit, tmp_path):
    from support.sounds import beat, cadence

    sound = 0.25 * beat(120, 16.0) + 0.5 * np.tile(cadence(9, "minor", 8.0), 2)
    data = wav(np.stack([sound, 0.5 * sound]).T, 32_000)
    sent = client.post("/v1/recordings?name=their%20song.wav", content=data)
    assert sent.status_code == 201, sent.text
    recording = sent.json()
    jsonschema.validate(recording, schemas.RECORDING)
    assert sent.headers["location"] == recording["links"]["self"] == f"/v1/recordings/{recording['id']}"
    assert (recording["channels"], recording["seconds"], recording["known"]) == (2, 16, False)
    assert (
        recording["plan"]["tempo"] == pytest.approx(120, abs=1) and "heard in their song.wav" in recording["notes"][0]
    )
    said = {"kind": "repaint", "regions": [{"bars": [3, 4]}]}
    job = edit(clip=recording["id"], edit=said, prompt="bells", bpm=60, format="flac")
    assert job["state"] == "done" and any("60 BPM" in note for note in job["notes"])
    (tmp_path / "their song.wav").write_bytes(data)
    target = tmp_path / "same.flac"
    command = ["repaint", str(tmp_path / "their song.wav"), "bells", *FAST, "--bars", "3-4", "--bpm", "60"]
    assert run([*command, "-o", str(target), "--no-keep", "-q"]) == 0
    assert client.get(f"/v1/jobs/{job['id']}/results/1/audio").content == target.read_bytes()
    assert client.get(recording["links"]["self"]).json() == recording
    assert client.delete(recording["links"]["self"]).status_code == 204
    refusal(client.get(recording["links"]["self"]), 404, "no recording")


def test_a_clip_that_the_app_made_brings_its_plan(client, song, context):
    sent = client.post("/v1/recordings", content=client.get(song["links"]["audio"]).content).json()
    assert sent["known"] and sent["plan"]["tempo"] == 120 and sent["name"] == "recording" and sent["notes"] == []


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lambda: b"", ["not a sound file"]),
        (lambda: b"RIFF" + b"x" * 2_000, ["a.wav is not a sound file"]),
        (lambda: wav(noise(1.0))[:60], ["an edit takes 0.5 s"]),
        (lambda: wav(noise(0.1)), ["a.wav has 0.10 s: an edit takes 0.5 s to 15 minutes"]),
        (lambda: wav(np.zeros(8_000)), ["silent"]),
        (lambda: wav(noise(1.0, 8)), ["8 channels"]),
        (lambda: wav(np.zeros(3_600 * 8_000, np.int16), subtype="PCM_U8"), ["60 minutes"]),
        (lambda: wav(noise(1.0), 400_000), ["samples a second"]),
        (lambda: wav(np.full(8_000, np.nan), subtype="FLOAT"), ["no numbers"]),
    ],
    ids=["empty", "text", "cut", "short", "silent", "wide", "long", "fast", "nan"],
)
def test_recordings_that_cannot_be_edited_are_refused_and_gone(client, data, words):
    answer = client.post("/v1/recordings?name=a.wav", content=data())
    refusal(answer, 422, *words)
    assert answer.json()["error"]["code"] == 3 and left() == []


@pytest.mark.parametrize("name", ["../x.wav", "a/b.wav", "c:\\a.wav", "a" * 201, "%00"])
def test_names_of_recordings_are_no_paths(client, name):
    answer = client.post(f"/v1/recordings?name={name}", content=wav(noise(1.0)))
    refusal(answer, 422)
    assert left() == []


def test_a_recording_has_a_limit_that_is_counted_as_it_comes(client, monkeypatch):
    monkeypatch.setattr("musicgen_app.server.routes.recordings.MOST_BYTES", 100_000)
    sent = []

    def parts():
        for _ in range(100):
            sent.append(1)
            yield bytes(10_000)

    refusal(client.post("/v1/recordings", content=parts()), 413, "100,000 bytes")
    assert left() == []


def test_few_recordings_are_here_and_none_for_long(client, monkeypatch):
    monkeypatch.setattr(recordings, "PLACES_EACH", 2)
    ids = [client.post("/v1/recordings", content=wav(noise(1.0))).json()["id"] for _ in range(2)]
    refusal(client.post("/v1/recordings", content=wav(noise(1.0))), 429, "too many")
    monkeypatch.setattr(recordings, "KEPT", 0.0)
    refusal(client.get(f"/v1/recordings/{ids[0]}"), 404, "send it again")
    assert left() == []


def test_a_recording_stays_while_it_is_worked_with(client, context):
    id = client.post("/v1/recordings", content=wav(noise(1.0))).json()["id"]
    with context.engine.lend():
        said = {"clip": id, "edit": {"kind": "continue", "seconds": 0.5}, "model": "tiny", "steps": 2}
        job = client.post("/v1/edits", json=said).json()["id"]
        client.delete(f"/v1/recordings/{id}")
    assert until_ended(client, job)["state"] == "done"
    context.requests._tickets.clear()
    assert left() == []


# --- what is refused


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        ({"kind": "repaint"}, 422, ["say what to play again"]),
        ({"kind": "repaint", "regions": [{"bars": [2, 9]}]}, 422, ["the recording has 3 bars"]),
        ({"kind": "repaint", "regions": [{"seconds": [2, 5]}]}, 422, ["outside the recording"]),
        ({"kind": "repaint", "regions": [{"seconds": [1, 1.0001]}]}, 422, ["too short"]),
        ({"kind": "repaint", "regions": [{"seconds": [0, 2]}, {"seconds": [1, 3]}]}, 422, ["overlap"]),
        ({"kind": "repaint", "regions": [{"bars": [0, 1]}]}, 422, ["from 1"]),
        ({"kind": "repaint", "regions": [[1, 2]]}, 422, ["a region must be"]),
        ({"kind": "repaint", "regions": [{"bars": [1, 1]}] * 65}, 422, ["at most 64"]),
        ({"kind": "continue", "bars": 0}, 422, ["bars must be"]),
        ({"kind": "continue", "bars": 10_001}, 422, ["bars must be"]),
        ({"kind": "continue", "bars": 10_000}, 422, ["the longest is"]),
        ({"kind": "continue", "seconds": "1"}, 422, ["seconds must be"]),
        ({"kind": "vary", "strength": 2}, 422, ["strength must be"]),
        ({"kind": "sing"}, 422, ["is no edit"]),
        ({"kind": ["vary"]}, 422, ["an edit must be"]),
        ({"kind": "vary", "speed": 2}, 422, ["unknown key"]),
        (None, 422, ["an edit must be"]),
        ("vary", 422, ["an edit must be"]),
    ],
)
def test_an_edit_that_cannot_be_is_refused_at_once(client, song, said, status, words):
    jobs = client.get("/v1/jobs").json()
    refusal(client.post("/v1/edits", json={"clip": song["id"], "edit": said, "prompt": "x"}), status, *words)
    assert client.get("/v1/jobs").json() == jobs and client.get("/v1/library").json()["total"] == 1


@pytest.mark.parametrize(
    ("more", "status", "words"),
    [
        ({"seconds": 3}, 422, ["seconds has no meaning"]),
        ({"bars": 3}, 422, ["bars has no meaning"]),
        ({"loudness": -14}, 422, ["loudness has no meaning"]),
        ({"form": "verse 4"}, 422, ["form has no meaning"]),
        ({"chords": "Zz"}, 422, ["Zz"]),
        ({"prompt": 3}, 422, ["text"]),
        ({"prompt": []}, 422, ["text"]),
        ({"model": "/etc"}, 404, ["installed"]),
        ({"solver": "mean"}, 422, ["MeanFlow"]),
        ({"format": "exe"}, 422, ["format"]),
        ({"output": "/etc/x"}, 422, ["unknown key"]),
    ],
)
def test_what_an_edit_cannot_be_asked(client, song, more, status, words):
    said = {"clip": song["id"], "edit": {"kind": "vary"}}
    refusal(client.post("/v1/edits", json=said | more), status, *words)


@pytest.mark.parametrize(
    "id", ["ffffffffffff", "f" * 16, "../x", "..%2fx", "/etc/passwd", "", " " * 16, 3, None, ["x"]]
)
def test_what_is_edited_is_named_by_its_id(client, id):
    status = 422 if not isinstance(id, str) else 404
    refusal(client.post("/v1/edits", json={"clip": id, "edit": {"kind": "vary"}}), status)
    if isinstance(id, str) and id and "/" not in id:
        refusal(client.get(f"/v1/recordings/{id}"), 404)
        refusal(client.get(f"/v1/exports/midi?clip={id}"), 404)


def test_an_edit_that_fails_leaves_nothing(client, song, edit, monkeypatch, engine):
    def fail(*arguments, **options):
        raise GenerationError("the model produced silence")

    monkeypatch.setattr("musicgen_app.editing.making._sampled", fail)
    job = edit(clip=song["id"], edit={"kind": "vary"})
    assert (job["state"], job["clips"]) == ("failed", []) and job["error"]["code"] == 5
    assert client.get("/v1/library").json()["total"] == 1


def test_an_edit_is_cancelled_and_its_events_end(client, song, context):
    with context.engine.lend():
        said = {"clip": song["id"], "edit": {"kind": "vary"}, "steps": 500}
        id = client.post("/v1/edits", json=said).json()["id"]
        assert client.delete(f"/v1/jobs/{id}").status_code == 200
    answer = client.get(f"/v1/jobs/{id}/events").text
    last = json.loads(answer.strip().split("data: ")[-1])
    assert "event: end" in answer and last["state"] == "cancelled" and client.get("/v1/library").json()["total"] == 1


def test_the_description_has_a_bound_for_every_number_and_text(client):
    def open_ended(value, where: str) -> list[str]:
        if isinstance(value, list):
            return [found for n, one in enumerate(value) for found in open_ended(one, f"{where}/{n}")]
        if not isinstance(value, dict):
            return []
        kind = value.get("type")
        lacking = {"number": "maximum", "integer": "maximum", "string": "maxLength", "array": "maxItems"}.get(kind)
        bounded = lacking in value or {"enum", "const", "pattern", "format", "prefixItems"} & value.keys()
        found = [] if lacking is None or bounded else [where]
        return found + [f for name, one in value.items() for f in open_ended(one, f"{where}/{name}")]

    for name in ("Request", "MusicRequest", "EditRequest", "LayersRequest", "ClipChange"):
        found = [where for where in open_ended(schemas.NAMED[name], name) if not where.endswith("/prefixItems/1")]
        assert found == [], name  # a chord may be of any length
    told = client.get("/v1/openapi.json").json()
    body = told["paths"]["/recordings"]["post"]["requestBody"]["content"]["audio/wav"]["schema"]
    assert body["maxLength"] == recordings.MOST_BYTES


# --- exports


def test_a_clip_is_exported_in_every_form(client, song, context):
    project = client.get(f"/v1/exports/reaper?clip={song['id']}&title=Night%20drive")
    assert project.headers["content-type"] == "application/zip" and ".zip" in project.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(project.content)) as archive:
        (name, sound) = archive.namelist()
        read = rpp.loads(archive.read(name).decode())
        assert name == "night-drive.rpp" and read.find("TRACK").find("ITEM").find("SOURCE").find("FILE")[1] == sound
        assert archive.read(sound) == context.library.get(song["id"]).path.read_bytes()
    assert client.get(f"/v1/exports/midi?clip={song['id']}").content.startswith(b"MThd")
    assert client.get(f"/v1/exports/dawproject?clip={song['id']}").content.startswith(b"PK")
    stems = client.get(f"/v1/exports/zip?clip={song['id']}&key=Cm&loop=true").content
    with zipfile.ZipFile(io.BytesIO(stems)) as archive:
        assert archive.namelist()[0].endswith("_120bpm_Cm.wav")


def test_layers_are_exported_together(client, edit):
    job = edit("layers", parts=["bass", "drums"], seconds=1, bpm=120)
    ids = "&".join(f"clip={clip['id']}" for clip in job["clips"][1:])
    answer = client.get(f"/v1/exports/reaper?{ids}")
    assert answer.status_code == 200, answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        tracks = rpp.loads(archive.read(archive.namelist()[0]).decode()).findall("TRACK")
        assert len(tracks) == 2 and len(archive.namelist()) == 3


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("stems?clip={id}", 422, []),
        ("exe?clip={id}", 422, []),
        ("reaper", 422, ["clip"]),
        ("reaper?clip=../x", 404, ["no clip"]),
        ("reaper?clip={id}&bpm=0", 422, ["bpm"]),
        ("reaper?clip={id}&bpm=nan", 422, ["bpm"]),
        ("reaper?clip={id}&metre=9", 422, ["metre"]),
        ("reaper?clip={id}&key=H", 422, ["key"]),
        ("reaper?clip={id}&title=%00", 422, ["title"]),
        ("reaper?clip={plain}", 422, ["no plan with a tempo"]),
    ],
)
def test_exports_that_cannot_be(client, song, make, query, status, words):
    plain = make()["clips"][0]["id"] if "{plain}" in query else ""
    refusal(client.get(f"/v1/exports/{query.format(id=song['id'], plain=plain)}"), status, *words)
