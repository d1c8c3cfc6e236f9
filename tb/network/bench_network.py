# SPDX-License-Identifier: Apache-2.0
"""cocotb tests of a whole accelerator against its golden vectors. Travels with every emitted folder.

Environment:
    WSFRACBNN_VECTORS   the vector file (default: vectors.npz beside this folder)
    WSFRACBNN_DESIGN    design.json of the accelerator (default: beside this folder)
    WSFRACBNN_IMAGES    images to run (default: all in the vector file)
    WSFRACBNN_RESULT    where to write the measured numbers as JSON (default: result.json where the simulator runs)
    WSFRACBNN_PROGRESS  a file that grows by one byte for each image that came out (default: none)
    WSFRACBNN_REPRODUCE the command to print with a mismatch
Randomness is seeded by COCOTB_RANDOM_SEED (default 1).
"""

from __future__ import annotations

import itertools
import json
import os
import random
import sys
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, SimTimeoutError, Timer, with_timeout
from cocotb.utils import get_sim_time
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from golden import Vectors, compare_layers, count_asked_for, load_vectors, pixel_lines, probe_file  # noqa: E402

CLOCK_NS = 10
SEED = int(os.environ.get("COCOTB_RANDOM_SEED", "1"))
RESET_CYCLES = 4
GLANCE_CYCLES = 500
"""At least so many cycles, or the work on an image, go by until Python looks again how many frames have come out."""


def _path(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable, HERE.parent / default))


def reproduce() -> str:
    """Seed and command, for a failure's message."""
    return f"seed {SEED}; reproduce: {os.environ.get('WSFRACBNN_REPRODUCE', 'make sim')}"


