"""Trained models that others publish: what each is and can do, its files at fixed revisions, its licence.

The revisions, sizes and hashes are those that public programs and pages pin for these files. Where a hash is not known
here, that of the first download is recorded in the model. Nothing here touches the network; `convert.installer` makes
models of these.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import ModelError
from .hub import PARTS, Part, present
from .paper_systems import SYSTEMS, System

_MEANAUDIO = "AndreasXi/MeanAudio", "6e072062d4f9af21c647e2bae5aafc1da2c84014"
VAE, VOCODER, CLAP = "v1-16.pth", "best_netG.pt", "music_speech_audioset_epoch_15_esc_89.98.pt"

CODEC_FILES = Part(
    *_MEANAUDIO,
    (VAE, VOCODER),
    1_135_870_071,
    "MIT",
    {
        VAE: "15ad082c714ccf3771898a771fc6eebdc1d9c8d5c6154726906a97f43603d62c",
        VOCODER: "970ca75ee4d5ce583e9396a4534acb14971ea2b4f1c22e038f476680c868a789",
    },
)
CLAP_FILE = Part(
    *_MEANAUDIO,
    (CLAP,),
    2_352_471_003,
    "CC0-1.0",
    {CLAP: "51c68f12f9d7ea25fdaaccf741ec7f81e93ee594455410f3bca4f47f88d8e006"},
)
TOKENIZER = Part(
    "FacebookAI/roberta-base",
    "e2da8e2f811d1448a5b465c236feacd80ffbac7b",
    ("vocab.json", "merges.txt"),
    1_355_000,
    "MIT",
)


TEXT_TOWER = 502_000_000  # bytes of CLAP's half that a model takes in
EMBEDDER_SIZE = 780_000_000  # bytes of one of these as it is installed
ORIGIN = "origin.json"  # in the folder of one of these: its file, the SHA-256 of that and of the weights made of it
# CLAPs of LAION that hear and read, for scores of text and music.
EMBEDDERS = {
    "laion-clap-90.14": Part(
        "lukewys/laion_clap",
        "b3708341862f581175dba5c356a4ebf74a9b6651",
        ("music_audioset_epoch_15_esc_90.14.pt",),
        2_352_471_003,
        "CC0-1.0",
        {"music_audioset_epoch_15_esc_90.14.pt": ("fae3e9c087f2909c28a09dc31c8dfcdacbc42ba44c70e972b58c1bd1caf6dedd")},
    ),
    "laion-clap-89.98": CLAP_FILE,
}


@dataclass(frozen=True)
class Published:
    """One model: the shape of its network is that of `system`, a key of SYSTEMS.

    weights: its own file; data: what it learned from; guidance: of its authors, where it is not that of the system;
    why_not: why this version cannot install it, else "".
    """

    title: str
    about: str
    system: str
    weights: Part
    data: str
    sample_rate: int = 16_000
    channels: int = 1
    guidance: float | None = None
    why_not: str = ""

    @property
    def shape(self) -> System:
        return SYSTEMS[self.system]

    @property
    def sampler(self) -> dict:
        return self.shape.sampler | ({} if self.guidance is None else {"guidance": self.guidance})

    @property
    def licence(self) -> str:
        return self.weights.licence

    @property
    def forbids(self) -> str:
        """What its licence forbids, or ""."""
        return forbidden_by(self.licence)

    @property
    def size(self) -> int:
        """About how many bytes the model folder has that becomes of it: codec and text tower are inside."""
        return self.weights.size + self.scratch

    @property
    def scratch(self) -> int:
        """About how many bytes of codec and text tower are written before they are copied."""
        return CODEC_FILES.size + TEXT_TOWER

    def parts(self) -> dict[str, Part]:
        """All that is fetched for it, by what it is called."""
        return {
            "weights": self.weights,
            "VAE and vocoder": CODEC_FILES,
            "CLAP": CLAP_FILE,
            "CLAP's tokenizer": TOKENIZER,
            "flan-t5-large": PARTS["flan-t5-large"],
        }

    def to_fetch(self) -> int:
        """About how many bytes are still to be fetched."""
        return sum(part.size for part in self.parts().values() if not present(part))


_SOUNDS = "AudioCaps, WavCaps, AudioSet, VGGSound and LP-MusicCaps: about 10,000 hours of sounds, speech and music"


def _meanaudio(file: str, parameters: int, sha256: str | None = None) -> Part:
    return Part(*_MEANAUDIO, (file,), 4 * parameters, "MIT", {file: sha256} if sha256 else {})


PUBLISHED = {
    "fluxaudio-s-full": Published(
        title="FluxAudio-S-Full, 120 M",
        about="general audio with music in it, by flow matching with guidance",
        system="fluxaudio-s",
        weights=_meanaudio("fluxaudio_s_full.pth", 120_185_788),
        data=_SOUNDS,
    ),
    "meanaudio-s-full": Published(
        title="MeanAudio-S-Full, 120 M",
        about="general audio with music in it, in one step or a few",
        system="meanaudio-s",
        weights=_meanaudio(
            "meanaudio_s_full.pth", 120_502_076, "d1051af33e15f7d98481c2a10b61cd54ab8bca45df59b7079c3bc27dcd1e8ac5"
        ),
        data=_SOUNDS,
    ),
    "meanaudio-s-ac": Published(
        title="MeanAudio-S-AC, 120 M",
        about="sounds of everyday life, hardly music, in one step or a few",
        system="meanaudio-s",
        weights=_meanaudio("meanaudio_s_ac.pth", 120_502_076),
        data="AudioCaps, on top of FluxAudio-S-Full",
    ),
    "meanaudio-l-full": Published(
        title="MeanAudio-L-Full, 479 M",
        about="general audio with music in it, in one step or a few; the largest of its family",
        system="meanaudio-l",
        weights=_meanaudio("meanaudio_l_full.pth", 479_531_068),
        data=_SOUNDS,
    ),
    "ttm-humanpref": Published(
        title="TTM-HumanPref, 120 M",
        about="instrumental music told a reward, by flow matching with guidance",
        system="fluxaudio-s",
        weights=Part(
            "yonghyunk1m/ttm-humanpref", "not known", ("sub1_seed42_fluxaudio_s.pt",), 483_000_000, "CC-BY-NC-4.0"
        ),
        data="MTG-Jamendo, instrumental",
        sample_rate=44_100,
        guidance=4.0,
        why_not=(
            "its authors publish weights (https://github.com/yonghyunk1m/TTM-HumanPref/releases), but not the code of"
            " the layers that take the reward, so it is not known how to read them; and this version has no codec for"
            " its 44.1 kHz latents"
        ),
    ),
}


def find(name: str) -> Published:
    """The published model of that name. ModelError: there is none, or this version cannot install it."""
    if name not in PUBLISHED:
        raise ModelError(f"no published model is called {name!r}: {', '.join(PUBLISHED)}")
    found = PUBLISHED[name]
    if found.why_not:
        raise ModelError(f"{name} cannot be installed: {found.why_not}")
    return found


def forbidden_by(licence: str) -> str:
    """What a licence forbids, by its name; or ""."""
    forbids = r"(?i)non.?commercial|\bnot? (for )?commercial|research.(use.)?only|(^|[^a-z])nc([^a-z]|$)"
    return "commercial use" if re.search(forbids, licence) else ""
