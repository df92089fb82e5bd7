"""Music with vocals -> instrumental stems, by a separator that is installed: Mel-Band RoFormer or Demucs.

The challenge used the former. Each runs as a separate program, so neither is a dependency.

OUT/separated/SET/NN/ID_instrumental.mp3 is the stem of SET's NN/ID.mp3. OUT/separation/ says which are done.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

import numpy as np

from musicgen_app import audio
from musicgen_app.errors import DependencyError, FileError
from musicgen_app.machine import files

from ..runtime.stage_runner import Rows, digest, missing_parts, run_stage, writing
from .audio_reader import read
from .track import Track, key_of, stem_path

FOLDER = "separated"
SAMPLE_RATE = 44_100  # of the models
BATCH = 8  # files the separator is started for at once: it loads its weights each time
HOW = (
    "vocals are removed by another program: pip install melband-roformer-infer (or demucs), which fetches its weights"
    " at its first run; or leave --separate away"
)


@dataclass(frozen=True)
class Separator:
    """An installed program. command(inputs, output) is the command to run; made(output, name) the stem it writes."""

    name: str
    module: str
    command: Callable[[Path, Path], list[str]]
    made: Callable[[Path, str], Path]


ROFORMER = Separator(
    "melband-roformer-infer",
    "mel_band_roformer.inference",
    lambda inputs, output: ["--input_folder", str(inputs), "--store_dir", str(output)],
    lambda output, name: output / f"{name}_instrumental.wav",
)
DEMUCS = Separator(
    "demucs",
    "demucs",
    lambda inputs, output: [
        *("-n", "htdemucs", "--two-stems", "vocals", "-o", str(output), "--", *map(str, sorted(inputs.iterdir())))
    ],
    lambda output, name: output / "htdemucs" / name / "no_vocals.wav",
)


def find_separator() -> Separator:
    """The best separator that is installed. Raises DependencyError, which says how to get one."""
    for separator in (ROFORMER, DEMUCS):
        if find_spec(separator.module.split(".")[0]):
            return separator
    raise DependencyError(HOW)


def separate(
    tracks: list[Track],
    out: Path,
    *,
    shard: tuple[int, int] = (0, 1),
    until: float | None = None,
    show: Callable[[str], None] = print,
) -> bool:
    """Make the instrumental stems of the tracks that came without; False where other shards have some left to make.

    tracks: as `manifest.scan` finds them without looking for these stems. Goes on where it stopped; a file that cannot
    be separated is reported and stays as it is. Raises DependencyError without a separator or where it fails, FileError
    when the disk is full.
    """
    todo = [track for track in tracks if track.facts.get("stem") == "original"]
    if not todo:
        return True
    work = Separation(out, todo, find_separator())
    show(f"separation: {len(work.tracks)} files by {work.separator.name}")
    run_stage(out, work.name, work.settings, work.parts, work, shard=shard, until=until, show=show)
    missing = len(missing_parts(out, work.name, work.parts))
    if missing:
        show(f"separation: this shard is done, {missing} parts of others are not; run this again when they are")
    return not missing


class Separation:
    """The work of the stage "separation": a part is a few tracks, its rows the stems that were made."""

    name = "separation"

    def __init__(self, out: Path, tracks: list[Track], separator: Separator):
        self.out, self.tracks, self.separator = out, tracks, separator
        self.parts = -(-len(tracks) // BATCH)
        files = sorted(str(track.file) for track in tracks)
        self.settings = {"separator": separator.name, "files": len(files), "list": digest({"files": files})}

    def __call__(self, part: int) -> Rows:
        tracks = self.tracks[part * BATCH : (part + 1) * BATCH]
        stage, bad = self.out / self.name, []
        with writing(stage), files.scratch(stage) as folder:
            inputs, output = folder / "in", folder / "out"
            inputs.mkdir()
            todo = {}
            for i, track in enumerate(tracks):
                if self.target(track).is_file():
                    continue
                try:
                    samples = read(track.file, SAMPLE_RATE, 2)
                except FileError as error:
                    bad.append(track.left_out(str(error)))
                    continue
                todo[str(i)] = track
                audio.write(inputs / f"{i}.wav", _within(samples), SAMPLE_RATE, {})
            said = self._run(inputs, output) if todo else ""
            failed = [track for name, track in todo.items() if not self._keep(self.separator.made(output, name), track)]
        if failed and len(failed) == len(todo):  # not the files' fault
            raise DependencyError(f"{self.separator.name} failed: {said}")
        bad += [track.left_out(f"{self.separator.name} could not separate it: {said}") for track in failed]
        return {
            "stems": [{"path": str(self.target(track))} for track in todo.values() if track not in failed],
            "bad": bad,
        }

    def target(self, track: Track) -> Path:
        """Where the stem of a track belongs."""
        return self.out / FOLDER / track.set / stem_path(key_of(PurePosixPath(track.path))[0])

    def _run(self, inputs: Path, output: Path) -> str:
        """Run the separator on a folder of WAV files -> the last line it said."""
        command = [sys.executable, "-m", self.separator.module, *self.separator.command(inputs, output)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL)
        lines = [line.strip() for line in (done.stderr + "\n" + done.stdout).splitlines() if line.strip()]
        if done.returncode == 0:
            return "it wrote no file"
        return lines[-1][:300] if lines else f"exit code {done.returncode}"

    def _keep(self, made: Path, track: Track) -> bool:
        """Store a stem; False where the separator made none."""
        if not made.is_file():
            return False
        stem, rate, _ = audio.read(made)
        target = self.target(track)
        target.parent.mkdir(parents=True, exist_ok=True)
        audio.write(target, _within(stem), rate, {}, overwrite=True)
        return True


def _within(samples: np.ndarray) -> np.ndarray:
    """Samples that do not exceed full scale."""
    return samples / max(1.0, np.abs(samples).max(initial=0.0))
