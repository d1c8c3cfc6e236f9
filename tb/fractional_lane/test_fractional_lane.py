# SPDX-License-Identifier: Apache-2.0
"""fractional_lane: S_m and gate of every group, then S_l of exactly the groups whose gate is open, in their order.

As many windows as the list holds have their first passes before any has its second.
"""

from __future__ import annotations

from collections import deque
from pathlib import Path
from typing import Any

import cocotb
from cocotb.triggers import ClockCycles, FallingEdge, Timer

from wsfracbnn.tb.common.bench import parameter, same, seeded, start_clock
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"SIMD": 9, "GROUPS": 4, "CHUNKS": 2, "DEPTH": 16, "SUM_W": 6, "STAGES": 2},
    {"SIMD": 36, "GROUPS": 6, "CHUNKS": 1, "DEPTH": 22, "SUM_W": 7, "STAGES": 3, "LUT_INPUTS": 6},
    {"SIMD": 9, "GROUPS": 1, "CHUNKS": 3, "DEPTH": 7, "SUM_W": 6, "STAGES": 1},
    {"SIMD": 9, "GROUPS": 2, "CHUNKS": 1, "DEPTH": 24, "SUM_W": 6, "STAGES": 2, "WINDOWS": 6},
]
ROUNDS = 6


class Lane:
    """Plays the engine's sequencer: issues chunks and delays operands and control as the pipeline needs them."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.simd, self.groups, self.chunks = (parameter(dut, n) for n in ("SIMD", "GROUPS", "CHUNKS"))
        self.stages = parameter(dut, "STAGES")
        self.rom: list[int] = []
        self.word = 0  # the weights of the address before
        self.corrections: list[int] = []
        self.correction_address = 0
        self.threshold: list[int] = []
        self.seen: list[tuple[int, int]] = []  # (S_m, gate) as they come
        self.ends = 1
        self.queue: list[dict[str, int]] = []  # what was planned, the oldest first

    async def step(self, chunk: int | None = None, group: int = 0, lsb: bool = False, plane: int = 0) -> None:
        """One clock cycle: plan a chunk of a pass, or nothing, while the one planned before is under way."""
        dut = self.dut
        planned = {
            "issue": int(chunk is not None),
            "chunk": chunk or 0,
            "group": group,
            "lsb": int(lsb),
            "ends": int(chunk == self.chunks - 1),
            "plane": plane,
        }
        self.queue.append(planned)

        def before(cycles: int) -> dict[str, int]:
            return self.queue[-1 - cycles] if len(self.queue) > cycles else dict.fromkeys(planned, 0)

        now, counted, result = before(1), before(self.stages + 3), before(self.stages + 5)
        compared = before(self.stages + 4)
        await FallingEdge(dut.clk)
        dut.plan_lsb_ends.value = planned["ends"] & planned["lsb"]
        dut.issue_msb.value = now["issue"] & ~now["lsb"]
        dut.issue_group.value = now["group"]
        dut.issue_chunk.value = now["chunk"]
        dut.counted_first.value = int(counted["issue"] and counted["chunk"] == 0)
        dut.counted_last.value = counted["ends"]
        dut.counted_border.value = 0
        dut.correction_data.value = self.corrections[self.correction_address % len(self.corrections)]
        dut.msb_result.value = result["ends"] & ~result["lsb"]
        dut.msb_result_group.value = result["group"]
        if self.threshold:
            dut.gate_threshold.value = self.threshold[compared["group"]] & ((1 << parameter(dut, "SUM_W")) - 1)
        await Timer(1, "ns")
        if result["ends"] and not result["lsb"]:
            self.seen.append((dut.msb_sum.value.to_signed(), int(dut.gate.value)))
        self.ends = int(dut.list_ends.value)
        address = int(dut.weight_addr.value) if now["issue"] else 0
        corrects = dut.correction_addr.value
        await ClockCycles(dut.clk, 1)
        dut.weight_data.value, self.word = self.word, self.rom[address % len(self.rom)]
        self.correction_address = int(corrects) if corrects.is_resolvable else 0
        dut.data.value = now["plane"] >> (now["chunk"] * self.simd) & ((1 << self.simd) - 1)
        await Timer(1, "ns")


@cocotb.test()
async def second_pass_visits_the_open_gates_only(dut: Any) -> None:
    lane = Lane(dut)
    start_clock(dut)
    generator = seeded()
    bits, sum_w = lane.simd * lane.chunks, parameter(dut, "SUM_W")
    weights = [generator.getrandbits(bits) for _ in range(lane.groups)]
    slots = 1 << (lane.chunks - 1).bit_length()
    lane.rom = [w >> (k * lane.simd) & ((1 << lane.simd) - 1) for w in weights for k in range(slots)]
    # Any number will do: each group gets its own, so that one taken for another shows.
    extra = [2 * group for group in range(lane.groups)]
    lane.corrections = [(bits + e) % (1 << sum_w) for e in extra for _ in range(16)]
    dut.lsb_ready.value = dut.list_turn.value = dut.msb_turn.value = 0
    dut.rst.value = 1
    for _ in range(3):
        await lane.step()
    dut.rst.value = 0

    def total(group: int, plane: int) -> int:
        """S, as the lane's width wraps it."""
        value = 2 * (bits - (weights[group] ^ plane).bit_count()) - bits - extra[group]
        return (value + (1 << (sum_w - 1))) % (1 << sum_w) - (1 << (sum_w - 1))

    async def first_pass(turn: int, all_open: bool) -> list[int]:
        """S_m and gates of a random window; returns the gates."""
        msb = generator.getrandbits(bits)
        s_m = [total(group, msb) for group in range(lane.groups)]
        lane.threshold = [
            max(s - (1 if all_open else generator.getrandbits(1)), -(1 << (sum_w - 1))) for s in s_m
        ]  # met exactly: closed; one below: open
        lane.seen.clear()
        dut.msb_turn.value = turn
        for group in range(lane.groups):
            for chunk in range(lane.chunks):
                await lane.step(chunk, group, plane=msb)
        for _ in range(lane.stages + 9):
            await lane.step()
        is_open = [int(s > t) for s, t in zip(s_m, lane.threshold, strict=True)]
        same("first pass", list(zip(s_m, is_open, strict=True)), lane.seen)
        return is_open

    async def second_pass(turn: int, is_open: list[int]) -> None:
        """S_l of the open gates, and nothing else."""
        lsb = generator.getrandbits(bits)
        expected = [total(group, lsb) for group, g in enumerate(is_open) if g]
        dut.list_turn.value = turn
        await lane.step()
        same("list at first", int(sum(is_open) == 0), int(dut.list_empty.value))
        for number in range(sum(is_open)):
            same("list", 0, int(dut.list_empty.value))
            for chunk in range(lane.chunks):
                await lane.step(chunk, lsb=True, plane=lsb)
                same("list ends", int(number == sum(is_open) - 1), lane.ends)
            same("done", int(number == sum(is_open) - 1), int(dut.list_empty.value))
        for _ in range(lane.stages + 9):
            await lane.step()
        for number, value in enumerate(expected):
            same(f"S_l {number} valid", 1, int(dut.lsb_valid.value))
            same(f"S_l {number}", value, dut.lsb_sum.value.to_signed())
            dut.lsb_ready.value = 1
            await lane.step()
            dut.lsb_ready.value = 0
            await lane.step()
        same("S_l too many", 0, int(dut.lsb_valid.value))

    windows = parameter(dut, "WINDOWS")
    listed: deque[tuple[int, list[int]]] = deque()
    for number in range(ROUNDS * windows):
        fills = number < windows  # the first ones, all gates open, take all the room that the list has
        listed.append((number % windows, await first_pass(number % windows, fills)))
        # The list is full, or a random part of it is worked off.
        while len(listed) == windows or (listed and not fills and generator.random() < 0.3):
            await second_pass(*listed.popleft())
    while listed:
        await second_pass(*listed.popleft())
    for turn in range(windows):
        await first_pass(turn, True)
    dut.rst.value = 1
    await lane.step()
    dut.rst.value = 0
    for turn in range(windows):
        dut.list_turn.value = turn
        await lane.step()
        same("list behind a reset", (1, 0), (int(dut.list_empty.value), int(dut.lsb_valid.value)))
    await second_pass(0, await first_pass(0, True))


def test_fractional_lane(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "fractional_lane", Path(__file__), block[1])
