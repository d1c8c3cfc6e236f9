# SPDX-License-Identifier: Apache-2.0
"""uart_transmitter: every bit lasts exactly its cycles, and another's receiver reads every byte."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge
from cocotbext.uart import UartSink

from wsfracbnn.gen.locations import BOARD_RTL
from wsfracbnn.tb.common.bench import CLOCK_NS, Bench, Traffic, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [{"DIVISOR": 16}, {"DIVISOR": 2}, {"DIVISOR": 3}, {"DIVISOR": 100}]


def bits_of(byte: int) -> list[int]:
    """Start bit, data from the least significant on, stop bit."""
    return [0, *(byte >> place & 1 for place in range(8)), 1]


async def levels(dut: Any, cycles: int) -> list[int]:
    """The line in so many successive cycles."""
    found = []
    for _ in range(cycles):
        await FallingEdge(dut.clk)
        found.append(int(dut.tx.value))
    return found


@cocotb.test()
async def a_bit_lasts_its_cycles(dut: Any) -> None:
    """The line cycle by cycle, from the first start bit on; between bytes one cycle more of the stop bit's level."""
    divisor = parameter(dut, "DIVISOR")
    bench = Bench(dut, sinks=())
    await bench.reset()
    data = [0x55, 0x00, 0xFF, 0x80, 0x01, *seeded().randbytes(4)]
    same("idle line", [1] * 20, await levels(dut, 20))
    bench.send(data)
    while dut.tx.value == 1:
        await FallingEdge(dut.clk)
    expected = [level for byte in data for level in [*(b for b in bits_of(byte) for _ in range(divisor)), 1]]
    got = [0, *await levels(dut, len(expected) - 1)]
    runs = [(level, len(list(group))) for level, group in groupby(expected)]
    same("levels and their cycles", runs, [(level, len(list(group))) for level, group in groupby(got)])
    same("idle line", [1] * 30, await levels(dut, 30))


@cocotb.test()
@cocotb.parametrize(traffic=[Traffic.FULL, Traffic.STALLED])
async def another_receiver_reads_every_byte(dut: Any, traffic: Traffic) -> None:
    divisor = parameter(dut, "DIVISOR")
    bench = Bench(dut, sinks=())
    bench.flow(traffic)
    sink = UartSink(dut.tx, baud=1e9 / (CLOCK_NS * divisor))
    sink.log.setLevel("WARNING")
    await bench.reset()
    data = bytes(range(0, 256, 7)) + seeded().randbytes(20)
    bench.send(list(data))
    await ClockCycles(dut.clk, (11 * divisor + 20) * len(data))
    same("bytes", list(data), list(sink.read_nowait()))


@cocotb.test()
async def a_reset_idles_the_line_and_the_next_byte_is_whole(dut: Any) -> None:
    divisor = parameter(dut, "DIVISOR")
    bench = Bench(dut, sinks=())
    for cycles in (1, divisor, 4 * divisor + 1, 9 * divisor):
        await bench.reset()
        bench.send([0x00])
        while dut.tx.value == 1:
            await FallingEdge(dut.clk)
        await ClockCycles(dut.clk, cycles)
        await bench.reset(cycles=1)
        same("idle line", [1] * 12 * divisor, await levels(dut, 12 * divisor))
        bench.send([0x5A])
        while dut.tx.value == 1:
            await FallingEdge(dut.clk)
        got = [0, *await levels(dut, 10 * divisor - 1)]
        same("byte", [level for level in bits_of(0x5A) for _ in range(divisor)], got)


def test_uart_transmitter(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "uart_transmitter", Path(__file__), block[1], sources=[BOARD_RTL / "uart_transmitter.v"])
