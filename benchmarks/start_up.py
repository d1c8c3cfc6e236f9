# SPDX-License-Identifier: Apache-2.0
"""How long the command takes to say its help and its version: less than half a second each on an idle machine.

    .venv/bin/python benchmarks/start_up.py [RUNS]

Prints the fastest of some runs, wall-clock and computing time; exit code 1 where one takes longer than LIMIT_S.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from wsfracbnn.model.errors import InputError

COMMAND = Path(sys.executable).parent / "wsfracbnn"
LIMIT_S = 0.5


def measure(*arguments: str) -> tuple[float, float]:
    """Seconds of one call of `wsfracbnn`: by the clock, and computing.

    Raises:
        InputError: it failed; with what it said.
    """
    before, start = os.times(), time.monotonic()
    done = subprocess.run([COMMAND, *arguments], capture_output=True, text=True)
    seconds, after = time.monotonic() - start, os.times()
    if done.returncode:
        raise InputError(f"wsfracbnn {arguments[0]} failed: {done.stderr.strip()}")
    return seconds, after.children_user + after.children_system - before.children_user - before.children_system


def main(runs: int = 10) -> None:
    """Measure both."""
    slow = False
    for argument in ("--help", "--version"):
        seconds, computing = (min(values) for values in zip(*(measure(argument) for _ in range(runs)), strict=True))
        print(f"wsfracbnn {argument}: {seconds:.2f} s, {computing:.2f} s computing (fastest of {runs})")
        slow = slow or seconds > LIMIT_S
    sys.exit(int(slow))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
