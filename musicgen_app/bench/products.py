"""The matrix products of a network: counted by shape while it runs, then made alone on random numbers.

The rest of a network's time is the cost of its other parts (norms, scans, copies). A product is one call of a linear
layer or of a convolution over all channels. The products inside attention and depthwise convolutions are not counted,
so the time of the products is a strict lower bound.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

CONVOLUTIONS = (F.conv1d, F.conv2d)


class Product(NamedTuple):
    """(rows, inner) times (inner, outer); a convolution over k neighbours is a product with inner = k * channels."""

    rows: int
    inner: int
    outer: int

    @property
    def multiplications(self) -> int:
        return self.rows * self.inner * self.outer


class _Recorder(TorchFunctionMode):
    """Counts the products among the functions that are called; it sees layers and bare functions alike."""

    def __init__(self) -> None:
        super().__init__()
        self.products: Counter[Product] = Counter()

    def __torch_function__(self, function, types, args=(), kwargs=None):
        y = function(*args, **(kwargs or {}))
        if function is F.linear or function in CONVOLUTIONS:
            self._record(y, *args, **(kwargs or {}))
        return y

    def _record(self, y: Tensor, input: Tensor, weight: Tensor, *rest, **named) -> None:
        outer, inner = weight.shape[0], weight[0].numel()
        if weight.dim() > 2 and weight.shape[1] < input.shape[1]:
            return  # grouped: every output channel sees some of the channels only
        self.products[Product(y.numel() // outer, inner, outer)] += 1


def count_products(run: Callable[[], object]) -> Counter[Product]:
    """How often each product is made while `run()` runs (tensors on the meta device will do: no data is needed)."""
    with _Recorder() as recorder:
        run()
    return recorder.products


def products_alone(products: Counter[Product], dtype: torch.dtype) -> Callable[[], None]:
    """A function that makes all of these products on random numbers, each with a weight of its own.

    A network reads every weight from memory, so one weight that stays in the cache would be too fast.
    """
    calls = []
    for product, count in products.items():
        x = torch.rand(product.rows, product.inner).to(dtype)
        calls += [(x, torch.rand(product.outer, product.inner).to(dtype)) for _ in range(count)]

    def run() -> None:
        for x, weight in calls:
            F.linear(x, weight)

    return run
