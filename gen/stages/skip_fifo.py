# SPDX-License-Identifier: Apache-2.0
"""How deep a stage's skip FIFO is: not to hang, not to stall, and for slack where stages have uneven work."""

from __future__ import annotations

import math

from wsfracbnn.gen.devices import ONE_PORT
from wsfracbnn.gen.stages.block_ram import FIFO_BLOCK_WORDS, room

SKIP_REGISTER_BEATS = 2
"""Beats that the register behind a skip FIFO holds."""

PIPELINE_CYCLES = 32
"""Cycles from a stage's input to its residual sum beside the popcount: registers, gates, scale path, RPReLU."""

MOST_SLACK = FIFO_BLOCK_WORDS
"""Pixels that a stage takes in ahead at most: those of the deepest FIFO that is in LUT RAM."""

LEAST_SLACK = 6
"""Fewer are not worth a FIFO."""


def skip_minimum(height: int, width: int, beats: int) -> int:
    """The least skip-FIFO depth at stride 1, in beats, that does not deadlock.

    A window is complete when the pixel at its lower right corner is there. By then the beats of `lookahead_pixels`
    pixels have come, from the centre's first to the corner's last, and none of them can leave the skip branch before.
    One less is enough because the fork lets the window branch take the last of them ahead of the FIFO, and those
    that the register behind the FIFO holds come off too.
    """
    return max(1, lookahead_pixels(height, width) * beats - 1 - SKIP_REGISTER_BEATS)


def lookahead_pixels(height: int, width: int) -> int:
    """Pixels from the centre of the first window at stride 1 to the last that must have come, both included.

    That is the window's lower right corner, a row and a pixel further, `width` + 1 places: `width` + 2 pixels. An image
    one pixel wide has no pixel further. One pixel high has no row further, yet rtl/window_walk.v, which walks past the
    image, completes its windows in the row below: when all pixels have come.
    """
    return width if height == 1 else 1 + width + (1 if width > 1 else 0)


def pixels_in_flight(held: int, stages: int, cycles_per_pixel: float) -> int:
    """Output pixels between a stage's input and its residual sum, beside those whose window is incomplete.

    In the engine are a window in its first pass and `held` ones behind it, and one waits before it; the pipeline holds
    what is begun within its latency.
    """
    return 2 + held + math.ceil((PIPELINE_CYCLES + stages) / cycles_per_pixel)


def spare_pixels(skip_depth: int, beats: int, width: int) -> int:
    """Pixels more that a skip FIFO of `skip_depth` beats of `width` bits has room for in the block RAM it takes."""
    if skip_depth <= FIFO_BLOCK_WORDS:
        return 0
    return (room(skip_depth, width, ONE_PORT) - skip_depth) // beats


def slack_pixels(spare: int) -> int:
    """Pixels that a stage takes in ahead through a FIFO before its windows. spare: what the skip FIFO has room for.

    Stages work in step, each at the pace of the one that has most to do just then. What one takes in ahead evens that
    out, and costs no more than a few words of LUT RAM for the two bits of each channel.
    """
    return min(MOST_SLACK, spare) if spare >= LEAST_SLACK else 0
