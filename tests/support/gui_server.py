"""`ttm-app gui` or `serve` as a process, with the tiny model, that cannot reach anything but this computer."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

# Loaded by Python at start: every attempt to leave this computer fails, and is written down
GATE = """
import ipaddress, os, socket

def outside(host):
    try:
        address = ipaddress.ip_address(host)
        return not (address.is_loopback or address.is_unspecified)
    except ValueError:
        return host not in ("localhost", "")

def guarded(original, host_of):
    def call(*arguments, **options):
        host = host_of(arguments)
        if isinstance(host, str) and outside(host):
            with open(os.environ["GATE_LOG"], "a") as log:
                log.write(host + chr(10))
            raise OSError("no network in tests")
        return original(*arguments, **options)
    return call

def host_of_address(arguments):
    return arguments[1][0] if isinstance(arguments[1], tuple) else None

socket.socket.connect = guarded(socket.socket.connect, host_of_address)
socket.socket.connect_ex = guarded(socket.socket.connect_ex, host_of_address)
socket.getaddrinfo = guarded(socket.getaddrinfo, lambda arguments: arguments[0])
"""


class GuiServer:
    """A server with a home of its own in `folder`; `start` and `kill` as often as wanted."""

    def __init__(self, folder: Path, bundle: Path, model: str = "tiny") -> None:
        self.model = model  # the name of the bundle
        self.home, self.gate, self.work = (folder / name for name in ("home", "gate", "work"))
        for made in (self.home / "models", self.gate, self.work):
            made.mkdir(parents=True)
        shutil.copytree(bundle, self.home / "models" / model)
        (self.gate / "sitecustomize.py").write_text(GATE)
        self.log = folder / "outside.txt"
        self.errors = folder / "stderr.txt"
        self.process: subprocess.Popen | None = None
        self.url = ""

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {
            "PYTHONPATH": os.pathsep.join([str(self.gate), os.environ["PYTHONPATH"]]),
            "TTM_APP_HOME": str(self.home),
            "TTM_APP_MODEL": self.model,
            "TTM_APP_SECONDS": "0.5",
            "TTM_APP_GUI_QUEUE": "256",
            "GATE_LOG": str(self.log),
            "GRADIO_SHARE": "True",  # must change nothing
            "GRADIO_ANALYTICS_ENABLED": "True",
        }

    def start(self, *options: str, command: tuple[str, ...] = ("gui", "--no-open")) -> str:
        """Start it and return its address, when it answers."""
        command = [sys.executable, "-m", "musicgen_app", *command, "--json", *options]
        if not any(option.startswith("--port") for option in options):
            command += ["--port", "0"]
        with open(self.errors, "a") as errors:
            self.process = subprocess.Popen(
                command, cwd=self.work, env=self.environment, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        line = self.process.stdout.readline()
        assert line, self.errors.read_text()
        self.url = json.loads(line)["url"]
        return self.url

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        return code

    def clips(self) -> list[Path]:
        """The audio files of its library, the trash left out."""
        return sorted((self.home / "results").glob("[!.]*/*.wav"))

    def run(self, *arguments: str) -> subprocess.CompletedProcess:
        """Another command of ttm-app in the same home."""
        command = [sys.executable, "-m", "musicgen_app", *arguments]
        return subprocess.run(command, cwd=self.work, env=self.environment, capture_output=True, text=True, timeout=120)
