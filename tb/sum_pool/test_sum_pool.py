# SPDX-License-Identifier: Apache-2.0
"""sum_pool: exact sums over a frame, frames back to back, all extremes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb

from wsfracbnn.tb.common.bench import Bench, Traffic, corner_values, parameter, pixel_beats, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"CHANNELS": 4, "LANES": 2, "BITS": 16, "PIXELS": 9},
    {"CHANNELS": 3, "LANES": 1, "BITS": 16, "PIXELS": 1},
    {"CHANNELS": 8, "LANES": 8, "BITS": 12, "PIXELS": 16},
    {"CHANNELS": 12, "LANES": 4, "BITS": 16, "PIXELS": 16},
    {"CHANNELS": 9, "LANES": 1, "BITS": 16, "PIXELS": 4},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def sums_each_channel_over_the_frame(dut: Any, traffic: Traffic) -> None:
    channels, lanes, bits, pixels = (parameter(dut, n) for n in ("CHANNELS", "LANES", "BITS", "PIXELS"))
    sum_w = parameter(dut, "SUM_W")
    generator = seeded()
    bench = Bench(dut)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    frames = [[[low] * channels] * pixels, [[high] * channels] * pixels]
    frames += [[corner_values(bits, generator, channels) for _ in range(pixels)] for _ in range(3)]

    sent = [beat for frame in frames for pixel in frame for beat in pixel_beats(pixel, lanes, bits)]

    async def drive() -> None:
        bench.send(sent)
        expected = [
            b
            for frame in frames
            for b in pixel_beats([sum(v) for v in zip(*frame, strict=True)], lanes, sum_w, signed=True)
        ]
        await bench.expect(expected, sum_w, lanes)
        await bench.quiet()

    await bench.run(traffic, drive, cycles=len(sent) + (3 if channels // lanes > 2 else 1))


def test_sum_pool(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "sum_pool", Path(__file__), block[1])
