# SPDX-License-Identifier: Apache-2.0
"""Block RAMs: their shapes, how many a memory takes, and what is deep enough for one."""

from __future__ import annotations

from collections.abc import Sequence

Shapes = Sequence[tuple[int, int]]
"""(words, width) that one block RAM can have."""

TWO_PORTS = ((1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
"""An ECP5's DP16KD and a 7 series' RAMB18 where both ports are used, each on its own."""

ONE_PORT = ((512, 36), *TWO_PORTS)
"""The same where one port reads and at most one writes."""

ICE40 = ((256, 16), (512, 8), (1024, 4), (2048, 2))
"""An iCE40's."""

FIFO_BLOCK_WORDS = 33
"""A stream FIFO deeper than this is in block RAM (rtl/stream_fifo.v, BLOCK)."""

LINE_BLOCK_WORDS = 32
"""So is a line memory of more columns (rtl/window_columns.v): block RAM is too slow for the logic behind it."""


def block_rams(words: int, width: int, shapes: Shapes) -> int:
    """Block RAMs of a memory."""
    return min(-(-words // deep) * -(-width // wide) for deep, wide in shapes)


def room(words: int, width: int, shapes: Shapes) -> int:
    """Words that the block RAMs of a memory have room for."""
    taken = block_rams(words, width, shapes)
    return max(taken // -(-width // wide) * deep for deep, wide in shapes)
