"""`ttm-app doctor`: what this machine has, whether the app works on it, and what to do where it does not."""

from __future__ import annotations

from collections.abc import Iterator

import click

from .terminal import one_line

FEATURES = ("avx2", "avx512_f", "avx512_vnni", "avx512_bf16", "amx_bf16")  # of the processor, those that matter here


@click.command(short_help="Check this installation.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Look at torch, optional packages, frozen parts, folders and memory, and make a short clip with every model.

    Nothing is downloaded. The exit code is 0 when the model that comes with the app works, else that of its fault.
    """
    from ..doctor import examine
    from .terminal import print_json

    report = examine()
    if as_json:
        print_json(report)
    else:
        click.echo("\n".join(_lines(report)))
    context.exit(report["code"])


def _lines(report: dict) -> Iterator[str]:
    """The report for people: facts first, then what needs attention."""
    torch, memory = report["torch"], report["memory"]
    yield _line("ttm-app", report["version"])
    devices = ", ".join(torch["cuda"]) or torch["device"]
    yield _line("torch", f"{torch['version']} ({torch['build']}), {devices}, {torch['threads']} threads")
    features = ", ".join(feature for feature in FEATURES if feature in torch["features"]) or "no wide vector units"
    yield _line("precision", f"auto is {torch['precision']} ({features})")
    yield _line("scan", torch["scan"])
    there = [f"{name} {version}" for name, version in report["packages"].items() if version]
    yield _line("packages", ", ".join(there) or "none of the optional ones")
    for package, kinds in report["plugins"].items():
        brought = (f"{kind.replace('_', ' ')} {', '.join(names)}" for kind, names in kinds.items())
        yield _line(f"plug-in {package}", "; ".join(brought))
    for name, part in report["parts"].items():
        where = "here" if part["present"] else f"missing ({_size(part['bytes'])}): {part['command']}"
        yield _line(f"part {name}", where)
    for name, folder in report["folders"].items():
        state = "" if folder["writable"] else ", cannot be written"
        yield _line(name, f"{folder['path']} ({_size(folder['free_bytes'])} free{state})")
    yield _line("memory", f"{_size(memory['available_bytes'])} free of {_size(memory['total_bytes'])}")
    for name, system in report["systems"].items():
        fits = {True: "fits", False: "does not fit", None: "may fit"}[system["fits"]]
        yield _line(f"system {name}", f"{fits} (10 s need {_size(system['memory_bytes'])})")
    for model in report["models"]:
        yield _line(f"model {model['name']}", f"{_state(model)}; {model['path']}")
    for finding in report["findings"]:
        remedy = f": {finding['remedy']}" if finding["remedy"] else ""
        yield one_line(f"{finding['level']}: {finding['text']}{remedy}")


def _state(model: dict) -> str:
    intact = "intact" if model["intact"] else "damaged"
    if model["error"]:
        return f"{intact}, does not work"
    if model["seconds"] is None:
        return f"{intact}, not tried"
    return (
        f"{intact}, works ({model['precision']}, {model['decoder']} decoder, a short clip in {model['seconds']:.1f} s)"
    )


def _line(name: str, text: str) -> str:
    return f"{name:<24} {one_line(text)}"


def _size(size: float | None) -> str:
    return "unknown" if size is None else f"{size / 1e9:.1f} GB"
