"""The published models as they stand on this machine: what each is, what it costs, and whether it is here."""

from __future__ import annotations

import os

from . import published
from .hub import page
from .installed import list_models


def offered(models_dir: str | os.PathLike | None = None) -> list[dict]:
    """The facts of every published model; see `offer`."""
    here = {bundle.name for bundle in list_models(models_dir)}
    return [offer(name, name in here) for name in published.PUBLISHED]


def offer(name: str, installed: bool) -> dict:
    """What is to be known of a published model before it is here.

    Of one that can be installed, bytes_to_fetch counts what is missing of it now, bytes_on_disk its folder, and
    seconds_for_ten is about how long ten seconds of music take on this machine (see `bench.expected`), too long an
    estimate where it was made while other programs kept the machine busy.
    """
    from ..backbones.presets import PRESETS

    known = published.PUBLISHED[name]
    sampler, preset = known.sampler, PRESETS[known.system]
    return {
        "name": name,
        "title": known.title,
        "about": known.about,
        "installed": installed,
        "cannot_be_installed": known.why_not or None,
        "sample_rate": known.sample_rate,
        "channels": known.channels,
        "seconds": known.shape.seconds,
        "parameters": preset.parameters,
        "sampler": sampler,
        "licence": known.licence,
        "forbids": known.forbids or None,
        "learned_from": known.data,
        **({} if known.why_not else _costs(known)),
    }


def _costs(known: published.Published) -> dict:
    """What it takes to have a model here and to play it, and where it comes from."""
    from ..bench.expected import is_busy, ten_seconds

    sampler = known.sampler
    seconds = ten_seconds(known.system, sampler["steps"], sampler["guidance"])
    return {
        "bytes_to_fetch": known.to_fetch(),
        "bytes_on_disk": known.size,
        "seconds_for_ten": seconds and float(f"{seconds:.2g}"),
        "estimated_while_busy": seconds is not None and is_busy(),
        "source": page(known.weights.repo),
        "revision": known.weights.revision,
    }
