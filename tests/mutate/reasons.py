# SPDX-License-Identifier: Apache-2.0
"""Mutants that no test can find, for a reason that is written down: equivalent.toml beside this file.

A reason holds for the source that it was written for. It names the lines that it relies on, and goes stale where one of
them is no longer there; the mutant's own name goes with the statement that it is in.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .killers import sources
from .mutants import Mutant, code_of

FILE = Path(__file__).parent / "equivalent.toml"


@dataclass(frozen=True)
class Reason:
    """Why a mutant computes the same. relies_on: pieces of its file's code."""

    name: str
    because: str
    relies_on: tuple[str, ...]


def read_reasons(path: Path = FILE) -> list[Reason]:
    """All that are written down."""
    rows = tomllib.loads(path.read_text())
    return [Reason(name, row["because"], tuple(row["relies_on"])) for name, row in rows.items()]


def stale(reasons: Iterable[Reason], mutants: Iterable[Mutant]) -> list[str]:
    """A sentence for each reason whose mutant or whose lines are gone."""
    files = {mutant.name: mutant.file for mutant in mutants}
    found = []
    for reason in reasons:
        if reason.name not in files:
            found.append(f"{reason.name}: there is no such mutant any more")
            continue
        code = code_of(sources()[files[reason.name]].read_text())
        found += [f"{reason.name}: relies on '{line}', which is gone" for line in reason.relies_on if line not in code]
    return found
