"""What notes do not say, drawn at random: the place of a part in the mix, its synth patch, the colour of a piece."""

from __future__ import annotations

import random

from ..compose.genres import Genre

GAINS = {"melody": 0.0, "chords": -1.0, "arpeggio": -1.0, "pad": -1.0, "bass": 0.0, "drums": 0.0, "percussion": -1.0}
REVERB = {"melody": 0.3, "chords": 0.22, "arpeggio": 0.3, "pad": 0.4, "bass": 0.04, "drums": 0.12, "percussion": 0.2}
WET = {"dry": 0.4, "room": 0.7, "plate": 0.9, "hall": 1.1, "cathedral": 1.4}


def place(role: str, room: str, side: int, rng: random.Random) -> tuple[float, float]:
    """Pan, towards `side` (-1 left, 1 right) unless the role belongs in the middle, and reverb send of a part."""
    pan = 0.0
    if role not in ("bass", "drums", "effect", "pad"):
        width = {"melody": 0.15, "percussion": 0.4}.get(role, 0.35)
        pan = round(side * rng.uniform(0.3, 1.0) * width, 2)
    return pan, round(min(0.9, REVERB.get(role, 0.2) * WET[room] * rng.uniform(0.7, 1.3)), 2)


def master(style: Genre, rng: random.Random) -> dict:
    """Renderer options of a piece: the style's, with a brightness."""
    options = dict(style.master)
    if "lofi" in options:
        options["lofi"] = round(rng.uniform(0.3, 0.8), 2)
    options.setdefault("brightness", round(rng.uniform(-2.5, 2.0), 1))
    return options


def patch(role: str, sound: str, sidechain: float, rng: random.Random) -> dict:
    """Options of a part: of a synth filter sweeps, resonance, detune, envelope, echo, drive; pumping (0..1)."""
    options: dict = {}
    if sidechain and role in ("pad", "chords", "bass", "arpeggio"):
        scale = {"pad": 1.0, "chords": 0.9, "bass": 0.7, "arpeggio": 0.5}[role]
        options["sidechain"] = round(min(0.9, sidechain * scale * rng.uniform(0.7, 1.2)), 2)
    kind = sound.removeprefix("synth:")
    if kind == sound or kind.startswith("drums:") or kind in ("vinyl", "sub_bass"):
        return options
    if role == "effect":
        return {"direction": "down"} if kind == "noise_sweep" else {}
    sweep = rng.random()
    if kind == "acid_bass":
        options["cutoff"] = round(rng.uniform(250, 600)), round(rng.uniform(1500, 5000))
        options |= {
            "resonance": round(rng.uniform(0.4, 0.8), 2),
            "drive": round(rng.uniform(0.1, 0.6), 2),
            "glide": 0.05,
        }
    elif role in ("pad", "chords", "arpeggio") and sweep < 0.6:
        dark, open_ = round(rng.uniform(700, 2500)), round(rng.uniform(4000, 13000))
        options["cutoff"] = (dark, open_) if sweep < 0.45 else (open_, dark)
        options["resonance"] = round(rng.uniform(0.0, 0.35), 2)
    if kind in ("supersaw", "saw_lead", "square_lead", "warm_pad", "reese_bass"):
        options["detune"] = round(rng.uniform(5, 25), 1)
    if role == "pad":
        options |= {"attack": round(rng.uniform(0.15, 0.9), 2), "release": round(rng.uniform(0.4, 1.6), 2)}
    if role in ("melody", "arpeggio") and not kind.startswith("chip") and rng.random() < 0.6:
        options["delay"] = round(rng.uniform(0.15, 0.55), 2)
    if kind in ("saw_lead", "square_lead") and role == "melody" and rng.random() < 0.35:
        options["glide"] = round(rng.uniform(0.02, 0.08), 3)
    if kind in ("reese_bass", "saw_bass", "fm_bass") and rng.random() < 0.5:
        options["drive"] = round(rng.uniform(0.1, 0.5), 2)
    return options
