# SPDX-License-Identifier: Apache-2.0
"""uart_receiver: bytes at once behind each other and at a rate that is off, a line held low, a glitch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, ReadOnly, RisingEdge
from cocotbext.uart import UartSource

from wsfracbnn.gen.locations import BOARD_RTL
from wsfracbnn.tb.common.bench import CLOCK_NS, parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [{"DIVISOR": 16}, {"DIVISOR": 8}, {"DIVISOR": 75}]


class Receiver:
    """The block with all that it says."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.received: list[int] = []
        self.broken = 0

    async def start(self) -> None:
        self.dut.rx.value = 1
        self.dut.rst.value = 1
        start_clock(self.dut)
        await ClockCycles(self.dut.clk, 3)
        self.dut.rst.value = 0
        cocotb.start_soon(self._listen())

    async def _listen(self) -> None:
        while True:
            await RisingEdge(self.dut.clk)
            await ReadOnly()
            if self.dut.valid.value == 1:
                self.received.append(int(self.dut.data.value))
            self.broken += int(self.dut.broken.value)

    async def send(self, data: bytes, rate: float = 1.0) -> None:
        """Bytes without a pause, by another's transmitter at `rate` times the baud rate."""
        source = UartSource(self.dut.rx, baud=rate * 1e9 / (CLOCK_NS * parameter(self.dut, "DIVISOR")))
        source.log.setLevel("WARNING")
        source.write_nowait(data)
        await source.wait()
        await ClockCycles(self.dut.clk, 2 * parameter(self.dut, "DIVISOR"))

    async def hold(self, level: int, bits: float) -> None:
        await RisingEdge(self.dut.clk)
        self.dut.rx.value = level
        await ClockCycles(self.dut.clk, round(bits * parameter(self.dut, "DIVISOR")))


@cocotb.test()
@cocotb.parametrize(rate=[1.0, 0.985, 1.015])
async def every_byte_arrives(dut: Any, rate: float) -> None:
    receiver = Receiver(dut)
    await receiver.start()
    data = bytes([0, 255, 0x55, 0xAA, 1, 128]) + seeded().randbytes(30)
    await receiver.send(data, rate)
    same("bytes", (list(data), 0), (receiver.received, receiver.broken))


@cocotb.test()
async def a_line_held_low_is_one_broken_byte_and_the_next_is_whole(dut: Any) -> None:
    receiver = Receiver(dut)
    await receiver.start()
    for number, bits in enumerate((10, 23.5, 57), start=1):
        await receiver.hold(0, bits)
        await receiver.hold(1, 3)
        same("broken", ([], number), (receiver.received, receiver.broken))
    await receiver.send(b"\xc0\x37")
    same("bytes", ([0xC0, 0x37], 3), (receiver.received, receiver.broken))


@cocotb.test()
async def a_glitch_is_no_byte(dut: Any) -> None:
    receiver = Receiver(dut)
    await receiver.start()
    for _ in range(4):
        await receiver.hold(0, 0.25)
        await receiver.hold(1, 12)
    same("bytes", ([], 0), (receiver.received, receiver.broken))


@cocotb.test()
async def a_reset_drops_the_byte_that_is_arriving(dut: Any) -> None:
    receiver = Receiver(dut)
    await receiver.start()
    for bits in (0.7, 1.5, 4.5, 8.9):
        await receiver.hold(0, bits)
        dut.rst.value = dut.rx.value = 1
        await ClockCycles(dut.clk, 1)
        dut.rst.value = 0
        await receiver.hold(1, 12)
        same(f"after {bits} bits", ([], 0), (receiver.received, receiver.broken))
        await receiver.send(b"\x5a")
        same(f"behind {bits} bits", ([0x5A], 0), (receiver.received, receiver.broken))
        receiver.received.clear()


def test_uart_receiver(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "uart_receiver", Path(__file__), block[1], sources=[BOARD_RTL / "uart_receiver.v"])
