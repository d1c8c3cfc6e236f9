# SPDX-License-Identifier: Apache-2.0
"""layer_walk: every step of layers of random shapes, against nested loops over windows, groups, taps and steps."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge

from wsfracbnn.tb.common.bench import parameter, same, seeded
from wsfracbnn.tb.common.sequential import cut_off, pulse, reset, run_sequential, start_watched

GRID = [
    {"PLANE_W": 10, "WEIGHT_W": 12, "SIDE_W": 4, "GROUP_W": 3, "STEP_W": 3, "PAUSE_W": 4},
    {"PLANE_W": 7, "WEIGHT_W": 7, "SIDE_W": 3, "GROUP_W": 1, "STEP_W": 1, "PAUSE_W": 1},
]


@dataclass(frozen=True)
class Layer:
    """rows, columns: of the input. hold: all steps of a tap take the same word."""

    rows: int
    columns: int
    stride: int
    groups: int
    steps: int
    hold: bool
    pause: int
    weights: int

    @property
    def pixel(self) -> int:
        """Words of a pixel."""
        return 1 if self.hold else self.steps


def steps_of(layer: Layer) -> Iterator[tuple[bool, int, int, bool, bool, bool]]:
    """(inside, word, weight, first of a tap, first of a group, last of a group)."""
    for row in range(0, layer.rows, layer.stride):
        for column in range(0, layer.columns, layer.stride):
            weight = layer.weights
            for _ in range(layer.groups):
                for tap in range(9):
                    y, x = row + tap // 3 - 1, column + tap % 3 - 1
                    inside = 0 <= y < layer.rows and 0 <= x < layer.columns
                    for step in range(layer.steps):
                        word = (y * layer.columns + x) * layer.pixel + (0 if layer.hold else step)
                        first, last = tap == 0 and step == 0, tap == 8 and step == layer.steps - 1
                        yield inside, word, weight, step == 0, first, last
                        weight += 1


def random_layer(dut: Any, generator: random.Random, stride: int) -> Layer:
    """One whose plane and weights have room."""
    most = {name: 1 << parameter(dut, name) for name in ("SIDE_W", "GROUP_W", "STEP_W", "PAUSE_W")}
    plane, weight = (1 << parameter(dut, name) for name in ("PLANE_W", "WEIGHT_W"))
    while True:
        rows, columns = (stride * generator.randint(1, most["SIDE_W"] // stride) for _ in range(2))
        groups, steps = generator.randint(1, most["GROUP_W"]), generator.randint(1, most["STEP_W"])
        hold, pause = generator.random() < 0.3, generator.randrange(most["PAUSE_W"])
        words = groups * 9 * steps
        layer = Layer(rows, columns, stride, groups, steps, hold, pause, generator.randrange(max(1, weight - words)))
        if words <= weight and rows * columns * layer.pixel <= plane and rows * columns * words < 6000:
            return layer


@cocotb.test()
@cocotb.parametrize(stride=[1, 2])
async def walks_through_every_window(dut: Any, stride: int) -> None:
    generator = seeded()
    start_watched(dut)
    await reset(dut, "start")
    size = 1 << parameter(dut, "PLANE_W")
    for turn in range(6):
        layer = random_layer(dut, generator, stride)
        pixel, row = layer.pixel, layer.columns * layer.pixel
        dut.rows.value = layer.rows // stride - 1
        dut.columns.value = layer.columns // stride - 1
        dut.groups.value, dut.steps.value, dut.pause.value = layer.groups - 1, layer.steps - 1, layer.pause
        dut.stride_2.value, dut.hold.value, dut.weights.value = int(stride == 2), int(layer.hold), layer.weights
        dut.first_word.value = -(row + pixel) % size
        dut.row_jump.value = (row - 3 * pixel + 1) % size
        dut.pixel_step.value = stride * pixel % size
        dut.row_step.value = (stride * pixel + (stride - 1) * row) % size
        if turn % 2:
            await pulse(dut, "start")
            await cut_off(dut, generator)
            same(f"{layer}: behind a reset", (0, 0), (int(dut.busy.value), int(dut.step.value)))
        await pulse(dut, "start")
        for number, (inside, word, weight, tap_first, first, last) in enumerate(steps_of(layer)):
            where = f"{layer} step {number}"
            same(f"{where}: comes", 1, int(dut.step.value))
            same(f"{where}: inside", int(inside), int(dut.is_inside.value))
            if inside:
                same(f"{where}: word", word, int(dut.plane_addr.value))
            same(f"{where}: weight", weight, int(dut.weight_addr.value))
            flags = (int(dut.tap_first.value), int(dut.first.value), int(dut.last.value))
            same(f"{where}: flags", (int(tap_first), int(first), int(last)), flags)
            await FallingEdge(dut.clk)
            if last and int(dut.busy.value):
                for _ in range(layer.pause):
                    same(f"{where}: pause behind it", 0, int(dut.step.value))
                    await FallingEdge(dut.clk)
        same(f"{layer}: ends", (0, 0), (int(dut.busy.value), int(dut.step.value)))


def test_layer_walk(block: tuple[str, dict[str, int]]) -> None:
    run_sequential(block, "layer_walk", Path(__file__))
