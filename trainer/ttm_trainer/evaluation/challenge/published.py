"""The published entries of the challenge with their sources, and a table of them beside one's own figures.

The organisers' figures are of one embedder, one reference that they keep to themselves and one judge. A figure of
another embedder, reference or judge has a column of its own, and the head of the column names what it depends on.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKPOINT = "music_audioset_epoch_15_esc_90.14"  # the challenge's embedder, of FAD and CLAP score
JUDGE = "Qwen3-Omni-30B-A3B"  # the judge of its CCS
FILE = Path(__file__).parent / "published.csv"
SOURCES = {
    "page": "the final table of the challenge's page, ntu-musicailab.github.io/ICME26-ATTM-Grand-Challenge",
    "Wang and Dubnov, table I": "Efficient Text-to-Music Generation via Flow Matching with Bidirectional Mamba SSM",
    "Cheng, Huang and Tan, section IV-B": "arXiv 2606.07387",
    "Yoshida, Chen and Fukayama, table I": "the paper of UT-AIST, which cites the challenge's, arXiv 2605.21538",
}
HEADS = {
    "fad": f"FAD: {CHECKPOINT}, hidden reference",
    "clap": f"CLAP score: {CHECKPOINT}",
    "ccs": f"CCS: {JUDGE}",
}
OWN = "this folder"


@dataclass(frozen=True)
class Entry:
    """A published row. id: of the submission, "" for a model that the organisers measured themselves."""

    id: str
    name: str
    parameters: str
    fad: float
    clap: float
    ccs: float
    source: str

    @property
    def title(self) -> str:
        words = " ".join(part for part in (self.id, self.name) if part)
        return f"{words} ({self.parameters})" if self.parameters else words


def entries() -> list[Entry]:
    """The published entries, best FAD first."""
    with open(FILE, encoding="utf-8", newline="") as file:
        cells: list[dict[str, Any]] = list(csv.DictReader(file))
    rows = [Entry(**row | {name: float(row[name]) for name in HEADS}) for row in cells]
    return sorted(rows, key=lambda row: row.fad)


def own_columns(report: dict) -> dict[str, float]:
    """Head of a column -> value, of the figures of a report of `scores.measure_challenge`.

    None shares a column with the published ones, whatever its embedder: the organisers' reference is hidden, the
    questions of their judge are not public, and nothing here can tell that a prompt file is theirs.
    """
    columns = {}
    prompts = f"prompts {report['prompts']['name']}"
    for row in report["figures"]:
        if row["name"].startswith("FAD"):
            columns[f"{row['name']}: {row['embedder']}, reference {report['reference']['name']}"] = row["value"]
        elif row["name"] == "CLAP score":
            columns[f"CLAP score: {row['embedder']}, {prompts}"] = row["value"]
        elif row["name"] == "CCS":
            columns[f"CCS: {row['judge']}, questions of ttm-app, {prompts}"] = row["value"]
    return columns


def table(report: dict | None = None) -> str:
    """The published entries as a Markdown table; with a report, its figures in a row of their own."""
    own = own_columns(report) if report else {}
    heads = [*HEADS.values(), *own]
    lines = ["| entry | " + " | ".join(heads) + " | source |", "|---|" + "---:|" * len(heads) + "---|"]
    if report:
        cells = [f"{own[head]:.3f}" if head in own else "" for head in heads]
        lines.append(f"| {OWN} | " + " | ".join(cells) + " | measured here |")
    for entry in entries():
        values = [f"{getattr(entry, name):.3f}" for name in HEADS] + [""] * (len(heads) - len(HEADS))
        lines.append(f"| {entry.title} | " + " | ".join(values) + f" | {entry.source} |")
    return "\n".join([*lines, "", *(f"{name}: {what}" for name, what in SOURCES.items())])
