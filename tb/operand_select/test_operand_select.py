# SPDX-License-Identifier: Apache-2.0
"""operand_select: every chunk of either plane of random windows, taps outside the image 0, a new choice each cycle."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from wsfracbnn.tb.common.bench import parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"SIMD": 18, "CHUNKS": 4},
    {"SIMD": 9, "CHUNKS": 3},
    {"SIMD": 144, "CHUNKS": 1},
]
CHOICES = 200


@cocotb.test()
async def picks_the_chunk_of_the_cycle_before(dut: Any) -> None:
    simd, chunks = parameter(dut, "SIMD"), parameter(dut, "CHUNKS")
    generator = seeded()
    start_clock(dut)
    await FallingEdge(dut.clk)
    for number in range(CHOICES):
        lsb, chunk, taps = generator.getrandbits(1), generator.randrange(chunks), generator.getrandbits(9)
        dut.lsb.value, dut.chunk.value, dut.taps.value = lsb, chunk, taps
        await FallingEdge(dut.clk)
        # The planes come now, with the next choice, which must not matter yet.
        planes = [generator.getrandbits(simd * chunks) for _ in range(2)]
        dut.msb_plane.value, dut.lsb_plane.value = planes
        dut.lsb.value, dut.chunk.value, dut.taps.value = 1 - lsb, generator.randrange(chunks), 0x1FF ^ taps
        await Timer(1, "ns")
        inside = sum((taps >> b % 9 & 1) << b for b in range(simd))
        expected = planes[lsb] >> (chunk * simd) & ((1 << simd) - 1) & inside
        same(
            f"choice {number}: plane {lsb} chunk {chunk} taps {taps:09b}", f"{expected:#x}", f"{int(dut.data.value):#x}"
        )


def test_operand_select(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "operand_select", Path(__file__), block[1])
