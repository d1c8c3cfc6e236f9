# SPDX-License-Identifier: Apache-2.0
"""Canonical signed digits: integers that a few shifts and adds can multiply by.

An integer has a unique canonical signed-digit (non-adjacent) form, sum of +-2^k with no two neighbouring digits
nonzero; it has the fewest nonzero digits of all signed forms (Reitwiesner 1960).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray


def digits_of(value: int) -> list[tuple[int, int]]:
    """The nonzero digits of `value` as (sign, shift) with value == sum(sign << shift), lowest shift first."""
    digits: list[tuple[int, int]] = []
    shift = 0
    while value:
        if value & 1:
            sign = 2 - (value & 3)  # +1 where the low bits are 01, -1 where they are 11
            digits.append((sign, shift))
            value -= sign
        value >>= 1
        shift += 1
    return digits


@cache
def representable(digits: int, limit: int) -> NDArray[np.int64]:
    """All integers in [-limit, limit] with at most `digits` nonzero canonical signed digits, ascending."""
    values = {0}
    for _ in range(digits):
        step = {v + s * (1 << k) for v in values for k in range(limit.bit_length() + 1) for s in (1, -1)}
        values |= {v for v in step if abs(v) <= 2 * limit}
    return np.array(sorted(v for v in values if abs(v) <= limit), dtype=np.int64)
