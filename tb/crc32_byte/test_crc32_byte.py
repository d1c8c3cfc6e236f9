# SPDX-License-Identifier: Apache-2.0
"""crc32_byte: byte after byte it is zlib's CRC-32, and what lies behind data and checksum is the residue."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import Timer

from wsfracbnn.gen.locations import RTL
from wsfracbnn.tb.common.bench import same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID: list[dict[str, int]] = [{}]

ONES = 0xFFFFFFFF
RESIDUE = 0xDEBB20E3


async def register_after(dut: Any, data: bytes) -> int:
    """The register, which begins as all ones, behind `data`."""
    crc = ONES
    for byte in data:
        dut.crc.value = crc
        dut.data.value = byte
        await Timer(1, "ns")
        crc = int(dut.next.value)
    return crc


@cocotb.test()
async def every_byte_from_every_low_byte(dut: Any) -> None:
    """All that a step can depend on: the low byte of the register meets every byte, the upper ones are shifted in."""
    generator = seeded()
    for low in range(256):
        prefix = generator.randbytes(4)
        for byte in range(low % 2, 256, 2):
            before = zlib.crc32(prefix) ^ ONES
            before = (before & ~0xFF) | low
            dut.crc.value = before
            dut.data.value = byte
            await Timer(1, "ns")
            same(f"{before:#x} and {byte:#x}", zlib.crc32(bytes((byte,)), before ^ ONES) ^ ONES, int(dut.next.value))


@cocotb.test()
async def messages_and_their_residue(dut: Any) -> None:
    generator = seeded()
    for length in (0, 1, 2, 3, 4, 9, 64, 300):
        data = generator.randbytes(length)
        crc = await register_after(dut, data)
        same(f"checksum of {length} bytes", zlib.crc32(data), crc ^ ONES)
        whole = data + zlib.crc32(data).to_bytes(4, "little")
        same(f"residue of {length} bytes", RESIDUE, await register_after(dut, whole))
    same("check value of the polynomial's catalogue", 0xCBF43926, await register_after(dut, b"123456789") ^ ONES)


def test_crc32_byte(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "crc32_byte", Path(__file__), block[1], sources=[RTL / "crc32_byte.v"])
