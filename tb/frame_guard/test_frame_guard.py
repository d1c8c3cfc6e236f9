# SPDX-License-Identifier: Apache-2.0
"""frame_guard: good frames pass, short ones are filled up, long ones cut; each bad one is flagged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from wsfracbnn.tb.common.bench import Bench, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 8, "PIXELS": 12},
    {"WIDTH": 24, "PIXELS": 1},
]


@cocotb.test()
@cocotb.parametrize(stalled=[False, True])
async def lets_whole_frames_through_only(dut: Any, stalled: bool) -> None:
    width, pixels = parameter(dut, "WIDTH"), parameter(dut, "PIXELS")
    generator = seeded()
    bench = Bench(dut, sinks=("m_axis", "m_status"))
    errors = 0

    async def count_errors() -> None:
        nonlocal errors
        while True:
            await RisingEdge(dut.clk)
            errors += int(dut.frame_error.value)

    if stalled:
        bench.stall()
    await bench.reset()
    counter = cocotb.start_soon(count_errors())
    lengths = [pixels, max(1, pixels - 1), pixels, pixels + 1, 1, 3 * pixels, pixels]
    frames = [[generator.getrandbits(width) for _ in range(n)] for n in lengths]
    for frame in frames:
        bench.send(frame)
    await bench.expect([(frame + [0] * pixels)[i] for frame in frames for i in range(pixels)])
    await bench.expect([int(n == pixels) for n in lengths], prefix="m_status")
    await bench.quiet()
    same("frame errors", sum(n != pixels for n in lengths), errors)
    counter.cancel()


def test_frame_guard(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "frame_guard", Path(__file__), block[1])
