# SPDX-License-Identifier: Apache-2.0
"""stream_fifo: order is kept, exactly DEPTH words fit, reset empties it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from wsfracbnn.tb.common.bench import Bench, Traffic, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 8, "DEPTH": 4},
    {"WIDTH": 5, "DEPTH": 3},
    {"WIDTH": 32, "DEPTH": 2},
    {"WIDTH": 16, "DEPTH": 19},
    {"WIDTH": 9, "DEPTH": 40},
    {"WIDTH": 4, "DEPTH": 4, "BLOCK": 1},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def keeps_words_in_order(dut: Any, traffic: Traffic) -> None:
    generator = seeded()
    bench = Bench(dut)
    words = [generator.getrandbits(parameter(dut, "WIDTH")) for _ in range(200)]

    async def drive() -> None:
        bench.send(words)
        await bench.expect(words)
        await bench.quiet()

    block = parameter(dut, "BLOCK")
    one_word = parameter(dut, "DEPTH") - (2 if block else 1) < 2  # in the memory: half the throughput
    await bench.run(traffic, drive, cycles=None if one_word else len(words) + (3 if block else 2))


@cocotb.test()
async def holds_exactly_its_depth_and_forgets_at_reset(dut: Any) -> None:
    depth = parameter(dut, "DEPTH")
    bench = Bench(dut)
    bench.sinks["m_axis"].pause = True
    await bench.reset()
    bench.send(list(range(1, depth + 4)))
    await ClockCycles(dut.clk, depth + 10)
    # One more word waits at the source's output.
    same("words taken", depth, depth + 3 - bench.sources["s_axis"].count() - 1)
    same("ready when full", 0, int(dut.s_axis_tready.value))
    await bench.reset(cycles=1)
    bench.sinks["m_axis"].pause = False
    bench.send([7])
    await bench.expect([7])
    await bench.quiet()


def test_stream_fifo(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "stream_fifo", Path(__file__), block[1])