class TB:
    """Reset, AXI4-Stream source and sink of an accelerator.

    streams: whether source and sink are there, with a clock that Python follows. They run Python in every cycle, so
    that a test that plays whole frames goes without, on the testbench's own clock.
    """

    def __init__(self, dut: Any, streams: bool = True) -> None:
        self.dut = dut
        self.design = json.loads(_path("WSFRACBNN_DESIGN", "design.json").read_text())
        count = count_asked_for(os.environ.get("WSFRACBNN_IMAGES", ""))
        self.vectors: Vectors = load_vectors(_path("WSFRACBNN_VECTORS", "vectors.npz"), count)
        dut.rst.value = 1
        dut.flush.value = 0
        dut.play.value = 0
        self.streams = streams
        dut.run.value = not streams
        dut.s_axis_tvalid.value = dut.m_axis_tready.value = 0
        if streams:
            Clock(dut.clk, CLOCK_NS, unit="ns", impl="gpi").start()
        else:
            dut.clk.value = 0

    @property
    def patience_ns(self) -> int:
        """Far more than a frame may take: a hang ends here."""
        return int(CLOCK_NS * (20 * self.design["cycles"] + 50_000))

    async def start(self) -> None:
        """The first reset of a test; source and sink come after it.

        Registers are unknown before the first reset of a simulation, and the source and the sink would read them.
        """
        await self.reset()
        await self.flush()
        self.probe_starts = {name: Path(probe_file(name)).stat().st_size for name in self.vectors.streams}
        if not self.streams:
            return
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(self.dut, "s_axis"), self.dut.clk, self.dut.rst)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(self.dut, "m_axis"), self.dut.clk, self.dut.rst)
        for stream in (self.source, self.sink):
            stream.log.setLevel("WARNING")

    async def reset(self) -> None:
        self.dut.rst.value = 1
        await self.cycles(RESET_CYCLES)
        self.dut.rst.value = 0
        await self.cycles(1)

    async def cycles(self, count: int) -> None:
        """Wait; on the testbench's own clock to a moment between two edges."""
        if self.streams:
            await ClockCycles(self.dut.clk, count)
        else:
            await Timer(count * CLOCK_NS, "ns")

    def stall(self, seed: int) -> None:
        """Random pauses on both ends."""

        def pauses(generator: random.Random) -> Any:
            while True:
                pause = generator.random() < 0.5
                yield from itertools.repeat(pause, generator.randint(1, 8))

        self.source.set_pause_generator(pauses(random.Random(seed)))
        self.sink.set_pause_generator(pauses(random.Random(seed + 1)))

    async def fill(self) -> list[int]:
        """Pause the sink and send images until no more pixels are taken; returns the numbers of those sent."""
        self.sink.pause = True
        images = itertools.cycle(range(len(self.vectors.images)))
        sent: list[int] = []
        while self.source.count() < 2:  # two wait already: in the time of an image and more none was begun
            while self.source.count() < 2:
                sent.append(next(images))
                self.send(self.vectors.images[sent[-1]])
            await self.cycles(int(1.2 * self.design["cycles"]) + 500)
        return sent

    def send(self, image: np.ndarray[Any, Any]) -> None:
        self.source.send_nowait(AxiStreamFrame(image.tobytes()))

    async def receive(self) -> tuple[list[int], int, float]:
        """Logits, winner and the time of the last beat in ns."""
        try:
            frame = await with_timeout(self.sink.recv(compact=False), self.patience_ns, "ns")
        except SimTimeoutError:
            await self.fail(f"no result within {round(self.patience_ns / CLOCK_NS)} cycles: the pipeline hangs")
            raise
        logits = np.frombuffer(bytes(frame.tdata), dtype="<i4").tolist()
        winner = int(frame.tuser[-1] if isinstance(frame.tuser, list) else frame.tuser)
        return logits, winner, get_sim_time("ns")

    async def play(self) -> tuple[list[tuple[list[int], int]], list[float], float]:
        """Play all images from a file; returns (logits, winner) and time of each, and the time of the first pixel, ns.

        Python wakes up once in a while only, to see how many came out.
        """
        Path("pixels.hex").write_text(pixel_lines(self.vectors.images))
        start = get_sim_time("ns")
        self.dut.play.value = 1
        count, shown, seen = len(self.vectors.images), 0, start
        while shown < count:
            await self.cycles(max(GLANCE_CYCLES, self.design["cycles"]))
            done = int(self.dut.frames.value)
            self.progress(done - shown)
            now = get_sim_time("ns")
            seen = now if done > shown else seen
            shown = done
            if now - seen > self.patience_ns:
                await self.fail(f"no result within {round(self.patience_ns / CLOCK_NS)} cycles: the pipeline hangs")
        await self.flush()
        self.dut.play.value = 0
        return *self.recorded(), start

    def recorded(self) -> tuple[list[tuple[list[int], int]], list[float]]:
        """frames.txt: logits, winner and time in ns of each frame."""
        class_w = len(self.dut.m_axis_tuser)
        frames: list[tuple[list[int], int]] = []
        times: list[float] = []
        logits: list[int] = []
        for line in Path("frames.txt").read_text().splitlines():
            word, time = line.split()
            beat = int(word, 16)
            logit = beat & 0xFFFFFFFF
            logits.append(logit - (logit >> 31 << 32))
            if beat >> (32 + class_w):
                frames.append((logits, beat >> 32 & ((1 << class_w) - 1)))
                times.append(int(time) - CLOCK_NS / 2)  # the edge is half a period into the cycle
                logits = []
        return frames, times

    async def expect(self, number: int) -> None:
        """Receive a result that must be that of image `number`."""
        logits, winner, _ = await self.receive()
        wrong = self.wrong(number, logits, winner)
        if wrong:
            raise AssertionError(f"{wrong}; {reproduce()}")

    def wrong(self, number: int, logits: list[int], winner: int) -> str | None:
        """What differs from the golden result of image `number`, in words."""
        golden, best = self.vectors.logits[number].tolist(), int(self.vectors.classes[number])
        for index, (expected, got) in enumerate(itertools.zip_longest(golden, logits)):
            if expected != got:
                return f"image {number}, logit {index}: expected {expected}, got {got}"
        return f"image {number}, winner: expected {best}, got {winner}" if winner != best else None

    def progress(self, images: int) -> None:
        """So many more images came out."""
        if images and "WSFRACBNN_PROGRESS" in os.environ:
            with Path(os.environ["WSFRACBNN_PROGRESS"]).open("a") as file:
                file.write("." * images)

    async def flush(self) -> None:
        """Bring the probes' files up to date: an edge may come before the flag is seen, or Python before the probes."""
        self.dut.flush.value = 1
        await self.cycles(4)
        self.dut.flush.value = 0

    async def layers(self) -> list[Any]:
        """Compare every probed stream since the start of the test with the golden ones."""
        await self.flush()
        lanes, bits = self.design["lanes"], self.design["bits"]
        found: list[Any] = compare_layers(Path.cwd(), lanes, bits, self.vectors, self.probe_starts)
        return found

    def occupancy(self) -> dict[str, list[int]]:
        """Cycles at work of each stage's engine in each interval, since the start of the simulation."""
        names = [stage["name"] for stage in self.design["stages"]]
        return {name: [int(n) for n in Path(f"busy_{name}.txt").read_text().split()] for name in names}

    def busy(self, start_ns: float, end_ns: float) -> dict[str, float]:
        """Fraction of the time between two moments that each stage's engine was at work, in whole intervals.

        Only while images still come in: where too few are played for that, nothing is said.
        """
        interval, occupancy = self.design["occupancy_interval"], self.occupancy()
        at_input = next(iter(occupancy.values()))
        coming = max((n + 1 for n, count in enumerate(at_input) if count), default=0)
        first, last = (round(t / CLOCK_NS / interval) for t in (start_ns, end_ns))
        last = min(last, coming)
        if (last - first) * interval < self.design["cycles"]:
            return {}
        counts = {name: counts[first:last] for name, counts in occupancy.items()}
        return {name: round(sum(c) / (interval * max(len(c), 1)), 4) for name, c in counts.items()}

    async def fail(self, what: str) -> None:
        """Raise with the first wrong layer, the seed and the command that reproduces it.

        The probes record all that was sent in the test, so this is for one that sends each image once, in order.
        """
        await self.cycles(4)
        layers = await self.layers()
        fault = next((layer.first for layer in layers if layer.first and "values, got" not in layer.first), None)
        if fault:
            where = f"first wrong layer: {fault}"
        elif any(layer.first for layer in layers):
            came = (f"{layer.name} {layer.values} of {self.vectors.streams[layer.name].size}" for layer in layers)
            where = f"what came is right in every layer, values: {', '.join(came)}"
        else:
            where = "every layer's stream is right: the fault is in the head"
        raise AssertionError(f"{what}; {where}; {reproduce()}")


