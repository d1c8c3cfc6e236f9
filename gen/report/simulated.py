# SPDX-License-Identifier: Apache-2.0
"""What a report takes from summary.json, the file that `wsfracbnn sim` leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from wsfracbnn.model.errors import InputError
from wsfracbnn.model.reading import Schema, Several, checked, printable, read_json

SUMMARY = "summary.json"
"""Its name in the output folder of `wsfracbnn sim`."""

Count = Annotated[int, Field(ge=0, lt=2**63)]
Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(max_length=2000), AfterValidator(printable)]
Message = Annotated[str, Field(max_length=20_000)]


class ComparedLayer(Schema):
    """Values of one layer that the testbench compared with the golden model, and how many were wrong."""

    name: Text
    values: Count
    mismatches: Count


class SimulatorRun(Schema, extra="ignore"):
    """One simulator's entry. Keys that earlier files lack are empty.

    busy: share of the time that each stage's engine was at work. occupancy: cycles at work in each interval, by stage.
    """

    images: Count
    mismatches: Count
    latency_cycles: Count
    correct: Count | None = None
    cycles_per_image: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    seconds: Annotated[float, Field(ge=0)] = 0.0
    busy: dict[str, Share] = Field(default_factory=dict)
    layers: Several[ComparedLayer] = ()
    tests: Several[Text] = ()
    failures: Several[Message] = ()
    command: Text = ""
    occupancy: dict[str, Several[Count]] = Field(default_factory=dict)

    @property
    def values(self) -> int:
        """Compared in all layers."""
        return sum(layer.values for layer in self.layers)

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong."""
        return not self.failures and not self.mismatches


class Simulation(Schema, extra="ignore"):
    """The whole file. build: id of the design that was simulated; options: those that `wsfracbnn sim` was given."""

    network: Text
    build: Text
    accuracy: Annotated[float, Field(ge=0, le=100)]
    simulators: dict[str, SimulatorRun]
    options: dict[str, Text] = Field(default_factory=dict)

    @property
    def timed(self) -> SimulatorRun | None:
        """The run with the most images, of those that measured cycles an image."""
        runs = [run for run in self.simulators.values() if run.cycles_per_image is not None]
        return max(runs, key=lambda run: run.images, default=None)

    @property
    def observed(self) -> SimulatorRun | None:
        """The last run that wrote down when engines were at work."""
        return next((run for run in reversed(self.simulators.values()) if run.occupancy), None)


def read_simulation(path: Path) -> Simulation:
    """Read a summary.json.

    Raises:
        InputError: no such file, or another one.
    """
    contents = read_json(path, "the summary of a simulation")
    try:
        return checked(Simulation, contents)
    except InputError as error:
        raise InputError(f"{path}: not the summary of a simulation ({error})") from None
