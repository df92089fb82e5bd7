"""Losses of a generator, one value a sample: flow matching, and alignment with frozen encoders (REPA).

Flow matching is Lipman et al., 2023 (arXiv 2210.02747); representation alignment is Yu et al., 2025 (arXiv 2410.06940)
as the score-aware paper uses it (Cheng, Huang and Tan, 2026, arXiv 2606.07387, section II-D):

    loss = L_FM + lambda_CLAP w(t) L_CLAP + lambda_MuQ w(t) L_MuQ        (equation 6)

B samples, T frames, D latent channels, H hidden width. A mask (B, T) is true at valid frames; None: all of them are.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from ..runtime.tensors import masked_mean


def flow_matching(
    velocity: Tensor, target: Tensor, mask: Tensor | None = None, weights: Tensor | None = None
) -> Tensor:
    """Mean squared error of the velocity (B, T, D) over a sample's valid frames and all channels (B,); equation 3.

    weights (D,) says what a channel counts; with mean 1 they leave the size of the loss as it is.
    """
    error = (velocity.float() - target.float()).square()
    return masked_mean((error if weights is None else error * weights).mean(dim=-1), mask)


def repa_clap(student: Tensor, target: Tensor) -> Tensor:
    """Cosine distance of ClapHead's answer (B, W) to the vector of the sample's audio (B, W); (B,). Equation 4."""
    return 1 - cosine_similarity(student.float(), target.float(), dim=-1)


def repa_muq(student: Tensor, target: Tensor, mask: Tensor | None = None) -> Tensor:
    """Cosine distance of MuQHead's answer (B, T, M) to MuQ's features (B, T, M), mean over valid frames (B,). Eq. 5."""
    return masked_mean(1 - cosine_similarity(student.float(), target.float(), dim=-1), mask)


def repa_weight(t: Tensor, alpha: float = 2.0) -> Tensor:
    """w = t^alpha (B,): alignment counts near the data. The paper's (1 - t')^alpha, whose data are at t' = 0."""
    return t**alpha


class ClapHead(nn.Module):
    """phi_CLAP of equation 4: the mean hidden state of the valid frames, projected to the width of audio vectors."""

    def __init__(self, hidden: int, width: int = 512, layers: int = 1):
        super().__init__()
        self.project = projection(hidden, width, layers)

    def forward(self, hidden: Tensor, mask: Tensor | None = None) -> Tensor:
        """(B, T, H) -> (B, width)."""
        return self.project(masked_mean(hidden, mask))


class MuqHead(nn.Module):
    """phi_MuQ of equation 5: every frame's hidden state, projected to the width of MuQ's features."""

    def __init__(self, hidden: int, width: int = 1024, layers: int = 1):
        super().__init__()
        self.project = projection(hidden, width, layers)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, T, H) -> (B, T, width)."""
        return self.project(hidden)


def projection(hidden: int, width: int, layers: int) -> nn.Module:
    """One linear layer, or `layers` of them with SiLU between."""
    inner = [module for _ in range(layers - 1) for module in (nn.Linear(hidden, hidden), nn.SiLU())]
    last = nn.Linear(hidden, width)
    return nn.Sequential(*inner, last) if inner else last
