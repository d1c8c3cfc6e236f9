# SPDX-License-Identifier: Apache-2.0
"""Which simulators a test runs in, for `pytest.mark.parametrize`: Verilator spends most of a small test on C++."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import pytest

VERILATOR_IF_SLOW = ("icarus", pytest.param("verilator", marks=pytest.mark.slow))
"""For what Verilator computes in larger tests too."""


def each_in_icarus(cases: Iterable[str], *, verilator: Iterable[str], quick: Container[str] | None = None) -> list[Any]:
    """(simulator, case) for each case in Icarus and some in Verilator, which are slow.

    quick: cases that are not slow in Icarus, None: all of them.
    """
    slow = pytest.mark.slow
    found = [pytest.param("icarus", case, marks=[] if quick is None or case in quick else slow) for case in cases]
    return found + [pytest.param("verilator", case, marks=slow) for case in verilator]
