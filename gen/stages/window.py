# SPDX-License-Identifier: Apache-2.0
"""Which block of rtl/ gathers a stage's 3x3 windows, and its parameters."""

from __future__ import annotations

from dataclasses import dataclass

from wsfracbnn.model.description import Layer
from wsfracbnn.model.errors import InputError

STREAM = "window_stream"
"""The block that shows a window every cycle."""


@dataclass(frozen=True)
class WindowBlock:
    """A module of rtl/ and its parameters as they are printed, in order."""

    module: str
    parameters: tuple[tuple[str, str], ...]

    @property
    def announces_next(self) -> bool:
        """Whether it has an output `m_axis_tnext`."""
        return self.module != STREAM


def window_block(pixel_width: str, height: int, width: int, stride: int = 1, buffered: bool = True) -> WindowBlock:
    """window_buffer wherever stride and size allow, for its window a pixel; window_walk else.

    pixel_width: bits of a pixel, as a Verilog expression. buffered: whether windows leave into a register.
    """
    size = (("WIDTH", pixel_width), ("HEIGHT_PIXELS", str(height)), ("WIDTH_PIXELS", str(width)))
    register = ("BUFFERED", str(int(buffered)))
    if stride == 1 and height > 1 and width > 1:
        return WindowBlock("window_buffer", (*size, register))
    return WindowBlock("window_walk", (*size, ("STRIDE", str(stride)), register))


def window_stream(pixel_width: str, height: int, width: int, stride: int = 1) -> WindowBlock:
    """window_stream, which takes a pixel every cycle; its arguments are those of `window_block`."""
    size = (("WIDTH", pixel_width), ("HEIGHT_PIXELS", str(height)), ("WIDTH_PIXELS", str(width)))
    return WindowBlock(STREAM, (*size, ("STRIDE", str(stride))))


def require_window(layer: Layer) -> None:
    """Refuse an image that rtl/window_stream.v does not take.

    Raises:
        InputError: it is less than two pixels high or wide.
    """
    if layer.height < 2 or layer.width < 2:
        raise InputError(f"unrolled: found an image of {layer.height} x {layer.width} pixels, expected at least 2 x 2")
