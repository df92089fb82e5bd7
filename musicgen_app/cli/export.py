"""`ttm-app export`: parts of a model in formats that other programs read."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import FileError
from .completion import MODEL
from .groups import Group
from .terminal import cancellable, print_json, print_note

if TYPE_CHECKING:
    from ..codecs.onnx import ExportReport
    from ..models.bundle import Bundle

COLUMNS = ("latents", "max error", "relative", "onnx ms", "torch ms", "torch bf16 ms")


@click.group(cls=Group, short_help="Export parts of a model to other formats.")
def export() -> None:
    """Export parts of a model to other formats."""


@export.command()
@click.argument("model", type=MODEL)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), help="ONNX file to write.  [default: a file of the model]"
)
@click.option("--force", is_flag=True, help="Replace a file that exists.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def codec(model: str, output: Path | None, force: bool, as_json: bool) -> None:
    """Write the decoder of MODEL's codec as an ONNX file, compare it with PyTorch's and time both.

    Without -o the file becomes part of the model, so that `ttm-app generate --decoder onnx` can use it.
    """
    from ..machine.files import check_free
    from ..models.installed import find

    bundle = find(model)
    target = output or bundle.path / _name(bundle)
    check_free(target, force)
    _check_writable(target.parent, inside=output is None)
    print_note(f"exporting and comparing the decoder of {bundle.name}; this takes a while")
    with cancellable("cancelled; nothing was written"):
        report = _export(bundle, target, inside=output is None)
    if as_json:
        rows = [asdict(row) for row in report.parity]
        print_json({"files": list(map(str, report.files)), "parity": rows, "faster": report.faster})
        return
    for line in _table(report):
        click.echo(line)
    for file in report.files:
        click.echo(f"{file}  {file.stat().st_size / 1e6:.2f} MB")
    if output is None:
        click.echo(f"--decoder auto now takes {report.faster} in float32 on a CPU, and torch otherwise")


def _name(bundle: Bundle) -> str:
    """The file of the decoder inside the bundle: beside the codec's weights where they are in it too."""
    codec = bundle.config["codec"]
    return f"{codec['path']}/decoder.onnx" if "path" in codec else "codec_decoder.onnx"


def _check_writable(folder: Path, inside: bool) -> None:
    """Find out now, not after minutes of work, that a file could not be written. Raises FileError."""
    try:
        probe = folder / f".{secrets.token_hex(4)}.tmp"
        probe.touch()
        probe.unlink()
    except OSError as error:
        choose = "write to another file with -o" if inside else "choose another folder"
        raise FileError(f"cannot write in {folder}: {error.strerror}; {choose}") from error


def _export(bundle: Bundle, target: Path, inside: bool) -> ExportReport:
    """Write the ONNX file; where it is part of the bundle, let it share the codec's weights and enter it there."""
    from ..codecs import read_codec
    from ..codecs.onnx import export_decoder
    from ..models.bundle import WEIGHTS, sha256, update_config

    weights = target.parent / WEIGHTS if inside and "path" in bundle.config["codec"] else None
    report = export_decoder(read_codec(bundle), target, weights)
    if inside:
        name = _name(bundle)
        codec = {**bundle.config["codec"], "onnx": name, "decoder": report.faster}
        files = {file: digest for file, digest in bundle.config["files"].items() if not file.startswith(name)}
        files |= {file.relative_to(bundle.path).as_posix(): sha256(file) for file in report.files}
        update_config(bundle, codec, files)
    return report


def _table(report: ExportReport) -> list[str]:
    """One line a length, under a header."""
    lines = ["  ".join(f"{name:>13}" for name in COLUMNS)]
    for row in report.parity:
        times = ("-" if ms is None else f"{ms:.1f}" for ms in (row.onnx_ms, row.torch_ms, row.torch_bf16_ms))
        cells = (row.latents, f"{row.max_error:.1e}", f"{row.relative_error:.1e}", *times)
        lines.append("  ".join(f"{cell:>13}" for cell in cells))
    return lines
