# SPDX-License-Identifier: Apache-2.0
"""What trained networks reach: a row for each run, kept in a JSON file, and the Markdown table made from it.

{"rows": [{"dataset": "cifar100", "network": "wsfracbnn", "role": "full", "without": "", "change": "", "width": 16,
           "seed": 1, "epochs": 40, "top1": 51.26, "gate_fraction": 0.4119, "plan": "accuracy-h100.toml"}, ...],
 "load_percent": {"cifar100": 43.34}}
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from wsfracbnn.model.errors import InputError
from wsfracbnn.model.reading import Schema, checked, checked_values, one_of, printable, read_json
from wsfracbnn.model.rows import markdown_table

ROLES = ("full", "like_for_like", "own_recipe", "teacher", "ablation", "trial")
NETWORKS = {"wsfracbnn": "WSFracBNN", "fracbnn": "FracBNN", "resnet": "full-precision ResNet"}

Cell = Annotated[str, Field(max_length=200), AfterValidator(printable)]
"""Text of a table's cell."""

Count = Annotated[int, Field(ge=1, le=1_000_000)]


def title_of(network: str, role: str, without: str = "", change: str = "") -> str:
    """A network and how it was trained, in words."""
    said = {
        "full": "",
        "teacher": ", teacher",
        "own_recipe": ", its own recipe",
        "like_for_like": ", WSFracBNN's recipe and teacher",
        "ablation": f" without {without}",
        "trial": f", {change}",
    }
    return NETWORKS[network] + said[role]


@dataclass(frozen=True)
class AccuracyRow:
    """One trained network.

    Attributes:
        dataset, width, seed, epochs: what was trained, and for how long; `width` is the first stage's channels.
        network: wsfracbnn, fracbnn or resnet.
        role: full (WSFracBNN with everything), like_for_like (FracBNN trained as that), own_recipe (FracBNN by its own
            recipe), teacher, ablation or trial.
        without: what an ablation leaves out.  change: what a trial does otherwise.  Else empty.
        top1: percent of all test images; with a `validation_share`, of that share of the training images, held out.
        gate_fraction: mean share of open gates, 0 to 1; None without gates.
        plan: file name of the plan that it is from. Only rows of one plan are compared.
    """

    dataset: Cell
    network: Annotated[str, one_of(*NETWORKS)]
    role: Annotated[str, one_of(*ROLES)]
    without: Cell
    change: Cell
    width: Count
    seed: Annotated[int, Field(ge=0)]
    epochs: Count
    top1: Annotated[float, Field(ge=0, le=100)]
    gate_fraction: Annotated[float, Field(ge=0, le=1)] | None
    plan: Cell
    validation_share: Annotated[float, Field(ge=0, lt=1)] = 0.0

    @property
    def conditions(self) -> tuple[Any, ...]:
        """Equal for runs whose accuracies may be compared."""
        return (self.dataset, self.plan, self.width, self.epochs, self.validation_share)

    @property
    def group(self) -> tuple[Any, ...]:
        """Equal for runs that differ in their seed alone."""
        return (*self.conditions, self.network, self.role, self.without, self.change)

    @property
    def title(self) -> str:
        """The network in words."""
        on = ", on held-out training images" if self.validation_share else ""
        return title_of(self.network, self.role, self.without, self.change) + on


@dataclass(frozen=True)
class Group:
    """Runs that differ in their seed alone."""

    rows: tuple[AccuracyRow, ...]

    @property
    def first(self) -> AccuracyRow:
        return self.rows[0]

    @property
    def mean(self) -> float:
        """Percent."""
        return statistics.mean(row.top1 for row in self.rows)

    @property
    def spread(self) -> float:
        """Largest minus smallest, in points."""
        return max(row.top1 for row in self.rows) - min(row.top1 for row in self.rows)

    @property
    def gate_fraction(self) -> float | None:
        fractions = [row.gate_fraction for row in self.rows if row.gate_fraction is not None]
        return statistics.mean(fractions) if fractions else None


@dataclass(frozen=True)
class Margin:
    """WSFracBNN's mean over a baseline's of the same plan and length, in points; seeds: how many either has."""

    dataset: str
    plan: str
    epochs: int
    against: str
    points: float
    seeds: tuple[int, int]

    def __str__(self) -> str:
        ours, theirs = self.seeds
        return (
            f"{self.dataset}, {self.epochs} epochs ({self.plan}): WSFracBNN {self.points:+.2f} points "
            f"against {self.against} (seeds: {ours} and {theirs})."
        )


