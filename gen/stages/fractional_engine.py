# SPDX-License-Identifier: Apache-2.0
"""The fractional engine, rtl/fractional_engine.v: its numbers, and its constants, weights and corrections."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.gen.stages.folding import StageFold
from wsfracbnn.gen.stages.rom import LaneWords, Rom, Words, clog2, lanes_of
from wsfracbnn.gen.stages.timing import WINDOW_CYCLES
from wsfracbnn.model.contract import TAPS
from wsfracbnn.model.description import Ints, Signs

BORDERS = 16
"""Combinations of the four borders of the image that a window can reach across."""


def match_count_stages(simd: int) -> int:
    """Registers in rtl/match_count.v: one for every two halvings of the groups of six bits, one behind all."""
    return 1 + (clog2((simd + 5) // 6) + 1) // 2


GATE_CYCLES = 5
"""Cycles that a gate takes beside those of rtl/match_count.v, until an operation of a second pass can follow."""


def held_windows(window_cycles: float, popcount_stages: int) -> int:
    """Windows between their passes that keep the engine at work while it waits for gates (rtl/pass_sequencer.v, HELD).

    window_cycles: mean of both passes. With so many windows the one whose gates are needed next is, on average, as old
    as the pipeline is long; each more costs a counter in every lane.
    """
    return max(1, math.ceil((popcount_stages + GATE_CYCLES) / max(window_cycles, WINDOW_CYCLES)))


@dataclass(frozen=True)
class EngineDesign:
    """Numbers of a fractional convolution engine, its weights and its corrections.

    held: windows between their passes at most.
    """

    in_channels: int
    out_channels: int
    pe: int
    simd: int
    groups: int
    chunks: int
    popcount_stages: int
    held: int
    sum_w: int
    acc_w: int
    weights: Rom
    corrections: Rom

    @property
    def weight_literals(self) -> list[tuple[str, str]]:
        """The weights of all channels where each lane has one word, the last channel first, and whose they are."""
        words = enumerate(self.weights.words)
        lines = [(f"{self.simd}'h{word:0{(self.simd + 3) // 4}x}", f"output channel {o}") for o, (word,) in words]
        return lines[::-1]

    @property
    def result_words(self) -> int:
        """Words of the FIFOs of both passes' results (rtl/fractional_engine.v, DEPTH)."""
        return (2 * self.held + 1) * self.groups + (3 if self.held > 1 else 4)

    @property
    def list_words(self) -> int:
        """Words of a lane's list of open gates: of all windows that are held or on the input."""
        return (self.held + 1) * self.groups + 1


def border_taps(border: int) -> NDArray[np.bool_]:
    """(9,): taps inside the image of a window that reaches across the borders {right, left, bottom, top}."""
    rows = np.array([not border & 1, True, not border & 2])
    columns = np.array([not border & 4, True, not border & 8])
    taps: NDArray[np.bool_] = np.outer(rows, columns).reshape(TAPS)
    return taps


def corrections(weights: Signs) -> Ints:
    """(O, 16): v + 2 n of rtl/xnor_lane.v for weights (O, I, 9) of +-1 and each border.

    S = 2 m - v over the v window bits inside the image. Bits outside count as 0 and match n weights of -1, so that
    2 m + 2 n - (v + 2 n) is the same.
    """
    columns = []
    for border in range(BORDERS):
        inside = border_taps(border)
        columns.append(inside.sum() * weights.shape[1] + 2 * (weights[:, :, ~inside] < 0).sum((1, 2)))
    return np.stack(columns, axis=1).astype(np.int64)


def fractional_engine(weights: Signs, fold: StageFold, window_cycles: float) -> EngineDesign:
    """weights (O, I, 9) of +-1; bit = 1 stands for +1, a chunk is the nine taps of SIMD / 9 channels.

    window_cycles: mean of both passes of a window.
    """
    out_channels, in_channels, _ = weights.shape
    window = weights.reshape(out_channels, -1)
    groups, chunks = out_channels // fold.pe, window.shape[1] // fold.simd
    sum_w = clog2(window.shape[1] + 1) + 1
    slots = 1 << clog2(chunks)  # words of a group, some unused where chunks is no power of two

    def word(channel: int, chunk: int) -> int:
        bits = window[channel, chunk * fold.simd : (chunk + 1) * fold.simd] > 0
        return int.from_bytes(np.packbits(bits, bitorder="little"), "little")  # an unused slot has no bits and is 0

    def weight_words() -> LaneWords:
        return tuple(
            tuple(word(g * fold.pe + lane, k) for g in range(groups) for k in range(slots)) for lane in range(fold.pe)
        )

    def correction_words() -> LaneWords:
        constants = corrections(weights)
        return tuple(
            tuple(int(c) % (1 << sum_w) for g in range(groups) for c in constants[g * fold.pe + lane])
            for lane in range(fold.pe)
        )

    rom = Rom(
        suffix="weights",
        purpose="Binary weights, 1 for +1 and 0 for -1",
        layout=f"address = {{group, chunk}}; {lanes_of('output channel', fold.pe)}; bit 9 c + t is tap t of "
        "the chunk's channel c",
        width=fold.simd,
        words=Words(fold.pe, groups * slots, weight_words),
        comments=lambda: [
            f"group {g}, chunk {k}" if k < chunks else "unused" for g in range(groups) for k in range(slots)
        ],
        latency=2,
        in_block="weights" in fold.moved,
    )
    popcount_stages = match_count_stages(fold.simd)
    borders = Rom(
        suffix="corrections",
        purpose="What turns twice the matches of a window into S, by the borders that the window reaches across",
        layout=f"address = {{group, right, left, bottom, top}}; {lanes_of('output channel', fold.pe)}; "
        "all borders 0 is a line's last word",
        width=sum_w,
        words=Words(fold.pe, groups * BORDERS, correction_words),
        comments=lambda: [f"group {g}" for g in range(groups)],
        per_line=BORDERS,
    )
    return EngineDesign(
        in_channels=in_channels,
        out_channels=out_channels,
        pe=fold.pe,
        simd=fold.simd,
        groups=groups,
        chunks=chunks,
        popcount_stages=popcount_stages,
        held=held_windows(window_cycles, popcount_stages),
        sum_w=sum_w,
        acc_w=sum_w + 2,
        weights=rom,
        corrections=borders,
    )
