# SPDX-License-Identifier: Apache-2.0
"""plane_lanes: sums of both planes for every lane; weights of +-1, taps outside, steps that are partial."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import pack, parameter, same, seeded
from wsfracbnn.tb.common.sequential import reset, run_sequential, start_watched

GRID = [
    {"PE": 8, "SIMD": 16, "MOST": 576, "STAGES": 2},
    {"PE": 1, "SIMD": 1, "MOST": 36, "STAGES": 1},
    {"PE": 16, "SIMD": 3, "PAD": 1, "MOST": 180, "STAGES": 1, "LUT_INPUTS": 6},
]
GROUPS = 40


@cocotb.test()
async def sums_both_planes(dut: Any) -> None:
    pe, simd, pad, most = (parameter(dut, name) for name in ("PE", "SIMD", "PAD", "MOST"))
    generator = seeded()
    start_watched(dut)
    await reset(dut, "step", "last", "first", "is_inside", "partial")
    expected: list[tuple[int, int]] = []  # S_m and S_l of each output
    found: list[tuple[int, int]] = []

    async def watch() -> None:
        while True:
            await FallingEdge(dut.clk)
            if int(dut.valid.value):
                upper, lower, counted = (int(getattr(dut, name).value) for name in ("upper", "lower", "counted"))
                found.append((2 * upper - counted, 2 * lower - counted))

    cocotb.start_soon(watch())
    for group in range(GROUPS):
        sums = [[0, 0] for _ in range(pe)]
        steps = generator.choice([1, 9, most // (simd + pad)])
        for _ in range(max(0, pe - steps) + generator.choice([0, 2])):
            await FallingEdge(dut.clk)
        for step in range(steps):
            inside = generator.random() < 0.8
            partial = pad > 0 and generator.random() < 0.5
            width = simd - pad if partial else simd
            planes = [generator.getrandbits(width) for _ in range(2)]
            weights = [generator.getrandbits(width) for _ in range(pe)]
            if group == 0:  # corners: all equal, all different
                planes, weights = [(1 << width) - 1, 0], [(1 << width) - 1] * pe
            if inside:
                for lane, plane in ((lane, plane) for lane in range(pe) for plane in range(2)):
                    agree = sum((planes[plane] ^ weights[lane]) >> i & 1 == 0 for i in range(width))
                    sums[lane][plane] += 2 * agree - width
            dut.step.value, dut.is_inside.value, dut.partial.value = 1, int(inside), int(partial)
            dut.first.value, dut.last.value = int(step == 0), int(step == steps - 1)
            dut.upper_bits.value, dut.lower_bits.value = planes
            dut.weight.value = pack(weights, simd)
            await FallingEdge(dut.clk)
        expected += [(upper, lower) for upper, lower in sums]
        dut.step.value = 0
    for _ in range(pe + 10):
        await FallingEdge(dut.clk)
    same("results", len(expected), len(found))
    for number, (want, have) in enumerate(zip(expected, found, strict=True)):
        same(f"group {number // pe} lane {number % pe}: S_m, S_l", want, have)


@cocotb.test()
async def reset_drops_what_is_under_way(dut: Any) -> None:
    start_watched(dut)
    await reset(dut, "step", "last", "first", "is_inside", "partial")
    dut.upper_bits.value = dut.lower_bits.value = dut.weight.value = 0
    for name in ("step", "first", "last", "is_inside"):
        getattr(dut, name).value = 1
    await FallingEdge(dut.clk)
    dut.step.value = 0
    await reset(dut)
    for _ in range(10):
        await FallingEdge(dut.clk)
        same("valid", 0, int(dut.valid.value))


def test_plane_lanes(block: tuple[str, dict[str, int]]) -> None:
    run_sequential(block, "plane_lanes", Path(__file__))
