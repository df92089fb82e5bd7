"""Free recorded music: Debian packages -> 32 kHz FLAC files and manifest rows with licences.

The list of tracks (`recorded_tracks.jsonl`, one JSON object a line: package, path inside it, seconds, title, artist,
licence, copyright) was read from the packages' own copyright files. Only music under a share-alike or freer licence
is in it, and tracks with audible vocals or narration are left out. It has no captions here; `corpus listen` makes some.
"""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

from musicgen_app.errors import DependencyError, FileError

from .build import SAMPLE_RATE, check_settings, finish, write_audio, write_rows

CLIP_SECONDS = 10.0


def tracks() -> list[dict]:
    """Every listed track, in the order of the list."""
    text = resources.files("ttm_trainer.corpus").joinpath("recorded_tracks.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def source_of(track: dict) -> str:
    """Where a track comes from and whose it is, for the credits."""
    title = f', "{track["title"]}"' if track["title"] else ""
    maker = track["artist"] or track["copyright"]
    return f"{track['package']}: {track['path']}{title}" + (f" by {maker}" if maker else "")


def build_recorded(
    out: Path,
    packages: list[str] | None = None,
    progress: Callable[[str], None] = print,
    sample_rate: int = SAMPLE_RATE,
) -> dict:
    """Download the packages with apt, decode their listed tracks into the dataset folder `out`, at `sample_rate` Hz.

    Tracks whose rows exist are skipped, so the command can be run again after an interruption. A package or a track
    that fails is reported through `progress` and counted.

    Returns {"tracks", "decoded_hours", "failed": [message], "clips", "hours"}. Raises DependencyError where apt-get or
    dpkg-deb is missing, FileError where the folder was begun with another sample rate.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise DependencyError(f"{tool} not found: recorded music comes from Debian packages, run this on Debian")
    check_settings(out, {"schema": 1, "set": "recorded", "sample_rate": sample_rate})
    wanted: dict[str, dict[str, tuple[str, dict]]] = {}
    for number, track in enumerate(tracks()):
        name = f"recorded-{number:04d}"
        if packages is None or track["package"] in packages:
            if not (out / "rows" / f"{name}.json").exists():
                wanted.setdefault(track["package"], {})[track["path"]] = (name, track)
    done, seconds, failed = 0, 0.0, []
    for package, files in wanted.items():
        progress(f"{package}: {len(files)} tracks")
        missing = dict(files)
        try:
            for path, data in _files_of_package(package, set(files)):
                name, track = missing.pop(path)
                try:
                    seconds += _store(out, name, track, data, sample_rate)
                    done += 1
                except Exception as error:  # a bad file must not stop the rest; it is reported
                    failed.append(f"{package}/{path}: {error}")
        except (subprocess.CalledProcessError, tarfile.TarError, zipfile.BadZipFile) as error:
            failed.append(f"{package}: {error}")
        failed += [f"{package}/{path}: not in the package" for path in missing]
    for line in failed:
        progress(f"skipped {line}")
    return {"tracks": done, "decoded_hours": seconds / 3600, "failed": failed, **finish(out)}


def _files_of_package(package: str, paths: set[str]) -> Iterator[tuple[str, bytes]]:
    """Yield (path, content) of the wanted files; `a/b.zip.d/c` means the member `c` of the archive `a/b.zip`."""
    inside: dict[str, list[str]] = {}
    for path in paths:
        archive, mark, member = path.partition(".d/")
        if mark and archive.endswith((".zip", ".pk3")):
            inside.setdefault(archive, []).append(member)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["apt-get", "download", "-qq", package], cwd=folder, check=True, capture_output=True)
        (deb,) = Path(folder).glob("*.deb")
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE) as process:
            with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
                for entry in tar:
                    path = entry.name.removeprefix("./")
                    if path in paths:
                        yield path, _member(tar, entry)
                    elif path in inside:
                        with zipfile.ZipFile(io.BytesIO(_member(tar, entry))) as packed:
                            for member in inside[path]:
                                yield f"{path}.d/{member}", packed.read(member)


def _member(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(entry)
    if file is None:
        raise FileError(f"{entry.name} in the archive is no file")
    return file.read()


def _store(out: Path, name: str, track: dict, data: bytes, sample_rate: int) -> float:
    """Decode, resample and write one track with its rows; returns its seconds."""
    import soundfile

    from musicgen_app.audio import resample

    audio, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)  # (N, C)
    audio = resample(audio.T[:2], rate, sample_rate)  # (C, N)
    seconds = audio.shape[1] / sample_rate
    path = f"audio/{name[-4:-2]}/{name}.flac"
    write_audio(out / path, audio.clip(-1, 1), sample_rate)
    held_out = hashlib.sha256(f"{track['package']}/{track['path']}".encode()).digest()[0] < 26  # one track in ten
    rows = [
        {
            "id": f"{name}-{int(start):04d}",
            "path": path,
            "start": float(start),
            "seconds": CLIP_SECONDS,
            "split": "val" if held_out else "train",
            "set": "recorded",
            "genre": None,
            "captions": {},
            "facts": {},
            "licence": track["licence"],
            "source": source_of(track),
        }
        for start in range(0, int(seconds - CLIP_SECONDS) + 1, int(CLIP_SECONDS))
    ]
    write_rows(out, name, rows)
    return seconds
