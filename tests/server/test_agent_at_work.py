"""The agent of the documentation at work: a program with the client of the `mcp` package, over pipes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import rpp

from support.gui_server import GuiServer

pytest.importorskip("mcp")
pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "agents.md"
STARTED = 'StdioServerParameters(command="ttm-app", args=["mcp"])'


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.S | re.M)


def told(program: str, folder: Path, environment: dict[str, str]) -> list[str]:
    """What the program prints."""
    assert STARTED in program
    here = f"StdioServerParameters(command={sys.executable!r}, args=['-m', 'musicgen_app', 'mcp'], env={environment})"
    ran = subprocess.run(
        [sys.executable, "-c", program.replace(STARTED, here)],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.splitlines()


def without_ids(lines: list[str]) -> list[str]:
    return [re.sub(r"\b[0-9a-f]{12}\b", "ID", line) for line in lines]


def test_an_agent_plans_makes_repaints_and_exports(tmp_path, tiny_bundle):
    """With the tiny model."""
    home = GuiServer(tmp_path, tiny_bundle.path)
    (program,), (shown,) = blocks("python"), blocks("text")
    lines = told(program, home.work, home.environment)
    calls = [line.split(" ", 2)[1:] for line in lines if line.startswith("agent: ")]
    assert [tool for tool, _ in calls] == ["plan", "generate", "edit", "export"]
    assert [line for line in lines if "kept" in line] == [line for line in shown.splitlines() if "kept" in line]
    old, new = sorted(home.clips(), key=lambda path: path.stat().st_mtime_ns)
    assert json.loads(calls[2][1])["clip"] in old.name and json.loads(calls[3][1])["clips"][0] in new.name
    record = json.loads(Path(f"{new}.json").read_text())
    assert record["edit"]["kind"] == "repaint" and record["edit"]["source"]["name"] == old.name
    project = rpp.loads((home.work / "piano.rpp").read_text())
    (track,) = project.findall("TRACK")
    sound = home.work / track.find("ITEM").find("SOURCE").find("FILE")[1]
    assert sound.resolve() == new.resolve() and [float(x) for x in project.find("TEMPO")[1:]] == [96, 4, 4]
    assert not home.log.exists()  # nothing outside was looked for


def test_the_transcript_of_the_documentation_is_what_happens(tmp_path):
    """With the bundled model."""
    (program,), (shown,) = blocks("python"), blocks("text")
    environment = os.environ | {"TTM_APP_HOME": str(tmp_path / "home")}
    assert without_ids(told(program, tmp_path, environment)) == without_ids(shown.splitlines())


def test_every_tool_is_named():
    from musicgen_app.server.agents.tools import TOOLS

    assert set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(encoding="utf-8"), re.M)) == set(TOOLS)
