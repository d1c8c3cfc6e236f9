# SPDX-License-Identifier: Apache-2.0
"""stream_register: every beat once and in order, one a cycle, and no path from ready to ready."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from wsfracbnn.tb.common.bench import Bench, Traffic, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [{"WIDTH": 8}, {"WIDTH": 1}, {"WIDTH": 37}]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def passes_every_beat(dut: Any, traffic: Traffic) -> None:
    width = parameter(dut, "WIDTH")
    generator = seeded()
    bench = Bench(dut)
    beats = [generator.getrandbits(width) for _ in range(300)]

    async def drive() -> None:
        bench.send(beats)
        await bench.expect(beats, width, 1)
        await bench.quiet()

    await bench.run(traffic, drive, cycles=len(beats) + 1)


@cocotb.test()
async def ready_in_does_not_depend_on_ready_out_in_the_same_cycle(dut: Any) -> None:
    bench = Bench(dut, sources=(), sinks=())
    dut.s_axis_tvalid.value = 1
    dut.m_axis_tready.value = 0
    await bench.reset()
    taken = 1
    for cycle in range(20):
        await FallingEdge(dut.clk)
        before = int(dut.s_axis_tready.value), int(dut.m_axis_tvalid.value)
        dut.m_axis_tready.value = 1 - int(dut.m_axis_tready.value)
        dut.s_axis_tvalid.value = int(cycle % 3 != 0 or not taken)
        taken = before[0]
        await Timer(1, "ns")
        same(f"cycle {cycle}", before, (int(dut.s_axis_tready.value), int(dut.m_axis_tvalid.value)))


def test_stream_register(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "stream_register", Path(__file__), block[1])
