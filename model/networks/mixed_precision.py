# SPDX-License-Identifier: Apache-2.0
"""Sixteen-bit convolutions whose binary sums stay exact.

Forward, operands and results are 16-bit floats that hold every sum of +-1 products: float16 every integer to 2048 and
every even one to 4096, bfloat16 every integer to 256 and every even one to 512. A window of `n` taps of +-1 sums to an
integer of n's parity. Partial sums may be odd, and are exact where they are added in float32, as oneDNN and cuDNN do;
tests/model/test_mixed_precision.py compares bit for bit. Where the input channels do not fit they are taken in groups,
whose exact sums are added in float32.
Backward, operands are bfloat16, whose range is float32's, so that no loss scaling is needed; +-1 is exact in it too.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from wsfracbnn.model.contract import TAPS

VECTOR = 16
"""Channels that one 512-bit register holds in float32."""
_enabled = False  # a plain global, which torch.compile can guard on


def active() -> bool:
    """Whether convolutions run in 16 bits: in training only, so that evaluation stays exact for any operand."""
    return _enabled and torch.is_grad_enabled()


@contextmanager
def mixed_precision(on: bool) -> Iterator[None]:
    """Within this context, training convolutions run in 16 bits where `on`."""
    global _enabled
    before, _enabled = _enabled, on
    try:
        yield
    finally:
        _enabled = before


def operand_dtype(device: torch.device) -> torch.dtype:
    """A CPU's 16-bit convolutions are fast in bfloat16 alone; a GPU's are as fast in float16, without groups."""
    return torch.float16 if device.type == "cuda" else torch.bfloat16


def exact_channels(dtype: torch.dtype) -> int:
    """Largest even number of input channels whose 3x3 sums of +-1 products are exact in `dtype`.

    An even number of channels makes every sum even, also at the border, where whole pixels are missing.
    """
    even_integers_to = 4096 if dtype == torch.float16 else 512
    return even_integers_to // TAPS // 2 * 2


class _Conv3x3(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, stride: int) -> Tensor:
        dtype = operand_dtype(x.device)
        ctx.stride, ctx.dtype = stride, x.dtype
        ctx.save_for_backward(x.to(torch.bfloat16), weight.to(torch.bfloat16))
        sums = [
            F.conv2d(x[:, part].to(dtype), weight[:, part].to(dtype), stride=stride, padding=1)
            for part in _groups(x.shape[1], dtype)
        ]
        total = sums[0] if len(sums) == 1 else torch.stack([s.float() for s in sums]).sum(dim=0)
        # The gradient comes back in the result's dtype, and float16 would flush those of a batch's mean loss to zero.
        return total.float() if dtype == torch.float16 else total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, None]:
        x, weight = ctx.saved_tensors
        dx, dw, _ = torch.ops.aten.convolution_backward(
            gradient.to(torch.bfloat16),
            x,
            weight,
            None,
            (ctx.stride, ctx.stride),
            (1, 1),
            (1, 1),
            False,
            (0, 0),
            1,
            (ctx.needs_input_grad[0], True, False),
        )
        return None if dx is None else dx.to(ctx.dtype), dw.float(), None


def _groups(channels: int, dtype: torch.dtype) -> list[slice]:
    """Input channels in as few groups as are exact, of equal size but for the vectors that a CPU reads them in."""
    most = exact_channels(dtype)
    if channels % 2:
        most //= 2  # odd channels make odd sums, exact to half as far
    if channels <= most:
        return [slice(None)]
    size = math.ceil(channels / math.ceil(channels / most))
    size = min(math.ceil(size / VECTOR) * VECTOR, most)
    return [slice(first, first + size) for first in range(0, channels, size)]


def conv3x3(x: Tensor, weight: Tensor, stride: int) -> Tensor:
    """3x3 convolution with zero padding 1: (N, I, H, W) and (O, I, 3, 3) -> (N, O, H/stride, W/stride).

    The result is bfloat16 on a CPU where one of its sums holds all channels, else float32.
    Exact where x and weight hold +-1 (or 0); real operands, as in the first training step, are rounded to 16 bits.
    """
    x = x.contiguous(memory_format=torch.channels_last)
    out: Tensor = _Conv3x3.apply(x, weight, stride)  # type: ignore[no-untyped-call]
    return out