@dataclass(frozen=True)
class AccuracyResults:
    """All rows, and each dataset's load of WSFracBNN in percent of FracBNN's (model/operations.py)."""

    rows: tuple[AccuracyRow, ...] = ()
    load_percent: dict[str, float] | None = None

    def updated(self, found: AccuracyResults) -> AccuracyResults:
        """These rows, with those of `found` in the place of the runs that both have."""
        newer = {(row.group, row.seed): row for row in found.rows}
        kept = [newer.pop((row.group, row.seed), row) for row in self.rows]
        return AccuracyResults((*kept, *newer.values()), {**(self.load_percent or {}), **(found.load_percent or {})})

    def groups(self) -> list[Group]:
        """Rows of one kind together: datasets and plans in their order, roles in that of `ROLES`."""
        places = {value: place for place, value in enumerate(dict.fromkeys((r.dataset, r.plan) for r in self.rows))}
        groups: dict[tuple[Any, ...], list[AccuracyRow]] = {}
        for row in sorted(self.rows, key=lambda r: (places[r.dataset, r.plan], ROLES.index(r.role), r.width)):
            groups.setdefault(row.group, []).append(row)
        return [Group(tuple(rows)) for rows in groups.values()]

    def margins(self) -> list[Margin]:
        """Of every plan that trained WSFracBNN and a baseline of the same width for as long."""
        groups = self.groups()
        found = []
        for full in (group for group in groups if group.first.role == "full"):
            ours = full.first
            for theirs in groups:
                row = theirs.first
                if row.conditions == ours.conditions and row.role in ("like_for_like", "own_recipe"):
                    points, seeds = round(full.mean - theirs.mean, 3), (len(full.rows), len(theirs.rows))
                    found.append(Margin(ours.dataset, ours.plan, ours.epochs, row.title, points, seeds))
        return found

    def table(self) -> str:
        """Markdown, a line for each group."""
        columns = ("dataset", "network", "width", "epochs", "seeds", "top-1, %", "gates open", "plan")
        lines = []
        for group in self.groups():
            row, fraction = group.first, group.gate_fraction
            spread = f" (spread {group.spread:.2f})" if len(group.rows) > 1 else ""
            gates = "-" if fraction is None else f"{100 * fraction:.1f} %"
            cells = (row.dataset, row.title, row.width, row.epochs, len(group.rows), f"{group.mean:.2f}{spread}", gates)
            lines.append([*map(str, cells), row.plan.removesuffix(".toml")])
        return markdown_table(columns, lines)

    def text(self) -> str:
        """The table, the loads and the margins, as Markdown."""
        loads = [
            f"Load of WSFracBNN on {dataset}: {percent:.1f} % of FracBNN's."
            for dataset, percent in (self.load_percent or {}).items()
        ]
        margins = [f"- {margin}" for margin in self.margins()]
        return "\n\n".join(part for part in (self.table(), " ".join(loads), "\n".join(margins)) if part)

    def to_json(self) -> str:
        """A row a line."""
        kept = [
            {key: value for key, value in asdict(row).items() if key != "validation_share" or value}
            for row in self.rows
        ]
        rows = ",\n".join("    " + json.dumps(row) for row in kept)
        return f'{{\n  "rows": [\n{rows}\n  ],\n  "load_percent": {json.dumps(self.load_percent or {})}\n}}\n'


class _File(Schema):
    rows: list[dict[str, Any]]
    load_percent: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)


def read_results(path: Path) -> AccuracyResults:
    """The file's rows and loads.

    Raises:
        InputError: no such file, or a row with a missing or unknown key or a value of the wrong type.
    """
    contents = read_json(path, "a file of accuracy results")
    try:
        found = checked(_File, contents)
        rows = tuple(_row(number, row) for number, row in enumerate(found.rows))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return AccuracyResults(rows, found.load_percent)


def _row(number: int, values: dict[str, Any]) -> AccuracyRow:
    try:
        return AccuracyRow(**checked_values(AccuracyRow, values))
    except InputError as error:
        raise InputError(f"row {number}: {error}") from None


def mean_or_none(values: Sequence[float] | None) -> float | None:
    """The mean of some fractions, rounded for the file."""
    return round(statistics.mean(values), 4) if values else None
