"""Backbones: exact sizes and names, and what their conditions, masks, lengths and batches must obey."""

from __future__ import annotations

import math

import pytest
import torch

from musicgen_app.backbones import concat_conditions, layers
from musicgen_app.backbones.fluxaudio.model import Attention
from musicgen_app.backbones.mamba.model import Mixer
from musicgen_app.backbones.presets import PRESETS, build_backbone, trainable_parameters
from musicgen_app.errors import ModelError

TINY = {
    "fluxaudio": ("dit-450m", dict(latent_dim=6, hidden=16, depth=3, fused_depth=1, heads=2, text_dim=10, text_len=5)),
    "meanflow": (
        "meanaudio-s",
        dict(latent_dim=6, hidden=16, depth=3, fused_depth=1, heads=2, text_dim=10, text_len=5),
    ),
    "mamba": ("mamba-189m", dict(latent_dim=6, hidden=16, depth=2, heads=2, text_dim=10)),
}


def tiny(family: str, **more):
    """A width-16 model whose weights are all large and random, so that everything reaches the output."""
    torch.manual_seed(0)
    preset, overrides = TINY[family]
    model = build_backbone(preset, overrides | ({"vector_dim": 7} if family != "mamba" else {}) | more).eval()
    for module in model.modules():
        if isinstance(module, (torch.nn.Linear, torch.nn.Conv1d)):
            torch.nn.init.normal_(module.weight, std=module.weight[0].numel() ** -0.5)
    for parameter in model.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    return model


def prompt(batch=2, length=5, seed=1):
    g = torch.Generator().manual_seed(seed)
    tokens, vector = torch.randn(batch, length, 10, generator=g), torch.randn(batch, 7, generator=g)
    return tokens, torch.ones(batch, length, dtype=torch.bool), vector


def latents(batch=2, frames=9, seed=2):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(batch, frames, 6, generator=g), torch.rand(batch, generator=g)


both_families = pytest.mark.parametrize("family", TINY)


@pytest.mark.parametrize("preset", PRESETS)
def test_trainable_parameters_are_exact(preset):
    with torch.device("meta"):
        model = build_backbone(preset)
    assert trainable_parameters(model) == PRESETS[preset].parameters


def test_unknown_preset_and_unknown_setting_are_named():
    with pytest.raises(ModelError, match="'dit-450'.*dit-450m"):
        build_backbone("dit-450")
    with pytest.raises(ModelError, match="widht"):
        build_backbone("sketch-dit", {"widht": 3})


def stream(prefix, hidden=16, width=256, kernel=(3,), head_dim=8, pre_only=False):
    shapes = {
        "attn.qkv.weight": (3 * hidden, hidden),
        "attn.qkv.bias": (3 * hidden,),
        "attn.q_norm.weight": (head_dim,),
        "attn.k_norm.weight": (head_dim,),
        "adaLN_modulation.1.weight": ((2 if pre_only else 6) * hidden, hidden),
        "adaLN_modulation.1.bias": ((2 if pre_only else 6) * hidden,),
    }
    if not pre_only:
        shapes |= {
            "linear1.weight": (hidden, hidden, *kernel),
            "linear1.bias": (hidden,),
            "ffn.w1.weight": (width, hidden, *kernel),
            "ffn.w2.weight": (hidden, width, *kernel),
            "ffn.w3.weight": (width, hidden, *kernel),
        }
    return {f"{prefix}.{name}": shape for name, shape in shapes.items()}


def gated(prefix, hidden=16, width=256, kernel=()):
    return {
        f"{prefix}.w1.weight": (width, hidden, *kernel),
        f"{prefix}.w2.weight": (hidden, width, *kernel),
        f"{prefix}.w3.weight": (width, hidden, *kernel),
    }


def linear(prefix, rows, columns, bias=True):
    return {f"{prefix}.weight": (rows, columns)} | ({f"{prefix}.bias": (rows,)} if bias else {})


