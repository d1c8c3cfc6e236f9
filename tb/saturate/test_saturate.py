# SPDX-License-Identifier: Apache-2.0
"""saturate: every input value of a small width, corners of a large one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from wsfracbnn.tb.common.bench import corner_values, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [{"IN_W": 20, "OUT_W": 16}, {"IN_W": 9, "OUT_W": 8}, {"IN_W": 8, "OUT_W": 3}]


@cocotb.test()
async def clamps_to_the_narrow_range(dut: Any) -> None:
    in_w, out_w = parameter(dut, "IN_W"), parameter(dut, "OUT_W")
    low, high = -(1 << (out_w - 1)), (1 << (out_w - 1)) - 1
    values = list(range(-(1 << (in_w - 1)), 1 << (in_w - 1))) if in_w < 10 else corner_values(in_w, seeded(), 300)
    for x in [*values, low - 1, low, high, high + 1]:
        getattr(dut, "in").value = x & ((1 << in_w) - 1)
        await Timer(1, "ns")
        same(f"in {x}", min(max(x, low), high), dut.out.value.to_signed())


def test_saturate(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "saturate", Path(__file__), block[1])
