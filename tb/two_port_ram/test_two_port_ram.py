# SPDX-License-Identifier: Apache-2.0
"""two_port_ram: words come two cycles after their address, as they were written last."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import parameter, same, seeded
from wsfracbnn.tb.common.sequential import run_sequential, start_watched

GRID = [
    {"WIDTH": 16, "WORDS": 1024},
    {"WIDTH": 1, "WORDS": 2},
    {"WIDTH": 33, "WORDS": 100},
]


@cocotb.test()
async def reads_what_was_written(dut: Any) -> None:
    width, words = parameter(dut, "WIDTH"), parameter(dut, "WORDS")
    generator = seeded()
    start_watched(dut)
    held: dict[int, int] = {}
    expected: list[int | None] = [None]
    await FallingEdge(dut.clk)
    for cycle in range(4 * words + 200):
        addr = cycle % words if cycle < words else generator.randrange(words)
        writes = cycle < words or generator.random() < 0.5
        word = generator.getrandbits(width)
        read = generator.choice([a for a in range(words) if a != addr or not writes])
        dut.write.value, dut.write_addr.value, dut.write_data.value = int(writes), addr, word
        dut.read_addr.value = read
        expected.append(held.get(read))
        if writes:
            held[addr] = word
        await FallingEdge(dut.clk)
        due = expected.pop(0)
        if due is not None:
            same(f"cycle {cycle}", due, int(dut.read_data.value))


def test_two_port_ram(block: tuple[str, dict[str, int]]) -> None:
    run_sequential(block, "two_port_ram", Path(__file__))
