# SPDX-License-Identifier: Apache-2.0
"""window_mask: all 512 tap patterns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from wsfracbnn.tb.common.bench import parameter, same
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"CHANNELS": 16},
    {"CHANNELS": 1},
]


@cocotb.test()
async def repeats_each_tap_over_its_channels(dut: Any) -> None:
    channels = parameter(dut, "CHANNELS")
    for taps in range(512):
        dut.taps.value = taps
        await Timer(1, "ns")
        ones = (1 << channels) - 1
        same(f"taps {taps:09b}", sum(ones << (t * channels) for t in range(9) if taps >> t & 1), int(dut.mask.value))


def test_window_mask(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "window_mask", Path(__file__), block[1])
