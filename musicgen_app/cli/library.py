"""`ttm-app library`: the music that was made and kept; found, sorted, taken out and thrown away."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import FileError, RequestError, TTMError
from .completion import FORMAT, OWN_MODEL
from .groups import Group
from .terminal import one_line, print_json, print_note, read_stdin

if TYPE_CHECKING:
    from ..library.library import Item, Library
    from ..request import GenerationResult

JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
IDS = click.argument("ids", nargs=-1, required=True, metavar="ID...")
STDIN_BYTES = 1_000_000
SHOWN = 50  # items that `list` prints
TITLE_LENGTH = 80  # characters of a title in a list

EPILOG = """
\b
Examples:
  ttm-app library list --search "piano" --since 2026-01-01
  ttm-app library edit 0123456789ab --title "Opening" --favourite
  ttm-app library list --favourites -q | ttm-app library export - -o favourites.zip
"""


@click.group(cls=Group, epilog=EPILOG, short_help="Find, sort, export and delete what was made.")
def library() -> None:
    """Find, sort, export and delete the music that was made here. An ID of "-" means: read IDs from stdin."""


@library.command("list")
@click.option("--search", default="", metavar="TEXT", help="Every word is in the title, the prompt or the tags.")
@click.option("--model", type=OWN_MODEL, metavar="NAME", help="Made by this model.")
@click.option("--since", metavar="DATE", help="Made on this day (2026-01-31) or time, or later.")
@click.option("--until", metavar="DATE", help="Made on this day or time, or before.")
@click.option("--favourites", is_flag=True, help="Only favourites.")
@click.option("--tag", metavar="TAG", help="With this tag.")
@click.option("--trash", is_flag=True, help="What is in the trash.")
@click.option("--limit", type=int, default=SHOWN, show_default=True, metavar="N", help="The newest N of them.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the IDs.")
@JSON
def list_command(search: str, favourites: bool, trash: bool, limit: int, quiet: bool, as_json: bool, **values) -> None:
    """Print what was made, the newest first."""
    kept = _library()
    conditions = {"text": search, "favourite": favourites or None, "trashed": trash, **values}
    items = kept.search(**conditions, limit=limit)
    if as_json:
        print_json([item.to_dict() for item in items])
    for item in () if as_json else items:
        click.echo(item.id if quiet else _line(item))
    if not items and not trash and not kept.count():
        print_note(
            f"the library ({kept.folder}) is empty: what ttm-app generate makes is kept here, unless --no-keep;"
            " ttm-app library add FILE... adds what was made before"
        )
    if (total := kept.count(**conditions)) > len(items):
        print_note(f"{len(items)} of {total} are shown: --limit {total} shows all")
    if unreadable := kept.unreadable():
        print_note(f"warning: not all can be shown ({len(unreadable)} cannot): ttm-app library reindex says why")


@library.command()
@click.argument("id", metavar="ID")
@JSON
def show(id: str, as_json: bool) -> None:
    """Print all that is known about one item."""
    item = _library().get(id)
    facts = item.to_dict()
    if as_json:
        print_json(facts)
        return
    facts["tags"] = ", ".join(item.tags)
    facts["created"] = _local(item)
    facts["model"] = f"{item.model['name']} {item.model['version']} ({item.model['licence']})"
    facts["weights"] = item.model["weights_sha256"]
    request = facts.pop("request")
    facts |= {name: value for name, value in request.items() if name not in ("model", "variations", "plan")}
    facts["told"] = "; ".join(item.told)
    del facts["played"]  # ttm-app plan to-sheet has it whole
    facts["seconds_taken"] = ", ".join(f"{name} {seconds:.2f}" for name, seconds in item.seconds_taken.items())
    for name, value in facts.items():
        if value not in (None, ""):
            click.echo(f"{name:<17} {one_line(str(value))}")


@library.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@JSON
def add(files: tuple[Path, ...], as_json: bool) -> None:
    """Keep copies of audio files that ttm-app made."""
    kept = _library()
    for file in files:
        _print([kept.adopt(file)], as_json, "kept")


@library.command()
@IDS
@click.option("--title", metavar="TEXT", help="A title; an empty one is the prompt again.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Add a tag; give it again for more.")
@click.option("--untag", "untags", multiple=True, metavar="TAG", help="Take a tag away.")
@click.option("--favourite/--no-favourite", default=None, help="Make it a favourite, or no longer.")
@JSON
def edit(ids: tuple, title: str | None, tags: tuple, untags: tuple, favourite: bool | None, as_json: bool) -> None:
    """Change the title, the tags and whether it is a favourite."""
    from ..library.item import folded

    kept = _library()
    items = [kept.get(id) for id in _read(ids)]
    gone = {folded(tag) for tag in untags}
    for item in items:
        wanted = [tag for tag in (*item.tags, *tags) if folded(tag) not in gone] if tags or untags else None
        _print([kept.update(item.id, title=title, tags=wanted, favourite=favourite)], as_json, "changed")


@library.command()
@IDS
@JSON
def delete(ids: tuple[str, ...], as_json: bool) -> None:
    """Move items to the trash; `restore` brings them back."""
    _print(_library().delete(_read(ids)), as_json, "in the trash")


@library.command()
@IDS
@JSON
def restore(ids: tuple[str, ...], as_json: bool) -> None:
    """Bring items back from the trash."""
    _print(_library().restore(_read(ids)), as_json, "restored")


@library.command()
@click.argument("ids", nargs=-1, metavar="[ID...]")
@click.option("--yes", is_flag=True, help="Do it: there is no way back.")
@JSON
def purge(ids: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Delete items in the trash for ever; without an ID, all of them."""
    kept = _library()
    wanted = _read(ids) if ids else None
    if not yes:
        count = kept.count(trashed=True) if wanted is None else len(wanted)
        raise RequestError(f"this would delete {count} in the trash for ever: say --yes if you mean it")
    count = kept.purge(wanted)
    if as_json:
        print_json({"purged": count})
    else:
        click.echo(f"{count} deleted for ever")


