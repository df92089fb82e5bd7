"""Prompts -> clips of a model, one a prompt, by the app's own engine; goes on where it stopped.

Clip ID.wav has the seed `seed + number of the prompt in its file` or, with `best_of`, the best of that seed and those
that follow it. A file that is there is kept when its tags name the same weights, prompt, seed and settings. A clip of
other settings is made again, and a file that this app did not make is refused.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from musicgen_app.control.plan import Plan
from musicgen_app.engine import CancelToken, Engine
from musicgen_app.errors import FileError, GenerationError, RequestError
from musicgen_app.library.clip_files import write_clip
from musicgen_app.library.metadata import needs_sidecar, origin, request_from
from musicgen_app.models.bundle import Bundle
from musicgen_app.models.installed import completed, find
from musicgen_app.request import GenerationRequest

from .clips import Clip
from .prompts import Prompt


@dataclass(frozen=True)
class Made:
    """Prompts with their clips, and prompts that gave none as {"id", "path", "reason"}."""

    pairs: list[tuple[Prompt, Clip]]
    failed: list[dict]
    kept: int  # clips that were there already
    remade: int  # clips that were there, of other settings
    requests: list[GenerationRequest]  # resolved, of all prompts


def requests_for(
    prompts: Sequence[Prompt], bundle: Bundle, seed: int, plans: Mapping[str, Plan] | None = None, **settings
) -> list[GenerationRequest]:
    """The resolved request of each prompt. plans: by its id; `settings`: fields of GenerationRequest. RequestError."""
    model, of = str(bundle.path), plans or {}
    asked = [
        GenerationRequest(p.text, seed=seed + p.number, model=model, plan=of.get(p.id), **settings) for p in prompts
    ]
    return [completed(request.validated(), bundle) for request in asked]


def make(
    engine: Engine,
    model: str,
    prompts: Sequence[Prompt],
    folder: Path,
    seed: int = 0,
    tick: Callable[[int, int], None] = lambda done, total: None,
    cancel: CancelToken | None = None,
    plans: Mapping[str, Plan] | None = None,
    **settings,
) -> Made:
    """Make the clips that are not there yet. tick(done, total) is called before each and at the end.

    plans: what they are made to, by the prompts' ids;
    settings: `seconds`, and what the model shall not decide itself (`steps`, `guidance`, ...). A prompt the model fails
    on (silence, NaN) is reported in `failed`. Raises FileError (a foreign file of that name, disk full), ModelError,
    RequestError, Cancelled.
    """
    bundle = find(model, engine.models_dir)
    requests = requests_for(prompts, bundle, seed, plans, **settings)
    paths = [folder / f"{prompt.id}.wav" for prompt in prompts]
    states = [_state(path, request, bundle) for path, request in zip(paths, requests, strict=True)]
    make_folder(folder)
    pairs, failed = [], []
    for number, (prompt, path, request) in enumerate(zip(prompts, paths, requests, strict=True)):
        tick(number, len(prompts))
        try:
            if states[number] != "same":
                _write(engine, request, path, cancel)
            pairs.append((prompt, Clip(prompt.id, path, 0.0, request.seconds)))
        except GenerationError as error:
            failed.append({"id": prompt.id, "path": str(path), "reason": str(error)})
    tick(len(prompts), len(prompts))
    return Made(pairs, failed, states.count("same"), states.count("other"), requests)


def describe(model: str, made: Made, engine: Engine, seed: int, clips: int = 1) -> dict:
    """What a report says of the clips that were made: JSON-safe."""
    bundle, request = find(model, engine.models_dir), made.requests[0]
    names = ("seconds", "solver", "steps", "guidance", "guidance_interval", "best_of")
    return {
        "model": {"name": bundle.name, "version": bundle.config["version"], "weights_sha256": bundle.weights_sha256},
        "settings": {name: request.to_dict()[name] for name in names},
        "seeds": f"{seed} + number of the prompt in its file",
        "clips_a_prompt": clips,
        "computed": {"device": engine.device.type, "precision": engine.precision},
    }


def _state(path: Path, request: GenerationRequest, bundle: Bundle) -> str:
    """ "none", "same" (it is the clip of this request) or "other" (of another one). FileError: not made by this app."""
    if not os.path.lexists(path):
        return "none"
    try:
        made, weights = request_from(path, choosing=request.best_of > 1), origin(path)["weights"]
    except RequestError:
        return "other"
    except FileError as error:
        raise FileError(f"{error}; remove it or choose another --audio-out") from error
    wanted = replace(request, model=bundle.name)
    return "same" if weights == bundle.weights_sha256 and made == wanted else "other"


def _write(engine: Engine, request: GenerationRequest, path: Path, cancel: CancelToken | None) -> None:
    (result,) = engine.generate(request, cancel=cancel)
    write_clip(result, path, needs_sidecar(result, path), overwrite=True)


def make_folder(folder: Path) -> None:
    """The folder that clips are kept in. Raises FileError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {folder}: {error.strerror}; choose another") from error
