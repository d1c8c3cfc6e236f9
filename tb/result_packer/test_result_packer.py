# SPDX-License-Identifier: Apache-2.0
"""result_packer: logits in order, then the class, in one frame of bytes, words or pairs of words."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiStreamFrame

from wsfracbnn.gen.locations import SOC_RTL
from wsfracbnn.tb.common.bench import Bench, Traffic, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"OUT_BYTES": 8, "CLASS_W": 4},
    {"OUT_BYTES": 4, "CLASS_W": 1},
    {"OUT_BYTES": 1, "CLASS_W": 9},
    {"OUT_BYTES": 8, "CLASS_W": 16},
    {"OUT_BYTES": 4, "CLASS_W": 10},
    {"OUT_BYTES": 1, "CLASS_W": 16},
]


async def expect(bench: Bench, number: int, logits: list[int], winner: int) -> None:
    """A result's bytes, those of a last half beat included."""
    frame = await bench.frame()
    same(f"result {number}", struct.pack(f"<{len(logits)}iI", *logits, winner), frame_bytes(frame))
    kept = list(frame.tkeep) if frame.tkeep is not None else [1] * len(frame.tdata)
    same(f"result {number}: bytes kept, then none", sorted(kept, reverse=True), kept)


def frame_bytes(frame: AxiStreamFrame) -> bytes:
    """The bytes that are kept."""
    kept = frame.tkeep if frame.tkeep is not None else [1] * len(frame.tdata)
    return bytes(byte for byte, keep in zip(frame.tdata, kept, strict=True) if keep)


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def logits_and_class_share_a_frame(dut: Any, traffic: Traffic) -> None:
    generator = seeded()
    bench = Bench(dut)
    frames, results = [], []
    for length in (3, 1, 2, 10, 7, 1, 1, 4):
        logits = [generator.randint(-(1 << 31), (1 << 31) - 1) for _ in range(length)]
        winner = generator.getrandbits(parameter(dut, "CLASS_W"))
        # What stands in tuser before the last beat is nobody's.
        users = [generator.getrandbits(parameter(dut, "CLASS_W")) for _ in range(length - 1)]
        frame = AxiStreamFrame([logit & 0xFFFFFFFF for logit in logits], tuser=[*users, winner])
        frames.append(frame)
        results.append((logits, winner))

    async def drive() -> None:
        for frame in frames:
            bench.sources["s_axis"].send_nowait(AxiStreamFrame(frame))
        for number, (logits, winner) in enumerate(results):
            await expect(bench, number, logits, winner)
        await bench.quiet()

    await bench.run(traffic, drive)


@cocotb.test()
async def a_reset_drops_half_a_result(dut: Any) -> None:
    generator = seeded()
    bench = Bench(dut)
    for cut in range(1, 8):
        await bench.reset()
        bench.sources["s_axis"].send_nowait(AxiStreamFrame([generator.getrandbits(32) for _ in range(20)], tuser=1))
        await ClockCycles(dut.clk, cut)
        await bench.reset(cycles=1)
        bench.sources["s_axis"].send_nowait(AxiStreamFrame([5, 0xFFFFFFFF, 7], tuser=1))
        await expect(bench, cut, [5, -1, 7], 1)


@cocotb.test()
async def half_a_beat_is_taken_before_anybody_asks_for_one(dut: Any) -> None:
    bench = Bench(dut)
    bench.sinks["m_axis"].pause = True
    await bench.reset()
    bench.sources["s_axis"].send_nowait(AxiStreamFrame([1, 2], tuser=1))
    await ClockCycles(dut.clk, 6)
    same("a beat waits", 1, int(dut.m_axis_tvalid.value))


def test_result_packer(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "result_packer", Path(__file__), block[1], sources=[SOC_RTL / "result_packer.v"])
