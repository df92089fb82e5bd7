"""The yardstick: MusicGen-small (Copet et al., 2023) by transformers, at its true sizes with random weights.

Random weights take as long as trained ones. Text -> T5-base -> 24 decoder layers that make 50 tokens a second in four
codebooks, each one token later than the one before -> EnCodec at 32 kHz.
"""

from __future__ import annotations

import time

import torch

from ..machine.device import PRECISIONS

FRAMES_A_SECOND = 50
DELAY = 3  # the last of four codebooks comes three tokens late
TRIAL_TOKENS = 50
GUIDANCE = 3.0
PROMPT_TOKENS = 24


def build_musicgen():
    """MusicGen-small from its sizes, in eval mode: 587 M parameters."""
    from transformers import (
        EncodecConfig,
        MusicgenConfig,
        MusicgenDecoderConfig,
        MusicgenForConditionalGeneration,
        T5Config,
        logging,
    )

    logging.set_verbosity_error()  # it finds fault with the token ids of its own default configuration
    text = T5Config(d_model=768, d_ff=3072, num_layers=12, num_heads=12)
    audio = EncodecConfig(
        sampling_rate=32_000,
        num_filters=64,
        upsampling_ratios=[8, 5, 4, 4],
        codebook_size=2048,
        target_bandwidths=[2.2],
        use_causal_conv=False,
        use_conv_shortcut=False,
    )
    decoder = MusicgenDecoderConfig(hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, ffn_dim=4096)
    return MusicgenForConditionalGeneration(
        MusicgenConfig(text_encoder=text, audio_encoder=audio, decoder=decoder)
    ).eval()


def measure(seconds: float, quick: bool = False) -> dict:
    """Both precisions for 50 tokens, then the whole clip once in the faster one: text to waveform.

    quick: keep to one second of audio.
    """
    if quick:
        seconds = 1.0
    model = build_musicgen()
    trial = {name: _trial(model.to(dtype)) for name, dtype in PRECISIONS.items()}
    best = min(trial, key=lambda name: trial[name])
    model.to(PRECISIONS[best])
    taken, samples = _generate(model, round(seconds * FRAMES_A_SECOND) + DELAY)
    made = samples / model.config.audio_encoder.sampling_rate
    return {
        "parameters": sum(p.numel() for p in model.parameters()),
        "guidance": GUIDANCE,
        "trial_tokens": TRIAL_TOKENS,
        "trial_seconds": trial,
        "precision": best,
        "audio_seconds": made,
        "seconds": taken,
        "rtf": taken / made,
    }


def _trial(model) -> float:
    """Seconds for a short clip, the second time."""
    _generate(model, DELAY + 1)
    return _generate(model, TRIAL_TOKENS)[0]


@torch.inference_mode()
def _generate(model, tokens: int) -> tuple[float, int]:
    """Make a clip of `tokens` tokens from a prompt of random words: (seconds it took, samples)."""
    torch.manual_seed(0)
    words = torch.randint(3, model.config.text_encoder.vocab_size, (1, PROMPT_TOKENS))
    start = time.perf_counter()
    waveform = model.generate(
        input_ids=words,
        attention_mask=torch.ones_like(words),
        do_sample=True,
        top_k=250,
        guidance_scale=GUIDANCE,
        max_new_tokens=tokens,
    )
    return time.perf_counter() - start, waveform.shape[-1]
