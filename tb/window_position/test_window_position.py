# SPDX-License-Identifier: Apache-2.0
"""window_position: every centre of several images, with and without pauses, and from a reset anywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"HEIGHT_PIXELS": 5, "WIDTH_PIXELS": 3},
    {"HEIGHT_PIXELS": 4, "WIDTH_PIXELS": 6, "STRIDE": 2},
    {"HEIGHT_PIXELS": 3, "WIDTH_PIXELS": 5, "STRIDE": 2},
    {"HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 1},
    {"HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 2, "STRIDE": 2},
]
CYCLES = 400


@cocotb.test()
async def steps_over_the_image(dut: Any) -> None:
    rows, cols, stride = (parameter(dut, name) for name in ("HEIGHT_PIXELS", "WIDTH_PIXELS", "STRIDE"))
    centres = [(y, x) for y in range(0, rows, stride) for x in range(0, cols, stride)]
    generator = seeded()
    start_clock(dut)
    dut.rst.value, dut.step.value = 1, 0
    await FallingEdge(dut.clk)
    place = 0
    for cycle in range(CYCLES):
        reset, step = generator.random() < 0.01, generator.random() < 0.7
        dut.rst.value, dut.step.value = int(reset), int(step)
        await FallingEdge(dut.clk)
        place = 0 if reset else (place + step) % len(centres)
        y, x = centres[place]
        where = f"cycle {cycle}, window ({y}, {x})"
        same(f"{where} column", x, int(dut.col.value))
        same(f"{where} ends its row", x + stride >= cols, bool(dut.ends_row.value))
        same(f"{where} is in the last row", y + stride >= rows, bool(dut.ends_image.value))
        border = (y == 0) | (y == rows - 1) << 1 | (x == 0) << 2 | (x == cols - 1) << 3
        same(f"{where} borders", f"{border:04b}", f"{int(dut.border.value):04b}")


def test_window_position(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "window_position", Path(__file__), block[1])
