# SPDX-License-Identifier: Apache-2.0
"""window_buffer: 3x3 windows with zero padding, a window a pixel over frame borders, flushed where no frame follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge

from wsfracbnn.tb.common.bench import Bench, Traffic, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block
from wsfracbnn.tb.common.windows import check_cut_frames, check_windows, random_frames

GRID = [
    {"WIDTH": 8, "HEIGHT_PIXELS": 6, "WIDTH_PIXELS": 6},
    {"WIDTH": 4, "HEIGHT_PIXELS": 4, "WIDTH_PIXELS": 7},
    {"WIDTH": 3, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 5},
    {"WIDTH": 3, "HEIGHT_PIXELS": 5, "WIDTH_PIXELS": 2},
    {"WIDTH": 3, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2},
    {"WIDTH": 5, "HEIGHT_PIXELS": 5, "WIDTH_PIXELS": 4, "BUFFERED": 0},
    {"WIDTH": 3, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2, "BUFFERED": 0},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def shows_every_window(dut: Any, traffic: Traffic) -> None:
    await check_windows(dut, traffic, seeded(), stride=1)


@cocotb.test()
async def a_frame_cut_off_after_any_pixel_of_the_next_is_flushed(dut: Any) -> None:
    await check_cut_frames(dut, seeded(), stride=1)


@cocotb.test()
async def a_full_stream_never_waits(dut: Any) -> None:
    """From the first window on, one comes out every other cycle, over the frames' borders too."""
    generator = seeded()
    bench = Bench(dut, sinks=())
    dut.m_axis_tready.value = 1
    await bench.reset()
    frames = random_frames(dut, generator, 4)
    pixels = [pixel for frame in frames for row in frame for pixel in row]
    bench.send(pixels)
    await RisingEdge(dut.m_axis_tvalid)
    windows = len(pixels) - parameter(dut, "WIDTH_PIXELS") - 4
    seen = 0
    for _ in range(2 * windows):
        await ClockCycles(dut.clk, 1)
        seen += int(dut.m_axis_tvalid.value)
    same("windows", windows, seen)


def test_window_buffer(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "window_buffer", Path(__file__), block[1])
