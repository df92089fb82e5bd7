"""Folders of music with captions -> tracks: the files with their captions, licences, makers and splits.

Three kinds of folders are known:
- the layout of the ICME 2026 challenge, NN/ID.mp3 with stems NN/ID_instrumental.mp3, and tables of captions keyed by
  the number ID (arXiv 2605.21538);
- any folder of sound files with a text file beside each (song.mp3, song.txt), or a table of captions;
- dataset folders of `ttm-app corpus`, whose manifest.jsonl has a row for each clip.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path, PurePosixPath

from musicgen_app.errors import FileError

from .caption_tables import SUFFIXES, Row, read_licences, read_table, texts
from .track import AUDIO, UNKNOWN, Source, Track, key_of, name_of, stem_path

OWN = "manifest.jsonl"
LICENCES = "audio_licenses.txt"  # of MTG-Jamendo


def scan(
    data: list[Path],
    captions: dict[str, Path] | None = None,
    seed: int = 0,
    val: float = 0.01,
    test: float = 0.0,
    *,
    stems: Path | None = None,
    skip: Path | None = None,
) -> tuple[list[Track], list[dict]]:
    """Look through folders -> tracks, in order of their folders and paths, and a list of what is left out and why.

    captions: tables by style, for all folders, besides those that lie in a folder or its captions/. stems: where
    `--separate` writes instrumental stems. skip: a folder that is not looked into (the prepared one).
    No sound file is opened. What is left out is a list of {"id", "path", "reason"}: sound without captions, captions
    without sound (one line a table, with a count), rows that lead outside of their folder, broken rows.
    Raises FileError where a folder or a table in `captions` is missing, or no track is left.
    """
    bad: list[dict] = []
    sources = []
    for root, label in _roots(data).items():
        reader = _own if (root / OWN).is_file() else _folder
        sources.append(reader(root, label, stems and stems / label, skip, bad))
    for style, path in (captions or {}).items():
        _read_captions(Path(path), style, sources, bad)
    for source in sources:
        _read_beside(source, bad)
    found = [track for source in sources for track in source.tracks.values()]
    tracks = [track for track in found if any(track.captions.values())]
    silent = [track.left_out("no caption for it") for track in found if not any(track.captions.values())]
    if not tracks:
        raise FileError(
            f"no music with captions in {', '.join(map(str, data))} ({len(silent)} sound files without a caption): put"
            " song.txt beside song.mp3, or name a table of captions with --captions STYLE=FILE"
        )
    return _split(_unique(tracks), seed, val, test), bad + silent


def summary(tracks: list[Track], bad: list[dict]) -> dict:
    """Counts for people: by split, style, licence, stem, and by why something was left out."""
    return {
        "tracks": len(tracks),
        "splits": dict(Counter(track.split for track in tracks)),
        "styles": dict(Counter(style for track in tracks for style, texts in track.captions.items() if texts)),
        "licences": dict(Counter(track.licence for track in tracks).most_common()),
        "stems": dict(Counter(track.facts["stem"] for track in tracks if "stem" in track.facts)),
        "without_caption": sum(row["reason"] == "no caption for it" for row in bad),
        "captions_without_sound": sum(row.get("count", 0) for row in bad),
        "left_out": len(bad),
    }


def summary_lines(counts: dict) -> list[str]:
    """A summary as lines for people."""

    def listed(name: str) -> str:
        return ", ".join(f"{key} {count:,}" for key, count in list(counts[name].items())[:8])

    lines = [f"manifest: {counts['tracks']:,} tracks ({listed('splits')}); captions: {listed('styles')}"]
    lines.append(f"manifest: licences: {listed('licences')}")
    if counts["stems"].get("original"):
        lines.append(
            f"manifest: {counts['stems']['original']:,} tracks have no instrumental stem, so they may have vocals;"
            " --separate makes stems"
        )
    if counts["without_caption"] or counts["captions_without_sound"]:
        lines.append(
            f"manifest: {counts['without_caption']:,} sound files without a caption,"
            f" {counts['captions_without_sound']:,} captions without a sound file"
        )
    return lines


def _roots(data: list[Path]) -> dict[Path, str]:
    """Absolute folders -> what each is called: its name, with that of the folder above where two are alike."""
    roots = [Path(os.path.abspath(root)) for root in data]
    for root in roots:
        if not root.is_dir():
            raise FileError(f"there is no folder {root}: check the name")
    if not roots:
        raise FileError("no folder of music: name one with --data")
    count = Counter(root.name for root in set(roots))
    return {root: "-".join(root.parts[-2:]) if count[root.name] > 1 else root.name or "data" for root in roots}


def _bad(identity: str, path: object, reason: str, **more: object) -> dict:
    return {"id": identity, "path": str(path), "reason": reason, **more}


def _folder(root: Path, label: str, stems: Path | None, skip: Path | None, bad: list[dict]) -> Source:
    """The sound files of a folder. Of a file and its stems only one counts: the instrumental stem, else the file."""
    files: dict[str, dict[str, str]] = {}
    for path in _sound_files(root, skip, bad):
        key, stem = key_of(PurePosixPath(path))
        if stem in files.setdefault(key, {}):
            bad.append(_bad(key, root / path, f"the same name as {files[key][stem]}"))
        else:
            files[key][stem] = path
    tracks = {}
    for key, kinds in files.items():
        name = name_of(key)
        identity = name if name.isdecimal() else key
        home, file, stem = root, kinds.get("instrumental"), "instrumental"
        if file is None and stems and os.path.isfile(stems / stem_path(key)):
            home, file = stems, stem_path(key)
        if file is None:
            file, stem = kinds.get(""), "original"
        if file is None:
            bad.append(_bad(identity, root / kinds["vocals"], "only a vocal stem"))
            continue
        text = _text_beside(root, key, kinds)
        captions = {"text": text} if text else {}
        tracks[key] = Track(identity, file, str(home), captions=captions, set=label, facts={"stem": stem})
    return Source(root, tracks)


def _sound_files(root: Path, skip: Path | None, bad: list[dict]) -> list[str]:
    """Sorted paths of all sound files under a folder, also in linked folders, but not in hidden ones."""

    def closed(error: OSError) -> None:
        bad.append(_bad("", error.filename, f"the folder cannot be read: {error.strerror}"))

    found, seen = [], {os.path.realpath(skip)} if skip else set()
    for folder, folders, names in os.walk(root, onerror=closed, followlinks=True):
        here = os.path.realpath(folder)
        if here in seen:  # a link in a circle, or what is to be skipped
            folders.clear()
            continue
        seen.add(here)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(os.path.relpath(folder, root))
        sounds = (name for name in names if name.lower().endswith(AUDIO) and not name.startswith("."))
        found += [(inside / name).as_posix() for name in sounds]
    return sorted(found)


def _text_beside(root: Path, key: str, kinds: dict[str, str]) -> list[str]:
    """The captions in the text file beside a sound file: one a paragraph."""
    for name in dict.fromkeys([*(os.path.splitext(path)[0] for path in kinds.values()), key]):
        try:
            text = (root / f"{name}.txt").read_text(encoding="utf-8-sig", errors="replace")
        except OSError:
            continue
        return texts(re.split(r"\n\s*\n", text))
    return []


def _read_beside(source: Source, bad: list[dict]) -> None:
    """Captions and licences from the tables in a folder and its captions/, licences from audio_licenses.txt."""
    files = [*source.root.glob("captions/*")]
    if not (source.root / OWN).is_file():
        files += source.root.glob("*")
    for path in sorted(files):
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            try:
                _read_captions(path, None, [source], bad)
            except FileError as error:  # not every JSON file in a folder is about captions
                bad.append(_bad("", path, str(error)))
        elif path.name == LICENCES:
            for name, licence, credit in read_licences(path):
                for key in source.find(name):
                    source.add(key, {}, licence, credit)


def _read_captions(path: Path, style: str | None, sources: list[Source], bad: list[dict]) -> None:
    """Give the captions of a table to the tracks it names. Raises FileError where it has none."""
    rows = list(read_table(path, style))
    if not any(isinstance(row, Row) for row in rows):
        raise FileError(f"{path} has no rows with a path and a caption (or a licence)")
    missing: list[str] = []
    for row in rows:
        if isinstance(row, str):
            bad.append(_bad("", path, row))
            continue
        try:
            found = [(source, key) for source in sources for key in source.find(row.path)]
        except ValueError as error:
            bad.append(_bad("", path, f"the row of {row.path!r}: {error}"))
            continue
        for source, key in found:
            source.add(key, row.captions, row.licence, row.source)
        if row.captions and not found:
            missing.append(row.path)
    if missing:
        reason = f"{len(missing)} captions without a sound file, such as that of {missing[0]}"
        bad.append(_bad("", path, reason, count=len(missing)))


def _own(root: Path, label: str, stems: Path | None, skip: Path | None, bad: list[dict]) -> Source:
    """The clips of a dataset folder; it has no stems, and nothing else is looked at."""
    tracks, there = {}, {}
    with open(root / OWN, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                track = _clip(json.loads(line), root, label)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                bad.append(_bad("", root / OWN, f"row {number}: {error}"))
                continue
            if track.path not in there:
                there[track.path] = os.path.isfile(track.file)
            if there[track.path]:
                tracks[track.id] = track
            else:
                bad.append(track.left_out("no such file"))
    return Source(root, tracks)


def _clip(row: dict, root: Path, label: str) -> Track:
    """A row of a dataset folder's manifest, checked. Raises ValueError, KeyError, TypeError or AttributeError."""
    path, start, seconds = PurePosixPath(row["path"]), float(row["start"]), float(row["seconds"])
    if path.is_absolute() or ".." in path.parts:
        raise ValueError(f"{row['path']!r} leads outside of the folder")
    if not (math.isfinite(start) and math.isfinite(seconds) and start >= 0 and seconds > 0):
        raise ValueError(f"a clip of {seconds} s from {start} s cannot be")
    if row["split"] not in ("train", "val", "test"):
        raise ValueError(f"there is no split {row['split']!r}")
    captions = {str(style): texts(value) for style, value in row["captions"].items()}
    facts = dict(row.get("facts") or {}) | ({"genre": row["genre"]} if row.get("genre") else {})
    strings = {name: str(row.get(name) or default) for name, default in (("licence", UNKNOWN), ("source", ""))}
    return Track(
        str(row["id"]), str(path), str(root), start, seconds, captions, **strings,
        split=row["split"], set=str(row.get("set") or label), facts=facts,
    )  # fmt: skip


