# SPDX-License-Identifier: Apache-2.0
"""stream_upsize: FACTOR narrow beats to a wide one, low bits first; reset drops a partial word."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from wsfracbnn.tb.common.bench import Bench, Traffic, pack, parameter, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 8, "FACTOR": 4},
    {"WIDTH": 16, "FACTOR": 1},
    {"WIDTH": 3, "FACTOR": 16},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def gathers_narrow_beats(dut: Any, traffic: Traffic) -> None:
    width, factor = parameter(dut, "WIDTH"), parameter(dut, "FACTOR")
    generator = seeded()
    bench = Bench(dut)
    words = [[generator.getrandbits(width) for _ in range(factor)] for _ in range(60)]

    async def drive() -> None:
        bench.send([beat for word in words for beat in word])
        await bench.expect([pack(word, width) for word in words], width, factor, signed=False)
        await bench.quiet()

    await bench.run(traffic, drive, cycles=len(words) * factor + 1)


@cocotb.test()
async def reset_drops_a_word_in_part(dut: Any) -> None:
    width, factor = parameter(dut, "WIDTH"), parameter(dut, "FACTOR")
    bench = Bench(dut)
    for beats in range(factor):
        await bench.reset(cycles=1)
        bench.send([0] * beats)
        await ClockCycles(dut.clk, beats + 4)
        await bench.reset(cycles=1)
        word = [seeded().getrandbits(width) for _ in range(factor)]
        bench.send(word)
        await bench.expect([pack(word, width)], width, factor, signed=False)
        await bench.quiet(5)


def test_stream_upsize(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "stream_upsize", Path(__file__), block[1])
