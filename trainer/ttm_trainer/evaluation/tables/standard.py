"""A report as text for people: a head that says what was measured, then each figure with what it depends on."""

from __future__ import annotations


def table(report: dict) -> str:
    """The report of `evaluation.standard.evaluate_model` as lines of text."""
    lines = [f"{name:<10} {text}" for name, text in _head(report)]
    lines += ["", f"{'FIGURE':<44} {'VALUE':>8}   {'95 % INTERVAL':<18} CLIPS"]
    for row in report["figures"]:
        lines += _figure(row)
    lines += [f"note: {note}" for note in report["notes"]]
    if report["bad"]:
        lines += ["", f"{len(report['bad'])} clips were left out:"]
        lines += [f"  {row['id']}: {row['reason']}" for row in report["bad"]]
    return "\n".join(lines)


def _head(report: dict) -> list[tuple[str, str]]:
    source = report["source"]
    if "model" in source:
        model, settings = source["model"], source["settings"]
        how = f"{settings['seconds']:g} s, {settings['solver']}, {settings['steps']} steps"
        how += f", guidance {settings['guidance']:g}"
        rows = [
            ("model", f"{model['name']} {model['version']} (weights {model['weights_sha256'][:8]}), {how}"),
            ("clips", f"{len(report['clips'])}, one a prompt, seed {source['seeds']}"),
        ]
    else:
        rows = [("clips", f"{len(report['clips'])} of {source['audio']}")]
    if "prompts" in report:
        prompts = report["prompts"]
        about = f"{prompts['name']} (sha256 {prompts['sha256'][:8]}), {prompts['used']} used"
        rows.append(("prompts", f"{about}; concepts {prompts['concepts']}"))
    embedder = report["embedder"]
    rows.append(("embedder", f"{embedder['name']}, {embedder['width']} dimensions, {embedder['sample_rate']} Hz"))
    if "reference" in report:
        reference = report["reference"]
        left_out = f", {len(reference['bad'])} left out" if reference["bad"] else ""
        rows.append(("reference", f"{reference['name']}: {reference['files']} clips{left_out}, {reference['what']}"))
    if "judge" in report:
        rows.append(("judge", report["judge"]["name"]))
    return rows


def _figure(row: dict) -> list[str]:
    arrow = {"lower": " (lower is better)", "higher": " (higher is better)"}.get(row.get("better", ""), "")
    interval = f"{row['low']:.4f} to {row['high']:.4f}" if "low" in row else "none"
    lines = [f"{row['name'] + arrow:<44} {row['value']:>8.4f}   {interval:<18} {row['clips']}"]
    lines.append("    " + "; ".join(_conditions(row)))
    if limit := row.get("extrapolated"):
        lines.append(f"    extrapolated to endless clips {limit['value']:.4f} (R2 {limit['r2']:.3f})")
    return lines + [f"    warning: {warning}" for warning in row.get("warnings", [])]


def _conditions(row: dict) -> list[str]:
    parts = [row["variant"]]
    parts += [f"{name} {row[name]}" for name in ("embedder", "judge", "reference") if name in row]
    if "reference_samples" in row:
        parts.append(
            f"{row['samples']} embeddings against {row['reference_samples']} of {row['reference_clips']} files"
        )
    elif "samples" in row:
        parts.append(f"{row['samples']} questions")
    return parts
