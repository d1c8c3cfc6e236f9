# SPDX-License-Identifier: Apache-2.0
"""A network of a seed and a number; where it fails, the smallest that fails as well."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.database import InMemoryExampleDatabase

from .corners import CORNERS
from .example import Example, examples, require_exact
from .picks import Corner

LARGE_EVERY = 25
"""Behind those with corners, so many numbers have one large network."""

Check = Callable[[Example], None]
"""Raises where an example fails."""


@dataclass(frozen=True)
class Failure:
    """The smallest example that was found to fail, and how it does."""

    number: int
    example: Example
    message: str


def corner_of(number: int) -> Corner:
    """The first numbers have a corner each, later ones every other time."""
    if number < len(CORNERS):
        return CORNERS[number]
    return CORNERS[number // 2 % len(CORNERS)] if number % 2 else {}


def is_large(number: int) -> bool:
    """Whether it is a large network, simulated by Verilator."""
    return number >= len(CORNERS) and number % LARGE_EVERY == 0


def search(seed: int, number: int, check: Check = require_exact, rounds: int = 1) -> Failure | None:
    """Check that network; None where it passes, else the smallest that fails.

    A network that has a part of its corner only is left out until one has failed: from then on all are tried.
    Hypothesis makes networks smaller for five minutes, which are few simulations where each of them hangs.

    Args:
        rounds: how often it may begin again where it has left off.
    """
    failed: list[Failure] = []
    ended: list[SystemExit] = []

    @hypothesis.seed(seed << 32 | number)
    @settings(
        max_examples=1,
        database=InMemoryExampleDatabase(),
        deadline=None,
        phases=(Phase.reuse, Phase.generate, Phase.shrink),
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(examples(corner_of(number), is_large(number), part=lambda: bool(failed)))
    def try_one(example: Example) -> None:
        try:
            check(example)
        except SystemExit as end:  # a signal; Hypothesis would take it for a failure, and lets this one through
            ended.append(end)
            raise KeyboardInterrupt from end
        except Exception as error:
            failed.append(Failure(number, example, f"{type(error).__name__}: {error}"))
            raise

    before = None
    for _ in range(rounds):
        try:
            try_one()
        except KeyboardInterrupt:
            if ended:
                raise ended[0] from None
            raise
        except Exception:
            if not failed:
                raise
        if not failed or failed[-1].example.summary == before:
            break
        before = failed[-1].example.summary
    return failed[-1] if failed else None
