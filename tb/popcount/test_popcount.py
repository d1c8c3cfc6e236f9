# SPDX-License-Identifier: Apache-2.0
"""popcount: all ones, all zeros, single ones and random vectors, one a cycle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 144, "STAGES": 4},
    {"WIDTH": 6, "STAGES": 1},
    {"WIDTH": 1, "STAGES": 1},
    {"WIDTH": 7, "STAGES": 2},
    {"WIDTH": 100, "STAGES": 6},
    {"WIDTH": 288, "STAGES": 2},
]


@cocotb.test()
async def counts_the_ones(dut: Any) -> None:
    width, stages = parameter(dut, "WIDTH"), parameter(dut, "STAGES")
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    generator = seeded()
    vectors = [0, (1 << width) - 1, *(1 << bit for bit in range(width))]
    vectors += [generator.getrandbits(width) for _ in range(100)]
    for step in range(len(vectors) + stages):
        await FallingEdge(dut.clk)
        if step >= stages:
            vector = vectors[step - stages]
            same(f"vector {vector:#x}", vector.bit_count(), int(dut.count.value))
        dut.bits.value = vectors[min(step, len(vectors) - 1)]


def test_popcount(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "popcount", Path(__file__), block[1])
