"""Plug-ins: what installed packages add to the app, found by entry points and imported when it is used.

A package names what it brings in its `pyproject.toml`, a table for each kind:

    [project.entry-points."ttm_app.commands"]       # command -> click.Command
    [project.entry-points."ttm_app.tabs"]           # id of the tab -> module with LABEL and build(context)
    [project.entry-points."ttm_app.codecs"]         # kind in a bundle's codec -> load(bundle) -> Codec
    [project.entry-points."ttm_app.text_encoders"]  # kind in its text -> load(bundle, device, dtype) -> TextEncoder
    [project.entry-points."ttm_app.backbones"]      # preset in a bundle's backbone -> backbones.presets.Preset

The app's own names win over a plug-in's, and of two plug-ins of one name the first by the name of its package does.
The trainer is the first of them. In a checkout that is not installed it is found beside the app.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from .errors import DependencyError, TTMError

CHECKOUT = Path(__file__).parents[1]
FITS: dict[str, Callable[[Any], bool]] = {  # kind -> whether something can be one of it
    "commands": lambda found: hasattr(found, "make_context"),
    "tabs": lambda found: callable(getattr(found, "build", None)) and isinstance(getattr(found, "LABEL", None), str),
    "codecs": callable,
    "text_encoders": callable,
    "backbones": lambda found: hasattr(found, "family") and hasattr(found, "config"),
}
KINDS = tuple(FITS)
ADVICE = "update ttm-app, or install the plug-in that brings it"  # where nobody brings what a bundle names


def names(kind: str) -> list[str]:
    """The names that plug-ins add to a kind of `KINDS`, sorted."""
    return sorted(_found(kind))


def load(kind: str, name: str) -> Any:
    """What a plug-in adds under a name, or None where none does. DependencyError: it cannot be imported."""
    entry = _found(kind).get(name)
    if entry is None:
        return None
    with blamed(kind, name):
        found = entry.load()
        if not FITS[kind](found):
            raise TypeError(f"{entry.value} is not what {kind} are made of")
        return found


@contextmanager
def blamed(kind: str, name: str) -> Iterator[None]:
    """What a plug-in raises here becomes a DependencyError that names its package; errors of the app pass."""
    try:
        yield
    except (TTMError, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever a stranger's module raises, sys.exit included
        owner, what = package(_found(kind)[name]), f"{type(error).__name__}: {error}"
        raise DependencyError(f"the plug-in {owner} cannot bring {name!r}: {what}; update or uninstall it") from error


def listed() -> dict[str, dict[str, list[str]]]:
    """Package -> kind -> names of all that plug-ins bring."""
    found: dict[str, dict[str, list[str]]] = {}
    for kind in KINDS:
        for name, entry in sorted(_found(kind).items()):
            found.setdefault(package(entry), {}).setdefault(kind, []).append(name)
    return found


def package(entry: EntryPoint) -> str:
    """The package that an entry point belongs to."""
    return entry.dist.name if entry.dist else "ttm-app"


@cache
def _found(kind: str) -> dict[str, EntryPoint]:
    group = f"ttm_app.{kind}"
    installed = sorted(entry_points(group=group), key=package, reverse=True)
    return {entry.name: entry for entry in (*installed, *_of_checkout(group))}


def _of_checkout(group: str) -> list[EntryPoint]:
    """The trainer's entry points, where the app runs from a checkout that is not installed."""
    project, folder = CHECKOUT / "pyproject.toml", CHECKOUT / "trainer"
    if not (project.is_file() and (folder / "ttm_trainer").is_dir()):
        return []
    import tomllib

    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    named = tomllib.loads(project.read_text(encoding="utf-8"))["project"]["entry-points"].get(group, {})
    return [EntryPoint(name, value, group) for name, value in named.items()]
