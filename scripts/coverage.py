# SPDX-License-Identifier: Apache-2.0
"""What the tests reach: `python -m scripts.coverage` runs them file by file and counts Python and Verilog.

Python: lines and branches of model, gen and cli, by coverage.py, commands that tests start included. Verilog: lines and
toggled signals of rtl/ and of emitted networks, by Verilator, whose testbenches under tb/ then run their whole grids.

Each test file's outcome is kept in build/coverage by the hash of itself and of all sources but the other test files:
a run that was cut off goes on, and a new test is all that runs anew.
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from wsfracbnn.cli.app import run
from wsfracbnn.cli.console import console
from wsfracbnn.cli.figures import CheckFailedError, Figures, with_json
from wsfracbnn.cli.progress import bar_of
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import require_writable, write_text

from .digest import digest_of

KEPT = ROOT / "build" / "coverage"
UNREACHABLE = ROOT / "scripts" / "unreachable.toml"
SOURCES = (
    "model",
    "gen",
    "cli",
    "rtl",
    "templates",
    "tb",
    "tests",
    "benchmarks",
    "formal",
    "scripts",
    "pyproject.toml",
)
TEXTS = {".py", ".v", ".j2", ".cpp", ".h", ".json", ".sv", ".toml"}
TEST_FILES = "test_*.py"
DONE, PYTHON, VERILOG = "done.json", "python", "verilog"

LINE, TOGGLE = "line", "toggle"


@dataclass
class Points:
    """Verilog's points of coverage: by kind, by file and place, how often each was met in all runs together."""

    met: dict[str, dict[tuple[str, str], int]] = field(default_factory=lambda: {LINE: {}, TOGGLE: {}})

    def add(self, text: str) -> None:
        """The points of a file that Verilator wrote; of a module that is built several times, the sum."""
        for match in re.finditer(r"^C '(.*)' (\d+)$", text, re.MULTILINE):
            keys = dict(part.split("\x02", 1) for part in match[1].split("\x01") if "\x02" in part)
            kind = LINE if keys["page"].startswith(("v_line", "v_branch")) else TOGGLE
            file = shown_file(keys["f"])
            if file is None:
                continue
            places = [keys["l"]] if kind == TOGGLE else list(_lines(keys.get("S", keys["l"])))
            for place in places:
                name = (file, f"{place} {keys['o']}" if kind == TOGGLE else place)
                self.met[kind][name] = self.met[kind].get(name, 0) + int(match[2])

    def percent(self, kind: str, without: Iterable[tuple[str, str]] = ()) -> float | None:
        """Of a kind's points, the share that was met; `without` those that nothing can reach."""
        unreached = set(without)
        left = {name: count for name, count in self.met[kind].items() if name not in unreached}
        return round(100 * sum(count > 0 for count in left.values()) / len(left), 2) if left else None

    def missed(self, kind: str) -> Iterator[tuple[str, str]]:
        """(file, place) of the points that were never met."""
        yield from (name for name, count in sorted(self.met[kind].items()) if count == 0)


def _lines(spans: str) -> Iterator[str]:
    """The numbers of '3-5,9'."""
    for span in spans.split(","):
        first, _, last = span.partition("-")
        yield from map(str, range(int(first), int(last or first) + 1))


@functools.cache
def shown_file(path: str) -> str | None:
    """A Verilog file by its place in rtl/; of an emitted network by its module's; None for testbenches' own."""
    found = Path(path)
    if found.is_relative_to(ROOT / "rtl"):
        return found.relative_to(ROOT).as_posix()
    if found.parent.name == "lib" and found.parent.parent.name == "rtl":  # a block that was copied for a network
        copies = [block for block in (ROOT / "rtl").rglob("*.v") if found.name.endswith(f"_{block.name}")]
        longest = max(copies, key=lambda block: len(block.name), default=None)
        return None if longest is None else longest.relative_to(ROOT).as_posix()
    if found.parent.name == "rtl" or found.parent.parent.name == "rtl":
        return f"emitted/{found.name}"
    return None


