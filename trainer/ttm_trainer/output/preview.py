"""Previews of a run: the averaged weights of a step -> WAV files of fixed prompts, made by the app's engine.

Every step of a run gets the same prompts, seeds and lengths, so that what changes is the model.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from musicgen_app import audio
from musicgen_app.engine import Engine
from musicgen_app.errors import FileError, TTMError
from musicgen_app.library.metadata import tags_for, timeline_for
from musicgen_app.models.bundle import Bundle
from musicgen_app.request import GenerationRequest

PROMPTS = (
    "An upbeat electronic dance track with pulsing synths and a driving bass",
    "Slow, calm solo piano, melancholic and spacious",
    "Warm acoustic guitar with soft strings, hopeful folk",
)


@dataclass(frozen=True)
class Previews:
    """Writes `out/previews/step-0012000/1-an-upbeat-....wav` for each prompt; called with (step, averaged model).

    export(model, step, folder) writes a bundle. A preview that fails (an untrained model may give silence) is reported
    and skipped, also where the disk is full: the training goes on.
    """

    out: Path
    export: Callable[[nn.Module, int, Path], Bundle]
    prompts: tuple[str, ...] = PROMPTS
    seconds: float = 10.0
    seed: int = 0
    device: str = "auto"
    show: Callable[[str], None] = print

    def __call__(self, step: int, model: nn.Module) -> list[Path]:
        """The files written; those that are there already (of a run that was resumed) are replaced."""
        bundle = self.out / ".preview"
        files: list[Path] = []
        try:
            self.export(model, step, bundle)
            engine = Engine(device=self.device)
            for number, prompt in enumerate(self.prompts):
                files += self._one(engine, bundle, step, number, prompt)
        except TTMError as error:
            self.show(f"no preview of step {step}: {error}")
        finally:
            shutil.rmtree(bundle, ignore_errors=True)
        if files:
            self.show(f"previews of step {step}: {files[0].parent}")
        return files

    def _one(self, engine: Engine, bundle: Path, step: int, number: int, prompt: str) -> list[Path]:
        folder = self.out / "previews" / f"step-{step:07d}"
        request = GenerationRequest(prompt, seconds=self.seconds, seed=self.seed + number, model=str(bundle.resolve()))
        try:
            (result,) = engine.generate(request)
        except FileError:
            raise
        except TTMError as error:
            self.show(f"no preview of step {step} for {prompt!r}: {error}")
            return []
        folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^a-z0-9]+", "-", prompt.lower())[:40].strip("-") or "prompt"
        target = folder / f"{number + 1}-{name}.wav"
        tags, timeline = tags_for(result), timeline_for(result)
        return [audio.write(target, result.audio, result.sample_rate, tags, overwrite=True, timeline=timeline)]
