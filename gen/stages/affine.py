# SPDX-License-Identifier: Apache-2.0
"""Scale path and RPReLU in hardware: the width of rtl/affine.v's results, their constants, what is under way in it."""

from __future__ import annotations

from wsfracbnn.gen.stages.digit_codes import DIGIT_BITS, DigitCodes
from wsfracbnn.gen.stages.rom import Rom, rom_per_beat
from wsfracbnn.model.contract import SCALE_LIMIT
from wsfracbnn.model.description import Ints

AFFINE_CYCLES = 8
"""Cycles of scale path and RPReLU, of rtl/affine.v each half."""

AFFINE_RESULTS = 17
"""Results between a stage's engine and its residual sum: AFFINE_CYCLES, 3 of the FIFO and of credit_counter, and what
makes 16 words of memory and a register of it."""


def affine_width(in_w: int, bits: int, shift: int) -> int:
    """OUT_W of rtl/affine.v: a product with |M| <= 127, shifted, or the bias of `bits` bits, and their sum's carry."""
    return max(in_w + SCALE_LIMIT.bit_length() - shift, bits) + 1


def affine_rom(
    suffix: str,
    purpose: str,
    symbols: tuple[str, str],
    codes: DigitCodes,
    factors: Ints,
    biases: Ints,
    lanes: int,
    bits: int,
) -> Rom:
    """Factors of two signed digits with biases, as rtl/affine.v reads them.

    symbols: the contract's names of both. codes: the digits that the factors have. factors, biases: (C,).
    """
    factor, bias = symbols
    return rom_per_beat(
        suffix,
        purpose,
        f"lane = {{{bias} [{bits}], digit 1 [{DIGIT_BITS}], digit 0 [{DIGIT_BITS}]}} with {factor} = sum of digits, "
        "digit = {enable, negate, index of the shift}",
        lanes,
        len(factors),
        codes.bits + bits,
        lambda c: [(codes.code(int(factors[c])), codes.bits), (int(biases[c]), bits)],
        lambda c: f"{factor} = {factors[c]}, {bias} = {biases[c]}",
    )


def scale_rom(codes: DigitCodes, sum_symbol: str, scale: Ints, bias_in: Ints, lanes: int, bits: int) -> Rom:
    """The scale path's M and b1. sum_symbol: what is scaled, S or A."""
    purpose = f"Scale path: V = rshift({sum_symbol} * M, r) + b1"
    return affine_rom("scales", purpose, ("M", "b1"), codes, scale, bias_in, lanes, bits)
