# SPDX-License-Identifier: Apache-2.0
"""Draws by name, some of which a corner can set: so that a few networks reach both ends of every range.

A corner's value stands beside a drawn one, and a drawn number says which is taken. A search for a fault wants all of
the corner (`Picks.whole`); once it has found one, these numbers shrink as well, and what of the corner the fault does
not need gives way to the smallest value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

Corner = Mapping[str, int | str]
"""What some draws are to be, by their names; a number beyond a range stands for its end."""

Option = TypeVar("Option", int, str)

SEEDS = 999
"""Where many numbers are wanted at once, one drawn number seeds a generator."""


FOLLOWS = 3
"""Of so many numbers and 0, which is the simplest, 0 alone leaves a corner's value out."""


class Picks:
    """The draws of one network."""

    def __init__(self, draw: DrawFn, corner: Corner) -> None:
        self._draw = draw
        self._corner = {name: value for name, value in corner.items() if draw(st.integers(0, FOLLOWS)) > 0}
        self.whole = len(self._corner) == len(corner)

    def integer(self, name: str, low: int, high: int) -> int:
        """From low to high, the lowest the simplest."""
        drawn = self._draw(st.integers(low, high))
        wanted = self._corner.get(name)
        return min(max(wanted, low), high) if isinstance(wanted, int) else drawn

    def option(self, name: str, options: Sequence[Option]) -> Option:
        """One of several, the first the simplest."""
        drawn = options[self._draw(st.integers(0, len(options) - 1))]
        wanted = self._corner.get(name)
        return drawn if wanted is None else options[options.index(wanted)]

    def generator(self) -> np.random.Generator:
        """Random numbers of a drawn seed."""
        return np.random.default_rng(self._draw(st.integers(0, SEEDS)))
