# SPDX-License-Identifier: Apache-2.0
"""What a report says about one design, and where each figure comes from: measured, or estimated and said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wsfracbnn.gen.design import NOMINAL_MHZ, AcceleratorDesign, build_design
from wsfracbnn.gen.devices import DEVICES, Family
from wsfracbnn.gen.report.simulated import Simulation
from wsfracbnn.gen.sequential.stage import EngineStage
from wsfracbnn.gen.sizing.area import Estimate, estimate, estimate_around, estimate_stage, has_estimate
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.stages import Stage
from wsfracbnn.gen.synthesis.breakdown import by_function, by_part
from wsfracbnn.gen.synthesis.cached import PartArea, Share
from wsfracbnn.gen.synthesis.record import MEASURED, HardwareRow
from wsfracbnn.model.errors import InputError

AROUND, ENGINE = "around", "engine"
"""What stands around the stages, or the engine that they share, in the place of a stage's name."""


@dataclass(frozen=True)
class Part:
    """Area of a stage, or of what stands around the stages: by the area model, and counted in the netlist."""

    name: str
    estimated: PartArea | None
    measured: PartArea | None

    @property
    def area(self) -> PartArea | None:
        """Measured where it was, else estimated."""
        return self.measured or self.estimated

    @property
    def area_is(self) -> str:
        """Which of both."""
        return "measured" if self.measured else "estimated" if self.estimated else "unknown"


@dataclass(frozen=True)
class StageFacts:
    """One stage: its design, its area (None where it shares an engine), and what a simulation saw of it.

    busy: share of the time that its engine was at work. values, mismatches: of its output, in all simulators together;
    None where none was compared.
    """

    hardware: Stage[Any]
    part: Part | None
    busy: float | None = None
    values: int | None = None
    mismatches: int | None = None

    @property
    def name(self) -> str:
        """The stage's."""
        return self.hardware.name


