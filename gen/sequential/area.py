# SPDX-License-Identifier: Apache-2.0
"""What an engine is expected to take, before it is synthesized: enough to choose its size for a device.

Fitted by hand to what Yosys makes of the bundled networks; nearer than a tenth on ECP5 (docs/sequential.md).
"""

from __future__ import annotations

from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.sequential.design import SequentialDesign
from wsfracbnn.gen.stages.memory import luts_of_memories

LUTS_A_BIT = 3.2
"""Of a lane, for each bit of a plane."""

LUTS_A_COUNT_BIT = 2.6
"""Of a lane and plane, for each bit of its sum: adding up, and leaving."""

LUTS_A_VALUE_BIT = 106
"""Of scale path, averages and head, for each bit of the residual stream."""

LUTS_A_COLOUR = 130
LUTS_AROUND = 220

FLIP_FLOPS_A_LUT = 0.8


def expected_cells(design: SequentialDesign, family: Family) -> tuple[float, float]:
    """LUTs and flip-flops."""
    lanes = 2 * design.engine.pe * (LUTS_A_BIT * design.engine.simd + LUTS_A_COUNT_BIT * design.count_w)
    colours = LUTS_A_COLOUR * design.description.input.colours
    luts = lanes + LUTS_A_VALUE_BIT * design.bits + colours + LUTS_AROUND
    return luts + sum(luts_of_memories(design.memories, family).values()), FLIP_FLOPS_A_LUT * luts
