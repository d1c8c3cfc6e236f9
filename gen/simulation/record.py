# SPDX-License-Identifier: Apache-2.0
"""results/simulation.json: what simulations of whole networks compared and measured, as typed rows and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.simulation.run import SimulationResult
from wsfracbnn.gen.synthesis.record import Count, Text
from wsfracbnn.model.errors import escaped
from wsfracbnn.model.rows import add_rows, markdown_table, rows_in

WHAT = "a file of simulations' results"

COLUMNS = (
    "network",
    "fold",
    "simulator",
    "images",
    "layers",
    "values compared",
    "wrong",
    "cycles/image",
    "latency, cycles",
    "busiest engine at work",
)


@dataclass(frozen=True)
class RunRow:
    """Images of a network through its Verilog.

    Attributes:
        network, simulator: their names; fold: what `--fold` was. sha256: of the network.
        layers, values: streams that were compared with the integer model's, and how many values they had together.
        mismatches: of those, how many differ.
        cycles_per_image: between successive images; None for a single one. latency_cycles: from an image's first pixel
            to its last logit.
        busy: share of time that the busiest stage's engine is at work; None where it was not measured.
    """

    network: Text
    fold: Text
    simulator: Text
    images: Count
    layers: Count
    values: Count
    mismatches: Count
    cycles_per_image: Count | None
    latency_cycles: Count
    busy: Annotated[float, Field(ge=0, le=1)] | None
    sha256: Text

    @property
    def key(self) -> tuple[str, str, str]:
        """What a later simulation of the same takes the place of."""
        return self.network, self.fold, self.simulator


def run_rows(design: AcceleratorDesign, fold: str, results: Sequence[SimulationResult]) -> list[RunRow]:
    """A row for each simulator's run."""
    return [
        RunRow(
            network=design.name,
            fold=escaped(fold),
            simulator=result.simulator,
            images=result.images,
            layers=len(result.layers),
            values=sum(layer["values"] for layer in result.layers),
            mismatches=result.mismatches,
            cycles_per_image=result.cycles_per_image,
            latency_cycles=result.latency_cycles,
            busy=round(max(result.busy.values()), 4) if result.busy else None,
            sha256=design.digest,
        )
        for result in results
    ]


def read_run_rows(path: Path) -> tuple[RunRow, ...]:
    """The rows of a file; none where there is no file yet.

    Raises:
        InputError: not such a file.
    """
    return rows_in(path, RunRow, WHAT)


def add_run_rows(path: Path, rows: Sequence[RunRow]) -> tuple[RunRow, ...]:
    """Add to a file of results, each in the place of an earlier row of the same; returns what it holds then.

    Raises:
        InputError: it is no such file, or cannot be written.
    """
    return add_rows(path, rows, WHAT)


def run_table(rows: Sequence[RunRow]) -> str:
    """The rows as a Markdown table."""
    return markdown_table(COLUMNS, [*map(_cells, rows)])


def _cells(row: RunRow) -> tuple[str, ...]:
    return (
        row.network,
        row.fold,
        row.simulator,
        f"{row.images:,}",
        str(row.layers),
        f"{row.values:,}",
        f"{row.mismatches:,}",
        "-" if row.cycles_per_image is None else f"{row.cycles_per_image:,}",
        f"{row.latency_cycles:,}",
        "-" if row.busy is None else f"{row.busy:.1%}",
    )
