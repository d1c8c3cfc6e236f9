# SPDX-License-Identifier: Apache-2.0
"""Simulations that may find a mutant: the benches of tb/, each at each point of its grid, in Icarus.

A job is what a bench's pytest function hands to `run_block`: the functions are called with a recorder in its place, so
that no list of benches is kept here. Source files are those below the top module alone.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import importlib.metadata
import importlib.util
import json
import os
import re
import resource
import signal
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from cocotb_test.simulator import Icarus

from wsfracbnn.gen.locations import BOARD_RTL, ROOT, RTL, SEQUENTIAL_RTL, SOC_RTL
from wsfracbnn.gen.simulation.job import ICARUS_ARGS, simulator_environment
from wsfracbnn.model.supervise import Child

from .mutants import code_of

FOLDERS = (RTL, BOARD_RTL, SEQUENTIAL_RTL, SOC_RTL)
BENCHES = ROOT / "tb"

LIMIT_NS = 250_000
"""Simulated time that a mutant gets beyond twice the block's own: a bench waits 20,000 cycles of 10 ns for a beat."""

STOPPED_S = 60
"""CPU seconds that a mutant gets beyond thirty times the block's own, where no simulated time passes (a loop without
a register). A last resort, which is reported apart."""

BUILD_S = 20
"""CPU seconds of Icarus's compiler, for a mutant whose elaboration does not end."""

MEMORY_KB = 4_000_000

PASSED, FAILED, LIMIT, STOPPED = "passed", "failed", "limit", "stopped"

_MARK = "mutation_limit: simulated time is over"
_LIMITER = f"""`timescale 1ns / 1ps
module mutation_limit;
    integer limit_ns;
    initial begin
        if ($value$plusargs("limit_ns=%d", limit_ns)) begin
            #limit_ns $display("{_MARK}");
            $finish;
        end
    end
endmodule
"""


class BrokenBenchError(Exception):
    """A job does not pass without a mutant, or its simulator did not start."""


@dataclass(frozen=True)
class Job:
    """A bench at a point of its grid.

    Attributes:
        name: the bench's and the parameters'.
        top: module that is simulated. bench: its cocotb tests.
        sources: file names, and where they lie.
        environment: more variables for the bench.
    """

    name: str
    top: str
    bench: Path
    parameters: Mapping[str, int]
    sources: Mapping[str, Path]
    environment: Mapping[str, str] = field(default_factory=dict)

    @functools.cached_property
    def key(self) -> str:
        """Hash of all that the outcome without a mutant depends on: Verilog, the bench, the tools."""
        texts = {name: code_of(path.read_text()) for name, path in self.sources.items()}
        variables = {name: _told(value) for name, value in self.environment.items()}
        what = [self.top, dict(self.parameters), texts, variables, bench_text(self.bench), versions(), LIMIT_NS]
        return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:24]


@dataclass(frozen=True)
class Outcome:
    """Of one simulation.

    Attributes:
        verdict: PASSED, FAILED (a test of the bench did), LIMIT (of simulated time), STOPPED (CPU time, or a crash).
        by: the test that failed.
        end_ns: simulated time when it was over. seconds: of CPU.
    """

    verdict: str
    by: str
    end_ns: float
    seconds: float


def _told(value: str) -> str:
    """A variable that names a file stands for what the file holds."""
    path = Path(value)
    if len(value) < 256 and path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return value


@functools.cache
def versions() -> tuple[str, ...]:
    """Of the simulator and the bench's libraries."""
    printed = subprocess.run(["iverilog", "-V"], capture_output=True, text=True, check=True).stdout
    packages = ("cocotb", "cocotbext-axi", "cocotbext-uart", "numpy")
    return (printed.splitlines()[0], *(importlib.metadata.version(name) for name in packages))


@functools.cache
def bench_text(bench: Path) -> str:
    """A bench, what it shares with others, and the modules of the package that either imports."""
    beside = [path for path in sorted(bench.parent.iterdir()) if path.suffix in {".py", ".v"}]
    files = [*beside, *sorted((BENCHES / "common").glob("*.py"))]
    texts = [path.read_text() for path in files]
    for name in sorted(set(re.findall(r"^from wsfracbnn\.((?:gen|model)\.[\w.]+) import", "\n".join(texts), re.M))):
        path = ROOT / f"{name.replace('.', '/')}.py"
        texts.append(path.read_text() if path.is_file() else "")
    return "\n".join(texts)


