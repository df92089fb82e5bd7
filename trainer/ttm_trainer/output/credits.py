"""What a model was trained on: rows -> hours by set and licence, and the credits file.

A row is a dict with `set`, `licence`, `source` and `seconds`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

COMPOSED = "composed"  # the set of music that this project's own code wrote and rendered
MIDI = "midi"  # that of MIDI files which it arranged and rendered; a source names the file first, then the tools


def licences_of(rows: Iterable[dict]) -> list[dict]:
    """Hours by set and licence, for the config: [{"name", "licence", "hours"}]."""
    hours: dict[tuple[str, str], float] = {}
    for row in rows:
        key = (row["set"], row["licence"])
        hours[key] = hours.get(key, 0.0) + row["seconds"] / 3600
    return [{"name": name, "licence": licence, "hours": round(h, 2)} for (name, licence), h in sorted(hours.items())]


def credits_of(rows: Iterable[dict]) -> str:
    """The credits: every source once, with its licence, as Markdown."""
    recorded, arranged, tools = set(), set(), set()
    unnamed: Counter[tuple[str, str]] = Counter()
    composed = False
    for row in rows:
        if row["set"] in (COMPOSED, MIDI):
            piece, *used = (part.strip() for part in row["source"].split(";"))
            tools |= set(used)
            composed |= row["set"] == COMPOSED
            if row["set"] == MIDI:
                arranged.add(f"{piece.removesuffix(', arranged by ttm-app')} ({row['licence']})")
        elif row["source"]:
            recorded.add(f"{row['source']} ({row['licence']})")
        else:
            unnamed[row["set"], row["licence"]] += 1
    recorded |= {f"{count} tracks of {name}, makers not named ({kind})" for (name, kind), count in unnamed.items()}
    own = "Music composed and rendered by this project's own code (CC0-1.0), with:"
    lists = {
        own if composed else "Rendered by this project's own code, with:": tools,
        "MIDI files, arranged and rendered with the same, with thanks to their makers:": arranged,
        "Recorded music, with thanks to its makers:": recorded,
    }
    return "\n".join(
        line
        for title, lines in lists.items()
        if lines
        for line in (title, "", *(f"- {one}" for one in sorted(lines)), "")
    )


def licence_note(rows: Iterable[dict], licence: str) -> str | None:
    """A note on data that may not suit a model under `licence`: their terms go further than its own, or are unknown."""
    doubtful: Counter[str] = Counter()
    for row in licences_of(rows):
        terms = set(row["licence"].upper().replace("_", "-").split("-"))
        if row["licence"].lower() in ("", "unknown") or terms & {"NC", "ND"} - set(licence.upper().split("-")):
            doubtful[row["licence"] or "unknown"] += row["hours"]
    if not doubtful:
        return None
    listed = ", ".join(f"{name} {hours:.1f} h" for name, hours in doubtful.most_common(6))
    return f"the model is to be under {licence}, but of its data there are {listed}: see whether that is allowed"
