"""The models on this machine: found by name or path, looked into, put into the user's folder and taken out of it.

The user's folder comes before the models in the app itself. What is put in, replaced or taken out is so in one step:
nobody sees half a model.
"""

from __future__ import annotations

import difflib
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from ..errors import FileError, ModelError, RequestError
from ..machine import files, paths
from ..request import GenerationRequest
from . import hub
from .adapters import adapted
from .bundle import CARD, CONFIG, Bundle, frozen_parts, note_origin, open_bundle, rename, verify
from .paper_systems import SYSTEMS
from .published import PUBLISHED


class ResolvedRequest(NamedTuple):
    """A request with nothing left open, and the model it is for."""

    request: GenerationRequest
    bundle: Bundle


def scan(models_dir: str | os.PathLike | None = None) -> tuple[list[Bundle], dict[Path, ModelError]]:
    """Every model folder: those that open, by name, and those that do not with what is wrong with them.

    Of two models of one name the user's wins, so that a user can replace the one in the app.
    """
    bundles: dict[str, Bundle] = {}
    faults: dict[Path, ModelError] = {}
    for root in (Path(models_dir) if models_dir else paths.models(), paths.assets()):
        for config in sorted(root.glob(f"[!.]*/{CONFIG}")):
            try:
                bundle = open_bundle(config.parent)
            except ModelError as error:
                faults[config.parent] = error
            else:
                bundles.setdefault(bundle.name, bundle)
    return sorted(bundles.values(), key=lambda bundle: bundle.name), faults


def list_models(models_dir: str | os.PathLike | None = None) -> list[Bundle]:
    """The models that can be used, by name."""
    return scan(models_dir)[0]


def find(name_or_path: str | os.PathLike, models_dir: str | os.PathLike | None = None) -> Bundle:
    """The model of this name, else the model folder at this path. ModelError suggests the nearest name."""
    name = os.fspath(name_or_path)
    bundles, faults = scan(models_dir)
    by_name = {bundle.name: bundle for bundle in bundles}
    if name in by_name:
        return by_name[name]
    for path, fault in faults.items():
        if path.name == name:
            raise fault
    if name.startswith("hf:") or name in PUBLISHED:
        raise ModelError(f"{name} is not installed: ttm-app models download {name} says what it takes and installs it")
    if os.sep in name or "/" in name or Path(name, CONFIG).is_file():
        return open_bundle(paths.expanded(name))
    if name in SYSTEMS:
        raise ModelError(f"{name} is not installed: ttm-app models show {name} says how to get it")
    near = difflib.get_close_matches(name, by_name, n=1)
    hint = f"did you mean {near[0]}?" if near else f"installed: {', '.join(by_name) or 'none'}"
    raise ModelError(f"unknown model {name!r}; {hint} (see ttm-app models list)")


def find_installed(name: str, models_dir: str | os.PathLike | None = None) -> Bundle:
    """The installed model of that name; never a folder, which a page or a program must not choose. ModelError."""
    bundles = {bundle.name: bundle for bundle in list_models(models_dir)}
    if name not in bundles:
        raise ModelError(f"no model {name[:80]!r} is installed: choose one of {', '.join(bundles) or 'none'}")
    return bundles[name]


def resolve(request: GenerationRequest, models_dir: str | os.PathLike | None = None) -> ResolvedRequest:
    """The request checked, its model found and what it leaves open filled in from that model's defaults.

    Raises RequestError and ModelError.
    """
    request = request.validated()
    bundle = find(request.model, models_dir)
    return ResolvedRequest(completed(request, bundle), adapted(bundle, request.adapters))


def completed(request: GenerationRequest, bundle: Bundle) -> GenerationRequest:
    """A validated request with nothing left open: the model's own values for what it does not say.

    RequestError: it asks for what this model cannot do.
    """
    return request.resolved(bundle.sampler, bundle.max_seconds, bundle.scalars)


def parts(bundle: Bundle) -> list[dict]:
    """The frozen parts of a model: {"part", "path", "problem"}; the path is None where there is a problem."""
    found = []
    for source in frozen_parts(bundle.config):
        path = problem = None
        try:
            path = str(hub.locate(source, bundle.path))
        except ModelError as error:
            problem = str(error)
        found.append({"part": hub.name_of(source), "path": path, "problem": problem})
    return found


