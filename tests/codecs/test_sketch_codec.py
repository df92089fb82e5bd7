"""The sketch codec: STFT pair, phase reconstruction, shapes, files."""

from __future__ import annotations

import math

import pytest
import torch

from musicgen_app.codecs.chunks import decode_chunked, encode_chunked
from musicgen_app.codecs.sketch import SketchCodec, SketchCodecConfig, load_codec, save_codec
from musicgen_app.codecs.sketch.phases import count_turns, frame, overlap_add, reconstruct
from musicgen_app.errors import ModelError

TINY = SketchCodecConfig(
    8_000, n_fft=256, hop=64, latent_dim=8, frame_components=16, encoder_width=16, encoder_blocks=1,
    latent_width=16, latent_blocks=1, decoder_width=16, decoder_blocks=1,
)  # fmt: skip


def tone(frequency: float, seconds: float = 1.0, rate: int = 32_000) -> torch.Tensor:
    return 0.5 * torch.sin(2 * torch.pi * frequency * torch.arange(int(seconds * rate)) / rate)


def test_overlap_add_inverts_frame():
    wave = torch.randn(2, 64 * 40)
    torch.testing.assert_close(overlap_add(frame(wave, 256, 64), 256, 64), wave, atol=1e-5, rtol=0)


@pytest.mark.parametrize("frequency", [110.0, 441.7, 3000.0])
def test_phase_reconstruction_keeps_a_tone_where_it_was(frequency):
    wave = tone(frequency)[None, : 512 * 60]
    rebuilt = reconstruct(frame(wave, 2048, 512).abs(), 2048, 512, 12)[0, 8192:-8192]
    spectrum = torch.fft.rfft(rebuilt * torch.hann_window(len(rebuilt)), n=2**17).abs()
    assert spectrum.argmax().item() * 32_000 / 2**17 == pytest.approx(frequency, abs=1.0)
    assert rebuilt.square().mean().sqrt().item() == pytest.approx(0.5 / 2**0.5, rel=0.15)


def test_more_iterations_bring_magnitudes_nearer():
    torch.manual_seed(0)
    wave = (tone(220) + 0.3 * tone(1234) + 0.05 * torch.randn(32_000))[None, : 512 * 60]
    wanted = frame(wave, 2048, 512).abs()

    def error(iterations: int) -> float:
        return (frame(reconstruct(wanted, 2048, 512, iterations), 2048, 512).abs() - wanted).norm().item()

    assert error(12) < 0.6 * error(0)


