# SPDX-License-Identifier: Apache-2.0
"""delay_line: every bit comes back CYCLES later, and reset clears what is under way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge

from wsfracbnn.tb.common.bench import parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 2, "CYCLES": 4},
    {"WIDTH": 1, "CYCLES": 1},
]


@cocotb.test()
async def delays_and_is_cleared_by_reset(dut: Any) -> None:
    width, cycles = parameter(dut, "WIDTH"), parameter(dut, "CYCLES")
    start_clock(dut)
    generator = seeded()
    dut.rst.value = 1
    getattr(dut, "in").value = 0
    await ClockCycles(dut.clk, cycles + 1)
    history = [0] * cycles
    for step in range(200):
        await FallingEdge(dut.clk)
        same(f"cycle {step}", history[0], int(dut.out.value))
        reset = generator.random() < 0.05
        value = generator.getrandbits(width)
        dut.rst.value = int(reset)
        getattr(dut, "in").value = value
        history = [0] * cycles if reset else [*history[1:], value]


def test_delay_line(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "delay_line", Path(__file__), block[1])
