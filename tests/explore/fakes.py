# SPDX-License-Identifier: Apache-2.0
"""Steps in place of the real ones, which take minutes: their outcomes are made up, and each leaves a line in a log."""

from __future__ import annotations

import gzip
import hashlib
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wsfracbnn.gen.explore.jobs import Job
from wsfracbnn.gen.explore.outcomes import ROUTE, Failed, Outcome, Routed, Synthesized
from wsfracbnn.gen.explore.probe import Tools, own_copy
from wsfracbnn.gen.report.simulated import SimulatorRun
from wsfracbnn.model.reading import checked

LOG = "EXPLORE_TEST_LOG"
"""Variable of the environment that names the file with a line for each step that ran."""


def probe() -> Tools:
    """Of a machine with some tools."""
    python, code = own_copy()
    return Tools(python, code, "yosys 1", "nextpnr 1", "verilator 1")


def note(line: str) -> None:
    """Add a line to the log."""
    with Path(os.environ[LOG]).open("a") as file:
        file.write(line + "\n")


def notes() -> list[str]:
    """The log's lines."""
    path = Path(os.environ[LOG])
    return path.read_text().splitlines() if path.exists() else []


def made_up_netlist(text: str) -> Synthesized:
    """A synthesis whose netlist is a text."""
    netlist = gzip.compress(text.encode(), mtime=0)
    return Synthesized({"LUT4": 1000, "TRELLIS_FF": 500}, 2.5, hashlib.sha256(netlist).hexdigest(), netlist)


def made_up_simulation(mismatches: int = 0, cycles: int = 1000) -> SimulatorRun:
    """Three images of two layers."""
    raw = {
        "images": 3,
        "mismatches": mismatches,
        "latency_cycles": 77,
        "correct": 2,
        "cycles_per_image": cycles,
        "seconds": 0.5,
        "busy": {"stage_01": 0.5, "head": 0.25},
        "layers": [{"name": name, "values": 12, "mismatches": mismatches} for name in ("stage_01", "head")],
        "tests": ["test_images_are_bit_exact_in_every_layer"],
        "failures": ["stage_01: expected 3, got 4"] if mismatches else [],
        "command": "wsfracbnn sim",
        "occupancy": {"stage_01": [1, 2], "head": [0, 1]},
    }
    return checked(SimulatorRun, raw)


def synthesize(cache: Path, sources: Mapping[str, str], top: str, family: str) -> Synthesized | Failed:
    """In place of `synthesize_design`."""
    note(f"synthesis {top}")
    return made_up_netlist(f"{top} {len(sources)} {family}")


def route(cache: Path, top: str, instances: Sequence[str], settings: Any, synthesized: Any) -> Routed | Failed:
    """In place of `route_netlist`: a megahertz more for each seed; the third seed does not fit."""
    note(f"route {settings.device} {settings.speed} {settings.seed}")
    if isinstance(synthesized, Failed):
        return synthesized
    assert gzip.decompress(synthesized.netlist).startswith(top.encode())
    if settings.seed == 3:
        return Failed("nextpnr failed: ERROR: Unable to place cell", final=True)
    return Routed(100.0 + settings.seed, 1200, 500, 4, 0, ("a", "b"), 3.5)


def simulate(cache: Path, description: Any, folding: Any, images: Any, labels: Any, command: str) -> SimulatorRun:
    """In place of `simulate_design`: the folding `fast` is wrong."""
    note("simulation")
    return made_up_simulation(mismatches=2 if command.endswith("--fold fast") else 0)


def job(name: str, function: Any, *arguments: Any, step: str = ROUTE, needs: str | None = None) -> Job:
    """A job of that key and title."""
    return Job(step, name, name, function, arguments, needs)


def clock(cache: Path, mhz: float, seconds: float = 0.0) -> Routed:
    """A step that takes some time."""
    note(f"clock {mhz:g}")
    time.sleep(seconds)
    return Routed(mhz, 1, 1, 1, 1, ("a",), seconds)


def refuse(cache: Path) -> Routed:
    """A step that something is in the way of, each time."""
    note("refuse")
    raise OSError("no space left")


def die_once(cache: Path, mhz: float) -> Routed:
    """A step that says which process runs it and waits to be killed, the first time."""
    first = not any(line.startswith("dies ") for line in notes())
    note(f"dies {os.getpid()}")
    if first:
        time.sleep(600)
    return Routed(mhz, 1, 1, 1, 1, ("a",), 1.0)


def die(cache: Path) -> Routed:
    """A step that kills its worker."""
    note("die")
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


class SerialPool:
    """Jobs one after the other in this process, in place of a cluster."""

    dashboard = "none"

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self.tools = probe()

    def __enter__(self) -> SerialPool:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def connect(self) -> None:
        """There is nothing to connect to."""

    def run(self, jobs: Sequence[Job], done: Mapping[str, Outcome]) -> Iterator[tuple[Job, Outcome]]:
        """In their order, which has a job behind what it needs."""
        made = dict(done)
        for one in jobs:
            needed = [] if one.needs is None else [made[one.needs]]
            made[one.key] = one.function(Path("cache"), *one.arguments, *needed)
            yield one, made[one.key]
