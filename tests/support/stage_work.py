"""The work of a small stage, for tests and the programs they start."""

from __future__ import annotations

import numpy as np

from ttm_trainer.runtime import stage_runner

SETTINGS = {"seed": 1, "codec": {"rate": 25.0, "name": "sketch"}, "tiers": (0.33, 0.2)}


class Work:
    """A stage's work: it can be sent to another process."""

    name = "numbers"
    settings = SETTINGS

    def __init__(self, size: int = 1000):
        self.size = size

    def __call__(self, part: int) -> stage_runner.Rows:
        bad = [{"id": f"t{part}", "path": f"{part}.mp3", "reason": "silent"}] if part % 3 == 2 else []
        values = np.full((self.size, 2), part, np.float16)
        return {"values": values, "rows": [{"part": part, "text": "träumerei\u2028"}], "bad": bad}
