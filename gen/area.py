# SPDX-License-Identifier: Apache-2.0
"""Area estimates: LUTs, flip-flops and block RAMs of a design before it is synthesized.

A stage's LUTs and flip-flops are a sum of terms that its sizes give (`terms`), each times a coefficient fitted to what
Yosys makes of single stages (benchmarks/calibrate_area.py writes gen/area_coefficients.json). Block RAMs are counted
from the memories.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wsfracbnn.gen.block_ram import ICE40, ONE_PORT
from wsfracbnn.gen.design import AcceleratorDesign, HeadDesign, InputDesign
from wsfracbnn.gen.memories import StageDesign, stage_memories
from wsfracbnn.gen.synthesis import target_of
from wsfracbnn.model.errors import InputError

COEFFICIENTS = Path(__file__).with_name("area_coefficients.json")

LUT_WORDS = {"ecp5": 16, "ice40": 16, "xc7": 64}
"""Words of a constant memory of which one LUT holds one bit."""

SHAPES = {"ecp5": ONE_PORT, "ice40": ICE40, "xc7": ONE_PORT}

FULL = 0.85
"""Share of a device's LUTs that place and route can be expected to fill."""


@dataclass(frozen=True)
class Device:
    """An FPGA: its family and what it holds. LUT4 and 18-kbit (iCE40: 4-kbit) block RAMs; 7 series: LUT6, 18 kbit."""

    family: str
    luts: int
    flip_flops: int
    block_rams: int


# Lattice FPGA-DS-02012 (ECP5), FPGA-DS-02008 (iCE40 UltraPlus); Xilinx DS180 (7 series), DS891 (Zynq UltraScale+, whose
# LUT6 are mapped like the 7 series').
DEVICES = {
    "ecp5-25f": Device("ecp5", 24_288, 24_288, 56),
    "ecp5-45f": Device("ecp5", 43_848, 43_848, 108),
    "ecp5-85f": Device("ecp5", 83_640, 83_640, 208),
    "ice40-up5k": Device("ice40", 5_280, 5_280, 30),
    "artix7-35t": Device("xc7", 20_800, 41_600, 100),
    "artix7-100t": Device("xc7", 63_400, 126_800, 270),
    "zu3eg": Device("xc7", 70_560, 141_120, 432),
}


@dataclass(frozen=True)
class Estimate:
    """What a stage or a design is expected to take."""

    luts: float
    flip_flops: float
    block_rams: int

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.luts + other.luts, self.flip_flops + other.flip_flops, self.block_rams + other.block_rams)

    def fits(self, device: Device) -> bool:
        """Whether place and route can be expected to succeed."""
        return (
            self.luts <= FULL * device.luts
            and self.flip_flops <= FULL * device.flip_flops
            and self.block_rams <= device.block_rams
        )


def terms(stage: StageDesign, family: str) -> dict[str, float]:
    """Sizes that a stage's area grows with."""
    words = LUT_WORDS[family]
    lut_ram = target_of(family).has_lut_ram
    in_luts = {
        m.name: m.copies * m.width * math.ceil(m.words / words)
        for m in stage_memories(stage)
        if not m.in_block_ram(lut_ram)
    }
    weights = in_luts.pop("weights", 0)
    in_luts.pop("results", 0)  # of one depth everywhere: in the coefficients of what it stands behind
    others = sum(in_luts.values())
    if isinstance(stage, HeadDesign):
        return {
            "head": 1.0,
            "head_lane": stage.fold.pe,
            "head_in": stage.in_lanes * stage.sum_w,
            "head_constants": weights + in_luts.get("biases", 0),
        }
    if isinstance(stage, InputDesign):
        table = stage.engine
        return {
            "input": 1.0,
            "input_lane": table.pe,
            "input_adders": table.pe * table.values * table.value_w,
            "input_operand": table.values * table.level_w * table.chunks,
            "input_window": 9 * stage.stage.colours * table.level_w,
            "input_memory": others - in_luts.get("tables", 0),
        }
    engine = stage.engine
    bits, widths = engine.pe * engine.simd, engine.pe * engine.sum_w
    # With one group and one chunk a weight is a constant and XNOR is nothing: lanes of another kind.
    fixed = engine.weights.depth == 1
    return {
        "stage": 1.0,
        "lane": engine.pe,
        "out_lane": stage.out_lanes,
        "lane_width": 0.0 if fixed else widths,
        "fixed_lane_width": widths if fixed else 0.0,
        "match": 0.0 if fixed else bits,
        "fixed_match": bits if fixed else 0.0,
        "weights": weights,
        "operand": engine.simd,
        "chunks": engine.simd * (engine.chunks - 1),
        "choices": 18 * engine.chunks,  # registers of rtl/operand_select.v
        "window": 18 * engine.in_channels,
        "window_register": 18 * engine.in_channels if stage.buffered else 0.0,
        "memory": others,
        "beat": stage.in_lanes * stage.bits,
        "shrink": stage.in_lanes * stage.bits if stage.stage.stride == 2 else 0.0,
    }


@functools.cache
def coefficients() -> dict[str, dict[str, dict[str, float]]]:
    """{family: {"luts" or "flip_flops": {term: coefficient}}}, as the calibration wrote them."""
    table: dict[str, dict[str, dict[str, float]]] = json.loads(COEFFICIENTS.read_text())
    return table


def estimate_stage(stage: StageDesign, family: str) -> Estimate:
    """Area of one stage."""
    table = coefficients()[family]
    sizes = terms(stage, family)

    def weigh(what: Mapping[str, float]) -> float:
        return sum(what[term] * size for term, size in sizes.items())

    lut_ram = target_of(family).has_lut_ram
    rams = sum(memory.block_rams(SHAPES[family], lut_ram) for memory in stage_memories(stage))
    return Estimate(weigh(table["luts"]), weigh(table["flip_flops"]), rams)


def estimate(design: AcceleratorDesign, family: str) -> Estimate:
    """Area of a whole design: its stages, and the frame guard and filter around them."""
    total = around(family)
    for stage in design.stages:
        total += estimate_stage(stage, family)
    return total


def around(family: str) -> Estimate:
    """What stands around the stages: frame guard and filter, verdicts, registers at both ends.

    Raises:
        InputError: a family without calibration.
    """
    if family not in coefficients():
        raise InputError(f"area of {family}: no calibration, expected one of {', '.join(coefficients())}")
    table = coefficients()[family]
    return Estimate(table["luts"]["around"], table["flip_flops"]["around"], 0)
