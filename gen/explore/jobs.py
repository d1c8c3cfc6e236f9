# SPDX-License-Identifier: Apache-2.0
"""The jobs of an exploration: a step with its arguments, named after the hash of all that its outcome depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.emission.folder import TESTBENCH_FILES
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.explore.outcomes import ROUTE, SIMULATION, SYNTHESIS, Outcome
from wsfracbnn.gen.explore.probe import Tools
from wsfracbnn.gen.explore.space import FAMILY, Candidate
from wsfracbnn.gen.explore.steps import route_netlist, simulate_design, synthesize_design
from wsfracbnn.gen.locations import NETWORK_TESTBENCH, TEMPLATES
from wsfracbnn.gen.synthesis.nextpnr import PlaceAndRoute
from wsfracbnn.gen.synthesis.yosys import commands_for
from wsfracbnn.model.description import NetworkDescription

DIGITS = 24
"""Of a hash in a key."""


class SchedulerLostError(Exception):
    """The scheduler of a cluster went away; what was not finished must be submitted again."""


@dataclass(frozen=True)
class Job:
    """A step that is to be done.

    key: hash of all that its outcome depends on. title: for people. function: takes the worker's cache folder, the
    arguments, and last the outcome of the job `needs`, if there is one.
    """

    step: str
    key: str
    title: str
    function: Callable[..., Outcome]
    arguments: tuple[Any, ...]
    needs: str | None = None


@dataclass(frozen=True)
class Stimulus:
    """What is simulated: images (n, H, W, colours) uint8 and labels (n,).

    options: of the command that does it again.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64] | None
    options: str

    @property
    def digest(self) -> str:
        """SHA-256 of images and labels."""
        digest = hashlib.sha256(self.images.tobytes())
        if self.labels is not None:
            digest.update(self.labels.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Keys:
    """The jobs of one design: keys of its synthesis and simulation, and of each of its routes by what they are."""

    synthesis: str
    simulation: str
    routes: dict[PlaceAndRoute, str]


def key_of(step: str, *contents: object) -> str:
    """Hash of plain JSON values."""
    text = json.dumps([step, *contents], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]


class JobList:
    """The jobs of several designs, each once: designs on several devices are synthesized and simulated once."""

    def __init__(self, description: NetworkDescription, stimulus: Stimulus, tools: Tools) -> None:
        self.jobs: dict[str, Job] = {}
        self._description = description
        self._stimulus = stimulus
        self._tools = tools
        self._testbench = {name: (NETWORK_TESTBENCH / name).read_text() for name in TESTBENCH_FILES}
        self._bases: dict[str, tuple[str, str]] = {}

    def add(self, candidate: Candidate, settings: Sequence[PlaceAndRoute]) -> Keys:
        """The jobs of a design on its device. settings: of each of its routes."""
        design = candidate.design
        if design.build_id not in self._bases:
            self._bases[design.build_id] = self._add_base(candidate)
        synthesis, simulation = self._bases[design.build_id]
        routes = {one: self._add_route(candidate, synthesis, one) for one in settings}
        return Keys(synthesis, simulation, routes)

    def _add_base(self, candidate: Candidate) -> tuple[str, str]:
        """Synthesis and simulation."""
        design = candidate.design
        sources = design_sources(design)
        commands = commands_for(sources, design.top, FAMILY)
        synthesis = key_of(SYNTHESIS, self._tools.yosys, sources, commands)
        arguments: tuple[Any, ...] = (sources, design.top, FAMILY.name)
        self._add(Job(SYNTHESIS, synthesis, f"{design.name} {candidate.fold}", synthesize_design, arguments))
        simulation = key_of(
            SIMULATION,
            self._tools.simulator,
            sources,
            self._testbench,
            (TEMPLATES / design.testbench_template).read_text(),
            self._stimulus.digest,
            len(self._stimulus.images),
        )
        command = f"wsfracbnn sim {self._stimulus.options} --fold {candidate.fold}"
        arguments = (self._description, design.folding, self._stimulus.images, self._stimulus.labels, command)
        self._add(Job(SIMULATION, simulation, f"{design.name} {candidate.fold}", simulate_design, arguments))
        return synthesis, simulation

    def _add_route(self, candidate: Candidate, synthesis: str, settings: PlaceAndRoute) -> str:
        design: AcceleratorDesign = candidate.design
        key = key_of(ROUTE, self._tools.nextpnr, synthesis, settings.arguments, settings.device, design.instances)
        title = f"{design.name} {candidate.fold} on {settings.device}-{settings.speed}, seed {settings.seed}"
        arguments = (design.top, design.instances, settings)
        self._add(Job(ROUTE, key, title, route_netlist, arguments, needs=synthesis))
        return key

    def _add(self, job: Job) -> None:
        self.jobs.setdefault(job.key, job)
