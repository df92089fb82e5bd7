"""The selective scan and the convolution against their definitions, and the compiled kernels against the reference."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
import types

import pytest
import torch

from musicgen_app.backbones.mamba import scan
from musicgen_app.machine import paths

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
LENGTHS = [1, 2, 3, 107, 108, 3231]
NAMES = ("x", "dt", "A", "B", "C", "D", "z")

with_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed")
both_directions = pytest.mark.parametrize("reverse", [False, True])


def inputs(batch=2, length=7, inner=3, states=4, dtype=torch.float64, seed=0):
    """x, dt, A, B, C, D, z; all but A and D are slices of wider tensors, as in a mixer."""
    g = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=g, dtype=torch.float64).to(dtype)  # noqa: E731
    xz, dt, BC = draw(batch, length, 2 * inner), draw(batch, length, inner + 1), draw(batch, length, 2 * states + 1)
    B, C = BC[..., 1 : states + 1], BC[..., states + 1 :]
    return xz[..., :inner], dt[..., 1:], -draw(inner, states).exp(), B, C, draw(inner), xz[..., inner:]


def naive(x, dt, A, B, C, D, z, reverse=False):
    """The recurrence of the module's docstring, element by element in double precision."""
    x, dt, A, B, C, D, z = (value.double() for value in (x, dt, A, B, C, D, z))
    y = torch.zeros_like(x)
    batch, length, inner = x.shape
    for b in range(batch):
        for i in range(inner):
            state = [0.0] * A.shape[1]
            for t in reversed(range(length)) if reverse else range(length):
                step, total = torch.log1p(dt[b, t, i].exp()), D[i] * x[b, t, i]
                for n in range(A.shape[1]):
                    state[n] = torch.exp(step * A[i, n]) * state[n] + step * B[b, t, n] * x[b, t, i]
                    total = total + C[b, t, n] * state[n]
                y[b, t, i] = total * z[b, t, i] / (1 + torch.exp(-z[b, t, i]))
    return y


def convolution_inputs(batch=2, length=7, inner=3, kernel=4, dtype=torch.float64, seed=0):
    g = torch.Generator().manual_seed(seed)
    draw = lambda *shape: torch.randn(*shape, generator=g, dtype=torch.float64).to(dtype)  # noqa: E731
    return draw(batch, length, 2 * inner)[..., inner:], draw(inner, 1, kernel), draw(inner)


def apart(value, expected) -> float:
    """The largest difference, relative to the largest expected value."""
    return ((value.double() - expected.double()).abs().max() / expected.abs().max().clamp(min=1e-12)).item()


def with_gradients(function, values, reverse, dtype):
    """The result of a function and its gradients for every input, for one fixed gradient of the result."""
    leaves = [value.to(dtype).detach().requires_grad_() for value in values]
    y = function(*leaves, reverse=reverse)
    g = torch.Generator().manual_seed(9)
    y.backward(torch.randn(y.shape, generator=g, dtype=torch.float64).to(dtype))
    return [y.detach(), *(leaf.grad for leaf in leaves)]


@both_directions
@pytest.mark.parametrize("batch, length", [(1, 1), (1, 13), (3, 7), (2, 16)])
def test_scan_equals_the_recurrence(batch, length, reverse):
    values = inputs(batch, length)
    expected = naive(*values, reverse)
    assert (scan.selective_scan(*values, reverse) - expected).abs().max() < 1e-10
    y = scan.selective_scan(*(value.float() for value in values), reverse)
    assert y.dtype == torch.float32 and apart(y, expected) < 1e-5


def test_low_precision_inputs_are_scanned_in_float32():
    values = [value.bfloat16() for value in inputs(length=64)]
    y = scan.selective_scan(*values)
    assert y.dtype == torch.bfloat16
    assert torch.equal(y, scan.selective_scan(*(value.float() for value in values)).bfloat16())


@both_directions
@pytest.mark.parametrize("length", [1, 2, 9])
def test_convolution_equals_its_definition(length, reverse):
    x, weight, bias = convolution_inputs(length=length)
    y = scan.causal_convolution(x, weight, bias, reverse)
    for t in range(length):
        lags = [(lag, t + lag if reverse else t - lag) for lag in range(4)]
        total = bias + sum(weight[:, 0, 3 - lag] * x[:, seen] for lag, seen in lags if 0 <= seen < length)
        torch.testing.assert_close(y[:, t], total * total.sigmoid())


@both_directions
def test_gradients_of_the_reference(reverse):
    values = [value.requires_grad_() for value in inputs(batch=2, length=5, inner=2, states=3)]
    assert torch.autograd.gradcheck(lambda *v: scan.selective_scan(*v, reverse), values)
    values = [value.requires_grad_() for value in convolution_inputs(length=5)]
    assert torch.autograd.gradcheck(lambda *v: scan.causal_convolution(*v, reverse), values)


