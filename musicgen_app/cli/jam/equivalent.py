"""Fields of a request -> the command `ttm-app generate` that makes the same clip."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...machine.user_settings import Settings

COMPUTING = ("device", "precision", "decoder")


def command_for(given: dict[str, Any], settings: Settings, output: Path) -> str:
    """The command, for a shell of Unix; what the settings say, they say there too."""
    words = ["ttm-app", "generate"]
    for name, value in given.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif value is False:
            words.append(f"--no-{name}")
        elif name != "prompt" and value is not None:
            words += [option, repr(value).removesuffix(".0") if isinstance(value, float) else str(value)]
    for name in COMPUTING:
        if settings.origin(name) == "flag":
            words += [f"--{name}", getattr(settings, name)]
    return shlex.join([*words, "-o", str(output), "--", given["prompt"]])
