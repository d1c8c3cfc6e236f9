# SPDX-License-Identifier: Apache-2.0
"""The input stage's engine, rtl/table_engine.v: its numbers, and its tables of what a pixel value adds to S."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from wsfracbnn.gen.stages.folding import StageFold
from wsfracbnn.gen.stages.rom import LaneWords, Rom, Words, clog2, numbered, pack
from wsfracbnn.model.contract import TAPS
from wsfracbnn.model.description import InputLayer, Ints, Signs


@dataclass(frozen=True)
class TableDesign:
    """Numbers of the input stage's engine, rtl/table_engine.v, and its tables.

    values: pixel values looked up at once; level_w: width of a level; value_w: of a table's word for one channel.
    sum_words: words of the FIFO of sums.
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
    sum_words: int
    tables: Rom


def level_products(weights: Signs, level: int) -> Ints:
    """f(n) of rtl/table_engine.v: what K weights of +-1 add to S for a pixel of level n, 0 for a level above K.

    weights: (..., K). Equal to XNOR and popcount with the thermometer code whose lowest n bits are set (FracBNN,
    section 4.1): the sum over k of w_k for k < n, less that for k >= n.
    """
    levels = weights.shape[-1]
    if level > levels:
        return np.zeros(weights.shape[:-1], np.int64)
    products: Ints = weights[..., :level].sum(-1) - weights[..., level:].sum(-1)
    return products


def pixel_value_weights(layer: InputLayer) -> Signs:
    """(O, 9 colours, K): the weights of each pixel value of the window.

    Tap by tap and colour by colour in a tap, which is how rtl/window_buffer.v delivers the values.
    """
    by_colour = layer.weights.reshape(layer.out_channels, layer.colours, layer.levels, TAPS)
    return by_colour.transpose(0, 3, 1, 2).reshape(layer.out_channels, TAPS * layer.colours, layer.levels)


TABLE_CYCLES = 9
"""Cycles from an operation that is begun to the next that may follow on its credit, beside those of the adder tree."""


def sum_words(groups: int, values: int, every_cycle: bool) -> int:
    """Words of the FIFO of sums: two windows' and what is in the adder tree; all under way where windows never wait."""
    if every_cycle:
        return TABLE_CYCLES + max(1, clog2(values))
    return 2 * groups + 4


def table_engine(layer: InputLayer, fold: StageFold, *, every_cycle: bool = False) -> TableDesign:
    """The input stage's engine; a table's words are the products of the channels of a group, level by level.

    every_cycle: whether windows come every cycle, of which none is to wait for credit.
    """
    values = fold.simd // layer.levels
    groups, chunks = layer.out_channels // fold.pe, TAPS * layer.colours // values
    level_w = clog2(layer.levels + 2)
    value_w = clog2(layer.levels) + 2

    def words() -> LaneWords:
        window = pixel_value_weights(layer)
        products = np.stack([level_products(window, level) for level in range(1 << level_w)], axis=-1)
        return tuple(
            tuple(
                pack([(int(products[g * fold.pe + lane, k * values + table, n]), value_w) for lane in range(fold.pe)])
                for g in range(groups)
                for k in range(chunks)
                for n in range(1 << level_w)
            )
            for table in range(values)
        )

    tables = Rom(
        suffix="tables",
        purpose=f"What the {layer.levels} weights of a pixel value add to S, by the value's level",
        layout=f"lane = table; address = {{{numbered('group', chunks, 'chunk')}, level}}; a word holds the channels "
        "of a group, the first in the low bits; level 0 is in a line's low bits",
        width=fold.pe * value_w,
        words=Words(values, groups * chunks << level_w, words),
        comments=lambda: [f"group {g}, chunk {k}" for g in range(groups) for k in range(chunks)],
        per_line=1 << level_w,
    )
    return TableDesign(
        out_channels=layer.out_channels,
        pe=fold.pe,
        simd=fold.simd,
        values=values,
        groups=groups,
        chunks=chunks,
        level_w=level_w,
        value_w=value_w,
        sum_w=clog2(layer.window_bits + 1) + 1,
        sum_words=sum_words(groups, values, every_cycle),
        tables=tables,
    )