@pytest.mark.parametrize("samples", [1, 319, 320, 321, 8_000])
def test_shapes_for_any_length(samples):
    codec = SketchCodec(TINY).eval()
    latents = codec.encode(torch.randn(2, 1, samples))
    frames = -(-samples // 320)
    assert latents.shape == (2, frames, 8)
    wave = codec.decode(latents)
    assert wave.shape == (2, 1, frames * 320)
    assert torch.isfinite(wave).all()


def test_default_size_and_rate():
    codec = SketchCodec()
    assert (codec.sample_rate, codec.latent_rate, codec.latent_dim) == (32_000, 12.5, 64)


def test_decoding_alone_equals_decoding_in_a_batch():
    codec = SketchCodec(TINY).eval()
    latents = torch.randn(3, 10, 8)
    with torch.inference_mode():
        torch.testing.assert_close(codec.decode(latents)[1:2], codec.decode(latents[1:2]), atol=1e-4, rtol=1e-3)


def distance(wave: torch.Tensor, other: torch.Tensor) -> float:
    """RMS of the difference, as a fraction of the RMS of `other`."""
    return ((wave - other).norm() / other.norm()).item()


@pytest.mark.parametrize("frames", [1, 20, 1500, 1875])
def test_up_to_one_chunk_is_decoded_at_once(frames):
    codec = SketchCodec(TINY).eval()
    assert codec.chunk / codec.latent_rate == 60.0
    latents = torch.randn(1, frames, 8)
    with torch.inference_mode():
        assert torch.equal(decode_chunked(codec, latents), codec.decode(latents))


@pytest.mark.parametrize(("frames", "chunk"), [(40, 10), (100, 24), (101, 3), (100, 79)])
def test_chunks_equal_the_whole(frames, chunk):
    """Up to rounding; where that moves a spectral peak by a bin, phases differ from there on, hence 1%."""
    torch.manual_seed(0)
    codec = SketchCodec(TINY).eval()
    codec.chunk, latents = chunk, torch.randn(2, frames, 8)
    with torch.inference_mode():
        whole, wave = codec.decode(latents), decode_chunked(codec, latents)
        assert wave.shape == whole.shape and distance(wave, whole) < 0.01
        again = encode_chunked(codec, whole)
    torch.testing.assert_close(again, codec.encode(whole), atol=1e-4, rtol=1e-4)


def test_memory_for_long_clips_is_that_of_one_chunk():
    codec, seen = SketchCodec(TINY).eval(), []
    codec.chunk = 40
    network = codec.decoder
    for piece in codec.decode_chunks_with(lambda z: seen.append(z.shape[1]) or network(z), torch.randn(1, 1000, 8)):
        assert piece.shape[-1] <= 50 * 320
    assert len(seen) == 25 and max(seen) <= 50 + 2 * codec.context


def test_the_network_sees_no_further_than_the_context():
    codec = SketchCodec(TINY).eval()
    reach = codec.context - codec.phase_context
    latents = torch.randn(1, 2 * reach + 3, 8)
    changed = latents.clone()
    changed[:, [0, -1]] += 1.0
    with torch.inference_mode():
        moved = (codec.decoder(changed) - codec.decoder(latents)).abs().amax(dim=(0, 2))
    middle = moved.unflatten(0, (-1, 5))[reach + 1]
    assert middle.max() == 0 and moved[:5].min() > 0


def test_phases_see_no_further_than_their_context():
    codec = SketchCodec(TINY).eval()
    around = codec.phase_context * 5
    magnitude = torch.rand(1, 2 * around + 15, 129)
    turns = count_turns(magnitude, 256, 64)
    changed = magnitude.clone()
    changed[:, :5] *= 2
    changed[:, -5:] *= 2
    wave, moved = (reconstruct(m, 256, 64, 12, turns)[0].unflatten(0, (-1, 64)) for m in (magnitude, changed))
    torch.testing.assert_close(moved[around + 5 : around + 10], wave[around + 5 : around + 10], atol=1e-5, rtol=0)
    assert not torch.allclose(moved[:5], wave[:5], atol=1e-2)


@pytest.mark.parametrize("frequency", [110.0, 441.7, 1234.5])
def test_no_dip_and_no_click_where_chunks_meet(frequency):
    """A steady tone, decoded in chunks, is as loud and as smooth at the joints as between them."""
    codec = SketchCodec(SketchCodecConfig(decoder_width=16, latent_width=16, encoder_width=16)).eval()
    hop, frames = codec.samples_per_latent, 160
    codec.chunk = 40
    steady = codec.log_magnitude(tone(frequency, seconds=4.0)[None, : hop * 50])[:, 100:105]

    def network(latents: torch.Tensor) -> torch.Tensor:
        return steady.repeat(1, latents.shape[1], 1)

    def joints_and_rest(wave: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Largest second difference and RMS in dB of each 10 ms; at the joints, and away from joints and ends."""
        block = 320
        click = wave.diff(n=2).abs().unfold(0, block, block).amax(dim=-1)
        level = 20 * wave.unfold(0, block, block).square().mean(dim=-1).sqrt().log10()
        at = torch.zeros(len(click), dtype=torch.bool)
        for joint in range(40 * hop, frames * hop, 40 * hop):
            at[joint // block - 5 : joint // block + 5] = True
        table = torch.stack([click, level[: len(click)]])
        rest = ~at
        rest[:50] = rest[-50:] = False
        return table[:, at], table[:, rest]

    chunked = torch.cat(list(codec.decode_chunks_with(network, torch.zeros(1, frames, 64))), dim=-1)[0, 0]
    (click, level), (usual_click, usual_level) = joints_and_rest(chunked)
    assert click.max() <= 1.05 * usual_click.max()
    assert usual_level.min() - 0.1 <= level.min() and level.max() <= usual_level.max() + 0.1
    alone = torch.cat([codec.finish(network(torch.zeros(1, 40, 64)))[0, 0] for _ in range(4)])
    assert joints_and_rest(alone)[0][0].max() > 1.5 * usual_click.max()  # what joints that are not looked after do


def test_bfloat16_matrices_change_little_and_nothing_else():
    torch.manual_seed(0)
    codec = SketchCodec(TINY).eval()
    wave, latents = torch.randn(1, 1, 8_000), torch.randn(1, 30, 8)
    with torch.inference_mode():
        encoded, level = codec.encode(wave), codec.decoder(latents)
        codec.prepare(torch.float32)
        assert torch.equal(codec.decoder(latents), level)
        codec.prepare(torch.bfloat16)
        assert torch.equal(codec.encode(wave), encoded)
        assert 0 < (codec.decoder(latents) - level).square().mean().sqrt() < 0.005 * level.std()
        assert codec.decode(latents).dtype == torch.float32
    with pytest.raises(ValueError, match="float32 or bfloat16"):
        codec.prepare(torch.float16)


def test_nothing_is_louder_than_a_full_scale_sine_allows():
    codec = SketchCodec(TINY).eval()
    loud = codec.finish(torch.full((1, 50, 129), 100.0))
    assert torch.isfinite(loud).all()
    silent = codec.finish(torch.full((1, 50, 129), -math.inf))
    assert not silent.any()


def test_files_round_trip_and_refuse_what_does_not_fit(tmp_path):
    codec = SketchCodec(TINY).eval()
    save_codec(codec, tmp_path)
    loaded = load_codec(tmp_path)
    latents = torch.randn(1, 5, 8)
    torch.testing.assert_close(loaded.decoder(latents), codec.decoder(latents), atol=2e-2, rtol=2e-2)  # 16-bit file
    with pytest.raises(ModelError, match="SHA-256"):
        load_codec(tmp_path, "0" * 64)
    (tmp_path / "config.json").write_text('{"kind": "sketch", "latent_dim": 9, "data": []}')
    with pytest.raises(ModelError, match="does not fit"):
        load_codec(tmp_path)
    (tmp_path / "config.json").write_text('{"kind": "other"}')
    with pytest.raises(ModelError, match="not a sketch codec"):
        load_codec(tmp_path)
