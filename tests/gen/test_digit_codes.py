# SPDX-License-Identifier: Apache-2.0
"""Digit codes: every constant keeps its value in the form chosen for it, and the shifters get no larger."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsfracbnn.gen.stages.digit_codes import DIGIT_BITS, DigitCodes, cheapest_codes, every_code, forms
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.signed_digits import representable


def value_of(codes: DigitCodes, code: int) -> int:
    """What rtl/shift_add.v multiplies by, read from the parameters as they are printed."""
    entries = [group[::-1] for group in codes.literal().partition("'o")[2].split("_")][::-1]
    flags = [codes.mask(f).partition("'b")[2][::-1] for f in (codes.negated, codes.optional)]
    value = 0
    for d in range(codes.digits):
        digit = code >> (DIGIT_BITS * d)
        if digit >> 4 & 1 or flags[1][d] == "0":
            sign = -1 if digit >> 3 & 1 and flags[0][d] == "1" else 1
            value += sign << int(entries[d][digit & 7])
    return value


@given(st.integers(1, 3), st.data())
@settings(max_examples=60, deadline=None)
def test_a_code_is_worth_its_constant(digits: int, data: st.DataObject) -> None:
    constants = st.sampled_from([int(v) for v in representable(digits, 127)])
    values = data.draw(st.lists(constants, min_size=1, max_size=24))
    for codes in (cheapest_codes(values, digits), every_code(digits)):
        assert [value_of(codes, codes.code(value)) for value in values] == values


def test_every_form_is_a_sum_of_its_digits() -> None:
    for value in map(int, representable(2, 127)):
        found = forms(value, 2)
        assert len(set(found)) == len(found)
        assert {sum(sign * (1 << shift) for sign, shift in form) for form in found} == {value}


def test_scales_within_a_factor_of_two_need_one_fixed_digit() -> None:
    """Worked by hand: 96 = 128 - 32, 112 = 128 - 16, 120 = 128 - 8; 64 = 128 - 64."""
    codes = cheapest_codes([96, 112, 120, 64], 2)
    assert codes == DigitCodes(((7,), (3, 4, 5, 6)), (False, True), (False, False))
    assert codes.literal() == "48'o65436543_77777777"


def test_positive_constants_of_two_digits_need_no_adder_for_the_first() -> None:
    assert not cheapest_codes([v for v in map(int, representable(2, 127)) if v > 0], 2).negated[0]


def test_a_constant_that_the_digits_cannot_make_is_refused() -> None:
    codes = cheapest_codes([96, 112], 2)
    with pytest.raises(InputError, match=r"constant 65: expected a sum of 2 signed digits of shifts"):
        codes.code(65)
    with pytest.raises(InputError, match="constant 21: expected at most 2 signed digits below 2"):
        cheapest_codes([0b10101], 2)
