# SPDX-License-Identifier: Apache-2.0
"""What the benches of rtl/sequential/ share: its blocks have no streams, they are watched cycle by cycle."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

from wsfracbnn.gen.locations import RTL, SEQUENTIAL_RTL
from wsfracbnn.tb.common.bench import start_clock
from wsfracbnn.tb.common.monitor import Monitor
from wsfracbnn.tb.common.runner import run_block

SOURCES = (*sorted(RTL.glob("*.v")), *sorted(SEQUENTIAL_RTL.glob("*.v")))


def run_sequential(block: tuple[str, dict[str, int]], module: str, bench: Path) -> None:
    """Simulate a block of rtl/sequential/ at a point of its grid."""
    run_block(block[0], module, bench, block[1], sources=SOURCES)


def start_watched(dut: Any) -> None:
    """The clock of a block, and the monitor of its streams."""
    start_clock(dut)
    Monitor(dut)


async def reset(dut: Any, *idle: str) -> None:
    """A reset of one cycle with these inputs at 0; begins and ends between two edges."""
    for name in idle:
        getattr(dut, name).value = 0
    dut.rst.value = 1
    await FallingEdge(dut.clk)
    dut.rst.value = 0


async def cut_off(dut: Any, generator: random.Random, *idle: str, longest: int = 60) -> None:
    """Some cycles of work, and a reset of one cycle."""
    for _ in range(generator.randint(1, longest)):
        await FallingEdge(dut.clk)
    await reset(dut, *idle)


async def pulse(dut: Any, name: str) -> None:
    """One cycle of an input; begins and ends between two edges."""
    getattr(dut, name).value = 1
    await FallingEdge(dut.clk)
    getattr(dut, name).value = 0


def answer(dut: Any, addr: Any, data: Any, read: Callable[[int], int]) -> None:
    """A memory that answers two cycles after its address; what it holds is asked for by `read`."""

    async def run() -> None:
        under_way = [0]
        while True:
            await RisingEdge(dut.clk)
            under_way.append(read(int(addr.value)) if addr.value.is_resolvable else 0)
            data.value = under_way.pop(0)

    cocotb.start_soon(run())
