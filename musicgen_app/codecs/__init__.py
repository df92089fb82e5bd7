"""Codecs: waveform <-> latents. `load_codec` picks the one that a bundle names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from .. import plugins
from ..errors import DependencyError, ModelError, RequestError
from ..machine.user_settings import DECODERS

if TYPE_CHECKING:
    import torch

    from ..models.bundle import Bundle
    from .base import Codec


def load_codec(
    bundle: Bundle,
    device: torch.device | None = None,
    precision: torch.dtype | None = None,
    decoder: str = "torch",
) -> Codec:
    """The codec of a bundle on `device` (default: CPU), ready to decode.

    precision: what the decoder computes in (default: float32); an ONNX decoder is always float32.
    decoder: "torch", "onnx" (the bundle needs one, see `ttm-app export codec`), or "auto": see `pick_decoder`.
    Raises ModelError (unknown kind, not on this machine, damaged), DependencyError and RequestError.
    """
    import torch

    device, precision = device or torch.device("cpu"), precision or torch.float32
    codec = read_codec(bundle).to(device)
    if pick_decoder(bundle, device, precision, decoder) == "onnx":
        from .onnx import OnnxCodec, OnnxDecoder, exportable

        return OnnxCodec(exportable(codec), OnnxDecoder(_onnx_file(bundle), device, codec.latent_dim))
    codec.prepare(precision)
    return codec


def pick_decoder(bundle: Bundle, device: torch.device, precision: torch.dtype, decoder: str) -> str:
    """ "torch" or "onnx".

    "auto" is the one that was faster in float32 on a CPU when the ONNX decoder was exported, if it can be used here; in
    bfloat16, or on another device, it is "torch". Raises RequestError, ModelError and DependencyError.
    """
    import torch

    from .onnx import available

    if decoder not in DECODERS:
        raise RequestError(f"decoder {decoder!r} is unknown; use {', '.join(DECODERS)}")
    config = bundle.config["codec"]
    if decoder == "auto":
        alike = device.type == "cpu" and precision == torch.float32
        return "onnx" if config.get("decoder") == "onnx" and alike and available() else "torch"
    if decoder == "onnx":
        if "onnx" not in config:
            raise ModelError(
                f"the model {bundle.name} has no ONNX decoder: make one with `ttm-app export codec {bundle.name}`,"
                " or use --decoder torch"
            )
        if not available():
            raise DependencyError('the ONNX decoder needs the package onnxruntime: pip install "ttm-app[onnx]"')
    return decoder


def read_codec(bundle: Bundle) -> Codec:
    """The codec of a bundle as it was trained, on the CPU. Raises ModelError."""
    from . import sketch

    kind = bundle.config["codec"]["kind"]
    if kind in sketch.KINDS:
        return sketch.load_codec(codec_folder(bundle), _weights_digest(bundle))
    if kind == "mmaudio-16k":
        from .mmaudio.codec import MMAudio16k

        return MMAudio16k.load(codec_folder(bundle), _weights_digest(bundle))
    if kind == "acestep-v1":
        from .acestep_v1.codec import AceStepV1

        return AceStepV1.load(codec_folder(bundle))
    if kind == "acestep-v15":
        from .acestep_v15.codec import AceStepV15

        return AceStepV15.load(codec_folder(bundle))
    load = plugins.load("codecs", kind)
    if load is None:
        raise ModelError(f"{bundle.path}: unknown codec {kind!r}; {plugins.ADVICE}")
    with plugins.blamed("codecs", kind):
        return load(bundle)


def codec_folder(bundle: Bundle) -> Path:
    """Where the files of a bundle's codec are: inside the bundle, or in the Hugging Face cache."""
    from ..models.hub import locate

    config = bundle.config["codec"]
    return locate(config["source"], bundle.path) if "source" in config else bundle.path / config["path"]


def _weights_digest(bundle: Bundle) -> str | None:
    """The SHA-256 of the weights of a codec inside the bundle."""
    return bundle.config["files"].get(f"{bundle.config['codec']['path']}/model.safetensors")


def _onnx_file(bundle: Bundle) -> Path:
    """The decoder graph of a bundle, its SHA-256 checked; so is that of its weights where they have their own file."""
    from ..models.bundle import verify

    name = bundle.config["codec"]["onnx"]
    files = {file: digest for file, digest in bundle.config["files"].items() if file in (name, f"{name}.data")}
    verify(replace(bundle, config={**bundle.config, "files": files}))
    return bundle.path / name
