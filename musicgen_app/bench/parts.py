"""The parts that are measured, each a function of plain values -> dict of plain values. `child` runs one a process.

Times are in seconds, memory in bytes. `model` is a model name or folder. What is compared between processes (velocity,
latents, waveform) is written to `save` as .npy files.
"""

from __future__ import annotations

import math
import os
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from .. import audio, sampling
from ..backbones.base import Backbone
from ..backbones.inference import prepare
from ..backbones.presets import build_backbone, trainable_parameters
from ..backbones.reference import PlainFluxAudio, PlainMamba, guided_step, plain_twin
from ..codecs import load_codec, read_codec
from ..codecs.chunks import decode_chunked
from ..codecs.onnx import export_decoder
from ..engine import Engine, GenerationResult
from ..machine.checksums import sha256
from ..machine.device import PRECISIONS, cpu_features, pick_precision
from ..models import installed
from ..models.bundle import Bundle, load_backbone, update_config
from ..request import EVALUATIONS, GenerationRequest
from ..text import load_text_encoder
from . import musicgen
from .measure import peak_memory, relative_error, timed
from .products import count_products, products_alone
from .standin import PROMPT, write_stand_in

CPU = torch.device("cpu")
ONNX_FILE = "codec_decoder.onnx"
EXPORT_LATENTS = 32  # at which the exported decoder is compared with PyTorch's
TIME = 0.5  # where on the path from noise to data the step is taken


