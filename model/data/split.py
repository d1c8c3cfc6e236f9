# SPDX-License-Identifier: Apache-2.0
"""Which of one's own images are held out, where they do not lie in folders that say so."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model.data.preparation import Pictures
from wsfracbnn.model.errors import InputError

BOUND_DIGITS = 16
"""Hexadecimal digits of a bound."""


def bound_of(names: Sequence[str], pictures: Pictures, what: str) -> str:
    """The place up to which the images of one class are held out.

    The images are ordered by a hash of the seed and their name, and the first ones are taken, so that an image that is
    added or removed moves few others. Where the bound is kept it moves none.

    Raises:
        InputError: there are not two; `what` says of what.
    """
    if len(names) < 2:
        raise InputError(f"{what}: found {len(names)} pictures, expected at least 2, one of which is held out")
    count = min(max(round(pictures.test_share * len(names)), 1), len(names) - 1)
    return sorted(_place(name, pictures) for name in names)[count - 1]


def held_out(names: Sequence[str], pictures: Pictures, bound: str) -> NDArray[np.bool_]:
    """Whether each image of one class is held out: (n,)."""
    return np.array([_place(name, pictures) <= bound for name in names], dtype=bool)


def _place(name: str, pictures: Pictures) -> str:
    return hashlib.sha256(f"{pictures.split_seed}/{name}".encode()).hexdigest()[:BOUND_DIGITS]
