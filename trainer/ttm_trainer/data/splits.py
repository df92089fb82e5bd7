"""Which tracks are trained on and which are held out: whole recordings, with all that is the same as they."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import PurePosixPath

from .track import Track, key_of, name_of

STRICTEST = ("test", "val", "train")  # first: what the others of its kind follow


def split(
    tracks: list[Track], seed: int, val: float, test: float, digests: Mapping[str, str] | None = None
) -> tuple[list[Track], list[str]]:
    """Tracks with a split, drawn by the seed, at least one for each that is wanted; and what is doubtful about them.

    The order of the draw is a hash of the seed and the file, so it does not depend on where the data lies, nor on which
    stem is used. Files of the same number, say a track and its stem in another folder, stay together, and so do files
    of the same sound (digests: of their samples, by file). What a track's data says of its split is kept; those that
    belong to it follow.
    """
    groups = _groups(tracks, digests or {})
    units = [groups[_unit(track)] for track in tracks]
    stated: dict[str, set[str]] = {}
    for track, unit in zip(tracks, units, strict=True):
        if track.split:
            stated.setdefault(unit, set()).add(track.split)
    drawn = sorted(set(units) - stated.keys(), key=lambda unit: hashlib.sha256(_bytes(f"{seed}/{unit}")).digest())
    chosen = {unit: next(name for name in STRICTEST if name in names) for unit, names in stated.items()}
    held_out = 0
    for name, part in (("val", val), ("test", test)):
        left = len(drawn) - held_out
        count = max(0, min(left - 1, max(1, round(part * len(drawn))))) if part else 0
        chosen |= dict.fromkeys(drawn[held_out : held_out + count], name)
        held_out += count
    done = [
        track if track.split else replace(track, split=chosen.get(unit, "train"))
        for track, unit in zip(tracks, units, strict=True)
    ]
    return done, list(_torn(tracks, units, stated, digests or {}))


def _torn(
    tracks: list[Track], units: list[str], stated: dict[str, set[str]], digests: Mapping[str, str]
) -> Iterable[str]:
    """Recordings whose copies are in several splits because the data say so."""
    for unit, names in stated.items():
        if len(names) < 2:
            continue
        copies: dict[str, dict[str, str]] = {}
        for track, own in zip(tracks, units, strict=True):
            digest = digests.get(str(track.file))
            if own == unit and track.split and digest:
                copies.setdefault(digest, {}).setdefault(track.split, track.id)
        for found in copies.values():
            if len(found) > 1:
                listed = ", ".join(f"{identity} in {name}" for name, identity in sorted(found.items()))
                yield f"the same recording is in several splits, as the data say: {listed}"


def _groups(tracks: list[Track], digests: Mapping[str, str]) -> dict[str, str]:
    """The name of the group of each unit: the first of the units that share a recording with it."""
    above: dict[str, str] = {}

    def first(unit: str) -> str:
        while above.setdefault(unit, unit) != unit:
            above[unit] = unit = above[above[unit]]
        return unit

    owners: dict[str, str] = {}
    for track in tracks:
        unit = first(_unit(track))
        if digest := digests.get(str(track.file)):
            other = first(owners.setdefault(digest, unit))
            above[max(unit, other)] = min(unit, other)
    return {unit: first(unit) for unit in list(above)}


def _unit(track: Track) -> str:
    key = key_of(PurePosixPath(track.path))[0]
    return name if (name := name_of(key)).isdecimal() else f"{track.set}/{key}"


def _bytes(text: str) -> bytes:
    """Text as bytes, also a file's name that is no text of the system's encoding."""
    return text.encode("utf-8", "surrogateescape")
