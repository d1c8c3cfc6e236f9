# SPDX-License-Identifier: Apache-2.0
"""pixel_unpacker: the bytes of a frame as pixels, however beats lie; a damaged frame never looks like a good one."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import cocotb
from cocotbext.axi import AxiStreamFrame

from wsfracbnn.gen.locations import SOC_RTL
from wsfracbnn.tb.common.bench import Bench, Traffic, parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"IN_BYTES": 4, "COLOURS": 3, "PIXELS": 6},
    {"IN_BYTES": 1, "COLOURS": 1, "PIXELS": 1},
    {"IN_BYTES": 1, "COLOURS": 3, "PIXELS": 4},
    {"IN_BYTES": 4, "COLOURS": 1, "PIXELS": 7},
    {"IN_BYTES": 8, "COLOURS": 3, "PIXELS": 9},
    {"IN_BYTES": 8, "COLOURS": 1, "PIXELS": 16},
    {"IN_BYTES": 4, "COLOURS": 7, "PIXELS": 2},
]


def spread(data: bytes, lanes: int, generator: random.Random) -> AxiStreamFrame:
    """The bytes as runs in beats of random length, some of them empty; bytes that are not kept are not zero."""
    tdata, tkeep, at = bytearray(), list[int](), 0
    while at < len(data) or not tkeep or generator.random() < 0.3:
        run = data[at : at + generator.randint(0, lanes)]
        at += len(run)
        tdata += run + generator.randbytes(lanes - len(run))
        tkeep += [1] * len(run) + [0] * (lanes - len(run))
    return AxiStreamFrame(bytes(tdata), tkeep=tkeep)


def pixels_of(data: bytes, colours: int) -> list[int]:
    """The whole pixels of a frame."""
    return [int.from_bytes(data[i : i + colours], "little") for i in range(0, len(data) - colours + 1, colours)]


async def expect_frames(bench: Bench, frames: list[bytes], damaged: set[int]) -> None:
    """Frames of whole pixels come as they are; the others, and those `damaged` otherwise, with another length."""
    colours, count = parameter(bench.dut, "COLOURS"), parameter(bench.dut, "PIXELS")
    for number, data in enumerate(frames):
        got = [int(beat) for beat in (await bench.frame()).tdata]
        pixels = pixels_of(data, colours)
        if data and len(data) % colours == 0 and number not in damaged:
            same(f"frame {number}", pixels, got)
        else:
            assert len(got) != count, f"frame {number} of {len(data)} bytes looks whole"
            same(f"frame {number}, damaged", pixels + [0] * (1 + (len(pixels) + 1 == count)), got)


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def bytes_become_pixels(dut: Any, traffic: Traffic) -> None:
    """Whole frames, packed as a DMA packs them and spread over beats; a byte and a pixel more and less; none at all."""
    lanes, colours, count = (parameter(dut, name) for name in ("IN_BYTES", "COLOURS", "PIXELS"))
    generator = seeded()
    bench = Bench(dut)
    whole = colours * count
    lengths = [
        whole,
        whole - 1,
        whole,
        whole + 1,
        whole - colours,
        whole + colours,
        whole - colours + 1,
        1,
        whole,
        3 * whole + 2,
    ]
    frames = [generator.randbytes(length) for length in lengths for _ in range(2)]

    async def drive() -> None:
        for number, data in enumerate(frames):
            packed = number % 2 == 0 and len(data) > 0
            bench.sources["s_axis"].send_nowait(AxiStreamFrame(data) if packed else spread(data, lanes, generator))
        await expect_frames(bench, frames, set())
        await bench.quiet()

    await bench.run(traffic, drive)


@cocotb.test()
async def a_gap_in_tkeep_damages_its_frame_alone(dut: Any) -> None:
    lanes, colours, count = (parameter(dut, name) for name in ("IN_BYTES", "COLOURS", "PIXELS"))
    if lanes == 1:
        return
    generator = seeded()
    bench = Bench(dut)
    await bench.reset()
    size = colours * count
    frames, damaged = [], set()
    for number in range(24):
        data = generator.randbytes(size)
        frame = AxiStreamFrame(data)
        if number % 2:
            # As many bytes are kept as a frame has: nothing but the gap tells it from a good one.
            kept = set(generator.sample(range(lanes), generator.randint(1, min(size, lanes - 1))))
            if kept == set(range(len(kept))):
                kept = {lane + 1 for lane in kept}
            keep = [int(lane in kept) for lane in range(lanes)] + [1] * (size - len(kept))
            keep += [0] * (-len(keep) % lanes)
            frame = AxiStreamFrame(generator.randbytes(len(keep)), tkeep=keep)
            damaged.add(number)
        bench.sources["s_axis"].send_nowait(frame)
        frames.append(data)
    for number, data in enumerate(frames):
        got = [int(beat) for beat in (await bench.frame()).tdata]
        if number in damaged:
            assert len(got) != count, f"frame {number} looks whole"
        else:
            same(f"frame {number}", pixels_of(data, colours), got)
    await bench.quiet()


@cocotb.test()
async def a_reset_in_mid_frame_begins_a_frame(dut: Any) -> None:
    colours, count = parameter(dut, "COLOURS"), parameter(dut, "PIXELS")
    generator = seeded()
    bench = Bench(dut)
    await bench.reset()
    for _ in range(6):
        bench.sources["s_axis"].send_nowait(AxiStreamFrame(generator.randbytes(colours * count)))
        for _ in range(generator.randint(1, 2 * count)):
            await cocotb.triggers.RisingEdge(dut.clk)
        await bench.reset(cycles=1)
        data = generator.randbytes(colours * count)
        bench.sources["s_axis"].send_nowait(AxiStreamFrame(data))
        await expect_frames(bench, [data], set())
        await bench.quiet(5)


def test_pixel_unpacker(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "pixel_unpacker", Path(__file__), block[1], sources=[SOC_RTL / "pixel_unpacker.v"])
