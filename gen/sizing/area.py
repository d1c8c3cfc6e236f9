# SPDX-License-Identifier: Apache-2.0
"""Area estimates: LUTs, flip-flops and block RAMs of a design before it is synthesized.

A stage's LUTs and flip-flops are a sum of terms that its sizes give (`Stage.area_terms`), each times a coefficient
fitted to what Yosys makes of single stages (benchmarks/calibrate_area.py writes gen/sizing/area_coefficients.json).
Block RAMs are counted from the memories.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.devices import DEVICES, Device, Family
from wsfracbnn.gen.sequential.area import expected_cells
from wsfracbnn.gen.sequential.design import SequentialDesign
from wsfracbnn.gen.stages import Stage
from wsfracbnn.model.errors import InputError

COEFFICIENTS = Path(__file__).with_name("area_coefficients.json")

AROUND = "around"
"""Term of what stands around the stages."""

FULL = 0.85
"""Share of a device's LUTs that place and route can be expected to fill."""

Coefficients = Mapping[str, Mapping[str, float]]
"""{"luts" or "flip_flops": {term: coefficient}} of one family."""


@dataclass(frozen=True)
class Estimate:
    """What a stage or a design is expected to take."""

    luts: float
    flip_flops: float
    block_rams: int

    def __add__(self, other: Estimate) -> Estimate:
        return Estimate(self.luts + other.luts, self.flip_flops + other.flip_flops, self.block_rams + other.block_rams)

    def to_json(self) -> dict[str, int]:
        """Whole numbers by their names."""
        return {"luts": round(self.luts), "flip_flops": round(self.flip_flops), "block_rams": self.block_rams}

    def fits(self, device: Device) -> bool:
        """Whether place and route can be expected to succeed."""
        return (
            self.luts <= FULL * device.luts
            and self.flip_flops <= FULL * device.flip_flops
            and self.block_rams <= device.block_rams
        )


@functools.cache
def _calibrations() -> dict[str, Coefficients]:
    """The coefficients of every calibrated family: a file of this package, as its code is, and none from outside."""
    table: dict[str, Coefficients] = json.loads(COEFFICIENTS.read_text())
    return table


def add_calibration(family: str, coefficients: Coefficients) -> None:
    """Make the coefficients of a further family known."""
    _calibrations()[family] = coefficients


def is_calibrated(family: str) -> bool:
    """Whether designs can be estimated on a family."""
    return family in _calibrations()


def has_estimate(design: AcceleratorDesign, family: Family) -> bool:
    """Whether a design can be estimated: the family is calibrated, the design has neither multipliers nor parity."""
    return is_calibrated(family.name) and not design.description.multiplied and not design.rom_parity


def coefficients_of(family: str) -> Coefficients:
    """The coefficients of a family.

    Raises:
        InputError: a family without calibration.
    """
    if not is_calibrated(family):
        raise InputError(f"area of {family}: no calibration, expected one of {', '.join(_calibrations())}")
    return _calibrations()[family]


def estimate_stage(stage: Stage[Any], family: Family) -> Estimate:
    """Area of one stage.

    Raises:
        InputError: a family without calibration, or a stage that multiplies: terms are calibrated on shifts and adds.
    """
    if getattr(stage.layer, "factor_bits", 0):
        raise InputError(
            f"area of {stage.name}: found factors of {stage.layer.factor_bits} bits that are multiplied by, which have "
            f"no estimate; expected signed digits, or a folding that needs no estimate: a preset, a file or unrolled"
        )
    table = coefficients_of(family.name)
    sizes = stage.area_terms(family)
    luts, flip_flops = (
        sum(table[what][term] * size for term, size in sizes.items()) for what in ("luts", "flip_flops")
    )
    return Estimate(luts, flip_flops, sum(memory.block_rams(family) for memory in stage.memories))


def estimate(design: AcceleratorDesign, family: Family) -> Estimate:
    """Area of a whole design: its stages, and the frame guard and filter around them."""
    if isinstance(design, SequentialDesign):
        blocks = sum(memory.block_rams(family) for memory in design.memories)
        return Estimate(*expected_cells(design, family), blocks)
    total = estimate_around(family)
    for stage in design.stages:
        total += estimate_stage(stage, family)
    return total


def estimate_around(family: Family) -> Estimate:
    """What stands around the stages: frame guard and filter, verdicts, registers at both ends."""
    table = coefficients_of(family.name)
    return Estimate(table["luts"][AROUND], table["flip_flops"][AROUND], 0)


@dataclass(frozen=True)
class AreaEstimate:
    """The estimated area of a design, and the device that it was asked for, if one was.

    It is for the family whose LUTs the design is shaped for: the one that was named, else the first with such LUTs.
    """

    family: Family
    device: Device | None
    area: Estimate

    def shares(self) -> dict[str, float]:
        """How much of the device each resource takes, 1 being all of it; nothing without a device."""
        if self.device is None:
            return {}
        return {
            "luts": self.area.luts / self.device.luts,
            "flip_flops": self.area.flip_flops / self.device.flip_flops,
            "block_rams": self.area.block_rams / self.device.block_rams,
        }

    @property
    def fits(self) -> bool | None:
        """Whether place and route can be expected to succeed; None without a device."""
        return None if self.device is None else self.area.fits(self.device)

    @property
    def place(self) -> str:
        """What the estimate is for, in words."""
        return f"for {self.family.title}" if self.device is None else f"on the {self.device.name}"

    @property
    def rows(self) -> dict[str, dict[str, int]]:
        """LUTs, flip-flops and block RAMs, of the design and of the device where one was asked for."""
        rows = {"the design": self.area.to_json()}
        if self.device is not None:
            kinds = ("luts", "flip_flops", "block_rams")
            rows["the device has"] = {kind: getattr(self.device, kind) for kind in kinds}
        return rows

    @property
    def verdict(self) -> str:
        """Whether it fits, as a sentence; nothing without a device."""
        return {None: "", True: "It can be expected to fit.", False: "It will probably not fit."}[self.fits]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        found: dict[str, Any] = {"family": self.family.name} | self.area.to_json()
        if self.device is not None:
            shares = {key: round(share, 4) for key, share in self.shares().items()}
            found |= {"device": self.device.name, "share_of_device": shares, "fits": self.fits}
        return found


def area_estimate(design: AcceleratorDesign) -> AreaEstimate | None:
    """The estimated area of a design for its target; None where there is no estimate (`has_estimate`)."""
    target = design.folding.target
    family = target.known_family
    if not has_estimate(design, family):
        return None
    return AreaEstimate(family, None if target.device is None else DEVICES[target.device], estimate(design, family))
