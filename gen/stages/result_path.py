# SPDX-License-Identifier: Apache-2.0
"""From A to what the shortcut is added to: scale path and RPReLU of a convolution stage, with their memories.

Each has a block of its own, or both take turns in one where results come slowly enough.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from wsfracbnn.gen.stages.affine import FactorCodes, affine_block, affine_rom, affine_width, factor_codes, scale_rom
from wsfracbnn.gen.stages.digit_codes import DigitCodes
from wsfracbnn.gen.stages.rom import LaneWords, Rom, Words
from wsfracbnn.model.description import ConvLayer

TURN_CYCLES = 2
"""Cycles of a beat of results where the two take turns."""

BUSY = 0.9
"""At most so much of its time rtl/scale_rprelu.v may be busy: results come unevenly."""


def may_take_turns(layer: ConvLayer, beats: int, cycles: float) -> bool:
    """Whether `beats` of results of a window in `cycles` come slowly enough. Only digits are shifted by in turns."""
    return not layer.factor_bits and TURN_CYCLES * beats <= BUSY * cycles


@dataclass(frozen=True)
class ResultPath(ABC):
    """One of both ways.

    scale_v_w, rprelu_v_w: widths of V behind the scale path and behind RPReLU. slope_codes: how N lies in a ROM.
    identity_code: the code of a slope of one.
    """

    scale_v_w: int
    rprelu_v_w: int
    slope_codes: FactorCodes
    identity_code: int

    template: ClassVar[str]
    beat_cycles: ClassVar[int]
    """Cycles of a beat of results."""

    @property
    @abstractmethod
    def roms(self) -> tuple[Rom, ...]:
        """Of the constants."""

    @property
    def identity_literal(self) -> str | None:
        """Parameter IDENTITY of the block that bends; None: whole numbers have one code, which the block knows."""
        bits = self.slope_codes.bits
        return f"{bits}'b{self.identity_code:0{bits}b}" if isinstance(self.slope_codes, DigitCodes) else None


@dataclass(frozen=True)
class TwoBlocks(ResultPath):
    """A block each: a beat of results a cycle. block: which of rtl/ it is."""

    block: str
    scales: Rom
    scale_codes: FactorCodes
    slopes: Rom

    template: ClassVar[str] = "conv_affine.j2"
    beat_cycles: ClassVar[int] = 1

    @property
    def roms(self) -> tuple[Rom, ...]:
        return self.scales, self.slopes


@dataclass(frozen=True)
class InTurns(ResultPath):
    """Both in rtl/scale_rprelu.v: a beat of results every other cycle. factors: the constants of both, coded alike."""

    factors: Rom

    template: ClassVar[str] = "conv_affine_turns.j2"
    beat_cycles: ClassVar[int] = TURN_CYCLES

    @property
    def roms(self) -> tuple[Rom, ...]:
        return (self.factors,)


def result_path(layer: ConvLayer, acc_w: int, lanes: int, bits: int, in_turns: bool) -> ResultPath:
    """That of a layer. acc_w: width of A. lanes: results at once. bits: width of the residual stream."""
    identity = 1 << layer.slope_shift  # what RPReLU multiplies by from zero on
    scale_v_w = affine_width(acc_w, bits, layer, layer.scale_shift)
    rprelu_v_w = affine_width(scale_v_w, bits, layer, layer.slope_shift)
    scale_factors, slope_factors = [*map(int, layer.scale)], [*map(int, layer.slope), identity]
    if in_turns:
        codes = factor_codes(layer, scale_factors + slope_factors)
        factors = _in_turns(*_roms(layer, codes, codes, lanes, bits))
        return InTurns(scale_v_w, rprelu_v_w, codes, codes.code(identity), factors)
    scale_codes, slope_codes = factor_codes(layer, scale_factors), factor_codes(layer, slope_factors)
    scales, slopes = _roms(layer, scale_codes, slope_codes, lanes, bits)
    return TwoBlocks(
        scale_v_w,
        rprelu_v_w,
        slope_codes,
        slope_codes.code(identity),
        affine_block(layer),
        scales,
        scale_codes,
        slopes,
    )


def _roms(layer: ConvLayer, scale: FactorCodes, slope: FactorCodes, lanes: int, bits: int) -> tuple[Rom, Rom]:
    """M with b1, N with b2."""
    purpose = "RPReLU: (V * N) >> s below zero, then + b2"
    return (
        scale_rom(scale, "A", layer.scale, layer.bias_in, lanes, bits),
        affine_rom("slopes", purpose, ("N", "b2"), slope, layer.slope, layer.bias_out, lanes, bits),
    )


def _in_turns(scales: Rom, slopes: Rom) -> Rom:
    """The words of both, one and the other of each beat."""

    def words() -> LaneWords:
        return (tuple(itertools.chain(*zip(scales.words[0], slopes.words[0], strict=True))),)

    return Rom(
        suffix="factors",
        purpose=f"{scales.purpose}; {slopes.purpose}",
        layout=f"word 2 * beat, {scales.layout};\nword 2 * beat + 1, {slopes.layout.partition(', digit = ')[0]}",
        width=scales.width,
        words=Words(1, 2 * scales.depth, words),
        comments=lambda: list(itertools.chain(*zip(scales.comments(), slopes.comments(), strict=True))),
    )
