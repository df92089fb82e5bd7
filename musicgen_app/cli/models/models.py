"""`ttm-app models`: what models are on this machine and what is in them; getting more of them and removing them."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path

import click

from ...errors import ModelError, RequestError
from ..completion import DOWNLOADABLE, KNOWN, MODEL, OWN_MODEL, SYSTEM
from ..groups import Group
from ..terminal import cancellable, one_line, print_error, print_json, print_note, printable, progress_line
from . import adapters
from .facts import about, lines, summary, weights

OPTIONAL_NAME = click.argument("name", required=False, type=MODEL)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


@click.group(cls=Group, short_help="List, show, verify, download, import and remove models.")
def models() -> None:
    """List, show, verify, download, import and remove models."""


for command in (adapters.list_adapters, adapters.merge, adapters.save, adapters.push):
    models.add_command(command)


@models.command("list")
@JSON
def list_command(as_json: bool) -> None:
    """Print every model that can be used; a damaged one is named on stderr."""
    from ...models.installed import missing, scan

    bundles, faults = scan()
    for fault in faults.values():
        print_note(f"not usable: {fault}")
    listed = [summary(bundle) | {"missing": missing(bundle)} for bundle in bundles]
    if as_json:
        print_json(listed)
        return
    if not bundles:
        print_note("no model is here: import one (ttm-app models import --help) or train one (ttm-app train --help)")
    width = max((len(bundle.name) for bundle in bundles), default=0)
    for model in listed:
        needs = f"  (needs {', '.join(model['missing'])}: ttm-app models download {model['name']})"
        about_it = f"{model['name']:<{width}}  {model['version']}  {model['title']} ({model['licence']})"
        click.echo(printable(about_it + (needs if model["missing"] else "")))
    if sys.stdout.isatty():
        print_note("ttm-app models available lists trained models of others that can be installed")


@models.command()
@click.argument("name", type=KNOWN)
@click.option("--full", is_flag=True, help="Cut nothing.")
@JSON
def show(name: str, full: bool, as_json: bool) -> None:
    """Print what NAME is made of: a model (or folder) that is here, or a published model, a system or a part that is
    not, and how to get it."""
    facts = about(name)
    if as_json:
        print_json(facts)
    else:
        click.echo("\n".join(lines(facts, full)))


@models.command()
@OPTIONAL_NAME
@JSON
def verify(name: str | None, as_json: bool) -> None:
    """Compare every file of the model NAME (default: of all models) with its SHA-256, frozen parts here included."""
    from ...models.installed import check, find, scan

    bundles, faults = ([find(name)], {}) if name else scan()
    checked: list[dict[str, str | None]] = [
        {"name": path.name, "path": str(path), "error": str(fault)} for path, fault in faults.items()
    ]
    for bundle in bundles:
        try:
            check(bundle)
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
    from ...machine import paths
    from ...models.installed import find

    folder = str(find(name).path if name else paths.models())
    if as_json:
        print_json({"path": folder})
    else:
        click.echo(folder)


@models.command()
@JSON
def available(as_json: bool) -> None:
    """Print the trained models that others publish, which `models download` installs."""
    from ...models.offers import offered
    from .published import table

    found = offered()
    if as_json:
        print_json(found)
    else:
        click.echo("\n".join(table(found)))


@models.command()
@click.argument("name", type=DOWNLOADABLE)
@click.option("--as", "as_name", metavar="NAME", help="Name of the model here.  [default: its own]")
@click.option("--accept-licence", is_flag=True, help="Accept a licence that forbids something, such as commercial use.")
@click.option(
    "--from", "carried", type=click.Path(path_type=Path), metavar="FOLDER", help="Take the files from this folder."
)
@click.option("--offline", is_flag=True, help="Use no network: only say what is missing.")
@click.option("--force", is_flag=True, help="Replace a model of that name.")
@JSON
def download(
    name: str,
    as_name: str | None,
    accept_licence: bool,
    carried: Path | None,
    offline: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Install the published model NAME, or download what a system, a model or a part needs.

    Published models are those of `models available`, and hf:OWNER/NAME or hf:OWNER/NAME@REVISION for a model folder of
    a public repository. Of a system (mamba-189m, dit-450m, fluxaudio-s, ...) and of a model that is here the frozen
    text encoders and codecs are downloaded; laion-clap-90.14 and laion-clap-89.98 are networks that score music for
    `ttm-app evaluate`. What is downloaded is kept in the Hugging Face cache (HF_HOME). One that
    was stopped goes on when the command is run again. Only this command uses the network.
    """
    from ...models.published import EMBEDDERS, PUBLISHED
    from . import published

    carried = carried and Path(os.path.expanduser(carried))
    if name in PUBLISHED or name.startswith("hf:"):
        return published.install(name, as_name, accept_licence, carried, offline, force, as_json)
    if as_name is not None or accept_licence or force:
        raise RequestError(f"--as, --accept-licence and --force are for published models, which {name} is not")
    if name in EMBEDDERS:
        return published.install_embedder(name, carried, offline, as_json)
    _download_parts(name, carried, offline, as_json)


def _download_parts(name: str, carried: Path | None, offline: bool, as_json: bool) -> None:
    from ...models.download import check_at_hand, fetch
    from ...models.hub import PARTS, present
    from .published import announce, reporter

    parts, how = _parts_to_get(name)
    if how:
        print_note(how)
    check_at_hand([PARTS[part] for part in parts], carried, offline)
    got = []
    for part in parts:
        facts = PARTS[part]
        was_here = present(part)
        announce(part, facts, carried, offline)
        with cancellable("cancelled; run it again to go on"), progress_line(not as_json) as show:
            folder = fetch(part, partial(reporter(show), part), offline, carried)
        about = {key: getattr(facts, key) for key in ("repo", "revision", "licence", "size")}
        got.append({"part": part, **about, "path": str(folder), "downloaded": not was_here})
        if not as_json:
            click.echo(f"{part}  {'was here already' if was_here else 'downloaded'}  {folder}")
    if as_json:
        print_json({"name": name, "parts": got, "weights": how})
    elif not got:
        click.echo(f"{name} needs nothing besides its own files")


