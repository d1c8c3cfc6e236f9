# SPDX-License-Identifier: Apache-2.0
"""A gated convolution stage whose windows are in memories: lines in block RAM, operands in LUT RAM or block RAM.

No register holds a window, and no multiplexer chooses a chunk of it (rtl/line_engine.v). Copying a window takes time,
so that this suits stages of many groups; others keep their windows in registers (conv.py). Block RAM holds deep operand
memories too, and others where it is to spare.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from wsfracbnn.gen.stages.base import stage_form
from wsfracbnn.gen.stages.block_ram import FIFO_BLOCK_WORDS
from wsfracbnn.gen.stages.conv import ConvStage, window_cycles
from wsfracbnn.gen.stages.folding import IN_MEMORY, StageFold
from wsfracbnn.gen.stages.memory import Memory
from wsfracbnn.gen.stages.pace import StagePace
from wsfracbnn.gen.stages.rom import clog2, index_width
from wsfracbnn.model.contract import TAPS
from wsfracbnn.model.description import ConvLayer

TAP_WORDS = 16
"""Words of a LUT RAM cell of an ECP5, what a tap's memory is made of."""

LINES = 4
"""Rows of pixels that are kept."""

COPY_CYCLES = 2
"""Cycles beside the words: one between two windows, one where the place of second bits is only just free."""


def kept_windows(chunks: int) -> int:
    """Windows whose operands are kept: as many as LUT RAMs have room for, two at least."""
    return max(2, TAP_WORDS // (2 << clog2(chunks)))


def tap_words(chunks: int) -> int:
    """Words of a tap's memory."""
    return kept_windows(chunks) * 2 << clog2(chunks)


def copy_cycles(chunks: int) -> int:
    """Cycles in which rtl/operand_memory.v copies a window: a word of each tap, chunk and plane in each."""
    return 2 * TAPS * chunks + COPY_CYCLES


@stage_form(IN_MEMORY)
@dataclass(frozen=True)
class MemoryConvStage(ConvStage):
    """X in, X' out: PE channels of SIMD window bits a cycle."""

    windows_template: ClassVar[str] = "conv_words.j2"
    engine_module: ClassVar[str] = "line_engine"
    reads_lines: ClassVar[bool] = True
    windows_copied: ClassVar[int] = 1

    @classmethod
    def movable(cls, layer: ConvLayer, fold: StageFold) -> list[str]:
        """And the taps of the windows, where LUTs hold them."""
        shallow = tap_words(layer.window_bits // fold.simd) <= FIFO_BLOCK_WORDS
        return ["taps"] * shallow + super().movable(layer, fold)

    @classmethod
    def cycles_at(cls, layer: ConvLayer, fold: StageFold) -> int:
        pixels = layer.out_height * layer.out_width
        chunks = layer.window_bits // fold.simd
        beats = max(layer.in_channels // cls.input_lanes(layer, fold), chunks)
        leaving = pixels * layer.out_channels // fold.out_lanes
        window = max(window_cycles(layer, fold), copy_cycles(chunks))
        return max(math.ceil(pixels * window), layer.height * layer.width * beats, leaving)

    @classmethod
    def window_is_buffered(cls, layer: ConvLayer, fold: StageFold) -> bool:
        return True

    @classmethod
    def slack_of(cls, layer: ConvLayer, spare: int) -> int:
        """As many as the lines hold."""
        return min(layer.width, spare)

    @property
    def keeps_a_row(self) -> bool:
        return False

    @property
    def word_beats(self) -> int:
        """Input beats of a word of the line memory."""
        return self.engine.simd // TAPS // self.in_lanes

    @property
    def slots(self) -> int:
        """Windows whose operands are kept."""
        return kept_windows(self.engine.chunks)

    @property
    def tap_words(self) -> int:
        """Words of a tap's memory."""
        return tap_words(self.engine.chunks)

    @property
    def taps_in_block(self) -> bool:
        """Whether block RAM holds the operands: deep ones, and those that were moved there."""
        return self.is_moved("taps") or self.tap_words > FIFO_BLOCK_WORDS

    @property
    def line_words(self) -> int:
        """Words of the line memory."""
        return LINES << index_width(self.layer.width) + clog2(self.engine.chunks)

    @property
    def pace(self) -> StagePace:
        copy = copy_cycles(self.engine.chunks)
        return self.pace_of(pause=0, ahead=self.layer.width, copy=copy, shown=self.slots - 1)

    @property
    def window_memories(self) -> list[Memory]:
        name, simd, words = self.name, self.engine.simd, self.tap_words
        windows = rf"{name}\.engine\.windows"
        if self.taps_in_block:
            taps = Memory(name, "taps", rf"{windows}\.in_block_ram\.memory\b", words, simd, 1, block=True)
        else:
            cell = rf"{windows}\.in_lut_ram\.taps\[\d+\]\.memory\b"
            taps = Memory(name, "taps", cell, words, simd // TAPS, TAPS, block=False)
        in_block = self.line_words > TAP_WORDS
        return [Memory(name, "lines", rf"{windows}\.lines\b", self.line_words, 2 * simd // TAPS, 1, in_block), taps]

    def window_terms(self) -> dict[str, float]:
        simd, moved = self.engine.simd, self.taps_in_block
        banks = 1 if moved else math.ceil(self.tap_words / TAP_WORDS)
        return {
            "copy": 1.0,
            "copy_width": simd / TAPS,
            "tap_banks": simd * (banks - 1),
            "taps_moved": -simd if moved else 0.0,
            "taps_gathered": simd if moved else 0.0,
        }
