"""What processes leave that are killed in the middle of writing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path


def left_by_a_killed_process(folder: Path, tail: str = "part") -> Path:
    """A hidden name in `folder` of a process that has ended; nothing is made."""
    code = "import sys; from pathlib import Path; from musicgen_app.machine.files import hidden; "
    code += "print(hidden(Path(sys.argv[1]), sys.argv[2]))"
    done = subprocess.run([sys.executable, "-c", code, folder, tail], capture_output=True, text=True, check=True)
    return Path(done.stdout.removesuffix("\n"))


def killed_at(place: str, code: str, *arguments: object) -> None:
    """Run Python code in a process that is ended by kill -9 when it calls `place`, such as "os.replace"."""
    module, _, name = place.rpartition(".")
    trap = f"import os, signal, {module}; {place} = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)\n"
    done = subprocess.run([sys.executable, "-c", trap + code, *map(str, arguments)], env=dict(os.environ), timeout=120)
    assert done.returncode == -signal.SIGKILL
