"""What `ttm-app models show` says of a model that is here, and of a system or a backbone that is not."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ...errors import ModelError
from ...machine.files import in_words
from ..terminal import printable

if TYPE_CHECKING:
    from ...models.bundle import Bundle

WIDTH = 100  # characters of a line, unless all is asked for
WORDS: dict[str, tuple[str, Callable[[Any], str]]] = {  # a fact -> what it is called, and how its value is said
    "bytes_to_fetch": ("to fetch", in_words),
    "bytes_on_disk": ("when installed", in_words),
    "sample_rate": ("sample rate", "{:,} Hz".format),
    "seconds_for_ten": ("10 s of music", "about {:g} s here, estimated".format),
    "estimated_while_busy": ("busy", lambda busy: "this machine, so that the time will be shorter when it is quiet"),
    "cannot_be_installed": ("why not", str),
    "weights_sha256": ("SHA-256", str),
}
RECIPES = {  # backbone -> the recipe of `ttm-app train` that makes one
    "mamba-189m": "ucsd-mamba",
    "dit-450m": "score-aware",
    "fluxaudio-l": "ut-aist",
    "sketch-dit": "sketch",
    "sketch-mamba": "sketch-mamba",
}


def about(name: str) -> dict:
    """All facts of a model that is here or a folder of one, else of what can be had by that name: a published model, a
    system, a backbone, a frozen part or a network that scores music.

    Raises ModelError, which suggests the nearest name of all these.
    """
    from ...backbones.presets import PRESETS
    from ...models.hub import PARTS
    from ...models.installed import find, scan
    from ...models.published import EMBEDDERS, PUBLISHED

    bundles, faults = scan()
    here = [bundle.name for bundle in bundles] + [path.name for path in faults]
    if name in PUBLISHED and name not in here:
        return _published(name)
    if name in PRESETS and name not in here:
        return _not_here(name)
    if name in PARTS | EMBEDDERS and name not in here:
        return _part(name)
    try:
        return _here(find(name))
    except ModelError:
        near = difflib.get_close_matches(name, [*PRESETS, *PUBLISHED, *PARTS, *EMBEDDERS], n=1)
        if near and not difflib.get_close_matches(name, here, n=1):
            raise ModelError(f"unknown model {name!r}; did you mean {near[0]}?") from None
        raise


def summary(bundle: Bundle) -> dict:
    """What every list says of a model."""
    keys = ("name", "title", "version", "licence")
    return {key: bundle.config[key] for key in keys} | {"path": str(bundle.path)}


def _here(bundle: Bundle) -> dict:
    from ...control.genre_classifier import load_genres
    from ...models.bundle import parameter_count
    from ...models.installed import parts

    config = bundle.config
    return summary(bundle) | {
        "installed": True,
        "backbone": config["backbone"]["preset"],
        "parameters": parameter_count(bundle),
        "codec": config["codec"]["kind"],
        "text": config["text"]["kind"],
        "parts": parts(bundle),
        "genres": list(known.names) if (known := load_genres(bundle)) else [],
        "sampler": bundle.sampler,
        "conditions": bundle.scalars,
        "seconds": config["seconds"],
        "weights_sha256": bundle.weights_sha256,
        "training": config["training"],
        "data": config["data"],
    }


def _published(name: str) -> dict:
    from ...models.hub import present
    from ...models.offers import offer
    from ...models.published import PUBLISHED

    parts = PUBLISHED[name].parts().items()
    facts = offer(name, installed=False)
    if facts["cannot_be_installed"]:
        return facts
    listed = [{"part": label, "bytes": part.size, "here": present(part)} for label, part in parts]
    return facts | {"parts": listed, "get it": f"ttm-app models download {name}"}


def _part(name: str) -> dict:
    """A frozen part, or a network that scores music."""
    from ...machine import paths
    from ...models.hub import PARTS, page, present
    from ...models.paper_systems import SYSTEMS
    from ...models.published import EMBEDDERS

    part = (PARTS | EMBEDDERS)[name]
    users = ", ".join(system for system, known in SYSTEMS.items() if name in known.parts)
    title = f"a frozen part of {users}" if users else "a frozen text encoder"
    here = present(part)
    if name in EMBEDDERS:
        title = f"a network that hears and reads, for scores (ttm-app evaluate --embedder {name})"
        here = (paths.embedders() / name).is_dir()
    return {
        "name": name,
        "title": title,
        "installed": here,
        "licence": part.licence,
        "bytes_to_fetch": 0 if here else part.size,
        "files": list(part.files),
        "source": page(part.repo),
        "revision": part.revision,
        "get it": None if here else f"ttm-app models download {name}",
    }


def _not_here(name: str) -> dict:
    from ...backbones.presets import PRESETS
    from ...models import hub
    from ...models.paper_systems import SYSTEMS

    preset, system = PRESETS[name], SYSTEMS.get(name)
    facts = {
        "name": name,
        "title": system.title if system else f"a small {preset.family.name} backbone of this project",
        "installed": False,
        "family": preset.family.name,
        "parameters": preset.parameters,
        "sizes": dict(preset.config),
    }
    if system:
        facts |= {
            "paper": system.paper,
            "text": system.text["kind"],
            "codec": system.codec["kind"],
            "sampler": system.sampler,
            "seconds": system.seconds,
            "parts": [
                {"part": part, "bytes": hub.PARTS[part].size, "here": hub.present(part)} for part in system.parts
            ],
        }
    recipe = f"ttm-app train --data FOLDER --recipe {RECIPES[name]}" if name in RECIPES else None
    return facts | {"weights": weights(name) if system else "the app brings none of this shape alone", "train": recipe}


def weights(system: str) -> str:
    """How to come by weights of a paper's system."""
    from ...models.published import PUBLISHED

    published = f"the music weights of {system} itself are not published"
    trained = [name for name, model in PUBLISHED.items() if model.system == system and not model.why_not]
    if trained:
        published = f"trained models of its shape are published, {', '.join(trained)} (ttm-app models available)"
    return (
        f"{published}: train your own (ttm-app train --help) or import a checkpoint"
        f" (ttm-app models import CHECKPOINT --preset {system})"
    )


