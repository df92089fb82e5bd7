"""The models on this machine: name or path -> Bundle. The user's folder comes before the models in the app itself."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from . import paths
from .bundle import CONFIG, Bundle, open_bundle
from .errors import ModelError


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
    wanted = os.fspath(name_or_path)
    bundles, faults = scan(models_dir)
    by_name = {bundle.name: bundle for bundle in bundles}
    if wanted in by_name:
        return by_name[wanted]
    for path, fault in faults.items():
        if path.name == wanted:
            raise fault
    if os.sep in wanted or "/" in wanted or Path(wanted, CONFIG).is_file():
        return open_bundle(Path(wanted).expanduser())
    near = difflib.get_close_matches(wanted, by_name, n=1)
    hint = f"did you mean {near[0]}?" if near else f"installed: {', '.join(by_name) or 'none'}"
    raise ModelError(f"unknown model {wanted!r}; {hint} (see ttm-app models list)")