def test_fluxaudio_state_names_and_shapes_are_the_public_ones():
    expected = (
        {"audio_input_proj.0.weight": (16, 6, 7), "audio_input_proj.0.bias": (16,)}
        | gated("audio_input_proj.2", kernel=(7,))
        | linear("text_input_proj.0", 16, 10)
        | gated("text_input_proj.1")
        | linear("text_cond_proj.0", 16, 7)
        | gated("text_cond_proj.1")
        | linear("t_embed.mlp.0", 16, 256)
        | linear("t_embed.mlp.2", 16, 16)
        | stream("joint_blocks.0.latent_block")
        | stream("joint_blocks.0.text_block", kernel=())
        | stream("joint_blocks.1.latent_block")
        | stream("joint_blocks.1.text_block", kernel=(), pre_only=True)
        | stream("fused_blocks.0")
        | linear("final_layer.adaLN_modulation.1", 32, 16)
        | {"final_layer.conv.weight": (6, 16, 7), "final_layer.conv.bias": (6,)}
        | {"latent_mean": (1, 1, 6), "latent_std": (1, 1, 6), "empty_string_feat": (5, 10), "empty_string_feat_c": (7,)}
    )
    model = tiny("fluxaudio")
    assert {name: tuple(value.shape) for name, value in model.state_dict().items()} == expected
    frozen = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert frozen == {"latent_mean", "latent_std", "empty_string_feat", "empty_string_feat_c"}


def test_mamba_state_names_and_shapes_are_the_public_ones():
    expected = {"input_proj.proj.weight": (16, 6, 1), "input_proj.proj.bias": (16,)}
    expected |= {"time_embed.freqs": (128,), "null_token": (1, 10), "norm_out.weight": (16,), "norm_out.bias": (16,)}
    expected |= (
        linear("time_embed.mlp.0", 1024, 256) | linear("time_embed.mlp.2", 256, 1024) | linear("out_proj", 6, 16)
    )
    for i in range(2):
        block = linear("norm1.proj", 32, 256) | linear("norm3.proj", 32, 256) | linear("bidir.merge", 16, 32, False)
        for mixer in ("bidir.fwd_ssm", "bidir.bwd_ssm"):
            block |= {f"{mixer}.A_log": (32, 16), f"{mixer}.D": (32,)}
            block |= {f"{mixer}.conv1d.weight": (32, 1, 4), f"{mixer}.conv1d.bias": (32,)}
            block |= linear(f"{mixer}.in_proj", 64, 16, False) | linear(f"{mixer}.x_proj", 1 + 32, 32, False)
            block |= linear(f"{mixer}.dt_proj", 32, 1) | linear(f"{mixer}.out_proj", 16, 32, False)
        block |= {"norm2.weight": (16,), "norm2.bias": (16,)}
        block |= linear("cross.q", 16, 16, False) | linear("cross.out", 16, 16, False)
        block |= linear("cross.k", 16, 10, False) | linear("cross.v", 16, 10, False)
        block |= linear("ffn.0", 64, 16) | linear("ffn.3", 16, 64)
        expected |= {f"blocks.{i}.{name}": shape for name, shape in block.items()}
    model = tiny("mamba")
    assert {name: tuple(value.shape) for name, value in model.state_dict().items()} == expected


def test_fluxaudio_outputs_zero_at_initialisation():
    torch.manual_seed(0)
    model = build_backbone("dit-450m", TINY["fluxaudio"][1] | {"vector_dim": 7})
    v, hidden = model(*latents(), model.condition(*prompt()), return_hidden=True)
    assert not v.any() and hidden.any()


def test_initialisation_follows_the_papers():
    torch.manual_seed(0)
    flux = build_backbone("dit-450m", TINY["fluxaudio"][1] | {"hidden": 64})
    limit = math.sqrt(6 / (64 + 3 * 64))  # xavier-uniform
    assert 0.95 * limit < flux.fused_blocks[0].attn.qkv.weight.abs().max() <= limit
    assert not flux.fused_blocks[0].attn.qkv.bias.any() and not flux.fused_blocks[0].adaLN_modulation[1].weight.any()
    assert flux.t_embed.mlp[0].weight.std().item() == pytest.approx(0.02, rel=0.05)
    mamba = build_backbone("mamba-189m", TINY["mamba"][1])
    block = mamba.blocks[0]
    for weight in (block.norm1.proj.weight, block.bidir.fwd_ssm.x_proj.weight, block.ffn[0].weight):
        assert weight.std().item() == pytest.approx(0.02, rel=0.1)
    assert not block.bidir.fwd_ssm.dt_proj.bias.any() and not block.ffn[0].bias.any()
    torch.testing.assert_close(block.bidir.bwd_ssm.A_log[3].exp(), torch.arange(1.0, 17.0))
    assert mamba.null_token.std() < 0.04 and mamba.null_token.any()


@both_families
@pytest.mark.parametrize("frames", [1, 2, 9, 33])
def test_any_number_of_frames(family, frames):
    model = tiny(family)
    x, t = latents(frames=frames)
    v, hidden = model(x, t, model.condition(*prompt()), return_hidden=True)
    assert v.shape == x.shape and hidden.shape == (2, frames, 16)
    assert v.isfinite().all() and v.any()


