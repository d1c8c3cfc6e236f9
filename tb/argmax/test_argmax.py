# SPDX-License-Identifier: Apache-2.0
"""argmax: the winner on the last beat, the lowest class on a tie, negative logits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles

from wsfracbnn.tb.common.bench import Bench, Traffic, corner_values, pack, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"CLASSES": 10},
    {"CLASSES": 2},
    {"CLASSES": 100},
]


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def names_the_largest_logit(dut: Any, traffic: Traffic) -> None:
    classes = parameter(dut, "CLASSES")
    generator = seeded()
    bench = Bench(dut)
    frames = [corner_values(32, generator, classes) for _ in range(10)]
    for frame in frames:
        generator.shuffle(frame)
    frames += [[-5] * classes, [generator.randint(-2, 2) for _ in range(classes)]]  # ties
    frames += [[-(1 << 31)] * classes]

    async def drive() -> None:
        bench.send([pack([logit], 32) for frame in frames for logit in frame])
        for number, frame in enumerate(frames):
            beats = await bench.frame()
            same(f"frame {number} logits", [pack([logit], 32) for logit in frame], list(beats.tdata))
            users = beats.tuser if isinstance(beats.tuser, list) else [beats.tuser] * classes
            same(f"frame {number} winner", [0] * (classes - 1) + [frame.index(max(frame))], list(users))
        await bench.quiet()

    await bench.run(traffic, drive, cycles=len(frames) * classes + 1)


@cocotb.test()
async def takes_a_logit_before_anybody_asks_for_one(dut: Any) -> None:
    bench = Bench(dut)
    bench.sinks["m_axis"].pause = True
    await bench.reset()
    bench.send([5])
    await ClockCycles(dut.clk, 5)
    same("a logit waits", 1, int(dut.m_axis_tvalid.value))


def test_argmax(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "argmax", Path(__file__), block[1])
