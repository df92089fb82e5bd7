"""Prompts -> tokens and vectors."""

from __future__ import annotations

import pytest
import torch

from musicgen_app.conditioning import CLAUSES, SentenceTokens, text_units


@pytest.fixture(scope="module")
def encoder():
    return SentenceTokens(length=24)


def test_units_are_clauses_then_words():
    assert text_units("A slow waltz, with soft Strings.", 24) == [
        "a slow waltz",
        "soft strings",
        "slow",
        "waltz",
        "soft",
        "strings",
    ]


def test_units_are_cut_to_the_length():
    prompt = ", ".join(f"word{i}" for i in range(60))
    units = text_units(prompt, 24)
    assert len(units) == 24 and units[CLAUSES - 1] == "word11" and units[CLAUSES] == "word0"


def test_shapes_and_padding(encoder):
    features = encoder.encode(["calm piano", "fast metal, loud drums"])
    assert (
        features.tokens.shape == (2, 24, 512) and features.mask.shape == (2, 24) and features.vector.shape == (2, 512)
    )
    assert features.mask.sum(1).tolist() == [3, 6]
    assert not features.tokens[~features.mask].any()
    torch.testing.assert_close(features.vector.norm(dim=1), torch.ones(2), atol=1e-3, rtol=0)


def test_alone_equals_in_a_batch(encoder):
    both, alone = encoder.encode(["calm piano", "techno"]), encoder.encode(["techno"])
    assert torch.equal(both.tokens[1:], alone.tokens) and torch.equal(both.vector[1:], alone.vector)


@pytest.mark.parametrize("prompt", ["xqzvw blorptang", "日本の音楽", "🎸🎸🎸", "...", "a" * 2000, "\u200b"])
def test_unknown_words_do_not_break_it(encoder, prompt):
    features = encoder.encode([prompt])
    assert torch.isfinite(features.tokens).all() and torch.isfinite(features.vector).all()


def test_related_prompts_are_nearer(encoder):
    a, b, c = encoder.encode(
        ["upbeat EDM with pulsing synths", "energetic dance music", "slow sad piano ballad"]
    ).vector
    assert a @ b > a @ c + 0.1
