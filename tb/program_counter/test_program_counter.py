# SPDX-License-Identifier: Apache-2.0
"""program_counter: instructions in order, each behind the work and drain of the one before, the first with an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import parameter, same, seeded
from wsfracbnn.tb.common.sequential import reset, run_sequential, start_watched

GRID = [
    {"INSTRUCTIONS": 5, "DRAIN": 7},
    {"INSTRUCTIONS": 2, "DRAIN": 1},
    {"INSTRUCTIONS": 8, "DRAIN": 30},
]


@cocotb.test()
async def runs_the_program_for_each_image(dut: Any) -> None:
    instructions, drain = parameter(dut, "INSTRUCTIONS"), parameter(dut, "DRAIN")
    generator = seeded()
    start_watched(dut)
    await reset(dut, "image", "busy")
    for image in range(5):
        for _ in range(generator.randint(0, 20)):
            await FallingEdge(dut.clk)
            same(f"start without image {image}", (0, 0), (int(dut.start.value), int(dut.number.value)))
        dut.image.value = 1
        for number in range(instructions):
            where = f"image {image} instruction {number}"
            await FallingEdge(dut.clk)
            same(f"{where} begins", (1, number), (int(dut.start.value), int(dut.number.value)))
            dut.busy.value = 1
            for _ in range(generator.randint(1, 20)):
                await FallingEdge(dut.clk)
                same(f"{where} begins again", 0, int(dut.start.value))
            dut.busy.value = 0
            for cycle in range(drain + 1):
                await FallingEdge(dut.clk)
                last = cycle == drain
                same(f"{where} drains", (0, number), (int(dut.start.value), int(dut.number.value)))
                same(f"{where} is done", int(number == 0 and last), int(dut.first_done.value))
                if last:
                    dut.image.value = 0
            await FallingEdge(dut.clk)


@cocotb.test()
async def reset_begins_with_the_next_image(dut: Any) -> None:
    start_watched(dut)
    await reset(dut, "image", "busy")
    dut.image.value = 1
    while int(dut.number.value) == 0:
        await FallingEdge(dut.clk)
    dut.image.value = 0
    await reset(dut)
    for _ in range(5):
        await FallingEdge(dut.clk)
        same("instruction", (0, 0), (int(dut.start.value), int(dut.number.value)))


def test_program_counter(block: tuple[str, dict[str, int]]) -> None:
    run_sequential(block, "program_counter", Path(__file__))