def _unique(tracks: list[Track]) -> list[Track]:
    """Tracks whose ids differ: where two folders have the same id, the name of the folder goes before it."""
    count = Counter(track.id for track in tracks)
    named = [replace(track, id=f"{track.set}/{track.id}") if count[track.id] > 1 else track for track in tracks]
    seen: Counter = Counter()
    for i, track in enumerate(named):
        seen[track.id] += 1
        if seen[track.id] > 1:
            named[i] = replace(track, id=f"{track.id}#{seen[track.id]}")
    return named


def _split(tracks: list[Track], seed: int, val: float, test: float) -> list[Track]:
    """Tracks with a split: whole files, drawn by the seed, at least one for each split that is wanted.

    The order of the draw is a hash of the seed and the file, so it does not depend on where the data lies, nor on which
    stem is used; files of the same number, say a track and its stem in another folder, stay together.
    """

    def unit(track: Track) -> str:
        key = key_of(PurePosixPath(track.path))[0]
        return name if (name := name_of(key)).isdecimal() else f"{track.set}/{key}"

    units = {unit(track) for track in tracks if not track.split}
    drawn = sorted(units, key=lambda unit: hashlib.sha256(f"{seed}/{unit}".encode()).digest())
    held_out: dict[str, str] = {}
    for name, part in (("val", val), ("test", test)):
        left = len(drawn) - len(held_out)
        count = min(left - 1, max(1, round(part * len(drawn)))) if part else 0
        held_out |= dict.fromkeys(drawn[len(held_out) : len(held_out) + max(count, 0)], name)
    return [track if track.split else replace(track, split=held_out.get(unit(track), "train")) for track in tracks]
