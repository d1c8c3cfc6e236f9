# SPDX-License-Identifier: Apache-2.0
"""shift_add: every code of one to three signed digits, any shifts or the few that a layer may have; addends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import pack, parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"IN_W": 12, "OUT_W": 20, "DIGITS": 2},
    {"IN_W": 20, "OUT_W": 32, "DIGITS": 3},
    {"IN_W": 20, "OUT_W": 32, "DIGITS": 3, "LUT_INPUTS": 6},
    {"IN_W": 8, "OUT_W": 16, "DIGITS": 1},
    {"IN_W": 8, "OUT_W": 16, "DIGITS": 1, "SHIFTS": 0o44224422, "NEGATED": 0, "OPTIONAL": 0},
    {"IN_W": 11, "OUT_W": 19, "DIGITS": 2, "NEGATED": 0b10, "OPTIONAL": 0b01},
]


@cocotb.test()
async def multiplies_by_the_sum_of_its_digits(dut: Any) -> None:
    in_w, out_w, digits = (parameter(dut, n) for n in ("IN_W", "OUT_W", "DIGITS"))
    shifts, negated, optional = (parameter(dut, n) for n in ("SHIFTS", "NEGATED", "OPTIONAL"))
    generator = seeded()
    low, high = -(1 << (in_w - 1)), (1 << (in_w - 1)) - 1
    start_clock(dut)
    expected: list[tuple[str, int] | None] = [None] * (digits + 1)
    for number in range(700):
        await FallingEdge(dut.clk)
        x = [low, high, 0, -1][number % 8] if number % 8 < 4 else generator.randint(low, high)
        chosen = [
            (
                not optional >> d & 1 or generator.random() < 0.8,
                bool(negated >> d & 1) and generator.random() < 0.5,
                generator.randrange(8),
            )
            for d in range(digits)
        ]
        factor = sum(
            (-1 if negate else 1) << (shifts >> (24 * d + 3 * index) & 7)
            for d, (enable, negate, index) in enumerate(chosen)
            if enable
        )
        done = expected.pop(0)
        if done is not None:
            same(*done, int(dut.result.value))
        dut.x.value = x & ((1 << in_w) - 1)
        dut.code.value = pack([enable << 4 | negate << 3 | index for enable, negate, index in chosen], 5)
        addend = [low, high, 0][number % 5] if number % 5 < 3 else generator.getrandbits(out_w - 1)
        dut.addend.value = addend & ((1 << out_w) - 1)
        expected.append((f"{addend} + {x} * {factor}", (addend + x * factor) & ((1 << out_w) - 1)))


def test_shift_add(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "shift_add", Path(__file__), block[1])
