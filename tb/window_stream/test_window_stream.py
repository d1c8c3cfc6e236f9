# SPDX-License-Identifier: Apache-2.0
"""window_stream: 3x3 windows with zero padding, strides 1 and 2, a pixel a cycle, flushed where no frame follows."""

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
    {"WIDTH": 4, "HEIGHT_PIXELS": 4, "WIDTH_PIXELS": 8, "STRIDE": 2},
    {"WIDTH": 6, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2, "STRIDE": 2},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def shows_every_window(dut: Any, traffic: Traffic) -> None:
    await check_windows(dut, traffic, seeded(), parameter(dut, "STRIDE"))


@cocotb.test()
async def a_frame_cut_off_after_any_pixel_of_the_next_is_flushed(dut: Any) -> None:
    await check_cut_frames(dut, seeded(), parameter(dut, "STRIDE"))


@cocotb.test()
async def a_full_stream_never_waits(dut: Any) -> None:
    """Every cycle takes a pixel and, at stride 1, from the first window on sends one, over the frames' borders too."""
    generator = seeded()
    bench = Bench(dut, sinks=())
    dut.m_axis_tready.value = 1
    await bench.reset()
    frames = random_frames(dut, generator, 4)
    pixels = [pixel for frame in frames for row in frame for pixel in row]
    stride, cols = parameter(dut, "STRIDE"), parameter(dut, "WIDTH_PIXELS")
    bench.send(pixels)
    await RisingEdge(dut.m_axis_tvalid)
    before = cols + 2  # pixels up to the one that completes the first window
    seen = 0
    for _ in range(len(pixels) - before):
        await ClockCycles(dut.clk, 1)
        seen += int(dut.m_axis_tvalid.value)
    same("windows", (len(pixels) - before) if stride == 1 else len(pixels) // 4 - 1, seen)


@cocotb.test()
async def takes_pixels_before_anybody_asks_for_a_window(dut: Any) -> None:
    bench = Bench(dut, sinks=())
    dut.m_axis_tready.value = 0
    await bench.reset()
    (frame,) = random_frames(dut, seeded(), 1)
    bench.send([pixel for row in frame for pixel in row])
    await ClockCycles(dut.clk, len(frame) * len(frame[0]) + 10)
    same("a window waits", 1, int(dut.m_axis_tvalid.value))


def test_window_stream(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "window_stream", Path(__file__), block[1])