def missing(bundle: Bundle) -> list[str]:
    """The names of the frozen parts of a model that are not on this machine."""
    return [part["part"] for part in parts(bundle) if part["problem"]]


def check(bundle: Bundle) -> None:
    """Compare every file of a model, frozen parts here included, with its SHA-256. ModelError names what differs."""
    verify(bundle)
    for part in parts(bundle):
        if part["part"] in hub.PARTS and not part["problem"]:
            hub.verify(part["part"])


def bytes_on_disk(bundle: Bundle) -> int:
    """Bytes of all files in a model's folder."""
    return sum(path.stat().st_size for path in bundle.path.rglob("*") if path.is_file())


def listed(bundle: Bundle) -> list[str]:
    """The files that a model consists of: its config, those that this lists, and its card where there is one."""
    return [CONFIG, *bundle.config["files"], *([CARD] if (bundle.path / CARD).is_file() else [])]


def is_own(bundle: Bundle, models_dir: str | os.PathLike | None = None) -> bool:
    """Whether a model is one the user added, which can be removed."""
    return bundle.path.parent == Path(models_dir or paths.models())


def check_name(name: str) -> str:
    """The name, where it can be one of a model; else RequestError."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", name):
        raise RequestError(f"{name!r} is no name for a model: choose one of a-z, 0-9, '.', '_' and '-' (64 at most)")
    return name


def folder_of(name: str, models_dir: str | os.PathLike | None = None) -> Path:
    """Where a model `name` is put."""
    return Path(models_dir or paths.models()) / name


def check_free(name: str, models_dir: str | os.PathLike | None = None) -> None:
    """Raise FileError where a model of that name exists, in the user's folder or in the app."""
    folder = folder_of(name, models_dir)
    taken = [folder] if os.path.lexists(folder) else []
    taken += [bundle.path for bundle in list_models(models_dir) if bundle.name == name]
    if taken:
        raise FileError(f"a model {name} exists already ({taken[0]}): choose another name, or --force to replace it")


def check_space(size: int, models_dir: str | os.PathLike | None = None) -> None:
    """FileError where the disk has no room for a model of `size` bytes."""
    files.check_room({Path(models_dir or paths.models()): size}, "the model")


def install(
    source: str | os.PathLike,
    name: str | None = None,
    replace: bool = False,
    models_dir: str | os.PathLike | None = None,
    check: Callable[[Bundle], None] = lambda bundle: None,
    origin: dict | None = None,
) -> Bundle:
    """Copy a model folder, such as the bundle of a training run, to the user's models; every file is checked first.

    name: default is its own. Only the files it lists and its card are taken. `check` sees the copy before it is put in
    its place, and may raise; origin is noted as `installed_from` of its training. Raises ModelError (not a model, or
    changed), RequestError (no name for one) and FileError (exists already, cannot be read or written).
    """
    bundle = open_bundle(paths.expanded(source))
    name = check_name(name or bundle.name)
    if not replace:
        check_free(name, models_dir)
    verify(bundle)
    copied = listed(bundle)
    size = sum((bundle.path / file).stat().st_size for file in copied)
    check_space(size, models_dir)
    folder = folder_of(name, models_dir)
    with files.writing_folder(folder, overwrite=replace) as new:
        for file in copied:
            (new / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.path / file, new / file)
        check(note_origin(rename(open_bundle(new), name), origin))
    return open_bundle(folder)


def find_own(name: str, models_dir: str | os.PathLike | None = None) -> Path:
    """The folder of the user's model `name`, damaged or not. ModelError: there is none (or it comes with the app)."""
    root = Path(models_dir or paths.models())
    bundles, faults = scan(models_dir)
    named = [bundle.path for bundle in bundles if bundle.name == name] + [path for path in faults if path.name == name]
    own = [path for path in named if path.parent == root]
    if own:
        return own[0]
    if named:
        raise ModelError(f"{name} comes with the app and cannot be removed")
    known = ", ".join(bundle.name for bundle in bundles if bundle.path.parent == root) or "none"
    raise ModelError(f"no model {name!r} among those you added: {known}")


def remove(name: str, models_dir: str | os.PathLike | None = None) -> Path:
    """Delete the user's model `name` and return where it was. ModelError as `find_own`; FileError: it stays."""
    folder = find_own(name, models_dir)
    with files.reported(f"remove {folder}", "close what uses it, or mend its permissions"):
        files.remove_folder(folder)
    return folder
