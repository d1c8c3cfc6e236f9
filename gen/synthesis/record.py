# SPDX-License-Identifier: Apache-2.0
"""results/hardware.json: what synthesis, place and route and simulation measured, as typed rows."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.synthesis.nextpnr import Placement
from wsfracbnn.gen.synthesis.summary import Simulated
from wsfracbnn.gen.synthesis.yosys import Area
from wsfracbnn.model.errors import InputError, escaped
from wsfracbnn.model.files import updating, write_text
from wsfracbnn.model.reading import Schema, checked, printable, read_json
from wsfracbnn.model.rows import placed, read_rows

MEASURED = "measured in simulation"
ESTIMATED = "estimated by the folding solver"

Text = Annotated[str, Field(max_length=2000), AfterValidator(printable)]
Count = Annotated[int, Field(ge=0, lt=2**63)]
NotNegative = Annotated[float, Field(ge=0)]


@dataclass(frozen=True)
class HardwareRow:
    """One measurement: of a network at a folding, synthesized for a family or placed and routed on a device.

    Attributes:
        network, fold: the network's name and what `--fold` was. sha256: of the network.
        device: the device, or the family where the design was synthesized and no more.
        speed_grade, seed, nextpnr: of place and route, with all its options.
        lut4, lut6: LUTs, those used as carries and as memory among them; one of both is given.
        xnor_bits_per_cycle: XNOR operations of all stages in a cycle. estimated_luts: by gen/sizing/area.py.
        cycles_per_image, cycles_are: and where they are from. engine_busy: share of the time that the busiest engine
            is at work.
    """

    network: Text
    fold: Text
    device: Text
    speed_grade: Count | None = None
    seed: int | None = None
    lut4: Count | None = None
    lut6: Count | None = None
    flip_flops: Count = 0
    block_rams: Count = 0
    dsp: Count = 0
    fmax_mhz: NotNegative | None = None
    cycles_per_image: Count | None = None
    cycles_are: Text | None = None
    images_per_s: Count | None = None
    engine_busy: NotNegative | None = None
    xnor_bits_per_cycle: Count | None = None
    estimated_luts: Count | None = None
    sha256: Text | None = None
    critical_path: Text | None = None
    nextpnr: Text | None = None
    block_rams_pinned: bool | None = None
    bitstream_bytes: Count | None = None
    seconds: NotNegative | None = None

    @property
    def key(self) -> tuple[str | int | None, ...]:
        """What a later measurement of the same takes the place of."""
        return self.network, self.fold, self.device, self.speed_grade, self.seed

    @property
    def luts(self) -> int:
        """Of either kind."""
        return self.lut6 if self.lut6 is not None else self.lut4 or 0

    @property
    def luts_per_bit(self) -> float | None:
        """The whole design's LUTs over its XNOR bits a cycle."""
        return round(self.luts / self.xnor_bits_per_cycle, 2) if self.xnor_bits_per_cycle else None


@dataclass(frozen=True)
class SimulationRow:
    """Seconds of the same images under Verilator in the regression and in a bare C++ harness."""

    network: Text
    images: Count
    cocotb_s: NotNegative
    bare_s: Annotated[float, Field(gt=0)]

    @property
    def key(self) -> str:
        """What a later measurement of the same takes the place of."""
        return self.network

    @property
    def overhead(self) -> float:
        """What the testbench adds, as a share."""
        return round(self.cocotb_s / self.bare_s - 1, 3)


