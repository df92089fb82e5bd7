"""Sets of captions: what is rewritten, and the file that comes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from musicgen_app.errors import FileError, RequestError
from musicgen_app.machine import files

from ..data.caption_tables import read_table, texts

OWN = ("manifest.jsonl", "tracks.jsonl")  # of a dataset folder, of a prepared folder


@dataclass(frozen=True)
class Caption:
    """One caption of a sound file (its path, as the set has it) or of a clip (its id)."""

    path: str
    text: str
    style: str = ""


def read_captions(source: Path, styles: Sequence[str] = ()) -> tuple[list[Caption], list[str]]:
    """The captions of a set, in its order, and a line for each row of no use.

    source: the challenge's JSON, an array of {"path", "caption"}, or another table `ttm-app prepare` takes; a dataset
    folder (manifest.jsonl) or a prepared folder. styles: only captions of these styles.
    Raises FileError where there are none, and RequestError for a style that is not there.
    """
    captions: list[Caption] = []
    bad: list[str] = []
    for file in _files(source):
        rows = _manifest(file) if file.name in OWN else _table(file)
        for row in rows:
            bad.append(row) if isinstance(row, str) else captions.append(row)
    known = sorted({caption.style for caption in captions})
    if missing := sorted(set(styles) - set(known)):
        raise RequestError(
            f"{source} has no captions of style {', '.join(missing)}: it has {', '.join(known) or 'none'}"
        )
    captions = [caption for caption in captions if not styles or caption.style in styles]
    if not captions:
        raise FileError(f"{source} has no captions ({bad[0] if bad else 'it is empty'})")
    return captions, bad


def write_captions(out: Path, captions: Sequence[Caption]) -> Path:
    """Write the challenge's format, a JSON array of {"path", "caption"}, durably and whole. Raises FileError."""
    rows = [json.dumps({"path": c.path, "caption": c.text}, ensure_ascii=False) for c in captions]
    return files.write(out, ("[\n" + ",\n".join(rows) + "\n]\n").encode(), overwrite=True)


def _files(source: Path) -> list[Path]:
    if not source.exists():
        raise FileError(f"there is no {source}: check the name")
    if not source.is_dir():
        return [source]
    found = [source / "manifest.jsonl"] if (source / "manifest.jsonl").is_file() else []
    found = found or sorted(source.glob("manifest/*/tracks.jsonl"))
    if not found:
        raise FileError(
            f"{source} is no dataset folder and no prepared folder (no manifest in it): give a caption file"
        )
    return found


def _table(file: Path) -> Iterator[Caption | str]:
    for row in read_table(file):
        if isinstance(row, str):
            yield f"{file.name}: {row}"
        else:
            yield from (Caption(row.path, text, style) for style, found in row.captions.items() for text in found)


def _manifest(file: Path) -> Iterator[Caption | str]:
    """Rows of clips go by their id, for a file may have many; rows of whole files by the file's path."""
    with _opened(file) as lines:
        for number, line in enumerate(lines, 1):
            try:
                row = json.loads(line)
                name = row["id"] if row.get("seconds") is not None else row["path"]
                found = {str(style): texts(value) for style, value in row["captions"].items()}
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                yield f"{file.name}: row {number} is no row of a manifest ({type(error).__name__}: {error})"
                continue
            yield from (Caption(str(name), text, style) for style, values in found.items() for text in values)


def _opened(file: Path):
    try:
        return open(file, encoding="utf-8", errors="replace")
    except OSError as error:
        raise FileError(f"cannot read {file}: {error.strerror}") from error
