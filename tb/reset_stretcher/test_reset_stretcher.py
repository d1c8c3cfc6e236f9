# SPDX-License-Identifier: Apache-2.0
"""reset_stretcher: a request or the reset itself gives CYCLES of reset more; a further request begins anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.gen.locations import SOC_RTL
from wsfracbnn.tb.common.bench import parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [{"CYCLES": 4}, {"CYCLES": 2}]


@cocotb.test()
async def a_request_lasts_its_cycles(dut: Any) -> None:
    cycles = parameter(dut, "CYCLES")
    generator = seeded()
    start_clock(dut)
    dut.request.value = 0
    dut.rst.value = 1
    for _ in range(2):  # the first edge comes with rst itself: in a netlist they go different ways
        await FallingEdge(dut.clk)
    left = cycles
    for number in range(300):
        asked, reset = generator.random() < 0.1, generator.random() < 0.05
        dut.request.value, dut.rst.value = int(asked), int(reset)
        same(f"reset in cycle {number}", int(left > 0), int(dut.rst_out.value))
        await FallingEdge(dut.clk)
        left = cycles if asked or reset else max(0, left - 1)


def test_reset_stretcher(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "reset_stretcher", Path(__file__), block[1], sources=[SOC_RTL / "reset_stretcher.v"])
