"""A codec's decoder network as an ONNX file: written and checked here, and decoded with onnxruntime.

codec.decoder_module() -> graph `latents` (1, T, D) -> `output`, any T -> compared with PyTorch -> put in its place
OnnxCodec: latents -> onnxruntime -> codec.finish -> waveform

onnxruntime, onnx and onnxscript are optional: `pip install "ttm-app[onnx]"`.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import json
import logging
import os
import shutil
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..errors import DependencyError, ModelError
from ..machine import files
from ..machine.device import has_fast_bfloat16
from ..models.bundle import load_state
from .base import ExportableCodec, LoopDecoder

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

    from .base import Codec

OPSET = 23
EXTERNAL_BYTES = 100_000_000  # a larger graph keeps its weights in a file of their own, FILE.data
TOLERANCE = 1e-4  # largest difference from PyTorch, as a fraction of the largest output: -80 dB
TIMING_SECONDS = 3.0  # spent on timing one decoder at one length, unless a single run takes longer
_STORED_TYPES = {"F16": "FLOAT16", "BF16": "BFLOAT16", "F32": "FLOAT"}  # safetensors -> ONNX


@dataclass(frozen=True)
class Parity:
    """PyTorch against onnxruntime at one length, in float32: errors of the network, times of the whole decoding."""

    latents: int
    max_error: float
    relative_error: float  # max_error / largest output
    onnx_ms: float
    torch_ms: float
    torch_bf16_ms: float | None  # None where bfloat16 is slow


@dataclass(frozen=True)
class ExportReport:
    """What `export_decoder` wrote (the graph comes first) and measured on the CPU."""

    files: tuple[Path, ...]
    parity: tuple[Parity, ...]

    @property
    def faster(self) -> str:
        """ "torch" or "onnx": the one that took less time at the longest length in float32."""
        longest = max(self.parity, key=lambda row: row.latents)
        return "onnx" if longest.onnx_ms < longest.torch_ms else "torch"


class OnnxDecoder:
    """A decoder graph in onnxruntime: latents (B, T, D) -> what the network gives, float32, on the latents' device.

    Uses as many threads as PyTorch. Runs on CUDA where `device` is that, else on the CPU, and nowhere else.
    Raises DependencyError (package or provider missing) and ModelError (not a decoder for latents of `latent_dim`).
    """

    def __init__(self, path: Path, device: torch.device, latent_dim: int):
        runtime = _optional("onnxruntime")
        provider = "CUDAExecutionProvider" if device.type == "cuda" else "CPUExecutionProvider"
        if provider not in runtime.get_available_providers():
            raise DependencyError(
                f'the onnxruntime installed here has no {provider}: pip install "ttm-app[gpu]", or use --decoder torch'
            )
        options = runtime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.use_deterministic_compute = True
        options.enable_cpu_mem_arena = False  # it keeps what the longest clip took; without it 5% more time
        options.log_severity_level = 4  # what goes wrong is raised below
        exact = {"use_tf32": "0"} if device.type == "cuda" else {}
        try:
            session = runtime.InferenceSession(path, options, providers=[(provider, exact)])
        except Exception as error:  # onnxruntime raises bare subclasses of Exception
            raise ModelError(
                f"onnxruntime cannot open {path} ({_brief(error)}): install the model again, or export it again with"
                " `ttm-app export codec`"
            ) from error
        if session.get_providers()[0] != provider:  # onnxruntime goes on with the CPU where CUDA does not start
            raise DependencyError(
                f"onnxruntime was asked for {provider} but started {session.get_providers()[0]}:"
                " check the CUDA libraries, or use --decoder torch"
            )
        inputs = [(node.name, node.shape[-1]) for node in session.get_inputs()]
        if inputs != [("latents", latent_dim)]:
            raise ModelError(f"{path} is not a decoder of latents with {latent_dim} dimensions: export it again")
        self.path, self.device, self.latent_dim = path, device, latent_dim
        self._session = session

    def __call__(self, latents: Tensor) -> Tensor:
        items = latents.float().cpu().split(1)  # the graph takes a batch of one
        outputs = [torch.from_numpy(self._session.run(None, {"latents": item.numpy()})[0]) for item in items]
        return torch.cat(outputs).to(latents.device)


class OnnxCodec:
    """A codec whose decoder network runs in onnxruntime; follows the `Codec` protocol. Encoding stays as it is."""

    def __init__(self, codec: ExportableCodec, decoder: OnnxDecoder):
        self.codec, self.decoder = codec, decoder
        self.sample_rate, self.channels = codec.sample_rate, codec.channels
        self.latent_dim, self.latent_rate = codec.latent_dim, codec.latent_rate
        self.samples_per_latent, self.chunk, self.context = codec.samples_per_latent, codec.chunk, codec.context
        self.encode = codec.encode
        if callable(chunks_with := getattr(codec, "decode_chunks_with", None)):
            self.decode_chunks = lambda latents: chunks_with(self.decoder, latents)
        if isinstance(codec, LoopDecoder) and callable(loop_with := getattr(codec, "decode_loop_with", None)):
            self.loop_samples = codec.loop_samples
            self.decode_loop = lambda latents, samples, tell=None: loop_with(self.decoder, latents, samples, tell)

    def decode(self, latents: Tensor) -> Tensor:
        """Latents (B, T, D) -> waveform (B, channels, T * samples_per_latent), float32."""
        return self.codec.finish(self.decoder(latents))

    def to(self, device: torch.device) -> OnnxCodec:
        """Move to a device, in place; the graph is opened again if it has to run elsewhere."""
        self.codec.to(device)
        if device.type != self.decoder.device.type:
            self.decoder = OnnxDecoder(self.decoder.path, device, self.decoder.latent_dim)
        return self

    def prepare(self, dtype: torch.dtype) -> None:
        """Nothing to do: the precision of a graph was chosen when it was exported."""


def available() -> bool:
    """Can onnxruntime be imported here?"""
    return importlib.util.find_spec("onnxruntime") is not None


def export_decoder(
    codec: Codec,
    path: Path,
    weights: Path | None = None,
    external: bool = False,
    lengths: tuple[int, ...] = (),
) -> ExportReport:
    """Write the decoder network of `codec` (on the CPU) to the ONNX file `path`, once it is shown to equal PyTorch's.

    weights: a safetensors file in the folder of `path`; what the graph has in common with it is not stored again but
    read from there. external: keep the weights in `path`.data in any case, not only from 100 MB on.
    lengths: latents to compare at (default: 1, 7, one chunk, one chunk with its context).

    `codec` is one that `prepare` was not called on, and stays so; copies of it are prepared, to be fast.
    A file of that name is replaced. Raises DependencyError, FileError, and ModelError where the export or the
    comparison fails; then nothing is left behind.
    """
    codec = exportable(codec)
    with files.reported(f"write {path}", "choose another file with -o"), files.scratch(path.parent) as folder:
        graph = folder / path.name
        model = _trace(copy.deepcopy(codec).decoder_module(), codec.latent_dim)
        if weights is not None:
            shutil.copyfile(weights, folder / weights.name)  # the checker accepts no link
            _share(model, weights)
        _save(model, graph, external)
        decoder = OnnxDecoder(graph, torch.device("cpu"), codec.latent_dim)
        lengths = lengths or (1, 7, codec.chunk, codec.chunk + 2 * codec.context)
        parity = _compare(codec, decoder, lengths)
        for row in parity:
            if not row.relative_error <= TOLERANCE:  # also when it is not a number
                raise ModelError(
                    f"the ONNX decoder differs from PyTorch's by {row.relative_error:.2g} of the peak at {row.latents}"
                    " latents; nothing was written"
                )
        del decoder  # Windows moves no file that is open
        data = graph.with_name(f"{path.name}.data")
        written = [file for file in (data, graph) if file.exists()]  # the graph last: with it the export is there
        for file in written:
            files.sync(file)
            files.rename(file, path.parent / file.name)
        if data not in written:
            (path.parent / data.name).unlink(missing_ok=True)  # that of an earlier export
    return ExportReport(tuple(path.parent / file.name for file in reversed(written)), parity)


def exportable(codec: Codec) -> ExportableCodec:
    """The same codec, whose decoder can leave PyTorch. ModelError where it cannot (a plug-in's need not)."""
    if not isinstance(codec, ExportableCodec):
        raise ModelError(f"the decoder of the codec {type(codec).__name__} cannot leave PyTorch; use --decoder torch")
    return codec


def _trace(module: nn.Module, latent_dim: int) -> ModelProto:
    """The graph of a decoder network. It carries no trace of the machine it was made on."""
    _optional("onnx")
    _optional("onnxscript")
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)  # it warns of every optional package that is not there
    try:
        with warnings.catch_warnings(), torch.inference_mode(False):
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module,
                (torch.zeros(1, 32, latent_dim),),
                dynamo=True,
                opset_version=OPSET,
                input_names=["latents"],
                output_names=["output"],
                dynamic_shapes=({1: torch.export.Dim("frames", min=1)},),
                verbose=False,
            )
    except torch.onnx.errors.OnnxExporterError as error:
        raise ModelError(f"the decoder cannot be exported to ONNX: {_brief(error)}") from error
    finally:
        log.setLevel(level)
    assert program is not None  # it is, with dynamo
    model = program.model_proto
    for named in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        named.ClearField("metadata_props")  # stack traces with file names
    for tensor in model.graph.initializer:
        tensor.ClearField("metadata_props")
    return model


