"""What is in a corpus: the rows of its manifest -> counts, and a picture of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from musicgen_app.errors import FileError

from ..data.corpus_reader import read_rows
from ..runtime.charts import COLOURS, picture

COUNTED = ("split", "set", "genre", "licence")
FACTS = ("metre", "density", "dynamics", "tonality")  # of composed music, by name
MOST = 32  # bars of a panel


def stats(folder: Path) -> dict:
    """Clips, hours and Counters of clips: by split, set, genre and licence, and of composed music by what is known.

    Raises FileError: no corpus.
    """
    try:
        rows = read_rows(folder)
        counts = {key: Counter(str(row.get(key) or "unknown") for row in rows) for key in COUNTED}
        told = [row.get("facts") or {} for row in rows]
        counts["drums"] = Counter({True: "yes", False: "no"}[facts["drums"]] for facts in told if "drums" in facts)
        counts |= {key: Counter(facts[key] for facts in told if facts.get(key)) for key in FACTS}
        counts["instrument"] = Counter(name for facts in told for name in facts.get("instruments", ()))
        counts["key"] = Counter(facts["key"] for facts in told if facts.get("key"))
        counts["mood"] = Counter(mood for facts in told for mood in facts.get("moods", ()))
        counts["tempo"] = Counter(10 * round(facts["bpm"] / 10) for facts in told if "bpm" in facts)
        seconds = sum(row["seconds"] for row in rows)
    except OSError as error:
        raise FileError(f"cannot read {folder}: {error.strerror}; build the corpus first") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{folder} has no corpus manifest ({error}); build the corpus again") from error
    return {"clips": len(rows), "hours": seconds / 3600} | {key: count for key, count in counts.items() if count}


def draw(facts: dict, out: Path) -> None:
    """Draw the counts as bars to a PNG. Raises FileError and DependencyError."""
    panels = [name for name in ("genre", "instrument", "mood", "key", "tempo", "licence") if name in facts]
    if not panels:
        raise FileError("there is nothing to draw: build the corpus first")
    rows = -(-len(panels) // 2)
    with picture(out, rows, 2, size=(11, 5.2 * rows)) as grid:
        axes = list(grid.ravel())
        for ax, name, colour in zip(axes, panels, COLOURS, strict=False):
            _bars(ax, name, facts[name], colour)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()


def _bars(ax, name: str, count: Counter, colour: str) -> None:
    """Clips by value: tempi in their order, everything else the most frequent first."""
    if name == "tempo":
        ax.bar(list(count), list(count.values()), width=8, color=colour)
        ax.set(title="tempo (beats a minute)", ylabel="clips")
        return
    labels, values = zip(*reversed(count.most_common(MOST)), strict=True)
    ax.barh([str(label)[:30] for label in labels], values, color=colour)
    ax.tick_params(axis="y", labelsize=6)
    more = f", the {MOST} most frequent of {len(count)}" if len(count) > MOST else f" ({len(count)})"
    ax.set(title=name + more, xlabel="clips")
