# SPDX-License-Identifier: Apache-2.0
"""What viewers of waveforms show at first, and how long a recording takes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.devices import FAMILIES
from wsfracbnn.gen.sizing.area import estimate, has_estimate
from wsfracbnn.model.contract import LOGIT_BITS
from wsfracbnn.model.files import write_text

RECORDED_CELLS_PER_S = {"icarus": 5e6, "verilator": 3e7}
"""LUTs times cycles of a design that a simulator records in a second, for the warning alone (measured on digits)."""

PATIENCE_S = 60
"""A recording expected to take longer is announced."""


def expected_seconds(simulator: str, design: AcceleratorDesign, images: int) -> float:
    """Roughly what recording all levels takes; 0 where the design's size is not known."""
    if not has_estimate(design, FAMILIES["ecp5"]):
        return 0.0
    luts = estimate(design, FAMILIES["ecp5"]).luts
    return luts * design.cycles * images / RECORDED_CELLS_PER_S[simulator]


def write_views(wave_file: Path, design: AcceleratorDesign) -> dict[str, Path]:
    """Write what GTKWave and Surfer show at first, beside the waveforms; the two files by viewer.

    The handshake and data of each stream from pixels to logits, one group a stream.
    """
    scope = f"{design.name}_testbench.dut"
    gtkwave = [
        "[*] Saved by wsfracbnn; open with: gtkwave FILE",
        f'[dumpfile] "{wave_file.name}"',
        f"[treeopen] {scope}.",
    ]
    surfer = []
    for title, signals in view(design):
        gtkwave += ["@200", f"-{title}"]
        surfer.append(f"divider_add {title}")
        for name, bits in signals:
            # A flag is drawn as a line (@28), a number in hexadecimal (@22).
            gtkwave += ["@28", f"{scope}.{name}"] if bits == 1 else ["@22", f"{scope}.{name}[{bits - 1}:0]"]
            surfer.append(f"variable_add {scope}.{name}")
    surfer.append("zoom_fit")
    views = {"gtkwave": wave_file.with_suffix(".gtkw"), "surfer": wave_file.with_suffix(".sucl")}
    write_text(views["gtkwave"], "\n".join(gtkwave) + "\n")
    write_text(views["surfer"], "\n".join(surfer) + "\n")
    return views


def view(design: AcceleratorDesign) -> Iterator[tuple[str, list[tuple[str, int]]]]:
    """Groups of signals of the accelerator, a title each; signals by name and bits."""
    flags = [("tvalid", 1), ("tready", 1)]
    pixels = [*flags, ("tlast", 1), ("tdata", design.input.pixel_w)]
    logits = [*flags, ("tlast", 1), ("tdata", LOGIT_BITS), ("tuser", design.head.class_w)]
    yield "control", [("clk", 1), ("rst", 1), ("frame_error", 1), ("dropped_frames", 16)]
    yield "pixels", [(f"s_axis_{name}", bits) for name, bits in pixels]
    for link in design.streams:
        stream = [*flags, ("tdata", link.lanes_out * design.bits)]
        yield link.source, [(f"{link.source}_{name}", bits) for name, bits in stream]
    yield "logits", [(f"m_axis_{name}", bits) for name, bits in logits]
