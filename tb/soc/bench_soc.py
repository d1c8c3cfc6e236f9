# SPDX-License-Identifier: Apache-2.0
"""Inside the simulator: the tests of a wrapper; test_soc.py says which."""

from __future__ import annotations

import itertools
from typing import Any

import cocotb
from cocotb.task import bridge
from cocotb.triggers import ClockCycles, RisingEdge, Timer

from wsfracbnn.tb.common.bench import same, seeded
from wsfracbnn.tb.soc.system import (
    CLASSES,
    DESIGN,
    IMAGES,
    LOGITS,
    LONG_CYCLES,
    OFFSETS,
    RESULTS,
    SimulatedDma,
    SimulatedRegisters,
    driver,
    image_bytes,
    new_system,
)

ENABLE, RESET = 1, 2
RESULT, BAD_FRAME = 1, 2
"""Fields of CONTROL and of the interrupt's registers, as docs/soc.md lists them."""


@cocotb.test()
async def registers_say_what_was_built(dut: Any) -> None:
    """The constants, what the others hold after reset, other addresses, and writes to what cannot be written."""
    system = await new_system(dut)
    _, height, width, colours = IMAGES.shape
    streams = len(dut.s_axis_tdata) // 8 << 8 | len(dut.m_axis_tdata) // 8 << 16
    expected = {
        "ID": int.from_bytes(b"WSFB", "little"),
        "BUILD_HIGH": int(DESIGN["build"][:8], 16),
        "BUILD_LOW": int(DESIGN["build"][8:16], 16),
        "IMAGE": width << 16 | height,
        "FORMAT": colours | streams,
        "CLASSES": LOGITS.shape[1],
        "CONTROL": ENABLE,
        "STATUS": 0,
        "IRQ_ENABLE": 0,
        "IRQ_STATUS": 0,
        **{f"FRAMES_{name}": 0 for name in ("IN", "OUT", "BAD", "DROPPED")},
    }
    same("registers that are looked at", OFFSETS.keys() - {"VERSION"}, expected.keys())
    for name, value in expected.items():
        same(name, f"{value:#x}", f"{await system.read(name):#x}")
    for address in range(max(OFFSETS.values()) + 4, 1 << len(dut.s_axi_araddr), 4):
        await system.bus.write(address, b"\xff" * 4)
        same(f"what is at {address:#x}", bytes(4), (await system.bus.read(address, 4)).data)
    for name in set(expected) - {"CONTROL", "IRQ_ENABLE", "IRQ_STATUS"}:
        await system.write(name, 0xFFFFFFFF)
        same(f"{name}, written to", f"{expected[name]:#x}", f"{await system.read(name):#x}")


@cocotb.test()
@cocotb.parametrize(stalled=[False, True])
async def images_give_the_golden_results(dut: Any, stalled: bool) -> None:
    """All images back to back, twice, while the registers are read."""
    system = await new_system(dut)
    if stalled:
        system.stall()
    order = [*range(len(IMAGES))] * 2
    assert len({tuple(result) for result in RESULTS}) == len(RESULTS)
    for index in order:
        system.send(image_bytes(index))
    seen = []

    async def watch() -> None:
        while True:
            seen.append((await system.counts(), await system.read("STATUS"), await system.read("IMAGE")))

    watcher = cocotb.start_soon(watch())
    await system.expect(*order)
    watcher.cancel()
    await ClockCycles(dut.aclk, 200)
    await system.settle()
    same("counts", {"in": len(order), "out": len(order), "bad": 0, "dropped": 0}, await system.counts())
    assert any(status & 1 for _, status, _ in seen)
    for before, after in itertools.pairwise(seen):
        assert all(after[0][name] >= before[0][name] for name in before[0]), f"a count fell: {before}, {after}"
    same("IMAGE at all times", {seen[0][2]}, {image for _, _, image in seen})
    same("frames too many", 0, system.sink.count())


