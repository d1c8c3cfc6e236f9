# SPDX-License-Identifier: Apache-2.0
"""What the runs of a plan have reached: rows of results, the networks to publish, curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wsfracbnn.model.checkpoint import Checkpoint, load_checkpoint
from wsfracbnn.model.names import module_name
from wsfracbnn.model.operations import count_fracbnn, count_wsfracbnn, load_ratio
from wsfracbnn.model.training.curves import Curve
from wsfracbnn.model.training.plan import PlannedRun
from wsfracbnn.model.training.results import AccuracyResults, AccuracyRow


def collect(runs: Sequence[PlannedRun], plan: str) -> AccuracyResults:
    """A row for each checkpoint that exists.

    The load counts both networks at WSFracBNN's measured gate fractions (model/operations.py). `plan` is the name that
    each row keeps of where it comes from.
    """
    rows: list[AccuracyRow] = []
    loads: dict[str, float] = {}
    for planned in runs:
        if planned.out.is_file():
            checkpoint = load_checkpoint(planned.out)
            rows.append(planned.row(checkpoint, plan))
            if planned.role == "full" and planned.run.width in (0, 16):
                gates = list(checkpoint.gate_fractions or ())
                ratio = load_ratio(count_wsfracbnn(checkpoint.config, gates), count_fracbnn(checkpoint.config, gates))
                loads.setdefault(planned.run.dataset_name, round(100 * ratio, 2))
    return AccuracyResults(tuple(rows), loads)


def best_networks(runs: Sequence[PlannedRun]) -> dict[str, Checkpoint]:
    """The most accurate WSFracBNN of each dataset and width, named after both where the width is not the usual one."""
    best: dict[str, Checkpoint] = {}
    for planned in runs:
        if planned.role == "full" and planned.out.is_file():
            found = load_checkpoint(planned.out)
            name = module_name(planned.run.dataset_name) + (f"_w{planned.run.width}" if planned.run.width else "")
            if name not in best or (found.test_accuracy or 0) > (best[name].test_accuracy or 0):
                best[name] = replace(found, name=name)
    return best


def curves(runs: Sequence[PlannedRun]) -> dict[str, list[Curve]]:
    """The finished runs whose logs exist, by dataset."""
    found: dict[str, list[Curve]] = {}
    for planned in (planned for planned in runs if planned.out.is_file() and planned.log.is_file()):
        switch = planned.run.settings.switch_epoch if planned.run.turns_binary else None
        curve = Curve(planned.title, planned.role, planned.log, switch)
        found.setdefault(module_name(planned.run.dataset_name), []).append(curve)
    return found
