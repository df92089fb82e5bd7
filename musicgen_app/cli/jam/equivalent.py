"""Fields of a request, and edits of its clip -> the commands that make the same clip, for a shell of Unix."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .chain import OF_SESSION, Step, stem

if TYPE_CHECKING:
    from ...machine.user_settings import Settings

COMPUTING = ("device", "precision", "decoder")


def commands_for(
    given: dict[str, Any], steps: Sequence[Step], usual: dict[str, Any], settings: Settings, output: Path
) -> list[str]:
    """`generate`, and then a command for each edit. What the settings say, they say there too.

    Between them are files of the names that the app gives them, since a file says what it was made of.
    """
    files = [Path(f"{stem(given, steps[:count])}.wav") for count in range(len(steps))] + [output]
    options = {name: value for name, value in given.items() if name != "prompt"}
    commands = [_command("generate", options, settings, files[0], [given["prompt"]])]
    held = {name: usual[name] for name in OF_SESSION if name in usual}
    for step, source, target in zip(steps, files[:-1], files[1:], strict=True):
        options = held | {name: value for name, value in step.given.items() if name != "prompt"}
        words = [str(source), *([step.given["prompt"]] if "prompt" in step.given else [])]
        commands.append(_command(step.edit.kind, _said(step) | options, settings, target, words))
    return commands


def _said(step: Step) -> dict[str, Any]:
    """The options that say what an edit does."""
    edit = step.edit
    said: dict[str, Any] = {"seconds": edit.seconds, "bars": edit.bars, "strength": edit.strength}
    said |= {"left": edit.left or None, "level": edit.level or None}
    for region in edit.regions:
        ends = (region.start, region.end)
        if region.bars:
            said["bars"] = [*(said["bars"] or []), "-".join(map(str, ends))]
        else:
            for name, end in zip(("from", "to"), ends, strict=True):
                said[name] = [*said.get(name, []), end]
    return said


def _command(name: str, options: dict[str, Any], settings: Settings, output: Path, words: list[str]) -> str:
    written = ["ttm-app", name]
    for option, value in options.items():
        flag = f"--{option.replace('_', '-')}"
        if value is True:
            written.append(flag)
        elif value is False:
            written.append(f"--no-{option}")
        elif value is not None:
            for one in value if isinstance(value, list) else [value]:
                written += [flag, repr(one).removesuffix(".0") if isinstance(one, float) else str(one)]
    for option in COMPUTING:
        if settings.origin(option) == "flag":
            written += [f"--{option}", getattr(settings, option)]
    return shlex.join([*written, "-o", str(output), "--", *words])
