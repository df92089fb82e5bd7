"""Magnitudes -> waveform: phases that were not coded are rebuilt.

They start from the frequencies of the spectral peaks, as in single-pass spectrogram inversion (Beauregard et al., DAFx
2015), and are made consistent by the fast Griffin-Lim algorithm (Perraudin et al., WASPAA 2013).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def frame(waveform: Tensor, n_fft: int, hop: int) -> Tensor:
    """Waveform (B, N), N a multiple of `hop` -> complex STFT (B, N / hop, n_fft / 2 + 1), each frame centred."""
    side = (n_fft - hop) // 2
    other = n_fft - hop - side
    mode = "reflect" if waveform.shape[-1] > other else "constant"
    padded = F.pad(waveform[:, None], (side, other), mode=mode)[:, 0]
    window = torch.hann_window(n_fft, device=waveform.device)
    return torch.fft.rfft(padded.unfold(-1, n_fft, hop) * window)


def overlap_add(spectrum: Tensor, n_fft: int, hop: int) -> Tensor:
    """Inverse of `frame`: complex STFT (B, T, n_fft / 2 + 1) -> waveform (B, T * hop)."""
    overlap, side = -(-n_fft // hop), (n_fft - hop) // 2
    window = torch.hann_window(n_fft, device=spectrum.device)
    rest = (0, overlap * hop - n_fft)
    frames = torch.fft.irfft(spectrum, n=n_fft).mul_(window)
    frames = F.pad(frames, rest).unflatten(-1, (overlap, hop))  # (B, T, overlap, hop)
    weight = F.pad(window**2, rest).unflatten(-1, (overlap, hop))
    batch, count = frames.shape[:2]
    total = frames.new_zeros(batch, count + overlap - 1, hop)
    envelope = frames.new_zeros(count + overlap - 1, hop)
    for part in range(overlap):
        total[:, part : part + count] += frames[:, :, part]
        envelope[part : part + count] += weight[part]
    return total.div_(envelope.clamp_min_(1e-4)).flatten(1)[:, side : side + count * hop]


def count_turns(magnitude: Tensor, n_fft: int, hop: int, before: Tensor | float = 0.0) -> Tensor:
    """Turns (B, T, F), float64, that every bin has made by each frame at the frequency of its nearest spectral peak.

    magnitude (B, T, F); `before` (B, F) are the turns made before its first frame.
    """
    bins = torch.arange(magnitude.shape[-1], device=magnitude.device)
    level = magnitude.clamp_min(1e-5).log_()
    low, mid, high = level[..., :-2], level[..., 1:-1], level[..., 2:]
    is_peak = F.pad((mid >= low) & (mid > high), (1, 1))
    offset = (0.5 * (low - high) / (low - 2 * mid + high).clamp_max_(-1e-6)).clamp_(-0.5, 0.5)  # vertex of a parabola
    frequency = F.pad(offset.add_(bins[1:-1]), (1, 1))  # in bins
    far = 2 * len(bins)
    below = torch.where(is_peak, bins, -far).cummax(dim=-1).values
    above = torch.where(is_peak, bins, far).flip(-1).cummin(dim=-1).values.flip(-1)
    nearest = torch.where(bins - below <= above - bins, below, above).clamp_(0, len(bins) - 1)
    turns = frequency.gather(-1, nearest).double().mul_(hop / n_fft)
    turns[:, 0] += before
    return turns.cumsum_(dim=1)


def close_turns(turns: Tensor) -> Tensor:
    """Turns (B, T, F) of loops, in place, a little slower or faster in each bin: a whole number of them in a loop."""
    frames = turns.shape[1]
    missing = turns[:, -1:] - turns[:, -1:].round()
    gone = torch.arange(1, frames + 1, dtype=turns.dtype, device=turns.device)[:, None] / frames
    return turns.addcmul_(missing, gone, value=-1)


def griffin_lim(magnitude: Tensor, phase: Tensor, n_fft: int, hop: int, iterations: int) -> Tensor:
    """STFT magnitude and starting phase (B, T, F) -> waveform (B, T * hop) whose STFT has about these magnitudes.

    An iteration lets every frame see the n_fft / hop - 1 frames on either side that overlap it.
    """
    momentum = 0.99
    spectrum = torch.polar(magnitude, phase)
    previous = torch.zeros_like(spectrum)
    for _ in range(iterations):
        consistent = frame(overlap_add(spectrum, n_fft, hop), n_fft, hop)
        # Real arithmetic, one pass a line: complex abs() and division take three times as long.
        ahead = torch.lerp(torch.view_as_real(previous), torch.view_as_real(consistent), 1 + momentum)
        real, imaginary = ahead.unbind(-1)
        scale = torch.addcmul(real * real, imaginary, imaginary).clamp_min_(1e-16).rsqrt_().mul_(magnitude)
        spectrum, previous = torch.view_as_complex(ahead.mul_(scale[..., None])), consistent
    return overlap_add(spectrum, n_fft, hop)


def reconstruct(magnitude: Tensor, n_fft: int, hop: int, iterations: int, turns: Tensor | None = None) -> Tensor:
    """STFT magnitude (B, T, F) -> waveform (B, T * hop); `turns` (default: counted here) see `count_turns`."""
    if turns is None:
        turns = count_turns(magnitude, n_fft, hop)
    alternate = torch.arange(magnitude.shape[-1], device=magnitude.device) / 2  # signs of a windowed sinusoid's bins
    phase = (turns + alternate).frac_().mul_(2 * math.pi).float()
    return griffin_lim(magnitude, phase, n_fft, hop, iterations)
