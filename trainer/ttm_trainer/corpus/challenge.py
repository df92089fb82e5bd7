"""Recorded music -> a folder in the layout of the 2026 challenge: MP3 files and caption sets, with nothing made up.

out/
  00/1000000.mp3 ...        NN is the last two digits of the id
  captions/measured.json    [{"path": "00/1000000.mp3", "caption": ...}, ...]: two sentences a track
  captions/short.json       the same facts in a few words
  licences.csv              id, licence, source

A caption says only what is known: what the music was made for (the package it comes from, words in its title), and what
can be measured, in words that compare a track with the others: tempo, drums, loudness, brightness, density. Which of
the words apply is decided by thirds of the set.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from musicgen_app.analysis.spectra import log_mel
from musicgen_app.analysis.tempo import beatiness, tempo
from musicgen_app.errors import FileError

from ..data.corpus_reader import read_mono, read_rows
from .build import write_file

FIRST_ID = 1_000_000
MEASURED_SECONDS = 30.0  # in the middle of a track
LONGEST = 300.0  # seconds; the rest of a track is left out

MADE_FOR = {
    "0ad-data": "a historical strategy game",
    "ardentryst": "a fantasy action game",
    "blobwars-data": "a platform game",
    "davegnukem-data": "a retro platform game",
    "flare-game": "a fantasy role-playing game",
    "freecol": "a strategy game about colonies",
    "fretsonfire-songs-sectoid": "a guitar game",
    "hyperrogue-music": "a fantasy exploration game",
    "megaglest-data": "a fantasy strategy game",
    "naev-data": "a space trading game",
    "openclonk-data": "a cartoon action game",
    "singularity-music": "a science-fiction strategy game",
    "supertuxkart-data": "a kart racing game",
    "ufoai-music": "a science-fiction tactics game",
    "unknown-horizons": "a historical building game",
    "warzone2100-music": "a science-fiction war game",
    "zaz-data": "a puzzle game",
}
# words of titles and file names -> what the music is for, or what style it names
SCENES = {
    "battle": "a battle", "combat": "a battle", "boss": "a fight with a boss", "menu": "a menu screen",
    "credits": "the credits", "intro": "an introduction", "cave": "caves", "caves": "caves", "desert": "a desert",
    "jungle": "a jungle", "ice": "a land of ice", "icy": "a land of ice", "arctic": "a land of ice",
    "graveyard": "a graveyard", "castle": "a castle", "space": "outer space", "water": "water", "forest": "a forest",
    "town": "a town", "mountain": "mountains", "laboratory": "a laboratory", "victory": "a victory",
    "journey": "a journey", "sunrise": "a sunrise", "party": "a party", "festival": "a festival",
}  # fmt: skip
STYLES = {
    "techno": "techno", "celtic": "Celtic", "celtica": "Celtic", "ambient": "ambient", "amb": "ambient",
    "metal": "metal", "waltz": "waltz", "march": "march", "rock": "rock", "taiko": "taiko drumming",
}  # fmt: skip
WORDS = {  # measure -> lowest third, middle, highest
    "drums": ("with hardly a beat", "with a light beat", "with a strong beat"),
    "loudness": ("quiet", "", "loud"),
    "brightness": ("dark", "warm", "bright"),
    "density": ("calm and sparse", "", "busy and dense"),
}
PACES = ((90, "slow"), (125, "medium-paced"), (1000, "fast"))  # beats a minute, where there is a beat


def build_challenge(data: Path, out: Path, hours: float = 2.0, show: Callable[[str], None] = print) -> dict:
    """Write about `hours` of the dataset folder `data` (of `corpus recorded`) in the challenge's layout.

    Tracks are taken from every package in turn. What exists is not written again. Returns {"tracks", "hours"}.
    Raises FileError where `data` holds nothing, or `out` cannot be written.
    """
    chosen = _choose(data, hours)
    show(f"{len(chosen)} tracks, {sum(track['seconds'] for track in chosen) / 3600:.2f} h")
    try:
        for number, track in enumerate(chosen):
            track["id"] = FIRST_ID + number
            track["mp3"] = f"{track['id'] % 100:02d}/{track['id']}.mp3"
            track |= measure(data / track["path"], track["seconds"])
            _write_mp3(data / track["path"], out / track["mp3"], track["seconds"])
            if (number + 1) % 10 == 0:
                show(f"{number + 1}/{len(chosen)} tracks")
        words = [_words(chosen, track) for track in chosen]
        for style, caption in (("measured", _long), ("short", _short)):
            rows = [
                {"path": track["mp3"], "caption": caption(track, words_)}
                for track, words_ in zip(chosen, words, strict=True)
            ]
            text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
            write_file(out / "captions" / f"{style}.json", text)
        write_file(out / "licences.csv", _licences(chosen))
    except OSError as error:
        raise FileError(f"cannot write {out}: {error.strerror or error}") from error
    return {"tracks": len(chosen), "hours": round(sum(track["seconds"] for track in chosen) / 3600, 3)}


def measure(path: Path, seconds: float) -> dict[str, float]:
    """Measures of the middle of a track: bpm, and drums, loudness (dB), brightness (Hz, log), density."""
    info = soundfile.info(path)
    length = min(MEASURED_SECONDS, seconds)
    audio = read_mono(path, int((seconds - length) / 2 * info.samplerate), int(length * info.samplerate))
    mel = log_mel(_batch(audio), info.samplerate, 2048, 64, hop=512)[0].numpy()  # (T, 64)
    power = np.exp(2 * mel)
    centre = (power * np.arange(64)).sum(axis=1) / power.sum(axis=1).clip(1e-9)
    rises = np.maximum(np.diff(mel, axis=0), 0).mean(axis=1)
    return {
        "bpm": tempo(audio, info.samplerate),
        "drums": beatiness(audio, info.samplerate),
        "loudness": 10 * float(np.log10(np.mean(audio**2) + 1e-9)),
        "brightness": float(np.median(centre)),
        "density": float((rises > np.median(rises) + rises.std()).mean() * rises.mean()),
    }


def _batch(audio: np.ndarray):
    import torch

    return torch.from_numpy(audio)[None]


def _choose(data: Path, hours: float) -> list[dict]:
    """Tracks until there are enough hours, one of every package in turn, none longer than LONGEST."""
    tracks: dict[str, dict] = {}
    for row in read_rows(data):
        track = tracks.setdefault(row["path"], {"path": row["path"], "seconds": 0.0} | origin(row))
        track["seconds"] = min(LONGEST, max(track["seconds"], row["start"] + row["seconds"]))
    packages: dict[str, list[dict]] = {}
    for track in tracks.values():
        if track["seconds"] >= MEASURED_SECONDS:
            packages.setdefault(track["package"], []).append(track)
    chosen, total = [], 0.0
    while total < hours * 3600 and any(packages.values()):
        for waiting in packages.values():
            if waiting and total < hours * 3600:
                chosen.append(waiting.pop(0))
                total += chosen[-1]["seconds"]
    if not chosen:
        raise FileError(f"{data} holds no track of at least {MEASURED_SECONDS:.0f} s: build it with `corpus recorded`")
    return chosen


def origin(row: dict) -> dict:
    """What the source of a row of `corpus recorded` tells: its package and the words of its title, with the licence."""
    package, _, rest = row["source"].partition(": ")
    names = re.findall(r"[a-z]+", rest.rpartition("/")[2].partition(" by ")[0].lower())
    return {"package": package, "names": names, "licence": row["licence"], "source": row["source"]}


def _words(tracks: list[dict], track: dict) -> dict[str, str]:
    """The word of each measure for this track, by thirds of all tracks; its pace where it has a beat."""
    words = {}
    for measure_, names in WORDS.items():
        edges = np.quantile([other[measure_] for other in tracks], [1 / 3, 2 / 3])
        words[measure_] = names[int(np.searchsorted(edges, track[measure_]))]
    if words["drums"] == WORDS["drums"][0]:
        words["pace"] = ""
    else:
        words["pace"] = next(name for limit, name in PACES if track["bpm"] < limit)
    return words


def named(track: dict, table: dict[str, str]) -> str:
    """What the first word that a table knows, of those of a track's title, stands for; "" where it knows none."""
    return next((table[name] for name in track["names"] if name in table), "")


