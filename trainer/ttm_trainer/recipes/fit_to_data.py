"""Fits a recipe to its data and its device: what they do not allow is changed, and every change is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from musicgen_app.errors import RequestError
from musicgen_app.machine.device import has_fast_bfloat16, pick_device

from ..prepare.prepared_folder import Prepared
from .recipe import OURS, Recipe, with_encoders


def fitted(recipe: Recipe, prepared: Prepared) -> tuple[Recipe, list[str]]:
    """The recipe as it can be run on these data, and a line for each change.

    What an option asked for is never changed: where it is impossible, this raises RequestError. FileError: no items.
    """
    notes: list[str] = []
    for part in (_encoders, _clusters, _styles, _batches, _channel_weights, _validation):
        recipe, more = part(recipe, prepared)
        notes += more
    return recipe, notes


def for_device(recipe: Recipe, device: str = "auto") -> tuple[Recipe, list[str]]:
    """The recipe in float32 where it asks for bfloat16 and the device has no units for that, and a line that says so.

    What an option asked for is left as it is. Raises RequestError for a device that is not there.
    """
    slow = recipe.training.precision == "bf16" and not has_fast_bfloat16(pick_device(device))
    if not slow or asked(recipe, "training.precision"):
        return recipe, []
    note = "fp32 in place of bf16: this device only imitates bfloat16, which takes many times as long"
    return recipe.with_training(OURS, precision="fp32"), [note]


def asked(recipe: Recipe, name: str) -> bool:
    """Whether a parameter was given by an option."""
    return recipe.origin(name).startswith("--")


def _encoders(recipe: Recipe, prepared: Prepared) -> tuple[Recipe, list[str]]:
    wanted, there = recipe.preparation.encoders, prepared.meta["preparation"]["encoders"]
    if wanted == there:
        return recipe, []
    if asked(recipe, "preparation.encoders"):
        raise RequestError(
            f"{prepared.folder} was prepared with the encoders {there}, not {wanted}: leave --encoders out, or give the"
            " music itself as --data"
        )
    recipe = with_encoders(recipe, there, by="data")
    return recipe, [f"encoders {there} in place of {wanted}: the data was prepared with them"]


def _clusters(recipe: Recipe, prepared: Prepared) -> tuple[Recipe, list[str]]:
    by, k = recipe.training.clusters
    n, batch = len(prepared.items("train")), recipe.training.batch
    if k == 1 or k * batch <= n:
        return recipe, []
    if asked(recipe, "training.clusters"):
        if k > n:
            raise RequestError(f"{k} clusters cannot be made of {n} training items: use {max(1, n // batch)} or fewer")
        return recipe, [f"{k} clusters of {n} items: most are smaller than a batch of {batch}"]
    fewer = max(1, n // batch)
    note = f"{fewer} clusters in place of {k}: {n} training items are too few to fill a batch of {batch} from each"
    return recipe.with_training(OURS, clusters=(by, fewer)), [note]


def _styles(recipe: Recipe, prepared: Prepared) -> tuple[Recipe, list[str]]:
    """Phases that name a style of captions get it for themselves; without it, they train on all there are."""
    phases, notes = list(recipe.training.phases), []
    named = {style for phase in phases for style in phase.styles or ()}
    for i, phase in enumerate(phases):
        here = tuple(style for style in phase.styles or () if style in prepared.styles)
        if phase.styles and not here:
            notes.append(
                f"phase {i} trains on the captions there are ({', '.join(prepared.styles)}): none is of the style"
                f" {', '.join(phase.styles)}, see `ttm-app captions`"
            )
            phases[i] = replace(phase, styles=None)
        elif phase.styles is None and named & set(prepared.styles):
            rest = tuple(style for style in prepared.styles if style not in named)
            phases[i] = replace(phase, styles=rest or None)
    if phases == list(recipe.training.phases):
        return recipe, []
    return replace(recipe, training=replace(recipe.training, phases=tuple(phases))), notes


def _batches(recipe: Recipe, prepared: Prepared) -> tuple[Recipe, list[str]]:
    notes = []
    for i, phase in enumerate(recipe.training.phases):
        items = prepared.items("train", phase.styles)
        tracks = np.unique(prepared.tracks[items])
        n, batch = round(phase.fraction * len(items)), phase.batch or recipe.training.batch
        if n < batch:
            notes.append(
                f"phase {i}: about {n} items ({len(tracks)} tracks) are fewer than a batch of {batch}, so a batch holds"
                " some of them more than once"
            )
    return recipe, notes


def _channel_weights(recipe: Recipe, prepared: Prepared) -> tuple[Recipe, list[str]]:
    if not recipe.training.channel_weights or prepared.channel_weights is not None:
        return recipe, []
    if asked(recipe, "training.channel_weights"):
        return recipe, []  # the loop refuses
    note = "all latent channels count alike: the codec of these data does not say what each is worth"
    return recipe.with_training(OURS, channel_weights=False), [note]


def _validation(recipe: Recipe, prepared: Prepared) -> tuple[Recipe, list[str]]:
    if len(prepared.items("val")):
        return recipe, []
    held_out = recipe.preparation.val
    return recipe, [f"nothing is held out ({held_out:.0%} of so few tracks), so there will be no validation loss"]
