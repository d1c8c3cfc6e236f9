# SPDX-License-Identifier: Apache-2.0
"""table_engine: S of every channel equals XNOR and popcount of the thermometer codes; padded taps are left out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from wsfracbnn.tb.common.bench import Bench, Traffic, pack, parameter, seeded
from wsfracbnn.tb.common.runner import run_block
from wsfracbnn.tb.common.windows import WindowSource

GRID = [
    {"COLOURS": 3, "LEVELS": 32, "OUT_CHANNELS": 6, "PE": 2, "VALUES": 27},
    {"COLOURS": 1, "LEVELS": 16, "OUT_CHANNELS": 4, "PE": 4, "VALUES": 9},
    {"COLOURS": 3, "LEVELS": 8, "OUT_CHANNELS": 3, "PE": 1, "VALUES": 9},
    {"COLOURS": 1, "LEVELS": 1, "OUT_CHANNELS": 1, "PE": 1, "VALUES": 1},
    {"COLOURS": 1, "LEVELS": 2, "OUT_CHANNELS": 1, "PE": 1, "VALUES": 9},
    {"COLOURS": 2, "LEVELS": 32, "OUT_CHANNELS": 2, "PE": 1, "VALUES": 2},
]


def _product(weights: int, level: int, levels: int) -> int:
    """XNOR and popcount of a thermometer code of `level` ones with `levels` weights, as a signed sum."""
    code = (1 << level) - 1
    matches = levels - ((code ^ weights) & ((1 << levels) - 1)).bit_count()
    return 2 * matches - levels


@cocotb.test()
@cocotb.parametrize(traffic=list(Traffic))
async def convolves_windows(dut: Any, traffic: Traffic) -> None:
    names = ("COLOURS", "LEVELS", "OUT_CHANNELS", "PE", "VALUES", "CHUNKS")
    colours, levels, outputs, pe, values, chunks = (parameter(dut, n) for n in names)
    level_w, value_w, sum_w, addr_w = (parameter(dut, n) for n in ("LEVEL_W", "VALUE_W", "SUM_W", "ADDR_W"))
    generator = seeded()
    weights = [[generator.getrandbits(levels) for _ in range(9 * colours)] for _ in range(outputs)]
    weights[0] = [(1 << levels) - 1] * (9 * colours)

    def entry(table: int, address: int) -> int:
        word, level = address >> level_w, address & ((1 << level_w) - 1)
        value = word % chunks * values + table
        lanes = [weights[word // chunks * pe + lane][value] for lane in range(pe)]
        return pack([_product(w, level, levels) if level <= levels else 0 for w in lanes], value_w, signed=True)

    async def tables() -> None:
        while True:
            await RisingEdge(dut.clk)
            if dut.table_addr.value.is_resolvable:
                addresses = int(dut.table_addr.value)
                own = [addresses >> (j * addr_w) & ((1 << addr_w) - 1) for j in range(values)]
                words = [entry(j, a) if a >> level_w < outputs // pe * chunks else 0 for j, a in enumerate(own)]
                dut.table_data.value = pack(words, pe * value_w)

    bench = Bench(dut, sources=())
    source = WindowSource(dut, traffic)
    cocotb.start_soon(tables())
    windows: list[tuple[int, int]] = []
    expected: list[int] = []
    for window in range(30):
        pixels = [generator.randint(0, levels) if window > 1 else window * levels for _ in range(9 * colours)]
        taps = [0x1FF, 0x010][window % 2] if window < 4 else generator.getrandbits(9)
        windows.append((pack(pixels, level_w), taps))
        inside = [v for v in range(9 * colours) if taps >> (v // colours) & 1]
        sums = [sum(_product(w[v], pixels[v], levels) for v in inside) for w in weights]
        expected += [pack(sums[g : g + pe], sum_w, signed=True) for g in range(0, outputs, pe)]

    async def drive() -> None:
        for window in windows:
            source.send(*window)
        await bench.expect(expected, sum_w, pe)
        await bench.quiet()

    await bench.run(traffic, drive)


def test_table_engine(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "table_engine", Path(__file__), block[1])
