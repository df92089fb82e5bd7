"""What `ttm-app data check` shows of a survey: a row a track, lines for people, a picture, and a corrected table."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from musicgen_app.machine import files

from ..runtime.charts import COLOURS, picture
from .captions.languages import language_of
from .survey import Survey
from .track import UNKNOWN, Track

NUMBERS = ("seconds", "rate", "channels", "format", "peak", "level", "clipped", "silent", "dc", "unusable")
ALIKE = 3  # doubts of one kind about one file that are shown
COLUMNS = ("path", "caption", "style", "split", "licence", "source")
KINDS = {  # what a reason or remark is about -> how it is called in the picture
    "no caption": "no caption", "not a sound": "not readable", "is empty": "not readable", "holds no": "not readable",
    "is silent": "silent", "is constant": "constant (DC)", "NaN": "NaN or beyond scale", "header says": "wrong header",
    "same recording": "same recording", "clipped": "clipped", "below -60": "mostly silence", "DC offset": "DC offset",
    "decoder says": "decoder complains", "no MP3": "foreign bytes", "UTF-8": "encoding guessed",
    "fields in": "commas without quotes", "quote": "quotes not closed", "without a sound": "caption without sound",
    "taken as none": "empty caption", "is silent,": "channel silent",
}  # fmt: skip


def check_rows(survey: Survey) -> list[dict]:
    """A row a track, and one a file that is left out without being heard.

    Each has "id", "path", "kept", "reason", "split", "captions" (by style), "language", "copy" (number of its group of
    recordings that are the same, or None), "remarks" and what was heard: NUMBERS.
    """
    kept = {track.id: track for track in survey.tracks}
    why = {(row["id"], row["path"]): row["reason"] for row in reversed(survey.findings.bad)}
    rows = []
    for track in survey.found:
        heard = survey.sounds.get(str(track.file), {})
        text = " ".join(caption for captions in track.captions.values() for caption in captions)
        rows.append(
            {
                "id": track.id, "path": str(track.file), "kept": track.id in kept,
                "reason": "" if track.id in kept else why.get((track.id, str(track.file)), ""),
                "split": kept[track.id].split if track.id in kept else "", "captions": track.captions,
                "language": language_of(text), "copy": survey.copies.get(str(track.file)),
                "remarks": list(heard.get("remarks", ())), **{name: heard.get(name) for name in NUMBERS},
            }
        )  # fmt: skip
    known = {(track.id, str(track.file)) for track in survey.found}
    for row in survey.findings.bad:
        if row["id"] and (row["id"], row["path"]) not in known:
            empty = dict.fromkeys(NUMBERS)
            rows.append(
                {
                    "id": row["id"], "path": row["path"], "kept": False, "reason": row["reason"], "split": "",
                    "captions": {}, "language": "", "copy": None, "remarks": [], **empty,
                }
            )  # fmt: skip
    return rows


def check_lines(rows: list[dict], survey: Survey, width: int = 120) -> Iterator[str]:
    """The table for people: a line a track, then what is doubtful, then what was left out that is no track."""
    name = max((len(row["id"]) for row in rows), default=5)
    name = min(max(name, 5), 28)
    head = f"{'track':<{name}} {'':<5} {'length':>7} {'ch':>2} {'rate':>6} {'level':>6} {'clip':>5} {'quiet':>5}"
    yield f"{head} {'same':>4} lang  caption, or why it is left out"
    for row in rows:
        yield _line(row, name, width)
    alike: Counter[tuple[str, str]] = Counter()
    for finding in survey.findings.doubts:
        alike[finding["path"], kind_of(finding["reason"])] += 1
        if alike[finding["path"], kind_of(finding["reason"])] <= ALIKE:
            yield f"note: {_told(finding)}"
    for (path, kind), count in alike.items():
        if count > ALIKE:
            yield f"note: {path}: {kind}: {count - ALIKE} more, which --json lists"
    for finding in survey.findings.bad:
        if not finding["id"]:
            yield f"left out: {_told(finding)}"


def _told(finding: dict) -> str:
    path, reason = finding["path"] or finding["id"], finding["reason"]
    return reason if not path or path in reason else f"{path}: {reason}"


def _line(row: dict, name: int, width: int) -> str:
    said = row["reason"] if not row["kept"] else " | ".join(c for texts in row["captions"].values() for c in texts)
    identity = row["id"] if len(row["id"]) <= name else "..." + row["id"][3 - name :]
    if row["seconds"]:
        level = "-inf" if row["level"] is None else f"{row['level']:.1f}"
        shares = [f"{row[key]:.1%}" if row[key] >= 0.001 else "" for key in ("clipped", "silent")]
        numbers = f"{_length(row['seconds']):>7} {row['channels']:>2} {row['rate']:>6} {level:>6}"
        numbers += f" {shares[0]:>5} {shares[1].replace('.0%', '%'):>5}"
    else:
        numbers = " " * 36
    text = f"{identity:<{name}} {row['split'] or 'no':<5} {numbers} {row['copy'] or '':>4} {row['language']:<4}  {said}"
    return text if len(text) <= width or not row["kept"] else text[: width - 3] + "..."


def _length(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds < 10 else f"{int(seconds // 60)}:{seconds % 60:04.1f}"


def check_summary(rows: list[dict], survey: Survey) -> dict:
    """{"tracks", "kept", "left_out", "hours", "splits", "copies", "doubts", "languages", "reasons"}."""
    kept = [row for row in rows if row["kept"]]
    return {
        "tracks": len(rows),
        "kept": len(kept),
        "left_out": len(rows) - len(kept),
        "hours": round(sum(row["seconds"] or 0 for row in {row["path"]: row for row in kept}.values()) / 3600, 3),
        "splits": dict(Counter(row["split"] for row in kept)),
        "copies": len(survey.copies) - len(set(survey.copies.values())),
        "doubts": len(survey.findings.doubts),
        "languages": dict(Counter(row["language"] or "?" for row in kept).most_common()),
        "reasons": dict(Counter(kind_of(row["reason"]) for row in rows if not row["kept"]).most_common()),
    }


def summary_line(summary: dict) -> str:
    splits = ", ".join(f"{name} {count:,}" for name, count in summary["splits"].items())
    why = ", ".join(f"{kind} {count:,}" for kind, count in summary["reasons"].items())
    line = (
        f"{summary['kept']:,} of {summary['tracks']:,} tracks are kept ({splits or 'none'}), {summary['hours']:.2f} h"
    )
    line += f"; left out: {why}" if why else ""
    line += f"; {summary['copies']:,} copies of other recordings" if summary["copies"] else ""
    return line + (f"; {summary['doubts']:,} doubtful things, told above" if summary["doubts"] else "")


def kind_of(reason: str) -> str:
    """What a reason or remark is about, in few words."""
    return next((kind for part, kind in KINDS.items() if part in reason), "other")


def draw(rows: list[dict], survey: Survey, path: Path) -> None:
    """The picture of a check: lengths, levels, what was found, and how long captions are. Raises FileError."""
    kept, out = ([row for row in rows if row["kept"] == wanted and row["seconds"]] for wanted in (True, False))
    with picture(path, 2, 2, size=(9.0, 6.0)) as grid:
        lengths, levels, found, words = grid.ravel()
        _histogram(lengths, "length, s", kept, out, "seconds")
        _histogram(levels, "level, dBFS", kept, out, "level")
        counts = Counter(kind_of(row["reason"]) for row in survey.findings.bad)
        doubts = Counter(kind_of(row["reason"]) for row in survey.findings.doubts)
        names = [name for name, _ in (counts + doubts).most_common(12)][::-1]
        for number, name in enumerate(names):
            found.barh(number, counts[name], color=COLOURS[1])
            found.barh(number, doubts[name], left=counts[name], color=COLOURS[0])
        found.set_yticks(range(len(names)), names)
        found.set_title("what was found (orange: left out, blue: told)")
        sizes = [len(text.split()) for row in rows for texts in row["captions"].values() for text in texts]
        words.hist(sizes, bins=min(30, max(1, len(set(sizes)))), color=COLOURS[2])
        words.set_title("words a caption")


def _histogram(axes, title: str, kept: list[dict], out: list[dict], name: str) -> None:
    values = [[row[name] for row in group if row[name] is not None] for group in (kept, out)]
    if any(values):
        bins = np.histogram_bin_edges(np.concatenate([np.asarray(v, float) for v in values]), bins=30)
        axes.hist(values, bins=bins, stacked=True, color=(COLOURS[0], COLOURS[1]), label=("kept", "left out"))
        axes.legend()
    axes.set_title(title)


def write_table(survey: Survey, roots: int, path: Path, force: bool = False) -> list[Track]:
    """Write the captions as they were understood, with their splits, as CSV in UTF-8: a row a caption of a kept track.

    Paths are relative to the folder where there is one, else absolute. Returns the tracks whose names cannot be
    written as text. Raises FileError: the file is there (and not `force`), or cannot be written.
    """
    text, unnamed = io.StringIO(newline=""), []
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for track in survey.tracks:
        name = track.path if roots == 1 else str(track.file)
        if any("\ud800" <= letter <= "\udfff" for letter in name):
            unnamed.append(track)
            continue
        licence = "" if track.licence == UNKNOWN else track.licence
        for style, captions in track.captions.items():
            writer.writerows((name, caption, style, track.split, licence, track.source) for caption in captions)
    files.write(path, text.getvalue().encode(), overwrite=force)
    return unnamed
