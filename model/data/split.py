# SPDX-License-Identifier: Apache-2.0
"""Which of one's own images are held out, where they do not lie in folders that say so."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model.data.preparation import Pictures
from wsfracbnn.model.errors import InputError


def held_out(names: Sequence[str], pictures: Pictures, what: str) -> NDArray[np.bool_]:
    """Whether each image of one class is held out: (n,).

    The images are ordered by a hash of the seed and their name, and the first ones are taken, so that an image that is
    added or removed moves few others.

    Raises:
        InputError: there are not two; `what` says of what.
    """
    if len(names) < 2:
        raise InputError(f"{what}: found {len(names)} pictures, expected at least 2, one of which is held out")
    order = sorted(
        range(len(names)), key=lambda n: hashlib.sha256(f"{pictures.split_seed}/{names[n]}".encode()).digest()
    )
    count = min(max(round(pictures.test_share * len(names)), 1), len(names) - 1)
    chosen = np.zeros(len(names), dtype=bool)
    chosen[order[:count]] = True
    return chosen
