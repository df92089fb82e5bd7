"""What `ttm-app models available` and `models download` say of published models and networks, and their parts."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from types import SimpleNamespace

import click

from ...machine.files import in_words
from ...models.download import is_offline
from ...models.hub import Part, page, present
from ...models.offers import offer
from ..terminal import cancellable, one_line, print_json, print_note, progress_line
from .facts import summary

WIDTH = 100  # characters of a line
ESTIMATE = (
    "Times for ten seconds of music are estimates: figures of another machine, by the speed of products on this one."
)
BUSY = "This machine is busy now, so that they are longer than they will be when it is quiet."


def table(found: list[dict]) -> list[str]:
    """The published models for people, some lines each."""
    lines = []
    for model in found:
        lines.append(f"{model['name']:<18} {state_of(model)}")
        lines += wrap(facts_line(model), WIDTH, initial_indent="  ", subsequent_indent="  ")
    return [
        *lines,
        "",
        *wrap(ESTIMATE + any(model.get("estimated_while_busy") for model in found) * f" {BUSY}", WIDTH),
        "ttm-app models show NAME tells more, models download NAME installs it.",
    ]


def state_of(model: dict) -> str:
    """Whether a published model is here, or what it takes to have it."""
    if model["cannot_be_installed"]:
        return "cannot be installed"
    return "installed" if model["installed"] else to_fetch(model["bytes_to_fetch"])


def to_fetch(size: int) -> str:
    """How much there is to fetch, for people."""
    return f"{in_words(size)} to fetch" if size else "nothing to fetch"


def facts_line(model: dict) -> str:
    """What is to be known of a published model, in a sentence or two."""
    sampler, seconds = model["sampler"], model.get("seconds_for_ten")
    how = f"{sampler['steps']} step{'s' * (sampler['steps'] > 1)}"
    how += " without guidance" if sampler["guidance"] == 1 else f" with guidance {sampler['guidance']:g}"
    parts = [
        f"{model['about']}; {model['sample_rate'] / 1000:g} kHz {'mono' if model['channels'] == 1 else 'stereo'},"
        f" made for {model['seconds']['native']:g} s, {model['parameters']:,} parameters, {how}"
        + (f", about {seconds:g} s for 10 s of music here" if seconds else ""),
        f"Licence {model['licence']}" + (f" (forbids {model['forbids']})" if model["forbids"] else ""),
    ]
    if model["cannot_be_installed"]:
        parts.append(f"Cannot be installed: {model['cannot_be_installed']}")
    return ". ".join(parts) + "."


def install(
    name: str,
    as_name: str | None,
    accept_licence: bool,
    carried: Path | None,
    offline: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Install a published model, or a model folder of a public repository, and say what came of it."""
    from ...convert.installer import Source
    from ...convert.installer import install as install_model
    from ...models.published import PUBLISHED, find

    if name in PUBLISHED:
        find(name)
        facts = offer(name, installed=False)
        costs = [f"{in_words(facts['bytes_on_disk'])} when installed"]
        if carried:
            costs.insert(0, f"taken from {carried}")
        elif not is_offline(offline):
            costs.insert(0, to_fetch(facts["bytes_to_fetch"]))
        print_note(
            f"{name}: {', '.join(costs)}; licence {facts['licence']}"
            + (f", which forbids {facts['forbids']}" if facts["forbids"] else "")
        )
    with cancellable("cancelled; run it again to go on"), progress_line(not as_json) as show:
        report = reporter(show)
        source = Source(carried, offline, accept_licence, report)
        bundle = install_model(name, source, as_name, force)
    if as_json:
        print_json(summary(bundle) | {"training": bundle.config["training"]})
        return
    click.echo(f"installed   {bundle.name}, {one_line(bundle.licence)}")
    click.echo(f"folder      {one_line(str(bundle.path))}")
    click.echo(f'try         ttm-app generate "slow piano" --model {bundle.name} -o piano.wav')


def install_embedder(name: str, carried: Path | None, offline: bool, as_json: bool) -> None:
    """Install a network that scores music, and say where it is."""
    from ...convert.installer import Source
    from ...convert.installer import install_embedder as install_it
    from ...models.published import EMBEDDERS

    announce(name, EMBEDDERS[name], carried, offline)
    with cancellable("cancelled; run it again to go on"), progress_line(not as_json) as show:
        folder = install_it(name, Source(carried, offline, report=reporter(show)))
    if as_json:
        print_json({"name": name, "path": str(folder)})
    else:
        click.echo(f"{name}  {one_line(str(folder))}  (ttm-app evaluate --embedder {name})")


def announce(name: str, part: Part, carried: Path | None, offline: bool) -> None:
    """Say what is fetched and from where, under which licence; nothing where it is here or cannot be had."""
    if present(part) or (is_offline(offline) and not carried):
        return
    where = f"taken from {carried}" if carried else in_words(part.size)
    print_note(f"{name}: {where}, {part.licence}, from {page(part.repo)}")


def reporter(show):
    """A report function for `installer.Source` that draws the progress line in megabytes; none where none is drawn."""
    told = "", -1

    def report(what: str, done: int, total: int) -> None:
        nonlocal told
        if show and told != (now := (what, done // 10**6)):
            told = now
            show(SimpleNamespace(stage=f"{what} MB", step=now[1], total=total // 10**6))

    return report
