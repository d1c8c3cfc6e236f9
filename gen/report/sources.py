# SPDX-License-Identifier: Apache-2.0
"""Designs from emitted folders: what was built, what simulated it, what was synthesized of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wsfracbnn.gen.design import AcceleratorDesign, build_design
from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.emission.folder import DESIGN, FOLDING
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.report.facts import DesignFacts, gather
from wsfracbnn.gen.report.simulated import SUMMARY, Simulation, read_simulation
from wsfracbnn.gen.sizing.fold_file import read_folding
from wsfracbnn.gen.synthesis.breakdown import break_down
from wsfracbnn.gen.synthesis.cached import Share
from wsfracbnn.gen.synthesis.record import HardwareRow
from wsfracbnn.gen.synthesis.stagewise import earlier_linking
from wsfracbnn.gen.synthesis.yosys import earlier_run
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.reading import Schema, checked, read_json
from wsfracbnn.model.structure import load_description


class _Emitted(Schema, extra="ignore"):
    build: str
    vectors_equal_pytorch: bool = False


@dataclass(frozen=True)
class Measurements:
    """What designs are looked up in: results of synthesis and place and route, and the folder of synthesis runs.

    family: for whose LUTs; None: for those that a design is made for.
    """

    rows: Sequence[HardwareRow]
    cache: Path
    family: Family | None = None

    def family_of(self, design: AcceleratorDesign) -> Family:
        """For whose LUTs the areas of a design are."""
        return self.family or design.folding.target.known_family

    def breakdown(self, design: AcceleratorDesign) -> list[Share]:
        """Area by stage and function where the design was synthesized for the family, as a whole or stage by stage."""
        if not self.cache.is_dir():
            return []
        family = self.family_of(design)
        for_family = build_design(design.description, design.folding.for_family(family))
        sources, top = design_sources(for_family), for_family.top
        try:
            run = earlier_run(sources, top, family, self.cache) or earlier_linking(
                sources, top, for_family.stage_modules, family, self.cache
            )
        except InputError:  # without Yosys nothing was synthesized here
            return []
        return [] if run is None else break_down(for_family, run, family)


def read_design(folder: Path, measurements: Measurements) -> DesignFacts:
    """The design in an emitted folder, or in the output folder of `wsfracbnn sim`.

    Raises:
        InputError: it is neither, or its files do not belong together.
    """
    emitted, simulation = _emitted_folder(folder)
    description = load_description(emitted)
    design = build_design(description, read_folding(emitted / FOLDING, description))
    path = emitted / DESIGN
    try:
        built = checked(_Emitted, read_json(path, "what wsfracbnn emit built"))
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if built.build != design.build_id:
        raise InputError(
            f"{path}: key 'build': found '{built.build[:16]}', expected '{design.short_build_id}', that of net.json "
            "and fold.json beside it"
        )
    return gather(
        design,
        measurements.family_of(design),
        simulation=simulation if simulation is not None and simulation.build == design.build_id else None,
        breakdown=measurements.breakdown(design),
        rows=measurements.rows,
        equals_pytorch=built.vectors_equal_pytorch,
        options={"--weights": "CHECKPOINT", "--fold": str(emitted / FOLDING)},
    )


def _emitted_folder(folder: Path) -> tuple[Path, Simulation | None]:
    """The folder that holds design.json, and the summary of a simulation that is in it or beside it."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder, expected one that 'wsfracbnn sim' or 'wsfracbnn emit' wrote")
    if (folder / DESIGN).is_file():
        beside = folder.resolve().parent / SUMMARY
        return folder, read_simulation(beside) if beside.is_file() else None
    if not (folder / SUMMARY).is_file():
        raise InputError(f"{folder}: found neither {DESIGN} nor {SUMMARY}, expected a folder of emit or sim")
    simulation = read_simulation(folder / SUMMARY)
    return folder / Path(simulation.network).name, simulation
