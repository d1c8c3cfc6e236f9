# SPDX-License-Identifier: Apache-2.0
"""count_six: every word of six bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from wsfracbnn.tb.common.bench import parameter, same
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {},
    {"WEIGHTS": 0},
    {"WEIGHTS": 0b101100},
    {"WEIGHTS": 0b010011},
]


@cocotb.test()
async def counts_what_is_alike(dut: Any) -> None:
    weights = parameter(dut, "WEIGHTS")
    for word in range(64):
        getattr(dut, "in").value = word
        await Timer(1, "ns")
        same(f"in {word:06b}, weights {weights:06b}", 6 - (word ^ weights).bit_count(), int(dut.count.value))


def test_count_six(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "count_six", Path(__file__), block[1])
