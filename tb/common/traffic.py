# SPDX-License-Identifier: Apache-2.0
"""Inside the simulator: how a block's neighbours behave on its streams."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from enum import Enum
from typing import Any


class Traffic(Enum):
    """What a test's streams do.

    FULL: a beat is offered and taken in every cycle. STALLED: both ends pause at random. WAITING: each sink waits for
    valid before it raises ready, for one beat. RESETS: stalls, and resets of one cycle at random moments in mid-run.
    """

    FULL = "full"
    STALLED = "stalled"
    WAITING = "waiting"
    RESETS = "resets"

    @property
    def stalls(self) -> bool:
        """Whether sources and sinks pause at random."""
        return self in (Traffic.STALLED, Traffic.RESETS)


def stalls(seed: int, share: float = 0.5, longest: int = 8, rare: int = 60) -> Iterator[bool]:
    """Random runs of paused and running cycles, up to `longest`; one in sixteen up to `rare`: what waits fills up."""
    generator = random.Random(seed)
    while True:
        paused = generator.random() < share
        yield from itertools.repeat(paused, generator.randint(1, rare if generator.random() < 1 / 16 else longest))


def after_valid(tvalid: Any, seed: int) -> Iterator[bool]:
    """Pauses of a sink that raises ready for one beat, some cycles after it has seen valid."""
    generator = random.Random(seed)
    while True:
        while tvalid.value != 1:
            yield True
        yield from itertools.repeat(True, generator.randint(0, 2))
        yield False
        yield from itertools.repeat(True, 2)  # ready falls before valid is looked at again
