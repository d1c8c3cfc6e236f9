# SPDX-License-Identifier: Apache-2.0
"""fractional_lane: S_m and gate of every group, then S_l of exactly the groups whose gate is open, in their order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, Timer

from wsfracbnn.tb.common.bench import parameter, same, seeded
from wsfracbnn.tb.common.runner import run_block

GRID = [
    {"SIMD": 9, "GROUPS": 4, "CHUNKS": 2, "DEPTH": 16, "SUM_W": 6, "STAGES": 2},
    {"SIMD": 36, "GROUPS": 6, "CHUNKS": 1, "DEPTH": 22, "SUM_W": 7, "STAGES": 3},
    {"SIMD": 9, "GROUPS": 1, "CHUNKS": 3, "DEPTH": 7, "SUM_W": 6, "STAGES": 1},
]
WINDOWS = 12


class Lane:
    """Plays the engine's sequencer: issues chunks and delays operands and control as the pipeline needs them."""

    def __init__(self, dut: Any) -> None:
        self.dut = dut
        self.simd, self.groups, self.chunks = (parameter(dut, n) for n in ("SIMD", "GROUPS", "CHUNKS"))
        self.stages = parameter(dut, "STAGES")
        self.rom: list[int] = []
        self.corrections: list[int] = []
        self.correction_address = 0
        self.threshold: list[int] = []
        self.seen: list[tuple[int, int]] = []  # (S_m, gate) as they come
        self.done = 1
        self.queue: list[dict[str, int]] = []  # control under way, the oldest first

    async def step(self, chunk: int | None = None, group: int = 0, lsb: bool = False, plane: int = 0) -> None:
        """One clock cycle: issue a chunk of a pass, or nothing."""
        dut, issue = self.dut, chunk is not None
        number = chunk or 0
        await FallingEdge(dut.clk)
        ends = issue and number == self.chunks - 1
        dut.issue_msb.value = int(issue and not lsb)
        dut.issue_lsb.value = int(issue and lsb)
        dut.issue_ends.value = int(ends)
        dut.chunk.value = number
        dut.msb_group.value = group
        entry = {
            "first": int(issue and number == 0),
            "last": int(ends),
            "result": int(ends and not lsb),
            "group": group,
        }
        self.queue.append(entry)

        def delayed(cycles: int) -> dict[str, int]:
            return self.queue[-1 - cycles] if len(self.queue) > cycles else dict.fromkeys(entry, 0)

        counted, result = delayed(self.stages + 2), delayed(self.stages + 3)
        dut.counted_first.value, dut.counted_last.value = counted["first"], counted["last"]
        dut.counted_border.value = 0
        dut.correction_data.value = self.corrections[self.correction_address % len(self.corrections)]
        dut.msb_result.value = result["result"]
        dut.msb_result_group.value = result["group"]
        if self.threshold:
            dut.gate_threshold.value = self.threshold[result["group"]] & ((1 << parameter(dut, "SUM_W")) - 1)
        await Timer(1, "ns")
        if result["result"]:
            self.seen.append((dut.msb_sum.value.to_signed(), int(dut.gate.value)))
        self.done = int(dut.list_done.value)  # tells before the clock edge what the list will be after it
        address = int(dut.weight_addr.value) if issue else 0
        corrects = dut.correction_addr.value
        await ClockCycles(dut.clk, 1)
        dut.weight_data.value = self.rom[address % len(self.rom)]
        self.correction_address = int(corrects) if corrects.is_resolvable else 0
        dut.data.value = plane >> (number * self.simd) & ((1 << self.simd) - 1)
        await Timer(1, "ns")


@cocotb.test()
async def second_pass_visits_the_open_gates_only(dut: Any) -> None:
    lane = Lane(dut)
    Clock(dut.clk, 10, unit="ns").start()
    generator = seeded()
    bits, sum_w = lane.simd * lane.chunks, parameter(dut, "SUM_W")
    weights = [generator.getrandbits(bits) for _ in range(lane.groups)]
    slots = 1 << (lane.chunks - 1).bit_length()
    lane.rom = [w >> (k * lane.simd) & ((1 << lane.simd) - 1) for w in weights for k in range(slots)]
    # Any number will do: each group gets its own, so that one taken for another shows.
    extra = [2 * group for group in range(lane.groups)]
    lane.corrections = [(bits + e) % (1 << sum_w) for e in extra for _ in range(16)]
    dut.lsb_ready.value = 0
    dut.list_parity.value = 0
    dut.msb_parity.value = 0
    dut.rst.value = 1
    for _ in range(3):
        await lane.step()
    dut.rst.value = 0

    def total(group: int, plane: int) -> int:
        """S, as the lane's width wraps it."""
        value = 2 * (bits - (weights[group] ^ plane).bit_count()) - bits - extra[group]
        return (value + (1 << (sum_w - 1))) % (1 << sum_w) - (1 << (sum_w - 1))

    for window in range(WINDOWS):
        msb, lsb = generator.getrandbits(bits), generator.getrandbits(bits)
        s_m = [total(group, msb) for group in range(lane.groups)]
        lane.threshold = [
            max(s + generator.choice([-1, 0]), -(1 << (sum_w - 1))) for s in s_m
        ]  # met exactly: closed; one below: open
        lane.seen.clear()
        dut.msb_parity.value = dut.list_parity.value = window % 2
        for group in range(lane.groups):
            for chunk in range(lane.chunks):
                await lane.step(chunk, group, plane=msb)
        for _ in range(lane.stages + 7):
            await lane.step()
        is_open = [int(s > t) for s, t in zip(s_m, lane.threshold, strict=True)]
        same(f"window {window} first pass", list(zip(s_m, is_open, strict=True)), lane.seen)
        expected = [total(group, lsb) for group, g in enumerate(is_open) if g]
        for number in range(sum(is_open)):
            same(f"window {window} list", 0, int(dut.list_empty.value))
            for chunk in range(lane.chunks):
                await lane.step(chunk, lsb=True, plane=lsb)
                last = number == sum(is_open) - 1 and chunk == lane.chunks - 1
                same(f"window {window} list done", int(last), lane.done)
            same(f"window {window} done", int(number == sum(is_open) - 1), int(dut.list_empty.value))
        for _ in range(lane.stages + 7):
            await lane.step()
        for number, value in enumerate(expected):
            same(f"window {window} S_l {number} valid", 1, int(dut.lsb_valid.value))
            same(f"window {window} S_l {number}", value, dut.lsb_sum.value.to_signed())
            dut.lsb_ready.value = 1
            await lane.step()
            dut.lsb_ready.value = 0
            await lane.step()
        same(f"window {window} S_l too many", 0, int(dut.lsb_valid.value))


def test_fractional_lane(block: tuple[str, dict[str, int]]) -> None:
    run_block(block[0], "fractional_lane", Path(__file__), block[1])
