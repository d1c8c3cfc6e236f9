# SPDX-License-Identifier: Apache-2.0
"""What the tools left in a cached run, read as anything from outside: the cache outlives the process that filled it.

A file that is damaged, or is not the one that the run ended with, is refused and not made anew unasked: a run may have
taken an hour, and its folder may hold what somebody still wants to see.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, Field, RootModel

from wsfracbnn.gen.synthesis.tools import DIGESTS, Report
from wsfracbnn.model.checksums import parse_checksums
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.reading import Schema, checked, printable, read_bytes, read_json, read_text

Count = Annotated[int, Field(ge=0, lt=2**63)]
Seconds = Annotated[float, Field(ge=0)]

LARGE = 2 * 2**30
"""Bytes of a netlist, a routed design or a bitstream."""

Model = TypeVar("Model", bound=BaseModel)


class _Seconds(RootModel[Seconds], strict=True):
    pass


class _CellCounts(Schema, extra="ignore"):
    num_cells_by_type: dict[str, Count]


class _Statistics(Schema, extra="ignore"):
    design: _CellCounts


class Cell(Schema, extra="ignore"):
    """A cell of a netlist; a bit of a connection is the number of a signal, or a constant's text."""

    type: str
    attributes: dict[str, Any] = Field(default_factory=dict)
    port_directions: dict[str, str] = Field(default_factory=dict)
    connections: dict[str, list[int | str]] = Field(default_factory=dict)

    def signals(self, direction: str) -> Iterator[int]:
        """Signals at the ports of one direction; constants are none."""
        for port, bits in self.connections.items():
            if self.port_directions.get(port) == direction:
                yield from (bit for bit in bits if isinstance(bit, int))


class Signal(Schema, extra="ignore"):
    """A named signal of a netlist. hide_name: 1 where Yosys made the name."""

    hide_name: int
    bits: list[int | str]
    attributes: dict[str, Any] = Field(default_factory=dict)


class Module(Schema, extra="ignore"):
    """A module of a netlist."""

    attributes: dict[str, Any] = Field(default_factory=dict)
    cells: dict[str, Cell]
    netnames: dict[str, Signal] = Field(default_factory=dict)


class _Netlist(Schema, extra="ignore"):
    modules: dict[str, Module]


@dataclass(frozen=True)
class PartArea:
    """What one part of a design takes; `luts` includes those used as carries and as memory."""

    luts: Count
    flip_flops: Count
    block_rams: Count

    def __add__(self, other: PartArea) -> PartArea:
        return PartArea(self.luts + other.luts, self.flip_flops + other.flip_flops, self.block_rams + other.block_rams)


@dataclass(frozen=True)
class Share:
    """What one function of one part of a design takes. part: a stage's name, or "" around the stages."""

    part: str
    function: str
    area: PartArea


class Shares(RootModel[list[Share]]):
    """Of a whole design."""


class _Used(Schema, extra="ignore"):
    used: Count


class _Clock(Schema, extra="ignore"):
    achieved: Annotated[float, Field(gt=0)]


class _Filled(_Used):
    available: Count


class _Timing(Schema, extra="ignore"):
    utilization: dict[str, _Filled]
    fmax: dict[str, _Clock]


class _End(Schema, extra="ignore"):
    cell: Annotated[str, Field(max_length=900), AfterValidator(printable)]


class _Step(Schema, extra="ignore"):
    begin: Annotated[_End, Field(alias="from")]
    end: Annotated[_End, Field(alias="to")]


class _Path(Schema, extra="ignore"):
    begin: Annotated[str, Field(alias="from")]
    end: Annotated[str, Field(alias="to")]
    path: Annotated[list[_Step], Field(min_length=1)]

    @property
    def is_inside(self) -> bool:
        """Whether it begins and ends at the clock's edge, not at a pad, which nextpnr writes in angle brackets."""
        return not self.begin.startswith("<") and not self.end.startswith("<")


class _Report(Schema, extra="ignore"):
    utilization: dict[str, _Used]
    fmax: Annotated[dict[str, _Clock], Field(min_length=1)]
    critical_paths: list[_Path]


@dataclass(frozen=True)
class Routed:
    """nextpnr's report. used: cells by type. critical_path: names of the cells along it."""

    used: Mapping[str, int]
    fmax_mhz: float
    critical_path: tuple[str, ...]


@dataclass(frozen=True)
class Netlist:
    """Yosys's JSON of a flattened module. contents: all of it. cells: type of each of the module's cells, by name."""

    contents: dict[str, Any]
    top: str
    cells: Mapping[str, str]

    @property
    def text(self) -> str:
        """As JSON."""
        return json.dumps(self.contents)