def unreachable(points: Points) -> dict[tuple[str, str], str]:
    """The reason of each line that nothing can reach, by file and number: those of functions that only constants need.

    Raises:
        InputError: one of them was reached, or a function is not there once.
    """
    found = {}
    for entry in tomllib.loads(UNREACHABLE.read_text()).get("function", []):
        file, name, reason = entry["file"], entry["name"], entry["reason"]
        text = (ROOT / file).read_text()
        bodies = list(
            re.finditer(rf"^function\b[^;\n]*?\b{re.escape(name)}\(.*?^endfunction", text, re.MULTILINE | re.DOTALL)
        )
        if len(bodies) != 1:
            raise InputError(f"{UNREACHABLE.name}: {file}: found {len(bodies)} functions '{name}', expected one")
        first = text.count("\n", 0, bodies[0].start()) + 1
        for number in range(first, first + bodies[0][0].count("\n") + 1):
            if points.met[LINE].get((file, str(number))):
                raise InputError(f"{UNREACHABLE.name}: {file}: line {number} was reached, expected that nothing can")
            found[file, str(number)] = reason
    return found


def files_of_tests(only: Sequence[str]) -> list[str]:
    """Every file of tests, or those whose path begins with one of `only`.

    Raises:
        InputError: none begins so.
    """
    files = sorted(p.relative_to(ROOT).as_posix() for top in ("tests", "tb") for p in (ROOT / top).rglob(TEST_FILES))
    for start in only:
        if not any(file.startswith(start) for file in files):
            raise InputError(
                f"--only: found '{start}', expected the beginning of a test file's path, such as tb/affine"
            )
    return [file for file in files if not only or file.startswith(tuple(only))]


