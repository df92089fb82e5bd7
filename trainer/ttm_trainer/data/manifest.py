"""Folders of music with captions -> tracks: the files with their captions, licences, makers and splits.

Three kinds of folders are known:
- the layout of the ICME 2026 challenge, NN/ID.mp3 with stems NN/ID_instrumental.mp3, and tables of captions keyed by
  the number ID (arXiv 2605.21538);
- any folder of sound files with a text file beside each (song.mp3, song.txt), or a table of captions;
- dataset folders of `ttm-app corpus`, whose manifest.jsonl has a row for each clip.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from musicgen_app.errors import FileError

from .caption_tables import LICENCE_FILE, SUFFIXES, Row, read_licences, read_table, texts
from .captions.beside import Beside
from .captions.text_files import Remark
from .splits import split
from .track import AUDIO, UNKNOWN, Source, Track, key_of, name_of, stem_path

OWN = "manifest.jsonl"
NO_CAPTION = "no caption for it"
SHOWN = 3  # reasons in an error


@dataclass
class Findings:
    """What is told of folders of music: `bad` of what is left out, `doubts` of what is used as it was understood.

    Both are lists of {"id", "path", "reason"}.
    """

    bad: list[dict] = field(default_factory=list)
    doubts: list[dict] = field(default_factory=list)

    def leave(self, identity: str, path: object, reason: str, **more: object) -> None:
        self.bad.append({"id": identity, "path": str(path), "reason": reason, **more})

    def doubt(self, identity: str, path: object, reason: str) -> None:
        self.doubts.append({"id": identity, "path": str(path), "reason": reason})

    def say(self, path: object, said: str) -> None:
        """What is said of a row of a table."""
        self.doubt("", path, said) if isinstance(said, Remark) else self.leave("", path, said)


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
    """`find`, with splits: the tracks, and what is left out and why. No sound file is opened."""
    tracks, findings = find(data, captions, stems=stems, skip=skip)
    return split(tracks, seed, val, test)[0], findings.bad


def find(
    data: list[Path],
    captions: dict[str, Path] | None = None,
    *,
    stems: Path | None = None,
    skip: Path | None = None,
    empty: bool = False,
) -> tuple[list[Track], Findings]:
    """Look through folders -> tracks, in order of their folders and paths, and what is to be told of them.

    captions: tables by style, for all folders, besides those that lie in a folder or its captions/. stems: where
    `--separate` writes instrumental stems. skip: a folder that is not looked into (the prepared one).
    A track has a split where its data says so. No sound file is opened. What is left out is sound without captions,
    captions without sound (one line a table, with a count), rows that lead outside of their folder, broken rows.
    Raises FileError where a folder or a table in `captions` is missing, or no track is left and not `empty`.
    """
    findings = Findings()
    sources = []
    for root, label in _roots(data).items():
        reader = _own if (root / OWN).is_file() else _folder
        sources.append(reader(root, label, stems and stems / label, skip, findings))
    for style, path in (captions or {}).items():
        _read_captions(Path(path), style, [source for source, _ in sources], findings)
    for source, beside in sources:
        _read_tables(source, beside, findings)
    found = [track for source, _ in sources for track in source.tracks.values()]
    why = {track: said for _, beside in sources for track, said in beside.items()}
    for track in found:
        if not any(track.captions.values()):
            said = why.get(str(track.file), "")
            findings.bad.append(track.left_out(NO_CAPTION + (f": {said}" if said else "")))
    tracks = [track for track in found if any(track.captions.values())]
    if not (tracks or empty):
        raise FileError(_nothing(data, len(found), findings))
    return _unique(tracks), findings


def _nothing(data: list[Path], sounds: int, findings: Findings) -> str:
    """Why there is nothing to train on: what was looked at, and what was wrong with it."""
    where = ", ".join(map(str, data))
    if not sounds:
        return f"no sound files in {where} (looked for {', '.join(AUDIO)})"
    told = [row for row in findings.bad if row["reason"] != NO_CAPTION]
    reasons = [
        reason if (reason := row["reason"]).startswith(row["path"]) else f"{row['path']}: {reason}" for row in told
    ]
    looked = "; ".join(reasons[:SHOWN]) or "there is no text file beside any, and no table"
    more = f"; and {len(reasons) - SHOWN} more, which `ttm-app data check` lists" if len(reasons) > SHOWN else ""
    return (
        f"no music with captions in {where} ({sounds} sound files without a caption: {looked}{more}): put song.txt"
        " beside song.mp3, or name a table of captions with --captions STYLE=FILE"
    )


def summary(tracks: list[Track], bad: list[dict]) -> dict:
    """Counts for people: by split, style, licence, stem, and by why something was left out."""
    return {
        "tracks": len(tracks),
        "splits": dict(Counter(track.split for track in tracks)),
        "styles": dict(Counter(style for track in tracks for style, texts in track.captions.items() if texts)),
        "licences": dict(Counter(track.licence for track in tracks).most_common()),
        "stems": dict(Counter(track.facts["stem"] for track in tracks if "stem" in track.facts)),
        "without_caption": sum(row["reason"].startswith(NO_CAPTION) for row in bad),
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


def _folder(
    root: Path, label: str, stems: Path | None, skip: Path | None, findings: Findings
) -> tuple[Source, dict[str, str]]:
    """The sound files of a folder. Of a file and its stems only one counts: the instrumental stem, else the file."""
    files: dict[str, dict[str, str]] = {}
    sounds, others = _files(root, skip, findings)
    beside, why = Beside(root, others), {}
    for path in sounds:
        key, stem = key_of(PurePosixPath(path))
        if stem in files.setdefault(key, {}):
            findings.leave(key, root / path, f"the same name as {files[key][stem]}")
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
            findings.leave(identity, root / kinds["vocals"], "only a vocal stem")
            continue
        row, said = beside.read(key, kinds.values())
        tracks[key] = Track(
            identity, file, str(home), captions=row.captions, licence=row.licence or UNKNOWN, source=row.source,
            split=row.split, set=label, facts={"stem": stem},
        )  # fmt: skip
        for path, one in said:
            if row.captions:
                findings.doubt(identity, root / path, one)
            else:
                why[str(tracks[key].file)] = f"{path} {one}"
    source = Source(root, tracks)
    source.beside = beside.used
    return source, why


def _files(root: Path, skip: Path | None, findings: Findings) -> tuple[list[str], list[str]]:
    """Sorted paths of all sound files under a folder, and of the others, also in linked folders, not in hidden ones."""

    def closed(error: OSError) -> None:
        findings.leave("", error.filename, f"the folder cannot be read: {error.strerror}")

    found: list[str] = []
    others: list[str] = []
    seen = {os.path.realpath(skip)} if skip else set()
    for folder, folders, names in os.walk(root, onerror=closed, followlinks=True):
        here = os.path.realpath(folder)
        if here in seen:  # a link in a circle, or what is to be skipped
            folders.clear()
            continue
        seen.add(here)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(os.path.relpath(folder, root))
        for name in names:
            if not name.startswith("."):
                (found if name.lower().endswith(AUDIO) else others).append((inside / name).as_posix())
    return sorted(found), sorted(others)


def _read_tables(source: Source, why: dict[str, str], findings: Findings) -> None:
    """Captions and licences from the tables in a folder and its captions/, licences from audio_licenses.txt."""
    files = [*source.root.glob("captions/*")]
    if not (source.root / OWN).is_file():
        files += source.root.glob("*")
    for path in sorted(files):
        if path.relative_to(source.root).as_posix() in source.beside or not path.is_file():
            continue
        if path.suffix.lower() in SUFFIXES and not path.name.startswith("."):
            try:
                _read_captions(path, None, [source], findings)
            except FileError as error:  # not every JSON file in a folder is about captions
                findings.leave("", path, str(error))
        elif path.name == LICENCE_FILE:
            for name, licence, credit in read_licences(path):
                for key in source.find(name):
                    source.add(key, {}, licence, credit)


def _read_captions(path: Path, style: str | None, sources: list[Source], findings: Findings) -> None:
    """Give the captions of a table to the tracks it names. Raises FileError where it has none."""
    rows = list(read_table(path, style))
    if not any(isinstance(row, Row) for row in rows):
        first = next((f": {row}" for row in rows if isinstance(row, str) and not isinstance(row, Remark)), "")
        raise FileError(f"{path} has no rows with a path and a caption (or a licence){first}")
    missing: list[str] = []
    for row in rows:
        if isinstance(row, str):
            findings.say(path, row)
            continue
        try:
            found = [(source, key) for source in sources for key in source.find(row.path)]
        except ValueError as error:
            findings.leave("", path, f"the row of {row.path!r}: {error}")
            continue
        for source, key in found:
            known = source.tracks[key].split
            if row.split and known not in ("", row.split):
                findings.doubt(
                    source.tracks[key].id, path, f"split {row.split} of {row.path}: it is in {known} already"
                )
            source.add(key, row.captions, row.licence, row.source, row.split)
        if row.captions and not found:
            missing.append(row.path)
    if missing:
        reason = f"{len(missing)} captions without a sound file, such as that of {missing[0]}"
        findings.leave("", path, reason, count=len(missing))


def _own(
    root: Path, label: str, stems: Path | None, skip: Path | None, findings: Findings
) -> tuple[Source, dict[str, str]]:
    """The clips of a dataset folder; it has no stems, and nothing else is looked at."""
    tracks, there = {}, {}
    with open(root / OWN, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                track = _clip(json.loads(line), root, label)
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                findings.leave("", root / OWN, f"row {number}: {error}")
                continue
            if track.path not in there:
                there[track.path] = os.path.isfile(track.file)
            if there[track.path]:
                tracks[track.id] = track
            else:
                findings.bad.append(track.left_out("no such file"))
    return Source(root, tracks), {}


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
    licence, source = (str(row.get(name) or default) for name, default in (("licence", UNKNOWN), ("source", "")))
    return Track(
        str(row["id"]), str(path), str(root), start, seconds, captions, licence, source,
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
