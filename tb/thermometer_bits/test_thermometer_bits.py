# SPDX-License-Identifier: Apache-2.0
"""thermometer_bits: the codes of random pixels part by part, with parts that are not full."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import pack, parameter, same, seeded
from wsfracbnn.tb.common.sequential import run_sequential, start_watched

GRID = [
    {"COLOURS": 3, "LEVELS": 32, "SIMD": 16},
    {"COLOURS": 1, "LEVELS": 4, "SIMD": 4},
    {"COLOURS": 2, "LEVELS": 8, "SIMD": 3},
    {"COLOURS": 5, "LEVELS": 1, "SIMD": 2},
]


@cocotb.test()
async def gives_every_part_of_every_code(dut: Any) -> None:
    colours, levels, simd = (parameter(dut, name) for name in ("COLOURS", "LEVELS", "SIMD"))
    level_w, parts = parameter(dut, "LEVEL_W"), -(-levels // simd)
    generator = seeded()
    start_watched(dut)
    dut.step.value = 0
    await FallingEdge(dut.clk)
    for pixel in range(60):
        own = [generator.choice([0, levels, generator.randint(0, levels)]) for _ in range(colours)]
        dut.levels.value = pack(own, level_w)
        for colour, level in enumerate(own):
            for part in range(parts):
                dut.step.value, dut.tap_first.value = 1, int(colour == 0 and part == 0)
                await FallingEdge(dut.clk)
                places = range(part * simd, (part + 1) * simd)
                code = pack([int(place < levels and level > place) for place in places], 1)
                where = f"pixel {pixel} colour {colour} part {part}"
                same(f"{where}: bits of level {level}", code, int(dut.bits.value))
                same(f"{where}: partial", int((part + 1) * simd > levels), int(dut.partial.value))
        dut.step.value = 0
        for _ in range(generator.choice([0, 0, 3])):
            await FallingEdge(dut.clk)


def test_thermometer_bits(block: tuple[str, dict[str, int]]) -> None:
    run_sequential(block, "thermometer_bits", Path(__file__))