@with_numba
@both_directions
@pytest.mark.parametrize("length", LENGTHS)
def test_compiled_scan_equals_the_reference(length, reverse):
    """Values and every gradient in float32, over a block boundary, and over chunk boundaries in time."""
    batch, inner = (1, 5) if length > 1000 else (3, 131)
    values = inputs(batch, length, inner, dtype=torch.float32)
    exact = with_gradients(scan.selective_scan, values, reverse, torch.float64)
    fast = with_gradients(scan.choose(CPU).scan, values, reverse, torch.float32)
    for name, value, expected in zip(("y", *NAMES), fast, exact, strict=True):
        assert apart(value, expected) < 1e-5, name


@with_numba
@both_directions
@pytest.mark.parametrize("length", LENGTHS)
def test_compiled_convolution_equals_the_reference(length, reverse):
    batch, inner = (1, 5) if length > 1000 else (3, 131)
    values = convolution_inputs(batch, length, inner, dtype=torch.float32)
    exact = with_gradients(scan.causal_convolution, values, reverse, torch.float64)
    fast = with_gradients(scan.choose(CPU).convolve, values, reverse, torch.float32)
    for name, value, expected in zip(("y", "x", "weight", "bias"), fast, exact, strict=True):
        assert apart(value, expected) < 1e-5, name


@with_numba
@both_directions
@pytest.mark.parametrize("part", ["scan", "convolve"])
def test_compiled_bfloat16_errs_by_its_rounding_only(part, reverse):
    """bfloat16 has 8 significant bits; what goes in is equal, and inside everything is float32."""
    function = {"scan": scan.selective_scan, "convolve": scan.causal_convolution}[part]
    values = {"scan": inputs, "convolve": convolution_inputs}[part](2, 107, 20, dtype=torch.bfloat16)
    exact = with_gradients(function, values, reverse, torch.float64)
    wide = with_gradients(getattr(scan.choose(CPU), part), values, reverse, torch.float32)
    fast = with_gradients(getattr(scan.choose(CPU), part), values, reverse, torch.bfloat16)
    assert fast[0].dtype == torch.bfloat16 and torch.equal(fast[0], wide[0].bfloat16())
    for value, expected in zip(fast, exact, strict=True):
        assert apart(value, expected) < 2**-7


@with_numba
def test_compiled_kernels_take_any_layout():
    x, dt, A, B, C, D, z = inputs(2, 9, 6, dtype=torch.float32)
    expected = scan.selective_scan(x, dt, A, B, C, D, z)
    turned = lambda value: value.mT.contiguous().mT  # noqa: E731
    odd = (turned(x), turned(dt), turned(A), turned(B), turned(C), D.repeat_interleave(2)[::2], turned(z))
    assert not odd[0].is_contiguous() and not odd[5].is_contiguous()
    assert apart(scan.choose(CPU).scan(*odd), expected) < 1e-5
    one = x[:1].expand(2, -1, -1)
    alike = scan.choose(CPU).scan(one, dt, A, B, C, D, z)
    assert apart(alike, scan.selective_scan(one, dt, A, B, C, D, z)) < 1e-5
    leaf = x.clone().requires_grad_()
    scan.choose(CPU).scan(leaf, dt, A, B, C, D, z).sum().backward()  # the gradient of a sum is an expanded scalar
    twin = x.clone().requires_grad_()
    scan.selective_scan(twin, dt, A, B, C, D, z).sum().backward()
    assert apart(leaf.grad, twin.grad) < 1e-5


@with_numba
@pytest.mark.parametrize("rate, step", [(1e-4, -3.0), (50.0, 4.0), (1e4, 30.0), (1.0, -90.0), (1.0, 100.0)])
def test_compiled_scan_from_long_memory_to_none(rate, step):
    """A state that hardly decays in 3231 steps must not drift, one that decays at once must not wrap around."""
    x, dt, A, B, C, D, z = inputs(1, 3231, 4, dtype=torch.float32)
    values = (x, dt * 0.1 + step, A.sign() * rate, B, C, D, z)
    y, expected = scan.choose(CPU).scan(*values), scan.selective_scan(*(value.double() for value in values))
    assert y.isfinite().all() and apart(y, expected) < 1e-5


@with_numba
def test_compiled_kernels_do_not_depend_on_the_number_of_threads():
    kernels, threads, results = scan.choose(CPU), torch.get_num_threads(), []
    try:
        for count in (1, 2, 5):
            torch.set_num_threads(count)
            values = inputs(2, 40, 300, dtype=torch.float32)
            results.append(with_gradients(kernels.scan, values, False, torch.float32))
            values = convolution_inputs(2, 40, 300, dtype=torch.float32)
            results[-1] += with_gradients(kernels.convolve, values, True, torch.float32)
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        assert all(torch.equal(a, b) for a, b in zip(results[0], other, strict=True))


