# SPDX-License-Identifier: Apache-2.0
"""reply_builder: replies byte by byte, results with the logits that the accelerator gives, all with their checksum."""

from __future__ import annotations

import random
import struct
import zlib
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiStreamFrame

from wsfracbnn.gen.boards.protocol import Reply
from wsfracbnn.gen.locations import BOARD_RTL, RTL
from wsfracbnn.tb.common.bench import Bench, Traffic, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

INFO = 0x0F0E0D0C0B0A09C0DB0706050403020100

GRID = [
    {"INFO_BYTES": 16, "INFO": INFO & ((1 << 128) - 1), "CLASS_W": 4},
    {"INFO_BYTES": 2, "INFO": 0xC0DB, "CLASS_W": 1},
    {"INFO_BYTES": 5, "INFO": 0x11223344FF, "CLASS_W": 16},
]

EXTREMES = (0, -1, 1, (1 << 31) - 1, -(1 << 31), 0x00C0DB00)


class Builder:
    """The block, with a stream of replies that are due and one of logits."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.bench = Bench(dut, sources=("s_reply", "s_axis"))
        self.info = parameter(dut, "INFO").to_bytes(parameter(dut, "INFO_BYTES"), "little")
        self.class_w = parameter(dut, "CLASS_W")

    def due(self, code: int, sequence: int) -> None:
        self.bench.send([code << 8 | sequence], "s_reply")

    def logits(self, logits: list[int], winner: int, generator: random.Random) -> None:
        """What an accelerator gives; the class counts on the last beat alone."""
        others = [generator.getrandbits(self.class_w) for _ in logits[1:]]
        beats = [value & 0xFFFFFFFF for value in logits]
        self.bench.sources["s_axis"].send_nowait(AxiStreamFrame(beats, tuser=[*others, winner]))

    async def expect(self, what: str, code: int, sequence: int, payload: bytes = b"") -> None:
        data = bytes((code, sequence)) + payload
        frame = await self.bench.frame()
        same(what, list(data + zlib.crc32(data).to_bytes(4, "little")), list(frame.tdata))


def payload_of(logits: list[int], winner: int) -> bytes:
    """Logits in four bytes each, the class in two, low byte first."""
    return struct.pack(f"<{len(logits)}iH", *logits, winner)


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def replies_are_whole_and_in_order(dut: Any, traffic: Traffic) -> None:
    builder = Builder(dut)

    async def drive() -> None:
        generator = seeded()
        expected = []
        for sequence in range(40):
            code = generator.choice((Reply.INFO, Reply.RESULT, *list(Reply)[2:]))
            payload = builder.info if code == Reply.INFO else b""
            builder.due(code, sequence)
            if code == Reply.RESULT:
                count = generator.randint(1, 12)
                logits = [generator.choice((*EXTREMES, generator.getrandbits(31))) for _ in range(count)]
                winner = generator.getrandbits(builder.class_w)
                builder.logits(logits, winner, generator)
                payload = payload_of(logits, winner)
            expected.append((code, sequence, payload))
        for code, sequence, payload in expected:
            await builder.expect(f"reply {sequence}", code, sequence, payload)
        await builder.bench.quiet()

    await builder.bench.run(traffic, drive)


@cocotb.test()
async def a_result_waits_for_the_accelerator_and_those_behind_wait_with_it(dut: Any) -> None:
    generator = seeded()
    builder = Builder(dut)
    await builder.bench.reset()
    builder.due(Reply.RESULT, 1)
    builder.due(Reply.CHECKSUM, 2)
    await builder.bench.quiet(200)
    builder.logits([5, -6], 1, generator)
    await builder.expect("the result", Reply.RESULT, 1, payload_of([5, -6], 1))
    await builder.expect("the error behind", Reply.CHECKSUM, 2)


@cocotb.test()
async def logits_wait_until_their_result_is_due(dut: Any) -> None:
    generator = seeded()
    builder = Builder(dut)
    await builder.bench.reset()
    builder.logits([7, 8, 9], 1, generator)
    builder.due(Reply.INFO, 1)
    await builder.expect("INFO", Reply.INFO, 1, builder.info)
    await builder.bench.quiet(100)
    builder.due(Reply.RESULT, 2)
    await builder.expect("the result", Reply.RESULT, 2, payload_of([7, 8, 9], 1))


@cocotb.test()
async def a_result_of_many_classes_is_whole(dut: Any) -> None:
    """More bytes than the counter of bytes counts."""
    generator = seeded()
    builder = Builder(dut)
    await builder.bench.reset()
    logits = [generator.getrandbits(32) - (1 << 31) for _ in range(130)]
    builder.due(Reply.RESULT, 255)
    builder.logits(logits, 1, generator)
    await builder.expect("the result", Reply.RESULT, 255, payload_of(logits, 1))


@cocotb.test()
async def a_reset_forgets_the_reply(dut: Any) -> None:
    generator = seeded()
    builder = Builder(dut)
    await builder.bench.reset()
    for cycles in range(1, 16, 2):
        builder.due(Reply.RESULT, 1)
        builder.logits([1, 2], 0, generator)
        await ClockCycles(dut.clk, cycles)
        await builder.bench.reset(cycles=1)
        builder.due(Reply.LATE, cycles)
        await builder.expect(f"after {cycles} cycles and a reset", Reply.LATE, cycles)
        await builder.bench.quiet()


def test_reply_builder(block: tuple[str, dict[str, int]]) -> None:
    sources = [BOARD_RTL / "reply_builder.v", RTL / "crc32_byte.v"]
    run_block(block[0], "reply_builder", Path(__file__), block[1], sources=sources)
