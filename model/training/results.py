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
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from wsfracbnn.model.errors import InputError

ROLES = ("full", "like_for_like", "own_recipe", "teacher", "ablation", "trial")
NETWORKS = {"wsfracbnn": "WSFracBNN", "fracbnn": "FracBNN", "resnet": "full-precision ResNet"}


@dataclass(frozen=True)
class AccuracyRow:
    """One trained network.

    Attributes:
        dataset, width, seed, epochs: what was trained, and for how long; `width` is the first stage's channels.
        network: wsfracbnn, fracbnn or resnet.
        role: full (WSFracBNN with everything), like_for_like (FracBNN trained as that), own_recipe (FracBNN by its own
            recipe), teacher, ablation or trial.
        without: what an ablation leaves out.  change: what a trial does otherwise.  Else empty.
        top1: percent of all test images.
        gate_fraction: mean share of open gates, 0 to 1; None without gates.
        plan: file name of the plan that it is from. Only rows of one plan are compared.
    """

    dataset: str
    network: str
    role: str
    without: str
    change: str
    width: int
    seed: int
    epochs: int
    top1: float
    gate_fraction: float | None
    plan: str

    @property
    def group(self) -> tuple[Any, ...]:
        """Equal for runs that differ in their seed alone."""
        return (self.dataset, self.plan, self.network, self.role, self.without, self.change, self.width, self.epochs)

    @property
    def title(self) -> str:
        """The network in words."""
        name = NETWORKS[self.network]
        said = {
            "full": "",
            "teacher": ", teacher",
            "own_recipe": ", its own recipe",
            "like_for_like": ", WSFracBNN's recipe and teacher",
            "ablation": f" without {self.without}",
            "trial": f", {self.change}",
        }
        return name + said[self.role]


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
    """WSFracBNN's mean over a baseline's of the same plan and length, in points."""

    dataset: str
    plan: str
    epochs: int
    against: str
    points: float

    def __str__(self) -> str:
        return (
            f"{self.dataset}, {self.epochs} epochs ({self.plan}): WSFracBNN {self.points:+.2f} points "
            f"against {self.against}."
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
        for ours in (group.first for group in groups if group.first.role == "full"):
            mean = next(group.mean for group in groups if group.first == ours)
            for theirs in groups:
                row = theirs.first
                alike = (row.dataset, row.plan, row.width, row.epochs) == (
                    ours.dataset,
                    ours.plan,
                    ours.width,
                    ours.epochs,
                )
                if alike and row.role in ("like_for_like", "own_recipe"):
                    points = round(mean - theirs.mean, 3)
                    found.append(Margin(ours.dataset, ours.plan, ours.epochs, row.title, points))
        return found

    def table(self) -> str:
        """Markdown, a line for each group."""
        lines = [
            "| dataset | network | width | epochs | seeds | top-1, % | gates open | plan |",
            "| --- | --- | --- | --- | --- | --- | --- | --- |",
        ]
        for group in self.groups():
            row, fraction = group.first, group.gate_fraction
            spread = f" (spread {group.spread:.2f})" if len(group.rows) > 1 else ""
            gates = "-" if fraction is None else f"{100 * fraction:.1f} %"
            cells = (row.dataset, row.title, row.width, row.epochs, len(group.rows), f"{group.mean:.2f}{spread}", gates)
            lines.append("| " + " | ".join(map(str, (*cells, row.plan.removesuffix(".toml")))) + " |")
        return "\n".join(lines)

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
        rows = ",\n".join("    " + json.dumps(asdict(row)) for row in self.rows)
        return f'{{\n  "rows": [\n{rows}\n  ],\n  "load_percent": {json.dumps(self.load_percent or {})}\n}}\n'


def read_results(path: Path) -> AccuracyResults:
    """A file that holds `AccuracyResults.to_json()`.

    Raises:
        InputError: for a missing file, or one that holds something else; with the row and the key.
    """
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not a JSON file of results ({error})") from None
    if not isinstance(found, dict) or not isinstance(found.get("rows"), list):
        raise InputError(f"{path}: key 'rows' is missing, expected a list of rows")
    loads = found.get("load_percent", {})
    if not isinstance(loads, dict) or not all(isinstance(v, int | float) for v in loads.values()):
        raise InputError(f"{path}: key 'load_percent': expected a number for each dataset")
    try:
        return AccuracyResults(tuple(_row(number, row) for number, row in enumerate(found["rows"])), loads)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _row(number: int, values: Any) -> AccuracyRow:
    kinds: dict[str, tuple[type, ...]] = {"width": (int,), "seed": (int,), "epochs": (int,), "top1": (float, int)}
    kinds["gate_fraction"] = (float, int, type(None))
    if not isinstance(values, dict):
        raise InputError(f"row {number}: found {type(values).__name__}, expected an object")
    names = [field.name for field in fields(AccuracyRow)]
    for key in (*names, *values):
        if key not in values or key not in names:
            raise InputError(f"row {number}: key '{key}' is {'missing' if key in names else 'unknown'}")
        if not isinstance(values[key], kinds.get(key, (str,))) or isinstance(values[key], bool):
            raise InputError(f"row {number}: key '{key}': found {values[key]!r}")
    for key, choices in (("role", ROLES), ("network", tuple(NETWORKS))):
        if values[key] not in choices:
            raise InputError(f"row {number}: key '{key}': found {values[key]!r}, expected {', '.join(choices)}")
    return AccuracyRow(**values)


def mean_or_none(values: Sequence[float] | None) -> float | None:
    """The mean of some fractions, rounded for the file."""
    return round(statistics.mean(values), 4) if values else None
