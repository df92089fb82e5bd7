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

from musicgen_app.server import agent_tools
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
    return agent_tools.server(context)


def test_every_tool_is_listed_with_its_schema(server):
    async def listed():
        async with Client(server) as client:
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in asyncio.run(listed())}
    assert set(tools) == set(agent_tools.TOOLS) == {"generate", "plan", "change_plan", "library", "models"}
    for tool in tools.values():
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
                if all(ticket.over for ticket in context.requests.tickets(agent_tools.OWNER)):
                    return
                await asyncio.sleep(0.05)

    asyncio.run(gone())
    assert [ticket.state for ticket in context.requests.tickets(agent_tools.OWNER)] == ["cancelled"]


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