@cocotb.test()
@cocotb.parametrize(stalled=[False, True])
async def bad_frames_give_no_result(dut: Any, stalled: bool) -> None:
    """A byte and a beat too few or too many, a gap in tkeep, a single byte; each between two good frames."""
    generator = seeded()
    system = await new_system(dut)
    if stalled:
        system.stall()
    size, lanes = len(image_bytes(0)), len(dut.s_axis_tdata) // 8
    bad: list[tuple[bytes, list[int] | None]] = [
        (generator.randbytes(length), None)
        for length in (size - 1, size + 1, size - lanes, size + lanes, 1, 3 * size + 1, size // 2)
    ]
    if lanes > 1:
        beats = -(-size // (lanes - 1))
        bad.append((generator.randbytes(lanes * beats), ([0] + [1] * (lanes - 1)) * beats))
    good = []
    for number, (data, keep) in enumerate(bad):
        good.append(number % len(IMAGES))
        system.send(image_bytes(good[-1]))
        system.send(data, keep)
    good.append(0)
    system.send(image_bytes(0))
    await system.expect(*good)
    await system.settle()
    counts = {"in": len(good) + len(bad), "out": len(good), "bad": len(bad), "dropped": len(bad)}
    same("counts", counts, await system.counts())
    same("IRQ_STATUS", RESULT | BAD_FRAME, await system.read("IRQ_STATUS"))
    same("frames too many", 0, system.sink.count())


@cocotb.test()
async def beats_need_not_be_full(dut: Any) -> None:
    """Any run from the low byte on, and a last beat without a byte."""
    generator = seeded()
    system = await new_system(dut)
    lanes = len(dut.s_axis_tdata) // 8
    for index in range(len(IMAGES)):
        data, tdata, keep = image_bytes(index), bytearray(), list[int]()
        while data or not index % 2:
            run, data = data[: (length := generator.randint(0, lanes))], data[length:]
            tdata += run + generator.randbytes(lanes - len(run))
            keep += [1] * len(run) + [0] * (lanes - len(run))
            if not data and not run:
                break
        system.send(bytes(tdata), keep)
    await system.expect(*range(len(IMAGES)))
    await system.settle()
    same("bad frames", 0, (await system.counts())["bad"])


@cocotb.test()
async def the_system_s_reset_leaves_nothing_behind(dut: Any) -> None:
    """At random times, within a cycle too."""
    generator = seeded()
    system = await new_system(dut)
    for number in range(5):
        await system.write("IRQ_ENABLE", BAD_FRAME)
        for index in (1, 2, 3):
            system.send(image_bytes(index))
        await ClockCycles(dut.aclk, generator.randint(1, 600))
        await Timer(generator.randint(1, 9), "ns")
        dut.aresetn.value = 0
        system.source.clear()
        await system.start()
        system.sink.clear()
        same("IRQ_ENABLE", 0, await system.read("IRQ_ENABLE"))
        same("STATUS", 0, await system.read("STATUS"))
        same("counts", {"in": 0, "out": 0, "bad": 0, "dropped": 0}, await system.counts())
        index = number % len(IMAGES)
        system.send(image_bytes(index))
        await system.expect(index)
        await system.settle()
        same("counts", {"in": 1, "out": 1, "bad": 0, "dropped": 0}, await system.counts())


@cocotb.test()
async def software_s_reset_leaves_nothing_behind(dut: Any) -> None:
    """At random times. The source goes on with its frame, whose rest is a bad one; the registers stay as they are."""
    generator = seeded()
    system = await new_system(dut)
    for number in range(8):
        await system.write("IRQ_ENABLE", BAD_FRAME)
        for index in (1, 2, 3):
            system.send(image_bytes(index))
        await ClockCycles(dut.aclk, generator.randint(1, 600))
        system.source.clear()
        await system.write("CONTROL", ENABLE | RESET)
        await ClockCycles(dut.aclk, 10)
        system.sink.clear()
        same("IRQ_ENABLE", BAD_FRAME, await system.read("IRQ_ENABLE"))
        system.send(image_bytes(0))
        # A frame of which no beat had been taken is whole. A sink that was not reset puts the words that it has of a
        # result before those of the next.
        results = [await system.result()]
        if results[0][-len(RESULTS[0]) :] != RESULTS[0]:
            results.append(await system.result())
            assert results[0][-len(RESULTS[0]) :] in RESULTS[1:4], f"round {number}: {results[0]} is nobody's result"
            same("result after it", RESULTS[0], results[1])
        await system.settle()
        counts = await system.counts()
        bad = counts["bad"]
        assert bad + len(results) <= 2, f"round {number}: more than one frame was on its way: {counts}"
        same("counts", {"in": len(results) + bad, "out": len(results), "bad": bad, "dropped": bad}, counts)
        same("frames too many", 0, system.sink.count())


@cocotb.test()
async def the_rest_of_a_frame_after_a_reset_is_a_bad_frame(dut: Any) -> None:
    """A DMA that goes on where the accelerator was reset: what is left of the image gives no result."""
    system = await new_system(dut)
    system.send(image_bytes(1))
    system.send(image_bytes(2))
    beat = len(dut.s_axis_tdata) // 8
    for _ in range(len(image_bytes(1)) // beat // 2):
        await RisingEdge(dut.aclk)
    await system.write("CONTROL", ENABLE | RESET)
    await system.expect(2)
    await system.settle()
    same("counts", {"in": 2, "out": 1, "bad": 1, "dropped": 1}, await system.counts())


@cocotb.test()
async def a_frame_waits_where_it_is_not_enabled(dut: Any) -> None:
    """One that has begun is taken whole."""
    system = await new_system(dut)
    await system.write("CONTROL", 0)
    system.send(image_bytes(1))
    system.send(image_bytes(2))
    await ClockCycles(dut.aclk, LONG_CYCLES)
    same("counts", {"in": 0, "out": 0, "bad": 0, "dropped": 0}, await system.counts())
    same("STATUS", 0, await system.read("STATUS"))
    await system.write("CONTROL", ENABLE)
    await RisingEdge(dut.aclk)
    while not dut.s_axis_tready.value:
        await RisingEdge(dut.aclk)
    # The first frame has begun, or begins in this cycle, and is taken whole; the second waits.
    await system.write("CONTROL", 0)
    await system.expect(1)
    await ClockCycles(dut.aclk, LONG_CYCLES)
    same("counts", {"in": 1, "out": 1, "bad": 0, "dropped": 0}, await system.counts())
    await system.write("CONTROL", ENABLE)
    await system.expect(2)


@cocotb.test()
async def the_interrupt_follows_what_is_enabled(dut: Any) -> None:
    """Each event by itself, enabled and not, cleared and not."""
    system = await new_system(dut)

    async def irq() -> int:
        await ClockCycles(dut.aclk, 3)
        return int(dut.irq.value)

    system.send(image_bytes(0))
    await system.expect(0)
    same("irq, nothing enabled", 0, await irq())
    await system.write("IRQ_ENABLE", BAD_FRAME)
    same("irq, the other one enabled", 0, await irq())
    await system.write("IRQ_ENABLE", RESULT)
    same("irq, enabled", 1, await irq())
    await system.write("IRQ_STATUS", BAD_FRAME)
    same("irq, the other one cleared", 1, await irq())
    await system.bus.write(OFFSETS["IRQ_STATUS"] + 1, b"\xff\xff\xff")
    same("irq, other bytes written", 1, await irq())
    await system.write("IRQ_STATUS", RESULT)
    same("irq, cleared", 0, await irq())
    await system.write("IRQ_ENABLE", BAD_FRAME)
    system.send(image_bytes(0)[:-1])
    await system.settle()
    same("irq after a bad frame", 1, await irq())
    same("IRQ_STATUS", BAD_FRAME, await system.read("IRQ_STATUS"))


@cocotb.test()
async def the_driver_classifies(dut: Any) -> None:
    """The emitted driver, with the simulated bus and DMA in PYNQ's place."""
    system = await new_system(dut)
    registers, dma = SimulatedRegisters(system), SimulatedDma(system)

    @bridge
    def use() -> Any:
        accelerator = driver().Accelerator(registers, dma)
        found: dict[str, Any] = {"build": accelerator.build, "enabled": [accelerator.enabled]}
        accelerator.interrupt_on("result")
        found["results"] = accelerator.classify(IMAGES)
        found["single"] = accelerator.classify(IMAGES[1])
        found["frames"], found["status"] = accelerator.frames(), accelerator.status()
        found["events"] = [accelerator.take_events(), accelerator.take_events()]
        accelerator.enabled = False
        found["enabled"].append(accelerator.enabled)
        accelerator.reset()
        found["enabled"].append(accelerator.enabled)
        accelerator.enabled = True
        accelerator.reset()
        found["enabled"].append(accelerator.enabled)
        found["frames after reset"] = accelerator.frames()
        return found

    found = await use()
    logits, classes = found["results"]
    same("logits", LOGITS.tolist(), logits.tolist())
    same("classes", CLASSES.tolist(), classes.tolist())
    same("a single image's", (LOGITS[1].tolist(), int(CLASSES[1])), (found["single"][0].tolist(), found["single"][1]))
    same("build", DESIGN["build"][:16], found["build"])
    same("enabled", [True, False, False, True], found["enabled"])
    same("frames", {"in": len(IMAGES) + 1, "out": len(IMAGES) + 1, "bad": 0, "dropped": 0}, found["frames"])
    same("status", {"busy": False, "in_frame": False, "overflow": False, "rom_error": False}, found["status"])
    same("events", [{"result"}, set()], found["events"])
    same("frames after reset", {"in": 0, "out": 0, "bad": 0, "dropped": 0}, found["frames after reset"])
    same("IRQ_ENABLE", RESULT, await system.read("IRQ_ENABLE"))
