"""ttm-app: open, local text-to-music.

>>> from musicgen_app import Engine, GenerationRequest
>>> result = Engine().generate(GenerationRequest("upbeat EDM with pulsing synths", seed=7))
>>> result.audio.shape, result.sample_rate

From a request to a file, in the order of the flow:

cli, gui             the command line and the page: what is typed -> a request
request              the request, and every limit on it
models               the model it is for
engine, pipeline     encode, draw noise, sample, decode, master
text, control        prompt -> features, and the plan of the music
sampling, flow       noise -> latents, by a network of backbones
codecs               latents -> waveform
audio                waveform -> a sound file
editing              recordings continued, played again in part, varied, ended; parts on one plan
songbook             plans as chord sheets and MIDI, and what can be done to them
library              the file is kept, and found again

Beside it: aligner (how well a clip fits a text), analysis (sound -> tempo, beats, key, chords), convert (foreign
checkpoints), plugins, machine, errors, doctor and bench.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as typing's, whose import takes longer than all else here

__version__ = "0.5.0"

if TYPE_CHECKING:
    from .convert.installer import from_pretrained
    from .engine import Engine
    from .models.publish import push_to_hub, save_pretrained
    from .request import GenerationRequest, GenerationResult

_HOME = {
    "Engine": "engine",
    "GenerationRequest": "request",
    "GenerationResult": "request",
    "from_pretrained": "convert.installer",
    "push_to_hub": "models.publish",
    "save_pretrained": "models.publish",
}
__all__ = [
    "Engine",
    "GenerationRequest",
    "GenerationResult",
    "__version__",
    "from_pretrained",
    "push_to_hub",
    "save_pretrained",
]


def __getattr__(name: str):
    """Import the public names only when they are used, so that `ttm-app --help` never loads torch."""
    if name not in _HOME:
        raise AttributeError(f"module 'musicgen_app' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
