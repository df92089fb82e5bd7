"""`python -m musicgen_app.bench.child PART ARGUMENTS`: measure one part in a process of its own.

Its peak memory is then that part's and nothing else's. ARGUMENTS is a JSON object; the answer is one too, on stdout.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from ..errors import TTMError


class PartError(Exception):
    """A part could not be measured; `code` is the exit code of its error."""

    def __init__(self, message: str, code: int):
        super().__init__(message)
        self.code = code


def measure(part: str, threads: int | None = None, **arguments) -> dict:
    """Run one of `parts` in a child process with that many threads (default: all cores). Raises PartError."""
    command = [sys.executable, "-m", __name__, part, json.dumps(arguments)]
    ended = subprocess.run(command, env=_environment(threads), capture_output=True, text=True)
    try:
        answer = json.loads(ended.stdout)
    except ValueError:
        last = ended.stderr.strip().splitlines()[-1:] or [f"it ended with code {ended.returncode}"]
        killed = "it was killed (out of memory?)" if ended.returncode < 0 else last[0]
        raise PartError(killed, TTMError.exit_code) from None
    if "error" in answer:
        raise PartError(answer["error"]["message"], answer["error"]["code"])
    return answer


def _environment(threads: int | None) -> dict[str, str]:
    """This environment, with this package on the path and the number of threads for all libraries that compute."""
    path = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, path))}
    if threads:
        names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
        environment |= dict.fromkeys(names, str(threads))
    return environment


def main(part: str, arguments: str) -> None:
    """Measure and answer. What libraries print goes to stderr, so that stdout carries the answer alone."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    from . import parts

    try:
        answer = parts.PARTS[part](**json.loads(arguments))
    except TTMError as error:
        answer = {"error": {"message": str(error), "code": error.exit_code}}
    print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