def _share(model: ModelProto, weights: Path) -> None:
    """Replace every initialiser that equals a tensor of a safetensors file (cast, perhaps transposed) by a reference.

    An external initialiser is a file name, an offset and a length, which a safetensors file can serve as well as any;
    the cast and the transposition become nodes, which onnxruntime computes once, when it opens the graph.
    """
    from onnx import numpy_helper

    stored = _stored(weights)
    known = {}
    for name, tensor in load_state(weights).items():
        tensor = tensor.float()
        known[_digest(tensor)] = (name, False)
        if tensor.ndim == 2:
            known.setdefault(_digest(tensor.t()), (name, True))
    graph, used = model.graph, {}
    initialisers, nodes = list(graph.initializer), list(graph.node)
    del graph.initializer[:], graph.node[:]
    for initialiser in initialisers:
        found = known.get(_digest(torch.from_numpy(numpy_helper.to_array(initialiser).copy())))
        if found is None:
            graph.initializer.append(initialiser)
            continue
        name, transposed = found
        used[name] = stored[name]
        graph.node.extend(_restore(stored[name].name, initialiser.name, transposed))
    graph.initializer.extend(used.values())
    graph.node.extend(nodes)


def _restore(stored: str, name: str, transposed: bool) -> list[NodeProto]:
    """Nodes that make the float32 initialiser `name` out of the `stored` one."""
    from onnx import TensorProto, helper

    cast = f"{name}.cast" if transposed else name
    nodes = [helper.make_node("Cast", [stored], [cast], to=TensorProto.FLOAT)]
    return nodes + ([helper.make_node("Transpose", [cast], [name], perm=[1, 0])] if transposed else [])


