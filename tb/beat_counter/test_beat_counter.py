# SPDX-License-Identifier: Apache-2.0
"""beat_counter: a ROM holds the current beat's word, through stalls, the end of a pixel and reset."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge, Timer

from wsfracbnn.tb.common.bench import parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"BEATS": 5},
    {"BEATS": 1},
    {"BEATS": 16},
]


@cocotb.test()
async def keeps_the_current_beats_word(dut: Any) -> None:
    beats = parameter(dut, "BEATS")
    start_clock(dut)
    generator = seeded()
    dut.rst.value = 1
    dut.advance.value = 0
    await ClockCycles(dut.clk, 2)
    current, word = 0, 0
    starting = True  # the cycle after reset, in which no beat is taken
    for step in range(200):
        await FallingEdge(dut.clk)
        reset = generator.random() < 0.05
        advance = not starting and generator.random() < 0.6
        dut.rst.value, dut.advance.value = int(reset), int(advance)
        await Timer(1, "ns")
        current = (current + advance) % beats
        word = int(dut.addr.value) if dut.read.value == 1 else word
        if not reset:
            same(f"cycle {step}", current, word)
        current = 0 if reset else current
        starting = reset


def test_beat_counter(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "beat_counter", Path(__file__), block[1])
