# SPDX-License-Identifier: Apache-2.0
"""credit_counter: says that there is credit exactly while fewer than RESULTS are begun and not taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge

from wsfracbnn.tb.common.bench import parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"RESULTS": 17},
    {"RESULTS": 1},
    {"RESULTS": 4},
]


@cocotb.test()
async def counts_what_is_begun_and_not_taken(dut: Any) -> None:
    results = parameter(dut, "RESULTS")
    start_clock(dut)
    generator = seeded()
    dut.rst.value = 1
    dut.begun.value = dut.taken.value = 0
    await ClockCycles(dut.clk, 2)
    under_way = 0
    eager = 0.5
    for step in range(600):
        await FallingEdge(dut.clk)
        same(f"cycle {step}, {under_way} under way", int(under_way < results), int(dut.has_credit.value))
        if step % 50 == 0:
            eager = generator.choice([0.1, 0.5, 0.95])
        reset = generator.random() < 0.01
        begun = under_way < results and generator.random() < eager
        taken = under_way > 0 and generator.random() < 1 - eager
        dut.rst.value, dut.begun.value, dut.taken.value = int(reset), int(begun), int(taken)
        under_way = 0 if reset else under_way + begun - taken


def test_credit_counter(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "credit_counter", Path(__file__), block[1])
