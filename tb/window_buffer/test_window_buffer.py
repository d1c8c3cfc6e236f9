# SPDX-License-Identifier: Apache-2.0
"""window_buffer: 3x3 windows with zero padding, strides 1 and 2, odd shapes, frames back to back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, ReadOnly

from wsfracbnn.tb.common.bench import PATIENCE_CYCLES, Bench, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 8, "HEIGHT_PIXELS": 6, "WIDTH_PIXELS": 6, "STRIDE": 1},
    {"WIDTH": 4, "HEIGHT_PIXELS": 4, "WIDTH_PIXELS": 8, "STRIDE": 2},
    {"WIDTH": 3, "HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 5, "STRIDE": 1},
    {"WIDTH": 3, "HEIGHT_PIXELS": 5, "WIDTH_PIXELS": 1, "STRIDE": 1},
    {"WIDTH": 3, "HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 1, "STRIDE": 1},
    {"WIDTH": 6, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2, "STRIDE": 2},
]


@cocotb.test()
@cocotb.parametrize(stalled=[False, True])
async def shows_every_window(dut: Any, stalled: bool) -> None:
    width, rows, cols, stride = (parameter(dut, n) for n in ("WIDTH", "HEIGHT_PIXELS", "WIDTH_PIXELS", "STRIDE"))
    generator = seeded()
    bench = Bench(dut, sinks=())  # taps outside the image may be unknown, which a sink would not take
    dut.m_axis_tready.value = 0
    if stalled:
        bench.stall()
    await bench.reset()
    frames = [[[generator.getrandbits(width) for _ in range(cols)] for _ in range(rows)] for _ in range(3)]
    bench.send([pixel for frame in frames for row in frame for pixel in row])

    async def window() -> tuple[str, int]:
        """The next window's bits, most significant first, and its taps."""
        for _ in range(PATIENCE_CYCLES):
            await FallingEdge(dut.clk)
            dut.m_axis_tready.value = int(not stalled or generator.random() < 0.5)
            await ReadOnly()
            if int(dut.m_axis_tvalid.value) and int(dut.m_axis_tready.value):
                return str(dut.m_axis_tdata.value), int(dut.m_axis_tuser.value)
        raise AssertionError("no window: the stream hangs")

    for number, frame in enumerate(frames):
        for y in range(0, rows, stride):
            for x in range(0, cols, stride):
                data, taps = await window()
                for t in range(9):
                    row, col = y + t // 3 - 1, x + t % 3 - 1
                    inside = 0 <= row < rows and 0 <= col < cols
                    where = f"frame {number} window ({y}, {x}) tap {t}"
                    same(f"{where} inside", int(inside), taps >> t & 1)
                    if inside:
                        end = len(data) - t * width
                        same(where, f"{frame[row][col]:0{width}b}", data[end - width : end])


def test_window_buffer(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "window_buffer", Path(__file__), block[1])
