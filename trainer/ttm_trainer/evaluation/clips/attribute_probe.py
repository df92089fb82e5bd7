"""Tells drums, genre and instruments from the sound of a clip: a linear classifier fitted on captioned clips.

It is a ridge regression from features of the sound (the embedder's vector and `descriptors.descriptor`) to the facts in
the clip's score. The thresholds are placed on some of the fitting clips, of other tracks. The classifier is a measuring
instrument with an error of its own, so every use also measures how often it is right on unseen real clips.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...aligner.evaluate import area

# What a listener may call it -> names in the corpus
INSTRUMENTS: dict[str, tuple[str, ...]] = {
    "piano": ("piano", "honky-tonk piano", "electric grand piano"),
    "electric piano": ("electric piano",),
    "organ": ("organ", "church organ", "reed organ", "calliope"),
    "harpsichord": ("harpsichord",),
    "clavinet": ("clavinet",),
    "mallets": ("vibraphone", "marimba", "xylophone"),
    "bells": ("bells", "celesta", "glockenspiel", "music box", "tubular bells", "toy piano", "singing bowls"),
    "accordion": ("accordion",),
    "harmonica": ("harmonica",),
    "acoustic guitar": ("acoustic guitar", "nylon guitar"),
    "distorted guitar": ("distorted guitar", "overdriven guitar"),
    "electric guitar": (
        "clean electric guitar", "muted guitar", "jazz guitar", "overdriven guitar", "distorted guitar",
        "guitar harmonics",
    ),
    "banjo": ("banjo",),
    "sitar": ("sitar",),
    "koto": ("koto", "shamisen"),
    "dulcimer": ("dulcimer",),
    "kalimba": ("kalimba",),
    "harp": ("harp",),
    "electric bass": ("electric bass", "fretless bass", "slap bass"),
    "double bass": ("double bass", "contrabass"),
    "synth bass": ("synth bass", "sub bass", "reese bass", "acid bass", "chiptune bass"),
    "violin": ("violin", "fiddle"),
    "viola": ("viola",),
    "cello": ("cello",),
    "strings": ("strings", "tremolo strings", "pizzicato strings", "synth strings"),
    "trumpet": ("trumpet", "muted trumpet"),
    "trombone": ("trombone",),
    "french horn": ("french horn",),
    "brass": ("brass", "synth brass", "trumpet", "muted trumpet", "trombone", "tuba", "french horn"),
    "saxophone": ("saxophone", "baritone saxophone"),
    "bagpipes": ("bagpipes",),
    "clarinet": ("clarinet",),
    "oboe": ("oboe", "english horn", "shawm"),
    "bassoon": ("bassoon",),
    "flute": ("flute", "piccolo", "recorder", "pan flute", "shakuhachi", "ocarina", "whistle"),
    "steel drums": ("steel drums", "handpan"),
    "voices": ("voices", "choir pad"),
    "synth lead": ("supersaw lead", "saw lead", "square lead", "theremin lead", "cowbell lead"),
    "synth pad": ("warm pad", "airy pad", "choir pad", "drone", "sweep pad"),
    "synth arpeggio": ("arpeggiated synth", "plucked synth"),
    "synthesizer": (
        "supersaw lead", "saw lead", "square lead", "supersaw chords", "plucked synth", "arpeggiated synth",
        "warm pad", "airy pad", "synth bass", "synth strings", "synth brass",
    ),
    "chiptune lead": ("chiptune lead", "chiptune arpeggio"),
    "drum machine": ("drum machine", "808 drums", "electronic drums", "8-bit drums", "distorted drum machine"),
    "drum kit": ("acoustic drums", "rock drums", "jazz drums", "brushed drums", "breakbeat drums"),
    "hand percussion": (
        "congas", "hand drums", "shaker", "tambourine", "bongos", "timbales", "claves", "cowbell", "woodblocks",
        "hand claps", "sleigh bells",
    ),
    "orchestral percussion": ("orchestral percussion", "timpani", "war drums", "marching drums"),
}  # fmt: skip
RIDGE = 100.0
LEAST = 8  # clips with something, and without it, for it to be learnt
PLACING = 0.3  # share of the fitting tracks that place the thresholds


def groups_of(name: str) -> tuple[str, ...]:
    """The groups that an instrument of the corpus is in, the narrowest first."""
    found = [group for group, members in INSTRUMENTS.items() if name in members]
    return tuple(sorted(found, key=lambda group: len(INSTRUMENTS[group])))


@dataclass(frozen=True, eq=False)
class AttributeProbe:
    """A fitted classifier. Labels: "drums", "genre NAME" and "instrument GROUP"; what was too rare has none."""

    labels: tuple[str, ...]
    mean: np.ndarray  # (D,) of the features
    std: np.ndarray
    weights: np.ndarray  # (D, L)
    thresholds: np.ndarray  # (L,)

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Features (N, D) -> (N, L), each above 0 where the label is taken to be true."""
        return (features - self.mean) / self.std @ self.weights - self.thresholds

    def attributes(self, features: np.ndarray) -> dict:
        """Of one clip (D,): {"drums": bool, "genres": names from likely to unlikely, "instruments": {group: bool}}."""
        scores = dict(zip(self.labels, self.scores(features[None])[0], strict=True))
        genres = {label[6:]: score for label, score in scores.items() if label.startswith("genre ")}
        return {
            "drums": bool(scores["drums"] > 0) if "drums" in scores else None,
            "genres": tuple(sorted(genres, key=lambda name: genres[name], reverse=True)),
            "instruments": {label[11:]: bool(s > 0) for label, s in scores.items() if label.startswith("instrument ")},
        }


