# SPDX-License-Identifier: Apache-2.0
"""scale_path: counts of random layers to X' and packed activations, by the formulas of the numeric contract."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.gen.stages.digit_codes import every_code
from wsfracbnn.model.signed_digits import representable
from wsfracbnn.tb.common.bench import corner_values, pack, parameter, same, seeded
from wsfracbnn.tb.common.sequential import answer, cut_off, pulse, reset, run_sequential, start_watched

GRID = [
    {"COUNT_W": 10, "BITS": 16, "SHIFT": 3, "SPAN": 3, "SIMD": 4, "X_W": 10, "PLANE_W": 8, "CONSTANT_W": 5}
    | {"CHANNEL_W": 4, "GATE_W": 11, "BIAS_IN_W": 16, "BIAS_OUT_W": 16, "THRESHOLD_W": 16},
    {"COUNT_W": 6, "BITS": 8, "SHIFT": 0, "SPAN": 0, "SIMD": 1, "X_W": 9, "PLANE_W": 9, "CONSTANT_W": 4}
    | {"CHANNEL_W": 3, "GATE_W": 5, "BIAS_IN_W": 4, "BIAS_OUT_W": 3, "THRESHOLD_W": 5},
    {"COUNT_W": 9, "BITS": 12, "SHIFT": 15, "SPAN": 4, "SIMD": 2, "X_W": 9, "PLANE_W": 8, "CONSTANT_W": 4}
    | {"CHANNEL_W": 3, "GATE_W": 10, "BIAS_IN_W": 12, "BIAS_OUT_W": 12, "THRESHOLD_W": 9, "LUT_INPUTS": 6},
]
PIXELS = 25
LAYERS = 4
SLOPE_SHIFT = 6


class Constants:
    """Those of all channels, random with corners, and the ROM words that hold them."""

    def __init__(self, dut: Any, generator: random.Random) -> None:
        width = {name: parameter(dut, name) for name in ("GATE_W", "BIAS_IN_W", "BIAS_OUT_W", "THRESHOLD_W")}
        count = 1 << parameter(dut, "CONSTANT_W")
        factors = [int(m) for m in representable(2, 127)]

        def drawn(name: str) -> list[int]:
            return [generator.choice(corner_values(width[name], generator, 12)) for _ in range(count)]

        self.gate, self.bias_in, self.bias_out = drawn("GATE_W"), drawn("BIAS_IN_W"), drawn("BIAS_OUT_W")
        self.scale = [generator.choice([127, -127, 0, *generator.sample(factors, 5)]) for _ in range(count)]
        self.slope = [generator.choice([127, -127, 0, *generator.sample(factors, 5)]) for _ in range(count)]
        self.thresholds = [sorted(t) for t in zip(*(drawn("THRESHOLD_W") for _ in range(3)), strict=True)]
        code = every_code(2).code
        self.prescale = [generator.randint(0, parameter(dut, "SPAN")) for _ in range(count)]
        self.scale_words = [
            p << (width["BIAS_IN_W"] + 10 + width["GATE_W"])
            | pack([b], width["BIAS_IN_W"]) << (10 + width["GATE_W"])
            | code(m) << width["GATE_W"]
            | pack([g], width["GATE_W"])
            for g, m, b, p in zip(self.gate, self.scale, self.bias_in, self.prescale, strict=True)
        ]
        self.slope_words = [
            pack([b], width["BIAS_OUT_W"]) << 10 | code(n) for n, b in zip(self.slope, self.bias_out, strict=True)
        ]
        self.threshold_words = [pack(t, width["THRESHOLD_W"]) for t in self.thresholds]

    def value(self, c: int, s_m: int, s_l: int, r: int, x: int, bits: int) -> int:
        """X' of a channel."""
        a = 2 * s_m + (s_l if s_m > self.gate[c] else 0)
        v = (a * self.scale[c] + (1 << r >> 1) >> r) + self.bias_in[c]
        v = (v if v >= 0 else v * self.slope[c] >> SLOPE_SHIFT) + self.bias_out[c]
        return max(-(1 << (bits - 1)), min((1 << (bits - 1)) - 1, v + x))

    def activation(self, c: int, value: int) -> int:
        """q of the layer behind."""
        return sum(value >= t for t in self.thresholds[c])


