# SPDX-License-Identifier: Apache-2.0
"""reset_register: the reset, one cycle later, whatever it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID: list[dict[str, int]] = [{}]


@cocotb.test()
async def follows_a_cycle_later(dut: Any) -> None:
    generator = seeded()
    start_clock(dut)
    await FallingEdge(dut.clk)
    for cycle in range(100):
        rst = generator.getrandbits(1)
        dut.rst.value = rst
        await FallingEdge(dut.clk)
        same(f"cycle {cycle}", rst, int(dut.rst_copy.value))


def test_reset_register(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "reset_register", Path(__file__), block[1])