def truth(facts: Sequence[dict]) -> tuple[tuple[str, ...], np.ndarray]:
    """What facts of clips say: all labels, and whether each is true of each clip (N, L)."""
    genres = sorted({f["genre"] for f in facts if f.get("genre")})
    columns = {"drums": [bool(f.get("drums")) for f in facts]}
    columns |= {f"genre {genre}": [f.get("genre") == genre for f in facts] for genre in genres}
    for group, members in INSTRUMENTS.items():
        columns[f"instrument {group}"] = [not set(members).isdisjoint(f.get("instruments", ())) for f in facts]
    return tuple(columns), np.array(list(columns.values())).T


def fit(features: np.ndarray, facts: Sequence[dict], tracks: Sequence[str]) -> AttributeProbe:
    """Fit on features (N, D) of clips with facts; clips of one track stay together. ValueError: nothing to tell."""
    labels, answers = truth(facts)
    names = sorted(set(tracks))
    np.random.default_rng(0).shuffle(names)
    placing = np.isin(tracks, names[: max(1, round(PLACING * len(names)))])
    enough = np.minimum(answers[~placing].sum(axis=0), (~answers[~placing]).sum(axis=0)) >= LEAST
    known = np.flatnonzero(enough).tolist()
    if not known:
        raise ValueError(f"{len(facts)} clips are too few to learn from")
    x, y = features[~placing], answers[~placing][:, known].astype(float)
    mean, std = x.mean(axis=0), x.std(axis=0) + 1e-6
    x = (x - mean) / std
    share = y.mean(axis=0)
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ (y - share))
    scores = (features[placing] - mean) / std @ weights
    thresholds = np.array([_threshold(scores[:, column], answers[placing][:, k]) for column, k in enumerate(known)])
    return AttributeProbe(tuple(labels[k] for k in known), mean, std, weights, thresholds)


def _threshold(scores: np.ndarray, true: np.ndarray) -> float:
    """Where sensitivity and specificity together are best; beyond all scores where there is one kind alone."""
    if not true.any() or true.all():
        return float(scores.max() if not true.any() else scores.min() - 1e-6)
    order = np.unique(scores)
    places = np.concatenate([[order[0] - 1e-6], (order[1:] + order[:-1]) / 2])
    balance = np.array([(scores[true] > place).mean() + (scores[~true] <= place).mean() for place in places])
    best = places[balance > balance.max() - 1e-9]
    return float((best.min() + best.max()) / 2)


def accuracy(probe: AttributeProbe, features: np.ndarray, facts: Sequence[dict]) -> dict:
    """How right it is on clips (N, D) it was not fitted on: JSON-safe.

    drums: share of right answers; genre: first and among the first three; instruments: of each group the clips that
    have it, the area under the ROC curve, and how often it is heard where it is and where it is not.
    """
    labels, answers = truth(facts)
    columns = {label: answers[:, k] for k, label in enumerate(labels)}
    scores = dict(zip(probe.labels, probe.scores(features).T, strict=True))
    report: dict = {"clips": len(facts)}
    if "drums" in scores:
        report["drums"] = round(float(((scores["drums"] > 0) == columns["drums"]).mean()), 4)
    genres = [label for label in scores if label.startswith("genre ")]
    known = [i for i, f in enumerate(facts) if f"genre {f.get('genre')}" in genres]
    if genres and known:
        order = np.argsort(-np.stack([scores[g] for g in genres], axis=1)[known], axis=1)
        own = np.array([genres.index(f"genre {facts[i]['genre']}") for i in known])
        place = (order == own[:, None]).argmax(axis=1)
        report["genre"] = {"of": len(genres), "top1": _round((place < 1).mean()), "top3": _round((place < 3).mean())}
    groups = {}
    for label in probe.labels:
        true = columns.get(label)
        if label.startswith("instrument ") and true is not None and true.any() and not true.all():
            groups[label[11:]] = {
                "clips": int(true.sum()),
                "area": _round(area(scores[label][true], scores[label][~true])),
                "heard where it is": _round((scores[label][true] > 0).mean()),
                "heard where it is not": _round((scores[label][~true] > 0).mean()),
            }
    if groups:
        figures = [name for name in next(iter(groups.values())) if name != "clips"]
        means = {name: _round(np.mean([group[name] for group in groups.values()])) for name in figures}
        report["instruments"] = {"groups": len(groups), "mean": means, "each": groups}
    return report


def _round(value: float | np.floating) -> float:
    return round(float(value), 4)
