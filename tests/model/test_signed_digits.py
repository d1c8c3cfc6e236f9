# SPDX-License-Identifier: Apache-2.0
"""Canonical signed digits and what is built on them."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wsfracbnn.gen.stages.digit_codes import every_code
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.networks.quantizers import nearest_signed_digits, quantize_scale
from wsfracbnn.model.signed_digits import digits_of, representable


@given(st.integers(-(10**9), 10**9))
def test_digits_add_up_and_are_never_neighbours(value: int) -> None:
    digits = digits_of(value)
    assert sum(sign << shift for sign, shift in digits) == value
    shifts = [shift for _, shift in digits]
    assert all(b - a >= 2 for a, b in itertools.pairwise(shifts))


@pytest.mark.parametrize("digits", [1, 2, 3])
def test_representable_lists_exactly_the_numbers_of_few_digits(digits: int) -> None:
    expected = [v for v in range(-127, 128) if len(digits_of(v)) <= digits]
    assert representable(digits, 127).tolist() == expected


@given(st.lists(st.floats(-200, 200), min_size=1, max_size=20))
def test_nearest_is_nearest(values: list[float]) -> None:
    table = representable(2, 127).tolist()
    found = nearest_signed_digits(torch.tensor(values, dtype=torch.float64), 2, 127).tolist()
    for value, chosen in zip(values, found, strict=True):
        assert chosen in table
        assert abs(chosen - value) == min(abs(entry - value) for entry in table)


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=8))
def test_scale_fits_its_bits(values: list[float]) -> None:
    m, r = quantize_scale(torch.tensor(values))
    assert 0 <= r <= 15
    assert all(len(digits_of(int(v))) <= 2 and abs(v) <= 127 for v in m.tolist())
    assert r == 15 or max(map(abs, values)) * 2 ** (r + 1) > 127


def test_a_constant_of_too_many_digits_is_refused() -> None:
    with pytest.raises(InputError, match="at most 2 signed digits"):
        every_code(2).code(0b10101)
