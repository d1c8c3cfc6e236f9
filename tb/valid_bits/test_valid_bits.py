# SPDX-License-Identifier: Apache-2.0
"""valid_bits: CHANNELS times the number of taps, CYCLES later, for all tap patterns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge

from wsfracbnn.tb.common.bench import parameter, same
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"CHANNELS": 16, "SUM_W": 9, "CYCLES": 4},
    {"CHANNELS": 96, "SUM_W": 11, "CYCLES": 1},
    {"CHANNELS": 1, "SUM_W": 5, "CYCLES": 2},
]


@cocotb.test()
async def counts_the_window_bits_inside_the_image(dut: Any) -> None:
    channels, cycles = parameter(dut, "CHANNELS"), parameter(dut, "CYCLES")
    cocotb.start_soon(Clock(dut.clk, 10, unit="ns").start())
    dut.rst.value = 1
    dut.taps.value = 0
    await ClockCycles(dut.clk, 3)
    history = [0] * cycles
    for taps in range(512):
        await FallingEdge(dut.clk)
        same(f"taps {history[0]:09b}", channels * history[0].bit_count(), int(dut.bits.value))
        dut.rst.value = 0
        dut.taps.value = taps
        history = [*history[1:], taps]


def test_valid_bits(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "valid_bits", Path(__file__), block[1])
