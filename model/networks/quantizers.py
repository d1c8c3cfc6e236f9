# SPDX-License-Identifier: Apache-2.0
"""Fake quantization: forward the integer rule of the numeric contract, backward a straight-through gradient.

Every tensor here is in units of the residual stream's last place (real value times 2^F), so quantized values are
integers held in floats. In training they are float32, in evaluation float64, where all of them are exact.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor

from wsfracbnn.model.contract import HEAD_DIGITS as HEAD_DIGITS
from wsfracbnn.model.contract import HEAD_LIMIT as HEAD_LIMIT
from wsfracbnn.model.contract import SCALE_DIGITS as SCALE_DIGITS
from wsfracbnn.model.contract import SCALE_LIMIT as SCALE_LIMIT
from wsfracbnn.model.contract import SCALE_SHIFT_LIMIT as SCALE_SHIFT_LIMIT
from wsfracbnn.model.contract import SLOPE_LIMIT as SLOPE_LIMIT
from wsfracbnn.model.contract import SLOPE_SHIFT as SLOPE_SHIFT
from wsfracbnn.model.signed_digits import representable


class _StraightThrough(torch.autograd.Function):
    """One node and no arithmetic, where `hard.detach() + (soft - soft.detach())` walks the tensor three times."""

    @staticmethod
    def forward(ctx: Any, hard: Tensor, soft: Tensor) -> Tensor:
        del ctx, soft
        return hard.view_as(hard)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[None, Tensor]:
        del ctx
        return None, gradient


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """The value of `hard` with the gradient of `soft`, two tensors of one shape and dtype."""
    out: Tensor = _StraightThrough.apply(hard.detach(), soft)  # type: ignore[no-untyped-call]
    return out


@torch.library.custom_op("wsfracbnn::computed_once", mutates_args=())
def _computed_once(x: Tensor) -> Tensor:
    return x.clone()


@_computed_once.register_fake
def _(x: Tensor) -> Tensor:
    return torch.empty_like(x)


_computed_once.register_autograd(lambda ctx, gradient: gradient)


def per_channel(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Constants of shape (C,) as they meet a tensor of pixels: (1, C, 1, 1), in its dtype.

    A compiler would fold the double-precision arithmetic behind them into the loop over the pixels and repeat it for
    each; an operation that it cannot look into keeps it to once a channel.
    """
    x = x.to(dtype)
    if torch.compiler.is_compiling():
        x = _computed_once(x)
    return x.view(1, -1, 1, 1)


def floor_ste(x: Tensor) -> Tensor:
    """floor(x), gradient 1."""
    return straight_through(x.floor(), x)


def round_ste(x: Tensor) -> Tensor:
    """Round half up, floor(x + 1/2), gradient 1."""
    return straight_through((x + 0.5).floor(), x)


EXACT_LIMIT = 2.0**53
"""Up to here every integer is a float64."""


def exact_integers(x: Tensor) -> Tensor:
    """Integers held in float64 as int64, where a bare cast would round, or wrap what is out of range.

    Raises:
        AssertionError: a value is no integer, or larger than float64 holds exactly.
    """
    inexact = x[~((x == x.floor()) & (x.abs() <= EXACT_LIMIT))]
    if inexact.numel():
        raise AssertionError(f"found {float(inexact[0])!r}, expected an integer of at most 2^53 in magnitude")
    return x.detach().long()


def sign(x: Tensor) -> Tensor:
    """+1 where x >= 0, else -1, so that zero counts as positive everywhere."""
    return plus_minus(x >= 0, x.dtype)


def plus_minus(bits: Tensor, dtype: torch.dtype) -> Tensor:
    """Bits as +1 and -1."""
    return bits.to(dtype) * 2.0 - 1.0


def nearest_signed_digits(x: Tensor, digits: int, limit: int) -> Tensor:
    """The nearest integer to each x that has at most `digits` signed digits and |value| <= limit (no gradient)."""
    find = _nearest_compiled if torch.compiler.is_compiling() else _nearest
    nearest: Tensor = find(x.detach().double().contiguous(), digits, limit)
    return nearest


def _nearest(x: Tensor, digits: int, limit: int) -> Tensor:
    values, middles = _signed_digit_table(digits, limit, x.device)
    return values[torch.bucketize(x, middles)]


# An operation of its own, because a compiler that looked into it would build the table and copy it to the device at
# every step. Not used elsewhere: the first call of such an operation loads the compiler, which takes seconds.
_nearest_compiled = torch.library.custom_op("wsfracbnn::nearest_signed_digits", _nearest, mutates_args=())


@_nearest_compiled.register_fake
def _(x: Tensor, digits: int, limit: int) -> Tensor:
    del digits, limit
    return torch.empty_like(x)


@cache
def _signed_digit_table(digits: int, limit: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """The representable values and the midpoints between them, copied to a device once."""
    table = torch.as_tensor(representable(digits, limit), dtype=torch.float64, device=device)
    return table, (table[1:] + table[:-1]) / 2


def quantize_scale(scale: Tensor) -> tuple[Tensor, Tensor]:
    """Scale path of the contract: scale ~ M_c / 2^r, r the largest that keeps every |M_c| within its limit.

    Args:
        scale: shape (C,), output units per accumulator unit.
    Returns:
        M_c as float64 integers of shape (C,), and the layer's shift r (0 to 15), a float64 scalar: a tensor, so that
        training on an accelerator never waits for the host.
    """
    r = scale_shift(scale.detach().double().abs().max())
    return nearest_signed_digits(scale.double() * 2.0**r, SCALE_DIGITS, SCALE_LIMIT), r


def scale_shift(largest: Tensor) -> Tensor:
    """r of a layer whose largest |scale| is given, or of each of several layers: float64, of the same shape."""
    powers = 2.0 ** torch.arange(1, SCALE_SHIFT_LIMIT + 1, dtype=torch.float64, device=largest.device)
    return (largest.unsqueeze(-1) * powers <= SCALE_LIMIT).sum(dim=-1).double()


def at_least_zero(x: Tensor) -> Tensor:
    """1 where x >= 0, else 0, in x's dtype (no gradient).

    Compiled for a CPU, a comparison that is stored as booleans takes forty times as long as one that stays a float.
    """
    x = x.detach()
    if torch.compiler.is_compiling():
        return torch.sign(torch.sign(x) + 0.5).clamp_min(0.0)
    return (x >= 0).to(x.dtype)


class _Saturate(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, limit: float) -> Tensor:
        out = x.clamp(-limit, limit - 1)
        ctx.save_for_backward(out)
        ctx.limit = limit
        return out

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        (out,) = ctx.saved_tensors
        # The two extreme integers lie limit - 1/2 away from -1/2, all others at least one nearer.
        return gradient * ((ctx.limit - 0.5) - (out + 0.5).abs()).clamp(0.0, 1.0), None


def saturate(x: Tensor, bits: int) -> Tensor:
    """Clamp integers to `bits`-bit two's complement; the gradient is zero where the result is an extreme value."""
    out: Tensor = _Saturate.apply(x, 2.0 ** (bits - 1))  # type: ignore[no-untyped-call]
    return out
