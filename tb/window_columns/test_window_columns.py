# SPDX-License-Identifier: Apache-2.0
"""window_columns: windows of a random image scanned row by row, with pauses, with and without a load."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import pack, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 8, "COLUMNS": 6},
    {"WIDTH": 3, "COLUMNS": 2},
    {"WIDTH": 18, "COLUMNS": 33},
]
ROWS = 9


@cocotb.test()
async def shows_three_rows_of_three_columns(dut: Any) -> None:
    width, columns = parameter(dut, "WIDTH"), parameter(dut, "COLUMNS")
    Clock(dut.clk, 10, unit="ns").start()
    generator = seeded()
    pixels = [generator.getrandbits(width) for _ in range(ROWS * columns)]
    dut.step.value = dut.write.value = dut.load.value = 0
    # Reading column 0 of the rows above takes a step of its own; what is in view then is of no image.
    dut.next_at.value = 0
    dut.step.value = 1
    await FallingEdge(dut.clk)
    await FallingEdge(dut.clk)
    expected = None
    for number, pixel in enumerate(pixels):
        at = number % columns
        dut.pixel.value, dut.at.value, dut.next_at.value = pixel, at, (at + 1) % columns
        whole = number >= 2 * columns + 2  # three columns of three rows have been in view
        for step in (0,) * generator.randint(0, 2) + (1,):
            rows, cols = generator.getrandbits(3), generator.getrandbits(3)
            load = int(whole and generator.random() < 0.7)
            dut.step.value = dut.write.value = step
            dut.load.value, dut.rows_inside.value, dut.cols_inside.value = load, rows, cols
            if load:
                # The columns in view run on over the rows' ends, as the image's pixels do.
                window = [pixels[number - (2 - ky) * columns - (2 - kx)] for ky in range(3) for kx in range(3)]
                expected = pack(window, width), sum(cols << (3 * ky) for ky in range(3) if rows >> ky & 1)
            await FallingEdge(dut.clk)
            if expected is not None:
                same(f"pixel {number} window", f"{expected[0]:#x}", f"{int(dut.window.value):#x}")
                same(f"pixel {number} taps", f"{expected[1]:09b}", f"{int(dut.taps.value):09b}")


def test_window_columns(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "window_columns", Path(__file__), block[1])
