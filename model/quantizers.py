# SPDX-License-Identifier: Apache-2.0
"""Fake quantization: forward the integer rule of the numeric contract, backward a straight-through gradient.

Every tensor here is in units of the residual stream's last place (real value times 2^F), so quantized values are
integers held in floats. In training they are float32, in evaluation float64, where all of them are exact.
"""

from __future__ import annotations

import torch
from torch import Tensor

from wsfracbnn.model.signed_digits import representable

SCALE_DIGITS = 2
SCALE_LIMIT = 127
"""M_c: at most two signed digits; the shift r is chosen so that the largest |M_c| of a layer fits."""
SLOPE_SHIFT = 6
SLOPE_LIMIT = 127
"""N_c / 2^s with s = 6: slopes from -1.98 to 1.98 in steps of 1/64."""
HEAD_DIGITS = 3
HEAD_LIMIT = 127


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """The value of `hard` with the gradient of `soft`."""
    return hard.detach() + (soft - soft.detach())


def floor_ste(x: Tensor) -> Tensor:
    """floor(x), gradient 1."""
    return straight_through(x.floor(), x)


def round_ste(x: Tensor) -> Tensor:
    """Round half up, floor(x + 1/2), gradient 1."""
    return straight_through((x + 0.5).floor(), x)


def sign(x: Tensor) -> Tensor:
    """+1 where x >= 0, else -1: sign(0) = +1 everywhere."""
    return torch.where(x >= 0, 1.0, -1.0).to(x.dtype)


def nearest_signed_digits(x: Tensor, digits: int, limit: int) -> Tensor:
    """The nearest integer to each x that has at most `digits` signed digits and |value| <= limit (no gradient)."""
    table = torch.as_tensor(representable(digits, limit), dtype=torch.float64, device=x.device)
    middles = (table[1:] + table[:-1]) / 2
    return table[torch.bucketize(x.detach().double().contiguous(), middles)]


def quantize_scale(scale: Tensor) -> tuple[Tensor, int]:
    """Scale path of the contract: scale ~ M_c / 2^r.

    Args:
        scale: shape (C,), output units per accumulator unit.
    Returns:
        M_c as float64 integers of shape (C,), and the layer's shift r (0 to 15).
    """
    largest = float(scale.detach().abs().max())
    r = 0
    while r < 15 and largest * 2 ** (r + 1) <= SCALE_LIMIT:
        r += 1
    return nearest_signed_digits(scale.double() * 2**r, SCALE_DIGITS, SCALE_LIMIT), r


def saturate(x: Tensor, bits: int) -> Tensor:
    """Clamp to a `bits`-bit two's complement integer; the gradient is zero where it clamps."""
    return x.clamp(-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1)
