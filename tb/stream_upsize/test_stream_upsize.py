# SPDX-License-Identifier: Apache-2.0
"""stream_upsize: FACTOR narrow beats to a wide one, low bits first; reset drops a partial word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from wsfracbnn.tb.common.bench import Bench, pack, parameter, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 8, "FACTOR": 4},
    {"WIDTH": 16, "FACTOR": 1},
    {"WIDTH": 3, "FACTOR": 16},
]


@cocotb.test()
@cocotb.parametrize(stalled=[False, True])
async def gathers_narrow_beats(dut: Any, stalled: bool) -> None:
    width, factor = parameter(dut, "WIDTH"), parameter(dut, "FACTOR")
    generator = seeded()
    bench = Bench(dut)
    await bench.reset()
    bench.send([0] * (factor - 1))  # a word that stays incomplete
    await ClockCycles(dut.clk, factor + 4)
    await bench.reset()
    if stalled:
        bench.stall()
    words = [[generator.getrandbits(width) for _ in range(factor)] for _ in range(60)]
    bench.send([beat for word in words for beat in word])
    await bench.expect([pack(word, width) for word in words], width, factor, signed=False)
    await bench.quiet()


def test_stream_upsize(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "stream_upsize", Path(__file__), block[1])
