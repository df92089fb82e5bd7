"""A file says how it was made, and what other people's files say is not believed."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import musicgen_app
from musicgen_app import audio
from musicgen_app.errors import FileError, RequestError
from musicgen_app.library import metadata
from musicgen_app.library.clip_files import write_clip
from musicgen_app.request import Choice, GenerationRequest, GenerationResult
from support.results import write_sidecar

RATE = 32_000
SUFFIXES = list(audio.FORMATS)
REQUEST = GenerationRequest(
    prompt='upbeat "EDM" with pulsing synths, été 音楽 🎹',
    negative="vocals",
    seconds=0.5,
    seed=2**63 - 1,
    steps=30,
    guidance=0.1 + 0.2,
    guidance_interval=(0.0, 0.9),
    solver="heun",
    loudness=-14.0,
)


def result_for(request: GenerationRequest) -> GenerationResult:
    clip = 0.1 * np.random.default_rng(0).standard_normal((2, round(request.seconds * RATE)))
    model = {"name": "sketch", "version": "1.0", "weights_sha256": "ab" * 32, "licence": "CC-BY-4.0"}
    taken = {"text": 0.1, "sampling": 2.0, "decoding": 0.3}
    return GenerationResult(clip.astype(np.float32), RATE, request, model, taken)


def save(result: GenerationResult, path, sidecar: bool = False):
    write_clip(result, path, sidecar)
    return path


def tagged(path, comment: str):
    return audio.write(path, result_for(REQUEST).audio, RATE, {"comment": comment}, overwrite=True)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("request_", [REQUEST, replace(REQUEST, negative="", guidance=0.0, seed=0, loudness=None)])
def test_a_file_gives_its_request_back(tmp_path, suffix, request_):
    path = save(result_for(request_), tmp_path / f"clip{suffix}")
    assert metadata.request_from(path) == request_
    origin = metadata.origin(path)
    assert (origin["model"], origin["weights"]) == ("sketch", "ab" * 32)
    assert origin["app"].startswith("ttm-app ")


CHOICE = Choice(best_of=4, first_seed=5, score=0.4123, judge="aligner 0123abcd")


def test_the_record_of_an_ordinary_clip():
    """What was once written is what tools out there read: it does not change with what other clips may need."""
    assert metadata.tags_for(result_for(replace(REQUEST, prompt="slow piano")))["comment"] == (
        '{"schema":1,"ai_generated":true,"digital_source_type":"trainedAlgorithmicMedia","model":"sketch","weights":"'
        + "ab" * 32
        + f'","app":"ttm-app {musicgen_app.__version__}","prompt":"slow piano","negative":"vocals",'
        '"seed":9223372036854775807,"seconds":0.5,"steps":30,"guidance":0.30000000000000004,'
        '"guidance_interval":[0.0,0.9],"solver":"heun","loudness":-14.0}'
    )


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("prompt", ["slow piano", "slow piano " * 150 + "and strings"])
def test_the_best_of_several_is_made_again_alone(tmp_path, suffix, prompt):
    request = replace(REQUEST, prompt=prompt, seed=7)
    path = save(replace(result_for(request), choice=CHOICE), tmp_path / f"clip{suffix}", sidecar=True)
    for file in (path, metadata.sidecar_path(path)):
        assert metadata.request_from(file) == request
        assert metadata.request_from(file, choosing=True) == replace(request, seed=5, best_of=4)
    record = json.loads(metadata.full_tags(path)["comment"])
    assert [record[name] for name in ("best_of", "first_seed", "score", "judge")] == [4, 5, 0.4123, "aligner 0123abcd"]


@pytest.mark.parametrize("changes", [{"best_of": 99}, {"best_of": "4"}, {"first_seed": -1}, {"first_seed": [5]}])
def test_a_hostile_choice_is_refused(tmp_path, changes):
    record = json.loads(metadata.tags_for(replace(result_for(REQUEST), choice=CHOICE))["comment"])
    path = tagged(tmp_path / "clip.flac", json.dumps(record | changes))
    with pytest.raises(RequestError):
        metadata.request_from(path, choosing=True)
    assert metadata.request_from(path) == REQUEST


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_longest_texts_come_back(tmp_path, suffix):
    request = replace(REQUEST, prompt="音" * 2_000, negative='"' * 2_000)
    path = save(result_for(request), tmp_path / f"clip{suffix}", sidecar=True)
    assert metadata.request_from(path) == request
    assert metadata.origin(path)["model"] == "sketch"


def test_a_long_prompt_in_a_wav_needs_the_right_sidecar(tmp_path):
    long = replace(REQUEST, prompt="slow piano " * 150 + "and strings")
    assert metadata.needs_sidecar(result_for(long), "clip.WAV")
    assert not metadata.needs_sidecar(result_for(long), "clip.mp3")
    assert not metadata.needs_sidecar(result_for(REQUEST), "clip.wav")
    path = save(result_for(long), tmp_path / "clip.wav", sidecar=True)
    assert metadata.request_from(path) == long
    write_sidecar(result_for(replace(long, seed=1)), path)
    with pytest.raises(FileError, match="another clip"):
        metadata.request_from(path)
    metadata.sidecar_path(path).write_bytes(b"\xff\xfe")
    with pytest.raises(FileError, match=r"clip\.wav\.json"):
        metadata.request_from(path)
    metadata.sidecar_path(path).unlink()
    with pytest.raises(FileError, match="sidecar"):
        metadata.request_from(path)


def test_the_file_is_marked_as_ai_generated(tmp_path):
    tags = audio.read_tags(save(result_for(REQUEST), tmp_path / "clip.mp3"))
    record = json.loads(tags["comment"])
    assert tags["artist"] == "ttm-app (AI-generated)"
    assert tags["title"] == REQUEST.prompt
    assert (record["ai_generated"], record["digital_source_type"]) == (True, "trainedAlgorithmicMedia")


def test_a_long_title_is_shortened():
    title = metadata.tags_for(result_for(replace(REQUEST, prompt="é" * 81)))["title"]
    assert title == "é" * 79 + "…"


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3"])
def test_same_result_same_bytes(tmp_path, suffix):
    first, second = (save(result_for(REQUEST), tmp_path / f"{n}{suffix}").read_bytes() for n in "ab")
    assert first == second


def test_a_model_folder_on_this_machine_is_not_told(tmp_path):
    result = result_for(replace(REQUEST, model="/home/someone/models/sketch"))
    path = save(result, tmp_path / "clip.wav", sidecar=True)
    assert b"someone" not in path.read_bytes() + metadata.sidecar_path(path).read_bytes()
    assert metadata.request_from(path).model == "sketch"


def test_sidecar(tmp_path):
    path = tmp_path / "clip.ogg"
    written = write_clip(result_for(REQUEST), path, sidecar=True)
    assert written == tmp_path / "clip.ogg.json"
    record = json.loads(written.read_text(encoding="utf-8"))
    assert record == metadata.sidecar_for(result_for(REQUEST), path)
    assert (record["prompt"], record["file"], record["samples"]) == (REQUEST.prompt, "clip.ogg", RATE // 2)


@pytest.mark.parametrize(
    "comment",
    [
        "",
        "recorded in my kitchen",
        "[]",
        "null",
        "{}",
        '{"ai_generated": true, "schema": 1}',
        "[" * 60_000,
        "1" * 5_000,
        '{"prompt": "' + "a" * metadata.RECORD_BYTES + '"}',
    ],
)
def test_foreign_comments_are_refused(tmp_path, comment):
    path = tagged(tmp_path / "clip.flac", comment)
    for read in (metadata.request_from, metadata.origin):
        with pytest.raises(FileError, match="not made by ttm-app") as caught:
            read(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"model": "../../evil"}, FileError),
        ({"model": "\\\\host\\share"}, FileError),
        ({"model": "~/evil"}, FileError),
        ({"model": "sketch\n"}, FileError),
        ({"model": ["sketch"]}, FileError),
        ({"weights": "ab"}, FileError),
        ({"weights": None}, FileError),
        ({"app": "other 1.0"}, FileError),
        ({"app": "ttm-app 1\x1b[31m"}, FileError),
        ({"ai_generated": 1}, FileError),
        ({"schema": 2}, FileError),
        ({"schema": 10**400}, FileError),
        ({"padding": "a" * metadata.RECORD_BYTES}, FileError),
        ({"prompt": "a\x1b[31m"}, RequestError),
        ({"prompt": "\ud800"}, RequestError),
        ({"prompt": "a" * 2_001}, RequestError),
        ({"prompt": ["a"]}, RequestError),
        ({"seconds": float("nan")}, RequestError),
        ({"seconds": 1e9}, RequestError),
        ({"steps": 10**9}, RequestError),
        ({"steps": True}, RequestError),
        ({"seed": -1}, RequestError),
        ({"solver": "__import__"}, RequestError),
        ({"guidance_interval": {}}, RequestError),
    ],
)
def test_hostile_records_are_refused(tmp_path, changes, error):
    record = json.loads(metadata.tags_for(result_for(REQUEST))["comment"])
    path = tagged(tmp_path / "clip.flac", json.dumps(record | changes))
    with pytest.raises(error) as caught:
        metadata.request_from(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("name", ["prompt", "negative", "seed", "seconds", "guidance_interval"])
def test_an_incomplete_record_is_refused(tmp_path, name):
    record = json.loads(metadata.tags_for(result_for(REQUEST))["comment"])
    del record[name]
    with pytest.raises(FileError, match=f"has no {name}"):
        metadata.request_from(tagged(tmp_path / "clip.flac", json.dumps(record)))


def test_a_hostile_sidecar_is_refused(tmp_path):
    path = save(result_for(replace(REQUEST, prompt="a" * 2_000)), tmp_path / "clip.wav", sidecar=True)
    sidecar = metadata.sidecar_path(path)
    record = json.loads(sidecar.read_text())
    sidecar.write_text(json.dumps(record | {"prompt": "a\0"}))
    with pytest.raises(RequestError, match="U\\+0000"):
        metadata.request_from(path)
    sidecar.write_text(json.dumps(record | {"padding": "a" * metadata.RECORD_BYTES}))
    with pytest.raises(FileError, match="not made by ttm-app"):
        metadata.request_from(path)
