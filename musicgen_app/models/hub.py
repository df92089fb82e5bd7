"""The frozen parts of the paper systems (text encoders, codecs): which public files, and where they lie.

A part is a list of files of one Hugging Face repository at one pinned revision. They are kept in the Hugging Face cache
(`HF_HOME`), which other programs share. Finding a part never uses the network; only `download` does.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DependencyError, ModelError, RequestError
from ..machine import paths
from ..machine.checksums import sha256

if TYPE_CHECKING:
    from types import ModuleType


@dataclass(frozen=True)
class Part:
    """Files of a public repository at a fixed revision; `size` is about how many bytes they are together."""

    repo: str
    revision: str
    files: tuple[str, ...]
    size: int
    licence: str
    sha256: dict[str, str] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """Where these files are published."""
        return page(self.repo, self.revision)


def page(repo: str, revision: str | None = None) -> str:
    """The address of a public repository, or of the files of a revision of it."""
    return f"https://huggingface.co/{repo}" + (f"/tree/{revision}" if revision else "")


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
    part = part_of(name)
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
    if not (matches(r"[\w.-]+/[\w.-]+", repo) and matches("[0-9a-f]{40}", revision)):
        raise ModelError(f"{bundle_path}: {source!r} names no repository and revision; install the model again")
    folder = snapshot(str(repo), str(revision))
    name = next((name for name, part in PARTS.items() if (part.repo, part.revision) == (repo, revision)), None)
    command = f"ttm-app models download {name}" if name else f"hf download {repo} --revision {revision}"
    if not folder.is_dir():
        raise ModelError(f"{repo} is not on this machine: get it with `{command}`")
    missing = _missing(folder, PARTS[name].files if name else ("config.json",))
    if missing:
        raise ModelError(f"{repo} is only half on this machine ({missing[0]} is missing): get it with `{command}`")
    return folder


def part_of(part: str | Part) -> Part:
    """The part of that name in PARTS, or the part itself. ModelError: there is none."""
    if isinstance(part, Part):
        return part
    if part not in PARTS:
        raise ModelError(f"unknown part {part!r}: use one of {', '.join(PARTS)}")
    return PARTS[part]


def missing(part: str | Part) -> list[str]:
    """The files of the part that are not on this machine. Looks, reads nothing."""
    part = part_of(part)
    return _missing(snapshot(part.repo, part.revision), part.files)


def present(part: str | Part) -> bool:
    """Is every file of the part on this machine?"""
    return not missing(part)


def verify(name: str) -> None:
    """Read the weights of a part and compare their SHA-256. ModelError: not here, or changed."""
    part, folder = part_of(name), locate(source(name), "")
    for file in part.files:
        if not intact(folder / file, part.sha256.get(file)):
            raise ModelError(
                f"{folder / file} was changed or is truncated (SHA-256 differs): run `ttm-app models download {name}`"
            )


def cache() -> Path:
    """The Hugging Face cache, by the same environment variables as `huggingface_hub` (read now, not at its import).

    RequestError: they name the home folder of nobody.
    """
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(variable):
            return paths.expanded(os.path.expandvars(os.environ[variable]), f"{variable}: ")
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or os.path.join(base, "huggingface")
    return paths.expanded(os.path.expandvars(home), "HF_HOME: ") / "hub"


def repository(repo: str) -> Path:
    """The folder of a repository in the cache."""
    return cache() / f"models--{repo.replace('/', '--')}"


def snapshot(repo: str, revision: str) -> Path:
    """The folder of a revision of a repository in the cache."""
    return repository(repo) / "snapshots" / revision


def _missing(folder: Path, files: tuple[str, ...]) -> list[str]:
    """The files that are not there, or are links to bytes that are not there."""
    return [file for file in files if not (folder / file).is_file()]


def intact(path: Path, expected: str | None) -> bool:
    """There, and of the expected SHA-256. Large files are stored under theirs, so it is known also where not pinned."""
    stored = path.resolve().name
    expected = expected or (stored if matches("[0-9a-f]{64}", stored) else None)
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


def matches(pattern: str, text: object) -> bool:
    """Whether that is a text of the pattern, which leads to no other folder."""
    return isinstance(text, str) and re.fullmatch(pattern, text) is not None and ".." not in text


def library() -> ModuleType:
    """`huggingface_hub`, sending nothing about this machine and drawing nothing on the terminal."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    try:
        import huggingface_hub
        import huggingface_hub.constants  # which reads the environment
    except ImportError as error:
        raise DependencyError("this needs the package huggingface_hub: pip install huggingface_hub") from error
    except ValueError as error:
        raise RequestError(f"a variable HF_... of the environment has no value that it can have ({error})") from error
    return huggingface_hub
