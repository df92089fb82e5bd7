"""Measures an aligner on unseen clips: retrieval, attributes named in plain words, and the spread of its scores.

The clips are those of a dataset folder's `val` split, or all of a folder that the aligner was not trained on. They go
through the public methods `text` and `audio`. Exact retrieval is hard by nature: a short caption such as "rock, drums,
energetic" is true of many clips, and the clips of one track share most of their facts. So there are also ranks among
one clip of each track, and accuracies by attribute.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from musicgen_app.aligner import Aligner

from ..corpus.caption.vocabulary import HALF_TIME
from ..data.corpus_reader import known_facts
from .data import read_clips, read_wave

DEPTHS = (1, 5, 10)
PLACES = (0.05, 0.25, 0.5, 0.75, 0.95)
PACES = ((76, "slow"), (100, "moderate"), (132, "brisk"), (1e9, "fast"))  # beats a minute below which, as in captions
LEAST = 10  # clips with an instrument, for it to be counted


def evaluate_aligner(
    aligner: Aligner, data: list[Path], show: Callable[[str], None] = print, split: str | None = "val"
) -> dict:
    """All figures on the clips of a split of dataset folders, as one JSON-ready dict. FileError: there are none.

    split: None for all clips, of data that the aligner was not trained on.
    """
    rows = read_clips(data, split)
    audio = embed_clips(aligner, rows, show)
    report = {"aligner": aligner.name, "clips": len(rows), "tracks": len(_first_of_tracks(rows))}
    report["retrieval"] = retrieval_report(aligner, rows, audio)
    report["scores"] = score_report(aligner, rows, audio)
    report["attributes"] = attribute_report(aligner, rows, audio)
    return report


def embed_clips(aligner: Aligner, rows: list[dict], show: Callable[[str], None] = print) -> np.ndarray:
    """Vectors (N, width) of the clips of rows."""
    vectors = []
    for number, row in enumerate(rows, 1):
        vectors.append(aligner.audio(read_wave(row, aligner.sample_rate)[None])[0])
        if number % 100 == 0 or number == len(rows):
            show(f"clips {number}/{len(rows)}")
    return np.stack(vectors)


def ranks(scores: np.ndarray) -> np.ndarray:
    """The rank (N,) of the diagonal entry of each row of a square matrix. The best is 0; a tie counts against it."""
    own = np.diag(scores)[:, None]
    return (scores >= own).sum(axis=1) - 1


def retrieval(scores: np.ndarray) -> dict[str, float]:
    """`R@1`, `R@5`, `R@10` and the median rank (1 is best) of a square score matrix whose diagonal is right."""
    places = ranks(scores)
    found = {f"R@{depth}": round(float((places < depth).mean()), 4) for depth in DEPTHS}
    return found | {"median_rank": float(np.median(places)) + 1}


def retrieval_report(aligner: Aligner, rows: list[dict], audio: np.ndarray) -> dict:
    """Retrieval in both directions by caption style: among all clips that have it, and among one clip a track."""
    report = {}
    for style, told, heard in _styles(rows, audio):
        text = aligner.text([row["captions"][style][0] for row in told])
        for name, chosen in (("all", slice(None)), ("one a track", _first_of_tracks(told))):
            scores = text[chosen] @ heard[chosen].T
            report[f"{style}, {name}"] = {
                "of": len(scores),
                "text_to_audio": retrieval(scores),
                "audio_to_text": retrieval(scores.T),
            }
    return report


def score_report(aligner: Aligner, rows: list[dict], audio: np.ndarray) -> dict:
    """The spread of scores, by style and over all: of clips with their own captions, and with those of other tracks."""
    matched, shuffled = [], []
    report: dict[str, Any] = {}
    for style, told, heard in _styles(rows, audio):
        tracks = np.array([f"{row['folder']}/{row['path']}" for row in told])
        scores = aligner.text([row["captions"][style][0] for row in told]) @ heard.T
        matched.append(np.diag(scores))
        shuffled.append(scores[tracks[:, None] != tracks[None]])
        report[style] = {"matched": _spread(matched[-1]), "shuffled": _spread(shuffled[-1])}
    own, others = np.concatenate(matched), np.concatenate(shuffled)
    below = np.searchsorted(np.sort(others), own) / len(others)
    edges = np.linspace(-1, 1, 101)
    shares = {name: np.histogram(v, edges)[0] / len(v) for name, v in (("matched", own), ("shuffled", others))}
    report["all"] = {
        "matched": _spread(own),
        "shuffled": _spread(others),
        "matched_beats_shuffled": round(float(below.mean()), 4),
        "histogram": {name: [round(float(share), 5) for share in values] for name, values in shares.items()},
    }
    return report


def propose_tiers(scores: dict, medium: float = 0.2 / 0.33) -> dict[str, float]:
    """Score tiers from a `score_report`, placed as the challenge's CLAP tiers are (arXiv 2606.07387, section 3.1).

    There `high` (0.33) is the mean of the matched validation scores; `medium` (0.20) is the same share of the way from
    what shuffled pairs score, about 0 with CLAP, to that mean.
    """
    high, floor = scores["all"]["matched"]["mean"], scores["all"]["shuffled"]["mean"]
    return {"high": round(high, 3), "medium": round(floor + medium * (high - floor), 3)}


def classify(aligner: Aligner, audio: np.ndarray, prompts: Sequence[Sequence[str]]) -> np.ndarray:
    """Scores (N, classes): each class is the mean vector of its prompts."""
    vectors = np.stack([aligner.text(list(wordings)).mean(axis=0) for wordings in prompts])
    return audio @ (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).T


def attribute_report(aligner: Aligner, rows: list[dict], audio: np.ndarray) -> dict:
    """How well genre, drums, pace, mode and main instrument are told from the audio by naming them, and chance.

    Each is measured on the clips whose row has that fact, and not by ear. An attribute that no row has is left out.
    """
    facts = [known_facts(row) for row in rows]
    report: dict[str, Any] = {}

    def told(name: str, truth: list[int | None], prompts: Sequence[Sequence[str]]) -> tuple[np.ndarray, np.ndarray]:
        known = [i for i, value in enumerate(truth) if value is not None]
        scores, labels = classify(aligner, audio[known], prompts), np.array([truth[i] for i in known], int)
        if known:
            report[name] = _accuracy(scores, labels)
        return scores, labels

    genres = sorted({f["genre"] for f in facts if f.get("genre")})
    if genres:
        truth = [genres.index(f["genre"]) if f.get("genre") else None for f in facts]
        scores, labels = told("genre", truth, [(g, f"a {g} track", f"{g} music") for g in genres])
        report["genre"]["confusion"] = _confusion(scores, labels, genres)
    prompts = [("music without drums", "no drums", "no percussion"), ("music with drums", "a drum beat", "drums")]
    told("drums", [int(f["drums"]) if "drums" in f else None for f in facts], prompts)
    prompts = [(f"a {word} tune", f"a {word} tempo", f"{word} music") for _, word in PACES]
    scores, labels = told("pace", [_pace(f) for f in facts], prompts)
    if len(labels):
        report["pace"]["within_one"] = round(float((np.abs(scores.argmax(1) - labels) <= 1).mean()), 4)
    modes = ("minor", "major")
    truth = [modes.index(f["tonality"]) if f.get("tonality") in modes else None for f in facts]
    told("mode", truth, [(f"music in a {mode} key", f"a {mode} key") for mode in modes])
    counts = Counter(name for f in facts for name in f.get("instruments", ()))
    names = sorted(name for name, count in counts.items() if count >= LEAST)
    if names:
        main = [names.index(m) if (m := main_instrument(f)) in names else None for f in facts]
        told("main instrument", main, [_naming(name) for name in names])
        report["instruments"] = _present(aligner, facts, audio, names)
    return report


def _pace(facts: dict) -> int | None:
    """The class of `PACES` by which captions call the tempo of a clip; None where they do not mention it."""
    if "tempo" not in facts or facts.get("genre") in HALF_TIME:
        return None
    return next(k for k, (top, _) in enumerate(PACES) if facts["tempo"] < top)


def _naming(instrument: str) -> tuple[str, ...]:
    return instrument, f"music with {instrument}", f"a track featuring {instrument}"


def _present(aligner: Aligner, facts: list[dict], audio: np.ndarray, names: list[str]) -> dict:
    """How well naming an instrument sorts the clips that have it before the others: areas under the ROC curve."""
    scores, areas = classify(aligner, audio, [_naming(name) for name in names]), {}
    for column, name in enumerate(names):
        has = np.array([name in f.get("instruments", ()) for f in facts])
        areas[name] = round(area(scores[has, column], scores[~has, column]), 3)
    mean = round(float(np.mean(list(areas.values()))), 4)
    return {"mean_area": mean, "areas": dict(sorted(areas.items(), key=lambda pair: -pair[1]))}


def main_instrument(facts: dict) -> str | None:
    """The instrument that plays the melody, else the first that is named; None where none is named."""
    names = facts.get("instruments", [])
    lead = [name for name in names if facts.get("roles", {}).get(name) == "melody"]
    return next(iter(lead or names), None)


def area(yes: np.ndarray, no: np.ndarray) -> float:
    """Area under the ROC curve: how often a clip of `yes` scores above one of `no`; 0.5 is chance."""
    order = np.sort(no)
    below, upto = np.searchsorted(order, yes, "left"), np.searchsorted(order, yes, "right")
    return float((below + upto).mean() / (2 * max(1, len(no))))


def _accuracy(scores: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Top-1, top-3, mean over classes, the share of the commonest class, for scores (N, classes)."""
    places = (scores > scores[np.arange(len(truth)), truth][:, None]).sum(axis=1)
    classes = np.unique(truth)
    result = {
        "clips": len(truth),
        "classes": scores.shape[1],
        "top1": round(float((places < 1).mean()), 4),
        "top1_mean_of_classes": round(float(np.mean([(places[truth == c] < 1).mean() for c in classes])), 4),
        "commonest": round(float(np.bincount(truth).max() / len(truth)), 4),
    }
    return result | ({"top3": round(float((places < 3).mean()), 4)} if scores.shape[1] > 4 else {})


