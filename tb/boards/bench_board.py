# SPDX-License-Identifier: Apache-2.0
"""Inside the simulator: a board's pins on one side, the host program on a pseudo-terminal on the other."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import time
import tty
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer, with_timeout
from cocotbext.uart import UartSink, UartSource

BAUD = float(os.environ["BAUD"])
OSCILLATOR_PS = 2 * round(5e11 / float(os.environ["OSCILLATOR_HZ"]))
"""A period; its halves are whole picoseconds."""

STEP_US = 2
"""Simulated time between two looks at the pseudo-terminal."""

SILENCE_US = 20
"""Of simulated time without a byte, after which the simulation waits for the host a little."""


class Damage:
    """What goes wrong on the line: noise before the first byte, then a bit of one byte each way, by its number."""

    def __init__(self) -> None:
        self.flips: dict[str, list[int]] = json.loads(os.environ.get("FLIPS", "{}"))
        self.counts = dict.fromkeys(self.flips, 0)

    def __call__(self, way: str, data: bytes) -> bytes:
        damaged = bytearray(data)
        for index in range(len(data)):
            if self.counts.get(way, 0) + index in self.flips.get(way, ()):
                damaged[index] ^= 0x10
        if way in self.counts:
            self.counts[way] += len(data)
        return bytes(damaged)


@cocotb.test()
async def the_host_program_gets_its_results_through_the_pins(dut: Any) -> None:
    """Bytes pass between pins and pseudo-terminal, some of them damaged, until the host program ends."""
    dut.rx.value = 1
    Clock(dut.clk_in, OSCILLATOR_PS, unit="ps").start()
    source, sink = UartSource(dut.rx, baud=BAUD), UartSink(dut.tx, baud=BAUD)
    for end in (source, sink):
        end.log.setLevel("WARNING")
    damage = Damage()
    source.write_nowait(bytes.fromhex(os.environ.get("NOISE", "")))
    master, slave = pty.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    command = [part.replace("{port}", os.ttyname(slave)) for part in json.loads(os.environ["HOST"])]
    with Path(os.environ["HOST_LOG"]).open("wb") as log:
        host = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=json.loads(os.environ["HOST_ENV"]))
        quiet_us = 0
        while host.poll() is None:
            try:
                received = os.read(master, 4096)
            except BlockingIOError:
                received = b""
            if received:
                source.write_nowait(damage("requests", received))
            sent = bytes(sink.read_nowait())
            if sent:
                os.write(master, damage("replies", sent))
            quiet_us = 0 if received or sent or not source.idle() else quiet_us + STEP_US
            if quiet_us > SILENCE_US:
                time.sleep(0.001)
            await Timer(STEP_US, "us")
    assert host.returncode == 0, Path(os.environ["HOST_LOG"]).read_text()


@cocotb.test(skip="CLOCK_PS" not in os.environ)
async def the_clock_has_its_frequency(dut: Any) -> None:
    """What the model of the PLL makes of the dividers is the clock that the board's numbers were computed for."""
    dut.rx.value = 1
    Clock(dut.clk_in, OSCILLATOR_PS, unit="ps").start()
    await with_timeout(RisingEdge(dut.good), 1, "ms")
    await RisingEdge(dut.clk)
    begin = cocotb.utils.get_sim_time("ps")
    for _ in range(100):
        await RisingEdge(dut.clk)
    period = (cocotb.utils.get_sim_time("ps") - begin) / 100
    assert abs(period / float(os.environ["CLOCK_PS"]) - 1) < 0.001, period