@both_families
def test_condition_made_once_serves_every_step(family):
    model = tiny(family)
    once = model.condition(*prompt())
    for seed in range(3):
        x, t = latents(seed=seed)
        assert torch.equal(model(x, t, once), model(x, t, model.condition(*prompt())))
    other = model.condition(*prompt(seed=9))
    assert not torch.allclose(model(x, t, once), model(x, t, other))


@both_families
def test_a_batch_equals_its_items(family):
    model = tiny(family)
    (x, t), (tokens, mask, vector) = latents(3), prompt(3)
    v = model(x, t, model.condition(tokens, mask, vector))
    for i in range(3):
        one = slice(i, i + 1)
        alone = model(x[one], t[one], model.condition(tokens[one], mask[one], vector[one]))
        torch.testing.assert_close(v[one], alone, atol=1e-5, rtol=1e-5)


@both_families
def test_joined_conditions_equal_separate_passes(family):
    model = tiny(family)
    x, t = latents()
    cond, null = model.condition(*prompt()), model.null_condition(2)
    both = model(torch.cat([x, x]), torch.cat([t, t]), concat_conditions(cond, null))
    torch.testing.assert_close(both, torch.cat([model(x, t, cond), model(x, t, null)]), atol=1e-5, rtol=1e-5)
    swapped = model(torch.cat([x, x]), torch.cat([t, t]), concat_conditions(null, cond))
    torch.testing.assert_close(swapped, both.roll(2, 0), atol=1e-5, rtol=1e-5)


