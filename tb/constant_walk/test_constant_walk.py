# SPDX-License-Identifier: Apache-2.0
"""constant_walk: addresses of a layer's channels round and round, from its base on, at the pace of `advance`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import parameter, same, seeded
from wsfracbnn.tb.common.sequential import pulse, run_sequential, start_watched

GRID = [
    {"ADDR_W": 10, "CHANNEL_W": 6},
    {"ADDR_W": 1, "CHANNEL_W": 1},
    {"ADDR_W": 5, "CHANNEL_W": 5},
]


@cocotb.test()
async def counts_the_channels_of_each_layer(dut: Any) -> None:
    generator = seeded()
    start_watched(dut)
    dut.start.value = dut.advance.value = 0
    await FallingEdge(dut.clk)
    size, most = 1 << parameter(dut, "ADDR_W"), 1 << parameter(dut, "CHANNEL_W")
    for layer in range(20):
        channels = generator.randint(1, min(most, size))
        base = generator.randint(0, size - channels)
        dut.base.value, dut.last.value = base, channels - 1
        await pulse(dut, "start")
        taken = 0
        for cycle in range(3 * channels + 10):
            same(f"layer {layer} cycle {cycle}", base + taken % channels, int(dut.addr.value))
            advance = generator.random() < 0.6
            dut.advance.value = int(advance)
            taken += advance
            await FallingEdge(dut.clk)
        dut.advance.value = 0


def test_constant_walk(block: tuple[str, dict[str, int]]) -> None:
    run_sequential(block, "constant_walk", Path(__file__))