@library.command()
@IDS
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="ZIP file to write.")
@click.option("--format", "suffix", type=FORMAT, help="Convert to this.  [default: as kept]")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@JSON
def export(ids: tuple[str, ...], output: Path, suffix: str | None, force: bool, as_json: bool) -> None:
    """Write items with their sidecars into one ZIP file."""
    wanted = _read(ids)
    written = _library().export(wanted, output, suffix, force)
    if as_json:
        print_json({"path": str(written), "items": len(set(wanted))})
    else:
        click.echo(str(written))


@library.command()
@JSON
@click.pass_context
def reindex(context: click.Context, as_json: bool) -> None:
    """Read all files again and name those that cannot be shown."""
    kept = _library()
    report = kept.reindex()
    unreadable = {str(path): reason for path, reason in report.unreadable.items()}
    if as_json:
        facts = {"folder": str(kept.folder), "items": report.items, "trashed": report.trashed}
        print_json(facts | {"unreadable": unreadable})
    else:
        click.echo(f"{report.items} in the library, {report.trashed} in the trash: {one_line(str(kept.folder))}")
    for path, reason in unreadable.items():
        print_note(f"cannot be shown: {path}: {reason.removeprefix(f'{path}: ')}")
    if unreadable:
        context.exit(FileError.exit_code)


def keep(result: GenerationResult, written: Path, folder: Path) -> bool:
    """Keep a copy of a file that was just written; where that fails a warning says so. Whether it was kept."""
    from ..library.library import Library

    try:
        Library(folder).add(result, written.suffix, "cli", written)
    except (TTMError, OSError) as error:
        print_note(f"warning: {written} is not in the library: {error}")
        return False
    return True


def _library() -> Library:
    from ..library.library import Library
    from ..machine import user_settings

    return Library(user_settings.load().library)


def _read(ids: tuple[str, ...]) -> list[str]:
    """The IDs given, those on stdin in the place of "-"."""
    read: list[str] = []
    for id in ids:
        read += read_stdin(STDIN_BYTES).decode(errors="replace").split() if id == "-" else [id]
    return list(dict.fromkeys(read))


def _print(items: list[Item], as_json: bool, done: str) -> None:
    for item in items:
        if as_json:
            print_json(item.to_dict())
        else:
            click.echo(f"{item.id}  {done}  {one_line(item.title)}")


def _line(item: Item) -> str:
    title = item.title if len(item.title) <= TITLE_LENGTH else item.title[: TITLE_LENGTH - 1].rstrip() + "…"
    columns = (item.id, _local(item)[:16], f"{item.samples / item.sample_rate:>5.4g} s", "*" if item.favourite else " ")
    tags = f"  [{one_line(', '.join(item.tags))}]" if item.tags else ""
    return f"{'  '.join(columns)}  {one_line(title)}{tags}"


def _local(item: Item) -> str:
    """When an item was made, in local time."""
    return datetime.fromisoformat(item.created).astimezone().isoformat(" ", "seconds")
