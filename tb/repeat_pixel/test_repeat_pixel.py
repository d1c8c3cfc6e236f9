# SPDX-License-Identifier: Apache-2.0
"""repeat_pixel: every pixel twice in a row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb

from wsfracbnn.tb.common.bench import Bench, Traffic, parameter, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 16, "BEATS": 8},
    {"WIDTH": 5, "BEATS": 1},
    {"WIDTH": 32, "BEATS": 3},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def sends_each_pixel_twice(dut: Any, traffic: Traffic) -> None:
    generator = seeded()
    bench = Bench(dut)
    pixels = [
        [generator.getrandbits(parameter(dut, "WIDTH")) for _ in range(parameter(dut, "BEATS"))] for _ in range(30)
    ]

    async def drive() -> None:
        bench.send([beat for pixel in pixels for beat in pixel])
        await bench.expect([beat for pixel in pixels for _ in range(2) for beat in pixel])
        await bench.quiet()

    await bench.run(traffic, drive, cycles=2 * sum(map(len, pixels)))


def test_repeat_pixel(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "repeat_pixel", Path(__file__), block[1])
