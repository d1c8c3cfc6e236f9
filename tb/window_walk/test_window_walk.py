# SPDX-License-Identifier: Apache-2.0
"""window_walk: 3x3 windows with zero padding, strides 1 and 2, odd shapes, frames back to back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb

from wsfracbnn.tb.common.bench import Traffic, parameter, seeded
from wsfracbnn.tb.common.runner import run_block
from wsfracbnn.tb.common.windows import check_windows

GRID = [
    {"WIDTH": 8, "HEIGHT_PIXELS": 6, "WIDTH_PIXELS": 6, "STRIDE": 1},
    {"WIDTH": 4, "HEIGHT_PIXELS": 4, "WIDTH_PIXELS": 8, "STRIDE": 2},
    {"WIDTH": 3, "HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 5, "STRIDE": 1},
    {"WIDTH": 3, "HEIGHT_PIXELS": 5, "WIDTH_PIXELS": 1, "STRIDE": 1},
    {"WIDTH": 3, "HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 1, "STRIDE": 1},
    {"WIDTH": 6, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2, "STRIDE": 2},
    {"WIDTH": 5, "HEIGHT_PIXELS": 4, "WIDTH_PIXELS": 6, "STRIDE": 2, "BUFFERED": 0},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def shows_every_window(dut: Any, traffic: Traffic) -> None:
    await check_windows(dut, traffic, seeded(), parameter(dut, "STRIDE"))


def test_window_walk(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "window_walk", Path(__file__), block[1])
