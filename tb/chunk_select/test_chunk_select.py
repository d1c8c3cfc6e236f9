# SPDX-License-Identifier: Apache-2.0
"""chunk_select: every chunk of random vectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from wsfracbnn.tb.common.bench import parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"WIDTH": 16, "CHUNKS": 9},
    {"WIDTH": 144, "CHUNKS": 1},
    {"WIDTH": 1, "CHUNKS": 18},
]


@cocotb.test()
async def picks_the_indexed_chunk(dut: Any) -> None:
    width, chunks = parameter(dut, "WIDTH"), parameter(dut, "CHUNKS")
    generator = seeded()
    for _ in range(20):
        vector = generator.getrandbits(width * chunks)
        getattr(dut, "in").value = vector
        for index in range(chunks):
            dut.index.value = index
            await Timer(1, "ns")
            same(f"chunk {index}", vector >> (index * width) & ((1 << width) - 1), int(dut.out.value))


def test_chunk_select(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "chunk_select", Path(__file__), block[1])
