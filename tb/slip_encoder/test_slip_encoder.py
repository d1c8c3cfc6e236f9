# SPDX-License-Identifier: Apache-2.0
"""slip_encoder: frames of any bytes as RFC 1055 has them, whatever either end does to the stream."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge

from wsfracbnn.gen.locations import BOARD_RTL
from wsfracbnn.tb.common.bench import Bench, Traffic, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID: list[dict[str, int]] = [{}]


def encoded(frame: bytes) -> bytes:
    """END, the frame with ESC and END replaced, END."""
    return b"\xc0" + frame.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc") + b"\xc0"


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def frames_are_escaped(dut: Any, traffic: Traffic) -> None:
    generator = seeded()
    bench = Bench(dut)
    frames = [b"\xc0", b"\xdb", b"\xdc", b"\xc0\xdb\xc0\xdb", b"\xdb\xdc\xdb\xdd", bytes(range(256))]
    frames += [bytes(generator.choice((0xC0, 0xDB, 0xDC, 0xDD, 0)) for _ in range(n)) for n in range(1, 30)]

    async def drive() -> None:
        for frame in frames:
            bench.send(list(frame))
        await bench.expect(list(b"".join(map(encoded, frames))))
        await bench.quiet()

    await bench.run(traffic, drive)


@cocotb.test()
async def what_is_offered_stays_until_it_is_taken(dut: Any) -> None:
    """A line that takes its time gets each byte once: both ENDs, both halves of a pair."""
    bench = Bench(dut, sinks=())
    dut.m_axis_tready.value = 0
    await bench.reset()
    frame = b"\x01\xc0\x02\xdb"
    bench.send(list(frame))
    for number, byte in enumerate(encoded(frame)):
        for _ in range(3):
            await ClockCycles(dut.clk, 2)
            await FallingEdge(dut.clk)
            offered = int(dut.m_axis_tvalid.value), int(dut.m_axis_tdata.value)
            same(f"byte {number}, offered", (1, byte), offered)
        dut.m_axis_tready.value = 1
        await FallingEdge(dut.clk)
        dut.m_axis_tready.value = 0
    await ClockCycles(dut.clk, 5)
    await FallingEdge(dut.clk)
    same("offered behind the frame", 0, int(dut.m_axis_tvalid.value))


@cocotb.test()
async def a_reset_begins_a_frame_anew(dut: Any) -> None:
    bench = Bench(dut)
    for cut in range(1, 7):
        await bench.reset()
        bench.send(list(b"\x11\xdb\x22\xc0\x33"))
        await bench.expect(list(encoded(b"\x11\xdb\x22\xc0\x33"))[:cut])
        await bench.reset(cycles=1)
        bench.send([0x44])
        await bench.expect(list(encoded(b"\x44")))
        await bench.quiet()


def test_slip_encoder(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "slip_encoder", Path(__file__), block[1], sources=[BOARD_RTL / "slip_encoder.v"])