@with_numba
def test_compiled_kernels_leave_other_dtypes_to_the_reference():
    values, kernels = inputs(), scan.choose(CPU)
    assert torch.equal(kernels.scan(*values), scan.selective_scan(*values))
    values = convolution_inputs()
    assert torch.equal(kernels.convolve(*values, reverse=True), scan.causal_convolution(*values, reverse=True))


@with_numba
def test_compiled_kernels_are_kept_in_the_users_cache(tmp_path, monkeypatch):
    from musicgen_app.machine import numba_kernels as kernels

    folder_of = kernels.cache_folder.__wrapped__
    monkeypatch.setattr(kernels.numba.config, "CACHE_DIR", "")
    monkeypatch.setattr(paths, "cache", lambda: tmp_path / "cache")
    assert folder_of() == str(tmp_path / "cache" / "numba")
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(paths, "cache", lambda: tmp_path / "file")
    assert folder_of() is None
    monkeypatch.setattr(kernels.numba.config, "CACHE_DIR", "elsewhere")
    assert folder_of() == "elsewhere"


@pytest.mark.slow
def test_numba_is_not_imported_before_it_is_needed():
    code = "import sys, musicgen_app.backbones.presets; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.fixture
def fresh_choice():
    scan.choose.cache_clear()
    yield
    scan.choose.cache_clear()


@with_numba
def test_chosen_on_the_cpu():
    assert scan.describe(CPU) == "numba" and scan.choose(CPU).scan is not scan.selective_scan


def test_reference_on_the_cpu_without_numba(monkeypatch, fresh_choice):
    _forget_numba(monkeypatch)
    monkeypatch.setitem(sys.modules, "numba", None)
    assert scan.choose(CPU) is scan.REFERENCE and "slow" in scan.describe(CPU)


@with_numba
def test_a_broken_numba_is_named(monkeypatch, fresh_choice):
    _forget_numba(monkeypatch)
    monkeypatch.setitem(sys.modules, "numba.extending", None)
    assert scan.choose(CPU).scan is scan.selective_scan
    assert "cannot be loaded" in scan.describe(CPU) and "numba" in scan.describe(CPU)


def _forget_numba(monkeypatch):
    """The modules that need numba are imported anew: they are neither listed nor attributes of their packages."""
    for name in ("backbones.mamba.scan_cpu", "backbones.mamba.scan_numba", "machine.numba_kernels"):
        module = importlib.import_module(f"musicgen_app.{name}")
        package, _, last = module.__name__.rpartition(".")
        monkeypatch.delitem(sys.modules, module.__name__)
        monkeypatch.delattr(sys.modules[package], last)


def test_reference_on_cuda_without_mamba_ssm(monkeypatch, fresh_choice):
    monkeypatch.setitem(sys.modules, "mamba_ssm", None)
    assert scan.choose(CUDA).scan is scan.selective_scan


@both_directions
def test_kernel_on_cuda_gets_its_own_layout(monkeypatch, fresh_choice, reverse):
    """A stand-in with mamba-ssm's calling convention: u, delta, z (B, I, T), A (I, N), B, C (B, N, T), D (I)."""

    def selective_scan_fn(u, delta, A, B, C, D, z, delta_softplus):
        assert all(value.is_contiguous() and value.dtype == u.dtype for value in (u, delta, B, C, z))
        assert A.dtype == D.dtype == torch.float32 and A.is_contiguous() and delta_softplus
        delta = torch.nn.functional.softplus(delta)
        state, outputs = 0, []
        for t in range(u.shape[2]):
            decay = torch.exp(torch.einsum("bi,in->bin", delta[..., t], A))
            state = decay * state + torch.einsum("bi,bn,bi->bin", delta[..., t], B[..., t], u[..., t])
            outputs.append(torch.einsum("bin,bn->bi", state, C[..., t]) + D * u[..., t])
        return torch.stack(outputs, dim=2) * torch.nn.functional.silu(z)

    interface = types.ModuleType("mamba_ssm.ops.selective_scan_interface")
    interface.selective_scan_fn = selective_scan_fn
    for name in ("mamba_ssm", "mamba_ssm.ops"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, interface.__name__, interface)
    x, dt, A, B, C, D, z = inputs(dtype=torch.float32)
    values = (x, dt, A.mT.contiguous().mT, B, C, D, z)
    chosen = scan.choose(CUDA)
    assert chosen.name == scan.describe(CUDA) == "mamba-ssm"
    torch.testing.assert_close(chosen.scan(*values, reverse), scan.selective_scan(*values, reverse))