@dataclass(frozen=True)
class HardwareResults:
    """The whole file. lanes: LUTs per bit of XNOR and popcount alone, by `lane_key`."""

    rows: tuple[HardwareRow, ...] = ()
    lanes: dict[str, float] = field(default_factory=dict)
    simulation: tuple[SimulationRow, ...] = ()

    def with_row(self, row: HardwareRow) -> HardwareResults:
        """With a row, in the place of an earlier one of the same."""
        return replace(self, rows=placed(self.rows, row))

    def with_lane(self, family: Family, luts_per_bit: float) -> HardwareResults:
        """With a lane's LUTs."""
        return replace(self, lanes=self.lanes | {lane_key(family): luts_per_bit})

    def with_simulation(self, row: SimulationRow) -> HardwareResults:
        """With a simulation's seconds, in the place of earlier ones."""
        return replace(self, simulation=placed(self.simulation, row))

    def updated(self, found: HardwareResults) -> HardwareResults:
        """With everything of `found`, in the place of earlier measurements of the same."""
        results = replace(self, lanes=self.lanes | found.lanes)
        for row in found.rows:
            results = results.with_row(row)
        for simulation in found.simulation:
            results = results.with_simulation(simulation)
        return results

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; what a row does not have is left out."""
        return {
            "rows": [{key: value for key, value in asdict(row).items() if value is not None} for row in self.rows],
            "lanes": self.lanes,
            "simulation": [asdict(row) | {"overhead": row.overhead} for row in self.simulation],
        }

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        write_text(path, json.dumps(self.to_json(), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> HardwareResults:
        """The file's contents, or nothing where there is no file yet.

        Raises:
            InputError: not such a file.
        """
        if not path.exists():
            return cls()
        contents = read_json(path, "a file of hardware results")
        try:
            found = checked(_File, contents)
            rows = read_rows(HardwareRow, "rows", found.rows)
            measured = [{k: v for k, v in row.items() if k != "overhead"} for row in found.simulation]
            simulation = read_rows(SimulationRow, "simulation", measured)
        except InputError as error:
            raise InputError(f"{path}: not a file of hardware results ({error})") from None
        return cls(rows, found.lanes, simulation)


class _File(Schema):
    rows: list[dict[str, Any]]
    lanes: dict[str, NotNegative]
    simulation: list[dict[str, Any]]


def add_results(path: Path, found: HardwareResults) -> HardwareResults:
    """Add to a file of results, one process at a time, so that none loses another's rows; returns what it holds then.

    Raises:
        InputError: it is no such file, or cannot be written.
    """
    with updating(path):
        results = HardwareResults.read(path).updated(found)
        results.write(path)
    return results


def lane_key(family: Family) -> str:
    """Name of a family's lane: 'lut4_per_bit' is ECP5's, 'lut6_per_bit' 7 series'; others have their family's name."""
    name = f"lut{family.lut_inputs}_per_bit"
    return name if family.name in ("ecp5", "xc7") else f"{name}_{family.name}"


def synthesis_row(
    area: Area, design: AcceleratorDesign, family: Family, fold: str, estimated: int | None
) -> HardwareRow:
    """What synthesis for a family measured. estimated: LUTs that the area model says, where it is calibrated."""
    return HardwareRow(
        network=design.name,
        fold=escaped(fold),
        device=family.name,
        lut4=area.luts if family.lut_inputs == 4 else None,
        lut6=area.luts if family.lut_inputs == 6 else None,
        flip_flops=area.flip_flops,
        block_rams=area.block_rams,
        dsp=area.dsps,
        xnor_bits_per_cycle=design.xnor_bits,
        estimated_luts=estimated,
        sha256=design.digest,
        seconds=area.seconds,
    )


def placement_row(
    placement: Placement, design: AcceleratorDesign, fold: str, simulated: Simulated | None, pinned: bool
) -> HardwareRow:
    """What place and route reached; images/s is the clock over cycles an image, of a simulation or estimated.

    pinned: whether block RAMs were given their sites.
    """
    settings = placement.settings
    cycles = design.cycles if simulated is None else simulated.cycles_per_image
    return HardwareRow(
        network=design.name,
        fold=escaped(fold),
        device=settings.device,
        speed_grade=settings.speed,
        seed=settings.seed,
        lut4=placement.luts,
        flip_flops=placement.flip_flops,
        block_rams=placement.block_rams,
        dsp=placement.dsps,
        fmax_mhz=placement.fmax_mhz,
        cycles_per_image=cycles,
        cycles_are=ESTIMATED if simulated is None else MEASURED,
        images_per_s=round(placement.fmax_mhz * 1e6 / cycles),
        engine_busy=None if simulated is None else simulated.engine_busy,
        xnor_bits_per_cycle=design.xnor_bits,
        sha256=design.digest,
        critical_path=f"{placement.critical_path[0]} -> {placement.critical_path[-1]}",
        nextpnr=" ".join(settings.arguments),
        block_rams_pinned=pinned,
        seconds=placement.seconds,
    )
