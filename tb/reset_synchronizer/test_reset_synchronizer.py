# SPDX-License-Identifier: Apache-2.0
"""reset_synchronizer: the reset begins without a clock, ends two cycles after aresetn has risen, in step with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge, Timer

from wsfracbnn.gen.locations import SOC_RTL
from wsfracbnn.tb.common.bench import CLOCK_NS, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID: list[dict[str, int]] = [{}]


@cocotb.test()
async def begins_at_once_and_ends_two_cycles_later(dut: Any) -> None:
    generator = seeded()
    dut.clk.value = 0
    dut.aresetn.value = 1
    await Timer(1, "ns")
    dut.aresetn.value = 0
    await Timer(1, "ns")
    same("reset without a clock", 1, int(dut.rst.value))
    Clock(dut.clk, CLOCK_NS, unit="ns").start()
    for _ in range(20):
        await ClockCycles(dut.clk, generator.randint(1, 5))
        await Timer(generator.randint(1, CLOCK_NS - 1), "ns")
        dut.aresetn.value = 1
        for expected in (1, 0, 0):
            await RisingEdge(dut.clk)
            await ReadOnly()
            same("reset after aresetn has risen", expected, int(dut.rst.value))
        await Timer(generator.randint(1, CLOCK_NS - 1), "ns")
        dut.aresetn.value = 0
        await Timer(1, "step")
        await ReadOnly()
        same("reset as aresetn falls", 1, int(dut.rst.value))
        await Timer(1, "step")


def test_reset_synchronizer(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "reset_synchronizer", Path(__file__), block[1], sources=[SOC_RTL / "reset_synchronizer.v"])
