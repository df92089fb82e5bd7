"""The ACE-Step 1.5 codec against diffusers' own AutoencoderOobleck, read from files that diffusers wrote."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from musicgen_app.codecs.acestep_v15.codec import AceStepV15, OobleckConfig, fold
from musicgen_app.codecs.chunks import decode_chunked, encode_chunked
from musicgen_app.errors import ModelError

TINY = {
    "encoder_hidden_size": 16,
    "downsampling_ratios": [2, 4, 6],
    "channel_multiples": [1, 2, 4],
    "decoder_channels": 8,
    "decoder_input_channels": 8,
    "audio_channels": 2,
    "sampling_rate": 4_800,
}
HOP = 48


def build_reference(**settings):
    from diffusers import AutoencoderOobleck

    with pytest.MonkeyPatch.context() as patch:  # diffusers still uses the older weight norm
        patch.setattr("warnings.warn", lambda *args, **kwargs: None)
        return AutoencoderOobleck(**settings).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A tiny autoencoder of diffusers, in 16 bits on disk and as read back from there; (module, folder)."""
    pytest.importorskip("diffusers")
    torch.manual_seed(0)
    model = build_reference(**TINY)
    for name, parameter in model.named_parameters():
        if name.endswith(("alpha", "beta", "bias")):
            parameter.normal_(0, 0.3)
        elif name.endswith("weight_g"):
            parameter.uniform_(0.5, 1.0)
    folder = tmp_path_factory.mktemp("acestep")
    model.half().save_pretrained(folder / "vae")
    return model.float(), folder


@pytest.fixture
def codec(reference) -> AceStepV15:
    return AceStepV15.load(reference[1])


def relative(output: torch.Tensor, wanted: torch.Tensor) -> float:
    assert output.shape == wanted.shape
    return ((output - wanted).norm() / wanted.norm()).item()


def test_full_size():
    """diffusers' model has the published size, and its state, folded, is that of ours."""
    pytest.importorskip("diffusers")
    config = OobleckConfig()
    with torch.device("meta"):
        settings = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(config).items()}
        model, codec = build_reference(**settings), AceStepV15(config)
    state = model.state_dict()
    decoder = [name for name in state if name.startswith("decoder.")]
    assert (len(state), len(decoder)) == (365, 182)
    assert sum(tensor.numel() for tensor in state.values()) == 168_695_426
    assert sum(state[name].numel() for name in decoder) == 84_414_082

    def shapes(tensors):
        return {name: tensor.shape for name, tensor in tensors.items()}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "isfinite", lambda tensor: True)  # nobody knows on the meta device
        assert shapes(fold(state, Path())) == shapes(codec.state_dict())
    assert (codec.sample_rate, codec.channels, codec.latent_dim) == (48_000, 2, 64)
    assert (codec.samples_per_latent, codec.latent_rate) == (1920, 25.0)
    assert codec.encode(torch.empty(1, 2, 480_000, device="meta")).shape == (1, 250, 64)
    assert codec.decode(torch.empty(1, 250, 64, device="meta")).shape == (1, 2, 480_000)


@pytest.mark.parametrize("frames", [1, 2, 40])
@pytest.mark.parametrize("prepared", [False, True])
def test_equals_diffusers(reference, codec, frames, prepared):
    if prepared:
        codec.prepare(torch.float32)
    model, _ = reference
    latents, waveform = torch.randn(2, frames, 8), torch.randn(2, 2, frames * HOP)
    assert relative(codec.decode(latents), model.decode(latents.transpose(1, 2)).sample) < 1e-5
    posterior = model.encode(waveform).latent_dist
    mean, deviation = codec.posterior(waveform)
    assert relative(mean, posterior.mean.transpose(1, 2)) < 1e-5
    assert relative(deviation, posterior.std.transpose(1, 2)) < 1e-5
    assert torch.equal(codec.encode(waveform), mean)


def test_the_compiled_activation_is_used_and_no_tile_shows(codec):
    pytest.importorskip("numba")
    latents, waveform = torch.randn(1, 60, 8), torch.randn(1, 2, 60 * HOP)
    wanted = codec.decode(latents), codec.encode(waveform)
    codec.prepare(torch.float32)
    assert codec.decoder.snake1.kernel and codec.encoder.snake1.kernel
    codec.encoder.tile = codec.decoder.tile = 240
    lengths = []
    codec.decoder.block[-1].register_forward_hook(lambda module, x, y: lengths.append(y.shape[-1]))
    assert relative(codec.decode(latents), wanted[0]) < 1e-5
    assert relative(codec.encode(waveform), wanted[1]) < 1e-5
    assert len(lengths) == 60 * HOP // 240
    assert max(lengths) < 2 * 240


