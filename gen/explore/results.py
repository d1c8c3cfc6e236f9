# SPDX-License-Identifier: Apache-2.0
"""What an exploration found, and exploration.json, which holds it for programs and for the report."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from wsfracbnn.gen.explore.front import front
from wsfracbnn.gen.explore.jobs import Keys
from wsfracbnn.gen.explore.objective import FIGURES, Objective
from wsfracbnn.gen.explore.outcomes import Failed, Outcome, Routed, Synthesized
from wsfracbnn.gen.explore.space import FAMILY, Candidate
from wsfracbnn.gen.report.simulated import SimulatorRun
from wsfracbnn.gen.synthesis.nextpnr import PlaceAndRoute
from wsfracbnn.gen.synthesis.yosys import area_of
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import write_text
from wsfracbnn.model.reading import Schema, Several, checked, one_of, printable, read_json

EXPLORATION = "exploration.json"
"""Its name in the output folder of `wsfracbnn explore`."""

BEST = "best"
"""Folder of the best design in the output folder."""

Count = Annotated[int, Field(ge=0, lt=2**63)]
Text = Annotated[str, Field(max_length=2000), AfterValidator(printable)]
Mhz = Annotated[float, Field(gt=0)]
Limits = dict[Annotated[str, one_of(*FIGURES)], float]


class Clock(Schema):
    """What place and route reached with a seed. luts: those of the routed design."""

    seed: int
    fmax_mhz: Mhz
    luts: Count
    flip_flops: Count
    block_rams: Count


class Result(Schema):
    """A design on a device at a speed grade, over all seeds.

    Attributes:
        fold: what `--fold` calls its folding. build: its id.
        cycles_per_image: simulated; None where nothing was. estimated_cycles, estimated_luts: before any tool ran.
        synthesized_luts: by Yosys. images: that were simulated. mismatches: of them; None without a simulation.
        clocks: one for each seed that could be routed. failures: what came to nothing, in words.
    """

    fold: Text
    device: Text
    speed_grade: Count
    build: Text
    estimated_luts: Count
    estimated_cycles: Count
    synthesized_luts: Count | None = None
    cycles_per_image: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    images: Count = 0
    mismatches: Count | None = None
    bit_exact: bool = False
    clocks: Several[Clock] = ()
    failures: Several[Text] = ()

    @property
    def best_clock(self) -> Clock | None:
        """The fastest."""
        return max(self.clocks, key=lambda clock: clock.fmax_mhz, default=None)

    @property
    def median_mhz(self) -> float | None:
        """Over the seeds."""
        return statistics.median(clock.fmax_mhz for clock in self.clocks) if self.clocks else None

    @property
    def figures(self) -> dict[str, float] | None:
        """Figures of an objective, with the best seed; None for what was not proven bit-exact, or not routed."""
        clock = self.best_clock
        if clock is None or not self.bit_exact or self.cycles_per_image is None:
            return None
        rate = clock.fmax_mhz * 1e6 / self.cycles_per_image
        return {
            "images_per_s": rate,
            "luts": float(clock.luts),
            "fmax_mhz": clock.fmax_mhz,
            "images_per_s_per_lut": rate / max(1, clock.luts),
        }

    @property
    def place(self) -> str:
        """Device and speed grade."""
        return f"{self.device}, grade {self.speed_grade}"


class Skipped(Schema):
    """A design that was estimated and no more. why: in words."""

    fold: Text
    device: Text
    estimated_luts: Count
    estimated_cycles: Count
    why: Text


class Exploration(Schema):
    """Everything that was found. sha256: of the network. best: place of the best design among the results."""

    network: Text
    sha256: Text
    objective: Annotated[str, one_of(*FIGURES)]
    at_least: Limits = Field(default_factory=dict)
    at_most: Limits = Field(default_factory=dict)
    seeds: Annotated[int, Field(ge=1)]
    aimed_mhz: Mhz
    results: Several[Result]
    skipped: Several[Skipped] = ()
    best: Count | None = None

    @cached_property
    def front(self) -> list[Result]:
        """Results that no other is as good as in LUTs, images a second and clock; all are bit-exact."""
        complete = [result for result in self.results if result.figures is not None]

        def scores(result: Result) -> tuple[float, ...]:
            figures = result.figures or {}
            return -figures["luts"], figures["images_per_s"], figures["fmax_mhz"]

        return front(complete, scores)

    @property
    def wanted(self) -> Objective:
        """What was asked for."""
        return Objective(self.objective, tuple(self.at_least.items()), tuple(self.at_most.items()))


def result_of(candidate: Candidate, speed: int, keys: Keys, outcomes: Mapping[str, Outcome]) -> Result:
    """A design's result from the outcomes of its jobs."""
    failures = []
    clocks = []
    for settings, key in keys.routes.items():
        routed = outcomes[key]
        if settings.speed == speed and isinstance(routed, Routed):
            clocks.append(
                Clock(
                    seed=settings.seed,
                    fmax_mhz=routed.fmax_mhz,
                    luts=routed.luts,
                    flip_flops=routed.flip_flops,
                    block_rams=routed.block_rams,
                )
            )
        elif settings.speed == speed and isinstance(routed, Failed):
            failures.append(f"seed {settings.seed}: {routed.reason}")
    synthesized, simulated = outcomes[keys.synthesis], outcomes[keys.simulation]
    if isinstance(synthesized, Failed):
        failures = [f"synthesis: {synthesized.reason}"]  # which each seed repeats
    run = simulated if isinstance(simulated, SimulatorRun) else None
    if isinstance(simulated, Failed):
        failures.append(f"simulation: {simulated.reason}")
    elif run is not None and not run.passed:
        failures += [f"simulation: {' '.join(failure.split())[:600]}" for failure in run.failures]
        failures += [f"simulation: {run.mismatches} mismatches"] if run.mismatches else []
    area = area_of(synthesized.cells, FAMILY) if isinstance(synthesized, Synthesized) else None
    return Result(
        fold=candidate.fold,
        device=candidate.device.name,
        speed_grade=speed,
        build=candidate.design.build_id,
        estimated_luts=round(candidate.area.luts),
        estimated_cycles=candidate.design.cycles,
        synthesized_luts=None if area is None else area.luts,
        cycles_per_image=None if run is None else run.cycles_per_image,
        images=0 if run is None else run.images,
        mismatches=None if run is None else run.mismatches,
        bit_exact=run is not None and run.passed and run.values > 0,
        clocks=tuple(clocks),
        failures=tuple(failures),
    )


