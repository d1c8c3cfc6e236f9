# SPDX-License-Identifier: Apache-2.0
"""window_columns: windows of a random image scanned row by row, with and without pauses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge

from wsfracbnn.tb.common.bench import Bench, Traffic, pack, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block
from wsfracbnn.tb.common.windows import taker, window_reader

GRID = [
    {"WIDTH": 8, "COLUMNS": 6},
    {"WIDTH": 3, "COLUMNS": 2},
    {"WIDTH": 18, "COLUMNS": 33},
    {"WIDTH": 3, "COLUMNS": 4, "BUFFERED": 0},
]
ROWS = 9


@cocotb.test()
@cocotb.parametrize(traffic=[Traffic.FULL, Traffic.STALLED, Traffic.WAITING])
async def shows_three_rows_of_three_columns(dut: Any, traffic: Traffic) -> None:
    """A step with every window taken, or windows and steps at random; a loaded window is followed by its step."""
    width, columns = parameter(dut, "WIDTH"), parameter(dut, "COLUMNS")
    generator = seeded()
    bench = Bench(dut, sources=(), sinks=())
    dut.step.value = dut.write.value = dut.complete.value = dut.m_axis_tready.value = 0
    await bench.reset()
    read = window_reader(dut, taker(dut, traffic, generator))
    pixels = [generator.getrandbits(width) for _ in range(ROWS * columns)]
    expected: list[tuple[int, int, int]] = []
    # Reading column 0 of the rows above takes a step of its own; what is in view then is of no image.
    await FallingEdge(dut.clk)
    dut.next_at.value = 0
    dut.step.value = 1
    await FallingEdge(dut.clk)
    dut.step.value = 0
    for number, pixel in enumerate(pixels):
        at = number % columns
        dut.pixel.value, dut.at.value, dut.next_at.value = pixel, at, (at + 1) % columns
        whole = number >= 2 * columns + 2  # three columns of three rows have been in view
        if whole and generator.random() < 0.7:
            rows, cols = generator.getrandbits(3), generator.getrandbits(3)
            dut.complete.value, dut.rows_inside.value, dut.cols_inside.value = 1, rows, cols
            await FallingEdge(dut.clk)
            while not dut.loaded.value:
                await FallingEdge(dut.clk)
            dut.complete.value = 0
            # The columns in view run on over the rows' ends, as the image's pixels do.
            window = [pixels[number - (2 - ky) * columns - (2 - kx)] for ky in range(3) for kx in range(3)]
            taps = sum(cols << (3 * ky) for ky in range(3) if rows >> ky & 1)
            expected.append((number, pack(window, width), taps))
        elif traffic.stalls:
            await ClockCycles(dut.clk, generator.randint(0, 2))
            await FallingEdge(dut.clk)
        dut.step.value = dut.write.value = 1
        await FallingEdge(dut.clk)
        dut.step.value = dut.write.value = 0
    for number, bits, taps in expected:
        data, inside = await read()
        same(f"pixel {number} window", f"{bits:#x}", f"{int(data, 2):#x}")
        same(f"pixel {number} taps", f"{taps:09b}", f"{inside:09b}")
    await ClockCycles(dut.clk, 50)
    same("windows too many", 0, int(dut.m_axis_tvalid.value))


@cocotb.test()
async def a_window_waits_for_the_one_before(dut: Any) -> None:
    """Two windows with the output not taken: the second is announced and loaded only when the first leaves.

    Without the register the first itself is loaded only then, and nothing is announced.
    """
    bench = Bench(dut, sources=(), sinks=())
    dut.step.value = dut.write.value = 0
    dut.complete.value, dut.m_axis_tready.value = 1, 0
    await bench.reset()
    buffered = parameter(dut, "BUFFERED")

    def state() -> tuple[int, int, int]:
        return int(dut.loaded.value), int(dut.m_axis_tvalid.value), int(dut.m_axis_tnext.value)

    await FallingEdge(dut.clk)
    if buffered:
        same("first window loaded; its step comes before the second is announced", (1, 1, 0), state())
        await FallingEdge(dut.clk)
    for _ in range(3):
        same("a window waits in view", (0, 1, buffered), state())
        await FallingEdge(dut.clk)
    dut.m_axis_tready.value = 1
    await FallingEdge(dut.clk)
    same("it is loaded", (1, buffered, 0), state())
    dut.complete.value = 0
    await FallingEdge(dut.clk)
    same("nothing left", 0, int(dut.m_axis_tvalid.value))
    dut.m_axis_tready.value, dut.complete.value = 0, 1
    await ClockCycles(dut.clk, 4)
    await FallingEdge(dut.clk)
    same("a window waits again", 1, int(dut.m_axis_tvalid.value))
    dut.complete.value, dut.rst.value = 0, 1
    await FallingEdge(dut.clk)
    dut.rst.value = 0
    await FallingEdge(dut.clk)
    same("reset drops it", 0, int(dut.m_axis_tvalid.value))


def test_window_columns(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "window_columns", Path(__file__), block[1])
