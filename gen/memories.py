# SPDX-License-Identifier: Apache-2.0
"""The memories of a design: what each holds, its size, and whether block RAM or LUTs are meant to hold it.

The same rules stand in the emitted Verilog as `ram_style` and `rom_style` attributes; `wsfracbnn synth` checks them
against the netlist.
"""

from __future__ import annotations

from dataclasses import dataclass

from wsfracbnn.gen.block_ram import FIFO_BLOCK_WORDS, LINE_BLOCK_WORDS, Shapes, block_rams
from wsfracbnn.gen.design import AcceleratorDesign, ConvDesign, HeadDesign, InputDesign
from wsfracbnn.gen.rom import Rom

StageDesign = InputDesign | ConvDesign | HeadDesign

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
        return self.words * self.width * self.copies

    def in_block_ram(self, lut_ram: bool = True) -> bool:
        """Whether it goes to block RAM. lut_ram: LUTs can hold what is written; an iCE40's cannot."""
        return self.block or not (lut_ram or self.constant)

    def block_rams(self, shapes: Shapes, lut_ram: bool = True) -> int:
        """Block RAMs that it takes where one can be any of `shapes` (words, width)."""
        if not self.in_block_ram(lut_ram):
            return 0
        return self.copies * block_rams(self.words, self.width, shapes)


def memories(design: AcceleratorDesign) -> list[Memory]:
    """Every memory of a design that is more than a few registers, stage by stage."""
    return [memory for stage in design.stages for memory in stage_memories(stage)]


def stage_memories(stage: StageDesign) -> list[Memory]:
    """Those of one stage."""
    instance = stage.instance
    found = [_rom(stage, instance, rom) for rom in stage.roms]
    if isinstance(stage, ConvDesign):
        found += _conv_memories(stage)
    elif isinstance(stage, InputDesign):
        engine = stage.engine
        results = rf"{instance}\.engine\.results"
        found.append(_fifo("input", "sums", results, engine.pe * engine.sum_w, 2 * engine.groups + 4))
        found.append(_fifo("input", "results", rf"{instance}\.results", engine.pe * stage.bits, stage.affine_results))
        found.append(_lines("input", instance, stage.stage.width, 2 * stage.stage.colours * engine.level_w))
    else:
        beats = stage.stage.in_channels // stage.in_lanes
        found.append(_free("head", "pool_sums", r"head\.pool\.sums\b", beats, stage.in_lanes * stage.sum_w))
        sums = stage.stage.in_channels, stage.sum_w
        found.append(Memory("head", "class_sums", r"head\.classify\.sums\b", *sums, 1, False))
    return found


def _rom(stage: StageDesign, instance: str, rom: Rom) -> Memory:
    """Cut into slices, a ROM counts as so many memories of the first one's width; in pairs, as so many of two lanes."""
    cell = rf"{instance}\.{rom.suffix}_rom\."
    width, copies = rom.slices[0][1], len(rom.units) * len(rom.slices)
    words = rom.depth if len(rom.units) == rom.lanes else 2 << rom.addr_w
    return Memory(stage.name, rom.suffix, cell, words, width, copies, rom.in_block_ram, constant=True)


def _fifo(
    stage: str, name: str, cell: str, width: int, depth: int, copies: int = 1, block: bool | None = None
) -> Memory:
    in_block = depth > FIFO_BLOCK_WORDS if block is None else block
    return Memory(stage, name, rf"{cell}\.memory\b", depth, width, copies, in_block)


def _lines(stage: str, instance: str, columns: int, width: int) -> Memory:
    return Memory(
        stage, "lines", rf"{instance}\.windows\.columns\.lines\b", columns, width, 1, columns > LINE_BLOCK_WORDS
    )


def _free(stage: str, name: str, cell: str, words: int, width: int) -> Memory:
    """A memory that says nothing about its place: synthesis takes block RAM where it pays."""
    return Memory(stage, name, cell, words, width, 1, words * width > FREE_BLOCK_BITS)


def _conv_memories(stage: ConvDesign) -> list[Memory]:
    engine, layer, name = stage.engine, stage.stage, stage.name
    results = 3 * engine.groups + 4
    beat = stage.in_lanes * stage.bits
    skip = "skip_fifo" if layer.stride == 1 else "pool_fifo"
    lane = rf"{name}\.engine\.lanes\[\d+\]\.fractional"
    found = [
        _fifo(name, "first_pass", rf"{name}\.engine\.first_pass", engine.pe * (engine.sum_w + 1), results),
        _fifo(name, "lsb_sums", rf"{lane}\.lsb_sums", engine.sum_w, results, engine.pe),
        _fifo(
            name,
            "list",
            rf"{lane}\.list",
            max(1, (engine.groups - 1).bit_length()),
            2 * engine.groups,  # and one in the register behind
            engine.pe,
            block=False,
        ),
        _fifo(name, "results", rf"{name}\.results", stage.out_lanes * stage.rprelu_v_w, stage.affine_results),
        _fifo(name, skip, rf"{name}\.{skip}", beat, stage.skip_depth),
        _lines(name, name, layer.width, 4 * layer.in_channels),
    ]
    if stage.slack:
        found.append(_fifo(name, "pixel_fifo", rf"{name}\.pixel_fifo", 2 * layer.in_channels, stage.slack))
    if layer.stride == 2:
        found.append(_fifo(name, "row_fifo", rf"{name}\.row_fifo", 2 * layer.in_channels, layer.width))
        pool = rf"{name}\.average_2x2"
        found.append(_free(name, "pool_lefts", rf"{pool}\.lefts\b", stage.in_beats, beat))
        pairs = layer.width // 2 * stage.in_beats
        found.append(_free(name, "pool_uppers", rf"{pool}\.uppers\b", pairs, stage.in_lanes * (stage.bits + 1)))
        found.append(_free(name, "repeat_pixel", rf"{name}\.channels_twice\.memory\b", stage.in_beats, beat))
    return found
