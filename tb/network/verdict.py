# SPDX-License-Identifier: Apache-2.0
"""The last line of an emitted folder's `make sim`: what was compared, or what failed. Exit code 1 where it did.

Needs no package: this file travels with every emitted folder. Its argument is the folder in which the simulator ran,
with cocotb's results.xml and the testbench's result.json; a second one, `selected`, says that some tests were chosen.
"""

from __future__ import annotations

import ast
import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

BENCH = Path(__file__).with_name("bench_network.py")

COMPARING = "test_images_are_bit_exact_in_every_layer"
"""The test that leaves a result behind."""


def names_of_tests() -> list[str]:
    """Names of the tests in the testbench, which is read and not run."""
    return [
        node.name
        for node in ast.parse(BENCH.read_text(encoding="utf-8")).body
        if isinstance(node, ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]


def failed_tests(results: Path) -> tuple[list[str], list[str]]:
    """The tests in a results file that ran, and those that failed, each with its message."""
    try:
        cases = list(ElementTree.parse(results).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        cases = []
    cases = [case for case in cases if case.find("skipped") is None]
    if not cases:
        return [], [f"no test ended ({results})"]
    failures = []
    for case in cases:
        found = [child for child in case if child.tag in ("failure", "error")]
        if found:
            said = found[0].get("error_msg") or found[0].get("message") or (found[0].text or "").strip() or "failed"
            failures.append(f"{case.get('name')}: {said}")
    return [str(case.get("name")) for case in cases], failures


def compared(result: Path) -> tuple[int, int, int]:
    """Images, streams and mismatches of a testbench's result; zeros where there is none that can be read."""
    try:
        found = json.loads(result.read_text())
        return int(found["images"]), len(found["layers"]), int(found["mismatches"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0, 0, 0


def verdict(folder: Path, selected: bool = False) -> tuple[bool, list[str]]:
    """Whether everything is as it should be, and what to print.

    selected: some tests were chosen. Without that, one that did not run is a failure.
    """
    there = names_of_tests()
    ran, failures = failed_tests(folder / "results.xml")
    missing = [name for name in there if name not in ran]
    images, streams, mismatches = compared(folder / "result.json")
    if not failures:
        failures = [f"{mismatches} mismatches"] if mismatches else []
        failures += [f"{COMPARING}: left no result.json"] if COMPARING in ran and not images else []
        failures += [] if selected else [f"{name}: did not run" for name in missing]
    if failures:
        return False, [*failures, f"NOT bit-exact; {folder / 'log.txt'} has the whole log"]
    passed = f"{len(ran)} of {len(there)} tests passed" if missing else f"{len(ran)} tests passed"
    lines = [f"{name}: did not run, as others were chosen" for name in missing]
    if not images:
        return True, [*lines, f"{passed}; no images were compared"]
    return True, [*lines, f"bit-exact: {images} image{'s' if images > 1 else ''}, {streams} streams; {passed}"]


def main() -> int:
    """Print the verdict."""
    good, lines = verdict(Path(sys.argv[1]), selected=sys.argv[2:] == ["selected"])
    print("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