@dataclass(frozen=True)
class DesignFacts:
    """One design of a report.

    Attributes:
        label: tells it from the others.
        family: whose LUTs, flip-flops and block RAMs are given.
        accuracy: top-1 of the integer model, percent, if known; accuracy_is: when that was measured, and on what.
        equals_pytorch: whether golden vectors equal PyTorch's; None where there are no vectors.
        simulation: of this very build. stages: in dataflow order.
        breakdown: area by stage and function, where the design was synthesized.
        rows: results of synthesis, and of place and route, of this network at this folding.
        options: '--weights' and '--fold' of the commands that make it again.
    """

    design: AcceleratorDesign
    label: str
    family: Family
    accuracy: float | None
    accuracy_is: str
    equals_pytorch: bool | None
    simulation: Simulation | None
    stages: tuple[StageFacts, ...]
    around: Part
    breakdown: tuple[Share, ...] = ()
    rows: tuple[HardwareRow, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Areas of the stages, and of what stands around them."""
        return (*(stage.part for stage in self.stages if stage.part is not None), self.around)

    @property
    def around_is(self) -> str:
        """What `around` is, in words."""
        ends = "frame guard and filter, registers at both ends"
        return f"the engine of all layers but the head, its memories, {ends}" if self.design.one_engine else ends

    @property
    def total(self) -> Part:
        """Area of the whole design; measured where every part was."""

        def total(areas: Sequence[PartArea | None]) -> PartArea | None:
            known = [area for area in areas if area is not None]
            if len(known) < len(areas):
                return None
            return PartArea(
                sum(area.luts for area in known),
                sum(area.flip_flops for area in known),
                sum(area.block_rams for area in known),
            )

        return Part("total", total([p.estimated for p in self.parts]), total([p.measured for p in self.parts]))

    @property
    def functions(self) -> dict[str, PartArea]:
        """Area of each function in all stages, the largest first."""
        return by_function(self.breakdown)

    @property
    def part_names(self) -> tuple[str, ...]:
        """Of the parts in `shares`."""
        return (*(stage.name for stage in self.stages), "")

    @property
    def shares(self) -> dict[tuple[str, str], PartArea]:
        """Area by function and stage, "" being around the stages."""
        return {(share.function, share.part): share.area for share in self.breakdown}

    @property
    def gates_open(self) -> float | None:
        """Mean over the gated layers."""
        shares = [stage.hardware.gates_open for stage in self.stages if stage.hardware.gates_open is not None]
        return sum(shares) / len(shares) if shares else None

    @property
    def _cycles(self) -> tuple[int, str]:
        timed = self.simulation.timed if self.simulation else None
        if timed is not None and timed.cycles_per_image is not None:
            return timed.cycles_per_image, "measured"
        for row in self.rows:
            if row.cycles_per_image and row.cycles_are == MEASURED:
                return row.cycles_per_image, f"measured, as the results for {row.device} say"
        return self.design.cycles, "estimated"

    @property
    def cycles(self) -> int:
        """An image: simulated, or as the results of an earlier simulation say, or the busiest stage's work."""
        return self._cycles[0]

    @property
    def cycles_are(self) -> str:
        """Which of these `cycles` are."""
        return self._cycles[1]

    @property
    def routed(self) -> HardwareRow | None:
        """The fastest result of place and route on a device of the family."""
        devices = {device.name for device in DEVICES.values() if device.family == self.family.name}
        rows = [row for row in self.rows if row.fmax_mhz is not None and row.device in devices]
        return max(rows, key=lambda row: row.fmax_mhz or 0.0, default=None)

    @property
    def synthesized(self) -> HardwareRow | None:
        """The result of synthesis for the family."""
        return next((row for row in self.rows if row.device == self.family.name), None)

    @property
    def mhz(self) -> float:
        """The routed clock, or the nominal one."""
        return (self.routed and self.routed.fmax_mhz) or float(NOMINAL_MHZ)

    @property
    def rate(self) -> float:
        """Images a second at `mhz`."""
        return self.mhz * 1e6 / self.cycles


def gather(
    design: AcceleratorDesign,
    family: Family,
    *,
    simulation: Simulation | None = None,
    breakdown: Sequence[Share] = (),
    rows: Sequence[HardwareRow] = (),
    accuracy: float | None = None,
    accuracy_is: str = "as the checkpoint says",
    equals_pytorch: bool | None = None,
    options: Mapping[str, str] | None = None,
) -> DesignFacts:
    """Everything that is known of a design.

    Args:
        breakdown: area by stage and function (gen/synthesis/breakdown.py).
        rows: results of any design; those of this one are taken.
        accuracy: as the checkpoint says; a simulation's own measurement comes first.
        accuracy_is: what that is of.
    """
    if simulation is not None:
        accuracy, accuracy_is = simulation.accuracy, "whole test set, integer model, by sim"
        equals_pytorch = True if equals_pytorch is None else equals_pytorch
    elif accuracy is None:
        accuracy_is = "unknown"
    for_family = build_design(design.description, design.folding.for_family(family))
    measured = by_part(breakdown, for_family) if breakdown else {}
    calibrated = has_estimate(design, family)
    return DesignFacts(
        design=design,
        label=design.name,
        family=family,
        accuracy=accuracy,
        accuracy_is=accuracy_is,
        equals_pytorch=equals_pytorch,
        simulation=simulation,
        stages=tuple(
            _stage(
                stage,
                None
                if isinstance(stage, EngineStage)
                else Part(
                    stage.name,
                    _rounded(estimate_stage(stage, family)) if calibrated else None,
                    measured.get(stage.name),
                ),
                simulation,
            )
            for stage in for_family.stages
        ),
        around=Part(
            ENGINE if design.one_engine else AROUND,
            _rounded(_estimate_outside(for_family, family)) if calibrated else None,
            measured.get(""),
        ),
        breakdown=tuple(breakdown),
        rows=rows_of(design, rows),
        options=(simulation.options if simulation else None) or dict(options or {}),
    )


def _estimate_outside(design: AcceleratorDesign, family: Family) -> Estimate:
    """What stands around the stages; where one engine computes most of them, that too: all that is not the head's."""
    if not design.one_engine:
        return estimate_around(family)
    whole, head = estimate(design, family), estimate_stage(design.head, family)
    return Estimate(
        max(0.0, whole.luts - head.luts),
        max(0.0, whole.flip_flops - head.flip_flops),
        max(0, whole.block_rams - head.block_rams),
    )


def _stage(stage: Stage[Any], part: Part | None, simulation: Simulation | None) -> StageFacts:
    if simulation is None:
        return StageFacts(stage, part)
    compared = [layer for run in simulation.simulators.values() for layer in run.layers if layer.name == stage.name]
    return StageFacts(
        stage,
        part,
        busy=simulation.timed.busy.get(stage.name) if simulation.timed else None,
        values=sum(layer.values for layer in compared) if compared else None,
        mismatches=sum(layer.mismatches for layer in compared) if compared else None,
    )


def _rounded(estimate: Estimate) -> PartArea:
    return PartArea(round(estimate.luts), round(estimate.flip_flops), estimate.block_rams)


def rows_of(design: AcceleratorDesign, rows: Sequence[HardwareRow]) -> tuple[HardwareRow, ...]:
    """Those of the same network at the same folding, which a row names as `--fold` did."""
    same = [row for row in rows if row.sha256 == design.digest]
    folds = {wanted: _is_folding(design, wanted) for wanted in {row.fold for row in same}}
    return tuple(row for row in same if folds[row.fold])


def _is_folding(design: AcceleratorDesign, wanted: str) -> bool:
    try:
        return dict(choose_folding(design.description, wanted).stages) == dict(design.folding.stages)
    except InputError:  # of a folding file that is no longer there, or of another network
        return False


def with_shared_accuracy(designs: Sequence[DesignFacts]) -> list[DesignFacts]:
    """The same; a design whose accuracy is unknown has that of another design of the same network, if there is one."""
    known = {design.design.digest: design.accuracy for design in designs if design.accuracy is not None}
    return [
        replace(design, accuracy=known[design.design.digest], accuracy_is="that of the same network beside it")
        if design.accuracy is None and design.design.digest in known
        else design
        for design in designs
    ]


def told_apart(designs: Sequence[DesignFacts]) -> list[DesignFacts]:
    """The same with labels of which no two are equal: the network's name, then its speed, then its build."""

    def labels(design: DesignFacts) -> tuple[str, str, str]:
        name = design.design.name
        fast = f"{name}, {design.design.cycles:,} cycles"
        return name, fast, f"{fast}, {design.design.short_build_id}"

    found = []
    for design in designs:
        unique = [
            label
            for level, label in enumerate(labels(design))
            if sum(labels(other)[level] == label for other in designs) == 1
        ]
        found.append(replace(design, label=unique[0] if unique else labels(design)[-1]))
    return found
