# SPDX-License-Identifier: Apache-2.0
"""What `wsfracbnn sim` measured of a design, from its summary.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.stages.folding import MOVED_KEY, TARGET_KEY
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.reading import Schema, checked, read_json


@dataclass(frozen=True)
class Simulated:
    """What a simulation measured: cycles an image and the share of them in which the busiest engine was at work.

    The share is unknown where there were too few images.
    """

    cycles_per_image: int
    engine_busy: float | None


class _Measured(Schema, extra="ignore"):
    cycles_per_image: Annotated[int, Field(ge=1, lt=2**63)]
    busy: dict[str, Annotated[float, Field(ge=0, le=1)]]


class _Simulators(Schema, extra="ignore"):
    verilator: _Measured


class _Summary(Schema, extra="ignore"):
    network: str
    folding: dict[str, Any]
    simulators: _Simulators


def read_summary(path: Path, design: AcceleratorDesign) -> Simulated:
    """The Verilator figures of a summary.json that belongs to the same network and folding.

    Raises:
        InputError: no such file, or one of another design.
    """
    contents = read_json(path, "the summary of a simulation under Verilator")
    try:
        summary = checked(_Summary, contents)
    except InputError as error:
        raise InputError(f"{path}: not the summary of a simulation under Verilator ({error})") from None
    measured, network = summary.simulators.verilator, summary.network
    simulated = Simulated(measured.cycles_per_image, max(measured.busy.values(), default=None))
    if network != design.name or _folds(summary.folding) != _folds(design.folding.to_json()):
        key = "network" if network != design.name else "folding"
        raise InputError(
            f"{path}: key '{key}': found network '{network}' at another folding, expected '{design.name}' at this one"
        )
    return simulated


def _folds(folding: dict[str, Any]) -> dict[str, Any]:
    """A folding without what changes no cycle: the target that it is built for, and what block RAM holds."""
    stages = {name: fold for name, fold in folding.items() if name != TARGET_KEY}
    return {name: _without_block_ram(fold) if isinstance(fold, dict) else fold for name, fold in stages.items()}


def _without_block_ram(fold: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fold.items() if key != MOVED_KEY}