def skipped_of(found: Sequence[Candidate], kept: Sequence[Candidate]) -> tuple[Skipped, ...]:
    """The candidates that are not among those kept, each with the reason."""
    chosen = set(kept)
    return tuple(
        Skipped(
            fold=candidate.fold,
            device=candidate.device.name,
            estimated_luts=round(candidate.area.luts),
            estimated_cycles=candidate.design.cycles,
            why="less promising than those kept" if candidate.fits else "estimated not to fit",
        )
        for candidate in found
        if candidate not in chosen
    )


def best_of(results: Sequence[Result], objective: Objective) -> int | None:
    """Place of the best result that keeps all limits; None where none does."""
    scored = {
        place: objective.score(result.figures)
        for place, result in enumerate(results)
        if result.figures is not None and not objective.broken(result.figures)
    }
    return max(scored, key=lambda place: scored[place], default=None)


def collected(
    description: NetworkDescription,
    wanted: Objective,
    found: Sequence[Candidate],
    designs: Mapping[Candidate, Keys],
    outcomes: Mapping[str, Outcome],
    settings: Sequence[PlaceAndRoute],
) -> Exploration:
    """Everything that was found, from the outcomes of all jobs.

    Args:
        found: every candidate that was estimated. designs: those of them that went on, with the keys of their jobs.
        settings: of all routes.
    """
    speeds = dict.fromkeys(one.speed for one in settings)
    results = [result_of(candidate, speed, keys, outcomes) for candidate, keys in designs.items() for speed in speeds]
    return Exploration(
        network=description.name,
        sha256=description.digest(),
        objective=wanted.figure,
        at_least=dict(wanted.at_least),
        at_most=dict(wanted.at_most),
        seeds=len({one.seed for one in settings}),
        aimed_mhz=settings[0].mhz,
        results=tuple(results),
        skipped=skipped_of(found, tuple(designs)),
        best=best_of(results, wanted),
    )


def write_exploration(folder: Path, exploration: Exploration) -> None:
    """Write exploration.json.

    Raises:
        InputError: it cannot be written.
    """
    write_text(folder / EXPLORATION, json.dumps(exploration.model_dump(mode="json"), indent=2) + "\n")


def read_exploration(folder: Path) -> Exploration:
    """Read exploration.json.

    Raises:
        InputError: no such file, or another one.
    """
    path = folder / EXPLORATION
    contents = read_json(path, "the results of an exploration")
    try:
        found = checked(Exploration, contents)
        if found.best is not None and found.best >= len(found.results):
            raise InputError(f"key 'best': found {found.best}, expected less than the {len(found.results)} results")
    except InputError as error:
        raise InputError(f"{path}: not the results of an exploration ({error})") from None
    return found
