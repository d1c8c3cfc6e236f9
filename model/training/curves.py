# SPDX-License-Identifier: Apache-2.0
"""Training curves from the CSV logs: accuracy, loss and gate fraction over the epochs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from wsfracbnn.model.files import write_bytes
from wsfracbnn.model.training.log_file import read_log

PANELS = (
    ("test_accuracy", "test top-1, %", 1.0),
    ("loss", "training loss", 1.0),
    ("gate_fraction", "open gates, %", 100.0),
)
"""Column of the log, what the picture calls it, and what it is multiplied by."""

COLOURS = {
    "full": "#3d7ebd",
    "like_for_like": "#c0651a",
    "own_recipe": "#9a5fb4",
    "teacher": "#6a747d",
    "ablation": "#2b8a63",
    "trial": "#7a7a3a",
}
"""Of a run by its role, the same in every picture."""

STYLES = ("-", "--", ":", "-.")
"""Of the lines of one role, in their order."""

FEW = 30
"""Epochs up to which each is marked."""


@dataclass(frozen=True)
class Curve:
    """One run: its name in the picture, its role in a plan, its log, and its last epoch before weights turn binary.

    switch: None, or 0, where they do not turn.
    """

    label: str
    role: str
    log: Path
    switch: int | None


def draw_curves(curves: Sequence[Curve], title: str, out: Path) -> Path:
    """Draw runs into one picture (.svg or .png) with a title; returns its path."""
    # Text as text and fixed ids, so that the same curves give the same file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "wsfracbnn", "font.size": 9}):
        figure, axes = plt.subplots(1, len(PANELS), figsize=(11, 3.9), layout="constrained")
        figure.suptitle(title, fontsize=11)
        for curve, style in zip(curves, _styles(curves), strict=True):
            _draw(axes, curve, style)
        for axis, (_, name, _) in zip(axes, PANELS, strict=True):
            axis.set(xlabel="epoch", title=name)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            axis.grid(alpha=0.3)
            axis.spines[["top", "right"]].set_visible(False)
        lines, _ = axes[0].get_legend_handles_labels()
        if any(curve.switch for curve in curves):
            name = "last epoch before weights turn binary"
            lines.append(Line2D([], [], color="#333333", marker="D", markersize=5, linestyle="", label=name))
        figure.legend(handles=lines, frameon=False, loc="outside lower center", ncols=min(len(lines), 3))
        picture, kind = io.BytesIO(), out.suffix.removeprefix(".")
        figure.savefig(picture, format=kind, metadata={"Date": None} if kind == "svg" else None)
        plt.close(figure)
    write_bytes(out, picture.getvalue())
    return out


def _styles(curves: Sequence[Curve]) -> list[str]:
    """Line styles, by which runs of one role and so of one colour are told apart."""
    seen: dict[str, int] = {}
    styles = []
    for curve in curves:
        styles.append(STYLES[seen.get(curve.role, 0) % len(STYLES)])
        seen[curve.role] = seen.get(curve.role, 0) + 1
    return styles


def _draw(axes: Sequence[Axes], curve: Curve, style: str) -> None:
    rows = read_log(curve.log)
    colour = COLOURS[curve.role]
    for axis, (key, _, factor) in zip(axes, PANELS, strict=True):
        measured = [row for row in rows if row[key] != ""]  # accuracy is not measured after every epoch
        epochs = [int(row["epoch"]) for row in measured]
        values = [factor * float(row[key]) for row in measured]
        if not any(values):
            continue
        marker = "." if len(epochs) < FEW else ""
        axis.plot(epochs, values, color=colour, linestyle=style, label=curve.label, marker=marker, linewidth=1.2)
        before = [point for point in zip(epochs, values, strict=True) if point[0] <= (curve.switch or 0)]
        if before and before[-1][0] < epochs[-1]:
            axis.plot(*before[-1], color=colour, marker="D", markersize=5)
