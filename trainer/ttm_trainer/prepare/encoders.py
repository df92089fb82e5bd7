"""The name in `Preparation.encoders` -> the frozen text encoder and codec that training data is made with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from musicgen_app.codecs import load_codec
from musicgen_app.codecs.base import Codec
from musicgen_app.control import grid, prompt_parser
from musicgen_app.errors import ModelError
from musicgen_app.machine import paths
from musicgen_app.machine.checksums import sha256
from musicgen_app.machine.device import pick_device
from musicgen_app.models import installed
from musicgen_app.models.bundle import CONFIG, Bundle, open_bundle
from musicgen_app.models.paper_systems import SYSTEMS
from musicgen_app.text import SentenceTokens, TextEncoder, load_text_encoder

SENTENCES = {"kind": "use", "length": 48, "stated": prompt_parser.LAYOUT}  # the bundled text encoder
BACKBONE: dict[str, Any] = {  # one that fits
    "preset": "sketch-dit",
    "overrides": {"vector_dim": SentenceTokens.width + prompt_parser.WIDTH, "grid_dim": grid.WIDTH},
}


@dataclass(frozen=True)
class Encoders:
    """A text encoder and a codec: the entries `text` and `codec` of `bundle`, which may have no other entry.

    latent: (mean, std) of all channels where the system fixes them; None where they come from the data.
    """

    bundle: Bundle
    latent: tuple[float, float] | None = None

    @property
    def text(self) -> dict:
        """Entry `text` of a bundle's config."""
        return self.bundle.config["text"]

    @property
    def codec(self) -> dict:
        """Entry `codec` of a bundle's config."""
        return self.bundle.config["codec"]

    @property
    def length(self) -> int | None:
        """The length of every token sequence; None where a batch is as long as its longest caption."""
        fixed = self.text["kind"] != "t5" or self.text.get("padding") == "max_length"
        return self.text.get("length", SENTENCES["length"]) if fixed else None

    @property
    def keeps_padding(self) -> bool:
        """Whether the positions after the last token carry information, so that they must be stored too."""
        return self.length is not None and self.text["kind"] != "use"

    def load_text(self) -> TextEncoder:
        """Raises ModelError and DependencyError."""
        return load_text_encoder(self.bundle, pick_device("auto"))

    def load_codec(self) -> Codec:
        """Raises ModelError and DependencyError."""
        return load_codec(self.bundle, pick_device("auto"))

    def text_identity(self) -> dict:
        """What the text features depend on, as JSON."""
        frozen = {name: self._identity(self.text[name]) for name in ("t5", "clap") if name in self.text}
        facts = {name: value for name, value in self.text.items() if name not in ("t5", "clap")}
        return {"length": SENTENCES["length"]} | facts | frozen

    def codec_identity(self) -> dict:
        """What the latents depend on, as JSON."""
        source = self.codec.get("source", {"path": self.codec.get("path")})
        return {"kind": self.codec["kind"], "weights": self._identity(source)}

    def _identity(self, source: dict) -> str:
        """A repository with its revision, or a hash of the weights in a folder of the bundle."""
        if "path" not in source:
            return f"{source['repo']}@{source['revision']}"
        folder = self.bundle.path / source["path"]
        files = sorted(path for path in folder.rglob("*") if path.suffix in (".safetensors", ".bin"))
        if not files:
            raise ModelError(f"{folder} holds no weights; install the model again")
        return hashlib.sha256("".join(map(sha256, files)).encode()).hexdigest()[:16]


def find_encoders(name: str) -> Encoders:
    """The encoders of a name. Raises ModelError.

    name: "sketch" (bundled), a system of `models.paper_systems`, a sketch codec's folder (with the bundled text
    encoder), or the name or folder of a model, whose text encoder and codec are used.
    """
    if name == "sketch":
        return Encoders(open_bundle(paths.assets() / "sketch"))
    if name in SYSTEMS:
        system = SYSTEMS[name]
        if "source" not in system.codec:
            raise ModelError(
                f"the codec of {name} is no public download: import a {name} with --codec-files, and give that model"
            )
        return Encoders(Bundle(Path(), {"text": system.text, "codec": system.codec, "files": {}}), system.latent)
    if kind := _kind_of_codec(Path(name)):
        return Encoders(Bundle(Path(name), {"text": SENTENCES, "codec": {"kind": kind, "path": "."}, "files": {}}))
    bundle = installed.find(name)
    public = SYSTEMS.get(bundle.config["backbone"]["preset"])
    return Encoders(bundle, public.latent if public else None)


def device_of(codec: Codec) -> torch.device:
    """The device of a codec."""
    parameters = codec.parameters() if isinstance(codec, nn.Module) else ()
    return next((parameter.device for parameter in parameters), torch.device("cpu"))


def _kind_of_codec(folder: Path) -> str | None:
    """ "sketch" or "sketch-stereo", where the folder is that of such a codec."""
    from musicgen_app.codecs.sketch import KINDS

    try:
        kind = json.loads((folder / CONFIG).read_text(encoding="utf-8")).get("kind")
    except (OSError, ValueError, AttributeError):
        return None
    return kind if kind in KINDS else None
