"""The report of `evaluation.prompt_adherence` as text: one table for each kind of prompt, and how right the
estimators are."""

from __future__ import annotations

from ..clips.targets import KINDS

WIDTH = 23  # of a cell


def table(report: dict) -> str:
    """Lines of text. In brackets the 95 % interval, with n the prompts that ask for it."""
    labels = [model["label"] for model in report["models"]]
    lines = _head(report)
    for kind in dict.fromkeys(entry["kind"] for entry in report["figures"]):
        entries = [entry for entry in report["figures"] if entry["kind"] == kind]
        lines += ["", f"{kind.upper()}: {KINDS.get(kind, 'all kinds together')}"]
        columns = ["floor", *labels, "real", "share of the way", *(f"minus {label}" for label in labels[1:])]
        lines.append(f"{'':<18}{'n':>4}  " + "".join(f"{column:<{WIDTH}}" for column in columns).rstrip())
        lines += [_row(entry, labels).rstrip() for entry in entries]
    lines += _probe(report["listener"])
    lines += ["", *(f"note: {note}" for note in report["notes"])]
    if report["bad"]:
        lines += ["", f"{len(report['bad'])} clips were left out:"]
        lines += [f"  {row['id']}: {row['reason']}" for row in report["bad"]]
    return "\n".join(lines)


def _head(report: dict) -> list[str]:
    lines = []
    for model in report["models"]:
        about, settings = model["model"], model["settings"]
        how = f"{settings['seconds']:g} s, {settings['solver']}, {settings['steps']} steps"
        how += f", guidance {settings['guidance']:g}"
        lines.append(f"{'model':<10} {model['label']} (weights {about['weights_sha256'][:8]}), {how}")
    prompts = report["prompts"]
    how = f"{prompts['used']} used, {report['models'][0]['clips_a_prompt']} clip(s) each"
    lines.append(f"{'prompts':<10} {prompts['name']} (sha256 {prompts['sha256'][:8]}), {how}")
    lines.append(f"{'embedder':<10} {report['embedder']}")
    if report["real"]:
        lines.append(f"{'real':<10} {report['real']['clips']} unseen clips of {report['real']['data']}")
    return lines


def _row(entry: dict, labels: list[str]) -> str:
    name = entry["measure"]
    cells = [_cell(entry["floor"], name, False)]
    cells += [_cell(entry["models"].get(label), name) for label in labels]
    cells += [_cell(entry["real"], name), _cell(entry["share"], "share")]
    cells += [_cell(entry["gain"].get(label), name) for label in labels[1:]]
    count = next(iter(entry["models"].values()))["clips"]
    return f"{name:<18}{count:>4}  " + "".join(f"{cell:<{WIDTH}}" for cell in cells)


def _cell(figure: dict | None, measure: str, interval: bool = True) -> str:
    if figure is None:
        return "-"
    if measure == "alignment":
        ends = f" ({figure['low']:.2f} to {figure['high']:.2f})" if interval and "low" in figure else ""
        return f"{figure['value']:.3f}{ends}"
    ends = f" ({figure['low']:.0%} to {figure['high']:.0%})" if interval and "low" in figure else ""
    return f"{figure['value']:.0%}{ends}"


def _probe(right: dict) -> list[str]:
    """How often the classifier is right on unseen real clips."""
    if not right:
        return []
    lines = ["", f"the classifier, on {right['clips']} unseen real clips:"]
    if "drums" in right:
        lines.append(f"  drums or none: {right['drums']:.0%} right")
    if "genre" in right:
        genre = right["genre"]
        lines.append(f"  genre of {genre['of']}: {genre['top1']:.0%} right, {genre['top3']:.0%} among its first three")
    if "instruments" in right:
        mean = right["instruments"]["mean"]
        lines.append(
            f"  {right['instruments']['groups']} instruments: area under the ROC curve {mean['area']:.2f}; heard in"
            f" {mean['heard where it is']:.0%} of the clips that have them and {mean['heard where it is not']:.0%} of"
            " those that have not (means)"
        )
    return lines
