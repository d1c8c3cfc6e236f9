# SPDX-License-Identifier: Apache-2.0
"""xnor_lane: S = sum of w * (2 bit - 1) over the bits inside the image of several chunks, the others being 0."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"SIMD": 16, "SUM_W": 9, "STAGES": 2},
    {"SIMD": 144, "SUM_W": 9, "STAGES": 4},
    {"SIMD": 72, "SUM_W": 9, "STAGES": 3, "LUT_INPUTS": 6},
]


@cocotb.test()
async def sums_the_chunks_of_a_window(dut: Any) -> None:
    simd, stages = parameter(dut, "SIMD"), parameter(dut, "STAGES")
    start_clock(dut)
    generator = seeded()
    chunks = 144 // simd
    ones = (1 << simd) - 1
    control: list[tuple[int, int, int]] = [(0, 0, 0)] * (stages + 1)  # first, last, correction: beside the count
    results: list[int | None] = [None] * (stages + 2)
    late = 0  # the weight comes a cycle after the data
    for window in range(40):
        total = correction = 0
        for chunk in range(chunks):
            data, inside, weight = (generator.getrandbits(simd) for _ in range(3))
            if window < 4:  # corners: all bits equal or all different, all inside or all outside
                data, weight, inside = ones * (window & 1), ones, ones * (window >> 1)
            data &= inside
            signs = [1 if (data ^ weight) >> b & 1 == 0 else -1 for b in range(simd)]
            total += sum(s for b, s in enumerate(signs) if inside >> b & 1)
            correction += inside.bit_count() + 2 * (~inside & ~weight & ones).bit_count()
            await FallingEdge(dut.clk)
            done = results.pop(0)
            if done is not None:
                same(f"window {window}", done, dut.sum.value.to_signed())
            last = chunk == chunks - 1
            results.append(total if last else None)
            dut.data.value, dut.weight.value = data, late
            late = weight
            control.append((int(chunk == 0), int(last), correction % (1 << parameter(dut, "SUM_W")) if last else 0))
            dut.first.value, dut.last.value, dut.correction.value = control.pop(0)


def test_xnor_lane(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "xnor_lane", Path(__file__), block[1])
