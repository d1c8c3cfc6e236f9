# SPDX-License-Identifier: Apache-2.0
"""average_walk: streams of random shapes halved in place, against numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import SEED, parameter, same, seeded
from wsfracbnn.tb.common.sequential import answer, cut_off, pulse, reset, run_sequential, start_watched

GRID = [
    {"BITS": 16, "X_W": 9, "SIDE_W": 3, "CHANNEL_W": 4},
    {"BITS": 8, "X_W": 5, "SIDE_W": 2, "CHANNEL_W": 1},
]


@cocotb.test()
async def halves_in_place(dut: Any) -> None:
    bits, room = parameter(dut, "BITS"), 1 << parameter(dut, "X_W")
    generator = np.random.default_rng(SEED)
    held = np.zeros(room, dtype=np.int64)
    start_watched(dut)
    await reset(dut, "start")
    answer(dut, dut.read_addr, dut.read_data, lambda addr: int(held[addr]) % (1 << bits))

    async def write() -> None:
        while True:
            await FallingEdge(dut.clk)
            if int(dut.write.value):
                held[int(dut.write_addr.value)] = dut.write_data.value.to_signed()

    cocotb.start_soon(write())
    tried = 0
    while tried < 12:
        rows, columns = (int(2 * generator.integers(1, 1 + (1 << parameter(dut, "SIDE_W")) // 2)) for _ in range(2))
        channels = int(generator.integers(1, 1 + (1 << parameter(dut, "CHANNEL_W"))))
        if rows * columns * channels > room:
            continue
        tried += 1
        low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        x = generator.integers(low, high + 1, (rows, columns, channels))
        x[0] = generator.choice([low, high, 0], (columns, channels))
        fours = x.reshape(rows // 2, 2, columns // 2, 2, channels).sum(axis=(1, 3))
        expected = np.concatenate([(fours + 2) >> 2] * 2, axis=2).reshape(-1)
        dut.rows.value, dut.columns.value = rows // 2 - 1, columns // 2 - 1
        dut.channels.value, dut.pixel.value, dut.row_turn.value = channels - 1, channels, (columns - 1) * channels
        if tried % 2:
            await pulse(dut, "start")
            await cut_off(dut, seeded())
            same("busy behind a reset", (0, 0), (int(dut.busy.value), int(dut.write.value)))
        held[: x.size] = x.reshape(-1)
        await pulse(dut, "start")
        cycles = 0
        while int(dut.busy.value):
            await FallingEdge(dut.clk)
            cycles += 1
        same("cycles", 4 * fours.size + 4, cycles)
        wrong = np.flatnonzero(held[: expected.size] != expected)
        same(f"{x.shape}: first wrong word", "none", "none" if wrong.size == 0 else int(wrong[0]))


def test_average_walk(block: tuple[str, dict[str, int]]) -> None:
    run_sequential(block, "average_walk", Path(__file__))
