"""Flag, environment, file, default: each wins over the next, zero and false count, and a bad value names its place."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicgen_app import request
from musicgen_app.errors import FileError, RequestError
from musicgen_app.machine import paths, user_settings
from musicgen_app.machine.user_settings import Settings


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    for name in user_settings.FIELDS:
        monkeypatch.delenv(user_settings.variable(name), raising=False)
    monkeypatch.setenv("TTM_APP_HOME", str(tmp_path))
    return tmp_path


def write_file(text: str) -> Path:
    user_settings.path().parent.mkdir(exist_ok=True)
    user_settings.path().write_text(text, encoding="utf-8")
    return user_settings.path()


def test_defaults(home):
    now = user_settings.load()
    assert now == Settings()
    assert (now.model, now.seconds, now.format, now.loudness, now.keep) == ("sketch", 10.0, ".wav", None, True)
    assert now.library == home / "results" == paths.results()
    assert {now.origin(name) for name in user_settings.FIELDS} == {"default"}
    assert list(home.iterdir()) == []


def test_the_defaults_are_those_of_a_request_and_are_allowed():
    plain = request.GenerationRequest("x")
    for name, value in Settings().request().items():
        assert getattr(plain, name) == (None if name == "seconds" else value)
    assert Settings().seconds == request.USUAL_SECONDS  # where no plan that ends says otherwise
    for name, field in user_settings.FIELDS.items():
        value = getattr(Settings(), name)
        assert value is None and field.metadata["optional"] or user_settings.check(name, value) == value


def test_precedence(monkeypatch):
    write_file("seconds = 20\ndevice = 'cpu'\nkeep = false\n")
    monkeypatch.setenv("TTM_APP_SECONDS", "30")
    monkeypatch.setenv("TTM_APP_DEVICE", "cuda")
    now = user_settings.load(seconds=40.0, device=None, model=None)
    assert (now.seconds, now.device, now.keep, now.model) == (40.0, "cuda", False, "sketch")
    origins = [now.origin(name) for name in ("seconds", "device", "keep", "model")]
    assert origins == ["flag", "environment", "file", "default"]
    monkeypatch.delenv("TTM_APP_SECONDS")
    assert user_settings.load().seconds == 20.0 and isinstance(user_settings.load().seconds, float)


def test_zero_and_false_are_values(monkeypatch):
    write_file("keep = true\nsidecar = true\ngui_port = 9\nloudness = -10\n")
    now = user_settings.load(keep=False, sidecar=False, gui_port=0)
    assert (now.keep, now.sidecar, now.gui_port) == (False, False, 0)
    assert {now.origin(name) for name in ("keep", "sidecar", "gui_port")} == {"flag"}
    monkeypatch.setenv("TTM_APP_KEEP", "0")
    monkeypatch.setenv("TTM_APP_LOUDNESS", "none")
    monkeypatch.setenv("TTM_APP_GUI_PORT", "")  # empty is unset
    now = user_settings.load()
    assert (now.keep, now.loudness, now.gui_port) == (False, None, 9)
    assert (now.origin("loudness"), now.origin("gui_port")) == ("environment", "file")


@pytest.mark.parametrize(
    ("text", "value"),
    [("1", True), ("TRUE", True), ("yes", True), ("on", True), ("0", False), ("No", False), ("off", False)],
)
def test_truths_in_the_environment(monkeypatch, text, value):
    monkeypatch.setenv("TTM_APP_KEEP", text)
    assert user_settings.load().keep is value


BAD = [
    ("seconds", "0", "number from 0.5 to 3600"),
    ("seconds", "nan", "number from 0.5 to 3600"),
    ("seconds", "true", "number from 0.5 to 3600"),
    ("seconds", '"10"', "number from 0.5 to 3600"),
    ("loudness", "3", "number from -40 to -8"),
    ("model", '""', "empty"),
    ("model", "3", "text"),
    ("model", '"a\\u0000b"', "unusable character"),
    ("format", '".aac"', ".wav, .flac, .ogg, .mp3"),
    ("format", "3", ".wav, .flac, .ogg, .mp3"),
    ("device", '"tpu"', "auto, cpu, cuda, mps"),
    ("precision", '"fp16"', "auto, fp32, bf16"),
    ("decoder", '["onnx"]', "auto, torch, onnx"),
    ("keep", "1", "true or false"),
    ("sidecar", '"yes"', "true or false"),
    ("library", '"music"', "full path"),
    ("library", '"~nobody-of-that-name/x"', "folder"),
    ("library", "3", "text"),
    ("gui_host", '"a b"', "address"),
    ("gui_port", "65536", "whole number from 0 to 65535"),
    ("gui_port", "80.5", "whole number from 0 to 65535"),
    ("gui_queue", "0", "whole number from 1 to 1000"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), BAD)
def test_a_bad_value_in_the_file(name, value, allowed):
    path = write_file(f"{name} = {value}\n")
    with pytest.raises(RequestError) as caught:
        user_settings.load()
    message = str(caught.value)
    assert message.startswith(f"{path}: {name} ") and allowed in message and "\n" not in message
    before = path.read_bytes()
    with pytest.raises(RequestError):
        user_settings.set("keep" if name != "keep" else "seconds", Settings().keep if name != "keep" else 10)
    assert path.read_bytes() == before
    user_settings.set(name, {"library": "/music"}.get(name, getattr(Settings(), name)))  # the way out
    user_settings.load()


@pytest.mark.parametrize(("name", "value", "allowed"), [case for case in BAD if case[1][0] not in '["'])
def test_a_bad_value_in_the_environment(monkeypatch, name, value, allowed):
    if value in ("1", "true", "3") and name in ("keep", "sidecar", "model"):
        value = "a\x01b" if name == "model" else "maybe"
        allowed = "unusable character" if name == "model" else allowed
    if name == "library":
        value, allowed = "music", "full path"
    monkeypatch.setenv(user_settings.variable(name), value)
    with pytest.raises(
        RequestError, match=f"environment variable TTM_APP_{name.upper()}: {name} .*{re.escape(allowed)}"
    ):
        user_settings.load()


def test_bad_flags():
    with pytest.raises(RequestError, match="device must be one of"):
        user_settings.load(device="tpu")
    with pytest.raises(RequestError, match="unknown setting 'sekonds'; did you mean seconds"):
        user_settings.load(sekonds=3)


def test_an_unknown_key_in_the_file():
    path = write_file("sekonds = 3\n")
    with pytest.raises(RequestError, match=re.escape(f"{path}: unknown setting 'sekonds'; did you mean seconds?")):
        user_settings.load()
    user_settings.unset("sekonds")
    assert user_settings.load() == Settings()
    write_file("[gui]\nport = 3\n")
    with pytest.raises(RequestError, match="unknown setting 'gui'; .*gui_port"):
        user_settings.load()


@pytest.mark.parametrize("text", ["seconds = ", "seconds 3", "\x00", "a = " + "[" * 10_000, "x" * 70_000])
def test_a_file_that_is_not_toml(text):
    path = write_file(text)
    with pytest.raises(RequestError) as caught:
        user_settings.load()
    assert str(caught.value).startswith(f"{path} is ") and "delete it" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read():
    user_settings.path().mkdir(parents=True)
    with pytest.raises(FileError, match="cannot read"):
        user_settings.load()
    with pytest.raises(FileError):
        user_settings.set("keep", False)


def test_set_and_unset(home):
    assert user_settings.set("seconds", "20") == 20.0
    assert user_settings.set("loudness", -14) == -14.0
    assert user_settings.set("keep", "no") is False
    assert user_settings.set("library", "~/somewhere") == Path.home() / "somewhere"
    now = user_settings.load()
    assert (now.seconds, now.loudness, now.keep, now.library) == (20.0, -14.0, False, Path.home() / "somewhere")
    assert user_settings.set("loudness", "none") is None
    user_settings.unset("seconds", "device")
    assert tomllib.loads(user_settings.path().read_text()) == {"keep": False, "library": str(Path.home() / "somewhere")}
    assert [path.name for path in user_settings.path().parent.glob("[!.]*")] == ["settings.toml"]
    for name, value in (("sekonds", "3"), ("seconds", "0"), ("seconds", None)):
        if value is not None:
            with pytest.raises(RequestError):
                user_settings.set(name, value)
    with pytest.raises(RequestError):
        user_settings.unset("sekonds")


def test_several_bad_entries_can_be_taken_out_together():
    write_file("a = 1\nseconds = 0\nkeep = false\n")
    with pytest.raises(RequestError):
        user_settings.unset("a")
    user_settings.unset("a", "seconds")
    assert user_settings.read() == {"keep": False}


def test_a_file_that_cannot_be_written_stays(monkeypatch):
    user_settings.set("seconds", 20)
    before = user_settings.path().read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(FileError, match="No space left"):
        user_settings.set("seconds", 30)
    assert user_settings.path().read_bytes() == before
    assert sorted(os.listdir(user_settings.path().parent)) == [user_settings.LOCK, user_settings.FILE]


@given(st.text(min_size=1, max_size=50))
def test_every_allowed_text_comes_back(text):
    try:
        wanted = user_settings.check("model", text)
    except RequestError:
        return
    user_settings.write({"model": text})
    assert user_settings.load().model == wanted


SIX = {"seconds": "20", "format": ".flac", "device": "cpu", "loudness": "-14", "keep": "no", "gui_port": "8000"}


@pytest.mark.slow
@pytest.mark.parametrize("round", range(3))
def test_six_processes_that_set_something_at_once_keep_six(home, round):
    code = "import sys; from musicgen_app.machine import user_settings; print(flush=True); sys.stdin.readline();"
    code += "user_settings.set(*sys.argv[1:])"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    children = [subprocess.Popen([sys.executable, "-c", code, *setting], **pipes) for setting in SIX.items()]
    for child in children:
        assert child.stdout.readline() == b"\n"
    for child in children:
        child.stdin.write(b"go\n")
        child.stdin.flush()
    for child in children:
        child.communicate(timeout=60)
    assert [child.returncode for child in children] == [0] * 6
    assert user_settings.read() == {name: user_settings.parse(name, text) for name, text in SIX.items()}


def test_settings_on_windows(home, windows_rules):
    user_settings.set("seconds", 20)
    user_settings.set("keep", False)
    user_settings.unset("seconds")
    assert user_settings.read() == {"keep": False}
