"""The figures of `ttm_trainer.aligner.evaluate` for people: a text table, a JSON file and two pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from musicgen_app.aligner import Aligner
from musicgen_app.machine import files

LICENCE = "CC0-1.0"  # of weights trained on the composed corpus, which is CC0 itself


def table(report: dict) -> str:
    """The report in lines of at most 100 columns."""
    lines = [f"{report['aligner']}: {report['clips']} unseen clips of {report['tracks']} tracks", ""]
    lines.append(f"{'retrieval':<20} {'of':>5}  {'text -> audio':<32} {'audio -> text'}")
    lines.append(f"{'':<26}  " + f"{'R@1':>6} {'R@5':>6} {'R@10':>6} {'median':>7}    " * 2)
    for name, row in report["retrieval"].items():
        both = "    ".join(
            f"{way['R@1']:6.1%} {way['R@5']:6.1%} {way['R@10']:6.1%} {way['median_rank']:7.0f}"
            for way in (row["text_to_audio"], row["audio_to_text"])
        )
        lines.append(f"{name:<20} {row['of']:>5}  {both}")
    scores = report["scores"]["all"]
    lines += ["", f"{'scores':<20} {'mean':>7} {'std':>7} {'5 %':>7} {'median':>7} {'95 %':>7}"]
    for name in ("matched", "shuffled"):
        row = scores[name]
        lines.append(
            f"{name:<20} {row['mean']:7.3f} {row['std']:7.3f} {row['q05']:7.3f} {row['q50']:7.3f} {row['q95']:7.3f}"
        )
    lines.append(f"a clip's own caption scores above another track's in {scores['matched_beats_shuffled']:.1%}")
    lines += ["", f"{'told by name':<20} {'clips':>5} {'of':>4} {'top 1':>7} {'top 3':>7} {'commonest':>10}"]
    instruments = report["attributes"].get("instruments")
    for name, row in report["attributes"].items():
        if name == "instruments":
            continue
        third = f"{row['top3']:7.1%}" if "top3" in row else f"{'':>7}"
        lines.append(
            f"{name:<20} {row['clips']:>5} {row['classes']:>4} {row['top1']:7.1%} {third} {row['commonest']:10.1%}"
        )
    if instruments:
        lines.append(
            f"instrument present: area under the ROC curve {instruments['mean_area']:.3f}, mean of instruments"
        )
    return "\n".join(line.rstrip() for line in lines)


def confusions(report: dict, count: int = 12) -> list[tuple[str, str, int, int]]:
    """The most frequent confusions: (true genre, chosen genre, clips, clips of the true genre)."""
    found = [
        (true, chosen, clips, sum(row.values()))
        for true, row in report["attributes"].get("genre", {}).get("confusion", {}).items()
        for chosen, clips in row.items()
        if chosen != true
    ]
    return sorted(found, key=lambda entry: -entry[2])[:count]


def card(aligner: Aligner, report: dict | None, recipe: dict, data: list[dict]) -> str:
    """The README of an aligner folder, as Markdown."""
    config, towers = aligner.config, aligner.towers
    count = {name: sum(p.numel() for p in tower.parameters()) / 1e6 for name, tower in towers.named_children()}
    learnt = ", ".join(f"{row['hours']:.1f} h of {row['name']} clips ({row['licence']})" for row in data)
    text = f"""# {aligner.name}

Texts and music -> unit vectors of width {config.width}; the dot product says how well they fit. It stands in for CLAP
offline, and its scores are not CLAP scores: they have their own scale.

- Text: the frozen Universal Sentence Encoder (multilingual v3) of the prompt, its clauses and its words, then
  {config.text_blocks} attention blocks, {count["text"]:.1f}M parameters. Audio: {config.mels} log-mel bands of
  {config.seconds:g} s at {config.sample_rate / 1000:g} kHz, every window at the same level, then residual
  convolutions, {count["audio"]:.1f}M parameters.
- Trained on {learnt}; sources in `CREDITS.md`. Unseen clips (split `val`: other tracks, other composer seeds) were
  never trained on.
- Symmetric InfoNCE with a learned temperature (as CLIP, arXiv 2103.00020, and CLAP, arXiv 2211.06687):
  {", ".join(f"{name} {value}" for name, value in recipe.items())}. The averaged weights are kept.
- Weights: {LICENCE}.
"""
    if report is None:
        return text
    wrong = "; ".join(
        f"{true} taken for {chosen} ({clips} of {total})" for true, chosen, clips, total in confusions(report)
    )
    tiers, genres = aligner.tiers, len(report["attributes"].get("genre", {}).get("confusion", {}))
    return f"""{text}
## Measured on unseen clips

    {table(report).replace(chr(10), chr(10) + "    ").replace("    " + chr(10), chr(10))}

Many short captions are true of many clips ("rock, drums, energetic"), and clips of one track share most of their facts;
so an exact hit is rarer than a right answer. "commonest" is the score of always naming the commonest class.

Score tiers: high from {tiers["high"]}, the mean of clips with their own captions; medium from {tiers["medium"]}, as
far from shuffled pairs to that mean as 0.20 is from 0 to 0.33, the challenge's CLAP tiers.

Most frequent confusions of genre: {wrong}. The whole table is `genres.png`, the scores are `scores.png`, all figures
`evaluation.json`; `ttm-app aligner evaluate --data FOLDER` measures again.

## What it cannot do

It has heard composed and rendered music of {genres} genres only, never a recording and never a voice. Compare scores
of prompts of one kind: long and dense captions score otherwise than short ones.
"""


def write_report(report: dict, folder: Path) -> None:
    """`evaluation.json`, `genres.png` and `scores.png` in a folder. FileError: they cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    files.write(folder / "evaluation.json", (json.dumps(report, indent=1) + "\n").encode(), overwrite=True)
    if "genre" in report["attributes"]:
        draw_genres(report, folder / "genres.png")
    draw_scores(report, folder / "scores.png")


def draw_genres(report: dict, path: Path) -> None:
    """The genres of clips (rows) against the genre that is told from the audio (columns), as shares of a row."""
    from ..runtime.charts import picture

    confusion = report["attributes"]["genre"]["confusion"]
    names = list(confusion)
    counts = np.array([[confusion[true].get(chosen, 0) for chosen in names] for true in names], float)
    shares = counts / counts.sum(axis=1, keepdims=True)
    size = 2.5 + 0.16 * len(names)
    with picture(path, size=(size, size)) as axes:
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        axes.grid(False)
        axes.set_xticks(range(len(names)), names, rotation=90, fontsize=6)
        axes.set_yticks(range(len(names)), names, fontsize=6)
        axes.set(xlabel="told from the audio", ylabel="true genre")
        axes.set_title(f"Genre of {report['clips']} unseen clips: {report['attributes']['genre']['top1']:.0%} right")


def draw_scores(report: dict, path: Path) -> None:
    """Histograms of the scores of matched and of shuffled pairs."""
    from ..runtime.charts import COLOURS, picture

    histogram = report["scores"]["all"]["histogram"]
    edges = np.linspace(-1, 1, len(histogram["matched"]) + 1)
    with picture(path) as axes:
        for name, colour in (("shuffled", COLOURS[1]), ("matched", COLOURS[0])):
            axes.stairs(histogram[name], edges, fill=True, color=colour, alpha=0.6, label=name)
            axes.axvline(report["scores"]["all"][name]["mean"], color=colour, linewidth=1)
        axes.set(xlabel="score", ylabel="share of pairs")
        axes.set_title("Scores of clips with their own and with other tracks' captions")
        axes.legend()
