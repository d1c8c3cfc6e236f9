# SPDX-License-Identifier: Apache-2.0
"""Where the stages of a pipeline stand in the report's drawing: rows of boxes, read like text."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from wsfracbnn.gen.report.facts import DesignFacts, StageFacts

BOX_W, BOX_H = 190, 104
GAP_X, GAP_Y = 34, 62
MARGIN_X, MARGIN_TOP, MARGIN_BOTTOM = 22, 40, 12

WIDE, NARROW = 5, 2
"""Boxes in a row on a screen, and on a phone."""


@dataclass(frozen=True)
class Box:
    """One stage's box. share: of the busiest stage's cycles. busiest: whether it is that stage."""

    facts: StageFacts
    x: int
    y: int
    share: float
    busiest: bool

    @property
    def bar_w(self) -> float:
        """Length of the bar that shows `share`."""
        return round((BOX_W - 20) * self.share, 1)


@dataclass(frozen=True)
class Graph:
    """A pipeline's drawing, in pixels. arrows: SVG paths from each box to the next."""

    columns: int
    width: int
    height: int
    boxes: tuple[Box, ...]
    arrows: tuple[str, ...]


def graph_of(design: DesignFacts, columns: int) -> Graph:
    """The pipeline in rows of so many boxes."""
    columns = min(columns, len(design.stages))
    rows = -(-len(design.stages) // columns)
    slowest = design.design.cycles
    boxes = tuple(
        Box(
            stage,
            MARGIN_X + number % columns * (BOX_W + GAP_X),
            MARGIN_TOP + number // columns * (BOX_H + GAP_Y),
            stage.hardware.cycles / slowest,
            stage.hardware.cycles == slowest,
        )
        for number, stage in enumerate(design.stages)
    )
    width = 2 * MARGIN_X + columns * BOX_W + (columns - 1) * GAP_X
    height = MARGIN_TOP + rows * BOX_H + (rows - 1) * GAP_Y + MARGIN_BOTTOM
    return Graph(columns, width, height, boxes, _arrows(boxes))


def _arrows(boxes: Sequence[Box]) -> tuple[str, ...]:
    """To the right, or at a row's end down and back to the left edge."""
    paths = []
    for before, after in itertools.pairwise(boxes):
        start, y = before.x + BOX_W, before.y + BOX_H // 2
        if after.y == before.y:
            paths.append(f"M{start} {y}H{after.x - 2}")
        else:
            lane = before.y + BOX_H + 14
            paths.append(f"M{start} {y}h10V{lane}H{after.x - 12}V{after.y + BOX_H // 2}H{after.x - 2}")
    return tuple(paths)
