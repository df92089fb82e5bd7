"""Types of arguments and options that many commands share, with what the Tab key completes. Imports nothing heavy."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

from ..errors import TTMError
from ..machine.user_settings import FORMATS, as_suffix


class Name(click.ParamType):
    """A text, of which `names` are completed; where `folders`, it may be the path of a folder too."""

    def __init__(self, names: Callable[[], Iterable[str]], metavar: str = "NAME", folders: bool = False):
        self.names, self.name, self.folders = names, metavar, folders

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        try:
            found = sorted({name for name in self.names() if name.startswith(incomplete)})
        except TTMError:  # a damaged file is no reason to fail here
            found = []
        if not found and self.folders:
            return [CompletionItem(incomplete, type="dir")]
        return [CompletionItem(name) for name in found]


class Format(click.Choice):
    """A format of sound files, with or without its dot -> the suffix, such as ".wav"."""

    def __init__(self) -> None:
        super().__init__([suffix[1:] for suffix in FORMATS])

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return as_suffix(super().convert(as_suffix(value)[1:], param, ctx))


def installed_models() -> list[str]:
    """The names of the models on this machine."""
    from ..models.installed import list_models

    return [bundle.name for bundle in list_models()]


def systems() -> list[str]:
    """The names of the papers' systems."""
    from ..models.paper_systems import SYSTEMS

    return list(SYSTEMS)


def parts() -> list[str]:
    """The names of the frozen parts that can be downloaded."""
    from ..models.hub import PARTS

    return list(PARTS)


def published() -> list[str]:
    """The names of the trained models that others publish."""
    from ..models.published import PUBLISHED

    return list(PUBLISHED)


def embedders() -> list[str]:
    """The names of the networks that score music and can be downloaded."""
    from ..models.published import EMBEDDERS

    return list(EMBEDDERS)


FORMAT = Format()
MODEL = Name(installed_models, "MODEL", folders=True)
OWN_MODEL = Name(installed_models)
DOWNLOADABLE = Name(lambda: [*published(), *installed_models(), *systems(), *parts(), *embedders()])
SYSTEM = Name(systems)
MODEL_OR_SYSTEM = Name(lambda: [*installed_models(), *systems()], "MODEL", folders=True)
KNOWN = Name(DOWNLOADABLE.names, "MODEL", folders=True)
