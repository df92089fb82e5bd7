"""The shared look of the trainer's pictures, and the curves of training runs.

    with picture(path) as axes:
        axes.plot(...)

matplotlib without a screen and without pyplot's state; the style holds inside the `with` only.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from musicgen_app.errors import DependencyError, FileError
from musicgen_app.machine import files

COLOURS = ("#2f5d8a", "#c8703a", "#4f8a5b", "#8a5a9e", "#a8902c", "#4a4a4a")
STYLE: dict[Any, Any] = {
    "figure.dpi": 150,
    "figure.constrained_layout.use": True,
    "font.size": 9,
    "text.color": "#222222",
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.labelcolor": "#444444",
    "axes.edgecolor": "#999999",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.xmargin": 0.01,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "xtick.color": "#999999",
    "xtick.labelcolor": "#444444",
    "ytick.color": "#999999",
    "ytick.labelcolor": "#444444",
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "legend.fontsize": 8,
}
PANELS = {
    "loss": "loss",
    "val": "validation loss",
    "lr": "learning rate",
    "gradient": "gradient norm",
    "clap": "REPA-CLAP, 1 \u2212 cos",
    "muq": "REPA-MuQ, 1 \u2212 cos",
}
OTHERS = "val_shuffled"  # validation loss with the captions of other items, dashed in the panel of "val"
POINTS = 60  # of a smoothed curve


@contextmanager
def picture(path: Path, rows: int = 1, columns: int = 1, size: tuple[float, float] = (6.4, 3.6)) -> Iterator:
    """Axes to draw on (an array for several rows or columns). At the end the PNG is written, whole or not at all.

    size: width and height in inches, at 150 points an inch. A picture that is there is replaced.
    Raises FileError when it cannot be written, and DependencyError without matplotlib.
    """
    try:
        import matplotlib
        from cycler import cycler
        from matplotlib.figure import Figure
    except ImportError as error:
        raise DependencyError("pictures need the package matplotlib: pip install matplotlib") from error
    with matplotlib.rc_context({**STYLE, "axes.prop_cycle": cycler(color=COLOURS)}):
        figure = Figure(figsize=size)
        yield figure.subplots(rows, columns)
        data = io.BytesIO()
        figure.savefig(data, format="png")
    files.write(path, data.getvalue(), overwrite=True)


def shades(count: int) -> list[tuple[float, float, float, float]]:
    """Colours from dark to light for `count` lines that have an order."""
    import matplotlib

    return [tuple(colour) for colour in matplotlib.colormaps["viridis"](np.linspace(0.05, 0.85, count))]


def curves(metrics: Path | Mapping[str, Path], out: Path) -> None:
    """Draw the losses, the learning rate and the gradient norm over the steps; what was not logged is left out.

    metrics: a `metrics.jsonl`, or several to lay over one another, by the name each is given in the picture.
    Raises FileError when one cannot be read or holds no numbers.
    """
    runs = {"": metrics} if isinstance(metrics, Path) else dict(metrics)
    series = {name: read_metrics(path) for name, path in runs.items()}
    panels = [key for key in PANELS if any(key in values for values in series.values())]
    rows = -(-len(panels) // 2)
    with picture(out, rows, min(2, len(panels)), size=(4.6 * min(2, len(panels)), 2.8 * rows)) as grid:
        axes = np.atleast_1d(grid).ravel()
        for ax, key in zip(axes, panels, strict=False):
            _panel(ax, key, series)
        for ax in axes[len(panels) :]:
            ax.set_axis_off()
        if len(runs) > 1:
            axes[0].legend()


def read_metrics(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Steps and values of each panel that a metrics.jsonl has numbers for. Of a step logged twice the last counts.

    A last line that is cut off (the run was killed, or writes just now) is left out. Raises FileError.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(f"{path} cannot be read ({error}): give the metrics.jsonl of a run") from error
    found: dict[str, dict[int, float]] = {}
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            for key in (*PANELS, OTHERS):
                if row.get(key) is not None and np.isfinite(row[key]):
                    found.setdefault(key, {})[int(row["step"])] = float(row[key])
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if number < len(lines):
                raise FileError(f"{path}: line {number} is no row of metrics; remove it") from error
    if not found:
        raise FileError(f"{path} holds no metrics yet: plot it after some steps")
    ordered = {key: sorted(values.items()) for key, values in found.items()}
    return {key: (np.array([n for n, _ in of]), np.array([v for _, v in of])) for key, of in ordered.items()}


def _panel(ax, key: str, runs: Mapping[str, dict[str, tuple[np.ndarray, np.ndarray]]]) -> None:
    """One curve a run: the values as they were logged, pale, and their running median where there are many."""
    for (name, found), colour in zip(runs.items(), _cycle(len(runs)), strict=True):
        steps, values = found.get(key, ((), ()))
        if key not in ("lr", "val") and len(steps) > 2 * POINTS:
            ax.plot(steps, values, color=colour, alpha=0.2, linewidth=0.6)
            groups = np.array_split(np.arange(len(steps)), POINTS)
            steps, values = (np.array([np.median(x[group]) for group in groups]) for x in (steps, values))
        ax.plot(steps, values, color=colour, label=name, marker="o" if len(steps) == 1 else None, markersize=3)
        if key == "val" and OTHERS in found:
            ax.plot(*found[OTHERS], color=colour, linewidth=1, linestyle="--", alpha=0.6)
    ax.set(xlabel="step", xlim=(0, None))
    ax.set_title(PANELS[key])
    if key == "val" and any(OTHERS in found for found in runs.values()):
        (dashed,) = ax.plot([], [], color=COLOURS[-1], linewidth=1, linestyle="--", label="captions of others")
        ax.legend(handles=[dashed])


def _cycle(count: int) -> list:
    """Colours for `count` runs."""
    return list(COLOURS[:count]) if count <= len(COLOURS) else shades(count)
