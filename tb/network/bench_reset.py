# SPDX-License-Identifier: Apache-2.0
"""Reset contract, in the simulator. The top module is driven by hand: cocotbext-axi leaves out what a reset hides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import same, seeded

PIXELS = 16
CLASSES = 3
PATIENCE_CYCLES = 2_000

CONTROL = ("s_axis_tready", "m_axis_tvalid", "frame_error", "dropped_frames")
DATA = ("m_axis_tdata", "m_axis_tlast", "m_axis_tuser")


@dataclass
class Pins:
    """The top module between two clock edges: pins are set and looked at on the falling one."""

    dut: Any
    results: int = 0

    async def cycle(self, rst: int = 0, valid: int = 0, data: int = 0, last: int = 0) -> dict[str, int]:
        """One cycle; returns what the outputs were in it, all of which are defined.

        The first cycle of the first reset is not for this: nothing is defined before its clock edge.
        """
        self.dut.rst.value = rst
        self.dut.s_axis_tvalid.value = valid
        self.dut.s_axis_tdata.value = data
        self.dut.s_axis_tlast.value = last
        await FallingEdge(self.dut.clk)
        unknown = [name for name in CONTROL if not getattr(self.dut, name).value.is_resolvable]
        same("undefined outputs", [], unknown)
        out = {name: int(getattr(self.dut, name).value) for name in CONTROL}
        if out["m_axis_tvalid"]:
            unknown = [name for name in DATA if not getattr(self.dut, name).value.is_resolvable]
            same("undefined outputs of a beat", [], unknown)
            self.results += 1
        return out

    async def frame(self, pixels: int) -> None:
        """Send a frame, whose pixels are random; each is offered until it is taken."""
        generator = seeded()
        for number in range(pixels):
            data = generator.getrandbits(8)
            # `ready` comes from a register: as it is on the falling edge so it is at the next rising one.
            while not int(self.dut.s_axis_tready.value):
                await self.cycle(valid=1, data=data, last=int(number == pixels - 1))
            await self.cycle(valid=1, data=data, last=int(number == pixels - 1))


async def powered_up(dut: Any) -> Pins:
    """Clock on, no register reset, a source that offers pixels all the while; then a reset of one cycle."""
    Clock(dut.clk, 10, unit="ns").start()
    dut.rst.value = 0
    dut.m_axis_tready.value = 1
    dut.s_axis_tvalid.value = 1
    dut.s_axis_tdata.value = 0
    dut.s_axis_tlast.value = 0
    for _ in range(20):
        await FallingEdge(dut.clk)
    dut.s_axis_tvalid.value = 0
    dut.rst.value = 1
    await FallingEdge(dut.clk)
    return Pins(dut)


def streams(out: dict[str, int]) -> tuple[int, int]:
    """(ready, valid) at the pads."""
    return out["s_axis_tready"], out["m_axis_tvalid"]


@cocotb.test()
async def nothing_leaves_until_an_image_has_come(dut: Any) -> None:
    """After power-up and one cycle of reset the input is ready, and no beat is offered that nobody sent."""
    dut.rst.value = 0
    Clock(dut.clk, 10, unit="ns").start()
    dut.m_axis_tready.value = 1
    dut.s_axis_tvalid.value = 0
    dut.rst.value = 1
    await FallingEdge(dut.clk)
    dut.rst.value = 0
    for name in ("s_axis_tready", "m_axis_tvalid"):
        same(f"{name} is defined after one cycle of reset", True, getattr(dut, name).value.is_resolvable)
    same("ready, valid", (1, 0), (int(dut.s_axis_tready.value), int(dut.m_axis_tvalid.value)))
    await FallingEdge(dut.clk)
    pins = Pins(dut)
    for number in range(200):
        out = await pins.cycle()
        same(f"cycle {number}: ready, valid", (1, 0), streams(out))
        same(f"cycle {number}: errors", (0, 0), (out["frame_error"], out["dropped_frames"]))


@cocotb.test()
@cocotb.parametrize(length=[1, 2, 5])
async def counts_of_before_are_gone_a_cycle_after_the_first(dut: Any, length: int) -> None:
    """A bad frame is counted; the reset's second cycle, or the one after it, shows neither its count nor its error."""
    pins = await powered_up(dut)
    await pins.cycle()
    await pins.frame(PIXELS - 1)
    for _ in range(PATIENCE_CYCLES):
        if (await pins.cycle())["dropped_frames"]:
            break
    same("dropped frames", 1, int(dut.dropped_frames.value))
    same("results of a bad frame", 0, pins.results)
    await pins.frame(3)
    for number in range(length + 3):
        out = await pins.cycle(rst=int(number < length))
        same(f"cycle {number} of a reset: ready, valid", (1, 0), streams(out))
        if number > 0:
            same(f"cycle {number} of a reset: errors", (0, 0), (out["frame_error"], out["dropped_frames"]))


@cocotb.test()
@cocotb.parametrize(length=[1, 2])
async def first_pixel_after_a_reset_is_taken(dut: Any, length: int) -> None:
    """An image that begins in the first cycle after a reset gives its result, all bits of which are defined."""
    pins = await powered_up(dut)
    for _ in range(length - 1):
        await pins.cycle(rst=1)
    await pins.frame(PIXELS)
    for _ in range(PATIENCE_CYCLES):
        if pins.results == CLASSES:
            break
        await pins.cycle()
    same("logits", CLASSES, pins.results)
    same("dropped frames", 0, int(dut.dropped_frames.value))