def require_intact(run: Path, names: Sequence[str] | None, report: Report) -> None:
    """Hold files of a run that was found in the cache against the digests that it ended with. names: None for all.

    A run without digests is taken as it is, which is reported: it may be one of an earlier version that took an hour.

    Raises:
        InputError: a file is missing or another one than then, or the digests are damaged.
    """
    if not (run / DIGESTS).exists():
        report(f"{run}: carries no digests of its files, which are taken as they are")
        return
    expected = _read_digests(run / DIGESTS)
    for name in expected if names is None else names:
        path = run / name
        if name not in expected:
            raise _damaged(run / DIGESTS, "the digests of a run", f"that of {name} is missing")
        try:
            found = hashlib.sha256(read_bytes(path, "a file of a run", LARGE)).hexdigest()
        except InputError as error:
            raise InputError(f"{error}; {_remedy(path)}") from None
        if found != expected[name]:
            digests = f"its digest is '{found[:12]}...', expected '{expected[name][:12]}...'"
            raise InputError(f"{path}: the content is damaged, {digests}; {_remedy(path)}")


def _read_digests(path: Path) -> dict[str, str]:
    """Digests in hexadecimal, by name of the file."""
    what = "the digests of a run"
    try:
        text = read_text(path, what)
    except InputError as error:
        raise InputError(f"{error}; {_remedy(path)}") from None
    try:
        return parse_checksums(text)
    except ValueError as error:
        raise _damaged(path, what, str(error)) from None


def read_seconds(path: Path) -> float:
    """How long a run took.

    Raises:
        InputError: the file is damaged; so with all below.
    """
    return _read(path, _Seconds, "the seconds of a run").root


def read_cell_counts(path: Path) -> dict[str, int]:
    """Cells by type, of Yosys's statistics, without those that only say which instance was where."""
    counts = _read(path, _Statistics, "Yosys's statistics").design.num_cells_by_type
    return {kind: count for kind, count in counts.items() if not kind.startswith("$scopeinfo")}


def read_netlist(path: Path, top: str) -> Netlist:
    """A netlist that holds the module `top`."""
    contents = _contents(path, "Yosys's netlist")
    modules = _modules(path, contents, top)
    return Netlist(contents, top, {name: cell.type for name, cell in modules[top].cells.items()})


def read_modules(path: Path, top: str) -> dict[str, Module]:
    """The modules of a netlist, `top` among them."""
    return _modules(path, _contents(path, "Yosys's netlist"), top)


def _modules(path: Path, contents: Any, top: str) -> dict[str, Module]:
    what = "Yosys's netlist"
    modules = _checked(path, _Netlist, what, contents).modules
    if top not in modules:
        raise _damaged(path, what, f"key 'modules.{top}' is missing")
    return modules


def read_shares(path: Path) -> list[Share]:
    """What the functions of a design's parts take."""
    return _read(path, Shares, "the breakdown of an area").root


def read_report(path: Path) -> Routed:
    """nextpnr's report of a routed design with one clock."""
    what = "nextpnr's report"
    report = _read(path, _Report, what)
    inside = next((found for found in report.critical_paths if found.is_inside), None)
    if inside is None:
        raise _damaged(path, what, "key 'critical_paths': no path from clock to clock")
    cells = [step.begin.cell for step in inside.path] + [inside.path[-1].end.cell]
    used = {kind: entry.used for kind, entry in report.utilization.items()}
    clock = next(iter(report.fmax.values()))
    return Routed(used, round(clock.achieved, 2), tuple(dict.fromkeys(cells)))


def read_timing(path: Path) -> tuple[float, dict[str, tuple[int, int]]]:
    """Of nextpnr's report: the slowest clock's MHz, 0 without a clock; (used, there are) of each kind of cell."""
    report = _read(path, _Timing, "nextpnr's report")
    fmax = min((clock.achieved for clock in report.fmax.values()), default=0.0)
    cells = {kind: (entry.used, entry.available) for kind, entry in report.utilization.items()}
    return round(fmax, 2), cells


def read_routed(path: Path) -> str:
    """nextpnr's text of a routed design."""
    return read_text(path, "nextpnr's routed design", LARGE)


def read_bitstream(path: Path) -> bytes:
    """ecppack's bitstream."""
    return read_bytes(path, "a bitstream", LARGE)


def _read(path: Path, schema: type[Model], what: str) -> Model:
    return _checked(path, schema, what, _contents(path, what))


def _contents(path: Path, what: str) -> Any:
    try:
        return read_json(path, what, LARGE)
    except InputError as error:
        raise InputError(f"{error}; {_remedy(path)}") from None


def _checked(path: Path, schema: type[Model], what: str, contents: Any) -> Model:
    try:
        return checked(schema, contents)
    except InputError as error:
        raise _damaged(path, what, str(error)) from None


def _damaged(path: Path, what: str, why: str) -> InputError:
    return InputError(f"{path}: not {what} ({why}); {_remedy(path)}")


def _remedy(path: Path) -> str:
    return f"remove {path.parent}, then it is made anew"