def _stored(weights: Path) -> dict[str, TensorProto]:
    """The tensors of a safetensors file by name, as external initialisers called `stored.NAME`."""
    from onnx import TensorProto

    with open(weights, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensor = TensorProto(
            name=f"stored.{name}",
            data_type=TensorProto.DataType.Value(_STORED_TYPES[entry["dtype"]]),
            dims=entry["shape"],
            data_location=TensorProto.EXTERNAL,
        )
        for key, value in {"location": weights.name, "offset": 8 + size + begin, "length": end - begin}.items():
            tensor.external_data.add(key=key, value=str(value))
        tensors[name] = tensor
    return tensors


def _digest(tensor: Tensor) -> tuple:
    """Equal for tensors of equal shape, dtype and values."""
    array = tensor.contiguous().numpy()
    return array.shape, array.dtype.name, hashlib.sha256(array.tobytes()).digest()


def _save(model: ModelProto, graph: Path, external: bool) -> None:
    """Write the graph, its weights in a file beside it if they are large, and let ONNX's checker read it."""
    import onnx

    apart = external or model.ByteSize() > EXTERNAL_BYTES
    onnx.save(model, graph, save_as_external_data=apart, location=f"{graph.name}.data", size_threshold=1024)
    onnx.checker.check_model(os.fspath(graph), full_check=True)


@torch.inference_mode()
def _compare(codec: ExportableCodec, decoder: OnnxDecoder, lengths: tuple[int, ...]) -> tuple[Parity, ...]:
    """Errors of the network and times of the whole decoding, on noise of several lengths."""
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(1, length, codec.latent_dim, generator=generator) for length in lengths]
    plain, through_onnx = _prepared(codec, torch.float32), OnnxCodec(codec, decoder)
    network = plain.decoder_module()
    rows = []
    for latents in inputs:
        wanted, output = network(latents), decoder(latents)
        error = (output - wanted).abs().max().item() if output.shape == wanted.shape else float("inf")
        relative = error / max(wanted.abs().max().item(), 1e-9)
        onnx_ms, torch_ms = _median_ms(partial(through_onnx.decode, latents), partial(plain.decode, latents))
        rows.append(Parity(latents.shape[1], error, relative, onnx_ms, torch_ms, None))
    if has_fast_bfloat16(torch.device("cpu")):
        del network, plain
        plain = _prepared(codec, torch.bfloat16)
        plain.decode(inputs[0])  # warm up
        for number, latents in enumerate(inputs):
            (time_taken,) = _median_ms(partial(plain.decode, latents))
            rows[number] = replace(rows[number], torch_bf16_ms=time_taken)
    return tuple(rows)


def _prepared(codec: ExportableCodec, dtype: torch.dtype) -> ExportableCodec:
    """A copy of `codec` that is prepared."""
    codec = copy.deepcopy(codec)
    codec.prepare(dtype)
    return codec


def _median_ms(*runs: Callable[[], object]) -> list[float]:
    """Milliseconds that each of `runs` takes, which have run before: medians of up to nine rounds in TIMING_SECONDS.

    They take turns, so that a machine that slows down meanwhile slows down all of them.
    """
    rounds: list[list[float]] = []
    while not rounds or (len(rounds) < 9 and sum(sum(times) for times in rounds) < TIMING_SECONDS):
        rounds.append([_seconds(run) for run in runs])
    return [1000 * statistics.median(times) for times in zip(*rounds, strict=True)]


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


def _optional(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise DependencyError(f'the ONNX decoder needs the package {name}: pip install "ttm-app[onnx]"') from error


def _brief(error: BaseException) -> str:
    """The beginning of the message of an error, or of what caused it in the end, on one line."""
    while error.__cause__:
        error = error.__cause__
    return " ".join(str(error).split())[:200]
