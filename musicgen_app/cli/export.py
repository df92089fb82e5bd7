"""`ttm-app export`: clips for DAWs and samplers; parts of a model in formats that other programs read."""

from __future__ import annotations

import secrets
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..daw.kinds import KINDS, Kind
from ..errors import FileError
from .completion import MODEL
from .generation.shared_options import with_options
from .groups import Group
from .terminal import cancellable, print_json, print_note

if TYPE_CHECKING:
    from ..codecs.onnx import ExportReport
    from ..models.bundle import Bundle

COLUMNS = ("latents", "max error", "relative", "onnx ms", "torch ms", "torch bf16 ms")
EPILOG = """
\b
Examples:
  ttm-app export reaper song.wav -o song.rpp
  ttm-app export dawproject song-bass.wav song-drums.wav -o song.dawproject
  ttm-app export stems 0123456789ab loop.flac --title "Night drive" -o stems
  ttm-app export midi recording.wav --bpm 92 --metre 3/4 -o recording.mid
"""


@click.group(cls=Group, epilog=EPILOG, short_help="Export clips to DAWs and samplers, and parts of a model.")
def export() -> None:
    """Export clips to DAWs and samplers, and parts of a model.

    A CLIP is a sound file, or the ID of an item of the library. Several are layers of one plan. Tempo, bars and
    sections come from the clip and its sidecar; for a sound without a plan say --bpm.
    """


def _command(name: str, kind: Kind) -> click.Command:
    """The command that exports clips as this kind."""
    where = f"File to write, ending in {' or '.join(kind.suffixes)}." if kind.suffixes else "Folder to make."
    options = [
        click.argument("clips", nargs=-1, required=True, metavar="CLIP..."),
        click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help=where),
        click.option("--bpm", type=float, metavar="N", help="Tempo in quarter notes a minute.  [default: the clip's]"),
        click.option("--metre", metavar="M", help="Such as 3/4, 6/8, 7/8.  [default: the clip's, or 4/4]"),
        click.option("--key", metavar="KEY", help="Such as Am, F# minor.  [default: the clip's]"),
    ]
    if kind.sounds:
        options += [
            click.option("--loop/--no-loop", default=None, help="Whether it is a loop.  [default: as the clip says]"),
            click.option("--title", metavar="TEXT", help="Title.  [default: what the clips' names share]"),
        ]
    if kind.suffixes:
        options.append(click.option("--force", is_flag=True, help="Replace a file that exists."))
    options.append(click.option("--json", "as_json", is_flag=True, help="Print one JSON object."))
    command = with_options(*options)(partial(_export_clips, name))
    return click.command(name, help=f"Write {kind.more}", short_help=kind.about)(command)


def _export_clips(kind: str, clips: tuple[str, ...], output: Path, as_json: bool, **values) -> None:
    from ..library import hand_over
    from ..library.library import Library
    from ..machine import user_settings

    with cancellable("cancelled; nothing was written"):
        library = Library(user_settings.load().library)
        written = hand_over.export(clips, kind, output, library=library, **values)
    if as_json:
        print_json({"kind": kind, "files": list(map(str, written))})
        return
    for file in written:
        click.echo(str(file))


for name, kind in KINDS.items():
    export.add_command(_command(name, kind))


@export.command(short_help="The decoder of a model's codec as ONNX.")
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
    from ..machine.checksums import sha256
    from ..models.bundle import WEIGHTS, update_config

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