@both_families
def test_dropped_items_get_the_null_condition(family):
    model = tiny(family)
    x, t = latents()
    v = model(x, t, model.condition(*prompt(), drop=torch.tensor([False, True])))
    torch.testing.assert_close(v[0], model(x, t, model.condition(*prompt()))[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(v[1], model(x, t, model.null_condition(2))[1], atol=1e-5, rtol=1e-5)
    assert not torch.allclose(v[1], model(x, t, model.condition(*prompt()))[1], atol=1e-3)


def test_fluxaudio_pads_and_cuts_its_text_and_falls_back_to_the_empty_vector():
    model = tiny("fluxaudio")
    x, t = latents()
    tokens, mask, vector = prompt(length=8)
    padded = torch.cat([tokens[:, :3], torch.zeros(2, 2, 10)], dim=1)
    run = lambda *parts: model(x, t, model.condition(*parts))  # noqa: E731
    assert torch.equal(run(tokens, mask, vector), run(tokens[:, :5], None, vector))
    assert torch.equal(run(tokens[:, :3], mask[:, :3], vector), run(padded, ~mask[:, :5], vector))
    assert torch.equal(run(tokens, mask, None), run(tokens, mask, model.empty_string_feat_c.expand(2, -1)))
    assert not torch.allclose(run(tokens, mask, None), run(tokens, mask, vector))


def test_mamba_sees_only_unmasked_text():
    model = tiny("mamba")
    x, t = latents()
    tokens, mask, _ = prompt()
    mask[:, 3:] = False
    changed = torch.where(mask[..., None], tokens, 5.0)
    v = model(x, t, model.condition(tokens, mask, None))
    assert torch.equal(v, model(x, t, model.condition(changed, mask, None)))
    shorter = model.condition(tokens[:, :3], mask[:, :3], None)
    torch.testing.assert_close(v, model(x, t, shorter), atol=1e-6, rtol=1e-5)
    assert not torch.allclose(v, model(x, t, model.condition(tokens, torch.ones_like(mask), None)), atol=1e-6)


@both_families
def test_training_and_inference_agree(family):
    """The CPU's training attention is not the fused one, and rotary phases cached while sampling must train."""
    model = tiny(family)
    x, t = latents(frames=21)
    with torch.inference_mode():
        sampled = model(x, t, model.condition(*prompt()))
    v = model(x, t, model.condition(*prompt()))
    v.square().mean().backward()
    torch.testing.assert_close(v, sampled, atol=1e-5, rtol=1e-5)
    for name, parameter in model.named_parameters():
        assert not parameter.requires_grad or parameter.grad is not None and parameter.grad.isfinite().all(), name


@both_families
def test_built_on_the_meta_device_and_filled(family):
    model = tiny(family)
    with torch.device("meta"):
        empty = build_backbone(TINY[family][0], TINY[family][1] | ({"vector_dim": 7} if family != "mamba" else {}))
    empty.load_state_dict(model.state_dict(), assign=True)
    x, t = latents()
    assert torch.equal(empty.eval()(x, t, empty.condition(*prompt())), model(x, t, model.condition(*prompt())))
    assert trainable_parameters(empty) == trainable_parameters(model)


def test_qkv_rows_are_head_then_dim_then_role():
    torch.manual_seed(0)
    attention, heads, head_dim = Attention(16, 2), 2, 8
    torch.nn.init.normal_(attention.qkv.bias)
    torch.nn.init.uniform_(attention.q_norm.weight)
    x = torch.randn(3, 4, 16)
    q, k, v = attention(x)
    rows = attention.qkv(x)
    for h in range(heads):
        for d in range(head_dim):
            torch.testing.assert_close(v[:, :, h, d], rows[..., (h * head_dim + d) * 3 + 2])
    first = rows[:, 0].unflatten(-1, (heads, head_dim, 3))  # position 0 is not rotated
    for role, (out, norm) in enumerate([(q, attention.q_norm), (k, attention.k_norm)]):
        expected = torch.nn.functional.rms_norm(first[..., role], (head_dim,), norm.weight)
        torch.testing.assert_close(out[:, 0], expected)


def test_rotary_pairs_are_neighbours():
    x = torch.randn(2, 5, 3, 8)
    y = layers.rotate(x)
    for n in range(5):
        for pair in range(4):
            angle = n * 10000 ** (-2 * pair / 8)
            a, b = x[:, n, :, 2 * pair], x[:, n, :, 2 * pair + 1]
            torch.testing.assert_close(y[:, n, :, 2 * pair], a * math.cos(angle) - b * math.sin(angle))
            torch.testing.assert_close(y[:, n, :, 2 * pair + 1], a * math.sin(angle) + b * math.cos(angle))


@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_channel_last_convolution_equals_conv1d(kernel):
    conv = layers.ChannelLastConv1d(6, 5, kernel)
    x = torch.randn(2, 11, 6)
    expected = torch.nn.functional.conv1d(x.mT, conv.weight, conv.bias, padding=kernel // 2).mT
    torch.testing.assert_close(conv(x), expected)
    assert conv(x).is_contiguous()


def test_time_embeddings_start_with_their_own_half():
    flux, mamba = layers.TimeEmbedding(8), tiny("mamba").time_embed
    seen = []
    for module in (flux, mamba):
        module.mlp[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        module(torch.tensor([0.0, 0.4]))
    assert seen[0][0].tolist() == [1.0] * 128 + [0.0] * 128
    assert seen[1][0].tolist() == [0.0] * 128 + [1.0] * 128
    assert seen[0][1, 1].item() == pytest.approx(math.cos(0.4 * 10000 ** (-2 / 256)))
    assert seen[1][1, 127].item() == pytest.approx(math.sin(0.4 / 10000))


def test_mixer_is_causal_and_equals_its_definition():
    torch.manual_seed(0)
    mixer = Mixer(hidden=4, state=3, kernel=4, expand=2).double()
    x = torch.randn(1, 6, 4, dtype=torch.float64)
    inner, silu = 8, torch.nn.functional.silu
    xz = mixer.in_proj(x)[0]
    u, z = xz[:, :inner], xz[:, inner:]
    taps, bias = mixer.conv1d.weight[:, 0], mixer.conv1d.bias
    state, outputs = torch.zeros(inner, 3, dtype=torch.float64), []
    for t in range(6):
        u_t = silu(bias + sum(taps[:, 3 - lag] * u[t - lag] for lag in range(4) if t >= lag))
        dt, B, C = mixer.x_proj(u_t).split([1, 3, 3])
        dt = torch.log1p(mixer.dt_proj(dt).exp())
        state = torch.exp(-dt[:, None] * mixer.A_log.exp()) * state + (dt * u_t)[:, None] * B
        outputs.append(mixer.out_proj((state @ C + mixer.D * u_t) * silu(z[t])))
    torch.testing.assert_close(mixer(x)[0], torch.stack(outputs))


def test_each_direction_of_the_bidirectional_mixer_sees_its_own_past():
    bidir = tiny("mamba").blocks[0].bidir
    x = torch.randn(1, 9, 16)
    moved = x.clone()
    moved[:, 4] += 1
    forwards = (bidir.fwd_ssm(moved) - bidir.fwd_ssm(x)).abs().amax((0, 2))
    assert not forwards[:4].any() and forwards[4:].all()
    bidir.fwd_ssm.out_proj.weight.data.zero_()
    backwards = (bidir(moved) - bidir(x)).abs().amax((0, 2))
    assert backwards[:5].all() and not backwards[5:].any()
