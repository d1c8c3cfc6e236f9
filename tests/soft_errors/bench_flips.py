# SPDX-License-Identifier: Apache-2.0
"""In the simulator: single bits of an accelerator's memories and registers flipped, and what becomes of its results.

Environment:
    FLIPS_IN     .npz of images (n, H, W, colours) uint8, their golden logits (n, classes) and classes (n,)
    FLIPS_OUT    file that gets a line of JSON for each flip
    FLIPS_FIRST, FLIPS_COUNT  numbers of the flips of this run
    FLIPS_CYCLES of an image from its first pixel to its result, about
    FLIPS_RTL    folder of the emitted Verilog, which says what is a register
    COCOTB_RANDOM_SEED  with a flip's number: where and when it is
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.handle import ArrayObject, HierarchyArrayObject, HierarchyObject, LogicObject, PackedObject
from cocotb.triggers import ClockCycles, FallingEdge, SimTimeoutError

from wsfracbnn.tb.common.bench import SEED, Bench, pack, unpack

KINDS = ("weights", "constants", "memories", "registers")
"""Flips take turns: ROMs of weights; all other ROMs; other memories (line buffers, FIFOs); single registers."""

_MODULE = re.compile(r"^module\s+(\w+)(.*?)^endmodule", re.MULTILINE | re.DOTALL)
_REG = re.compile(r"^\s*(?:output\s+)?reg\s+(?:signed\s+)?(?:\[[^\]]*\]\s*)?(\w+)", re.MULTILINE)


@dataclass(frozen=True)
class Place:
    """A register or memory. words: 0 of a register."""

    kind: str
    handle: Any
    words: int
    width: int

    @property
    def bits(self) -> int:
        return self.width * max(self.words, 1)


def registers_of(folder: Path) -> dict[str, tuple[bool, set[str]]]:
    """Of each module whether it is a ROM, and the names that are declared as registers."""
    found = {}
    for path in folder.rglob("*.v"):
        for name, text in _MODULE.findall(path.read_text()):
            found[name] = ("CONTENTS_" in text, set(_REG.findall(text)))
    return found


def places(scope: Any, modules: dict[str, tuple[bool, set[str]]], module: str) -> Iterator[Place]:
    """All registers and memories of a scope and of those inside it."""
    is_rom, names = modules.get(module, (False, set()))
    for handle in scope:
        if isinstance(handle, HierarchyArrayObject):
            for inner in handle:
                yield from places(inner, modules, module)
        elif isinstance(handle, HierarchyObject):
            definition = handle._def_name
            yield from places(handle, modules, definition if definition in modules else module)
        elif handle._name in names and isinstance(handle, ArrayObject):
            kind = "memories" if not is_rom else "weights" if module.endswith("_weights") else "constants"
            yield Place(kind, handle, len(handle), len(handle[handle.range[0]]))
        elif handle._name in names and isinstance(handle, PackedObject | LogicObject):
            yield Place("registers", handle, 0, len(handle) if isinstance(handle, PackedObject) else 1)


class Flips:
    """The accelerator, its images and the places that can be hit."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        with np.load(os.environ["FLIPS_IN"]) as file:
            self.images = file["images"]
            self.logits, self.classes = file["logits"].tolist(), file["classes"].tolist()
        self.bench = Bench(dut, monitored=False)  # a flip may break a stream's protocol
        self.latency = int(os.environ["FLIPS_CYCLES"])
        self.parity = hasattr(dut, "rom_error")
        self.by_kind: dict[str, list[Place]] = {kind: [] for kind in KINDS}
        for place in places(dut, registers_of(Path(os.environ["FLIPS_RTL"])), dut._name):
            self.by_kind[place.kind].append(place)

    async def image(self, number: int) -> tuple[str, bool]:
        """Send an image; returns "right", "wrong" or "missing", and whether the class is right."""
        image = self.images[number]
        self.bench.send([pack([int(v) for v in pixel], 8) for pixel in image.reshape(-1, image.shape[-1])])
        try:
            frame = await self.bench.frame(patience=4 * self.latency)
        except (SimTimeoutError, ValueError):
            return "missing", False
        logits = [value for beat in frame.tdata for value in unpack(int(beat), 32, 1)]
        users = frame.tuser if isinstance(frame.tuser, list) else [frame.tuser]
        same_class = int(users[-1]) == self.classes[number]
        return "right" if same_class and logits == self.logits[number] else "wrong", same_class

    async def flip(self, number: int) -> dict[str, Any] | None:
        """One flip; None where there is no place of its kind, or the bit is still unknown."""
        draw = random.Random(f"{SEED} {number}")
        kind = KINDS[number % len(KINDS)]
        if not self.by_kind[kind]:
            return None
        place = draw.choices(self.by_kind[kind], [place.bits for place in self.by_kind[kind]])[0]
        word, bit = draw.randrange(max(place.words, 1)), draw.randrange(place.width)
        first, second, third = (draw.randrange(len(self.images)) for _ in range(3))
        handle = place.handle[word] if place.words else place.handle
        stays = kind in ("weights", "constants")
        await self.bench.reset(cycles=2)
        at = 0 if stays else draw.randint(1, self.latency)
        result = cocotb.start_soon(self.image(first))
        if at:
            await ClockCycles(self.dut.clk, at)
        await FallingEdge(self.dut.clk)
        if not handle.value.is_resolvable:
            await result
            return None
        before = int(handle.value)
        handle.value = before ^ 1 << bit
        row: dict[str, Any] = {"number": number, "kind": kind, "place": f"{place.handle._path}[{word}][{bit}]"}
        row["hit"], row["hit_class"] = await result
        if self.parity:
            row["reported"] = bool(int(self.dut.rom_error.value))
        if stays:
            handle.value = before  # rewritten, as scrubbing of the configuration does
        await ClockCycles(self.dut.clk, 2)
        row["next"], _ = await self.image(second)
        if row["next"] != "right":
            await self.bench.reset(cycles=2)
            row["reset"], _ = await self.image(third)
        return row


@cocotb.test()
async def flips(dut: Any) -> None:
    """Each flip by itself, behind a reset."""
    first, count = int(os.environ["FLIPS_FIRST"]), int(os.environ["FLIPS_COUNT"])
    await cocotb.triggers.Timer(1, "ns")
    trial = Flips(dut)
    await trial.bench.reset()
    # Registers without a reset are unknown until a frame has passed.
    for image in range(2):
        found = await trial.image(image)
        assert found == ("right", True), f"image {image} without a flip: {found}"
    bits = {kind: sum(place.bits for place in found) for kind, found in trial.by_kind.items()}
    with Path(os.environ["FLIPS_OUT"]).open("a") as out:
        for number in range(first, first + count):
            row = await trial.flip(number) or {"number": number, "kind": KINDS[number % len(KINDS)], "place": None}
            out.write(json.dumps(row | {"bits": bits[row["kind"]]}) + "\n")
            out.flush()
