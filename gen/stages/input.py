# SPDX-License-Identifier: Apache-2.0
"""The input stage: levels of the thermometer code, their windows, convolution by tables, scale path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.stages.affine import AFFINE_RESULTS, FactorCodes, affine_block, affine_width, factor_codes, scale_rom
from wsfracbnn.gen.stages.base import Stage, stage_kind
from wsfracbnn.gen.stages.folding import StageFold, divisors
from wsfracbnn.gen.stages.memory import Memory, fifo_memory, line_memory, luts_of_memories, rom_memory
from wsfracbnn.gen.stages.pace import PIXELS_AHEAD, StagePace
from wsfracbnn.gen.stages.rom import Rom
from wsfracbnn.gen.stages.skip_fifo import lookahead_pixels
from wsfracbnn.gen.stages.table_engine import TableDesign, table_engine
from wsfracbnn.gen.stages.timing import LANE_OVERHEAD, WINDOW_CYCLES
from wsfracbnn.gen.stages.window import WindowBlock, require_window, window_block
from wsfracbnn.model.contract import PIXEL_BITS, TAPS
from wsfracbnn.model.description import InputLayer

VALUE_COST = 4
"""What a lane costs for each value that it looks up and adds, in XNOR bits."""


@stage_kind
@dataclass(frozen=True)
class InputStage(Stage[InputLayer]):
    """Pixels in, X out: PE channels of SIMD / K pixel values a cycle."""

    engine: TableDesign
    scales: Rom
    scale_codes: FactorCodes
    scale_v_w: int

    kind: ClassVar[str] = "input"
    template: ClassVar[str] = "input_stage.v.j2"
    colour: ClassVar[str] = "#dcecf9"
    affine_results: ClassVar[int] = AFFINE_RESULTS

    @classmethod
    def engine_of(cls, layer: InputLayer, fold: StageFold) -> TableDesign:
        """The engine at a fold."""
        return table_engine(layer, fold)

    @property
    def pixel_cycles(self) -> int:
        """From one window to the next at least."""
        return WINDOW_CYCLES

    @classmethod
    def simd_choices(cls, layer: InputLayer) -> list[int]:
        """Multiples of the code of one pixel value."""
        return [layer.levels * values for values in divisors(TAPS * layer.colours)]

    @classmethod
    def whole_window(cls, layer: InputLayer) -> StageFold:
        return StageFold(1, layer.window_bits)

    @classmethod
    def unrolled_fold(cls, layer: InputLayer) -> StageFold:
        require_window(layer)
        return StageFold(layer.out_channels, layer.window_bits, unrolled=True)

    @classmethod
    def cycles_at(cls, layer: InputLayer, fold: StageFold) -> int:
        """groups * chunks for each pixel: there are no gates."""
        groups, chunks = layer.out_channels // fold.pe, layer.window_bits // fold.simd
        return layer.out_height * layer.out_width * max(groups * chunks, WINDOW_CYCLES)

    @classmethod
    def cost_at(cls, layer: InputLayer, fold: StageFold) -> int:
        """PE * (VALUE_COST a value + LANE_OVERHEAD): sums are looked up, the codes are not there."""
        return fold.pe * (fold.simd // layer.levels * VALUE_COST + LANE_OVERHEAD)

    @classmethod
    def input_lanes(cls, layer: InputLayer, fold: StageFold, lanes_before: int) -> int:
        """The colours of a pixel."""
        return layer.colours

    @classmethod
    def build(cls, name: str, layer: InputLayer, fold: StageFold, bits: int, in_lanes: int) -> InputStage:
        engine = cls.engine_of(layer, fold)
        codes = factor_codes(layer, map(int, layer.scale))
        return cls(
            name=name,
            layer=layer,
            fold=fold,
            bits=bits,
            in_lanes=in_lanes,
            engine=engine,
            scales=scale_rom(codes, "S", layer.scale, layer.bias_in, fold.pe, bits),
            scale_codes=codes,
            scale_v_w=affine_width(engine.sum_w, bits, layer, layer.scale_shift),
        )

    @property
    def pace(self) -> StagePace:
        layer, engine = self.layer, self.engine
        lookahead = lookahead_pixels(layer.height, layer.width) - 1
        return StagePace(
            width=layer.width,
            pixels=layer.height * layer.width,
            lookahead=lookahead,
            leaving=layer.out_channels // engine.pe,
            first=engine.groups * engine.chunks,
            apart=self.pixel_cycles,
            room=lookahead + PIXELS_AHEAD + engine.sum_words // engine.groups,
            results=engine.sum_words // engine.groups + AFFINE_RESULTS * engine.pe // layer.out_channels,
        )

    @property
    def instance(self) -> str:
        """`input` is a keyword of Verilog."""
        return "input_stage"

    @property
    def affine_block(self) -> str:
        """What computes the scale path."""
        return affine_block(self.layer)

    @property
    def pixel_w(self) -> int:
        """Bits of a pixel."""
        return PIXEL_BITS * self.layer.colours

    @property
    def window_values(self) -> int:
        """Pixel values of a window."""
        return TAPS * self.layer.colours

    @property
    def window(self) -> WindowBlock:
        """What gathers the windows of levels."""
        return window_block("COLOURS * LEVEL_W", self.layer.height, self.layer.width)

    @property
    def busy_signal(self) -> str:
        return f"{self.instance}.engine.issue"

    @property
    def roms(self) -> tuple[Rom, ...]:
        return self.engine.tables, self.scales

    @property
    def memories(self) -> list[Memory]:
        name, instance, engine = self.name, self.instance, self.engine
        level_bits = 2 * self.layer.colours * engine.level_w
        return [
            *(rom_memory(name, instance, rom) for rom in self.roms),
            fifo_memory(name, "sums", rf"{instance}\.engine\.results", engine.pe * engine.sum_w, engine.sum_words),
            fifo_memory(name, "results", rf"{instance}\.results", engine.pe * self.bits, self.affine_results),
            line_memory(name, instance, self.layer.width, level_bits),
        ]

    def area_terms(self, family: Family) -> dict[str, float]:
        table = self.engine
        in_luts = luts_of_memories(self.memories, family)
        return {
            "input": 1.0,
            "input_lane": table.pe,
            "input_adders": table.pe * table.values * table.value_w,
            "input_operand": table.values * table.level_w * table.chunks,
            "input_window": self.window_values * table.level_w,
            # Tables' LUTs and those of the results, which have one depth everywhere, are in the other terms.
            "input_memory": sum(luts for name, luts in in_luts.items() if name not in ("tables", "results")),
        }

    @property
    def caption(self) -> tuple[str, str, str]:
        shape = "x".join(map(str, self.out_shape))
        return "levels, conv by tables", shape, f"PE {self.fold.pe}  SIMD {self.fold.simd}"