@models.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--preset", type=SYSTEM, help="Of a checkpoint: the system it is of, such as dit-450m or meanaudio-s.")
@click.option("--name", help="Name of the model: a-z, 0-9, '.', '_', '-'.  [default: its own, or that of the file]")
@click.option("--title", help="A title for people, of a checkpoint.")
@click.option("--licence", help="Licence of the weights of a checkpoint.  [default: unknown]")
@click.option("--weights", help="ema or model, where the file has both.  [default: ema]")
@click.option(
    "--latent-stats",
    type=click.Path(path_type=Path),
    help='JSON file {"mean": [...], "std": [...]} of the latents.  [default: the checkpoint\'s own]',
)
@click.option(
    "--codec-files",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Folder with MMAudio's v1-16.pth and best_netG.pt, for models of 20 latent dimensions.",
)
@click.option("--dtype", help="Store the weights as fp32, bf16 or fp16.  [default: as they are]")
@click.option("--force", is_flag=True, help="Replace a model of that name.")
@JSON
def import_command(source: Path, as_json: bool, **options) -> None:
    """Make a model of SOURCE: a model folder or a .zip of one, or with --preset a checkpoint of a paper system's shape.

    A model folder is what `ttm-app train` writes: its files are checked and copied. So are those of an adapter, the
    folder that `ttm-app train --lora` or the package peft writes; `generate --adapter` then finds it by its name. A
    checkpoint is a safetensors or PyTorch file (or a folder with one): names, shapes and values are checked one by
    one. Nothing is written unless all fit. No code in a file is ever run.
    """
    from ...convert.importer import import_model
    from ...models.adapters import is_adapter
    from ...models.installed import parts

    if is_adapter(source):
        given = [
            f"--{key.replace('_', '-')}" for key, value in options.items() if value and key not in ("name", "force")
        ]
        if given:
            raise RequestError(f"an adapter is taken as it is: leave out {', '.join(given)}")
        return adapters.import_adapter(source, options["name"], options["force"], as_json)
    with cancellable("cancelled; nothing was written"):
        bundle, report = import_model(source, **options)
    found = parts(bundle)
    if as_json:
        facts = vars(report) if report else {}
        print_json(summary(bundle) | facts | {"training": bundle.config["training"], "parts": found})
        return
    missing = [part["part"] for part in found if part["problem"]]
    lines = {
        "imported": f"{source} as {bundle.name}",
        "folder": bundle.path,
        **(_report_lines(bundle, report) if report else {}),
        "parts here": ", ".join(part["part"] for part in found if not part["problem"]),
        "missing": ", ".join(missing),
        "get them": f"ttm-app models download {bundle.name}" if missing else "",
        "try": f'ttm-app generate "slow piano" --model {bundle.name} -o piano.wav',
    }
    for key, value in lines.items():
        if value:
            click.echo(f"{key:<11} {one_line(str(value))}")


def _report_lines(bundle, report) -> dict[str, str]:
    """How a checkpoint was read."""
    return {
        "taken": bundle.config["training"]["taken"],
        "left out": ", ".join(report.unused),
        "tensors": f"{report.tensors} mapped, {report.renamed} of them renamed, {len(report.dropped)} dropped",
        "dropped": ", ".join(report.dropped),
        "computed": ", ".join(report.computed),
        "parameters": f"{report.parameters:,} ({', '.join(report.dtypes)})",
        "sizes": ", ".join(f"{size} {value} instead of the preset's" for size, value in report.overrides.items()),
    }


@models.command()
@click.argument("name", type=OWN_MODEL)
@click.option("--yes", is_flag=True, help="Do not ask.")
@JSON
def remove(name: str, yes: bool, as_json: bool) -> None:
    """Delete the model NAME from your folder of models. Frozen parts in the Hugging Face cache stay."""
    from ...models import installed

    folder = installed.find_own(name)
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise RequestError(f"{folder} would be deleted: say --yes if you mean it")
        click.confirm(f"Delete {one_line(str(folder))}?", abort=True, err=True)
    installed.remove(name)
    if as_json:
        print_json({"removed": str(folder)})
    else:
        click.echo(f"removed {folder}")


def _parts_to_get(name: str) -> tuple[list[str], str | None]:
    """The names in `hub.PARTS` that a model here, a system or a part needs, and for a system how to get its weights."""
    from ...models.bundle import frozen_parts
    from ...models.hub import PARTS, name_of
    from ...models.installed import list_models
    from ...models.paper_systems import SYSTEMS
    from ...models.published import EMBEDDERS, PUBLISHED

    for bundle in list_models():
        if bundle.name == name:
            return [part for part in map(name_of, frozen_parts(bundle.config)) if part in PARTS], None
    if name in SYSTEMS:
        return list(SYSTEMS[name].parts), weights(name)
    if name in PARTS:
        return [name], None
    known = f"a published model ({', '.join(PUBLISHED)}; hf:OWNER/NAME), a system ({', '.join(SYSTEMS)}),"
    known += f" a part ({', '.join(PARTS)}), a network that scores music ({', '.join(EMBEDDERS)})"
    known += " or a model that is here"
    raise ModelError(f"nothing to download for {name!r}: name {known}")
