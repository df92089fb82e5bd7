"""The app as tools of an agent: every tool through a real client, in this process and over pipes."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import jsonschema
import pytest

from musicgen_app.cli import run
from musicgen_app.engine import Engine
from musicgen_app.errors import Cancelled
from musicgen_app.server import schemas

pytest.importorskip("mcp")

from mcp import Client, StdioServerParameters

from musicgen_app.server.agents import answering, tools
from support.gui_server import GuiServer

SHEET = "tempo 96 · key Am · no drums\nverse 4: Am F C G\n"


def ask(server, name: str, told=None, **values):
    """What a tool answers."""

    async def one():
        async with Client(server) as client:
            return await client.call_tool(name, values, progress_callback=told)

    return asyncio.run(one())


@pytest.fixture
def server(context):
    return answering.server(context)


def test_every_tool_is_listed_with_its_schema(server):
    async def listed():
        async with Client(server) as client:
            return (await client.list_tools()).tools

    found = {tool.name: tool for tool in asyncio.run(listed())}
    assert set(found) == set(tools.TOOLS) == {
        "generate", "loop", "edit", "layers", "plan", "change_plan", "library", "export", "models"
    }  # fmt: skip
    for tool in found.values():
        jsonschema.Draft202012Validator.check_schema(tool.input_schema)
        assert tool.description.endswith(".") and tool.input_schema["type"] == "object"


def test_music_is_made_told_of_and_found_again(server, tmp_path):
    seen = []

    async def told(progress, total, message):
        seen.append((progress, total, message))

    made = ask(server, "generate", told, prompt="soft bells", seed=3, steps=100, variations=2)
    assert not made.is_error, made.content
    clips = made.structured_content["clips"]
    assert [clip["request"]["seed"] for clip in clips] == [3, 4] and json.loads(made.content[0].text)["clips"] == clips
    assert [p for p, _, _ in seen] == sorted(p for p, _, _ in seen) and {total for _, total, _ in seen} == {2}
    target = tmp_path / "same.wav"
    options = ["--model", "tiny", "--seconds", "0.5", "--steps", "100", "--no-keep", "-o", str(target)]
    assert run(["generate", "soft bells", "--seed", "3", *options]) == 0
    assert Path(clips[0]["file"]).read_bytes() == target.read_bytes()

    found = ask(server, "library", text="bells", limit=1).structured_content["clips"]
    assert [clip["id"] for clip in found] == [clips[1]["id"]]
    assert ask(server, "library", id=clips[0]["id"]).structured_content["clips"][0]["file"] == clips[0]["file"]


def test_a_plan_is_decided_changed_and_played(server):
    told = ask(server, "plan", prompt="folk guitar, 96 bpm, zork", chords="Am F C G").structured_content
    jsonschema.validate(told, schemas.DECISION)
    step = {"name": "transpose", "semitones": 3}
    changed = ask(server, "change_plan", plan=told["plan"], operations=[step]).structured_content
    assert [symbol for symbol, _ in changed["plan"]["chords"]] == ["Cm", "Ab", "Eb", "Bb"]
    made = ask(server, "generate", prompt="folk guitar", plan=changed["plan"], steps=2).structured_content
    assert made["clips"][0]["request"]["plan"] == changed["plan"]


def test_a_loop_is_made(server):
    (clip,) = ask(server, "loop", prompt="soft bells", bars=2, bpm=240, steps=2).structured_content["clips"]
    assert clip["request"]["loop"] is True and clip["seconds"] == 2


def test_edits_name_clips_and_files(server, context, tmp_path):
    (clip,) = ask(server, "generate", prompt="soft bells", seconds=2, bpm=120, seed=1, steps=2).structured_content[
        "clips"
    ]
    said = {"kind": "continue", "bars": 1}
    (longer,) = ask(server, "edit", clip=clip["id"], edit=said, seed=5, steps=2).structured_content["clips"]
    (same,) = ask(server, "edit", clip=clip["file"], edit=said, seed=5, steps=2).structured_content["clips"]
    assert longer["seconds"] == 4 and longer["edited"] == f"continue of {Path(clip['file']).name}"
    assert Path(longer["file"]).read_bytes() == Path(same["file"]).read_bytes()
    target = tmp_path / "same.wav"
    command = ["continue", clip["file"], "--bars", "1", "--seed", "5", "--steps", "2", "--no-keep", "-q"]
    assert run([*command, "--model", "tiny", "-o", str(target)]) == 0
    assert target.read_bytes() == Path(same["file"]).read_bytes()


def test_layers_are_made_told_of_and_exported(server, tmp_path):
    seen = []

    async def told(progress, total, message):
        seen.append(progress)

    made = ask(server, "layers", told, parts=["bass", "drums"], seconds=1, bpm=120, steps=50).structured_content[
        "clips"
    ]
    assert seen == sorted(seen) and [clip["edited"] for clip in made] == ["layers", "layer bass", "layer drums"]
    assert set(made[1]["edit"]["heard"]) == {"bass", "drums"}
    ids = [clip["id"] for clip in made[1:]]
    for kind, name in (("reaper", "x.rpp"), ("dawproject", "x.dawproject"), ("midi", "x.mid"), ("zip", "x.zip")):
        written = ask(server, "export", clips=ids, kind=kind, output=str(tmp_path / name)).structured_content
        assert written == {"files": [str(tmp_path / name)]} and (tmp_path / name).stat().st_size > 100
    stems = ask(server, "export", clips=ids, kind="stems", output=str(tmp_path / "stems")).structured_content["files"]
    assert len(stems) == 2 and all(Path(stem).is_file() for stem in stems)
    again = ask(server, "export", clips=ids, kind="zip", output=str(tmp_path / "x.zip"))
    assert again.is_error and "exists already" in again.content[0].text


def test_models_are_listed(server):
    assert "tiny" in [model["id"] for model in ask(server, "models").structured_content["models"]]


@pytest.mark.parametrize(
    ("name", "values", "words"),
    [
        ("generate", {}, "prompt"),
        ("generate", {"prompt": "x", "seconds": -1}, "seconds must be"),
        ("generate", {"prompt": "x", "model": "nope"}, "no model 'nope'"),
        ("generate", {"prompt": "x", "output": "/etc/passwd"}, "unknown key"),
        ("plan", {}, "give a prompt"),
        ("change_plan", {"plan": SHEET, "operations": [{"name": "explode"}]}, "no operation"),
        ("generate", {"prompt": "x", "bars": 0}, "bars must be"),
        ("loop", {"prompt": "x"}, "a loop needs a length"),
        ("loop", {"prompt": "x", "bars": 10_000}, "bars must be"),
        ("loop", {"prompt": "x", "bars": 2, "loop": False}, "leave loop out"),
        ("loop", {"prompt": "x", "bars": 2, "seconds": 3}, "loop"),
        ("edit", {}, "an edit must be"),
        ("edit", {"edit": {"kind": "vary"}}, "clip must be"),
        ("edit", {"edit": {"kind": "vary"}, "clip": "../x"}, "no clip"),
        ("edit", {"edit": {"kind": "vary"}, "clip": "/etc/passwd"}, "not a sound file"),
        ("edit", {"edit": {"kind": "vary"}, "clip": "x\x00y"}, "no clip"),
        ("layers", {"parts": []}, "1 to 8 parts"),
        ("export", {}, "clips must be"),
        ("export", {"clips": ["ffffffffffff"], "kind": "midi", "output": "x.mid"}, "no item"),
        ("export", {"clips": ["../x"], "kind": "midi", "output": "x.mid"}, "no file"),
        ("export", {"clips": ["ffffffffffff"], "kind": "exe", "output": "x.exe"}, "no kind of export"),
        ("export", {"clips": ["ffffffffffff"], "kind": ["midi"], "output": "x.mid"}, "no kind of export"),
        ("export", {"clips": ["ffffffffffff"], "kind": "midi"}, "output must be"),
        ("export", {"clips": ["ffffffffffff"], "kind": "midi", "output": "x.wav"}, "does not end in .mid"),
        ("export", {"clips": ["ffffffffffff"], "kind": "midi", "output": "x.mid", "force": True}, "has no 'force'"),
        ("library", {"id": "../../etc/passwd"}, "no item"),
        ("library", {"path": "/etc"}, "has no 'path'"),
        ("library", {"limit": "all"}, "limit must be"),
        ("library", {"text": 3}, "text must be"),
        ("explode", {}, "no tool"),
    ],
)
def test_mistakes_are_told_to_the_agent_in_one_line(server, name, values, words):
    answer = ask(server, name, **values)
    assert answer.is_error and words in answer.content[0].text and "\n" not in answer.content[0].text


def test_an_agent_that_no_longer_waits_cancels(server, context, monkeypatch):
    begun = threading.Event()

    def wait(self, request, progress=None, cancel=None):
        begun.set()
        while not cancel.cancelled:
            threading.Event().wait(0.01)
        raise Cancelled("cancelled")

    monkeypatch.setattr(Engine, "generate", wait)

    async def gone():
        async with Client(server) as client:
            call = asyncio.create_task(client.call_tool("generate", {"prompt": "a long one"}))
            await asyncio.to_thread(begun.wait, 30)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            for _ in range(300):
                if all(ticket.over for ticket in context.requests.tickets(tools.OWNER)):
                    return
                await asyncio.sleep(0.05)

    asyncio.run(gone())
    assert [ticket.state for ticket in context.requests.tickets(tools.OWNER)] == ["cancelled"]


@pytest.mark.slow
def test_the_command_answers_on_its_pipes_and_ends_with_them(tmp_path, tiny_bundle):
    home = GuiServer(tmp_path, tiny_bundle.path)
    started = StdioServerParameters(
        command=sys.executable, args=["-m", "musicgen_app", "mcp"], env=home.environment, cwd=str(home.work)
    )
    made = ask(started, "generate", prompt="soft bells", seed=3)
    assert not made.is_error, made.content
    assert Path(made.structured_content["clips"][0]["file"]) == home.clips()[0]
    assert not home.log.exists()


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="a process of Windows is ended at once")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_ends_while_it_waits_for_the_agent(tmp_path, tiny_bundle, number):
    home = GuiServer(tmp_path, tiny_bundle.path)
    hello = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    command = [sys.executable, "-m", "musicgen_app", "mcp"]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen(command, env=home.environment, cwd=home.work, text=True, **pipes) as process:
        first = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
        print(json.dumps(first), file=process.stdin, flush=True)
        assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "ttm-app"
        process.send_signal(number)
        assert process.wait(timeout=30) == 130
        assert process.stderr.read() == "error: cancelled\n"


def test_a_missing_package_is_one_line(home, capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert run(["mcp"]) == 6
    assert capfd.readouterr() == ("", 'error: agents need the package mcp: pip install "ttm-app[mcp]"\n')