@functools.cache
def rtl_files() -> Mapping[str, Path]:
    """Every block by the name of its module."""
    return {path.stem: path for folder in FOLDERS for path in sorted(folder.glob("*.v"))}


def below(top: str, available: Mapping[str, Path]) -> dict[str, Path]:
    """File names and places of a module and of all that it instantiates."""
    found: dict[str, Path] = {}
    waiting = [top]
    while waiting:
        name = waiting.pop()
        path = available[name]
        if path.name not in found:
            found[path.name] = path
            waiting += instantiated(path, frozenset(available))
    return dict(sorted(found.items()))


@functools.cache
def instantiated(path: Path, names: frozenset[str]) -> tuple[str, ...]:
    """Modules of those names that a source instantiates."""
    words = re.findall(r"^ *(\w+) (?:#\(|\w+ \()", path.read_text(), re.MULTILINE)
    return tuple(sorted(names.intersection(words) - {path.stem}))


@functools.cache
def bench_jobs(block: str) -> tuple[Job, ...]:
    """The jobs of a block's own bench, in the order of its grid; none where it has no bench."""
    bench = BENCHES / block / f"test_{block}.py"
    if not bench.is_file():
        return ()
    recorded: list[Job] = []

    def record(
        simulator: str,
        module: str,
        bench: Path,
        parameters: Mapping[str, int],
        *,
        sources: Sequence[Path] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        available = {path.stem: path for path in sources or sorted(RTL.glob("*.v"))}
        name = " ".join((bench.parent.name, *(f"{key}={value}" for key, value in parameters.items())))
        recorded.append(Job(name, module, bench, parameters, below(module, available), environment or {}))

    spec = importlib.util.spec_from_file_location(f"mutated_{bench.stem}", bench)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # a dataclass looks for its module there
    spec.loader.exec_module(module)
    test = getattr(module, f"test_{block}")
    with patch.object(importlib.import_module("wsfracbnn.tb.common.sequential"), "run_block", record):
        if hasattr(module, "run_block"):
            setattr(module, "run_block", record)  # noqa: B010 (the module's type knows no such name)
        for point in module.GRID:
            test(("icarus", point))
    return tuple(recorded)


def users_of(block: str) -> list[str]:
    """Blocks with benches that instantiate it."""
    files = rtl_files()
    names = frozenset(files)
    return [name for name, path in files.items() if block in instantiated(path, names) and bench_jobs(name)]


class Simulation:
    """Builds and runs a job in a folder, with a changed source or with the sources as they are."""

    def __init__(self, job: Job, folder: Path) -> None:
        self.job = job
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._program = folder / "simulation.vvp"

    def build(self, changed: Mapping[str, str]) -> str:
        """Compile; returns the program's text in a form that can be compared, "" where Icarus refuses it."""
        sources = []
        for name, path in self.job.sources.items():
            if name in changed:
                path = self.folder / name
                path.write_text(changed[name])
            sources.append(str(path))
        limiter = self.folder / "mutation_limit.v"
        limiter.write_text(_LIMITER)
        overrides = [f"-P{self.job.top}.{name}={value}" for name, value in self.job.parameters.items()]
        tops = ["-s", self.job.top, "-s", "mutation_limit"]
        command = ["iverilog", "-o", str(self._program), "-D", "COCOTB_SIM=1", *ICARUS_ARGS, *tops, *overrides]
        self._program.unlink(missing_ok=True)
        build = limited([*command, *sources, str(limiter)], BUILD_S)
        subprocess.run(build, cwd=self.folder, capture_output=True, env=_environment_of_tools())
        return comparable(self._program.read_text()) if self._program.is_file() else ""

    def run(self, limit_ns: float = 0, cpu_s: float = 600) -> Outcome:
        """Run what was built, to a limit of simulated time; 0: without one.

        Raises:
            BrokenBenchError: neither results nor a reason why there are none.
        """
        results, log = self.folder / "results.xml", self.folder / "log.txt"
        results.unlink(missing_ok=True)
        before = _cpu()
        limit = [f"+limit_ns={limit_ns:.0f}"] if limit_ns else []
        with self._child([*self._command(), *limit], cpu_s, self._environment(results)) as child:
            code = child.wait()
        seconds = _cpu() - before
        if _MARK in log.read_text(errors="replace"):
            return Outcome(LIMIT, "", 0.0, seconds)
        cases: list[ElementTree.Element] = []
        with suppress(ElementTree.ParseError, FileNotFoundError):
            cases = list(ElementTree.parse(results).iter("testcase"))
        if not cases:
            if code >= 128 or seconds >= cpu_s:
                return Outcome(STOPPED, "", 0.0, seconds)
            raise BrokenBenchError(f"{self.job.name}: ended with code {code} without results, see {log}")
        failed = [str(case.get("name")) for case in cases if case.find("failure") is not None or _error(case)]
        end = max(_property(case, "sim_time_stop") for case in cases)
        return Outcome(FAILED if failed else PASSED, failed[0] if failed else "", end, seconds)

    def _child(self, command: Sequence[str], cpu_s: float, environment: Mapping[str, str]) -> Child:
        with (self.folder / "log.txt").open("w") as log:
            return Child(
                limited(command, cpu_s), cwd=self.folder, stdout=log, stderr=subprocess.STDOUT, env=environment
            )

    @functools.cached_property
    def _icarus(self) -> Any:
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        simulator = Icarus(
            toplevel=self.job.top,
            module=self.job.bench.stem,
            python_search=[str(self.job.bench.parent)],
            sim_build=str(self.folder),
            verilog_sources=[],
        )
        simulator.set_env()
        for number, handler in handlers.items():  # it takes them for a process that it never starts here
            signal.signal(number, handler)
        return simulator

    def _command(self) -> list[str]:
        *command, _ = self._icarus.run_command()
        return [*map(str, command), str(self._program)]

    def _environment(self, results: Path) -> dict[str, str]:
        found = self._icarus.env
        ours = {name: found[name] for name in found if name.startswith(("PY", "GPI", "LIBPYTHON", "COCOTB"))}
        kept = [path for path in sys.path if path and Path(path) != ROOT]
        return (
            dict(_environment_of_tools())
            | ours
            | {
                "PYTHONPATH": os.pathsep.join([str(self.job.bench.parent), *kept]),
                "COCOTB_RESULTS_FILE": str(results),
                "COCOTB_REWRITE_ASSERTION_FILES": "",  # a tenth of the time, for messages that nobody reads
                "COCOTB_RANDOM_SEED": "1",
                "COCOTB_MAX_FAILURES": "1",
                "COCOTB_LOG_LEVEL": "ERROR",
                "PYTHONDONTWRITEBYTECODE": "1",
                "REPRODUCE": "python -m tests.mutate",
                **self.job.environment,
            }
        )


def comparable(program: str) -> str:
    """Icarus's program without what differs between two runs: folders, and labels that are addresses."""
    numbers: dict[str, str] = {}
    text = re.sub(r'"[^"\n]*/([^"/\n]+\.v)"', r'"\1"', program)
    return re.sub(r"0x[0-9a-f]{8,}", lambda found: numbers.setdefault(found.group(), f"L{len(numbers)}"), text)


def limited(command: Sequence[str], cpu_s: float, memory_kb: int = MEMORY_KB) -> list[str]:
    """A command that may use so many CPU seconds and so much address space, by default more than any bench needs."""
    return ["sh", "-c", f'ulimit -t {int(cpu_s) + 1}; ulimit -v {memory_kb}; exec "$@"', "sh", *command]


@functools.cache
def _environment_of_tools() -> Mapping[str, str]:
    return simulator_environment()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _error(case: ElementTree.Element) -> bool:
    return case.find("error") is not None


def _property(case: ElementTree.Element, name: str) -> float:
    values: Iterator[str | None] = (p.get("value") for p in case.iter("property") if p.get("name") == name)
    return max((float(value) for value in values if value), default=0.0)


def cheapest(jobs: Iterable[tuple[Job, float]]) -> list[Job]:
    """Jobs in the order of what each costs."""
    return [job for job, _ in sorted(jobs, key=lambda pair: (pair[1], pair[0].name))]
