"""A recipe: preparation, training and sampler in one value, and how options change it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from musicgen_app.aligner import load_aligner
from musicgen_app.backbones.presets import configuration
from musicgen_app.errors import RequestError
from musicgen_app.models.paper_systems import SYSTEMS

from ..prepare.config import Preparation
from ..prepare.encoders import BACKBONE, SENTENCES, find_encoders
from ..runtime import flat_names
from ..training.config import Training

OURS = "ttm-app"
BUNDLED = "sketch"  # the encoders that come with the app
# Frames a second of the codecs' latents.
RATES = {"sketch": 12.5, "acestep-v1": 44_100 / 4_096, "acestep-v15": 25.0, "mmaudio-16k": 31.25}
ENCODER_SIZES = ("latent_dim", "text_dim", "text_len", "vector_dim")  # sizes of a model that its encoders decide


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what a run makes of its data.

    sampler and seconds: entries of the bundle's config. origins: where numbers come from, by flat names (see
    `runtime.flat_names`) or by their first parts; numbers that are not named there are this project's own choice.
    """

    name: str
    title: str
    paper: str
    preparation: Preparation
    training: Training
    sampler: dict
    seconds: dict
    origins: dict[str, str] = field(default_factory=dict, compare=False)

    def parameters(self) -> dict[str, object]:
        """Every parameter by its flat name; those of the model are complete, and begin with `model.`"""
        model = {"model.preset": self.training.preset} | {f"model.{k}": v for k, v in sizes(self.training).items()}
        parts = ("training", "preparation", "sampler", "seconds")
        rest = flat_names.flat({part: getattr(self, part) for part in parts})
        hidden = ("training.preset", "training.overrides")
        return model | {name: value for name, value in rest.items() if not name.startswith(hidden)}

    def origin(self, name: str) -> str:
        """Where a parameter comes from."""
        while name:
            if name in self.origins:
                return self.origins[name]
            name = name.rpartition(".")[0]
        return OURS

    def changed(self, name: str, text: str, by: str = "--set") -> Recipe:
        """A copy with one parameter read from text. Raises RequestError (no such parameter, or not of its type)."""
        known = self.parameters()
        whole = f"training.{name}" if f"training.{name}" in known else flat_names.find(known, name)
        part, _, rest = whole.partition(".")
        if part == "model":
            if rest == "preset":
                raise RequestError("the network belongs to the recipe: choose another --recipe, or set its sizes")
            size = flat_names.change(_config(self.training), rest, text)
            overrides = dict(self.training.overrides) | {rest: getattr(size, rest)}
            changed = replace(self, training=replace(self.training, overrides=overrides))
        elif part in ("sampler", "seconds"):
            value = _like(known[whole], text, whole)
            changes: dict[str, Any] = {part: getattr(self, part) | {rest: value}}
            changed = replace(self, **changes)
        else:
            changes = {part: flat_names.change(getattr(self, part), rest, text)}
            changed = replace(self, **changes)
        return replace(changed, origins=self.origins | {whole: by})

    def with_training(self, by: str = OURS, **values) -> Recipe:
        """A copy with fields of the training replaced."""
        origins = self.origins | {f"training.{name}": by for name in values}
        return replace(self, training=replace(self.training, **values), origins=origins)

    def with_steps(self, steps: int, by: str = "--steps") -> Recipe:
        """A copy of `steps` steps in all, shared by the phases as before; a warm-up is at most a tenth of its phase."""
        phases = self.training.phases
        total = sum(phase.steps for phase in phases)
        ends = [round(steps * sum(p.steps for p in phases[: i + 1]) / total) for i in range(len(phases))]
        counts = [end - begin for begin, end in zip([0, *ends], ends, strict=False)]
        kept = [(phase, count) for phase, count in zip(phases, counts, strict=True) if count]
        scaled = tuple(replace(p, steps=n, warmup=min(p.warmup, n // 10)) for p, n in kept)
        names = [f"training.phases.{i}.{name}" for i in range(len(scaled)) for name in ("steps", "warmup")]
        training = replace(self.training, phases=scaled)
        return replace(self, training=training, origins=self.origins | dict.fromkeys(names, by))


def sizes(training: Training) -> dict[str, object]:
    """The sizes of the model, by field of its configuration."""
    config = _config(training)
    return {f.name: getattr(config, f.name) for f in fields(config)}


def _config(training: Training):
    return configuration(training.preset, training.overrides)


def _like(old: object, text: str, name: str) -> object:
    """A text as a value of the type that the old one has."""
    kinds = {type(None): tuple[float, float] | None, list: tuple[float, float] | None}
    return flat_names.read(text, kinds.get(type(old), type(old)), name)


def encoder_sizes(encoders: str) -> dict[str, int]:
    """The sizes of a generator that are given by the encoders of a paper's system or of a model. Raises ModelError."""
    if encoders in SYSTEMS:
        text, own = SYSTEMS[encoders].text, dict[str, Any](preset=encoders)
    else:
        found = find_encoders(encoders)
        text, own = found.text, found.bundle.config.get("backbone", BACKBONE)
    config = _config(Training(preset=own["preset"], overrides=own.get("overrides") or {}))
    lengths = {"text_len": text.get("length", SENTENCES["length"])}
    return lengths | {name: getattr(config, name) for name in ENCODER_SIZES if hasattr(config, name)}


def latent_rate(encoders: str) -> float:
    """Frames a second of the codec among these encoders. Raises ModelError."""
    codec = SYSTEMS[encoders].codec if encoders in SYSTEMS else find_encoders(encoders).codec
    return RATES[codec["kind"]]


def with_encoders(recipe: Recipe, encoders: str, by: str = "--encoders") -> Recipe:
    """The recipe for other encoders: with the model sizes that they give, and crops of as many seconds as before.

    With "sketch" every recipe runs on what comes with this app: its codec, its text encoder, and its aligner in the
    place of CLAP. Raises ModelError for encoders that are not known here.
    """
    before = recipe.preparation.encoders
    own = sizes(recipe.training)
    wanted = {name: size for name, size in encoder_sizes(encoders).items() if name in own and own[name] != size}
    scale = latent_rate(encoders) / latent_rate(before)
    phases = tuple(replace(p, crop=p.crop and round(scale * p.crop)) for p in recipe.training.phases)
    embedder: dict[str, Any] = {"embedder": "aligner"} if encoders == BUNDLED else {}
    medium = recipe.preparation.medium
    if embedder and recipe.preparation.seconds and medium is not None and medium > -1:  # tiers that leave something out
        embedder |= load_aligner().tiers  # its scores have another scale than CLAP's
    names = [f"model.{name}" for name in wanted] + [f"preparation.{name}" for name in ("encoders", *embedder)]
    names += [f"training.phases.{i}.crop" for i, phase in enumerate(phases) if phase.crop]
    return replace(
        recipe,
        preparation=replace(recipe.preparation, encoders=encoders, **embedder),
        training=replace(recipe.training, overrides=dict(recipe.training.overrides) | wanted, phases=phases),
        origins=recipe.origins | dict.fromkeys(names, by),
    )
