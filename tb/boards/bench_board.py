# SPDX-License-Identifier: Apache-2.0
"""Inside the simulator: a board's pins on one side, the host program on a pseudo-terminal on the other.

`WSFRACBNN_BOARD` holds, as JSON, what test_board_top.py wants: the baud rate, the oscillator's frequency, the host's
command, environment and log, what goes wrong on the line, and the clock's period.
"""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import tty
from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge, Timer, with_timeout
from cocotbext.uart import UartSink, UartSource

from wsfracbnn.model.supervise import Child

WANTED: dict[str, Any] = json.loads(os.environ["WSFRACBNN_BOARD"])

OSCILLATOR_PS = 2 * round(5e11 / WANTED["oscillator_hz"])
"""A period; its halves are whole picoseconds."""

STEP_US = 2
"""Simulated time between two looks at the pseudo-terminal."""

SILENCE_US = 200
"""Of simulated time without a byte after which the board has nothing to say, more than an image takes it."""

GLANCE_S = 0.05
"""How long one look for the host's next bytes waits, while the simulation stands."""


class Damage:
    """A bit of some bytes each way, by their numbers, is wrong."""

    def __init__(self) -> None:
        self.flips: dict[str, list[int]] = WANTED.get("flips", {})
        self.counts = dict.fromkeys(self.flips, 0)

    def __call__(self, way: str, data: bytes) -> bytes:
        damaged = bytearray(data)
        for index in range(len(data)):
            if self.counts.get(way, 0) + index in self.flips.get(way, ()):
                damaged[index] ^= 0x10
        if way in self.counts:
            self.counts[way] += len(data)
        return bytes(damaged)


def read_now(master: int, host: Child, *, wait: bool) -> bytes:
    """What the host has written; with `wait` its next bytes, or none when it has ended.

    While this waits the simulation stands: a computer takes seconds to start, which are millions of cycles.
    """
    while True:
        readable, _, _ = select.select([master], [], [], GLANCE_S if wait else 0)
        if readable:
            return os.read(master, 4096)
        if not wait or host.poll() is not None:
            return b""


@cocotb.test()
async def the_host_program_gets_its_results_through_the_pins(dut: Any) -> None:
    """Bytes pass between pins and pseudo-terminal, some of them damaged, until the host program ends."""
    dut.rx.value = 1
    Clock(dut.clk_in, OSCILLATOR_PS, unit="ps", impl="gpi").start()
    source, sink = UartSource(dut.rx, baud=WANTED["baud"]), UartSink(dut.tx, baud=WANTED["baud"])
    for end in (source, sink):
        end.log.setLevel("WARNING")
    damage = Damage()
    source.write_nowait(bytes.fromhex(WANTED["noise"]))
    master, slave = pty.openpty()
    tty.setraw(slave)
    command = [part.replace("{port}", os.ttyname(slave)) for part in WANTED["host"]]
    log = Path(WANTED["host_log"])
    with (
        log.open("wb") as printed,
        Child(command, stdout=printed, stderr=subprocess.STDOUT, env=WANTED["host_env"]) as host,
    ):
        quiet_us = 0
        while host.poll() is None:
            received = read_now(master, host, wait=quiet_us > SILENCE_US)
            if received:
                source.write_nowait(damage("requests", received))
            sent = bytes(sink.read_nowait())
            if sent:
                os.write(master, damage("replies", sent))
            quiet_us = 0 if received or sent or not source.idle() else quiet_us + STEP_US
            await Timer(STEP_US, "us")
        assert host.returncode == 0, log.read_text()


@cocotb.test()
async def the_clock_has_its_frequency(dut: Any) -> None:
    """What the model of the PLL makes of the dividers is the clock that the board's numbers were computed for."""
    dut.rx.value = 1
    Clock(dut.clk_in, OSCILLATOR_PS, unit="ps", impl="gpi").start()
    await with_timeout(RisingEdge(dut.good), 1, "ms")
    await RisingEdge(dut.clk)
    begin = cocotb.utils.get_sim_time("ps")
    for _ in range(100):
        await RisingEdge(dut.clk)
    period = (cocotb.utils.get_sim_time("ps") - begin) / 100
    assert abs(period / WANTED["clock_ps"] - 1) < 0.001, period
