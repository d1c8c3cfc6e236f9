# SPDX-License-Identifier: Apache-2.0
"""stream_reader: all words in order and no others, however the sink stalls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import parameter, same, seeded
from wsfracbnn.tb.common.sequential import answer, pulse, reset, run_sequential, start_clock

GRID = [
    {"WORDS": 37, "ADDR_W": 8},
    {"WORDS": 1, "ADDR_W": 1},
    {"WORDS": 64, "ADDR_W": 6},
]


@cocotb.test()
@cocotb.parametrize(share=[1.0, 0.3])
async def sends_the_first_words(dut: Any, share: float) -> None:
    generator = seeded()
    words = [generator.getrandbits(16) for _ in range(1 << parameter(dut, "ADDR_W"))]
    shown = Shown()
    start_clock(dut)
    await reset(dut, "start", "m_axis_tready")
    answer(dut, dut.read_addr, shown, words.__getitem__)
    for _ in range(3):
        await pulse(dut, "start")
        got: list[int] = []
        while int(dut.busy.value):
            ready = generator.random() < share
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