@cocotb.test()
@cocotb.parametrize(share=[1.0, 0.4])
async def computes_whole_layers(dut: Any, share: float) -> None:
    bits, count_w, simd = (parameter(dut, name) for name in ("BITS", "COUNT_W", "SIMD"))
    shift = parameter(dut, "SHIFT")
    generator = seeded()
    constants = Constants(dut, generator)
    held = [generator.choice(corner_values(bits, generator, 12)) for _ in range(1 << parameter(dut, "X_W"))]
    plane: dict[int, int] = {}
    start_watched(dut)
    await reset(dut, "start", "valid")
    for name, words in (
        ("scale", constants.scale_words),
        ("slope", constants.slope_words),
        ("threshold", constants.threshold_words),
    ):
        answer(dut, getattr(dut, f"{name}_addr"), getattr(dut, f"{name}_data"), words.__getitem__)
    answer(dut, dut.x_read_addr, dut.x_read_data, lambda addr: held[addr] % (1 << bits))

    async def write() -> None:
        while True:
            await FallingEdge(dut.clk)
            if int(dut.x_write.value):
                held[int(dut.x_write_addr.value)] = dut.x_write_data.value.to_signed()
            if int(dut.plane_write.value):
                plane[int(dut.plane_write_addr.value)] = int(dut.plane_write_data.value)

    cocotb.start_soon(write())
    for layer in range(LAYERS):
        channels = simd * generator.randint(1, (1 << parameter(dut, "CHANNEL_W")) // simd)
        base = generator.randint(0, (1 << parameter(dut, "CONSTANT_W")) - channels)
        shortcut = layer != 1
        dut.constants.value, dut.channels.value = base, channels - 1
        dut.shortcut.value = int(shortcut)
        before, plane_words = list(held), PIXELS * channels // simd
        if layer % 2:
            await pulse(dut, "start")
            dut.valid.value = 1
            await cut_off(dut, generator, "valid", longest=20)
            held[:] = before
            for _ in range(20):
                await FallingEdge(dut.clk)
            same(f"layer {layer}: X behind a reset", before, held)
        plane.clear()
        await pulse(dut, "start")
        expected: list[int] = []
        for place in range(PIXELS * channels):
            counted = generator.randrange(1 << count_w)
            upper, lower = (generator.choice([0, counted, generator.randint(0, counted)]) for _ in range(2))
            dut.valid.value = 1
            dut.upper.value, dut.lower.value, dut.counted.value = upper, lower, counted
            sums = 2 * upper - counted, 2 * lower - counted
            x = before[place] if shortcut else 0
            channel = base + place % channels
            expected.append(constants.value(channel, *sums, shift - constants.prescale[channel], x, bits))
            await FallingEdge(dut.clk)
            while generator.random() >= share:
                dut.valid.value = 0
                await FallingEdge(dut.clk)
        dut.valid.value = 0
        for _ in range(20):
            await FallingEdge(dut.clk)
        for place, value in enumerate(expected):
            same(f"layer {layer} place {place}: X'", value, held[place])
        same(f"layer {layer}: X behind it", before[len(expected) :], held[len(expected) :])
        q = [constants.activation(base + place % channels, value) for place, value in enumerate(expected)]
        words = [
            pack([v & 1 for v in own], 1) << simd | pack([v >> 1 for v in own], 1)
            for own in (q[i : i + simd] for i in range(0, len(q), simd))
        ]
        same(f"layer {layer}: plane", words, [plane.get(word) for word in range(plane_words)])


def test_scale_path(block: tuple[str, dict[str, int]]) -> None:
    run_sequential(block, "scale_path", Path(__file__))
