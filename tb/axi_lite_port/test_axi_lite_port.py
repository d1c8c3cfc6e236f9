# SPDX-License-Identifier: Apache-2.0
"""axi_lite_port: every write reaches its register once, with its strobes; every read gets its register's value."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster

from wsfracbnn.gen.locations import SOC_RTL
from wsfracbnn.tb.common.bench import SEED, Bench, parameter, same, seeded, stalls
from wsfracbnn.tb.common.runner import run_block

GRID = [{"ADDR_W": 6}, {"ADDR_W": 3}, {"ADDR_W": 12}]


class Registers:
    """A memory behind the port, written byte by byte as the strobes say."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.words = [0x1000_0000 + number for number in range(1 << (parameter(dut, "ADDR_W") - 2))]
        self.writes = 0
        cocotb.start_soon(self._write())
        cocotb.start_soon(self._read())

    async def _write(self) -> None:
        dut = self.dut
        while True:
            await RisingEdge(dut.clk)
            if dut.write.value == 1 and dut.rst.value == 0:
                word, data, strobes = int(dut.write_word.value), int(dut.write_data.value), int(dut.write_strb.value)
                mask = sum(0xFF << (8 * byte) for byte in range(4) if strobes >> byte & 1)
                self.words[word] = self.words[word] & ~mask | data & mask
                self.writes += 1
                self._show()

    async def _read(self) -> None:
        while True:
            await self.dut.read_word.value_change
            self._show()

    def _show(self) -> None:
        """What a register that is asked for holds is there at once."""
        if self.dut.read_word.value.is_resolvable:
            self.dut.read_data.value = self.words[int(self.dut.read_word.value)]


def new_master(dut: Any, stalled: bool) -> AxiLiteMaster:
    """The bus's other end; with stalls on all five channels."""
    master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), dut.clk, dut.rst)
    write, read = master.write_if, master.read_if
    channels = (write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel)
    for number, channel in enumerate(channels):
        channel.log.setLevel("WARNING")
        if stalled:
            channel.set_pause_generator(stalls(SEED + number))
    write.log.setLevel("WARNING")
    read.log.setLevel("WARNING")
    return master


@cocotb.test()
@cocotb.parametrize(stalled=[False, True])
async def writes_and_reads_arrive(dut: Any, stalled: bool) -> None:
    """Whole words, single bytes and halves; what is read is what all writes before have left."""
    generator = seeded()
    bench = Bench(dut, sources=(), sinks=())
    dut.read_data.value = 0
    master = new_master(dut, stalled)
    await bench.reset()
    registers = Registers(dut)
    size = 4 * len(registers.words)
    image = bytearray(b"".join(word.to_bytes(4, "little") for word in registers.words))
    writes = 0
    for _ in range(60):
        length = generator.choice((1, 2, 4))
        address = generator.randrange(0, size, length)
        data = generator.randbytes(length)
        await master.write(address, data)
        writes += 1
        image[address : address + length] = data
        word = generator.choice((address // 4, generator.randrange(size // 4)))
        got = await master.read(4 * word, 4)
        same(f"word {word}", image[4 * word : 4 * word + 4].hex(), got.data.hex())
    same("writes", writes, registers.writes)


@cocotb.test()
async def reads_and_writes_go_on_at_once(dut: Any) -> None:
    """Many of each under way: one write pulse each, every answer OKAY."""
    bench = Bench(dut, sources=(), sinks=())
    dut.read_data.value = 0
    master = new_master(dut, True)
    await bench.reset()
    registers = Registers(dut)
    last = len(registers.words) - 1
    tasks = [cocotb.start_soon(master.write(4 * (n % last if last else 0), bytes([n] * 4))) for n in range(20)]
    reads = [cocotb.start_soon(master.read(4 * last, 4)) for _ in range(20)]
    for task in tasks:
        same("write response", 0, int((await task).resp))
    for task in reads:
        answer = await task
        same("read response", 0, int(answer.resp))
    same("writes", 20, registers.writes)


@cocotb.test()
async def a_reset_drops_what_is_under_way(dut: Any) -> None:
    generator = seeded()
    bench = Bench(dut, sources=(), sinks=())
    registers = Registers(dut)
    master = new_master(dut, stalled=True)
    await bench.reset()
    for _ in range(12):
        work = [cocotb.start_soon(master.write_dword(0, 1)), cocotb.start_soon(master.read_dword(4))]
        await ClockCycles(dut.clk, generator.randint(1, 12))
        for task in work:
            task.cancel()
        await bench.reset(cycles=1)
        value = generator.getrandbits(32)
        await master.write_dword(4, value)
        same("register written", value, registers.words[1])
        same("register read", value, await master.read_dword(4))


def test_axi_lite_port(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "axi_lite_port", Path(__file__), block[1], sources=[SOC_RTL / "axi_lite_port.v"])