def machine() -> dict:
    """What the figures were measured on."""
    return {
        "system": platform.platform(),
        "cpu": _cpu_name(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "features": sorted(cpu_features()),
        "precision": pick_precision("auto", CPU),
    }


def stand_in(folder: str, preset: str) -> dict:
    """Write a model of the preset's sizes with random weights to `folder`, which must not exist."""
    start = time.perf_counter()
    bundle = write_stand_in(Path(folder), preset)
    return {"seconds": time.perf_counter() - start, "path": str(bundle.path)}


def export(model: str) -> dict:
    """Give a model an ONNX decoder, as `ttm-app export codec` does."""
    bundle = installed.find(model)
    start = time.perf_counter()
    report = export_decoder(read_codec(bundle), bundle.path / ONNX_FILE, lengths=(EXPORT_LATENTS,))
    files = {file.name: sha256(file) for file in report.files}
    codec = bundle.config["codec"] | {"onnx": ONNX_FILE, "decoder": report.faster}
    update_config(bundle, codec, bundle.config["files"] | files)
    return {
        "seconds": time.perf_counter() - start,
        "bytes": sum(file.stat().st_size for file in report.files),
        "relative_error": max(row.relative_error for row in report.parity),
    }


def facts(model: str, seconds: float) -> dict:
    """What a model is and how many latents a clip of that length has."""
    bundle = installed.find(model)
    codec = load_codec(bundle)
    samples = round(seconds * codec.sample_rate)
    return {
        "title": bundle.config["title"],
        "parameters": trainable_parameters(_empty_backbone(bundle)),
        "text": bundle.config["text"]["kind"],
        "codec": bundle.config["codec"]["kind"],
        "onnx": "onnx" in bundle.config["codec"],
        "latent_rate": codec.latent_rate,
        "latents": math.ceil(samples * codec.latent_rate / codec.sample_rate),
        "sampler": bundle.sampler,
        "orders": EVALUATIONS[bundle.sampler["solver"]],
    }


def text(model: str, repeats: int) -> dict:
    """Encode a prompt that was not seen before, in float32 as the engine does on a CPU."""
    start = time.perf_counter()
    encoder = load_text_encoder(installed.find(model), CPU)
    loaded = time.perf_counter() - start
    prompts = (f"{PROMPT}, take {take}" for take in range(repeats + 1))
    encoder.encode([next(prompts)])
    return timed(lambda: encoder.encode([next(prompts)]), repeats) | {
        "load_seconds": loaded,
        "peak_bytes": peak_memory(),
    }


@torch.inference_mode()
def step(model: str, latents: int, precision: str, repeats: int, plain: bool) -> dict:
    """One guided step (with and without the prompt, as one batch of two).

    plain: also the step of the plain float32 model in this same process, and how far this one is from it.
    """
    bundle = installed.find(model)
    backbone = load_backbone(bundle)
    prepare(backbone, PRECISIONS[pick_precision(precision, CPU)])
    x, features = _step_inputs(bundle, backbone, latents)
    guidance = bundle.sampler["guidance"]
    velocity = sampling.guided(backbone, backbone.condition(*features), backbone.null_condition(1), guidance)
    fast = velocity(x, TIME)
    measured = timed(lambda: velocity(x, TIME), repeats) | {"peak_bytes": peak_memory()}
    if plain:
        twin = _plain_model(bundle, backbone)
        sign, t = (-1, 1 - TIME) if backbone.time_axis == "noise_at_one" else (1, TIME)
        conditions = twin.conditions(*features)
        reference = sign * guided_step(twin, x, t, conditions, guidance)
        taken = timed(lambda: guided_step(twin, x, t, conditions, guidance), repeats)
        measured |= {
            "plain_fp32_seconds": taken["seconds"],
            "faster_than_plain": taken["seconds"] / measured["seconds"],
            "relative_error": relative_error(fast.numpy(), reference.numpy()),
        }
    return measured


@torch.inference_mode()
def products(model: str, latents: int, precision: str, repeats: int) -> dict:
    """The matrix products of one guided step, alone: those of the model as it was trained, before `prepare`."""
    bundle = installed.find(model)
    with torch.device("meta"):
        backbone = _empty_backbone(bundle)
        x, features = _step_inputs(bundle, backbone, latents)
        guidance = bundle.sampler["guidance"]
        velocity = sampling.guided(backbone, backbone.condition(*features), backbone.null_condition(1), guidance)
        counted = count_products(lambda: velocity(x, TIME))
    run = products_alone(counted, PRECISIONS[pick_precision(precision, CPU)])
    run()
    return timed(run, repeats) | {
        "products": sum(counted.values()),
        "multiplications": sum(product.multiplications * count for product, count in counted.items()),
    }


@torch.inference_mode()
def decode(model: str, latents: int, precision: str, decoder: str, repeats: int, save: str | None = None) -> dict:
    """Latents -> waveform, in chunks as the engine does it."""
    bundle = installed.find(model)
    start = time.perf_counter()
    codec = load_codec(bundle, CPU, PRECISIONS[pick_precision(precision, CPU)], decoder)
    loaded = time.perf_counter() - start
    statistics = (torch.tensor(bundle.config["latent"][key]) for key in ("mean", "std"))
    mean, std = statistics
    z = sampling.noise([0], latents, codec.latent_dim) * std + mean
    decode_chunked(codec, z[:, : min(latents, codec.chunk)])
    kept: list[Tensor] = []

    def run() -> None:
        kept[:] = [decode_chunked(codec, z)]

    measured = timed(run, repeats) | {"load_seconds": loaded, "peak_bytes": peak_memory()}
    made = kept[0].shape[-1] / codec.sample_rate
    if save:
        np.save(save, kept[0].numpy())
    return measured | {"audio_seconds": made, "rtf": measured["seconds"] / made}


def whole(
    model: str, seconds: float, precision: str, decoder: str, steps: int, repeats: int, save: str | None = None
) -> dict:
    """The whole chain, text -> audio file, by the engine. The model is loaded, and warm from a run of one step."""
    engine = Engine(precision=precision, decoder=decoder)
    start = time.perf_counter()
    loaded = engine.load(model)
    load_seconds = time.perf_counter() - start
    request = GenerationRequest(f"{PROMPT}, warm-up", seconds=seconds, seed=1, steps=1, model=model)
    engine.generate(request)
    sampled = _overhear(loaded.codec)
    results: list[GenerationResult] = []

    def run() -> None:
        prompt = f"{PROMPT}, take {len(results)}"  # another one each time: encoded text is kept
        results.extend(engine.generate(replace(request, prompt=prompt, seed=0, steps=steps)))
        with tempfile.TemporaryDirectory() as folder:
            audio.write(Path(folder) / "clip.wav", results[-1].audio, results[-1].sample_rate, {})

    measured = timed(run, repeats)
    stages = {stage: float(np.median([r.seconds_taken[stage] for r in results])) for stage in results[0].seconds_taken}
    if save:
        first = sampled[: len(sampled) // len(results)]
        np.savez(save, latents=torch.cat([z.flatten() for z in first]).numpy(), audio=results[0].audio)
    return measured | {
        "steps": steps,
        "evaluations": steps * EVALUATIONS[loaded.bundle.sampler["solver"]],
        "decoder": results[0].computed["decoder"],
        "stages": stages,
        "audio_seconds": seconds,
        "rtf": measured["seconds"] / seconds,
        "sampling_rtf": stages["sampling"] / seconds,
        "load_seconds": load_seconds,
        "peak_bytes": peak_memory(),
    }


PARTS: dict[str, Callable[..., dict]] = {
    "machine": machine,
    "stand_in": stand_in,
    "export": export,
    "facts": facts,
    "text": text,
    "step": step,
    "products": products,
    "decode": decode,
    "whole": whole,
    "musicgen-small": musicgen.measure,
}


def _step_inputs(bundle: Bundle, backbone: Backbone, latents: int) -> tuple[Tensor, tuple]:
    """Random x (1, T, D) and text features (tokens, mask, vector) as long as the model's text encoder gives them."""
    config = backbone.config
    generator = None if torch.get_default_device().type == "meta" else torch.Generator().manual_seed(0)
    length = bundle.config["text"].get("length", 48)
    x = torch.randn(1, latents, backbone.latent_dim, generator=generator)
    tokens = torch.randn(1, length, config.text_dim, generator=generator)
    width = getattr(config, "vector_dim", None)  # this family takes one vector for the whole prompt
    vector = None if width is None else torch.randn(1, width, generator=generator)
    return x, (tokens, torch.ones(1, length, dtype=torch.bool), vector)


def _empty_backbone(bundle: Bundle) -> Backbone:
    """The backbone on the meta device: its layers without weights."""
    config = bundle.config["backbone"]
    with torch.device("meta"):
        return build_backbone(config["preset"], config.get("overrides")).eval()


def _plain_model(bundle: Bundle, backbone: Backbone) -> PlainFluxAudio | PlainMamba:
    """The plain model with the weights of the bundle, float32."""
    with torch.device("meta"):
        twin = plain_twin(backbone)
    twin.load_state_dict({name: tensor.float() for name, tensor in bundle.load().items()}, assign=True)
    return twin.eval()


def _overhear(codec) -> list[Tensor]:
    """The list that all latents the codec is given from now on are added to, chunk by chunk."""
    heard: list[Tensor] = []

    def listening(original: Callable) -> Callable:
        def listen(latents: Tensor):
            heard.append(latents.cpu().clone())
            return original(latents)

        return listen

    for name in ("decode", "decode_chunks"):
        if hasattr(codec, name):
            setattr(codec, name, listening(getattr(codec, name)))
    return heard


def _cpu_name() -> str:
    """The processor's name as the system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
