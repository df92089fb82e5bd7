"""The selective scan against its definition, one element at a time."""

from __future__ import annotations

import sys
import types

import pytest
import torch

from musicgen_app.backbones import scan


def inputs(batch=2, length=7, inner=3, states=4, dtype=torch.float64, seed=0):
    g = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=g, dtype=dtype)  # noqa: E731
    return (
        draw(batch, length, inner),
        draw(batch, length, inner).exp(),
        -draw(inner, states).exp(),
        draw(batch, length, states),
        draw(batch, length, states),
        draw(inner),
    )


def naive(x, dt, A, B, C, D, reverse=False):
    """The recurrence of the module's docstring, element by element in double precision."""
    x, dt, A, B, C, D = (value.double() for value in (x, dt, A, B, C, D))
    y = torch.zeros_like(x)
    batch, length, inner = x.shape
    for b in range(batch):
        for i in range(inner):
            state = [0.0] * A.shape[1]
            for t in reversed(range(length)) if reverse else range(length):
                total = D[i] * x[b, t, i]
                for n in range(A.shape[1]):
                    state[n] = torch.exp(dt[b, t, i] * A[i, n]) * state[n] + dt[b, t, i] * B[b, t, n] * x[b, t, i]
                    total = total + C[b, t, n] * state[n]
                y[b, t, i] = total
    return y


@pytest.mark.parametrize("batch, length", [(1, 1), (1, 13), (3, 7), (2, 16)])
def test_scan_equals_the_recurrence(batch, length):
    values = inputs(batch, length)
    expected = naive(*values)
    assert (scan.selective_scan(*values) - expected).abs().max() < 1e-10
    y = scan.selective_scan(*(value.float() for value in values))
    assert y.dtype == torch.float32
    assert ((y - expected).abs() / (1 + expected.abs())).max() < 1e-5


def test_low_precision_inputs_are_scanned_in_float32():
    values = [value.bfloat16() for value in inputs(length=64)]
    y = scan.selective_scan(*values)
    assert y.dtype == torch.bfloat16
    assert torch.equal(y, scan.selective_scan(*(value.float() for value in values)).bfloat16())


@pytest.mark.parametrize("length", [5, 8])
def test_reversed_direction(length):
    x, dt, A, B, C, D = inputs(2, length)
    backwards = scan.selective_scan(x.flip(1), dt.flip(1), A, B.flip(1), C.flip(1), D).flip(1)
    assert (backwards - naive(x, dt, A, B, C, D, reverse=True)).abs().max() < 1e-10


def test_gradients():
    values = [value.requires_grad_() for value in inputs(batch=2, length=5, inner=2, states=3)]
    assert torch.autograd.gradcheck(scan.selective_scan, values)


def test_chosen_on_the_cpu():
    assert scan.choose(torch.device("cpu")) is scan.selective_scan


@pytest.fixture
def fresh_choice():
    scan.choose.cache_clear()
    yield
    scan.choose.cache_clear()


def test_reference_on_cuda_without_mamba_ssm(monkeypatch, fresh_choice):
    monkeypatch.setitem(sys.modules, "mamba_ssm", None)
    assert scan.choose(torch.device("cuda")) is scan.selective_scan


def test_kernel_on_cuda_gets_its_own_layout(monkeypatch, fresh_choice):
    """A stand-in with mamba-ssm's calling convention: u, delta (B, I, T), A (I, N), B, C (B, N, T), D (I)."""

    def selective_scan_fn(u, delta, A, B, C, D):
        assert all(value.is_contiguous() and value.dtype == u.dtype for value in (u, delta, B, C))
        assert A.dtype == D.dtype == torch.float32
        state, outputs = 0, []
        for t in range(u.shape[2]):
            decay = torch.exp(torch.einsum("bi,in->bin", delta[..., t], A))
            state = decay * state + torch.einsum("bi,bn,bi->bin", delta[..., t], B[..., t], u[..., t])
            outputs.append(torch.einsum("bin,bn->bi", state, C[..., t]) + D * u[..., t])
        return torch.stack(outputs, dim=2)

    interface = types.ModuleType("mamba_ssm.ops.selective_scan_interface")
    interface.selective_scan_fn = selective_scan_fn
    for name in ("mamba_ssm", "mamba_ssm.ops"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    values = inputs(dtype=torch.float32)
    chosen = scan.choose(torch.device("cuda"))
    assert chosen is not scan.selective_scan
    torch.testing.assert_close(chosen(*values), scan.selective_scan(*values))
