"""The user's settings: flag, before TTM_APP_*, before settings.toml, before default -> Settings.

`None` means "not given" at every step, so 0 and false are values. The file is the app's own: it is written whole, and
comments in it are not kept.
"""

from __future__ import annotations

import difflib
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import Field, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ..errors import FileError, RequestError
from ..request import GenerationRequest, check_text, check_whole
from . import files, paths

FILE = "settings.toml"
LOCK = ".settings.lock"
BUSY = 30.0  # seconds to wait for another process that changes settings
FILE_BYTES = 65_536
HEADER = "# Settings of ttm-app, written by `ttm-app settings set`; `ttm-app settings` explains them.\n"
DEVICES = ("auto", "cpu", "cuda", "mps")
PRECISIONS = ("auto", "fp32", "bf16")
DECODERS = ("auto", "torch", "onnx")
FORMATS = (".wav", ".flac", ".ogg", ".mp3")
PORTS = (0, 65_535)  # 0 is any that is free
QUEUE = (1, 1_000)
NONE = "none"  # how an optional setting is switched off where only text can be given
TRUTHS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def _requested(name: str, value: object) -> Any:
    """The check of a field that GenerationRequest has."""
    changed: dict[str, Any] = {name: value}
    return getattr(replace(GenerationRequest("x"), **changed).validated(), name)


def _choice(*allowed: str) -> Callable[[str, object], str]:
    def check(name: str, value: object) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise RequestError(f"{name} must be one of {', '.join(allowed)}")
        return value

    return check


def as_suffix(text: str) -> str:
    """A format with or without its dot, in small or large letters -> how it ends a file name, such as ".wav"."""
    return "." + text.lower().removeprefix(".")


def _format(name: str, value: object) -> str:
    return _choice(*FORMATS)(name, as_suffix(value) if isinstance(value, str) else value)


