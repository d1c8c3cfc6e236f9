# SPDX-License-Identifier: Apache-2.0
"""The report's first table: the figures of all designs side by side, each with where it is from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from wsfracbnn.gen.design import NOMINAL_MHZ
from wsfracbnn.gen.report.facts import DesignFacts
from wsfracbnn.gen.synthesis.cached import PartArea
from wsfracbnn.gen.synthesis.record import HardwareRow

Cell = tuple[str, str]
"""A figure and where it is from."""


@dataclass(frozen=True)
class Row:
    """One figure of every design."""

    name: str
    cells: tuple[Cell, ...]


def overview(designs: Sequence[DesignFacts]) -> list[Row]:
    """The table's rows, a cell for each design in its order."""
    family = designs[0].family.name

    def row(name: str, cells: Iterable[Cell]) -> Row:
        return Row(name, tuple(cells))

    return [
        row("top-1", map(_accuracy, designs)),
        row("gates open", map(_gates, designs)),
        row("cycles an image", ((f"{design.cycles:,}", design.cycles_are) for design in designs)),
        row("latency, cycles", map(_latency, designs)),
        row("clock", map(_clock, designs)),
        row("images/s", ((f"{design.rate:,.0f}", "clock / cycles an image") for design in designs)),
        row(f"LUTs, {family}", (_area(design, lambda area: area.luts) for design in designs)),
        row(f"flip-flops, {family}", (_area(design, lambda area: area.flip_flops) for design in designs)),
        row(f"block RAMs, {family}", (_area(design, lambda area: area.block_rams) for design in designs)),
        row("critical path", map(_critical_path, designs)),
        row("RTL against PyTorch", map(verdict, designs)),
    ]


def verdict(design: DesignFacts) -> Cell:
    """What a simulation showed, and with how many images."""
    if design.simulation is None:
        return "not simulated", ""
    runs = design.simulation.simulators
    failed = [name for name, run in runs.items() if not run.passed]
    if failed or not runs:
        return "FAILED", ", ".join(failed)
    if not all(run.values for run in runs.values()):
        return "not recorded", "what was compared is not in the summary: simulate again"
    if not design.equals_pytorch:
        return "bit-exact to the golden model", "which was not compared with PyTorch"
    return "bit-exact", ", ".join(f"{run.images} images in {name}" for name, run in runs.items())


def _accuracy(design: DesignFacts) -> Cell:
    return ("-" if design.accuracy is None else f"{design.accuracy:.2f} %"), design.accuracy_is


def _gates(design: DesignFacts) -> Cell:
    share = design.gates_open
    return ("-", "no gates") if share is None else (f"{100 * share:.1f} %", "mean of the gated layers")


def _latency(design: DesignFacts) -> Cell:
    timed = design.simulation.timed if design.simulation else None
    return ("-", "not simulated") if timed is None else (f"{timed.latency_cycles:,}", "measured")


def _clock(design: DesignFacts) -> Cell:
    row = design.routed
    if row is None:
        return f"{NOMINAL_MHZ} MHz", "nominal: not routed"
    return f"{row.fmax_mhz:.1f} MHz", f"routed on {row.device}, speed grade {row.speed_grade}, seed {row.seed}"


def _area(design: DesignFacts, count: Callable[[HardwareRow | PartArea], int]) -> Cell:
    """What synthesis counts, as the stages' figures do, and beside it what place and route packs it into."""
    areas = {
        "synthesized": design.total.measured or design.synthesized,
        "routed": design.routed,
        "estimated": design.total.estimated,
    }
    known = [(kind, f"{count(area):,}") for kind, area in areas.items() if area is not None]
    if not known:
        return "-", "unknown"
    (first, figure), *others = known
    return figure, "; ".join([first, *(f"{kind} {other}" for kind, other in others)])


def _critical_path(design: DesignFacts) -> Cell:
    row = design.routed
    if row is None or row.critical_path is None:
        return "-", "not routed"
    return row.critical_path, f"sets the clock on {row.device}"