def _confusion(scores: np.ndarray, truth: np.ndarray, names: list[str]) -> dict[str, dict[str, int]]:
    """{true name: {chosen name: clips}}, most frequent first."""
    chosen = scores.argmax(axis=1)
    counts = {name: Counter(names[c] for c in chosen[truth == k]) for k, name in enumerate(names)}
    return {name: dict(count.most_common()) for name, count in counts.items()}


def _spread(values: np.ndarray) -> dict[str, float]:
    spread = {"mean": float(values.mean()), "std": float(values.std())}
    spread |= {f"q{round(100 * q):02d}": float(np.quantile(values, q)) for q in PLACES}
    return {name: round(value, 4) for name, value in spread.items()}


def _styles(rows: list[dict], audio: np.ndarray) -> Iterator[tuple[str, list[dict], np.ndarray]]:
    """Every caption style with the rows that have captions of it, and the vectors of their clips."""
    for style in sorted({style for row in rows for style, own in row["captions"].items() if own}):
        has = [number for number, row in enumerate(rows) if row["captions"].get(style)]
        yield style, [rows[number] for number in has], audio[has]


def _first_of_tracks(rows: list[dict]) -> np.ndarray:
    """The number of the first row of each audio file."""
    first: dict[str, int] = {}
    for number, row in enumerate(rows):
        first.setdefault(f"{row['folder']}/{row['path']}", number)
    return np.array(list(first.values()))
