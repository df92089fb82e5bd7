"""The published models as they stand on this machine: what each is, what it costs, and whether it is here."""

from __future__ import annotations

import os

from . import published
from .installed import list_models


def offered(models_dir: str | os.PathLike | None = None) -> list[dict]:
    """The facts of every published model; see `offer`."""
    here = {bundle.name for bundle in list_models(models_dir)}
    return [offer(name, name in here) for name in published.PUBLISHED]


def offer(name: str, installed: bool) -> dict:
    """What is to be known of a published model before it is here.

    bytes_to_fetch counts what is missing of it now, bytes_on_disk its folder; seconds_for_ten is about how long ten
    seconds of music take on this machine (see `bench.expected`), None where that is not known.
    """
    from ..backbones.presets import PRESETS
    from ..bench.expected import ten_seconds

    known = published.PUBLISHED[name]
    sampler, preset = known.shape.sampler, PRESETS[known.system]
    return {
        "name": name,
        "title": known.title,
        "about": known.about,
        "installed": installed,
        "sample_rate": known.sample_rate,
        "channels": known.channels,
        "seconds": known.shape.seconds,
        "parameters": preset.parameters,
        "sampler": sampler,
        "bytes_to_fetch": known.to_fetch(),
        "bytes_on_disk": known.size,
        "seconds_for_ten": ten_seconds(known.system, sampler["steps"], sampler["guidance"]),
        "licence": known.licence,
        "forbids": known.forbids or None,
        "learned_from": known.data,
        "source": f"https://huggingface.co/{known.weights.repo}" if not known.why_not else None,
        "revision": known.weights.revision if not known.why_not else None,
        "cannot_be_installed": known.why_not or None,
    }