@cocotb.test()
async def test_images_are_bit_exact_in_every_layer(dut: Any) -> None:
    """All images back to back, no pauses: logits, winner and every stage's stream equal the golden model."""
    tb = TB(dut, streams=False)
    await tb.start()
    count = len(tb.vectors.images)
    frames, times, start = await tb.play()
    wrong = [w for n, (logits, winner) in enumerate(frames) if (w := tb.wrong(n, logits, winner))]
    layers = await tb.layers()
    labels = tb.vectors.labels
    rows = [{"name": layer.name, "values": layer.values, "mismatches": layer.mismatches} for layer in layers]
    rows.append({"name": "head", "values": tb.vectors.logits.size, "mismatches": len(wrong)})
    result = {
        "images": count,
        "correct": int((labels == tb.vectors.classes).sum()) if (labels >= 0).all() else None,
        "mismatches": sum(int(row["mismatches"]) for row in rows),
        "latency_cycles": round((times[0] - start) / CLOCK_NS),
        "cycles_per_image": round((times[-1] - times[0]) / CLOCK_NS / (count - 1)) if count > 1 else None,
        "layers": rows,
        "busy": tb.busy(times[0], times[-1]),
        "occupancy": tb.occupancy(),
    }
    Path(os.environ.get("WSFRACBNN_RESULT", "result.json")).write_text(json.dumps(result, indent=2) + "\n")
    if wrong or any(layer.first for layer in layers):
        await tb.fail(wrong[0] if wrong else "the logits are right")
    assert int(dut.dropped_frames.value) == 0
    if tb.design["rom_parity"]:
        assert int(dut.rom_error.value) == 0


@cocotb.test()
async def test_random_stalls_on_both_ends_change_nothing(dut: Any) -> None:
    """A sink that waits until every FIFO is full and the source stops, then random pauses of both: the same logits."""
    tb = TB(dut)
    await tb.start()
    sent = await tb.fill()
    tb.stall(SEED)
    for number in sent:
        await tb.expect(number)


@cocotb.test()
async def test_bad_frames_are_dropped_and_the_next_is_exact(dut: Any) -> None:
    """Short, long and one-pixel frames are flagged, counted and give no result; good ones between them are exact."""
    tb = TB(dut)
    await tb.start()
    errors = 0

    async def count_errors() -> None:
        nonlocal errors
        while True:
            await RisingEdge(dut.clk)
            errors += int(dut.frame_error.value)

    counter = cocotb.start_soon(count_errors())
    image = tb.vectors.images[0]
    pixels = image.reshape(-1, image.shape[-1])
    short = [pixels[: len(pixels) // 2], pixels[:1]] if len(pixels) > 1 else []  # no frame is shorter than one pixel
    bad = [*short[:1], np.concatenate((pixels, pixels[:3])), *short[1:]]
    for frame in (bad[0], pixels, *bad[1:], pixels):
        tb.send(frame)
    for _ in range(2):
        await tb.expect(0)
    assert tb.sink.empty()
    assert errors == len(bad)
    assert int(dut.dropped_frames.value) == len(bad)
    counter.cancel()


@cocotb.test()
async def test_reset_at_any_cycle_leaves_no_trace(dut: Any) -> None:
    """Reset at random moments of a frame; the frame after it is exact."""
    tb = TB(dut)
    generator = random.Random(SEED)
    await tb.start()
    for _ in range(3):
        tb.send(tb.vectors.images[-1])
        await ClockCycles(dut.clk, generator.randint(1, 2 * tb.design["cycles"]))
        tb.source.clear()
        await tb.reset()
        while not tb.sink.empty():
            tb.sink.recv_nowait()
    tb.send(tb.vectors.images[0])
    await tb.expect(0)


@cocotb.test()
async def test_reset_of_one_cycle_empties_all_that_is_full(dut: Any) -> None:
    """While every FIFO is full and a result waits: no beat of it is offered afterwards, and the next frame is exact."""
    tb = TB(dut)
    await tb.start()
    await tb.fill()
    assert int(dut.m_axis_tvalid.value)
    tb.source.clear()
    dut.rst.value = 1
    await tb.cycles(1)
    dut.rst.value = 0
    for _ in range(50):
        await FallingEdge(dut.clk)
        assert not int(dut.m_axis_tvalid.value), f"a beat is offered that was there before the reset; {reproduce()}"
    tb.sink.pause = False
    tb.send(tb.vectors.images[0])
    await tb.expect(0)
    assert tb.sink.empty()
