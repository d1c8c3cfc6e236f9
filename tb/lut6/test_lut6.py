# SPDX-License-Identifier: Apache-2.0
"""lut6: every word of its table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from wsfracbnn.tb.common.bench import parameter, same
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"TABLE": 1},
    {"TABLE": 0x4E110},
]


@cocotb.test()
async def is_its_table(dut: Any) -> None:
    table = parameter(dut, "TABLE")
    for address in range(64):
        getattr(dut, "in").value = address
        await Timer(1, "ns")
        same(f"in {address}", table >> address & 1, int(dut.out.value))


def test_lut6(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "lut6", Path(__file__), block[1])
