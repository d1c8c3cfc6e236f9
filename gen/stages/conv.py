# SPDX-License-Identifier: Apache-2.0
"""A gated convolution stage with its shortcut."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.stages.affine import AFFINE_RESULTS
from wsfracbnn.gen.stages.base import Stage, stage_kind
from wsfracbnn.gen.stages.conv_roms import gate_rom, threshold_rom
from wsfracbnn.gen.stages.folding import StageFold, divisors
from wsfracbnn.gen.stages.fractional_engine import GATE_CYCLES, EngineDesign, fractional_engine
from wsfracbnn.gen.stages.memory import Memory, fifo_memory, free_memory, line_memory, luts_of_memories, rom_memory
from wsfracbnn.gen.stages.pace import PIXELS_AHEAD, StagePace
from wsfracbnn.gen.stages.result_path import ResultPath, may_take_turns, result_path
from wsfracbnn.gen.stages.rom import LONGEST_CONSTANT, Rom, index_width
from wsfracbnn.gen.stages.skip_fifo import lookahead_pixels, pixels_in_flight, skip_minimum, slack_pixels, spare_pixels
from wsfracbnn.gen.stages.timing import LANE_OVERHEAD, WINDOW_CYCLES
from wsfracbnn.gen.stages.window import WindowBlock, require_window, window_block
from wsfracbnn.model.contract import TAPS
from wsfracbnn.model.description import ConvLayer
from wsfracbnn.model.errors import InputError

LONG_WINDOW_CYCLES = 100
"""A window that the engine looks at for so long needs no register to leave into (rtl/window_columns.v, BUFFERED)..."""

UNBUFFERED_CYCLES = 2
"""... and what each window then costs more."""

LEAST_GROUPS = 9
"""Groups of a stage at least whose windows are in memories (rtl/line_engine.v): its first pass is then as long as the
copy of a window's second bits."""

MOVED_WORDS = 16
"""Words of a lane's weights at least that are worth block RAM: of fewer, many bits are alike and need no LUT each."""


@functools.cache
def expected_busiest(groups: int, lanes: int, fraction: float) -> float:
    """Expected gated outputs of the busiest of `lanes` lanes that each gate `groups` outputs independently.

    The mean of the maximum of `lanes` binomial variables, computed exactly; for one lane it is groups * fraction.
    """
    probability = [math.comb(groups, k) * fraction**k * (1.0 - fraction) ** (groups - k) for k in range(groups + 1)]
    cumulative = 0.0
    mean = 0.0
    for p in probability:
        mean += 1.0 - cumulative**lanes
        cumulative = min(1.0, cumulative + p)
    return mean - 1.0


def window_cycles(layer: ConvLayer, fold: StageFold) -> float:
    """Cycles that the engine needs for a window: (9 C_in / SIMD) * (C_out / PE + gated outputs of the busiest lane)."""
    groups, chunks = layer.out_channels // fold.pe, layer.window_bits // fold.simd
    return chunks * (groups + expected_busiest(groups, fold.pe, layer.gate_fraction))


