"""Losses: closed forms, padding that counts nothing, gradients that arrive."""

from __future__ import annotations

import pytest
import torch

from musicgen_app import flow
from ttm_trainer.runtime.tensors import masked_mean
from ttm_trainer.training.losses import ClapHead, MuqHead, flow_matching, repa_clap, repa_muq, repa_weight

B, T, D, H = 3, 7, 4, 6
LENGTHS = torch.tensor([7, 4, 1])
MASK = torch.arange(T)[None] < LENGTHS[:, None]


@pytest.fixture
def numbers() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_flow_matching_is_the_mean_over_valid_frames_and_channels(numbers):
    v, target = torch.randn(2, B, T, D, generator=numbers)
    expected = [(v[i, :n] - target[i, :n]).square().mean() for i, n in enumerate(LENGTHS)]
    torch.testing.assert_close(flow_matching(v, target, MASK), torch.stack(expected))
    torch.testing.assert_close(flow_matching(v, target), (v - target).square().mean(dim=(1, 2)))


def test_channel_weights_of_mean_one_keep_the_size(numbers):
    v, target = torch.zeros(B, T, D), torch.ones(B, T, D)
    weights = torch.tensor([0.5, 1.5, 1.0, 1.0])
    torch.testing.assert_close(flow_matching(v, target, MASK, weights), torch.ones(B))
    v[:, :, 1] = 1
    torch.testing.assert_close(flow_matching(v, target, MASK, weights), torch.full((B,), 2.5 / 4))


def test_both_time_axes_have_one_loss(numbers):
    """v = data - noise here, noise - data in the paper: the square does not tell them apart."""
    data, noise, v = torch.randn(3, B, T, D, generator=numbers)
    ours = flow_matching(v, flow.target(data, noise), MASK)
    torch.testing.assert_close(flow_matching(-v, noise - data, MASK), ours)


def test_padding_changes_no_loss_and_gets_no_gradient(numbers):
    v = torch.randn(B, T, D, generator=numbers).requires_grad_()
    target = torch.randn(B, T, D, generator=numbers)
    hidden = torch.randn(B, T, H, generator=numbers).requires_grad_()
    clap, muq = ClapHead(H, 5), MuqHead(H, 5)
    vectors, features = torch.randn(B, 5, generator=numbers), torch.randn(B, T, 5, generator=numbers)

    def loss(v, hidden, target, features):
        return (
            flow_matching(v, target, MASK)
            + repa_clap(clap(hidden, MASK), vectors)
            + repa_muq(muq(hidden), features, MASK)
        )

    padded = ~MASK[..., None]
    other = loss(*(x.detach().masked_fill(padded, 99.0) for x in (v, hidden, target, features)))
    value = loss(v, hidden, target, features)
    torch.testing.assert_close(value, other)
    value.sum().backward()
    for x in (v, hidden):
        assert (x.grad.masked_select(padded) == 0).all()
        assert (x.grad.masked_select(~padded) != 0).all()
    assert all(p.grad.abs().sum() > 0 for head in (clap, muq) for p in head.parameters())


def test_repa_is_one_minus_the_cosine():
    student = torch.tensor([[2.0, 0.0], [0.0, 3.0], [-1.0, 0.0]])
    target = torch.tensor([[1.0, 0.0]] * 3)
    torch.testing.assert_close(repa_clap(student, target), torch.tensor([0.0, 1.0, 2.0]))
    frames = torch.stack([student, student.roll(1, 0)])  # the same three frames in another order
    features = target.expand(2, 3, 2)
    torch.testing.assert_close(repa_muq(frames, features), torch.ones(2))
    mask = torch.tensor([[True, True, False], [True, False, False]])
    torch.testing.assert_close(repa_muq(frames, features, mask), torch.tensor([0.5, 2.0]))


def test_the_clap_head_projects_the_mean_of_valid_frames(numbers):
    hidden = torch.randn(B, T, H, generator=numbers)
    head = ClapHead(H, 5)
    expected = torch.stack([head.project(hidden[i, :n].mean(dim=0)) for i, n in enumerate(LENGTHS)])
    torch.testing.assert_close(head(hidden, MASK), expected)


def test_heads_have_the_papers_sizes():
    def count(head):
        return sum(p.numel() for p in head.parameters())

    with torch.device("meta"):
        assert count(ClapHead(896)) == 459_264
        assert count(MuqHead(896)) == 918_528
        assert count(ClapHead(896, 512, layers=2)) == 1_262_976
        assert count(MuqHead(896, layers=2)) == 1_722_240


def test_alignment_counts_near_the_data():
    torch.testing.assert_close(repa_weight(torch.tensor([0.0, 0.5, 1.0])), torch.tensor([0.0, 0.25, 1.0]))
    torch.testing.assert_close(repa_weight(torch.tensor([0.5]), alpha=4.0), torch.tensor([0.0625]))


def test_half_precision_is_summed_in_single(numbers):
    v, target = torch.randn(2, B, T, D, generator=numbers).bfloat16()
    assert flow_matching(v, target, MASK).dtype == torch.float32
    exact = flow_matching(v.float(), target.float(), MASK)
    torch.testing.assert_close(flow_matching(v, target, MASK), exact, rtol=0, atol=0)
    assert repa_clap(v[:, 0], target[:, 0]).dtype == repa_muq(v, target, MASK).dtype == torch.float32


def test_a_sample_without_frames_costs_nothing():
    mask = torch.tensor([[False, False], [True, False]])
    torch.testing.assert_close(masked_mean(torch.ones(2, 2), mask), torch.tensor([0.0, 1.0]))


def test_alignment_can_be_learned(numbers):
    """A head finds a target that hangs on the hidden state: the loss falls well below that of chance."""
    hidden = torch.randn(32, T, H, generator=numbers)
    target = hidden.mean(dim=1) @ torch.randn(H, 5, generator=numbers)
    torch.manual_seed(0)
    head = ClapHead(H, 5)
    optimizer = torch.optim.Adam(head.parameters(), 0.05)
    for _ in range(100):
        optimizer.zero_grad()
        loss = repa_clap(head(hidden), target).mean()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.05
