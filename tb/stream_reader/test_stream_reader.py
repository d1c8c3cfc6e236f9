# SPDX-License-Identifier: Apache-2.0
"""stream_reader: all words in order and no others, however the sink stalls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import parameter, same, seeded
from wsfracbnn.tb.common.sequential import answer, cut_off, pulse, reset, run_sequential, start_watched

GRID = [
    {"WORDS": 37, "ADDR_W": 8},
    {"WORDS": 1, "ADDR_W": 1},
    {"WORDS": 64, "ADDR_W": 6},
]


@cocotb.test()
@cocotb.parametrize(sink=["eager", "slow", "waiting"])
async def sends_the_first_words(dut: Any, sink: str) -> None:
    generator = seeded()
    words = [generator.getrandbits(16) for _ in range(1 << parameter(dut, "ADDR_W"))]
    shown = Shown()
    start_watched(dut)
    await reset(dut, "start", "m_axis_tready")
    answer(dut, dut.read_addr, shown, words.__getitem__)
    for turn in range(6):
        await pulse(dut, "start")
        if turn % 2:
            dut.m_axis_tready.value = 1
            await cut_off(dut, generator, "m_axis_tready")
            same("busy, valid behind a reset", (0, 0), (int(dut.busy.value), int(dut.m_axis_tvalid.value)))
            continue
        got: list[int] = []
        while int(dut.busy.value):
            ready = int(dut.m_axis_tvalid.value) if sink == "waiting" else sink == "eager" or generator.random() < 0.3
            dut.m_axis_tready.value = int(ready)
            if ready and int(dut.m_axis_tvalid.value):
                got.append(shown.value)
            await FallingEdge(dut.clk)
        same("words", words[: parameter(dut, "WORDS")], got)
        same("valid behind the last", 0, int(dut.m_axis_tvalid.value))


class Shown:
    """What the memory shows: it has no port here."""

    value = 0


def test_stream_reader(block: tuple[str, dict[str, int]]) -> None:
    run_sequential(block, "stream_reader", Path(__file__))
