# SPDX-License-Identifier: Apache-2.0
"""Constants as codes of signed digits, chosen so that what multiplies by them is small.

rtl/shift_add.v multiplies by a sum of signed digits +-2^shift. How large it is depends on how many different shifts a
digit takes over the channels of a layer, and these are few: a layer's scales lie within a factor of two at first and of
seven after long training, and a constant has several forms (96 = 64 + 32 = 128 - 32; 64 = 32 + 32). `cheapest_codes`
finds those of the smallest shifters.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from wsfracbnn.model.errors import InputError
from wsfracbnn.model.signed_digits import digits_of

DIGIT_BITS = 5
"""One signed digit in a ROM: {enable, negate, index[2:0]}, see rtl/shift_add.v."""

SHIFTS = 8
"""A digit is at most 2^7 in size, and an index chooses among at most eight shifts."""

NOTHING = SHIFTS
"""Stands beside the shifts for a digit that is not used."""

Term = tuple[int, int]
"""(sign, shift); sign 0: the digit is not used."""


@dataclass(frozen=True)
class DigitCodes:
    """What each digit of a layer's constants may be.

    shifts[d]: the shifts of digit d, ascending, at most eight. negated[d], optional[d]: whether digit d is ever
    subtracted, ever left out.
    """

    shifts: tuple[tuple[int, ...], ...]
    negated: tuple[bool, ...]
    optional: tuple[bool, ...]

    @property
    def digits(self) -> int:
        return len(self.shifts)

    @property
    def bits(self) -> int:
        """Width of a constant's code."""
        return DIGIT_BITS * self.digits

    def allows(self, digit: int, term: Term) -> bool:
        """Whether digit number `digit` may be that."""
        sign, shift = term
        if sign == 0:
            return self.optional[digit]
        return shift in self.shifts[digit] and (sign > 0 or self.negated[digit])

    def allows_all(self, form: tuple[Term, ...]) -> bool:
        """Whether each digit can be its term of a form."""
        return all(self.allows(d, term) for d, term in enumerate(form))

    def code(self, value: int) -> int:
        """The ROM code of a constant.

        Raises:
            InputError: it has no form of these digits.
        """
        return _code(self, value)

    def literal(self) -> str:
        """Parameter SHIFTS of rtl/shift_add.v: an octal digit an entry, unused entries repeating used ones.

        What an index cannot be may be anything: repeated, it costs the multiplexer nothing.
        """
        groups = []
        for shifts in self.shifts:
            used = shifts or (0,)
            span = 1 << (len(used) - 1).bit_length()
            entries = [used[min(i % span, len(used) - 1)] for i in range(SHIFTS)]
            groups.append("".join(str(entry) for entry in reversed(entries)))
        return f"{3 * SHIFTS * self.digits}'o{'_'.join(reversed(groups))}"

    @staticmethod
    def mask(flags: tuple[bool, ...]) -> str:
        """A parameter with a bit for each digit, digit 0 in bit 0."""
        return f"{len(flags)}'b{''.join(str(int(flag)) for flag in reversed(flags))}"


def every_code(digits: int) -> DigitCodes:
    """Any constant of so many digits: the defaults of rtl/shift_add.v's parameters."""
    return DigitCodes((tuple(range(SHIFTS)),) * digits, (True,) * digits, (True,) * digits)


@functools.cache
def forms(value: int, digits: int) -> tuple[tuple[Term, ...], ...]:
    """All sums of `digits` signed digits, used or not, that make `value`, the canonical one first.

    Raises:
        InputError: the canonical form, which is the shortest, has more digits or larger ones.
    """
    first = canonical_form(value, digits)
    return (first, *(form for form in _sums(value, digits) if form != first))


def canonical_form(value: int, digits: int) -> tuple[Term, ...]:
    """The first of `forms`, without the work that all of them are.

    Raises:
        InputError: as `forms`.
    """
    canonical = digits_of(value)
    if len(canonical) > digits or any(shift >= SHIFTS for _, shift in canonical):
        raise InputError(f"constant {value}: expected at most {digits} signed digits below 2^{SHIFTS}")
    return (*canonical, *((0, 0),) * (digits - len(canonical)))


def digit_values(value: int, digits: int) -> tuple[int, ...]:
    """What each digit of the canonical form is worth, 0 where it is not used.

    Raises:
        InputError: as `forms`.
    """
    return tuple(sign << shift for sign, shift in canonical_form(value, digits))


def _tried(value: int, digits: int) -> Iterator[tuple[Term, ...]]:
    """`forms`, of which those behind the first are made where one asks for them."""
    yield canonical_form(value, digits)
    yield from forms(value, digits)[1:]


