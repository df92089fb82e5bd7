"""Streams that are closed, full or have lost their reader, and signals, in programs of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from musicgen_app.machine import paths

FAST = "--model tiny --seconds 0.5 --steps 1 --no-keep -q"
APP = f'"{sys.executable}" -m musicgen_app'


@pytest.fixture
def shell(home, tmp_path):
    """Run a line of a shell with `ttm-app` in it in an empty folder: its code, its stdout and its stderr."""

    def run(line: str) -> tuple[int, str, str]:
        done = subprocess.run(
            ["bash", "-c", line.replace("ttm-app", APP)], cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stdout, done.stderr

    return run


@pytest.mark.parametrize("command", ["models list", "paths --json", "train --help"])
@pytest.mark.parametrize(("stdout", "why"), [(">&-", "it is closed"), ("> /dev/full", "No space left on device")])
def test_stdout_that_takes_nothing_is_one_line(shell, command, stdout, why):
    assert shell(f"ttm-app {command} {stdout}") == (3, "", f"error: stdout cannot be written: {why}\n")


@pytest.mark.slow
@pytest.mark.parametrize("stdout", ["--json >&-", "--json > /dev/full"])
def test_the_work_is_done_whatever_stdout_takes(shell, tmp_path, stdout):
    code, _, err = shell(f"ttm-app generate piano --seed 1 {FAST} {stdout}")
    assert code == 3 and re.fullmatch(r"error: stdout cannot be written: [^\n]*\n", err)
    assert [path.name for path in tmp_path.glob("*.wav")] == ["piano-1.wav"]


@pytest.mark.parametrize("stdout", [">&-", "--json > /dev/full"])
def test_an_error_keeps_its_own_code_and_line(shell, stdout):
    code, _, err = shell(f"ttm-app generate x --steps 0 {stdout}")
    assert code == 2 and re.fullmatch(r"error: steps [^\n]*\n", err)


@pytest.mark.parametrize("stderr", ["2>&-", "2> /dev/full"])
def test_stderr_that_takes_nothing(shell, stderr):
    assert shell(f"ttm-app models lst {stderr}") == (2, "", "")
    assert shell(f"ttm-app models path {stderr} > /dev/full") == (3, "", "")
    code, out, _ = shell(f"ttm-app models path {stderr}")
    assert code == 0 and out.endswith("models\n")


@pytest.mark.parametrize("command", ["generate -", "generate --prompts -", "library export - -o x.zip"])
def test_a_closed_stdin_is_an_empty_one(shell, command):
    code, out, err = shell(f"ttm-app {command} <&-")
    assert (code, out) == (2, "") and re.fullmatch(r"error: [^\n]*\n", err)


@pytest.mark.slow
def test_a_reader_that_goes_away_stops_no_work(shell, tmp_path):
    code, out, err = shell(f"ttm-app generate piano --seed 1 -n 40 {FAST} | head -1; exit ${{PIPESTATUS[0]}}")
    assert (code, out, err) == (0, "piano-1-1.wav\n", "")
    assert len(list(tmp_path.glob("piano-1-*.wav"))) == 40
    assert shell("ttm-app models list | true; exit ${PIPESTATUS[0]}") == (0, "", "")


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("delay", [0.05, 0.4, 1.2])
def test_a_signal_in_the_start_up_is_130(home, tmp_path, number, delay):
    """Whatever is being imported at that moment."""
    command = [sys.executable, "-c", STARTED, "generate", "x", "--model", "tiny", "--seconds", "60", "--steps", "1000"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "started\n"
    time.sleep(delay)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert re.fullmatch(r"error: cancelled[^\n]*\n", err.rpartition("\r")[2])
    assert os.listdir(tmp_path) == [] or all(path.name == "home" for path in tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_two_signals_in_a_row_are_130(home, tmp_path, number):
    """The second one comes while the program ends."""
    for pause in (0.003, 0.01, 0.03):
        command = [sys.executable, "-c", STARTED, "generate", "x", "--model", "tiny", "--seconds", "60"]
        process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "started\n"
        time.sleep(0.3)
        for _ in range(2):
            process.send_signal(number)
            time.sleep(pause)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130 and "Traceback" not in err


STARTED = """
import sys
from musicgen_app.cli import main
assert "click" not in sys.modules, "the signals are heard before anything else is imported"
print("started", flush=True)
main()
"""


@pytest.mark.slow
def test_a_terminated_batch_says_how_to_go_on(home, tmp_path):
    Path(tmp_path, "prompts.txt").write_text("piano\nflute\n")
    command = [sys.executable, "-m", "musicgen_app", "generate", "--prompts", "prompts.txt", "--out-dir", "songs"]
    command += ["--model", "tiny", "--seconds", "60", "--steps", "1000", "--no-keep"]
    claims = paths.cache() / "claims"
    before = set(claims.glob("*.lock"))
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    while set(claims.glob("*.lock")) == before and process.poll() is None:
        time.sleep(0.05)
    process.terminate()
    assert process.communicate(timeout=60)[1].endswith("run the same command again to go on\n")
    assert process.returncode == 130 and os.listdir(tmp_path / "songs") == []
