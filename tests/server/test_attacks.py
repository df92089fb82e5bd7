"""The attacks of docs/security.md: each command is run, and answered as the page says."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.gui_server import GuiServer

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).parents[2] / "docs" / "security.md").read_text(encoding="utf-8")
LOCAL, STRANGER, INSIDE = re.findall(r"^\| attack \|.*\n\|---.*\n((?:\|.*\n)+)", PAGE, re.M)


class Twenty(GuiServer):
    """With as many places as by default."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"TTM_APP_GUI_QUEUE": "20"}


def attacks(table: str) -> list[tuple[str, str, list[str]]]:
    """What each is, its command, and what must be in the answer."""
    rows = [re.fullmatch(r"\| (.*?) \| `(.*)` \| (.*) \|", line).groups() for line in table.splitlines()]
    return [(name, command, re.findall("`([^`]*)`", answer)) for name, command, answer in rows]


def check(server: GuiServer, table: str) -> dict[str, list[str]]:
    """Run all of a table; the lines of each answer."""
    if not (shutil.which("curl") and shutil.which("bash")):
        pytest.skip("there is no curl, or no bash")
    setting = "\n".join(re.findall(r"^([SPC]=.*)$", PAGE, re.M)).replace(
        "http://127.0.0.1:7860", server.url.rstrip("/")
    )
    told = {}
    for name, command, wanted in attacks(table):
        command = ["bash", "-c", f"{setting}\n{command}"]
        ran = subprocess.run(command, cwd=server.work, capture_output=True, text=True, timeout=120)
        lines = ran.stdout.split("\n")[:-1]
        assert lines and all(any(part in line for line in lines) for part in wanted), (name, ran)
        if all(re.fullmatch(r"\d+", part) for part in wanted):
            others = [line for line in lines if line not in wanted]
            # Once, a wait may have ended in between (401), or a body was cut off before the answer was read (000).
            assert set(wanted) <= set(lines) and others in ([], ["401"], ["000"]), (name, ran)
        told[name] = lines
    return told


def test_attacks_on_a_page_of_this_computer(tmp_path, tiny_bundle):
    server = Twenty(tmp_path, tiny_bundle.path)
    server.start()
    try:
        assert len(check(server, LOCAL)) == 4
    finally:
        assert server.stop() == 0


def test_attacks_on_a_page_with_a_password(tmp_path, tiny_bundle):
    import psutil

    server = Twenty(tmp_path, tiny_bundle.path)
    server.start("--host", "0.0.0.0", "--password", "correct-horse")
    process = psutil.Process(server.process.pid)
    try:
        told = check(server, STRANGER)
        assert told["300 passwords are tried at once"].count("401") <= 16
        before = process.memory_info().rss
        told = check(server, INSIDE)
        assert process.memory_info().rss - before < 150 * 2**20
        assert 5 <= told["all places of the queue, under invented names"].count("202") <= 6  # one may be in work
    finally:
        assert server.stop() == 0
    assert not server.log.exists(), server.log.read_text()
