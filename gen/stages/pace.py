# SPDX-License-Identifier: Apache-2.0
"""How a stage moves with its neighbours: what gen/sizing/pace.py plays to find the cycles of an image."""

from __future__ import annotations

import bisect
import itertools
import math
import random
from dataclasses import dataclass

PIXELS_AHEAD = 2
"""Pixels that are gathered or wait in registers before they come into view, beside those in a FIFO."""


@dataclass(frozen=True)
class StagePace:
    """Times in cycles and room in pixels; a window is an output pixel.

    width, pixels: of the input image. stride: 1 or 2. lookahead: places from a window's centre to the pixel that
    completes it, at stride 1. entering, leaving: of a pixel's beats. apart: from one pixel that comes into view of the
    windows to the next. first: of a first pass. second: of the second pass of one output of the busiest lane; groups,
    lanes, gate_fraction: what the outputs are drawn from. pause: after each window. gate: from a first pass to its
    second at least. held: windows between their passes. room: pixels in the stage at most, from their entry to their
    window's result. results: of windows begun that have not left, at most. ahead: pixels that have come and are not in
    view, at most. copy: cycles in which a window is copied into view, where it is; shown: windows in view before the
    one that is begun next, at most. last: what an image's last pixel takes beside `entering`. after: of an image, when
    all is there.
    """

    width: int
    pixels: int
    stride: int = 1
    lookahead: int = 0
    entering: int = 1
    leaving: int = 1
    first: int = 1
    second: int = 0
    groups: int = 1
    lanes: int = 1
    gate_fraction: float = 0.0
    apart: int = 2
    pause: int = 0
    gate: int = 0
    held: int = 1
    room: int = 4
    results: int = 4
    ahead: int = PIXELS_AHEAD
    copy: int = 0
    shown: int = 1
    last: int = 0
    after: int = 0

    @property
    def windows(self) -> int:
        """Of an image."""
        return self.pixels // self.stride**2

    def completed_by(self, window: int) -> int:
        """Number, among all pixels that come, of the one that completes window number `window` of all.

        The last windows of an image need no pixel beyond it.
        """
        image, place = divmod(window, self.windows)
        if self.stride == 1:
            return image * self.pixels + min(place + self.lookahead, self.pixels - 1)
        row, column = divmod(place, self.width // self.stride)
        return image * self.pixels + (self.stride * row + 1) * self.width + self.stride * column + 1

    def completes(self, pixel: int) -> int | None:
        """Number of the window that a pixel completes, where the next image follows without a pause; None: of none."""
        if self.stride == 1:
            return pixel - self.lookahead if pixel >= self.lookahead else None
        image, place = divmod(pixel, self.pixels)
        row, column = divmod(place, self.width)
        if row % self.stride == 0 or column % self.stride == 0:
            return None
        return image * self.windows + row // self.stride * (self.width // self.stride) + column // self.stride

    def busiest(self, generator: random.Random, count: int) -> list[int]:
        """Open gates of the busiest lane for so many windows: maxima of binomial variables."""
        if not self.second:
            return [0] * count
        fraction, groups = self.gate_fraction, self.groups
        single = [math.comb(groups, k) * fraction**k * (1.0 - fraction) ** (groups - k) for k in range(groups + 1)]
        cumulative = [min(1.0, total) ** self.lanes for total in itertools.accumulate(single)]
        cumulative[-1] = 1.0
        return [bisect.bisect_left(cumulative, generator.random()) for _ in range(count)]