def lines(facts: dict, full: bool) -> list[str]:
    """The facts for people, a line each; unless `full`, long ones are cut, and the last line says so."""
    name = facts["name"]
    shown = facts | {"installed": f"no: {name} cannot be used yet"}
    states = {part["part"]: _state(part) for part in facts.get("parts", ())}
    shown["parts"] = ", ".join(f"{part} {state}" for part, state in states.items())
    if set(states.values()) - {"here"} and "get it" not in shown:
        shown["get the parts"] = f"ttm-app models download {name}"
    if facts["installed"]:
        del shown["installed"]
    rows = [_row(key, value) for key, value in shown.items() if value not in (None, {}, [], "") and value is not False]
    if full or not facts["installed"] or all(len(row) <= WIDTH for row in rows):
        return rows
    return [line for row in rows for line in _short(row)] + ["--full shows all of it"]


def _row(key: str, value: object) -> str:
    """A fact for people."""
    label, say = WORDS.get(key, (_spaced(key), plain))
    return f"{label:<15} {printable(say(value))}"


def _spaced(key: str) -> str:
    """A name of the config in words; that of a file, with a dot or a slash, as it is."""
    return key.replace("_", " ") if key.isidentifier() else key


def _short(row: str) -> list[str]:
    """A row on one line, cut where it is too long; that of the genres, which people ask for, on several."""
    if row.startswith("genres "):
        return wrap(row, WIDTH, subsequent_indent=" " * 16)
    return [row if len(row) <= WIDTH else f"{row[: WIDTH - 2].rstrip()} …"]


def _state(part: dict) -> str:
    """Of a part of a model: whether it is here; of a part of a system: its size, where it is not."""
    if "problem" in part:
        return "missing" if part["problem"] else "here"
    return "here" if part["here"] else in_words(part["bytes"])


def plain(value: object) -> str:
    """A value of the config for people: {"a": 1} -> "a 1", lists joined."""
    if isinstance(value, dict):
        return ", ".join(f"{_spaced(key)} {plain(item)}" for key, item in value.items() if item is not None)
    if isinstance(value, list):
        joint = "; " if any(isinstance(item, dict) for item in value) else ", "
        return joint.join(map(plain, value)) or "none"
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)
