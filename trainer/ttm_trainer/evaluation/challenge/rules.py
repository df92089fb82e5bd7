"""What the challenge asks of a submission's sound files, and a folder checked against it: one line a fault.

From its page: sound of 100 prompts, WAV or MP3 at 44.1 kHz, at least 10 s long, of which the first 10 s count. It does
not say how files are called; here it is ID.wav or ID.mp3, after the ids of its prompt file, 0 to 99. What a folder
cannot show is listed too: REST.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from musicgen_app.audio import shape_of, subtype_of
from musicgen_app.errors import FileError

from ...data.audio_reader import read
from ..clips.clips import same_id

COUNT, SAMPLE_RATE, SECONDS = 100, 44_100, 10.0
SUFFIXES = (".wav", ".mp3")
REST = (
    "one forward generation a prompt, no choice among several",
    "music without vocals",
    "a model trained from scratch on the challenge's Jamendo subset alone",
    "at most 500 million parameters in the core model, in the Efficiency Track",
)


@dataclass(frozen=True)
class Checked:
    """files: that were looked at; faults: one line each, of the file named in it or of the whole folder."""

    folder: str
    files: int
    faults: list[str]

    def rows(self) -> dict:
        """JSON-safe."""
        return {"folder": self.folder, "files": self.files, "faults": self.faults, "not_seen_in_files": list(REST)}


def check_submission(
    folder: Path,
    ids: Sequence[str] | None = None,
    tick: Callable[[int, int], None] = lambda done, total: None,
) -> Checked:
    """Compare a folder with the rules. ids: of the prompts (None: 0 to 99). tick(done, total).

    Raises FileError where there is no such folder.
    """
    wanted = [str(number) for number in range(COUNT)] if ids is None else list(ids)
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    except OSError as error:
        raise FileError(f"cannot read the folder {folder}: {error.strerror}; check the name") from error
    sounds, faults = [], []
    for name in names:
        if Path(name).suffix.lower() in SUFFIXES and (folder / name).is_file():
            sounds.append(name)
        else:
            faults.append(f"{name}: not a WAV or MP3 file; take it out of the folder")
    if len(sounds) != COUNT:
        faults.append(f"{len(sounds)} sound files; the challenge wants {COUNT}")
    faults += _names(sounds, wanted)
    contents: dict[str, list[str]] = defaultdict(list)
    for number, name in enumerate(sounds):
        tick(number, len(sounds))
        faults += [f"{name}: {fault}" for fault in _sound(folder / name, contents)]
    tick(len(sounds), len(sounds))
    faults += [f"{other}: the same file as {first}" for first, *more in contents.values() for other in more]
    return Checked(str(folder), len(sounds), faults)


def report(checked: Checked) -> str:
    """As text."""
    found = f"{len(checked.faults)} faults" if checked.faults else "no fault"
    lines = [f"{checked.folder}: {checked.files} sound files, {found}", *(f"  {fault}" for fault in checked.faults)]
    return "\n".join([*lines, "not seen in files:", *(f"  {rule}" for rule in REST)])


def _names(sounds: list[str], wanted: Sequence[str]) -> list[str]:
    """Faults of names: ids that have no file or several, and files of no id."""
    by_id: dict[str, list[str]] = defaultdict(list)
    for name in sounds:
        by_id[same_id(Path(name).stem)].append(name)
    known = {same_id(name): name for name in wanted}
    faults = [f"no file for prompt {name}: add {name}.wav" for key, name in known.items() if key not in by_id]
    for key, found in by_id.items():
        if key not in known:
            faults += [f"{name}: named after no prompt" for name in found]
        elif len(found) > 1:
            faults.append(f"{' and '.join(found)} are of the same prompt {known[key]}; remove one")
    return faults


def _sound(path: Path, contents: dict[str, list[str]]) -> list[str]:
    """Faults of one file; it is put among those of the same content."""
    try:
        _, _, rate = shape_of(path)
        is_mp3 = subtype_of(path).startswith("MPEG")
        length = read(path, rate, 1).shape[1] / rate
        contents[sha256(path.read_bytes()).hexdigest()].append(path.name)
    except (FileError, OSError) as error:
        return [str(error).removeprefix(f"{path} ")]
    faults = []
    if is_mp3 != (path.suffix.lower() == ".mp3"):
        faults.append(f"the content is not that of a {path.suffix.lower()} file; rename it")
    if rate != SAMPLE_RATE:
        faults.append(f"{rate} Hz, not {SAMPLE_RATE}; resample it")
    if length < SECONDS:
        faults.append(f"{length:.3f} s, shorter than {SECONDS:g} s")
    return faults
