# SPDX-License-Identifier: Apache-2.0
"""Which block of rtl/ gathers a stage's 3x3 windows, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class WindowBlock:
    """A module of rtl/ and its parameters as they are printed, in order."""

    module: str
    parameters: tuple[tuple[str, str], ...]


def window_block(pixel_width: str, height: int, width: int, stride: int = 1, buffered: bool = True) -> WindowBlock:
    """window_buffer wherever stride and size allow, for its window a pixel; window_walk else.

    pixel_width: bits of a pixel, as a Verilog expression. buffered: whether windows leave into a register.
    """
    size = (("WIDTH", pixel_width), ("HEIGHT_PIXELS", str(height)), ("WIDTH_PIXELS", str(width)))
    register = ("BUFFERED", str(int(buffered)))
    if stride == 1 and height > 1 and width > 1:
        return WindowBlock("window_buffer", (*size, register))
    return WindowBlock("window_walk", (*size, ("STRIDE", str(stride)), register))