@stage_kind
@dataclass(frozen=True)
class ConvStage(Stage[ConvLayer]):
    """X in, X' out: PE channels of SIMD window bits a cycle.

    in_beats: beats of an input pixel. skip_upsize: input beats of the shortcut for one of the output.
    skip_minimum: the least depth of the skip FIFO, in beats, that does not deadlock; skip_depth: the one built.
    lookahead: pixels until the first window. slack: pixels that the stage can take in ahead, for stages whose gates
    open more often on one image than on another. buffered: whether windows leave into a register.
    path: what becomes of A.
    """

    in_beats: int
    skip_upsize: int
    skip_minimum: int
    lookahead: int
    skip_depth: int
    slack: int
    buffered: bool
    engine: EngineDesign
    thresholds: Rom
    gates: Rom
    path: ResultPath

    kind: ClassVar[str] = "conv"
    template: ClassVar[str] = "conv_stage.v.j2"
    colour: ClassVar[str] = "#e3f1df"
    windows_template: ClassVar[str] = "conv_windows.j2"
    engine_template: ClassVar[str] = "conv_engine.j2"
    """Parts of the template: how windows come to be, the engine."""

    engine_module: ClassVar[str] = "fractional_engine"
    reads_lines: ClassVar[bool] = False
    """The block that computes, and whether it takes pixels and not windows."""

    windows_copied: ClassVar[int] = 0
    """Windows on their way into the engine's view, beside those that it holds."""

    result_begins: ClassVar[str] = "sum_tvalid && sum_tready"
    has_credit: ClassVar[str] = "sum_tready"
    result_comes: ClassVar[str] = "sum_tvalid && sum_tready"
    """Signals of that part: a result takes credit, there is some, a sum enters the scale path."""

    under_way_since: ClassVar[str] = "have left the engine"
    """From when on a result has credit, in words."""

    @classmethod
    def simd_choices(cls, layer: ConvLayer) -> list[int]:
        """Multiples of the nine taps of a channel."""
        return [TAPS * channels for channels in divisors(layer.in_channels)]

    @classmethod
    def lane_choices(cls, layer: ConvLayer, pe: int) -> list[int]:
        return divisors(pe)[:-1]

    @classmethod
    def choices(cls, layer: ConvLayer) -> Iterator[StageFold]:
        """Every fold; one whose windows can be in memories goes before the same with registers."""
        for fold in super().choices(layer):
            if cls.fits_memory(layer, fold):
                yield replace(fold, in_memory=True)
            yield fold

    @classmethod
    def fits_memory(cls, layer: ConvLayer, fold: StageFold) -> bool:
        """Whether the windows can be in memories (conv_memory.py): enough groups, and beats that make up words."""
        whole_words = fold.simd // TAPS % cls.input_lanes(layer, fold) == 0
        return layer.out_channels >= LEAST_GROUPS * fold.pe and whole_words

    @classmethod
    def movable(cls, layer: ConvLayer, fold: StageFold) -> list[str]:
        """Weights, where a lane has words enough; the upper row's sums of a pooled shortcut."""
        words = layer.out_channels // fold.pe * layer.window_bits // fold.simd
        return ["weights"] * (words >= MOVED_WORDS) + ["pool_uppers"] * (layer.stride > 1)

    @classmethod
    def whole_window(cls, layer: ConvLayer) -> StageFold:
        return StageFold(1, layer.window_bits)

    @classmethod
    def unrolled_fold(cls, layer: ConvLayer) -> StageFold:
        require_window(layer)
        weights = layer.out_channels * layer.window_bits
        if weights > LONGEST_CONSTANT:
            raise InputError(
                f"unrolled: found a convolution of {layer.in_channels} to {layer.out_channels} channels with "
                f"{weights:,} weights, expected at most {LONGEST_CONSTANT:,}"
            )
        return StageFold(layer.out_channels, layer.window_bits, unrolled=True)

    @classmethod
    def cycles_at(cls, layer: ConvLayer, fold: StageFold) -> int:
        pixels = layer.out_height * layer.out_width
        entering = layer.height * layer.width * max(layer.in_channels // cls.input_lanes(layer, fold), WINDOW_CYCLES)
        leaving = pixels * layer.out_channels // fold.out_lanes
        pause = 0 if cls.window_is_buffered(layer, fold) else UNBUFFERED_CYCLES
        return max(math.ceil(pixels * (window_cycles(layer, fold) + pause)), entering, leaving)

    @classmethod
    def cost_at(cls, layer: ConvLayer, fold: StageFold) -> int:
        """PE * (SIMD + LANE_OVERHEAD)."""
        return fold.pe * (fold.simd + LANE_OVERHEAD)

    @classmethod
    def input_lanes(cls, layer: ConvLayer, fold: StageFold, lanes_before: int = 1) -> int:
        """What the output lanes allow, so that the shortcut meets the residual sum."""
        return math.gcd(fold.out_lanes, layer.in_channels)

    @classmethod
    def window_is_buffered(cls, layer: ConvLayer, fold: StageFold) -> bool:
        """Whether windows leave into a register, so that the next one is there when the engine is through with one."""
        return window_cycles(layer, fold) < LONG_WINDOW_CYCLES

    @classmethod
    def slack_of(cls, layer: ConvLayer, spare: int) -> int:
        """Pixels that the stage takes in ahead, where the skip FIFO has room for `spare`."""
        return slack_pixels(spare)

    @classmethod
    def skip_fifo(
        cls, layer: ConvLayer, engine: EngineDesign, in_lanes: int, in_beats: int, bits: int
    ) -> tuple[int, int, int]:
        """Least depth and depth of the FIFO in the shortcut, in beats, and the slack in pixels; see skip_fifo.py."""
        cycles_per_pixel = engine.groups * engine.chunks * (1.0 + layer.gate_fraction)
        held = engine.held + cls.windows_copied
        in_flight = pixels_in_flight(held, engine.popcount_stages, cycles_per_pixel) * in_beats
        if layer.stride > 1:
            # Half a row of pooled pixels waits beside the row of pixels that the window branch holds.
            return 1, layer.out_width * in_beats + in_flight, 0
        minimum = skip_minimum(layer.height, layer.width, in_beats)
        slack = cls.slack_of(layer, spare_pixels(minimum + in_flight, in_beats, in_lanes * bits))
        return minimum, minimum + in_flight + slack * in_beats, slack

    @classmethod
    def build(cls, name: str, layer: ConvLayer, fold: StageFold, bits: int, in_lanes: int) -> ConvStage:
        engine = fractional_engine(layer.weights, fold, window_cycles(layer, fold))
        in_beats = layer.in_channels // in_lanes
        minimum, skip_depth, slack = cls.skip_fifo(layer, engine, in_lanes, in_beats, bits)
        return cls(
            name=name,
            layer=layer,
            fold=fold,
            bits=bits,
            in_lanes=in_lanes,
            in_beats=in_beats,
            skip_upsize=fold.out_lanes // in_lanes,
            skip_minimum=minimum,
            lookahead=lookahead_pixels(layer.height, layer.width),
            skip_depth=skip_depth,
            slack=slack,
            buffered=cls.window_is_buffered(layer, fold),
            engine=engine,
            thresholds=threshold_rom(layer, in_lanes, bits),
            gates=gate_rom(layer, fold.pe, engine.sum_w),
            path=result_path(layer, engine.acc_w, fold.out_lanes, bits, cls.takes_turns(layer, fold)),
        )

    @classmethod
    def takes_turns(cls, layer: ConvLayer, fold: StageFold) -> bool:
        """Whether scale path and RPReLU share a block."""
        windows = layer.out_height * layer.out_width
        return may_take_turns(layer, layer.out_channels // fold.out_lanes, cls.cycles_at(layer, fold) / windows)

    @property
    def pace(self) -> StagePace:
        ahead = PIXELS_AHEAD + (self.layer.width if self.halves_the_image else self.slack)
        return self.pace_of(pause=0 if self.buffered else UNBUFFERED_CYCLES, ahead=ahead)

    def pace_of(self, pause: int, ahead: int, copy: int = 0, shown: int = 1) -> StagePace:
        """How it moves with its neighbours, where windows come to be in this or that way."""
        layer, engine = self.layer, self.engine
        return StagePace(
            width=layer.width,
            pixels=layer.height * layer.width,
            stride=layer.stride,
            lookahead=self.lookahead - 1,
            entering=self.in_beats,
            leaving=self.path.beat_cycles * layer.out_channels // self.out_lanes,
            first=engine.groups * engine.chunks,
            second=engine.chunks,
            groups=engine.groups,
            lanes=engine.pe,
            gate_fraction=layer.gate_fraction,
            apart=WINDOW_CYCLES,
            pause=pause,
            gate=engine.popcount_stages + GATE_CYCLES,
            held=engine.held,
            room=self.skip_depth // self.in_beats + 1,
            results=engine.result_words // engine.groups + AFFINE_RESULTS * self.out_lanes // layer.out_channels,
            ahead=ahead,
            copy=copy,
            shown=shown,
        )

    @property
    def affine_results(self) -> int:
        """Results that are under way to the residual sum, at most."""
        return AFFINE_RESULTS

    @property
    def uppers_in_block(self) -> bool:
        """Whether the sums of the pooled shortcut's upper row were moved to block RAM."""
        return self.is_moved("pool_uppers")

    @property
    def keeps_a_row(self) -> bool:
        """Whether a row of pixels waits before the windows, which come with every other row only."""
        return self.halves_the_image

    @property
    def halves_the_image(self) -> bool:
        """Whether the shortcut is a 2x2 average with the channels taken twice (stride 2)."""
        return self.layer.stride > 1

    @property
    def scales_fewer_lanes(self) -> bool:
        """Whether results leave the engine in parts."""
        return self.out_lanes < self.engine.pe

    @property
    def window(self) -> WindowBlock:
        """What gathers the windows of 2-bit pixels."""
        layer = self.layer
        return window_block("IN_CHANNELS * 2", layer.height, layer.width, layer.stride, self.buffered)

    @property
    def busy_signal(self) -> str:
        return f"{self.instance}.engine.core.issue"

    @property
    def roms(self) -> tuple[Rom, ...]:
        engine = self.engine
        return self.thresholds, engine.weights, engine.corrections, self.gates, *self.path.roms

    @property
    def engine_memories(self) -> list[Memory]:
        """Those of the engine and of the results behind it."""
        name, engine = self.name, self.engine
        lane = rf"{name}\.engine\.core\.lanes\[\d+\]\.fractional"
        first_pass = rf"{name}\.engine\.core\.first_pass"
        found = [
            fifo_memory(name, "first_pass", first_pass, engine.pe * (engine.sum_w + 1), engine.result_words),
            fifo_memory(name, "lsb_sums", rf"{lane}\.lsb_sums", engine.sum_w, engine.result_words, engine.pe),
            # One word more is in the register behind the list.
            fifo_memory(
                name,
                "list",
                rf"{lane}\.list",
                index_width(engine.groups),
                engine.list_words - 1,
                engine.pe,
                block=False,
            ),
            fifo_memory(
                name, "results", rf"{name}\.results", self.out_lanes * self.path.rprelu_v_w, self.affine_results
            ),
        ]
        if engine.held > 1:
            several = rf"{name}\.engine\.several_held"
            taps, plane = rf"{several}\.held_tap_sets", rf"{several}\.held_planes"
            found += [
                fifo_memory(name, "held_tap_sets", taps, TAPS, engine.held, block=False),
                fifo_memory(name, "held_planes", plane, self.layer.window_bits, engine.held, block=False),
            ]
        return found

    @property
    def window_memories(self) -> list[Memory]:
        """Those between the quantizer and the engine."""
        name, pixel, columns = self.name, 2 * self.layer.in_channels, self.layer.width
        found = [line_memory(name, name, columns, 2 * pixel)]
        if self.slack:
            found.append(fifo_memory(name, "pixel_fifo", rf"{name}\.pixel_fifo", pixel, self.slack))
        if self.keeps_a_row:
            found.append(fifo_memory(name, "row_fifo", rf"{name}\.row_fifo", pixel, columns))
        return found

    @functools.cached_property
    def memories(self) -> list[Memory]:
        name, layer = self.name, self.layer
        beat = self.in_lanes * self.bits
        skip = "pool_fifo" if self.halves_the_image else "skip_fifo"
        found = [
            *(rom_memory(name, self.instance, rom) for rom in self.roms),
            *self.engine_memories,
            fifo_memory(name, skip, rf"{name}\.{skip}", beat, self.skip_depth),
            *self.window_memories,
        ]
        if self.halves_the_image:
            pool, pairs = rf"{name}\.average_2x2", layer.out_width * self.in_beats
            uppers = free_memory(name, "pool_uppers", rf"{pool}\.uppers\b", pairs, self.in_lanes * (self.bits + 1))
            found += [
                free_memory(name, "pool_lefts", rf"{pool}\.lefts\b", self.in_beats, beat),
                replace(uppers, block=uppers.block or self.uppers_in_block),
                free_memory(name, "repeat_pixel", rf"{name}\.channels_twice\.memory\b", self.in_beats, beat),
            ]
        return found

    def area_terms(self, family: Family) -> dict[str, float]:
        engine = self.engine
        in_luts = luts_of_memories(self.memories, family)
        bits, widths = engine.pe * engine.simd, engine.pe * engine.sum_w
        # With one group and one chunk a weight is a constant and XNOR is nothing: lanes of another kind.
        fixed = engine.weights.depth == 1
        return {
            "stage": 1.0,
            "lane": engine.pe,
            "out_lane": self.out_lanes,
            "turns": -self.out_lanes if self.path.beat_cycles > 1 else 0,  # a block less
            "lane_width": 0.0 if fixed else widths,
            "fixed_lane_width": widths if fixed else 0.0,
            "match": 0.0 if fixed else bits,
            "fixed_match": bits if fixed else 0.0,
            "weights": in_luts.get("weights", 0),
            # Those of the results, which have one depth everywhere, are in "out_lane"; taps have a term of their own.
            "memory": sum(luts for name, luts in in_luts.items() if name not in ("weights", "results", "taps")),
            "beat": self.in_lanes * self.bits,
            "shrink": self.in_lanes * self.bits if self.halves_the_image else 0.0,
            **self.window_terms(),
        }

    def window_terms(self) -> dict[str, float]:
        """What the area of its windows and of choosing from them grows with."""
        engine, window = self.engine, 2 * TAPS * self.engine.in_channels
        return {
            "operand": engine.simd,
            "chunks": engine.simd * (engine.chunks - 1),
            "choices": 2 * TAPS * engine.chunks,  # registers of rtl/operand_select.v
            "window": window,
            "window_register": window if self.buffered else 0.0,
        }

    @property
    def gates_open(self) -> float:
        return self.layer.gate_fraction

    @property
    def gates_percent(self) -> str:
        """The same as it is printed."""
        return f"{100 * self.layer.gate_fraction:.1f}"

    @property
    def caption(self) -> tuple[str, str, str]:
        shape = "x".join(map(str, self.out_shape))
        shape = f"{shape}, stride {self.layer.stride}" if self.halves_the_image else shape
        return "fractional conv + RPReLU", shape, f"PE {self.fold.pe}  SIMD {self.fold.simd}"

    @property
    def shortcut_caption(self) -> str:
        return "2x2 average, channels x2" if self.halves_the_image else f"skip FIFO, {self.skip_depth} beats"
