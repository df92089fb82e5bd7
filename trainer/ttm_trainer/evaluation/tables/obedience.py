"""The report of `evaluation.plan_obedience` as text."""

from __future__ import annotations


def table(report: dict) -> str:
    """The measures, the kinds of chords, and every clip; in brackets the 95 % interval."""
    model, settings = report["model"], report["settings"]
    lines = [
        f"{model['name']} {model['version']} (weights {model['weights_sha256'][:8]}): {len(report['clips'])} clips of"
        f" songs {report['songs']}, {settings['solver']}, {settings['steps']} steps, guidance"
        f" {settings['guidance']:g}",
    ]
    if not report["follows_plans"]:
        lines.append("this model follows no plan: it is told of one in words")
    lines += ["", f"{'':<17}{'':<24}{'of':>5}"]
    lines += [f"{e['name']:<17}{_cell(e):<24}{e['of']:>5}  {e['what']}" for e in report["figures"]]
    kinds = (f"{row['quality']} {row['kept']:.0%} of {row['chords']}" for row in report["qualities"])
    lines += ["", f"kinds of chords: {', '.join(kinds)}"] if report["qualities"] else []
    head = ("chords", "tempo off by", "key", "drums", "energy", "onsets")
    lines += ["", f"{'':<22}{'metre':<7}{'key':<10}" + "".join(f"{name:<14}" for name in head).rstrip()]
    lines += [_row(row) for row in report["clips"]]
    lines += [f"left out {row['id']}: {row['reason']}" for row in report["bad"]]
    return "\n".join(lines)


def _row(row: dict) -> str:
    key = {None: "-", True: "heard", False: "relative" if row["key or relative"] else "another"}[row["key is heard"]]
    cells = [
        f"{row['kept']} of {row['chords']}",
        "-" if row["tempo error"] is None else f"{row['tempo error']:.2f} %",
        key,
        *("-" if row[name] is None else f"{row[name]:.0%}" for name in ("drums", "energy")),
        "-" if row["onsets"] is None else f"{row['onsets']:.2f}",
    ]
    head = f"{row['id']:<22}{row['metre']:<7}{row['key'] or '-':<10}"
    return (head + "".join(f"{cell:<14}" for cell in cells)).rstrip()


def _cell(entry: dict) -> str:
    shape = "{:.2f}" if entry["name"] == "onsets" else "{:.0%}"
    ends = f" ({shape.format(entry['low'])} to {shape.format(entry['high'])})" if "low" in entry else ""
    return shape.format(entry["value"]) + ends
