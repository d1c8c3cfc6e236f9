# SPDX-License-Identifier: Apache-2.0
"""average_pool: (a + b + c + d + 2) >> 2 over 2x2 pixels, several frames, corner values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from wsfracbnn.tb.common.bench import Bench, Traffic, corner_values, parameter, pixel_beats, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"CHANNELS": 4, "LANES": 2, "BITS": 16, "WIDTH_PIXELS": 6},
    {"CHANNELS": 3, "LANES": 1, "BITS": 12, "WIDTH_PIXELS": 2},
    {"CHANNELS": 8, "LANES": 8, "BITS": 16, "WIDTH_PIXELS": 8},
    {"CHANNELS": 4, "LANES": 2, "BITS": 16, "WIDTH_PIXELS": 6, "BLOCK": 1},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def averages_two_by_two_pixels(dut: Any, traffic: Traffic) -> None:
    channels, lanes, bits, width = (parameter(dut, n) for n in ("CHANNELS", "LANES", "BITS", "WIDTH_PIXELS"))
    generator = seeded()
    bench = Bench(dut)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    rows = [
        [[generator.choice(corner_values(bits, generator, 12)) for _ in range(channels)] for _ in range(width)]
        for _ in range(8)
    ]
    rows[0] = [[low] * channels] * width
    rows[1] = rows[0]
    rows[2] = [[high] * channels] * width
    rows[3] = rows[2]

    sent = [beat for row in rows for pixel in row for beat in pixel_beats(pixel, lanes, bits)]

    async def drive() -> None:
        bench.send(sent)
        expected = []
        for y in range(0, len(rows), 2):
            for x in range(0, width, 2):
                four = (rows[y][x], rows[y][x + 1], rows[y + 1][x], rows[y + 1][x + 1])
                expected += pixel_beats([(sum(values) + 2) >> 2 for values in zip(*four, strict=True)], lanes, bits)
        await bench.expect(expected, bits, lanes)
        await bench.quiet()

    await bench.run(traffic, drive, cycles=len(sent) + 4)


@cocotb.test()
async def takes_pixels_before_anybody_asks_for_an_average(dut: Any) -> None:
    """Those of one average; where its first beat waits, no further beat is taken."""
    channels, lanes, width = (parameter(dut, n) for n in ("CHANNELS", "LANES", "WIDTH_PIXELS"))
    bench = Bench(dut)
    bench.sinks["m_axis"].pause = True
    await bench.reset()
    bench.send([0] * (2 * width * channels // lanes))
    await ClockCycles(dut.clk, 2 * width * channels // lanes + 10)
    same("an average waits", 1, int(dut.m_axis_tvalid.value))


def test_average_pool(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "average_pool", Path(__file__), block[1])
