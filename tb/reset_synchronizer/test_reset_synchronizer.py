# SPDX-License-Identifier: Apache-2.0
"""reset_synchronizer: the reset begins and ends in step with the clock, however short aresetn is low."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, RisingEdge, Timer

from wsfracbnn.gen.locations import SOC_RTL
from wsfracbnn.tb.common.bench import CLOCK_NS, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID: list[dict[str, int]] = [{}]


@cocotb.test()
async def begins_with_the_second_edge_and_ends_with_the_fourth(dut: Any) -> None:
    generator = seeded()
    Clock(dut.clk, CLOCK_NS, unit="ns", impl="gpi").start()
    dut.aresetn.value = 0
    for _ in range(20):
        await ClockCycles(dut.clk, generator.randint(1, 5))
        await Timer(generator.randint(1, CLOCK_NS - 1), "ns")
        dut.aresetn.value = 1
        await _expect(dut, "reset after aresetn has risen", (1, 1, 1, 0, 0))
        before = generator.randint(1, CLOCK_NS - 2)
        await Timer(before, "ns")
        dut.aresetn.value = 0
        await Timer(1, "ns")
        same("reset between two edges of the clock", 0, int(dut.rst.value))
        if generator.random() < 0.5:  # low for less than a cycle
            dut.aresetn.value = 1
            await _expect(dut, "reset after a short aresetn", (0, 1, 1, 0))
            dut.aresetn.value = 0
        await _expect(dut, "reset after aresetn has fallen", (0, 1))


async def _expect(dut: Any, what: str, values: tuple[int, ...]) -> None:
    """The values of rst behind the next edges of the clock; ends a nanosecond behind the last."""
    for value in values:
        await RisingEdge(dut.clk)
        await Timer(1, "ns")
        same(what, value, int(dut.rst.value))


def test_reset_synchronizer(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "reset_synchronizer", Path(__file__), block[1], sources=[SOC_RTL / "reset_synchronizer.v"])
