"""What a model was trained on: manifest rows -> hours by licence, and the credits file."""

from __future__ import annotations


def licences_of(rows: list[dict]) -> list[dict]:
    """What a corpus is made of, for the config: hours a set and licence."""
    hours: dict[tuple[str, str], float] = {}
    for row in rows:
        key = (row["set"], row["licence"])
        hours[key] = hours.get(key, 0.0) + row["seconds"] / 3600
    return [{"name": name, "licence": licence, "hours": round(h, 2)} for (name, licence), h in sorted(hours.items())]


def credits_of(rows: list[dict]) -> str:
    """The credits: every source once, with its licence, as Markdown."""
    recorded = sorted({f"- {row['source']} ({row['licence']})" for row in rows if row["set"] != "composed"})
    tools = {tool.strip() for row in rows if row["set"] == "composed" for tool in row["source"].split(";")[1:]}
    composed = [f"- {tool}" for tool in sorted(tools)]
    text = []
    if composed:
        text += ["Music composed and rendered by this project's own code (CC0-1.0), with:", "", *composed, ""]
    if recorded:
        text += ["Recorded music, with thanks to its makers:", "", *recorded, ""]
    return "\n".join(text)
