"""`ttm-app paths`: the folders that the app uses on this machine."""

from __future__ import annotations

import click

from .terminal import one_line, print_json


@click.command(short_help="Print where things are.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def paths(as_json: bool) -> None:
    """Print the folders of models, settings, results, trainings, scratch and bundled files. They need not exist yet."""
    from ..machine import paths as folders
    from ..machine import user_settings

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
