# SPDX-License-Identifier: Apache-2.0
"""Inside the simulator: what stands around a wrapper, a processor's bus and a DMA, and what is expected of it.

`WSFRACBNN_SOC` names the emitted folder. Expected results are its golden vectors.
"""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from cocotb.task import resume
from cocotb.triggers import ClockCycles, Timer, with_timeout
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

from wsfracbnn.gen.soc.registers import REGISTERS
from wsfracbnn.tb.common.bench import CLOCK_NS, PATIENCE_CYCLES, SEED, same, stalls, start_clock
from wsfracbnn.tb.common.monitor import Monitor

FOLDER = Path(os.environ["WSFRACBNN_SOC"])
DESIGN = json.loads((FOLDER / "design.json").read_text())

with np.load(FOLDER / "vectors.npz") as _file:
    IMAGES, LOGITS, CLASSES = (_file[name] for name in ("images", "logits", "classes"))

RESULTS = [[*map(int, logits), int(winner)] for logits, winner in zip(LOGITS, CLASSES, strict=True)]
"""Of each image, as the words of a result."""

OFFSETS = {register.name: register.offset for register in REGISTERS}
LONG_CYCLES = 1200
"""More than an image of this network takes from end to end."""


class System:
    """The wrapper with what stands around it."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        dut.aresetn.value = 0
        start_clock(dut, "aclk")
        reset = (dut.aclk, dut.aresetn, False)
        self.bus = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axi"), *reset)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), *reset)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), *reset)
        write, read = self.bus.write_if, self.bus.read_if
        self.channels = (write.aw_channel, write.w_channel, write.b_channel, read.ar_channel, read.r_channel)
        monitor = Monitor(dut, clock=dut.aclk, reset=dut.aresetn, reset_level=0)
        same("streams that are watched", ["m_axis", "s_axis"], [stream.name for stream in monitor.streams])
        for part in (self.source, self.sink, write, read, *self.channels):
            part.log.setLevel("WARNING")

    async def start(self) -> None:
        """The system's reset, out of step with the clock."""
        await ClockCycles(self.dut.aclk, 5)
        await Timer(3, "ns")
        self.dut.aresetn.value = 1
        await ClockCycles(self.dut.aclk, 10)

    def stall(self) -> None:
        """Random pauses on all seven channels."""
        for number, channel in enumerate((self.source, self.sink, *self.channels)):
            channel.set_pause_generator(stalls(SEED + number))

    async def read(self, name: str) -> int:
        return int.from_bytes((await self.bus.read(OFFSETS[name], 4)).data, "little")

    async def write(self, name: str, value: int) -> None:
        await self.bus.write(OFFSETS[name], value.to_bytes(4, "little"))

    def send(self, data: bytes, keep: list[int] | None = None) -> None:
        """A frame; the last beat as full as there are bytes."""
        self.source.send_nowait(AxiStreamFrame(data, tkeep=keep))

    async def result(self) -> list[int]:
        """The words of the next frame that comes out."""
        frame = await with_timeout(self.sink.recv(), PATIENCE_CYCLES * CLOCK_NS, "ns")
        return [int(word) for word in np.frombuffer(bytes(frame.tdata), "<i4")]

    async def expect(self, *images: int) -> None:
        """The results of these images, and no others before."""
        for place, image in enumerate(images):
            same(f"result {place}, of image {image}", RESULTS[image], await self.result())

    async def settle(self) -> None:
        """Until nothing is on its way."""
        for _ in range(LONG_CYCLES):
            if not await self.read("STATUS") & 1:
                return
        raise AssertionError("the accelerator stays busy")

    async def counts(self) -> dict[str, int]:
        return {name: await self.read(f"FRAMES_{name.upper()}") for name in ("in", "out", "bad", "dropped")}


def image_bytes(index: int) -> bytes:
    """An image as a DMA sends it."""
    return bytes(IMAGES[index].tobytes())


async def new_system(dut: Any) -> System:
    """After its reset."""
    system = System(dut)
    await system.start()
    return system


class SimulatedRegisters:
    """What a driver reads and writes, on the simulated bus."""

    def __init__(self, system: System) -> None:
        self.system = system

    @resume
    async def read(self, offset: int) -> int:
        return int.from_bytes((await self.system.bus.read(offset, 4)).data, "little")

    @resume
    async def write(self, offset: int, value: int) -> None:
        await self.system.bus.write(offset, int(value).to_bytes(4, "little"))


class SimulatedDma:
    """PYNQ's DMA, as far as a driver uses it: both channels."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.got: Any = None
        self.sendchannel = self.recvchannel = self

    def transfer(self, array: Any) -> None:
        """Bytes are sent, words are waited for."""
        if array.dtype == np.uint8:
            self._send(bytes(array))
        else:
            self.got = array

    @resume
    async def _send(self, data: bytes) -> None:
        self.system.send(data)

    @resume
    async def wait(self) -> None:
        if self.system.source.empty() and self.system.source.idle():
            self.got[:] = await self.system.result()
        else:
            await self.system.source.wait()


def driver() -> Any:
    """The emitted module."""
    spec = importlib.util.spec_from_file_location("accelerator", FOLDER / "driver" / "accelerator.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