@pytest.mark.parametrize("dtype, tolerance", [(torch.float32, 1e-5), (torch.bfloat16, 2**-8)])
def test_compiled_activation(dtype, tolerance):
    pytest.importorskip("numba")
    from musicgen_app.codecs.acestep_v15.snake_numba import snake

    x = (torch.randn(2, 50, 3) * torch.tensor([0.1, 1.0, 20.0])).to(dtype).transpose(1, 2)[:, :, None]
    rate, depth = torch.rand(2, 3, 1, 1) * 2
    wanted = x.double() + depth * torch.sin(rate * x.double()).square()
    for out in (torch.float32, dtype):
        output = snake(x, rate, depth, out)
        assert output.dtype == out
        limit = tolerance if out == dtype else 1e-5
        torch.testing.assert_close(output.double(), wanted, rtol=limit, atol=1e-5)
    x[0, 1, 0, 7] = torch.nan
    assert snake(x, rate, depth, dtype).isnan().nonzero().tolist() == [[0, 1, 0, 7]]


def test_bfloat16_is_closer_than_that_of_diffusers(reference, codec):
    latents, waveform = torch.randn(1, 100, 8), torch.randn(1, 2, 30 * HOP)
    decoded, encoded = codec.decode(latents), codec.encode(waveform)
    codec.prepare(torch.bfloat16)
    assert codec.decoder.conv1.weight.dtype == torch.bfloat16
    output = codec.decode(latents)
    assert output.dtype == torch.float32
    assert not torch.equal(output, output.bfloat16().float())
    model = type(reference[0]).from_pretrained(reference[1] / "vae", torch_dtype=torch.bfloat16)
    other = model.decode(latents.bfloat16().transpose(1, 2)).sample.float()
    assert relative(output, decoded) < 0.8 * relative(other, decoded) < 0.08
    assert relative(codec.encode(waveform), encoded) < 1e-5


def test_without_numba(codec, monkeypatch):
    latents = torch.randn(1, 30, 8)
    wanted = codec.decode(latents)
    monkeypatch.setattr("musicgen_app.codecs.acestep_v15.codec.find_spec", lambda name: None)
    codec.prepare(torch.bfloat16)
    assert codec.decoder.snake1.kernel is None
    assert relative(codec.decode(latents), wanted) < 0.06


@pytest.mark.parametrize("samples, frames", [(1, 1), (HOP, 1), (HOP + 1, 2), (5 * HOP - 1, 5)])
def test_the_end_is_padded_with_silence(codec, samples, frames):
    waveform = torch.randn(1, 2, samples)
    padded = torch.nn.functional.pad(waveform, (0, frames * HOP - samples))
    latents = codec.encode(waveform)
    assert latents.shape == (1, frames, 8)
    assert torch.equal(latents, codec.encode(padded))
    assert codec.decode(latents).shape == (1, 2, frames * HOP)


def test_mono_is_taken_as_stereo(codec):
    mono = torch.randn(1, 1, 4 * HOP)
    assert torch.equal(codec.encode(mono), codec.encode(mono.expand(-1, 2, -1)))


