"""The objective of training: backbone and projection heads in one module, batch -> losses of its samples."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from musicgen_app import flow
from musicgen_app.backbones import with_grid
from musicgen_app.backbones.base import Backbone
from musicgen_app.backbones.fluxaudio.model import FluxAudio
from musicgen_app.backbones.presets import build_backbone
from musicgen_app.errors import FileError, ModelError
from musicgen_app.models import installed

from ..prepare.prepared_folder import Prepared
from . import losses
from .batch import Batch
from .config import Training
from .muq_layers import MuqLayers, muq_layers

AUTOCAST = {"fp32": None, "bf16": torch.bfloat16, "fp16": torch.float16}
MUQ_WIDTH = 1024


class Objective(nn.Module):
    """Flow matching, and alignment of the last hidden state where there are heads for it; see `training.losses`.

    heads: {"clap": ClapHead, "muq": MuqHead}; either may be missing. They are trained with it and never exported.
    """

    weights: Tensor | None

    def __init__(
        self,
        model: Backbone,
        heads: nn.ModuleDict,
        training: Training,
        weights: Tensor | None = None,
        muq_layers: MuqLayers | None = None,
    ):
        super().__init__()
        self.frozen = [muq_layers] if muq_layers else []  # in a list, so that it is neither trained nor kept
        self.model, self.heads = model, heads
        self.lambdas = {"clap": training.repa_clap, "muq": training.repa_muq}
        self.grid_layout = training.grid_layout
        self.alpha, self.autocast = training.repa_alpha, AUTOCAST[training.precision]
        self.register_buffer("weights", weights, persistent=False)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """The loss of each sample (B,) as "loss", and its parts without their weights: "flow", "clap", "muq"."""
        device = batch.data.device
        x, mask = flow.interpolate(batch.data, batch.noise, batch.t), batch.mask
        if batch.given is not None:
            x, mask = torch.where(batch.given[..., None], batch.data, x), mask & ~batch.given
        with torch.autocast(device.type, self.autocast) if self.autocast else nullcontext():
            cond = self.model.condition(batch.tokens, batch.text_mask, batch.vector, batch.drop)
            if batch.grid is not None:
                cond = with_grid(self.model, cond, batch.grid)
            velocity, hidden = flow.velocity(self.model, x, batch.t, cond, return_hidden=True)
        parts = {"flow": losses.flow_matching(velocity, flow.target(batch.data, batch.noise), mask, self.weights)}
        if "clap" in self.heads:
            assert batch.clap is not None  # where there is a head there is a target
            parts["clap"] = losses.repa_clap(self.heads["clap"](hidden.float(), batch.mask), batch.clap)
        if "muq" in self.heads:
            assert batch.muq is not None
            student = self.heads["muq"](hidden.float())
            for layers in self.frozen:
                student = layers(student, batch.mask)
            parts["muq"] = losses.repa_muq(student, batch.muq, batch.mask)
        near_data = losses.repa_weight(batch.t, self.alpha)
        aligned = [self.lambdas[name] * near_data * parts[name] for name in self.heads]
        return {"loss": parts["flow"] + sum(aligned), **parts}


def new_objective(training: Training, prepared: Prepared) -> Objective:
    """A new objective for the prepared data; the seed decides its weights.

    The statistics of the latents and the features of the empty prompt are put where the backbone keeps them. Raises
    ModelError when the backbone's sizes do not fit the data.
    """
    torch.manual_seed(training.seed)
    model = build_backbone(training.preset, training.overrides)
    _fit(model, prepared)
    heads = nn.ModuleDict()
    if training.repa_clap:
        width = prepared.audio_vectors(prepared.items("train")[:1]).shape[1]
        heads["clap"] = losses.ClapHead(_hidden(model), width, training.repa_layers)
    layers = None
    if training.repa_muq:
        heads["muq"] = losses.MuqHead(_hidden(model), MUQ_WIDTH, training.repa_layers)
        if training.repa_muq_into == "conformer":
            layers = muq_layers(prepared)
    weights = _channel_weights(prepared) if training.channel_weights else None
    return Objective(model, heads, training, weights, layers)


@torch.no_grad()
def begin_from(model: nn.Module, name: str) -> None:
    """Put the weights of the installed model (or model folder) `name` into `model`, so that training goes on from them.

    A matrix or filter whose input has become wider keeps its columns and gets zeros after them, and the layers that
    read the grid may be new, so that the model first answers as before. What belongs to the data (latent statistics,
    features of the empty prompt) stays as it is.
    Raises ModelError for a model of other sizes.
    """
    bundle = installed.find(name)
    given = bundle.load()
    own = {key: value for key, value in model.named_parameters() if value.requires_grad}
    for key, value in own.items():
        old = given.get(key)
        grown = old is not None and old.ndim == value.ndim >= 2 and _but_width(old) == _but_width(value)
        if old is None and key.startswith("grid_input_proj."):
            continue  # it begins as zero
        if old is None or old.shape != value.shape and not (grown and old.shape[1] < value.shape[1]):
            has = "nothing" if old is None else f"shape {tuple(old.shape)}"
            raise ModelError(
                f"training cannot begin from {bundle.name}: of {key}, shape {tuple(value.shape)}, it has {has};"
                " take a model of the same sizes"
            )
        if old.shape == value.shape:
            value.copy_(old)
        else:
            value.zero_()
            value[:, : old.shape[1]] = old


def _but_width(weights: torch.Tensor) -> tuple[int, ...]:
    """The shape of weights without the channels that they read."""
    return (weights.shape[0], *weights.shape[2:])


def _channel_weights(prepared: Prepared) -> Tensor:
    if prepared.channel_weights is None:
        raise FileError(f"{prepared.folder} knows no weights of the latent channels: train without channel weights")
    return prepared.channel_weights


def _hidden(model: Backbone) -> int:
    return model.config.hidden


@torch.no_grad()
def _fit(model: Backbone, prepared: Prepared) -> None:
    tokens, vector = prepared.null_text()
    given = {"latent_dim": prepared.latent_dim, "text_dim": tokens.shape[-1]}
    if vector is not None and hasattr(model.config, "vector_dim"):
        given["vector_dim"] = vector.shape[-1]
    wrong = [f"{name} {getattr(model.config, name)}, the data {size}" for name, size in given.items()
             if getattr(model.config, name) != size]  # fmt: skip
    if wrong:
        raise ModelError(f"the backbone has {'; '.join(wrong)}: override its sizes, or prepare with other encoders")
    if not isinstance(model, FluxAudio):
        return
    length = min(len(tokens), model.config.text_len)
    model.empty_string_feat[:length] = tokens[:length]
    if vector is not None:
        model.empty_string_feat_c.copy_(vector)
    for name in ("mean", "std"):
        getattr(model, f"latent_{name}").copy_(torch.tensor(prepared.meta["latent"][name]))
