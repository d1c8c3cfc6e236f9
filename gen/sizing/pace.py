# SPDX-License-Identifier: Apache-2.0
"""Cycles of an image as the whole pipeline makes them: what stages wait for each other, and engines for gates.

A stage's own cycles (`Stage.cycles`) are its work. Stages of about the same work hold each other up now and then, since
gates open unevenly and the room between stages is small; an engine pauses where gates are not known in time. The
pipeline is played here window by window, with gates drawn at random (the same ones at each call), until it runs evenly.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.stages.pace import StagePace

WINDOWS = 40_000
"""Windows of all stages that are played, about; few images of a large network, many of a small one."""

MOST_IMAGES, FEWEST_IMAGES = 24, 5

SEED = 1


@dataclass
class _Flow:
    """A stage at work. Lists have an entry for each pixel or window of all images so far."""

    pace: StagePace
    count: int
    opened: list[int]
    arrived: list[float] = field(default_factory=list)
    stepped: list[float] = field(default_factory=list)
    begun: list[float] = field(default_factory=list)
    known: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    free: float = 0.0
    copied: float = 0.0

    def take_in(self, before: list[float] | None) -> bool:
        """Pixels that the stage before (none: a full stream) has sent; whether there were any."""
        pace, start = self.pace, len(self.arrived)
        while len(self.arrived) < (len(before) if before is not None else self.count * pace.pixels):
            pixel = len(self.arrived)
            time = before[pixel] if before is not None else 0.0
            if pixel:
                time = max(time, self.arrived[-1] + pace.entering + (pace.last if pixel % pace.pixels == 0 else 0))
            if pixel >= pace.ahead:
                if len(self.stepped) <= pixel - pace.ahead:
                    break
                time = max(time, self.stepped[pixel - pace.ahead])
            if pace.stride == 1 and pixel >= pace.room:
                if len(self.left) <= pixel - pace.room:
                    break
                time = max(time, self.left[pixel - pace.room])
            if pace.after and pixel >= pace.pixels and (pixel + 1) % pace.pixels == 0:
                time = max(time, self.arrived[pixel - pace.pixels] + pace.after)
            self.arrived.append(time)
        return len(self.arrived) > start

    def step(self) -> bool:
        """Pixels that come into the windows' view; whether there were any.

        One that completes a window waits until the window before has been taken.
        """
        pace, start = self.pace, len(self.stepped)
        while len(self.stepped) < len(self.arrived):
            pixel = len(self.stepped)
            time = self.arrived[pixel]
            if pixel:
                time = max(time, self.stepped[-1] + pace.apart)
            window = pace.completes(pixel)
            if window is not None and window >= pace.shown:
                if len(self.begun) <= window - pace.shown:
                    break
                time = max(time, self.begun[window - pace.shown] + (pace.copy or pace.first))
            if window is not None and pace.copy:
                time = max(time, self.copied + pace.copy)
                self.copied = time
            self.stepped.append(time)
        return len(self.stepped) > start

    def work(self) -> bool:
        """Passes that can be placed; whether there were any. Of two that could begin the first one goes ahead."""
        pace, progress = self.pace, False
        while len(self.done) < self.count * pace.windows:
            first, second = len(self.begun), len(self.done)
            at_first = at_second = float("inf")
            if first < self.count * pace.windows and first - second <= pace.held:
                if len(self.stepped) <= pace.completed_by(first):
                    break
                at_first = max(self.free, self.stepped[pace.completed_by(first)])
                if first >= pace.results:
                    if len(self.left) <= first - pace.results:
                        break
                    at_first = max(at_first, self.left[first - pace.results])
            if second < first:
                at_second = max(self.free, self.known[second])
            if at_first <= at_second:
                self.begun.append(at_first)
                self.free = at_first + pace.first + pace.pause
                self.known.append(self.free + pace.gate)
            else:
                self.free = at_second + pace.second * self.opened[second]
                self.done.append(self.free)
            progress = True
        return progress

    def send(self, after: list[float] | None) -> bool:
        """Results that leave, when the stage behind has taken the one before; whether there were any."""
        start = len(self.left)
        while len(self.left) < len(self.done):
            window = len(self.left)
            time = self.done[window]
            if window:
                time = max(time, self.left[-1] + self.pace.leaving)
                if after is not None:
                    if len(after) < window:
                        break
                    time = max(time, after[window - 1])
            self.left.append(time)
        return len(self.left) > start


def cycles_per_image(design: AcceleratorDesign) -> int:
    """Cycles from one image to the next where images follow each other without a pause."""
    if design.one_engine:
        return design.cycles  # of a program, which waits for nothing
    paces = [stage.pace for stage in design.stages]
    each = sum(pace.windows for pace in paces)
    images = max(FEWEST_IMAGES, min(MOST_IMAGES, WINDOWS // each))
    generator = random.Random(SEED)
    flows = [_Flow(pace, images, pace.busiest(generator, images * pace.windows)) for pace in paces]
    progress = True
    while progress:
        progress = False
        for number, flow in enumerate(flows):
            progress |= flow.take_in(flows[number - 1].left if number else None)
            progress |= flow.step()
            progress |= flow.work()
            progress |= flow.send(flows[number + 1].arrived if number + 1 < len(flows) else None)
    ends = flows[-1].left[flows[-1].pace.windows - 1 :: flows[-1].pace.windows]
    settled = images // 2
    return round((ends[-1] - ends[settled]) / (len(ends) - 1 - settled))
