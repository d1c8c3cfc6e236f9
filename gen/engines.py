# SPDX-License-Identifier: Apache-2.0
"""Numbers and constants of the engines: weights and corrections of the fractional one, the input stage's tables."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.gen.description import TAPS, InputStage, Ints
from wsfracbnn.gen.folding import StageFold
from wsfracbnn.gen.rom import Rom, clog2, pack

BORDERS = 16
"""Combinations of the four borders of the image that a window can reach across."""


def match_count_stages(simd: int) -> int:
    """Registers in rtl/match_count.v: one for every two halvings of the groups of six bits, one behind all."""
    return 1 + (clog2((simd + 5) // 6) + 1) // 2


@dataclass(frozen=True)
class EngineDesign:
    """Numbers of a fractional convolution engine, its weights and its corrections."""

    in_channels: int
    out_channels: int
    pe: int
    simd: int
    groups: int
    chunks: int
    stages: int
    sum_w: int
    acc_w: int
    weights: Rom
    corrections: Rom


@dataclass(frozen=True)
class TableDesign:
    """Numbers of the input stage's engine, rtl/table_engine.v, and its tables.

    values: pixel values looked up at once; level_w: width of a level; value_w: of a table's word for one channel.
    """

    out_channels: int
    pe: int
    simd: int
    values: int
    groups: int
    chunks: int
    level_w: int
    value_w: int
    sum_w: int
    tables: Rom


def border_taps(border: int) -> NDArray[np.bool_]:
    """(9,): taps inside the image of a window that reaches across the borders {right, left, bottom, top}."""
    rows = np.array([not border & 1, True, not border & 2])
    columns = np.array([not border & 4, True, not border & 8])
    taps: NDArray[np.bool_] = np.outer(rows, columns).reshape(TAPS)
    return taps


def corrections(weights: Ints) -> Ints:
    """(O, 16): v + 2 n of rtl/xnor_lane.v for weights (O, 9, I) of +-1 and each border.

    S = 2 m - v over the v window bits inside the image. Bits outside count as 0 and match n weights of -1, so that
    2 m + 2 n - (v + 2 n) is the same.
    """
    columns = []
    for border in range(BORDERS):
        inside = border_taps(border)
        columns.append(inside.sum() * weights.shape[2] + 2 * (weights[:, ~inside] < 0).sum((1, 2)))
    return np.stack(columns, axis=1).astype(np.int64)


def fractional_engine(weights: Ints, fold: StageFold) -> EngineDesign:
    """weights (O, 9, I) of +-1; bit = 1 stands for +1, a window's bits are channel-major, taps within a channel."""
    out_channels, _, in_channels = weights.shape
    window = weights.transpose(0, 2, 1).reshape(out_channels, -1)
    groups, chunks = out_channels // fold.pe, window.shape[1] // fold.simd
    sum_w = clog2(window.shape[1] + 1) + 1
    slots = 1 << clog2(chunks)  # words of a group, some unused where chunks is no power of two

    def word(channel: int, chunk: int) -> int:
        bits = window[channel, chunk * fold.simd : (chunk + 1) * fold.simd] > 0
        return pack([(int(bit), 1) for bit in bits])  # an unused slot has no bits and is 0

    rom = Rom(
        suffix="weights",
        purpose="Binary weights, 1 for +1 and 0 for -1",
        layout=f"address = {{group, chunk}}; lane l of group g is output channel g * {fold.pe} + l; bit 9 c + t is "
        "tap t of the chunk's channel c",
        width=fold.simd,
        words=tuple(
            tuple(word(g * fold.pe + lane, k) for g in range(groups) for k in range(slots)) for lane in range(fold.pe)
        ),
        comments=tuple(
            f"group {g}, chunk {k}" if k < chunks else "unused" for g in range(groups) for k in range(slots)
        ),
        latency=2,
    )
    constants = corrections(weights)
    borders = Rom(
        suffix="corrections",
        purpose="What turns twice the matches of a window into S, by the borders that the window reaches across",
        layout=f"address = {{group, right, left, bottom, top}}; lane l of group g is output channel g * {fold.pe} + l; "
        "all borders 0 is a line's last word",
        width=sum_w,
        words=tuple(
            tuple(int(c) % (1 << sum_w) for g in range(groups) for c in constants[g * fold.pe + lane])
            for lane in range(fold.pe)
        ),
        comments=tuple(f"group {g}" for g in range(groups)),
        per_line=BORDERS,
    )
    return EngineDesign(
        in_channels=in_channels,
        out_channels=out_channels,
        pe=fold.pe,
        simd=fold.simd,
        groups=groups,
        chunks=chunks,
        stages=match_count_stages(fold.simd),
        sum_w=sum_w,
        acc_w=sum_w + 2,
        weights=rom,
        corrections=borders,
    )


def level_products(weights: Ints, level: int) -> Ints:
    """f(n) of rtl/table_engine.v: what K weights of +-1 add to S for a pixel of level n, 0 for a level above K.

    weights: (..., K). Equal to XNOR and popcount with the thermometer code whose lowest n bits are set (FracBNN,
    section 4.1): the sum over k of w_k for k < n, less that for k >= n.
    """
    levels = weights.shape[-1]
    if level > levels:
        return np.zeros(weights.shape[:-1], np.int64)
    products: Ints = weights[..., :level].sum(-1) - weights[..., level:].sum(-1)
    return products


def table_engine(stage: InputStage, fold: StageFold) -> TableDesign:
    """The input stage's engine; a table's words are the products of the channels of a group, level by level."""
    values = fold.simd // stage.levels
    groups, chunks = stage.out_channels // fold.pe, TAPS * stage.colours // values
    level_w = clog2(stage.levels + 2)
    value_w = clog2(stage.levels) + 2
    window = stage.weights.reshape(stage.out_channels, TAPS * stage.colours, stage.levels)
    products = np.stack([level_products(window, level) for level in range(1 << level_w)], axis=-1)

    def words(table: int) -> tuple[int, ...]:
        return tuple(
            pack([(int(products[g * fold.pe + lane, k * values + table, n]), value_w) for lane in range(fold.pe)])
            for g in range(groups)
            for k in range(chunks)
            for n in range(1 << level_w)
        )

    tables = Rom(
        suffix="tables",
        purpose=f"What the {stage.levels} weights of a pixel value add to S, by the value's level",
        layout=f"lane = table; address = {{group * {chunks} + chunk, level}}; a word holds the channels of a "
        "group, the first in the low bits; level 0 is in a line's low bits",
        width=fold.pe * value_w,
        words=tuple(words(table) for table in range(values)),
        comments=tuple(f"group {g}, chunk {k}" for g in range(groups) for k in range(chunks)),
        per_line=1 << level_w,
    )
    return TableDesign(
        out_channels=stage.out_channels,
        pe=fold.pe,
        simd=fold.simd,
        values=values,
        groups=groups,
        chunks=chunks,
        level_w=level_w,
        value_w=value_w,
        sum_w=clog2(stage.window_bits + 1) + 1,
        tables=tables,
    )
