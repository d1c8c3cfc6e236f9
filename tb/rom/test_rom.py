# SPDX-License-Identifier: Apache-2.0
"""rom.v.j2: every word of every lane comes back in time, and where there is a `read`, stays until the next."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cocotb
import pytest
from cocotb.triggers import FallingEdge

from wsfracbnn.gen.emission.render import environment
from wsfracbnn.gen.stages.rom import Rom, Words
from wsfracbnn.tb.common.bench import same, seeded, start_clock
from wsfracbnn.tb.common.runner import BUILD, run_block
from wsfracbnn.tb.common.simulators import each_in_icarus

# (lanes, depth, width, latency); of those that take two cycles one in block RAM and one in LUTs.
# Those whose output `read` holds have "-held" in their name. Each with parity too, under its name with "-parity".
SHAPES = {
    "deep": (1, 37, 13, 1),
    "single-word": (2, 1, 5, 1),
    "lanes": (3, 8, 144, 1),
    "deep-held": (1, 37, 13, 1),
    "paired-held": (3, 600, 7, 1),
    "sliced": (2, 2049, 15, 1),
    "paired": (3, 600, 7, 1),
    "constants": (2, 600, 144, 1),  # of more bits than a constant may have
    "late": (2, 70, 36, 2),
    "late-luts": (2, 12, 36, 2),
}


def rom_of(shape: str) -> Rom:
    """Words that differ in every address and lane."""
    lanes, depth, width, latency = SHAPES[shape.removesuffix("-parity")]
    mask = (1 << width) - 1
    words = tuple(
        tuple((0x9E3779B97F4A7C15 * (lane * depth + a + 1)) ** 3 & mask for a in range(depth)) for lane in range(lanes)
    )
    return Rom(
        "words",
        "Test words",
        "as they come",
        width,
        Words.of(words),
        lambda: [f"word {a}" for a in range(depth)],
        latency=latency,
        held="-held" in shape,
    )


@cocotb.test()
async def returns_every_word(dut: Any) -> None:
    """Lanes are read at different addresses at once."""
    rom = rom_of(os.environ["SHAPE"])
    start_clock(dut)
    for step in range(2 * rom.depth):
        addresses = [(step + lane) % rom.depth for lane in range(rom.lanes)]
        await FallingEdge(dut.clk)
        dut.addr.value = sum(a << (lane * rom.addr_w) for lane, a in enumerate(addresses))
        if rom.held:
            dut.read.value = 1
        await FallingEdge(dut.clk)
        dut.addr.value = 0
        if rom.held:
            dut.read.value = 0
        for _ in range(step % 3 if rom.held else rom.latency - 1):
            await FallingEdge(dut.clk)
        for lane, address in enumerate(addresses):
            word = int(dut.data.value) >> (lane * rom.width) & ((1 << rom.width) - 1)
            same(f"lane {lane} word {address}", hex(rom.words[lane][address]), hex(word))


@cocotb.test(skip=not os.environ.get("SHAPE", "").endswith("-parity"))
async def parity_shows_a_turned_bit(dut: Any) -> None:
    """One or two cycles behind the data of a word that has one (two: the check has a register), and at no other."""
    rom = rom_of(os.environ["SHAPE"])
    generator = seeded()
    memories = [handle for handle in dut if handle._name.startswith("memory_")]
    start_clock(dut)
    if rom.held:
        dut.read.value = 1
    dut.addr.value = 0
    found = 0
    for round_ in range(6):
        memory = generator.choice(memories)
        address = generator.randrange(len(memory))
        before = int(memory[address].value)
        if round_:  # nothing is turned the first time
            memory[address].value = before ^ 1 << generator.randrange(len(memory[address]))
        # All of them the first time; then some stand for the others, which a turned bit has nothing to do with.
        some = min(rom.addresses, 200) if round_ else rom.addresses
        read = {address % rom.addresses, *generator.sample(range(rom.addresses), some)}
        for address_read in sorted(read):
            dut.addr.value = sum(address_read << lane * rom.addr_w for lane in range(rom.lanes))
            for _ in range(rom.latency):
                await FallingEdge(dut.clk)
            words = [int(dut.data.value) >> lane * rom.width & (1 << rom.width) - 1 for lane in range(rom.lanes)]
            made = [rom.words[lane][address_read] if address_read < rom.depth else 0 for lane in range(rom.lanes)]
            for _ in range(2 if rom.checks_late else 1):
                await FallingEdge(dut.clk)
            differs = any((a ^ b).bit_count() & 1 for a, b in zip(words, made, strict=True))
            same(f"round {round_} address {address_read}", int(differs), int(dut.parity_error.value))
            found += differs
        memory[address].value = before
        await FallingEdge(dut.clk)
    assert found == 5


SHAPES_AND_PARITY = [shape + parity for shape in SHAPES for parity in ("", "-parity")]


@pytest.mark.parametrize(
    "simulator, shape", each_in_icarus(SHAPES_AND_PARITY, verilator=["lanes", "paired", "constants"])
)
def test_rom(simulator: str, shape: str) -> None:
    folder = BUILD / f"rom-{shape}-{simulator}"
    folder.mkdir(parents=True, exist_ok=True)
    design = SimpleNamespace(name="test", origin="a test", rom_parity=shape.endswith("-parity"))
    text = environment().get_template("rom.v.j2").render(design=design, owner="block", rom=rom_of(shape))
    (folder / "test_block_words.v").write_text(text)
    run_block(
        simulator,
        "test_block_words",
        Path(__file__),
        {},
        sources=[folder / "test_block_words.v"],
        environment={"SHAPE": shape},
    )
