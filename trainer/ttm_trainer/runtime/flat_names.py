"""Nested frozen dataclasses <-> flat names with dots: what `--set KEY=VALUE` changes and `--dry-run` prints.

Dataclasses in a tuple are counted from 0: `training.phases.0.lr`. The front of a name may be left out where only one
field ends like that: `ema.decay` for `training.ema.decay`.
"""

from __future__ import annotations

import difflib
import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

from musicgen_app.errors import RequestError

WORDS = {int: "a whole number", float: "a number", bool: "true or false", type(None): "none", str: "text"}


def flat(value: object, name: str = "") -> dict[str, object]:
    """Every leaf of nested dataclasses, tuples of dataclasses and dicts, by its name."""
    parts = _parts(value)
    if parts is None:
        return {name: value}
    leaves: dict[str, object] = {}
    for part, inner in parts.items():
        leaves |= flat(inner, f"{name}.{part}" if name else part)
    return leaves


def flatten(settings: Mapping, prefix: str = "") -> dict[str, object]:
    """Nested dicts and lists of JSON as one dict with dotted names: {"phases": [{"lr": 1}]} -> {"phases.0.lr": 1}."""
    leaves: dict[str, object] = {}
    for name, value in settings.items():
        if isinstance(value, list) and any(isinstance(entry, (dict, list)) for entry in value):
            value = dict(enumerate(value))
        leaves |= flatten(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return leaves


def find(known: Mapping[str, object], name: str) -> str:
    """The whole name of the leaf that is called `name` or ends so. Raises RequestError: there is none, or several."""
    if name in known:
        return name
    ends = [whole for whole in known if whole.endswith(f".{name}")]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise RequestError(f"{name!r} is several settings: use one of {', '.join(ends)}")
    last = {whole.rpartition(".")[2]: whole for whole in known}
    near = dict.fromkeys(last.get(n, n) for n in difflib.get_close_matches(name, [*known, *last], n=3))
    hint = f"did you mean {' or '.join(near)}?" if near else "--dry-run prints them all"
    raise RequestError(f"there is no setting {name!r}: {hint}")


def change(value: Any, name: str, text: str) -> Any:
    """A copy of a dataclass with the leaf `name` read from text, by the type that its field is declared with.

    Raises RequestError for a text that is not of that type (a number that is not finite is none).
    """
    first, _, rest = name.partition(".")
    if isinstance(value, tuple):
        place = int(first)
        return (*value[:place], change(value[place], rest, text), *value[place + 1 :])
    if rest:
        return replace(value, **{first: change(getattr(value, first), rest, text)})
    return replace(value, **{first: read(text, typing.get_type_hints(type(value))[first], first)})


def read(text: str, kind: Any, name: str) -> Any:
    """The value of type `kind` that a text stands for. Raises RequestError."""
    if kind is str:
        return text
    try:
        raw = None if text.lower() == "none" else json.loads(text)
    except (ValueError, RecursionError):
        raw = text
    try:
        return _typed(raw, kind)
    except (TypeError, ValueError):
        raise RequestError(f"{name}={text}: give {described(kind)}") from None


def described(kind: object) -> str:
    """A type, in words."""
    if kind in WORDS:
        return WORDS[kind]
    inner = typing.get_args(kind)
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return " or ".join(described(part) for part in inner if not is_dataclass(part))
    if typing.get_origin(kind) is typing.Literal:
        return " or ".join(map(str, inner))
    return 'a JSON list such as ["a", "b"]' if str in inner else "a JSON list of numbers"


def _parts(value: object) -> dict[str, object] | None:
    """The parts of a value by name; None where it is a leaf."""
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value) if field.init}
    if isinstance(value, dict) and value:
        return value
    if isinstance(value, tuple) and value and all(map(is_dataclass, value)):
        return {str(i): inner for i, inner in enumerate(value)}
    return None


def _typed(raw: Any, kind: Any) -> Any:
    """`raw`, as JSON gives it, as a value of type `kind`. Raises ValueError or TypeError."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return _first(raw, inner)
    if origin is tuple:
        kinds = inner[:1] * len(raw) if inner[1:] == (...,) else inner
        if not isinstance(raw, list):
            raise ValueError
        return tuple(_typed(item, item_kind) for item, item_kind in zip(raw, kinds, strict=True))
    if origin is typing.Literal and raw in inner:
        return raw
    if kind is float and type(raw) in (int, float) and math.isfinite(raw):
        return float(raw)
    if kind is int and type(raw) is float and raw.is_integer():  # 6e5
        return int(raw)
    if kind in (type(None), bool, int, str) and type(raw) is kind:
        return raw
    raise ValueError


def _first(raw: object, kinds: tuple) -> object:
    """`raw` as the first of several types that takes it."""
    for kind in kinds:
        try:
            return _typed(raw, kind)
        except (TypeError, ValueError):
            continue
    raise ValueError
