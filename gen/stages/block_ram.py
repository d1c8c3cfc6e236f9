# SPDX-License-Identifier: Apache-2.0
"""Block RAMs: how many a memory takes, and what is deep enough for one."""

from __future__ import annotations

from wsfracbnn.gen.devices import Shapes

FIFO_BLOCK_WORDS = 33
"""A stream FIFO deeper than this is in block RAM (BLOCK of rtl/stream_fifo.v), and so are operands (of
rtl/operand_memory.v)."""

LINE_BLOCK_WORDS = 32
"""So is a line memory of more columns (rtl/window_columns.v): block RAM is too slow for the logic behind it."""


def block_rams(words: int, width: int, shapes: Shapes) -> int:
    """Block RAMs of a memory."""
    return min(-(-words // deep) * -(-width // wide) for deep, wide in shapes)


def room(words: int, width: int, shapes: Shapes) -> int:
    """Words that the block RAMs of a memory have room for."""
    taken = block_rams(words, width, shapes)
    return max(taken // -(-width // wide) * deep for deep, wide in shapes)