def test_a_generator_draws_from_the_posterior(codec):
    waveform = torch.randn(1, 2, 500 * HOP)
    mean, deviation = codec.posterior(waveform)
    first, again, other = (codec.encode(waveform, torch.Generator().manual_seed(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
    noise = (first - mean) / deviation
    assert abs(noise.mean()) < 0.1 and abs(noise.std() - 1) < 0.1


def test_context_is_the_receptive_field(codec):
    """A latent, or sample, that is not a number spoils everything that depends on it, and nothing else."""
    frames, middle = 2 * codec.decoder.context + 5, codec.decoder.context + 2
    latents = torch.zeros(1, frames, 8)
    latents[0, middle] = torch.nan
    spoilt = codec.decode(latents)[0, 0].isnan().unflatten(0, (frames, HOP)).any(1).nonzero()
    assert (middle - spoilt.min(), spoilt.max() - middle) == (codec.decoder.context, codec.decoder.context)

    frames, middle = 2 * codec.encoder.context + 5, codec.encoder.context + 2
    before, after = torch.zeros(2, 2, frames * HOP)
    before[0, (middle + 1) * HOP - 1] = after[0, middle * HOP] = torch.nan
    first = codec.encode(after[None])[0, :, 0].isnan().nonzero().min()
    last = codec.encode(before[None])[0, :, 0].isnan().nonzero().max()
    assert (middle - first, last - middle) == (codec.encoder.context, codec.encoder.context)
    assert codec.context == max(codec.encoder.context, codec.decoder.context)


def test_contexts_at_full_size():
    with torch.device("meta"):
        codec = AceStepV15()
    assert (codec.encoder.context, codec.decoder.context) == (7, 9)


def test_chunked_equals_whole(codec):
    codec.prepare(torch.float32)
    codec.chunk = 20
    latents, waveform = torch.randn(1, 130, 8), torch.randn(1, 2, 130 * HOP - 5)
    assert relative(decode_chunked(codec, latents), codec.decode(latents)) < 1e-5
    assert relative(encode_chunked(codec, waveform), codec.encode(waveform)) < 1e-5


@pytest.mark.slow
def test_exports_to_onnx(codec, tmp_path):
    pytest.importorskip("onnxscript")
    runtime = pytest.importorskip("onnxruntime")
    frames = torch.export.Dim("frames", min=1)
    program = torch.onnx.export(
        codec.decoder_module(),
        (torch.zeros(1, 20, 8),),
        dynamo=True,
        opset_version=23,
        dynamic_shapes=({1: frames},),
        verbose=False,
    )
    program.save(tmp_path / "decoder.onnx")
    session = runtime.InferenceSession(tmp_path / "decoder.onnx")
    for length in (1, 7, 50):
        latents = torch.randn(1, length, 8)
        (output,) = session.run(None, {session.get_inputs()[0].name: latents.numpy()})
        assert relative(codec.finish(torch.from_numpy(output)), codec.decode(latents)) < 1e-5


def test_reads_the_folder_itself(reference, codec):
    latents = torch.randn(1, 3, 8)
    assert torch.equal(AceStepV15.load(reference[1] / "vae").decode(latents), codec.decode(latents))


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def change_weights(folder, change):
    from safetensors.torch import load_file, save_file

    path = folder / "diffusion_pytorch_model.safetensors"
    state = load_file(path)
    change(state)
    save_file(state, path)


def truncate(folder):
    path = folder / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def spoil(state):
    state["decoder.block.0.conv_t1.weight_v"][0, 0, 0] = torch.nan


@pytest.mark.parametrize(
    "damage, message",
    [
        (shutil.rmtree, "is missing"),
        (lambda folder: (folder / "config.json").unlink(), "config.json is missing"),
        (lambda folder: (folder / "diffusion_pytorch_model.safetensors").unlink(), "safetensors is missing"),
        (lambda folder: (folder / "config.json").write_text("{"), "config.json"),
        (lambda folder: (folder / "config.json").write_text("[]"), "config.json"),
        (lambda folder: change_config(folder, _class_name="AutoencoderDC"), "'AutoencoderDC'"),
        (lambda folder: change_config(folder, decoder_channels="8"), "decoder_channels is '8'"),
        (lambda folder: change_config(folder, downsampling_ratios=[2, 4]), "differ in length"),
        (lambda folder: change_config(folder, downsampling_ratios=[2, 4, 5]), "odd"),
        (lambda folder: change_config(folder, downsampling_ratios=6), "downsampling_ratios is 6"),
        (lambda folder: change_config(folder, encoder_hidden_size=32), "twice decoder_input_channels"),
        (lambda folder: change_config(folder, depth=3), "depth"),
        (lambda folder: change_config(folder, decoder_channels=16), "wrong shape: decoder"),
        (truncate, "truncated"),
        (lambda folder: change_weights(folder, lambda state: state.pop("encoder.conv2.bias")), "missing: encoder"),
        (lambda folder: change_weights(folder, lambda state: state.pop("decoder.conv2.weight_g")), "missing: decoder"),
        (lambda folder: change_weights(folder, lambda state: state.update(x=torch.zeros(1))), "unknown: x"),
        (lambda folder: change_weights(folder, spoil), "conv_t1.weight is not finite"),
    ],
)
def test_what_is_wrong_with_the_files_is_said_in_one_line(reference, tmp_path, damage, message):
    shutil.copytree(reference[1] / "vae", tmp_path / "vae")
    damage(tmp_path / "vae")
    with pytest.raises(ModelError) as raised:
        AceStepV15.load(tmp_path)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
