"""`ttm-app models`: what models are on this machine, what is in them, and whether their files are intact."""

from __future__ import annotations

import click

from ..errors import ModelError
from .output import print_error, print_json, print_note

NAME = click.argument("name")
OPTIONAL_NAME = click.argument("name", required=False)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(short_help="List, show and verify models.")
def models() -> None:
    """List, show and verify models."""


@models.command("list")
@JSON
def list_command(as_json: bool) -> None:
    """Print every model that can be used; a damaged one is named on stderr."""
    from ..store import scan

    bundles, faults = scan()
    for fault in faults.values():
        print_note(f"not usable: {fault}")
    if as_json:
        print_json([_summary(bundle) for bundle in bundles])
        return
    width = max((len(bundle.name) for bundle in bundles), default=0)
    for bundle in bundles:
        click.echo(f"{bundle.name:<{width}}  {bundle.config['version']}  {bundle.config['title']} ({bundle.licence})")


@models.command()
@NAME
@JSON
def show(name: str, as_json: bool) -> None:
    """Print what the model NAME (or folder) is made of."""
    from ..bundle import parameter_count
    from ..store import find

    bundle = find(name)
    config = bundle.config
    facts = _summary(bundle) | {
        "backbone": config["backbone"]["preset"],
        "parameters": parameter_count(bundle),
        "codec": config["codec"]["kind"],
        "text": config["text"]["kind"],
        "sampler": bundle.sampler,
        "seconds": config["seconds"],
        "weights_sha256": bundle.weights_sha256,
        "training": config["training"],
        "data": config["data"],
    }
    if as_json:
        print_json(facts)
        return
    for key, value in facts.items():
        click.echo(f"{key:<15} {_plain(value)}")


@models.command()
@OPTIONAL_NAME
@JSON
def verify(name: str | None, as_json: bool) -> None:
    """Compare every file of the model NAME (default: of all models) with its SHA-256."""
    from ..bundle import verify as verify_bundle
    from ..store import find, scan

    bundles, faults = ([find(name)], {}) if name else scan()
    checked = [{"name": path.name, "path": str(path), "error": str(fault)} for path, fault in faults.items()]
    for bundle in bundles:
        try:
            verify_bundle(bundle)
            error = None
        except ModelError as fault:
            error = str(fault)
        checked.append({"name": bundle.name, "path": str(bundle.path), "error": error})
    if as_json:
        print_json(checked)
    for item in checked:
        if item["error"]:
            print_error(item["error"], ModelError.exit_code, as_json=False)
        elif not as_json:
            click.echo(f"{item['name']}  intact")
    if any(item["error"] for item in checked):
        click.get_current_context().exit(ModelError.exit_code)


@models.command()
@OPTIONAL_NAME
@JSON
def path(name: str | None, as_json: bool) -> None:
    """Print the folder of the model NAME, or the folder that your own models go into."""
    from .. import paths
    from ..store import find

    folder = str(find(name).path if name else paths.models())
    if as_json:
        print_json({"path": folder})
    else:
        click.echo(folder)


def _summary(bundle) -> dict:
    keys = ("name", "title", "version", "licence")
    return {key: bundle.config[key] for key in keys} | {"path": str(bundle.path)}


def _plain(value: object) -> str:
    """A value of the config for people: {"a": 1} -> "a 1", lists joined."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "; ".join(_plain(item) for item in value) if any(isinstance(v, dict) for v in value) else str(value)
    return f"{value:,}" if isinstance(value, int) and value >= 10_000 else str(value)
