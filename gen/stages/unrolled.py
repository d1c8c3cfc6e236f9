# SPDX-License-Identifier: Apache-2.0
"""Unrolled stages: a pixel a cycle, with all that its window needs computed at once and weights that are logic.

A fold of which every lane would have one weight word leaves nothing to fetch, list or sequence. Both planes are
compared at once, each with its own logic, so that no window waits for gates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.stages.affine import AFFINE_CYCLES
from wsfracbnn.gen.stages.base import stage_form
from wsfracbnn.gen.stages.conv import ConvStage
from wsfracbnn.gen.stages.folding import UNROLLED, StageFold
from wsfracbnn.gen.stages.fractional_engine import EngineDesign
from wsfracbnn.gen.stages.input import InputStage
from wsfracbnn.gen.stages.memory import Memory, fifo_memory
from wsfracbnn.gen.stages.pace import PIXELS_AHEAD, StagePace
from wsfracbnn.gen.stages.rom import Rom
from wsfracbnn.gen.stages.skip_fifo import PIPELINE_CYCLES, skip_minimum
from wsfracbnn.gen.stages.table_engine import TableDesign, table_engine
from wsfracbnn.gen.stages.window import WindowBlock, window_stream
from wsfracbnn.model.contract import TAPS
from wsfracbnn.model.description import ConvLayer, InputLayer

SUM_CYCLES = 5
"""Cycles from a window's beat to its A, beside those of rtl/match_count.v (rtl/unrolled_engine.v)."""

CREDIT_CYCLES = 3
"""Cycles in which a result passes its FIFO and its credit comes back."""


@stage_form(UNROLLED)
@dataclass(frozen=True)
class UnrolledInputStage(InputStage):
    """Pixels in, X out: all channels of a pixel every cycle."""

    @classmethod
    def cycles_at(cls, layer: InputLayer, fold: StageFold) -> int:
        """A cycle a pixel."""
        return layer.height * layer.width

    @classmethod
    def engine_of(cls, layer: InputLayer, fold: StageFold) -> TableDesign:
        return table_engine(layer, fold, every_cycle=True)

    @property
    def pixel_cycles(self) -> int:
        return 1

    @property
    def window(self) -> WindowBlock:
        """What gathers the windows of levels."""
        return window_stream("COLOURS * LEVEL_W", self.layer.height, self.layer.width)


@stage_form(UNROLLED)
@dataclass(frozen=True)
class UnrolledConvStage(ConvStage):
    """X in, X' out: all channels of a pixel every cycle."""

    engine_template: ClassVar[str] = "conv_unrolled.j2"
    result_begins: ClassVar[str] = "window_tvalid && window_tready"
    has_credit: ClassVar[str] = "has_credit"
    result_comes: ClassVar[str] = "sum_tvalid"
    under_way_since: ClassVar[str] = "have begun with their window"

    @classmethod
    def cycles_at(cls, layer: ConvLayer, fold: StageFold) -> int:
        """A cycle for each pixel that comes."""
        return layer.height * layer.width

    @classmethod
    def cost_at(cls, layer: ConvLayer, fold: StageFold) -> int:
        """As many lanes again for the second bits."""
        return 2 * super().cost_at(layer, fold)

    @classmethod
    def movable(cls, layer: ConvLayer, fold: StageFold) -> list[str]:
        """Nothing that its area is estimated from."""
        return []

    @classmethod
    def window_is_buffered(cls, layer: ConvLayer, fold: StageFold) -> bool:
        return False

    @classmethod
    def takes_turns(cls, layer: ConvLayer, fold: StageFold) -> bool:
        """Nothing stalls between a window and its results."""
        return False

    @classmethod
    def skip_fifo(
        cls, layer: ConvLayer, engine: EngineDesign, in_lanes: int, in_beats: int, bits: int
    ) -> tuple[int, int, int]:
        in_flight = (PIPELINE_CYCLES + engine.popcount_stages) * in_beats
        if layer.stride > 1:
            return 1, layer.out_width * in_beats + in_flight // layer.stride**2, 0
        minimum = skip_minimum(layer.height, layer.width, in_beats)
        return minimum, minimum + in_flight, 0

    @property
    def affine_results(self) -> int:
        """Those of a window a cycle, from its beat on."""
        return self.engine.popcount_stages + SUM_CYCLES + AFFINE_CYCLES + CREDIT_CYCLES

    @property
    def keeps_a_row(self) -> bool:
        return False

    @property
    def pace(self) -> StagePace:
        return StagePace(
            width=self.layer.width,
            pixels=self.layer.height * self.layer.width,
            stride=self.layer.stride,
            lookahead=self.lookahead - 1,
            entering=self.in_beats,
            apart=1,
            room=self.skip_depth // self.in_beats + 1,
            results=self.affine_results,
            ahead=PIXELS_AHEAD,
        )

    @property
    def window(self) -> WindowBlock:
        """What gathers the windows of 2-bit pixels."""
        return window_stream("IN_CHANNELS * 2", self.layer.height, self.layer.width, self.layer.stride)

    @property
    def busy_signal(self) -> str:
        return f"{self.instance}.engine.issue"

    @property
    def roms(self) -> tuple[Rom, ...]:
        return self.thresholds, self.engine.corrections, self.gates, *self.path.roms

    @property
    def engine_memories(self) -> list[Memory]:
        results = rf"{self.name}\.results"
        return [fifo_memory(self.name, "results", results, self.out_lanes * self.path.rprelu_v_w, self.affine_results)]

    @property
    def xnor_bits(self) -> int:
        """Of both planes."""
        return 2 * super().xnor_bits

    def area_terms(self, family: Family) -> dict[str, float]:
        return {
            "unrolled_lane": self.engine.pe,
            "unrolled_match": 2 * self.engine.pe * self.engine.simd,
            "unrolled_window": 2 * TAPS * self.engine.in_channels,
        }

    @property
    def caption(self) -> tuple[str, str, str]:
        what, shape, _ = super().caption
        return what, shape, "unrolled, a pixel a cycle"
