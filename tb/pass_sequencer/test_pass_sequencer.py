# SPDX-License-Identifier: Apache-2.0
"""pass_sequencer: against lists of random length, every window gets one whole first pass and its list's second pass.

The testbench plays the lanes (how many outputs each gates, and that gates come back some cycles after the last
first-pass command) and the windows (there or not, at once or later).
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, Timer

from wsfracbnn.tb.common.bench import PATIENCE_CYCLES, parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"GROUPS": 16, "CHUNKS": 1, "RESULTS": 52},
    {"GROUPS": 4, "CHUNKS": 3, "RESULTS": 16},
    {"GROUPS": 1, "CHUNKS": 1, "RESULTS": 7},
    {"GROUPS": 5, "CHUNKS": 2, "RESULTS": 5},
    {"GROUPS": 2, "CHUNKS": 5, "RESULTS": 9},
    {"GROUPS": 2, "CHUNKS": 1, "RESULTS": 26, "HELD": 5},
    {"GROUPS": 1, "CHUNKS": 3, "RESULTS": 11, "HELD": 3},
    {"GROUPS": 1, "CHUNKS": 1, "RESULTS": 25, "HELD": 10},
]
WINDOWS = 60
LATENCY = 9
RESETS = 6


class Surroundings:
    """What the sequencer sees, and what it commanded: (pass, window, group, chunk) each."""

    def __init__(self, dut: Any, generator: random.Random, always: bool) -> None:
        self.dut, self.generator, self.always = dut, generator, always
        self.groups, self.chunks = parameter(dut, "GROUPS"), parameter(dut, "CHUNKS")
        self.room = parameter(dut, "RESULTS")
        self.gated = [generator.randint(0, self.groups) for _ in range(WINDOWS)]
        self.held = parameter(dut, "HELD")
        self.left = [0] * (self.held + 1)  # on the list of each window, which take turns
        self.window = 0  # on the input
        self.there = True
        self.known: list[int] = []  # cycles until the gates of a window come back
        self.released = 0  # windows that are done with
        self.results = 0  # windows whose gates are back
        self.waiting = 0  # first-pass results not taken
        self.first: list[tuple[int, int, int]] = []
        self.second: list[int] = []  # chunks
        self.cycles = 0

    def arrives(self) -> bool:
        return self.always or self.generator.random() < 0.5

    async def cycle(self) -> None:
        """One clock cycle."""
        dut, gen = self.dut, self.generator
        await FallingEdge(dut.clk)
        advanced, follows = int(dut.advance.value), self.arrives() and self.window + 1 < WINDOWS
        self.known = [n - 1 for n in self.known]
        back = bool(self.known) and self.known[0] == 0
        taken = self.waiting > 0 and gen.random() < (1.0 if self.always else 0.4)
        dut.window_valid.value = int(self.there)
        dut.window_next.value = int(follows)
        dut.window_result.value = int(back)
        dut.result_taken.value = int(taken)
        await Timer(1, "ns")
        turn = int(dut.list_turn.value)
        same("whose list", self.released % len(self.left), turn)
        dut.lists_empty.value = int(self.left[turn] == 0)
        dut.lists_end.value = int(self.left[turn] <= 1)
        await Timer(1, "ns")
        if int(dut.plan_lsb_ends.value):
            same("list that is worked off", True, self.left[turn] > 0)
            self.left[turn] -= 1
        self.command()
        if int(dut.release_window.value):
            same("released when its list is worked off", 0, self.left[turn])
            same("released when its gates are known", True, self.released < self.results)
            self.released += 1
            same("windows held", True, self.released <= self.window + advanced)
        if back:
            self.known.pop(0)
            self.left[self.results % len(self.left)] = self.gated[self.results]
            self.results += 1
        if taken:
            self.waiting -= 1
        if advanced:
            self.window += 1
            same("windows held", True, self.window - self.released <= self.held + 1)
            self.there = follows
        elif not self.there:
            self.there = self.window < WINDOWS and self.arrives()
        self.cycles += 1

    def command(self) -> None:
        """Note what is under way in this cycle."""
        dut = self.dut
        chunk = int(dut.issue_chunk.value)
        if int(dut.issue_msb.value):
            same("window under way", True, self.there)
            self.first.append((self.window, int(dut.issue_group.value), chunk))
            same("begins", int(chunk == 0), int(dut.issue_begins.value))
            if chunk == 0:
                self.waiting += 1
                same("results under way fit", True, self.waiting <= self.room)
            if chunk == self.chunks - 1 and int(dut.issue_group.value) == self.groups - 1:
                self.known.append(LATENCY)
        elif int(dut.issue_lsb.value):
            self.second.append(chunk)
        if int(dut.issue_msb.value) or int(dut.issue_lsb.value):
            same("ends", int(chunk == self.chunks - 1), int(dut.issue_ends.value))


async def begun(dut: Any, generator: random.Random, always: bool) -> Surroundings:
    """Behind a reset of one cycle, in which the inputs are as they were."""
    dut.rst.value = 1
    await FallingEdge(dut.clk)
    dut.rst.value = 0
    for name in ("window_valid", "window_next", "window_result", "result_taken"):
        getattr(dut, name).value = 0
    dut.lists_empty.value = dut.lists_end.value = 1
    return Surroundings(dut, generator, always)


@cocotb.test()
@cocotb.parametrize(always=[True, False])
async def every_window_gets_both_passes(dut: Any, always: bool) -> None:
    """In order, whole, the second pass as long as the window's list; without a pause where nothing is waited for."""
    generator = seeded()
    start_clock(dut)
    for _ in range(RESETS):
        around = await begun(dut, generator, always)
        for _ in range(generator.randint(1, 100)):  # cut off by the next reset
            await around.cycle()
    around = await begun(dut, generator, always)
    groups, chunks = around.groups, around.chunks
    passes = chunks * (WINDOWS * groups + sum(around.gated))
    while len(around.first) + len(around.second) < passes and around.cycles < PATIENCE_CYCLES:
        await around.cycle()
    expected = [(w, g, k) for w in range(WINDOWS) for g in range(groups) for k in range(chunks)]
    same("first passes", expected, around.first)
    # Whose they are, `release_window` and the lists say in each cycle.
    second = [k for w in range(WINDOWS) for _ in range(around.gated[w]) for k in range(chunks)]
    same("second passes", second, around.second)
    if always:
        # A window in its first pass, and those that wait for gates, keep it at work; then a cycle for an empty list.
        wait = max(0, LATENCY + 3 - around.held * groups * chunks)
        empty = sum(not gated for gated in around.gated)
        same("within its time", True, around.cycles <= passes + wait * WINDOWS + empty + LATENCY + 6)
    for _ in range(20):
        await around.cycle()
    same("commands too many", passes, len(around.first) + len(around.second))


def test_pass_sequencer(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "pass_sequencer", Path(__file__), block[1])
