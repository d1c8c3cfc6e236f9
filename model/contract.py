# SPDX-License-Identifier: Apache-2.0
"""The numbers and names of docs/numeric-contract.md that network, golden model and hardware share: their one home."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

TAPS = 9
"""Taps of a window: every convolution is 3x3 with zero padding 1. Tap t = 3 ky + kx."""

PIXEL_BITS = 8
"""Width of one colour of an input pixel."""

LOGIT_BITS = 32
"""Width of a logit, a bias B of the head included."""

SCALE_DIGITS = 2
"""Signed digits of a scale M_c and of a slope N_c at most."""

SCALE_LIMIT = 127
"""Largest |M_c|; a layer's shift r is the largest up to SCALE_SHIFT_LIMIT at which all of its scales fit."""

SCALE_SHIFT_LIMIT = 15

SLOPE_SHIFT = 6
"""s: slopes are N_c / 2^s, from -1.98 to 1.98 in steps of 1/64."""

SLOPE_LIMIT = 127
"""Largest |N_c|."""

FACTOR_BITS_LIMIT = 18
"""Widest scales M and slopes N of the multiplied form: what a DSP block of an ECP5 or a 7 series multiplies by."""

FACTOR_BITS_LEAST = 4
"""Narrowest of them."""

FACTOR_SHIFT_LIMIT = 31
"""Largest r and s of the multiplied form."""

HEAD_DIGITS = 3
"""Signed digits of a weight W_jc of the head at most."""

HEAD_LIMIT = 127
"""Largest |W_jc|."""

INPUT_NAME = "input"
HEAD_NAME = "head"


def stage_name(number: int) -> str:
    """Name of the gated convolution number 1, 2, ... and of the hardware stage that it becomes: 'stage_01', ..."""
    return f"stage_{number:02d}"


def signed_range(bits: int) -> tuple[int, int]:
    """Least and largest value of a two's-complement number of `bits` bits."""
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def factor_limit(bits: int) -> int:
    """Largest |M_c| and |N_c| of `bits` bits in the multiplied form: the least number of that width is left out."""
    return (1 << (bits - 1)) - 1


def head_room(pixels: int, bits: int) -> int:
    """The largest sum_c |W_jc| of a class with which no logit without bias can overflow; pixels of `bits` bits each."""
    return signed_range(LOGIT_BITS)[1] // (pixels << (bits - 1))


def window_order(kernel: NDArray[Any]) -> NDArray[np.int8]:
    """Sign planes (O, I, 3, 3) of +-1 as (O, I, 9): bit 9 c + t of a filter is tap t = 3 ky + kx of channel c.

    This is the order of a checkpoint's weights, of the network description and of the hardware's weight memories.
    """
    return kernel.reshape(*kernel.shape[:2], TAPS).astype(np.int8)
