# SPDX-License-Identifier: Apache-2.0
"""frame_statistics: the counts, their wrap with `overflow`, and whether a frame is on its way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.gen.locations import SOC_RTL
from wsfracbnn.tb.common.bench import parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [{"WIDTH": 32}, {"WIDTH": 1}, {"WIDTH": 5}]

EVENTS = ("begun", "ended", "bad", "dropped", "left")
COUNTS = {"frames_in": "ended", "frames_out": "left", "frames_bad": "bad", "frames_dropped": "dropped"}
"""Outputs and the events that they count."""


@cocotb.test()
async def counts_what_happens(dut: Any) -> None:
    modulus = 1 << parameter(dut, "WIDTH")
    generator = seeded()
    start_clock(dut)
    dut.rst.value = 1
    for event in EVENTS:
        getattr(dut, event).value = 0
    await FallingEdge(dut.clk)
    counted = dict.fromkeys(EVENTS, 0)
    for number in range(1500):
        way = counted["begun"] - counted["dropped"] - counted["left"]
        expected = {name: counted[event] % modulus for name, event in COUNTS.items()}
        expected["on_the_way"] = int(way > 0)
        expected["overflow"] = int(any(counted[event] >= modulus for event in COUNTS.values()))
        same(f"cycle {number}", expected, {name: int(getattr(dut, name).value) for name in expected})
        reset = number == 0 or generator.random() < 0.004
        now = {event: generator.random() < 0.4 for event in EVENTS}
        if way < now["dropped"] + now["left"]:
            now["dropped"] = now["left"] = False
        dut.rst.value = int(reset)
        for event in EVENTS:
            getattr(dut, event).value = int(now[event])
            counted[event] = 0 if reset else counted[event] + now[event]
        await FallingEdge(dut.clk)


def test_frame_statistics(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "frame_statistics", Path(__file__), block[1], sources=[SOC_RTL / "frame_statistics.v"])
