"""The frozen parts of the paper systems (text encoders, codecs): which public files, where they lie, how to get them.

A part is a list of files of one Hugging Face repository at one pinned revision. They are kept in the Hugging Face cache
(`HF_HOME`), which other programs share. Finding a part never uses the network; only `fetch` does.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DependencyError, FileError, ModelError
from ..machine import files
from .bundle import sha256

if TYPE_CHECKING:
    from types import ModuleType

BLOCK = 1 << 20  # bytes written at once
TIMEOUT = 10.0  # seconds without an answer after which the network counts as down


@dataclass(frozen=True)
class Part:
    """Files of a public repository at a fixed revision; `size` is about how many bytes they are together."""

    repo: str
    revision: str
    files: tuple[str, ...]
    size: int
    licence: str
    sha256: dict[str, str] = field(default_factory=dict)


_T5_FILES = ("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
# These repositories have no safetensors file; the .bin is read with `weights_only=True`, which runs no code.
_CLAP_FILES = (
    "config.json",
    "pytorch_model.bin",
    "vocab.json",
    "merges.txt",
    "tokenizer_config.json",
    "special_tokens_map.json",
)

PARTS = {
    "flan-t5-base": Part(
        "google/flan-t5-base", "7bcac572ce56db69c1ea7c8af255c5d7c9672fc2", _T5_FILES, 992_800_000, "Apache-2.0"
    ),
    "flan-t5-large": Part(
        "google/flan-t5-large", "0613663d0d48ea86ba8cb3d7a44f0f65dc596a2a", _T5_FILES, 3_135_100_000, "Apache-2.0"
    ),
    # LAION's music_speech_audioset_epoch_15_esc_89.98, the checkpoint that conditions the challenge baseline.
    "clap-general": Part(
        "laion/larger_clap_general",
        "ada0c23a36c4e8582805bb38fec3905903f18b41",
        _CLAP_FILES,
        777_701_561,
        "Apache-2.0",
        {"pytorch_model.bin": "314eb00cce6ad68d25237b8446b659ccdb136ed4672c1bca470f142f72455026"},
    ),
    "clap-music-speech": Part(
        "laion/larger_clap_music_and_speech",
        "195c3a3e68faebb3e2088b9a79e79b43ddbda76b",
        _CLAP_FILES,
        777_701_561,
        "Apache-2.0",
        {"pytorch_model.bin": "b73c5e596fda5b29b522a1ab3f0842977fe2b147bf8b78c2ec5f7ae6267038a1"},
    ),
    "acestep-v1": Part(
        "ACE-Step/ACE-Step-v1-3.5B",
        "82cd0d7b6322bd28cd4e830fe675ddb6180ce36c",
        (
            "music_dcae_f8c8/config.json",
            "music_dcae_f8c8/diffusion_pytorch_model.safetensors",
            "music_vocoder/config.json",
            "music_vocoder/diffusion_pytorch_model.safetensors",
        ),
        519_999_000,
        "Apache-2.0",
        {
            "music_dcae_f8c8/diffusion_pytorch_model.safetensors": (
                "2b0cb469307ac50659d1880db2a99bae47d0df335cbb36853964662d4b80e8ee"
            ),
            "music_vocoder/diffusion_pytorch_model.safetensors": (
                "c92c9b46e28ab7b37b777780cf4308ad7ddac869636bb77aa61599358c4bc1c0"
            ),
        },
    ),
    "acestep-v15": Part(
        "ACE-Step/Ace-Step1.5",
        "19671f406d603126926c1b7e2adc169acbcade22",
        ("vae/config.json", "vae/diffusion_pytorch_model.safetensors"),
        337_431_813,
        "MIT",
        {
            "vae/diffusion_pytorch_model.safetensors": (
                "da17edb604c40deaf09e9b24974e590d1ca83a374070e5d0884cfa4bed9a99b0"
            )
        },
    ),
}


def source(name: str) -> dict:
    """What a bundle's config says of a part: its repository and revision."""
    part = _part(name)
    return {"repo": part.repo, "revision": part.revision}


def name_of(source: dict) -> str:
    """What a source is called: its name in PARTS, else its repository, or its folder inside the bundle."""
    if "path" in source:
        return source["path"]
    known = {(part.repo, part.revision): name for name, part in PARTS.items()}
    return known.get((source["repo"], source["revision"]), source["repo"])


def locate(source: dict, bundle_path: str | os.PathLike) -> Path:
    """The local folder of a source: a folder inside the bundle ({"path"}) or a snapshot in the Hugging Face cache.

    Never uses the network. ModelError: not here, or only half of it.
    """
    if "path" in source:
        return _inside(source["path"], Path(bundle_path))
    repo, revision = source.get("repo"), source.get("revision")
    if not (_matches(r"[\w.-]+/[\w.-]+", repo) and _matches("[0-9a-f]{40}", revision)):
        raise ModelError(f"{bundle_path}: {source!r} names no repository and revision; install the model again")
    folder = _snapshot(str(repo), str(revision))
    name = next((name for name, part in PARTS.items() if (part.repo, part.revision) == (repo, revision)), None)
    command = f"ttm-app models download {name}" if name else f"hf download {repo} --revision {revision}"
    if not folder.is_dir():
        raise ModelError(f"{repo} is not on this machine: get it with `{command}`")
    missing = _missing(folder, PARTS[name].files if name else ("config.json",))
    if missing:
        raise ModelError(f"{repo} is only half on this machine ({missing[0]} is missing): get it with `{command}`")
    return folder


