# SPDX-License-Identifier: Apache-2.0
"""`python -m tests.fuzz`: damage files and read them; exit code 1 where one is neither read nor refused."""

from __future__ import annotations

import argparse
import resource
import sys

import torch

from .run import run

ADDRESS_SPACE = 12 * 2**30
"""Bytes: what asks for more is refused it, and torch alone maps several."""

RESIDENT_MB = 2_000


def main() -> None:
    """Attack, print how many of each kind were read and refused, and each fault."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=5000, help="damaged files in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", help="only this kind of file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    results, faults = run(options.count, options.seed, options.kind)
    for (kind, result), number in sorted(results.items()):
        print(f"{kind}: {number} {result}")
    for fault in faults:
        print(fault)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{sum(results.values())} damaged files, {len(faults)} faults, at most {peak:.0f} MB of memory")
    sys.exit(bool(faults) or peak > RESIDENT_MB)


if __name__ == "__main__":
    main()
