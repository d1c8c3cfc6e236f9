# SPDX-License-Identifier: Apache-2.0
"""Scale path and RPReLU in hardware: how factors lie in a ROM, the width of results, what is under way.

rtl/affine.v multiplies by signed digits, rtl/affine_multiply.v by whole numbers, for the contract's multiplied form.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wsfracbnn.gen.stages.digit_codes import DIGIT_BITS, DigitCodes, cheapest_codes
from wsfracbnn.gen.stages.rom import Rom, rom_per_beat
from wsfracbnn.model.contract import SCALE_DIGITS, SCALE_LIMIT
from wsfracbnn.model.description import ConvLayer, InputLayer, Ints

AFFINE_CYCLES = 8
"""Cycles of scale path and RPReLU at most, of rtl/affine.v each half."""

AFFINE_RESULTS = 17
"""Results between a stage's engine and its residual sum: AFFINE_CYCLES, 3 of the FIFO and of credit_counter, and what
makes 16 words of memory and a register of it."""


@dataclass(frozen=True)
class WholeFactors:
    """Factors as they are, signed integers of `bits` bits: what stands where others have `DigitCodes`."""

    bits: int

    def code(self, value: int) -> int:
        """The ROM word of a factor, which is packed as two's complement."""
        return value


FactorCodes = DigitCodes | WholeFactors
"""How a layer's factors lie in a ROM."""


def factor_codes(layer: InputLayer | ConvLayer, factors: Iterable[int]) -> FactorCodes:
    """Those of a layer. factors: all that its hardware multiplies by there."""
    return WholeFactors(layer.factor_bits) if layer.factor_bits else cheapest_codes(factors, SCALE_DIGITS)


def affine_block(layer: InputLayer | ConvLayer) -> str:
    """The block of rtl/ that multiplies by a layer's factors."""
    return "affine_multiply" if layer.factor_bits else "affine"


def affine_width(in_w: int, bits: int, layer: InputLayer | ConvLayer, shift: int) -> int:
    """OUT_W of the block: a product with the largest factor, shifted, or the bias of `bits` bits, and a carry."""
    magnitude = layer.factor_bits - 1 if layer.factor_bits else SCALE_LIMIT.bit_length()
    return max(in_w + magnitude - shift, bits) + 1


def affine_rom(
    suffix: str,
    purpose: str,
    symbols: tuple[str, str],
    codes: FactorCodes,
    factors: Ints,
    biases: Ints,
    lanes: int,
    bits: int,
) -> Rom:
    """Factors with biases, as the block reads them.

    symbols: the contract's names of both. codes: how the factors lie there. factors, biases: (C,).
    """
    factor, bias = symbols
    digits = (
        f"lane = {{{bias} [{bits}], digit 1 [{DIGIT_BITS}], digit 0 [{DIGIT_BITS}]}} with {factor} = sum of digits, "
        "digit = {enable, negate, index of the shift}"
    )
    return rom_per_beat(
        suffix,
        purpose,
        digits if isinstance(codes, DigitCodes) else f"lane = {{{bias} [{bits}], {factor} [{codes.bits}]}}",
        lanes,
        len(factors),
        codes.bits + bits,
        lambda c: [(codes.code(int(factors[c])), codes.bits), (int(biases[c]), bits)],
        lambda c: f"{factor} = {factors[c]}, {bias} = {biases[c]}",
        held=True,
    )


def scale_rom(codes: FactorCodes, sum_symbol: str, scale: Ints, bias_in: Ints, lanes: int, bits: int) -> Rom:
    """The scale path's M and b1. sum_symbol: what is scaled, S or A."""
    purpose = f"Scale path: V = rshift({sum_symbol} * M, r) + b1"
    return affine_rom("scales", purpose, ("M", "b1"), codes, scale, bias_in, lanes, bits)
