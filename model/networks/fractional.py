# SPDX-License-Identifier: Apache-2.0
"""The two steps of a fractional convolution that have no derivative, with their gradients in closed form.

Both networks share them: WSFracBNN with learnt shifts and scales, FracBNN (section 3.2) with fixed ones. Each is one
autograd node that keeps real tensors only, and computes every mask again in the backward pass: masks are what an
eager run spends its memory on and what a compiler vectorizes worst.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from wsfracbnn.model.networks import mixed_precision
from wsfracbnn.model.networks import quantizers as q

GATE_SLOPE = 5.0
"""Steepness of the sigmoid that stands for a gate in the backward pass."""


class _TwoBitPlanes(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, t1: Tensor, t2: Tensor, t3: Tensor, u: Tensor, polynomial: bool, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(u)
        ctx.polynomial = polynomial
        below, middle, above = (q.plus_minus(x >= t, dtype) for t in (t1, t2, t3))
        return middle, below - middle + above

    @staticmethod
    def backward(ctx: Any, msb: Tensor, lsb: Tensor) -> tuple[None, None, None, None, Tensor, None, None]:
        (u,) = ctx.saved_tensors
        magnitude = u.abs()
        inside = (magnitude <= 1).to(u.dtype)
        slope = 2.0 * (1.0 - magnitude).clamp_min(0.0) if ctx.polynomial else inside
        gradient = msb.to(u.dtype) * slope + lsb.to(u.dtype) * (3.0 * inside - 2.0 * slope)
        return None, None, None, None, gradient, None, None


def two_bit_planes(
    x: Tensor, thresholds: tuple[Tensor, Tensor, Tensor], u: Tensor, *, polynomial: bool
) -> tuple[Tensor, Tensor]:
    """Quantize to q = [x >= T1] + [x >= T2] + [x >= T3], as planes of +-1 whose value is (2 msb + lsb) / 3.

    Args:
        x: (N, C, H, W).
        thresholds: T1 <= T2 <= T3, each of a shape that broadcasts to that of x.
        u: x shifted and scaled so that the thresholds are -2/3, 0 and 2/3; the gradient flows here.
        polynomial: the msb plane's gradient is that of Bi-Real Net's u (2 - |u|) (arXiv 1808.00278), not u's own.
    Returns:
        msb and lsb, each (N, C, H, W): bfloat16 where training convolutions run in 16 bits, else float32. The
        gradient of (2 msb + lsb) / 3 is 1 inside |u| <= 1 and 0 outside.
    """
    dtype = torch.bfloat16 if mixed_precision.active() else torch.float32
    value = x.detach()  # u may be x itself, and dynamo takes no tensor twice
    planes: tuple[Tensor, Tensor] = _TwoBitPlanes.apply(value, *thresholds, u, polynomial, dtype)  # type: ignore[no-untyped-call]
    return planes


class _GatedSum(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, sums: Tensor, bound: Tensor, threshold: Tensor, scale: float, sum_slope: float
    ) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(sums, bound, threshold)
        ctx.scale, ctx.sum_slope = scale, sum_slope
        s_m, s_l = sums.float().chunk(2)
        gate = 1.0 - q.at_least_zero(bound - s_m)
        return 2.0 * s_m + gate * s_l, gate.mean(dim=(0, 2, 3))

    @staticmethod
    def backward(ctx: Any, of_sum: Tensor, of_means: Tensor) -> tuple[Tensor, None, Tensor, None, None]:
        sums, bound, threshold = ctx.saved_tensors
        s_m, s_l = sums.float().chunk(2)
        gate = 1.0 - q.at_least_zero(bound - s_m)
        pixels = s_m.shape[0] * s_m.shape[2] * s_m.shape[3]
        soft = torch.sigmoid(GATE_SLOPE * (s_m * ctx.scale - threshold))
        of_gate = (of_sum * s_l + of_means.view(1, -1, 1, 1) / pixels) * (GATE_SLOPE * soft * (1.0 - soft))
        of_sums = torch.cat(((2.0 * of_sum + ctx.sum_slope * of_gate).to(sums.dtype), (of_sum * gate).to(sums.dtype)))
        return of_sums, None, -of_gate.sum(dim=(0, 2, 3), keepdim=True), None, None


def gated_sum(
    sums: Tensor, bound: Tensor, threshold: Tensor, scale: float, *, into_sum: bool = True
) -> tuple[Tensor, Tensor]:
    """A = 2 S_m + (S_m > bound ? S_l : 0) (FracBNN, section 3.2 and equation 4).

    Args:
        sums: S_m and, behind it, S_l: (2N, O, H, W).
        bound: (1, O, 1, 1), what S_m is compared with.
        threshold: (1, O, 1, 1), the learnt threshold behind `bound`, in units of 1 / scale.
        scale: from S_m to the threshold's units.
        into_sum: whether the gate's gradient flows into S_m too, not into the threshold alone.
    Returns:
        A (N, O, H, W), and the fraction of open gates of each channel, (O,). The gate's gradient is that of
        sigmoid(5 (scale S_m - threshold)).
    """
    slope = scale if into_sum else 0.0
    out: tuple[Tensor, Tensor] = _GatedSum.apply(sums, bound, threshold, scale, slope)  # type: ignore[no-untyped-call]
    return out
