# SPDX-License-Identifier: Apache-2.0
"""adder_tree: sums of extremes and of random numbers, one a cycle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import corner_values, pack, parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"VALUES": 27, "WIDTH": 7},
    {"VALUES": 9, "WIDTH": 2},
    {"VALUES": 1, "WIDTH": 5},
    {"VALUES": 2, "WIDTH": 3},
]


@cocotb.test()
async def adds(dut: Any) -> None:
    values, width, levels = (parameter(dut, name) for name in ("VALUES", "WIDTH", "LEVELS"))
    latency = max(1, levels)
    start_clock(dut)
    generator = seeded()
    low, high = -(1 << (width - 1)), (1 << (width - 1)) - 1
    vectors = [[low] * values, [high] * values]
    vectors += [generator.sample(corner_values(width, generator, values), values) for _ in range(100)]
    for step in range(len(vectors) + latency):
        await FallingEdge(dut.clk)
        if step >= latency:
            vector = vectors[step - latency]
            same(f"sum of {vector}", sum(vector), dut.sum.value.to_signed())
        dut.values.value = pack(vectors[min(step, len(vectors) - 1)], width)


def test_adder_tree(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "adder_tree", Path(__file__), block[1])
