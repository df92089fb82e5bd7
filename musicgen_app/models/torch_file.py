"""A checkpoint from elsewhere -> its tensors, safely: no code in a file is ever run.

Files are told apart by their first bytes, not by their suffix: safetensors, or what `torch.save` writes (a zip file,
or before PyTorch 1.6 a bare pickle). All but the bare pickle are mapped into memory, so only what is used is read.
"""

from __future__ import annotations

import os
import pickle
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import FileError, ModelError

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt")
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"


class _Kind:
    """Stands in for a NumPy dtype in a pickle: what it is called, and nothing of NumPy's own."""

    def __init__(self, name: object, *rest: object):
        self.name = name

    def __setstate__(self, state: object) -> None:
        pass


def _number(kind: object, data: object = None) -> object:
    """Stands in for a NumPy number, such as a step or a loss that a trainer kept: nobody needs it here."""
    return None


# By the names in NumPy 1 and 2: with these in their place, no object of NumPy is ever made from a pickle.
_HARMLESS: list[Any] = [(_Kind, "numpy.dtype")]
_HARMLESS += [(_number, f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")]


def find_file(path: str | os.PathLike) -> Path:
    """The checkpoint file at `path`, which may be a folder that holds exactly one. Raises FileError."""
    path = Path(path)
    try:
        if path.is_file():
            return path
        if path.is_dir():
            return _only_file(path)
        exists = path.exists()
    except (OSError, ValueError) as error:
        raise FileError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from error
    raise FileError(f"{path} is not a file" if exists else f"no file {path}")


def read_checkpoint(path: str | os.PathLike) -> dict[str, Tensor]:
    """Every tensor of a checkpoint, by name; names inside nested dicts are joined by "/": "model_state/blocks.0.D".

    What is not a tensor in a (nested) dict is left out. FileError: it cannot be read; ModelError: truncated, not a
    checkpoint, or a pickle that asks for code to be run.
    """
    path = find_file(path)
    try:
        with open(path, "rb") as file:
            start = file.read(9)
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    if not start:
        raise ModelError(f"{path} is empty; copy or download it again")
    if start[8:] == b"{":  # after the length of its header, in 8 bytes
        return _read_safetensors(path)
    if not start.startswith((_ZIP, _PICKLE)):
        raise ModelError(f"{path} is not a checkpoint: it is neither a safetensors file nor one that torch.save wrote")
    return _read_torch(path, mapped=start.startswith(_ZIP))


def _only_file(folder: Path) -> Path:
    files = sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES and file.is_file())
    if len(files) != 1:
        names = ", ".join(file.name for file in files[:3]) + (", ..." if len(files) > 3 else "")
        found = f"several checkpoints ({names})" if files else "no checkpoint"
        raise FileError(f"{folder} holds {found}: name the file")
    return files[0]


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise ModelError(f"{path} is truncated or no safetensors file ({error}); copy or download it again") from error
    return _some_tensors(tensors, path)


def _read_torch(path: Path, mapped: bool) -> dict[str, Tensor]:
    """PyTorch's own messages are not passed on: they advise to switch the protection off."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with torch.serialization.safe_globals(_HARMLESS):
                content = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
        tensors = dict(_tensors(content, "")) if isinstance(content, Mapping) else {}
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL ([\w.]+)", str(error))
        wants = f"asks to run code of this computer ({asked[1]})" if asked else "is no plain pickle of tensors"
        raise ModelError(
            f"{path} {wants} and is not opened: ask for a safetensors file, or save the state dict alone where you"
            " trust it"
        ) from error
    except Exception as error:  # a damaged pickle can fail in any way
        if "TorchScript" in str(error):
            raise ModelError(f"{path} is a TorchScript program, not a checkpoint: save its state dict") from error
        raise ModelError(
            f"{path} is truncated, damaged or not a checkpoint ({type(error).__name__}); copy or download it again"
        ) from error
    return _some_tensors(tensors, path)


def _tensors(content: Mapping, prefix: str) -> Iterator[tuple[str, Tensor]]:
    for name, value in content.items():
        if isinstance(value, Tensor):
            yield f"{prefix}{name}", value.detach()
        elif isinstance(value, Mapping):
            yield from _tensors(value, f"{prefix}{name}/")


def _some_tensors(tensors: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    if not tensors:
        raise ModelError(f"{path} holds no named tensors: it is not a checkpoint of a model")
    return tensors
