# SPDX-License-Identifier: Apache-2.0
"""The last line of an emitted folder's `make sim`: what was compared, or what failed. Exit code 1 where it did.

Needs no package: this file travels with every emitted folder. Its argument is the folder in which the simulator ran,
with cocotb's results.xml and the testbench's result.json.
"""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def failed_tests(results: Path) -> tuple[int, list[str]]:
    """The number of tests in a results file that ran, and those that failed, each with its message."""
    try:
        cases = list(ElementTree.parse(results).iter("testcase"))
    except (OSError, ElementTree.ParseError):
        cases = []
    cases = [case for case in cases if case.find("skipped") is None]
    if not cases:
        return 0, [f"no test ended ({results})"]
    failures = []
    for case in cases:
        found = [child for child in case if child.tag in ("failure", "error")]
        if found:
            said = found[0].get("error_msg") or found[0].get("message") or (found[0].text or "").strip() or "failed"
            failures.append(f"{case.get('name')}: {said}")
    return len(cases), failures


def verdict(folder: Path) -> tuple[bool, list[str]]:
    """Whether everything that ran is as it should be, and what to print."""
    count, failures = failed_tests(folder / "results.xml")
    passed = f"{count} tests passed"
    try:
        result = json.loads((folder / "result.json").read_text())
    except (OSError, ValueError):
        result = None
    if result is not None and result["mismatches"] and not failures:
        failures = [f"{result['mismatches']} mismatches"]
    if failures:
        return False, [*failures, f"NOT bit-exact; {folder / 'log.txt'} has the whole log"]
    if result is None or not result["images"]:
        return True, [f"{passed}; no images were compared"]
    return True, [f"bit-exact: {result['images']} images, {len(result['layers'])} streams; {passed}"]


def main() -> int:
    """Print the verdict."""
    good, lines = verdict(Path(sys.argv[1]))
    print("\n".join(lines))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
