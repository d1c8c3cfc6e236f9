# SPDX-License-Identifier: Apache-2.0
"""match_count: all bits alike, none, one, and random vectors, one pair a cycle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 144, "STAGES": 4},
    {"WIDTH": 6, "STAGES": 1},
    {"WIDTH": 1, "STAGES": 1},
    {"WIDTH": 7, "STAGES": 2},
    {"WIDTH": 100, "STAGES": 6},
    {"WIDTH": 288, "STAGES": 2},
    {"WIDTH": 144, "STAGES": 4, "LUT_INPUTS": 6},
    {"WIDTH": 1, "STAGES": 1, "LUT_INPUTS": 6},
    {"WIDTH": 9, "STAGES": 2, "LUT_INPUTS": 6},
    {"WIDTH": 101, "STAGES": 6, "LUT_INPUTS": 6},
    {"WIDTH": 576, "STAGES": 5, "LUT_INPUTS": 6},
    {"WIDTH": 30, "STAGES": 2, "COUNTED": 1},
    {"WIDTH": 30, "STAGES": 2, "LUT_INPUTS": 6, "COUNTED": 1},
    {"WIDTH": 29, "STAGES": 3, "LUT_INPUTS": 6, "COUNTED": 1},
    {"WIDTH": 9, "STAGES": 2, "LUT_INPUTS": 6, "COUNTED": 1},
    {"WIDTH": 2, "STAGES": 1, "LUT_INPUTS": 6, "COUNTED": 1},
]


@cocotb.test()
async def counts_the_matches(dut: Any) -> None:
    width, stages = parameter(dut, "WIDTH"), parameter(dut, "STAGES")
    start_clock(dut)
    generator = seeded()
    vectors = [0, (1 << width) - 1, *(1 << bit for bit in range(width))]
    vectors += [generator.getrandbits(width) for _ in range(100)]
    for step in range(len(vectors) + stages):
        await FallingEdge(dut.clk)
        if step >= stages:
            vector = vectors[step - stages]
            same(f"matches {vector:#x}", vector.bit_count(), int(dut.count.value))
        alike, weight = vectors[min(step, len(vectors) - 1)], generator.getrandbits(width)
        dut.weight.value = weight
        dut.data.value = weight ^ alike ^ ((1 << width) - 1)
        dut.given_counts.value = counts_of_six(alike, width) if parameter(dut, "COUNTED") else 0


@cocotb.test()
async def takes_the_given_counts_as_they_are(dut: Any) -> None:
    """Where the first level's counts are given, they are what is added, with the bits that are in none."""
    width, stages = parameter(dut, "WIDTH"), parameter(dut, "STAGES")
    if not parameter(dut, "COUNTED") or parameter(dut, "LUT_INPUTS") != 6:
        return
    start_clock(dut)
    generator = seeded()
    sizes = [min(6, width - 6 * six) for six in range((width + 1) // 6)]
    dut.weight.value = 0
    expected: list[int] = []
    for step in range(100 + stages):
        await FallingEdge(dut.clk)
        if step >= stages:
            same(f"sum {step - stages}", expected[step - stages], int(dut.count.value))
        counts = [generator.randint(0, size) for size in sizes]
        rest = generator.getrandbits(width) >> sum(sizes)
        dut.data.value = ((1 << width) - 1) ^ rest << sum(sizes) ^ generator.getrandbits(sum(sizes))
        dut.given_counts.value = sum(count << 3 * six for six, count in enumerate(counts))
        expected.append(sum(counts) + rest.bit_count())


def counts_of_six(vector: int, width: int) -> int:
    """The numbers of ones of each six bits, the last ones perhaps five, in three bits each, the first ones lowest."""
    return sum((vector >> 6 * six & 63).bit_count() << 3 * six for six in range((width + 1) // 6))


def test_match_count(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "match_count", Path(__file__), block[1])