def present(name: str) -> bool:
    """Is every file of the part on this machine? Looks, reads nothing."""
    part = _part(name)
    return not _missing(_snapshot(part.repo, part.revision), part.files)


def verify(name: str) -> None:
    """Read the weights of a part and compare their SHA-256. ModelError: not here, or changed."""
    part, folder = _part(name), locate(source(name), "")
    for file in part.files:
        if not _intact(folder / file, part.sha256.get(file)):
            raise ModelError(
                f"{folder / file} was changed or is truncated (SHA-256 differs): run `ttm-app models download {name}`"
            )


def fetch(name: str, report: Callable[[int, int], None] | None = None, offline: bool = False) -> Path:
    """Download what is missing or damaged of a part into the Hugging Face cache, and return its folder.

    A download that was stopped goes on where it was. `report(done, total)` is called with bytes and may raise to stop.
    ModelError: no network, not found, refused, changed; FileError: the disk is full or cannot be written.
    """
    part = _part(name)
    folder = _snapshot(part.repo, part.revision)
    wanted = [file for file in part.files if not _intact(folder / file, part.sha256.get(file))]
    if not wanted:
        return folder
    if offline or os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "ON", "YES", "TRUE"}:
        raise ModelError(f"{part.repo} is not on this machine, and offline is asked for: download it when online")
    with _explained(part):
        _download(part, wanted, report or (lambda done, total: None))
    return folder


def _part(name: str) -> Part:
    if name not in PARTS:
        raise ModelError(f"unknown part {name!r}: use one of {', '.join(PARTS)}")
    return PARTS[name]


def cache() -> Path:
    """The Hugging Face cache, by the same environment variables as `huggingface_hub` (read now, not at its import)."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(variable):
            return Path(os.path.expandvars(os.environ[variable])).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or os.path.join(base, "huggingface")
    return Path(os.path.expandvars(home)).expanduser() / "hub"


def _repository(repo: str) -> Path:
    return cache() / f"models--{repo.replace('/', '--')}"


def _snapshot(repo: str, revision: str) -> Path:
    return _repository(repo) / "snapshots" / revision


def _missing(folder: Path, files: tuple[str, ...]) -> list[str]:
    """The files that are not there, or are links to bytes that are not there."""
    return [file for file in files if not (folder / file).is_file()]


def _intact(path: Path, expected: str | None) -> bool:
    """There, and of the expected SHA-256. Large files are stored under theirs, so it is known also where not pinned."""
    stored = path.resolve().name
    expected = expected or (stored if _matches("[0-9a-f]{64}", stored) else None)
    try:
        return path.is_file() and (expected is None or sha256(path) == expected)
    except OSError:  # there, but not to be read
        return False


def _inside(name: object, bundle_path: Path) -> Path:
    """The folder `name` of a bundle; ModelError where it is not there or would lie outside."""
    folder = bundle_path / str(name)
    if not isinstance(name, str) or not folder.resolve().is_relative_to(bundle_path.resolve()):
        raise ModelError(f"{bundle_path}: {name!r} is not a path inside the model; do not use this model")
    if not folder.is_dir():
        raise ModelError(f"{folder} is missing; install the model again")
    return folder


def _matches(pattern: str, text: object) -> bool:
    return isinstance(text, str) and re.fullmatch(pattern, text) is not None and ".." not in text


def library() -> ModuleType:
    """`huggingface_hub`, sending nothing about this machine and drawing nothing on the terminal."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        import huggingface_hub
    except ImportError as error:
        raise DependencyError("this needs the package huggingface_hub: pip install huggingface_hub") from error
    return huggingface_hub


def _download(part: Part, names: list[str], report: Callable[[int, int], None]) -> None:
    """Files of a part -> blobs in the cache, checked, and then their links in the snapshot."""
    hub = library()
    endpoint = os.environ.get("HF_ENDPOINT")
    urls = {file: hub.hf_hub_url(part.repo, file, revision=part.revision, endpoint=endpoint) for file in names}
    facts = {file: hub.get_hf_file_metadata(url, timeout=TIMEOUT) for file, url in urls.items()}
    if not all(_matches("[0-9a-f]{40,64}", fact.etag) and fact.size is not None for fact in facts.values()):
        raise ModelError(f"the server of {part.repo} gives no size and hash of its files: is a proxy in between?")
    blobs = {file: _repository(part.repo) / "blobs" / fact.etag for file, fact in facts.items()}
    total = sum(fact.size for fact in facts.values())
    _check_space(part, total - sum(_size(_unfinished(blob)) for blob in blobs.values()))
    before = 0
    for file, fact in facts.items():
        with _locked(blobs[file], part):
            expected = part.sha256.get(file) or (fact.etag if _matches("[0-9a-f]{64}", fact.etag) else None)
            if not _intact(blobs[file], expected):
                unfinished = _unfinished(blobs[file])

                def tell(done: int, first: int = before) -> None:
                    report(first + done, total)

                _transfer(urls[file], unfinished, fact.size, tell)
                _check(unfinished, fact.size, expected, part)
                files.sync(unfinished)
                files.rename(unfinished, blobs[file])
        before += fact.size
        report(before, total)
        (_snapshot(part.repo, part.revision) / file).unlink(missing_ok=True)
        hub.hf_hub_download(
            part.repo, file, revision=part.revision, cache_dir=cache(), endpoint=endpoint, etag_timeout=TIMEOUT
        )


