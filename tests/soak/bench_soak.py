# SPDX-License-Identifier: Apache-2.0
"""In the simulator: frames of all kinds through a whole accelerator, with neighbours and resets of all kinds.

Environment:
    SOAK_IN         .npz of images (n, H, W, colours) uint8, their golden logits (n, classes) and classes (n,)
    SOAK_OUT        JSON file that the counts go to
    SOAK_FRAMES     frames to check
    SOAK_CYCLES     of an image, as the generator promises
    COCOTB_RANDOM_SEED  of all that is drawn
"""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge, SimTimeoutError

from wsfracbnn.tb.common.bench import Bench, pack, same, seeded, unpack
from wsfracbnn.tb.common.traffic import after_valid, stalls

BURST = 5
"""Frames sent at once, at most."""

CUT_SHARE = 0.3
"""Of bursts that a reset cuts off."""


@dataclass
class Counts:
    """What was checked: frames in all, those of them with a result and those that were flagged, and resets.

    cut: frames that were sent and that a reset dropped; they are none of `frames`.
    """

    frames: int = 0
    good: int = 0
    bad: int = 0
    cut: int = 0
    resets: int = 0
    cycles: int = 0


@dataclass(frozen=True)
class Frame:
    """Beats, and the image that they are; None: another length than an image's."""

    beats: list[int]
    image: int | None
    gap: int


class Soak:
    """The accelerator with what is expected of it."""

    def __init__(self, dut: Any) -> None:
        self.dut, self.generator, self.counts = dut, seeded(), Counts()
        with np.load(os.environ["SOAK_IN"]) as file:
            images = file["images"]
            self.logits, self.classes = file["logits"].tolist(), file["classes"].tolist()
        self.pixels = [
            [pack([int(v) for v in pixel], 8) for pixel in image.reshape(-1, image.shape[-1])] for image in images
        ]
        self.size = len(self.pixels[0])
        self.work = max(int(os.environ["SOAK_CYCLES"]), self.size, len(self.logits[0]))
        self.bench = Bench(dut)
        self.errors = 0
        self.dropped = 0  # since the last reset

    def frame(self) -> Frame:
        """An image, or one in three times something else."""
        draw = self.generator
        image = draw.randrange(len(self.pixels))
        beats, gap = self.pixels[image], draw.choice((0, 0, 0, 1, draw.randint(0, 2 * self.work)))
        if draw.random() < 2 / 3:
            return Frame(beats, image, gap)
        lengths = {1, self.size - 1, self.size + 1, 2 * self.size, draw.randint(1, 2 * self.size + 4)}
        length = draw.choice(sorted(lengths - {0, self.size}))
        return Frame((beats + beats + beats[:1] * 4)[:length], None, gap)

    def pauses(self, sink: Any = None) -> Iterator[bool]:
        """Of a source or of a sink: none, of several densities and lengths, a long one, or until valid is seen."""
        draw, seed = self.generator, self.generator.getrandbits(32)
        kinds = ["always", "random", "random", "beat", "bursts", "late"] + (["waiting"] if sink is not None else [])
        kind = draw.choice(kinds)
        if kind == "waiting":
            return after_valid(sink.bus.tvalid, seed)
        if kind == "late":
            return itertools.chain(itertools.repeat(True, draw.randint(1, 3 * self.work)), itertools.repeat(False))
        if kind == "random":
            return stalls(seed, draw.choice((0.1, 0.5, 0.85)))
        if kind == "beat":
            return stalls(seed, 0.5, longest=1, rare=1)
        return stalls(seed, 0.5, longest=64) if kind == "bursts" else itertools.repeat(False)

    async def run(self, frames: int) -> Counts:
        """So many frames, in bursts."""
        cocotb.start_soon(self._count_errors())
        await self.bench.reset(cycles=1)
        source, sink = self.bench.sources["s_axis"], self.bench.sinks["m_axis"]
        while self.counts.frames < frames:
            source.set_pause_generator(self.pauses())
            sink.set_pause_generator(self.pauses(sink))
            burst = [self.frame() for _ in range(self.generator.randint(1, BURST))]
            if self.generator.random() < CUT_SHARE:
                await self.cut_off(burst)
            else:
                await self.check(burst)
        self.counts.cycles = self.bench.monitor.cycle
        return self.counts

    async def check(self, burst: list[Frame]) -> None:
        """All results of a burst, and that each bad frame is flagged once and counted."""
        self.errors = 0
        sender = cocotb.start_soon(self._send(burst))
        for frame in burst:
            if frame.image is not None:
                await self._expect(frame.image)
        await sender
        bad = sum(frame.image is None for frame in burst)
        # Behind its last beat a bad frame is filled up and computed before it is dropped.
        self.dropped += bad
        for _ in range(40 * len(burst)):
            if int(self.dut.dropped_frames.value) == self.dropped % (1 << 16) and self.bench.sources["s_axis"].idle():
                break
            await ClockCycles(self.dut.clk, self.work)
        await self.bench.quiet()
        same("frame_error", bad, self.errors)
        same("dropped_frames", self.dropped % (1 << 16), int(self.dut.dropped_frames.value))
        self.counts.frames += len(burst)
        self.counts.bad += bad
        self.counts.good += len(burst) - bad

    async def cut_off(self, burst: list[Frame]) -> None:
        """A reset at a random cycle; what came before it is right, and nothing of it comes later."""
        sender = cocotb.start_soon(self._send(burst))
        await ClockCycles(self.dut.clk, self.generator.randint(1, (len(burst) + 1) * self.work))
        sender.cancel()
        expected = [frame.image for frame in burst if frame.image is not None]
        sink = self.bench.sinks["m_axis"]
        for image in expected[: sink.count()]:
            self._compare(image, sink.recv_nowait(compact=False))
        same("results too many", 0, sink.count())
        await self.bench.reset(cycles=self.generator.choice((1, 1, 1, 4)))
        await ClockCycles(self.dut.clk, 2)  # each part has a copy of the reset, a cycle later
        same("dropped_frames behind a reset", 0, int(self.dut.dropped_frames.value))
        self.dropped = 0
        self.counts.resets += 1
        self.counts.cut += len(burst)

    async def _send(self, burst: list[Frame]) -> None:
        for frame in burst:
            await ClockCycles(self.dut.clk, frame.gap) if frame.gap else None
            self.bench.send(frame.beats)

    async def _expect(self, image: int) -> None:
        try:
            frame = await self.bench.frame(patience=100 * self.work + 20_000)
        except SimTimeoutError:
            same(f"result of image {image}", "a result", "nothing: the pipeline hangs")
            raise
        self._compare(image, frame)

    def _compare(self, image: int, frame: Any) -> None:
        got = [value for beat in frame.tdata for value in unpack(int(beat), 32, 1)]
        same(f"image {image}: logits", self.logits[image], got)
        users = frame.tuser if isinstance(frame.tuser, list) else [frame.tuser]
        same(f"image {image}: class", self.classes[image], int(users[-1]))

    async def _count_errors(self) -> None:
        while True:
            await RisingEdge(self.dut.clk)
            self.errors += int(self.dut.frame_error.value == 1)


@cocotb.test()
async def soaks(dut: Any) -> None:
    """Zero wrong results; every bad frame flagged and counted."""
    counts = await Soak(dut).run(int(os.environ["SOAK_FRAMES"]))
    Path(os.environ["SOAK_OUT"]).write_text(json.dumps(asdict(counts)) + "\n")