def _sums(value: int, digits: int) -> Iterable[tuple[Term, ...]]:
    if digits == 0:
        if value == 0:
            yield ()
        return
    terms: list[Term] = [(0, 0), *((sign, shift) for shift in range(SHIFTS) for sign in (1, -1))]
    for sign, shift in terms:
        rest = value - sign * (1 << shift)
        if abs(rest) <= (digits - 1) << (SHIFTS - 1):
            for others in _sums(rest, digits - 1):
                yield ((sign, shift), *others)


@functools.lru_cache(maxsize=1 << 16)
def _code(codes: DigitCodes, value: int) -> int:
    form = next((form for form in _tried(value, codes.digits) if codes.allows_all(form)), None)
    if form is None:
        raise InputError(f"constant {value}: expected a sum of {codes.digits} signed digits of shifts {codes.shifts}")
    code = 0
    for d, (sign, shift) in enumerate(form):
        if sign:
            code |= (1 << 4 | (sign < 0) << 3 | codes.shifts[d].index(shift)) << (DIGIT_BITS * d)
    return code


def cheapest_codes(values: Iterable[int], digits: int) -> DigitCodes:
    """The digits that need the smallest shifters for all of `values`; of two digits the best there are.

    With three digits (the head's weights, which are many and of all kinds) every constant keeps its canonical form.
    """
    distinct = tuple(sorted(set(values)))
    return _best_pair(distinct) if digits == 2 else _canonical(distinct, digits)


def _canonical(values: tuple[int, ...], digits: int) -> DigitCodes:
    used = [canonical_form(value, digits) for value in values]
    return DigitCodes(
        tuple(tuple(sorted({form[d][1] for form in used if form[d][0]})) for d in range(digits)),
        tuple(any(form[d][0] < 0 for form in used) for d in range(digits)),
        tuple(any(form[d][0] == 0 for form in used) for d in range(digits)),
    )


def _mux_cost(choices: int) -> float:
    """LUT4 a bit that choose among the shifts (and nothing) in the bit mask `choices`, at least."""
    shifts = (choices & ((1 << SHIFTS) - 1)).bit_count()
    inputs = shifts + max(0, shifts - 1).bit_length() + (choices >> NOTHING & 1)
    return max(0, -(-(inputs - 1) // 3)) + 0.01 * shifts


@functools.cache
def _mux_costs() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Of two digits with their sets."""
    costs = np.array([_mux_cost(choices) for choices in range(2 << SHIFTS)])
    pairs: np.ndarray[tuple[int, int], np.dtype[np.float64]] = costs[:, None] + costs[None, :]
    return pairs


@functools.cache
def _meeting() -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Whether two sets have a digit in common."""
    sets = np.arange(2 << SHIFTS)
    meeting: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = (sets[:, None] & sets[None, :]) != 0
    return meeting


@functools.cache
def _best_pair(values: tuple[int, ...]) -> DigitCodes:
    """Two digits: of all pairs of sets of shifts that make every constant the cheapest.

    A set is a bit mask over the eight shifts and NOTHING. For each constant and each set of the second digit,
    `partners` has the first digits that go with it; a set of first digits will do if it meets all of them.
    """
    sets = np.arange(2 << SHIFTS)
    best: tuple[float, DigitCodes] | None = None
    # A first digit that is never subtracted needs no inverters.
    for negated, cost_of_sign in ((False, 0.0), (True, 1.0)):
        possible = np.ones((len(sets), len(sets)), bool)  # [second digit's set, first digit's set]
        for value in values:
            partners = np.zeros(len(sets), np.int64)
            for (sign, shift), (second_sign, second) in forms(value, 2):
                if sign < 0 and not negated:
                    continue
                first_bit = 1 << (shift if sign else NOTHING)
                second_bit = second if second_sign else NOTHING
                partners[(sets >> second_bit & 1) == 1] |= first_bit
            possible &= _meeting()[partners]
        if not possible.any():
            continue
        costs = np.where(possible, _mux_costs(), np.inf)
        second_set, first_set = divmod(int(costs.argmin()), len(sets))
        found = float(costs[second_set, first_set]) + cost_of_sign
        if best is None or found < best[0]:
            chosen = (first_set, second_set)
            shifts = tuple(tuple(shift for shift in range(SHIFTS) if mask >> shift & 1) for mask in chosen)
            optional = tuple(bool(mask >> NOTHING & 1) for mask in chosen)
            best = found, DigitCodes(shifts, (negated, True), optional)
    assert best is not None  # every constant has its canonical form
    codes = best[1]
    subtracted = any(codes.code(value) >> (DIGIT_BITS + 3) & 1 for value in values)
    return DigitCodes(codes.shifts, (codes.negated[0], subtracted), codes.optional)