def measure(file: str) -> bool:
    """Run a file of tests, unless its outcome is there; whether they passed."""
    digest = digest_of([*SOURCES, file], TEXTS, without=TEST_FILES)
    folder = KEPT / file.removesuffix(".py")
    done = folder / DONE
    if done.is_file() and (kept := json.loads(done.read_text()))["digest"] == digest and kept["passed"]:
        return True
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    in_tb = file.startswith("tb/")
    arguments = ["--all-verilator", f"--verilog-coverage={folder / VERILOG}"] if in_tb else []
    with (folder / "log.txt").open("w") as log:
        code = subprocess.run(
            [
                *(sys.executable, "-m", "coverage", "run", f"--data-file={folder / PYTHON}", "-m", "pytest"),
                *("-q", "-p", "no:cacheprovider", "--slow", file, *arguments),
            ],
            cwd=ROOT,
            stdout=log,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    write_text(done, json.dumps({"digest": digest, "passed": code in (0, 5)}) + "\n")  # 5: no test for this machine
    return code in (0, 5)


def python_figures(files: Sequence[str]) -> dict[str, Any]:
    """Lines and branches of the package's Python, and of each of its folders."""
    data = [str(path) for file in files for path in (KEPT / file.removesuffix(".py")).glob(f"{PYTHON}*")]
    if not data:
        return {}
    combined, report = KEPT / "combined", KEPT / "python.json"
    tool = [sys.executable, "-m", "coverage"]
    for words in (
        ["combine", "-q", "--keep", f"--data-file={combined}", *data],
        ["json", "-q", f"--data-file={combined}", "-o", str(report)],
    ):
        done = subprocess.run([*tool, *words], cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise InputError(f"coverage {words[0]}: failed", done.stdout + done.stderr)
    found = json.loads(report.read_text())
    totals = found["totals"]
    folders: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, entry in found["files"].items():
        counts = folders[name.rpartition("/")[0]]
        counts[0] += entry["summary"]["covered_lines"]
        counts[1] += entry["summary"]["num_statements"]
    return {
        "python_line": round(100 * totals["covered_lines"] / totals["num_statements"], 2),
        "python_branch": round(100 * totals["covered_branches"] / max(1, totals["num_branches"]), 2),
        "python_folders": {name: round(100 * hit / of, 1) for name, (hit, of) in sorted(folders.items()) if of},
    }


def verilog_figures(files: Sequence[str]) -> dict[str, Any]:
    """Lines and toggles of the Verilog, what was missed, and what nothing can reach."""
    points = Points()
    for file in files:
        for path in sorted((KEPT / file.removesuffix(".py") / VERILOG).glob("*.dat")):
            points.add(path.read_text(errors="replace"))
    reasons = unreachable(points)
    lines, toggles = points.percent(LINE, reasons), points.percent(TOGGLE)
    if lines is None:
        return {}
    missed: dict[str, list[int]] = defaultdict(list)
    for name in points.missed(LINE):
        if name not in reasons:
            missed[name[0]].append(int(name[1]))
    quiet: dict[str, int] = defaultdict(int)
    for file, _ in points.missed(TOGGLE):
        quiet[file] += 1
    return {
        "verilog_line": lines,
        "verilog_toggle": toggles,
        "verilog_lines": len(points.met[LINE]),
        "verilog_toggles": len(points.met[TOGGLE]),
        "missed_lines": {name: sorted(numbers) for name, numbers in missed.items()},
        "missed_toggles": dict(quiet),
        "unreachable_lines": dict(Counter(file for file, number in reasons if (file, number) in points.met[LINE])),
    }


def corners() -> dict[str, int]:
    """How often the random networks of the regression meet each corner of the numeric contract."""
    words = [sys.executable, "-m", "tests.random_networks.met"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise InputError("tests.random_networks.met: failed", done.stderr)
    found: dict[str, int] = json.loads(done.stdout)
    return found


def main(
    only: Annotated[
        list[str] | None, typer.Option(metavar="PATH", help="Test files whose path begins so; may be repeated.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Test files at once.")] = 1,
    results: Annotated[Path | None, typer.Option(help="JSON file that the figures are written to.")] = None,
) -> Figures:
    """Run the tests that were not measured yet, count what they reach, record."""
    files = files_of_tests(only or ())
    if results is not None:
        require_writable(results)
    failed = []
    with bar_of("test files", len(files)) as show, ThreadPoolExecutor(jobs) as pool:
        outcomes = {pool.submit(measure, file): file for file in files}
        try:
            for number, outcome in enumerate(as_completed(outcomes), 1):
                show(number)
                if not outcome.result():
                    file = outcomes[outcome]
                    failed.append(file)
                    console.print(f"{file}: failed, see {KEPT / file.removesuffix('.py') / 'log.txt'}", markup=False)
        except BaseException:  # Ctrl-C has reached the tests themselves: no more of them begin
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    figures = {
        **python_figures(files),
        **verilog_figures(files),
        "corners": corners(),
        "test_files": len(files),
        "of_test_files": len(files_of_tests(())),
        "failed": sorted(failed),
    }
    _print(figures)
    if failed:
        raise CheckFailedError(figures)
    if results is not None:
        write_text(results, json.dumps(figures, indent=2) + "\n")
    return figures


def _print(figures: Mapping[str, Any]) -> None:
    for name in ("python_line", "python_branch", "verilog_line", "verilog_toggle"):
        if name in figures:
            console.print(f"{name.replace('_', ' ')}: {figures[name]} %", highlight=False)
    for file, numbers in figures.get("missed_lines", {}).items():
        console.print(f"  {file}: not reached: {', '.join(map(str, numbers))}", highlight=False)
    unmet = [name for name, count in figures["corners"].items() if count == 0]
    console.print(
        f"corners of the contract: {len(figures['corners']) - len(unmet)} of {len(figures['corners'])} met",
        *(f"  not met: {name}" for name in unmet),
        sep="\n",
        highlight=False,
    )
    console.print(f"{figures['test_files']} of {figures['of_test_files']} test files", highlight=False)


if __name__ == "__main__":
    command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    command.command()(with_json(main))
    run(command)
