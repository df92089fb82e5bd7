"""Kept reports of `evaluate following`, `evaluate music`, `codec evaluate` -> the Markdown tables of a model card."""

from __future__ import annotations

from collections.abc import Sequence

from musicgen_app.analysis.artefacts import MEASURES
from musicgen_app.errors import RequestError

from ..codec_quality import SHAPES, TITLES, measured

ALIGNMENT = "alignment"


def cards(reports: Sequence[dict]) -> str:
    """A table for each report of `evaluate following` and of a codec, and one for all of `evaluate music` side by side.

    Raises RequestError for a report of another kind.
    """
    if not all({"listener", "limits", "subjects"} & report.keys() for report in reports):
        raise RequestError("only reports of `evaluate following`, `evaluate music` and `codec evaluate` are shown so")
    heard = [report for report in reports if "limits" in report]
    tables = [following(report) for report in reports if "listener" in report]
    tables += [music(heard)] if heard else []
    return "\n\n".join(tables + [codec(report) for report in reports if "subjects" in report])


def following(report: dict) -> str:
    """All kinds of prompts together: floor, every model, real music, and how far the first model has come."""
    labels = [model["label"] for model in report["models"]]
    rows = [["", "prompts", "floor", *labels, "real, unseen", "share of the way"]]
    kinds = [entry["kind"] for entry in report["figures"]]
    for entry in report["figures"]:
        if entry["kind"] != kinds[-1]:  # the last one is all kinds together
            continue
        name, models = entry["measure"], entry["models"]
        shape = "{:.3f}" if name == ALIGNMENT else "{:.0%}"
        own = [_cell(models.get(label), shape, "{:.2f}" if name == ALIGNMENT else shape) for label in labels]
        share = _cell(entry["share"], "{:.0%}", None)
        count = str(models[labels[0]]["clips"])
        rows.append([name, count, _cell(entry["floor"], shape, None), *own, _cell(entry["real"], shape, None), share])
    return _table(rows)


def music(reports: Sequence[dict]) -> str:
    """What a listener would notice: one column for each model, and one for the real clips of the first report."""
    names = [f"{report['model']['name']} {report['model']['version']}" for report in reports]
    rows = [["", *names, "real, unseen"]]
    columns = [(report, "generated") for report in reports] + [(reports[0], "real")]
    for name in (*MEASURES, "anything odd"):
        found = [_entry(report, name, of) for report, of in columns]
        shape = "{:.0%}" if name == "anything odd" else "{:.2f}"
        what = "clips with anything odd" if name == "anything odd" else f"{name}: {MEASURES[name][0]}"
        rows.append([what, *(_cell(entry, shape, shape) for entry in found)])
    return _table(rows)


def codec(report: dict) -> str:
    """One row for each codec and baseline; a cell has the figures of the datasets, one after the other."""
    folders = list(report["data"])
    names = measured(report["data"][folders[0]])
    titles = [TITLES[name] for name in names]
    rows = [[f"{report['excerpts']} excerpts each of {' / '.join(folders)}", "kbit/s", *titles]]
    for name in report["subjects"]:
        found = [report["data"][folder][name] for folder in folders]
        bits = " / ".join(f"{one['kbit_s']:.0f}" if one["kbit_s"] else "-" for one in found)
        cells = [" / ".join(_cell(one.get(key), SHAPES.get(key, "{:.0%}"), None) for one in found) for key in names]
        rows.append([name, bits, *cells])
    return _table(rows)


def _entry(report: dict, name: str, of: str) -> dict | None:
    return next((entry for entry in report["figures"] if (entry["name"], entry["of"]) == (name, of)), None)


def _cell(figure: dict | None, shape: str, ends: str | None) -> str:
    """A figure, with its interval where `ends` is the shape of it."""
    if figure is None:
        return "-"
    interval = f" ({ends} to {ends})".format(figure["low"], figure["high"]) if ends and "low" in figure else ""
    return (shape.format(figure["value"]) + interval).replace("%", " %")


def _table(rows: list[list[str]]) -> str:
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|---" * len(rows[0]) + "|", *lines[1:]])
