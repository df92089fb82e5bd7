"""A job of the HTTP API, waited for."""

from __future__ import annotations

import time


def until_ended(client, id: str, seconds: float = 30.0) -> dict:
    """The job as it is when it has ended."""
    end = time.monotonic() + seconds
    while (job := client.get(f"/v1/jobs/{id}").json())["state"] in ("waiting", "running"):
        assert time.monotonic() < end, job
        time.sleep(0.02)
    return job
