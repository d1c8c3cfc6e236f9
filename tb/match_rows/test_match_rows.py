# SPDX-License-Identifier: Apache-2.0
"""match_rows: vectors like each row, unlike it, all but a bit, and random ones, one a cycle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

ALIKE = 0x2F0A51C6_2F0A51C6
"""Two rows of 32 bits that are alike."""

GRID = [
    {"WIDTH": 32, "ROWS": 2, "STAGES": 2, "WEIGHTS": ALIKE},
    {"WIDTH": 32, "ROWS": 2, "STAGES": 2, "LUT_INPUTS": 6, "WEIGHTS": ALIKE},
    {"WIDTH": 30, "ROWS": 1, "STAGES": 2, "LUT_INPUTS": 6, "WEIGHTS": 0x2F0A51C6},
    {"WIDTH": 12, "ROWS": 5, "STAGES": 2, "LUT_INPUTS": 6, "WEIGHTS": 0xA5C_A9C_5A3_A5C_FFF},
    {"WIDTH": 17, "ROWS": 3, "STAGES": 3, "LUT_INPUTS": 6, "WEIGHTS": 0x1_A93D_40B1_C6F7},
    {"WIDTH": 10, "ROWS": 2, "STAGES": 2, "LUT_INPUTS": 6, "WEIGHTS": 0b1011001110_0010110101},
    {"WIDTH": 9, "ROWS": 4, "STAGES": 2, "LUT_INPUTS": 6, "WEIGHTS": 0x123456789},
    {"WIDTH": 5, "ROWS": 3, "STAGES": 1, "LUT_INPUTS": 6, "WEIGHTS": 0b10110_00110_10110},
    {"WIDTH": 2, "ROWS": 2, "STAGES": 1, "LUT_INPUTS": 6, "WEIGHTS": 0b1001},
]


@cocotb.test()
async def counts_the_matches_of_each_row(dut: Any) -> None:
    width, stages = parameter(dut, "WIDTH"), parameter(dut, "STAGES")
    weights, everything = parameter(dut, "WEIGHTS"), (1 << width) - 1
    rows = [weights >> width * row & everything for row in range(parameter(dut, "ROWS"))]
    count_width = width.bit_length()
    start_clock(dut)
    generator = seeded()
    vectors = [0, everything]
    for row in rows:
        vectors += [row, row ^ everything, *(row ^ 1 << bit for bit in range(width))]
    vectors += [generator.getrandbits(width) for _ in range(100)]
    for step in range(len(vectors) + stages):
        await FallingEdge(dut.clk)
        if step >= stages:
            vector, counts = vectors[step - stages], int(dut.counts.value)
            for number, row in enumerate(rows):
                count = counts >> count_width * number & (1 << count_width) - 1
                same(f"matches of {vector:#x} with row {number}", width - (vector ^ row).bit_count(), count)
        dut.data.value = vectors[min(step, len(vectors) - 1)]


def test_match_rows(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "match_rows", Path(__file__), block[1])
