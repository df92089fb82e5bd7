"""`ttm-app settings`: what is set, where it comes from, and changing it. `ttm-app paths`: where things are."""

from __future__ import annotations

import os

import click

from ..machine import user_settings
from .groups import Group
from .terminal import one_line, print_json

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")

EPILOG = """
\b
Where a value comes from, the first that has one:
  an option of the command            flag
  the environment, TTM_APP_SECONDS    environment
  the file (ttm-app settings path)    file
  what the app comes with             default
"""


def _names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in user_settings.FIELDS if name.startswith(incomplete)]


@click.group(cls=Group, epilog=EPILOG, invoke_without_command=True, short_help="Show and change your settings.")
@JSON
@click.pass_context
def settings(context: click.Context, as_json: bool) -> None:
    """Show every setting with its value and origin (as `list` does), or change one."""
    if context.invoked_subcommand is None:
        context.invoke(list_command, as_json=as_json)


@settings.command("list")
@JSON
def list_command(as_json: bool) -> None:
    """Print every setting, its value and where that comes from."""
    now = user_settings.load()
    listed = {
        name: {
            "value": _plain(getattr(now, name)),
            "origin": now.origin(name),
            "variable": user_settings.variable(name),
            "about": field.metadata["about"],
        }
        for name, field in user_settings.FIELDS.items()
    }
    if as_json:
        print_json({"file": str(user_settings.path()), "settings": listed})
        return
    width = max(len(_text(setting["value"])) for setting in listed.values())
    for name, setting in listed.items():
        click.echo(f"{name:<10} {_text(setting['value']):<{width}}  {setting['origin']:<11}  {setting['about']}")


@settings.command()
@click.argument("name", shell_complete=_names)
@JSON
def get(name: str, as_json: bool) -> None:
    """Print the value of the setting NAME."""
    user_settings.known(name)
    now = user_settings.load()
    value = _plain(getattr(now, name))
    if as_json:
        print_json({"name": name, "value": value, "origin": now.origin(name)})
    else:
        click.echo(_text(value))


@settings.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("name", shell_complete=_names)
@click.argument("value")
@JSON
def set_command(name: str, value: str, as_json: bool) -> None:
    """Set NAME to VALUE from now on. "none" switches an optional setting off."""
    stored = _plain(user_settings.set(name, value))
    if as_json:
        print_json({"name": name, "value": stored, "file": str(user_settings.path())})
    elif os.environ.get(user_settings.variable(name)):
        click.echo(f"{name} = {_text(stored)}  (but {user_settings.variable(name)} is set too, and wins)")
    else:
        click.echo(f"{name} = {_text(stored)}")


@settings.command()
@click.argument("names", nargs=-1, required=True, shell_complete=_names)
@JSON
def unset(names: tuple[str, ...], as_json: bool) -> None:
    """Take NAMES out of the file of settings, so that their defaults hold again."""
    user_settings.unset(*names)
    if as_json:
        print_json({"unset": list(names), "file": str(user_settings.path())})
    else:
        click.echo(f"unset {one_line(', '.join(names))}")


@settings.command()
@JSON
def path(as_json: bool) -> None:
    """Print where the file of settings is, or would be."""
    if as_json:
        print_json({"path": str(user_settings.path())})
    else:
        click.echo(str(user_settings.path()))


@click.command(short_help="Print where things are.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def paths(as_json: bool) -> None:
    """Print the folders of models, settings, results, trainings, scratch and bundled files. They need not exist yet."""
    from ..machine import paths as folders

    where = {
        "models": folders.models(),
        "config": folders.config(),
        "results": user_settings.load().library,
        "runs": folders.runs(),
        "jobs": folders.jobs(),
        "cache": folders.cache(),
        "assets": folders.assets(),
        "settings": user_settings.path(),
    }
    if as_json:
        print_json({name: str(path) for name, path in where.items()})
        return
    for name, path in where.items():
        click.echo(f"{name:<9} {one_line(str(path))}")


def _plain(value: object) -> object:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _text(value: object) -> str:
    """A value as `settings set` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return user_settings.NONE if value is None else one_line(str(value))
