# SPDX-License-Identifier: Apache-2.0
"""What the steps of an exploration give: plain values that travel between machines and lie in the folder of results."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, TypeAlias

from pydantic import AfterValidator, Field

from wsfracbnn.gen.report.simulated import SimulatorRun
from wsfracbnn.model.errors import InputError, escaped, shortened
from wsfracbnn.model.reading import Several, checked, checked_values, printable

Count = Annotated[int, Field(ge=0, lt=2**63)]
Seconds = Annotated[float, Field(ge=0)]
Text = Annotated[str, Field(max_length=900), AfterValidator(printable)]
Digest = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

REASON_LIMIT = 600
"""Characters of a reason."""


@dataclass(frozen=True)
class Failed:
    """A step that came to nothing.

    final: the tool itself refused the design, as it would again. Otherwise something else was in the way (a full disk,
    workers that died), and the next call tries again.
    """

    reason: str
    final: bool

    @classmethod
    def of(cls, error: BaseException, *, final: bool) -> Failed:
        """With what an exception says."""
        text = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        return cls(shortened(escaped(text), REASON_LIMIT), final)


@dataclass(frozen=True)
class Synthesized:
    """Yosys's result. cells: by type. netlist: its JSON, gzipped; netlist_sha256: digest of these bytes."""

    cells: dict[str, Count]
    seconds: Seconds
    netlist_sha256: Digest
    netlist: bytes = field(repr=False, default=b"")


@dataclass(frozen=True)
class Routed:
    """nextpnr's result."""

    fmax_mhz: Annotated[float, Field(gt=0)]
    luts: Count
    flip_flops: Count
    block_rams: Count
    dsps: Count
    critical_path: Annotated[Several[Text], Field(min_length=1)]
    seconds: Seconds


Outcome: TypeAlias = Synthesized | Routed | SimulatorRun | Failed

SYNTHESIS, ROUTE, SIMULATION = "synthesis", "route", "simulation"
STEPS = (SYNTHESIS, SIMULATION, ROUTE)
"""Of every design, in the order in which they begin."""


def outcome_to_json(outcome: Synthesized | Routed | SimulatorRun) -> dict[str, Any]:
    """Plain JSON values; a netlist lies in a file of its own."""
    if isinstance(outcome, SimulatorRun):
        return outcome.model_dump(mode="json")
    return {key: value for key, value in asdict(outcome).items() if key != "netlist"}


def outcome_from_json(step: str, raw: object) -> Synthesized | Routed | SimulatorRun:
    """What `outcome_to_json` made of a step's outcome, its types and ranges checked.

    Raises:
        InputError: it is another thing.
    """
    if step == SIMULATION:
        return checked(SimulatorRun, raw)
    kinds: dict[str, type[Synthesized] | type[Routed]] = {SYNTHESIS: Synthesized, ROUTE: Routed}
    kind = kinds[step]
    return kind(**checked_values(kind, raw))
