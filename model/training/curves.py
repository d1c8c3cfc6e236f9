# SPDX-License-Identifier: Apache-2.0
"""Training curves from the CSV logs: accuracy, loss and gate fraction over the epochs."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator

from wsfracbnn.model.files import write_bytes
from wsfracbnn.model.training.log_file import read_log

PANELS = (("test_accuracy", "test top-1 (%)"), ("loss", "training loss"), ("gate_fraction", "open gates"))


def draw_curves(logs: Mapping[str, Path], out: Path) -> Path:
    """Draw the logs of some runs, by their labels, into one picture (.svg or .png); returns its path."""
    # Text as text and fixed ids, so that the same curves give the same file.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "wsfracbnn", "font.size": 9}):
        figure, axes = plt.subplots(1, len(PANELS), figsize=(11, 3.5), layout="constrained")
        for number, (label, path) in enumerate(logs.items()):
            rows = read_log(path)
            for axis, (key, _) in zip(axes, PANELS, strict=True):
                measured = [row for row in rows if row[key] != ""]  # accuracy is not measured after every epoch
                epochs = [int(row["epoch"]) for row in measured]
                values = [float(row[key]) for row in measured]
                if any(values):
                    marker = "." if len(epochs) < 30 else ""
                    axis.plot(epochs, values, color=f"C{number}", label=label, marker=marker, linewidth=1.2)
        for axis, (_, title) in zip(axes, PANELS, strict=True):
            axis.set(xlabel="epoch", title=title)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
            axis.grid(alpha=0.3)
            axis.spines[["top", "right"]].set_visible(False)
        lines, labels = axes[0].get_legend_handles_labels()
        figure.legend(lines, labels, frameon=False, loc="outside lower center", ncols=min(len(labels), 6))
        picture, kind = io.BytesIO(), out.suffix.removeprefix(".")
        figure.savefig(picture, format=kind, metadata={"Date": None} if kind == "svg" else None)
        plt.close(figure)
    write_bytes(out, picture.getvalue())
    return out
