"""Commands of `ttm-app models` about adapters, and about what leaves this machine: list, merge, save, push."""

from __future__ import annotations

from pathlib import Path

import click

from ...errors import RequestError
from ..completion import MODEL
from ..terminal import cancellable, print_json, print_note, printable
from .facts import summary

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
ADAPTERS = click.option(
    "--adapter", "applied", multiple=True, metavar="NAME[:STRENGTH]", help="An adapter, or its folder; repeatable."
)


@click.command("adapters", short_help="List the adapters that are installed.")
@JSON
def list_adapters(as_json: bool) -> None:
    """Print the adapters that `generate --adapter` can be told by name; a damaged one is named on stderr."""
    from ...models.adapters import scan

    found, faults = scan()
    for fault in faults.values():
        print_note(f"not usable: {fault}")
    if as_json:
        print_json([facts_of(adapter) for adapter in found])
        return
    if not found:
        print_note("no adapter is here: ttm-app models import FOLDER adds one, ttm-app train --lora 8 makes one")
    for adapter in found:
        base = adapter.base.get("name", "an unknown model")
        click.echo(printable(f"{adapter.name}  for {base}  rank {adapter.rank} ({adapter.licence})"))


@click.command(short_help="Write a model with adapters in its weights.")
@click.argument("name", type=MODEL)
@ADAPTERS
@click.option("--as", "as_name", required=True, metavar="NAME", help="Name of the new model.")
@click.option("--force", is_flag=True, help="Replace a model of that name.")
@JSON
def merge(name: str, applied: tuple[str, ...], as_name: str, force: bool, as_json: bool) -> None:
    """Make a new model of the model NAME and adapters. It makes the same music as NAME with --adapter, to the byte."""
    from ...models import installed
    from ...models.adapters import adapted
    from ...models.publish import merged
    from ...request import parse_adapters

    if not applied:
        raise RequestError("give the adapters to merge as --adapter NAME or --adapter NAME:STRENGTH")
    installed.check_name(as_name)
    if not force:
        installed.check_free(as_name)
    bundle = adapted(installed.find(name), parse_adapters(applied))
    with cancellable("cancelled; nothing was written"):
        made = merged(bundle, as_name, installed.folder_of(as_name), force)
    if as_json:
        print_json(summary(made))
    else:
        click.echo(made.path)


@click.command(short_help="Write a model or an adapter to a folder.")
@click.argument("name", type=MODEL)
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a folder that exists.")
@JSON
def save(name: str, folder: Path, force: bool, as_json: bool) -> None:
    """Copy the model NAME, or the adapter of that name, to FOLDER, every file of it checked."""
    from ...models.publish import save_pretrained

    with cancellable("cancelled; nothing was written"):
        made = save_pretrained(model_or_adapter(name), folder, force)
    if as_json:
        print_json({"name": made.name, "path": str(made.path)})
    else:
        click.echo(made.path)


@click.command(short_help="Upload a model or an adapter to the Hugging Face hub.")
@click.argument("name", type=MODEL)
@click.argument("repo", metavar="OWNER/NAME")
@click.option("--private", is_flag=True, help="A repository that is made for it is private.")
@JSON
def push(name: str, repo: str, private: bool, as_json: bool) -> None:
    """Upload the model NAME, or the adapter of that name, with its card to the repository OWNER/NAME.

    It goes there with the account of `hf auth login` (or HF_TOKEN). The licences of the music that it was trained on
    are in its card: whether it may be published is yours to judge.
    """
    from ...models.publish import push_to_hub

    with cancellable("cancelled; the repository may lack files: run it again"):
        address = push_to_hub(model_or_adapter(name), repo, private)
    if as_json:
        print_json({"name": name, "address": address})
    else:
        click.echo(address)


def import_adapter(source: Path, name: str | None, force: bool, as_json: bool) -> None:
    """What `models import` does with an adapter folder."""
    from ...models.publish import install_adapter

    with cancellable("cancelled; nothing was written"):
        adapter = install_adapter(source, name, force)
    if as_json:
        print_json(facts_of(adapter))
        return
    base = adapter.base.get("name", "a model that it does not name")
    click.echo(printable(f"imported    {source} as the adapter {adapter.name}, for {base}"))
    click.echo(f"folder      {adapter.path}")
    click.echo(f'try         ttm-app generate "slow piano" --adapter {adapter.name} -o piano.wav')


def model_or_adapter(name: str):
    """The model of that name or in that folder, else the adapter. Raises ModelError, as `installed.find`."""
    from ...models import adapters, installed

    models = [bundle.name for bundle in installed.list_models()]
    named = [adapter.name for adapter in adapters.scan()[0]]
    is_one = adapters.is_adapter(name) or name in named
    return adapters.find(name) if is_one and name not in models else installed.find(name)


def facts_of(adapter) -> dict:
    """What a program is told of an adapter."""
    return {
        "name": adapter.name,
        "path": str(adapter.path),
        "base": adapter.base,
        "rank": adapter.rank,
        "licence": adapter.licence,
        "weights_sha256": adapter.weights_sha256,
    }