def _long(track: dict, words: dict[str, str]) -> str:
    style, scene = named(track, STYLES), named(track, SCENES)
    first = " ".join(filter(None, [words["pace"], style, "instrumental soundtrack music from"]))
    first += f" {MADE_FOR.get(track['package'], 'a game')}" + (f", for {scene}" if scene else "") + "."
    second = ", ".join(filter(None, [words["loudness"], words["brightness"], words["density"]]))
    return f"{first[0].upper()}{first[1:]} It is {second}, {words['drums']}."


def _short(track: dict, words: dict[str, str]) -> str:
    style, scene = named(track, STYLES), named(track, SCENES)
    parts = [words["brightness"], words["pace"], style or "game", "soundtrack", f"for {scene}" if scene else ""]
    return " ".join(filter(None, parts)) + f", {words['drums']}"


def _write_mp3(source: Path, target: Path, seconds: float) -> None:
    if target.exists():
        return
    audio, rate = soundfile.read(source, frames=int(seconds * soundfile.info(source).samplerate), dtype="float32")
    data = io.BytesIO()
    soundfile.write(data, audio, rate, format="MP3")
    write_file(target, data.getvalue())


def _licences(tracks: list[dict]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["id", "licence", "source"])
    table.writerows([track["id"], track["licence"], track["source"]] for track in tracks)
    return text.getvalue()
