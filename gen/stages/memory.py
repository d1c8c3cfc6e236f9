# SPDX-License-Identifier: Apache-2.0
"""Memories of a stage: what each holds, its size, and whether block RAM or LUTs are meant to hold it.

The same rules stand in the emitted Verilog as `ram_style` and `rom_style` attributes; `wsfracbnn synth` checks them
against the netlist.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.stages.block_ram import FIFO_BLOCK_WORDS, LINE_BLOCK_WORDS, block_rams
from wsfracbnn.gen.stages.rom import Rom

FREE_BLOCK_BITS = 1280
"""What synthesis puts into block RAM where nothing is said, observed on ECP5 and 7 series."""


@dataclass(frozen=True)
class Memory:
    """`copies` memories of `words` words of `width` bits. cell: pattern of the hierarchical names of their cells.

    block: meant for block RAM; constant: never written.
    """

    stage: str
    name: str
    cell: str
    words: int
    width: int
    copies: int
    block: bool
    constant: bool = False

    @property
    def bits(self) -> int:
        """Of all copies."""
        return self.words * self.width * self.copies

    def in_block_ram(self, family: Family) -> bool:
        """Whether it goes to block RAM: where it is meant to, or where LUTs cannot hold what is written."""
        return self.block or not (family.has_lut_ram or self.constant)

    def block_rams(self, family: Family) -> int:
        """Block RAMs that it takes."""
        if not self.in_block_ram(family):
            return 0
        return self.copies * block_rams(self.words, self.width, family.block_ram_shapes)


def rom_memory(stage: str, instance: str, rom: Rom) -> Memory:
    """Cut into slices, a ROM counts as so many memories of the first one's width; in pairs, as so many of two lanes."""
    slices, lanes = rom.slices, rom.unit_lanes
    width, copies = slices[0][1], math.ceil(rom.lanes / lanes) * len(slices)
    words = rom.depth if lanes == 1 or rom.lanes == 1 else 2 << rom.addr_w
    cell = rf"{instance}\.{rom.suffix}_rom\."
    return Memory(stage, rom.suffix, cell, words, width, copies, rom.in_block_ram, constant=True)


def fifo_memory(
    stage: str, name: str, instance: str, width: int, depth: int, copies: int = 1, block: bool | None = None
) -> Memory:
    """That of rtl/stream_fifo.v. block: where its parameter BLOCK says other than the depth."""
    in_block = depth > FIFO_BLOCK_WORDS if block is None else block
    return Memory(stage, name, rf"{instance}\.memory\b", depth, width, copies, in_block)


def line_memory(stage: str, instance: str, columns: int, width: int) -> Memory:
    """That of rtl/window_columns.v."""
    cell = rf"{instance}\.windows\.columns\.lines\b"
    return Memory(stage, "lines", cell, columns, width, 1, columns > LINE_BLOCK_WORDS)


def free_memory(stage: str, name: str, cell: str, words: int, width: int) -> Memory:
    """A memory that says nothing about its place: synthesis takes block RAM where it pays."""
    return Memory(stage, name, cell, words, width, 1, words * width > FREE_BLOCK_BITS)


def luts_of_memories(memories: Iterable[Memory], family: Family) -> dict[str, int]:
    """LUTs of each memory that they hold, by its name."""
    return {
        memory.name: memory.copies * memory.width * math.ceil(memory.words / family.rom_words)
        for memory in memories
        if not memory.in_block_ram(family)
    }
