# SPDX-License-Identifier: Apache-2.0
"""The pipeline as a picture, drawn from the design state: stages, shapes, parallelism, shortcuts, time taken."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from wsfracbnn.gen.design import INTERVALS, AcceleratorDesign
from wsfracbnn.gen.stages import Stage
from wsfracbnn.model.files import write_bytes

PER_ROW = 3
PITCH_X, PITCH_Y = 2.6, 2.5
BOX_W, BOX_H = 2.05, 1.25


def draw_pipeline(design: AcceleratorDesign, path: Path) -> None:
    """Write an SVG or PNG by the path's suffix, with the totals above; the same design gives the same bytes."""
    stages = design.stages
    rows = (len(stages) + PER_ROW - 1) // PER_ROW
    columns = min(PER_ROW, len(stages))
    with plt.rc_context({"svg.hashsalt": design.digest, "font.size": 9, "font.family": "DejaVu Sans"}):
        figure, axes = plt.subplots(figsize=(columns * PITCH_X, rows * PITCH_Y))
        slowest = design.cycles
        for number, stage in enumerate(stages):
            x, y = (number % PER_ROW) * PITCH_X, -(number // PER_ROW) * PITCH_Y
            _draw_stage(axes, stage, x, y, stage.cycles / slowest)
            if number:
                _draw_link(axes, number)
        axes.text(-0.15, BOX_H / 2, f"pixels\n{design.input.pixel_w} bits", ha="right", va="center", fontsize=7)
        right = (columns - 1) * PITCH_X + BOX_W
        axes.text(right / 2, BOX_H + 0.85, pipeline_title(design), ha="center", va="center", fontsize=9.5)
        axes.set_xlim(-0.9, (columns - 1) * PITCH_X + BOX_W + 0.2)
        axes.set_ylim(-(rows - 1) * PITCH_Y - 0.65, BOX_H + 1.05)
        axes.set_aspect("equal")
        axes.axis("off")
        _save(figure, path, bbox_inches="tight")


def pipeline_title(design: AcceleratorDesign) -> str:
    """The design in two lines: its name and what it takes in all."""
    return (
        f"{design.name}: {design.parts}, "
        f"{design.cycles:,} cycles an image{'' if design.one_engine else ' in the busiest'}\n"
        f"{design.xnor_bits:,} XNORs a cycle, {design.rom_bits:,} bits of constants"
    )


def draw_occupancy(
    occupancy: Mapping[str, Sequence[int]], interval: int, images: float, title: str, path: Path
) -> None:
    """How busy each stage's engine was over time, one row a stage; .svg or .png.

    Args:
        occupancy: cycles at work in each interval, by stage.
        interval: cycles of an interval.
        images: how many images' time to show, at INTERVALS each.
        title: above the picture; what is shown is said behind it.
    """
    names = list(occupancy)
    shown = min(min(len(counts) for counts in occupancy.values()), round(INTERVALS * images))
    shares = np.array([list(occupancy[name])[:shown] for name in names]) / interval
    with plt.rc_context({"svg.hashsalt": "wsfracbnn", "font.size": 8, "font.family": "DejaVu Sans"}):
        figure, axes = plt.subplots(figsize=(9, 0.9 + 0.24 * len(names)), layout="constrained")
        extent = (0.0, shown * interval / 1000, len(names) - 0.5, -0.5)
        image = axes.imshow(100 * shares, aspect="auto", cmap="viridis", vmin=0, vmax=100, extent=extent)
        axes.set_yticks(range(len(names)), names)
        axes.set_xlabel("thousand cycles since the first pixel of the first image")
        axes.set_title(f"{title}: engine at work, % of the time", fontsize=9)
        beside = axes.get_yaxis_transform()
        axes.text(1.045, -0.75, "mean", transform=beside, ha="right", va="bottom")
        for row, share in enumerate(100 * shares.mean(axis=1)):
            axes.text(1.045, row, f"{share:.0f} %", transform=beside, ha="right", va="center")
        figure.colorbar(image, ax=axes, pad=0.01)
        _save(figure, path)


def _save(figure: Figure, path: Path, **options: Any) -> None:
    """Write a figure, without the date, whole or not at all; and close it."""
    picture = io.BytesIO()
    kind = path.suffix.removeprefix(".")
    figure.savefig(picture, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None, **options)
    plt.close(figure)
    write_bytes(path, picture.getvalue())


def _draw_stage(axes: Axes, stage: Stage[Any], x: float, y: float, share: float) -> None:
    box = FancyBboxPatch(
        (x, y),
        BOX_W,
        BOX_H,
        boxstyle="round,pad=0.02,rounding_size=0.08",
        facecolor=stage.colour,
        edgecolor="#555555",
    )
    axes.add_patch(box)
    axes.text(x + BOX_W / 2, y + BOX_H - 0.2, stage.name, ha="center", va="center", weight="bold")
    for row, line in enumerate(stage.caption):
        axes.text(x + BOX_W / 2, y + BOX_H - 0.47 - 0.23 * row, line, ha="center", va="center", fontsize=7.5)
    # How busy the stage is, next to the slowest.
    axes.add_patch(Rectangle((x + 0.08, y + 0.06), BOX_W - 0.16, 0.09, facecolor="white", edgecolor="#999999", lw=0.5))
    axes.add_patch(Rectangle((x + 0.08, y + 0.06), (BOX_W - 0.16) * share, 0.09, facecolor="#4c78a8", lw=0))
    axes.text(x + BOX_W / 2, y - 0.16, f"{stage.cycles:,} cycles of work", ha="center", va="center", fontsize=7.5)
    if stage.shortcut_caption is not None:
        arc = FancyArrowPatch(
            (x + 0.1, y + BOX_H + 0.03),
            (x + BOX_W - 0.1, y + BOX_H + 0.03),
            connectionstyle="arc3,rad=-0.22",
            arrowstyle="-|>",
            mutation_scale=8,
            color="#a05050",
            lw=0.9,
        )
        axes.add_patch(arc)
        axes.text(
            x + BOX_W / 2,
            y + BOX_H + 0.38,
            stage.shortcut_caption,
            ha="center",
            va="center",
            fontsize=7,
            color="#a05050",
        )


def _draw_link(axes: Axes, number: int) -> None:
    """Arrow from the stage before; at a row's end it runs down and back to the left."""
    column, row = number % PER_ROW, number // PER_ROW
    y = -row * PITCH_Y + BOX_H / 2
    end = (column * PITCH_X - 0.02, y)
    if column:
        start = ((column - 1) * PITCH_X + BOX_W + 0.02, y)
        axes.add_patch(
            FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=9, color="#333333", shrinkA=0, shrinkB=0)
        )
        return
    above = y + PITCH_Y
    right = (PER_ROW - 1) * PITCH_X + BOX_W + 0.02
    lane = above - BOX_H / 2 - 0.42
    points = [(right, above), (right + 0.15, above), (right + 0.15, lane), (-0.3, lane), (-0.3, y)]
    axes.plot(*zip(*points, strict=True), color="#333333", lw=1)
    axes.add_patch(
        FancyArrowPatch(points[-1], end, arrowstyle="-|>", mutation_scale=9, color="#333333", shrinkA=0, shrinkB=0)
    )
