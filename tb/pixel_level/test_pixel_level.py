# SPDX-License-Identifier: Apache-2.0
"""pixel_level: for all 256 pixel values, the number of bits of the thermometer code, bit k = [p >= R k + R/2]."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from wsfracbnn.tb.common.bench import parameter, same
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"LEVELS": 32},
    {"LEVELS": 16},
    {"LEVELS": 128},
    {"LEVELS": 1},
]


@cocotb.test()
async def counts_the_bits_of_the_code(dut: Any) -> None:
    levels = parameter(dut, "LEVELS")
    resolution = 256 // levels
    for p in range(256):
        dut.pixel.value = p
        await Timer(1, "ns")
        expected = sum(p >= resolution * k + resolution // 2 for k in range(levels))
        same(f"pixel {p}", expected, int(dut.level.value))


def test_pixel_level(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "pixel_level", Path(__file__), block[1])
