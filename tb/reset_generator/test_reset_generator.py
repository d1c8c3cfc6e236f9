# SPDX-License-Identifier: Apache-2.0
"""reset_generator: the reset is there from the first moment, ends after CYCLES of a good clock, and comes again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge, Timer

from wsfracbnn.gen.locations import BOARD_RTL
from wsfracbnn.tb.common.bench import CLOCK_NS, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [{"CYCLES": 37}, {"CYCLES": 1}, {"CYCLES": 64}]

SYNCHRONIZER = 2
"""Edges that `good` takes to be seen."""


async def cycles_until_released(dut: Any) -> int:
    """Edges until the reset is 0."""
    count = 0
    while True:
        await ReadOnly()
        if dut.rst.value == 0:
            return count
        await RisingEdge(dut.clk)
        count += 1


@cocotb.test()
async def the_reset_follows_the_clock(dut: Any) -> None:
    cycles = parameter(dut, "CYCLES")
    generator = seeded()
    dut.good.value = 0
    dut.clk.value = 0
    await Timer(1, "ns")
    await ReadOnly()
    same("reset before the first edge", 1, int(dut.rst.value))
    await Timer(1, "ns")
    Clock(dut.clk, CLOCK_NS, unit="ns", impl="gpi").start()
    await ClockCycles(dut.clk, 200)
    same("reset without a good clock", 1, int(dut.rst.value))
    for _ in range(4):
        await RisingEdge(dut.clk)
        dut.good.value = 1
        # Lost again before the end: the count begins anew.
        await ClockCycles(dut.clk, max(1, cycles // 2))
        dut.good.value = 0
        await ClockCycles(dut.clk, 5)
        same("reset after a short while", 1, int(dut.rst.value))
        dut.good.value = 1
        same("cycles", cycles + SYNCHRONIZER, await cycles_until_released(dut))
        await ClockCycles(dut.clk, generator.randint(1, 100))
        same("reset while all is well", 0, int(dut.rst.value))
        dut.good.value = 0
        await ClockCycles(dut.clk, SYNCHRONIZER + 2)
        same("reset without a clock", 1, int(dut.rst.value))


def test_reset_generator(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "reset_generator", Path(__file__), block[1], sources=[BOARD_RTL / "reset_generator.v"])