def _truth(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise RequestError(f"{name} must be true or false")
    return value


def _between(low: int, high: int) -> Callable[[str, object], int]:
    return lambda name, value: check_whole(name, value, low, high)


def _folder(name: str, value: object) -> Path:
    folder = Path(check_text(name, os.fspath(value) if isinstance(value, Path) else value, least=1))
    folder = paths.expanded(folder, f"{name} ")
    if not folder.is_absolute():
        raise RequestError(f"{name} must be a full path such as {Path.home() / 'Music'}")
    return folder


def _host(name: str, value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9._:-]{1,253}", value):
        raise RequestError(f"{name} must be an address or the name of a computer, such as 127.0.0.1")
    return value


def _server(name: str, value: object) -> str:
    if isinstance(value, str) and (value in ("auto", "off") or re.fullmatch(r"https?://[^\s/@]{1,250}/?", value)):
        return value
    raise RequestError(f"{name} must be auto, off, or an address such as http://127.0.0.1:7860")


def _setting(default: object, about: str, check: Callable[[str, object], object], optional: bool = False) -> Any:
    value = {"default_factory": default} if callable(default) else {"default": default}
    return field(**value, metadata={"about": about, "check": check, "optional": optional})


@dataclass(frozen=True)
class Settings:
    """Every setting, each with a default. `load` makes one; see `origin` for where a value came from."""

    model: str = _setting("sketch", "Model of new music: a name or a folder.", _requested)
    seconds: float = _setting(10.0, "Length of a clip.", _requested)
    format: str = _setting(".wav", "Format of files that are named by the app.", _format)
    device: str = _setting("auto", f"Where to compute: {', '.join(DEVICES)}.", _choice(*DEVICES))
    precision: str = _setting("auto", f"Of the matrix products: {', '.join(PRECISIONS)}.", _choice(*PRECISIONS))
    decoder: str = _setting("auto", f"What turns latents into sound: {', '.join(DECODERS)}.", _choice(*DECODERS))
    loudness: float | None = _setting(None, "Loudness of a clip in LUFS; none: as it comes.", _requested, True)
    sidecar: bool | None = _setting(None, "Write FILE.json beside a file; none: where needed.", _truth, True)
    keep: bool = _setting(True, "Keep a copy of everything that is made in the library.", _truth)
    library: Path = _setting(paths.results, "Folder of the library.", _folder)
    gui_host: str = _setting("127.0.0.1", "Address that the GUI listens on.", _host)
    gui_port: int = _setting(7860, "Port of the GUI; 0: any that is free.", _between(*PORTS))
    gui_queue: int = _setting(20, "Requests that may wait in the GUI.", _between(*QUEUE))
    server: str = _setting("off", "Generate through a running server: auto, off, or its address.", _server)
    _origins: dict = field(default_factory=dict, repr=False, compare=False)

    def origin(self, name: str) -> str:
        """ "flag", "environment", "file" or "default"."""
        return self._origins.get(name, "default")

    def request(self) -> dict:
        """The settings that are fields of a GenerationRequest."""
        return {name: getattr(self, name) for name in ("model", "seconds", "loudness")}


FIELDS = {field.name: field for field in fields(Settings) if not field.name.startswith("_")}


def path() -> Path:
    """The file of settings; it need not exist."""
    return paths.config() / FILE


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"TTM_APP_{name.upper()}"


def load(**flags: object) -> Settings:
    """The settings in force; `flags` (None: not given) win over TTM_APP_* variables, those over the file.

    Raises RequestError for an unknown setting or a bad value, naming where it stands; FileError: it cannot be read.
    """
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    layers = (("file", read()), ("environment", _environment()), ("flag", _flags(flags)))
    for origin, layer in layers:
        values |= layer
        origins |= dict.fromkeys(layer, origin)
    return Settings(**values, _origins=origins)


def read() -> dict[str, object]:
    """What the file says, checked. Raises as `load`."""
    return _checked_file(_read())


def set(name: str, value: object) -> object:
    """Put one setting into the file and return it as it is stored; None takes it out. `value` may be text.

    Raises RequestError for what may not be set, FileError where the file cannot be written.
    """
    known(name)
    value = parse(name, value) if isinstance(value, str) else value
    if value is None:
        unset(name)
        return None
    value = check(name, value)
    with _alone():
        write(_read() | {name: value})
    return value


def unset(*names: str) -> None:
    """Take settings out of the file, also ones it should not have. RequestError: it has no such; FileError as `set`."""
    with _alone():
        values = _read()
        for name in names:
            if name not in values:
                known(name)
        write({name: value for name, value in values.items() if name not in names})


def write(values: dict[str, object]) -> Path:
    """Make `values` the whole of the file, all or nothing. Raises RequestError for a bad one, FileError."""
    lines = [f"{name} = {_toml(value)}\n" for name, value in sorted(_checked_file(values).items())]
    _make_folder()
    return files.write(path(), (HEADER + "".join(lines)).encode(), overwrite=True)


def parse(name: str, text: str) -> object:
    """A value from text: of the environment or a command line; "none" is None. Raises RequestError."""
    about = known(name)
    if about.metadata["optional"] and text.lower() == NONE:
        return None
    kinds: dict[str, Callable[[str], object]] = {"float": float, "int": int, "bool": lambda t: TRUTHS[t.lower()]}
    convert = kinds.get(str(about.type).split(" ")[0], str)
    try:
        value = convert(text)
    except (ValueError, KeyError):
        value = text  # the check says what is allowed
    return check(name, value)


def check(name: str, value: object) -> Any:
    """The value in its own type. RequestError: not allowed."""
    return known(name).metadata["check"](name, value)


def known(name: str) -> Field:
    """The field of Settings that a name stands for. RequestError: there is none."""
    if name not in FIELDS:
        near = difflib.get_close_matches(name, FIELDS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"the settings are {', '.join(FIELDS)}"
        raise RequestError(f"unknown setting {ascii(name)[:60]}; {hint}")
    return FIELDS[name]


@contextmanager
def _alone() -> Iterator[None]:
    """No other process changes the file between its reading and its writing. FileError: one does, for too long."""
    _make_folder()
    with files.locked(path().with_name(LOCK), f"another program is changing {path()}: try again", BUSY):
        yield


def _make_folder() -> None:
    with files.reported(f"write {path()}", "set TTM_APP_HOME to another folder"):
        path().parent.mkdir(parents=True, exist_ok=True)


def _flags(flags: dict[str, object]) -> dict[str, object]:
    return {name: check(name, value) for name, value in flags.items() if value is not None}


def _environment() -> dict[str, object]:
    values = {}
    for name in FIELDS:
        if text := os.environ.get(variable(name)):
            try:
                values[name] = parse(name, text)
            except RequestError as error:
                raise RequestError(f"the environment variable {variable(name)}: {error}") from None
    return values


def _read() -> dict[str, object]:
    """The file's own words, unchecked."""
    source = path()
    try:
        with open(source, "rb") as file:
            data = file.read(FILE_BYTES + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise FileError(f"cannot read {source}: {error.strerror}") from error
    if len(data) > FILE_BYTES:
        raise RequestError(f"{source} is too large for a file of settings: delete it")
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{source} is not TOML ({error}): mend it, or delete it") from None


def _checked_file(values: dict[str, object]) -> dict[str, object]:
    try:
        return {name: check(name, value) for name, value in values.items()}
    except RequestError as error:
        raise RequestError(f"{path()}: {error}") from None


def _toml(value: object) -> str:
    """A checked value as TOML; a JSON text without control characters is a TOML string."""
    return json.dumps(os.fspath(value) if isinstance(value, Path) else value, ensure_ascii=False)