def _check_space(part: Part, needed: int) -> None:
    cache().mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache()).free
    if free < needed:
        raise FileError(
            f"{part.repo} needs {needed / 1e9:.2f} GB, but only {free / 1e9:.2f} GB are free in {cache()}:"
            " free some space or set HF_HOME to another disk"
        )


@contextmanager
def _locked(blob: Path, part: Part) -> Iterator[None]:
    """Hold the lock of a blob, the one that `huggingface_hub` takes too."""
    from filelock import FileLock, Timeout

    lock = cache() / ".locks" / _repository(part.repo).name / f"{blob.name}.lock"
    for folder in (lock.parent, blob.parent):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(lock, timeout=0):
            yield
    except Timeout:
        raise ModelError(f"another program is downloading {part.repo} now: wait until it is done") from None


def _transfer(url: str, unfinished: Path, size: int, report: Callable[[int], None]) -> None:
    """The bytes of `url` -> a file, from where an earlier try stopped.

    `huggingface_hub` begins a file anew each time (since its version 1), so the request is made here. A connection that
    breaks is taken up again for as long as each try brings something.
    """
    done = _size(unfinished)
    while done < size:
        try:
            _request(url, unfinished, done, report)
        except Exception as error:
            if not _is_network(error) or _size(unfinished) <= done:
                raise
        else:
            if _size(unfinished) <= done:
                raise ConnectionError("the answer was empty")
        done = _size(unfinished)


def _request(url: str, unfinished: Path, done: int, report: Callable[[int], None]) -> None:
    """Append the bytes of `url` from `done` on; all of them anew where the server does not give parts of a file."""
    from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

    headers = build_hf_headers() | {"Range": f"bytes={done}-", "Accept-Encoding": "identity"}
    with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT, follow_redirects=True) as response:
        hf_raise_for_status(response)
        resumed = response.status_code == 206
        done = done if resumed else 0
        with unfinished.open("ab" if resumed else "wb") as file:
            for block in response.iter_bytes(BLOCK):
                file.write(block)
                done += len(block)
                report(done)


def _check(unfinished: Path, size: int, expected: str | None, part: Part) -> None:
    """ModelError where the finished bytes are not those of the pinned file; they are deleted then."""
    if _size(unfinished) != size or (expected is not None and sha256(unfinished) != expected):
        unfinished.unlink()
        raise ModelError(
            f"what came of {part.repo} is not the pinned file (SHA-256 differs) and was deleted:"
            " try again, and if it stays so, update ttm-app"
        )


def _unfinished(blob: Path) -> Path:
    return blob.with_name(f"{blob.name}.incomplete")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _is_network(error: BaseException) -> bool:
    """An error of the HTTP library that huggingface_hub uses (httpx or httpx2, by its version) or of a socket."""
    return isinstance(error, ConnectionError) or type(error).__module__.partition(".")[0] in {"httpx", "httpx2"}


@contextmanager
def _explained(part: Part) -> Iterator[None]:
    """Turn what a download can raise into one line that says what to do."""
    library()
    from huggingface_hub import errors

    again = "run the command again: it goes on where it stopped"
    try:
        yield
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise ModelError(f"access to {part.repo} was refused: unset HF_TOKEN, or run `hf auth logout`") from error
        if status == 404:
            raise ModelError(f"{part.repo} at {part.revision[:7]} was not found any more: update ttm-app") from error
        raise ModelError(f"the server of {part.repo} answered {status}; {again}") from error
    except errors.OfflineModeIsEnabled as error:
        raise ModelError(f"{part.repo} is not on this machine, and HF_HUB_OFFLINE is set") from error
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise FileError(f"the disk of {cache()} is full; free some space or set HF_HOME, and {again}") from error
        if isinstance(error, (ConnectionError, TimeoutError, errors.LocalEntryNotFoundError)):
            raise ModelError(f"no connection to download {part.repo}; check the network and {again}") from error
        raise FileError(f"cannot write to the Hugging Face cache {cache()}: {error.strerror or error}") from error
    except Exception as error:
        if not _is_network(error):
            raise
        raise ModelError(f"no connection to download {part.repo} ({error}); check the network and {again}") from error
