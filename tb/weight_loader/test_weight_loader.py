# SPDX-License-Identifier: Apache-2.0
"""weight_loader: what comes whole and right is loaded; another shape, length or checksum is flagged and is not."""

from __future__ import annotations

import random
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import parameter, same, seeded
from wsfracbnn.tb.common.sequential import reset, run_sequential, start_watched


def table(values: Sequence[int]) -> int:
    """A parameter with 32 bits for each memory."""
    return sum(value << (32 * number) for number, value in enumerate(values))


GRID = [
    {"MEMORIES": 1, "LAST_WORDS": 1, "LAST_BEATS": 2, "SHAPE": 7, "MOST_BEATS": 3, "ADDR_W": 1},
    {"MEMORIES": 3, "LAST_WORDS": table([4, 0, 7]), "LAST_BEATS": table([3, 0, 1]), "SHAPE": 0x1234ABCD}
    | {"MOST_BEATS": 4, "ADDR_W": 3},
    {"MEMORIES": 4, "LAST_WORDS": table([1, 2, 0, 1]), "LAST_BEATS": table([0, 1, 0, 0]), "SHAPE": 9}
    | {"MOST_BEATS": 2, "ADDR_W": 2},
]
Beats = list[tuple[int, bool]]
"""tdata and tlast."""


class Loader:
    """A loader with memories behind it."""

    def __init__(self, dut: Any, generator: random.Random) -> None:
        self.dut, self.generator = dut, generator
        count = parameter(dut, "MEMORIES")
        self.words, self.beats = (
            [(parameter(dut, name) >> (32 * m) & 0xFFFFFFFF) + 1 for m in range(count)]
            for name in ("LAST_WORDS", "LAST_BEATS")
        )
        self.most = parameter(dut, "MOST_BEATS")
        self.held: dict[tuple[int, int], int] = {}
        cocotb.start_soon(self._watch())

    async def _watch(self) -> None:
        while True:
            await FallingEdge(self.dut.clk)
            write = int(self.dut.write.value)
            if write:
                memory = write.bit_length() - 1
                same("memories written at once", 1 << memory, write)
                word = int(self.dut.write_data.value) >> (32 * (self.most - self.beats[memory]))
                self.held[memory, int(self.dut.write_addr.value)] = word

    def stream(self) -> tuple[dict[tuple[int, int], int], Beats]:
        """Random contents, and the stream that loads them."""
        contents = {
            (memory, word): self.generator.getrandbits(32 * self.beats[memory])
            for memory, words in enumerate(self.words)
            for word in range(words)
        }
        data = parameter(self.dut, "SHAPE").to_bytes(4, "little")
        data += b"".join(value.to_bytes(4 * self.beats[memory], "little") for (memory, _), value in contents.items())
        data += zlib.crc32(data).to_bytes(4, "little")
        beats = [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]
        return contents, [(beat, number == len(beats) - 1) for number, beat in enumerate(beats)]

    async def send(self, beats: Beats) -> None:
        """With random pauses; ends a cycle behind the last beat."""
        for data, last in beats:
            while self.generator.random() < 0.3:
                self.noise()
                await FallingEdge(self.dut.clk)
            self.dut.s_axis_tdata.value, self.dut.s_axis_tlast.value = data, int(last)
            self.dut.s_axis_tvalid.value = 1
            await FallingEdge(self.dut.clk)
            self.dut.s_axis_tvalid.value = 0
        self.noise()
        await FallingEdge(self.dut.clk)

    def noise(self) -> None:
        """What stands on the stream while nothing is offered is nobody's."""
        self.dut.s_axis_tdata.value, self.dut.s_axis_tlast.value = (self.generator.getrandbits(n) for n in (32, 1))

    def flags(self) -> tuple[int, int]:
        """loaded, load_error."""
        return int(self.dut.loaded.value), int(self.dut.load_error.value)

    async def load(self, what: str) -> None:
        """A good stream."""
        contents, beats = self.stream()
        self.held.clear()
        await self.send(beats)
        same(f"{what}: loaded, error", (1, 0), self.flags())
        same(f"{what}: contents", contents, self.held)


async def loader_of(dut: Any) -> Loader:
    """Behind its first reset."""
    start_watched(dut)
    await reset(dut, "s_axis_tvalid", "s_axis_tdata", "s_axis_tlast")
    dut.idle.value = 1
    return Loader(dut, seeded())


@cocotb.test()
async def fills_every_memory(dut: Any) -> None:
    loader = await loader_of(dut)
    for number in range(3):
        await loader.load(f"stream {number}")


@cocotb.test()
async def flags_what_is_wrong_and_takes_the_next(dut: Any) -> None:
    loader = await loader_of(dut)
    for what in ("shape", "data", "checksum", "short", "shortest", "long", "beginning"):
        await loader.load(f"before a wrong {what}")
        _, beats = loader.stream()
        first, second, last = beats[0], beats[1], beats[-1]
        flipped = 1 << loader.generator.randrange(32)
        wrong = {
            "shape": [(first[0] ^ flipped, False), *beats[1:]],
            "data": [first, (second[0] ^ flipped, False), *beats[2:]],
            "checksum": [*beats[:-1], (last[0] ^ flipped, True)],
            "short": [*beats[:-2], (last[0], True)],
            "shortest": [(first[0], True)],
            "long": [*beats[:-1], (last[0], False), (0, False), (0, True)],
            "beginning": [(first[0] ^ flipped, False), *beats],  # the rest of a wrong frame is none by itself
        }[what]
        await loader.send(wrong)
        same(f"wrong {what}: loaded, error", (0, 1), loader.flags())
    await loader.load("after all")


@cocotb.test()
async def begins_while_idle_alone(dut: Any) -> None:
    loader = await loader_of(dut)
    dut.idle.value = 0
    await FallingEdge(dut.clk)
    same("ready", 0, int(dut.s_axis_tready.value))
    dut.idle.value = 1
    _, beats = loader.stream()
    await loader.send(beats[:1])
    dut.idle.value = 0
    await FallingEdge(dut.clk)
    same("ready once begun", 1, int(dut.s_axis_tready.value))
    await loader.send(beats[1:])
    same("loaded, error", (1, 0), loader.flags())


@cocotb.test()
async def reset_ends_a_stream_and_keeps_what_is_loaded(dut: Any) -> None:
    loader = await loader_of(dut)
    await loader.load("first")
    await reset(dut)
    same("loaded behind a reset", (1, 0), loader.flags())
    _, beats = loader.stream()
    await loader.send(beats[:2])
    await reset(dut)
    same("half loaded behind a reset", (0, 0), loader.flags())
    await loader.load("second")


def test_weight_loader(block: tuple[str, dict[str, int]]) -> None:
    run_sequential(block, "weight_loader", Path(__file__))
