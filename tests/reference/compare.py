# SPDX-License-Identifier: Apache-2.0
"""The two integer models side by side: the first place at which they differ, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model import golden
from wsfracbnn.model.contract import HEAD_NAME
from wsfracbnn.model.description import NetworkDescription

from .integer_model import Answer, compute


def first_difference(description: NetworkDescription, images: NDArray[np.uint8]) -> str | None:
    """Every stream of every layer, and the class, by model/golden.py and by integer_model.py.

    Args:
        images: (n, H, W, colours) uint8.
    """
    trace = golden.run(description, images)
    for number, image in enumerate(images):
        answer = compute(description, image.tolist())
        for what, expected, found in _pairs(answer, trace, number):
            if (wrong := _first(expected, found)) is not None:
                return f"image {number}, {what}{wrong}"
    return None


def _pairs(answer: Answer, trace: golden.NetworkTrace, number: int) -> Iterator[tuple[str, Any, NDArray[Any] | None]]:
    """(what, by the second model, by the golden one) for one image, in dataflow order."""
    for name, layer in trace.layers.items():
        second = answer.streams[name]
        for stream, expected, found in (
            ("q", second.q, layer.activation),
            ("S_m", second.s_m, layer.s_m),
            ("gate", second.gate, layer.gate),
            ("S_l", second.s_l, layer.s_l),
            ("A", second.a, layer.accumulator),
            ("X'", second.output, layer.output),
        ):
            yield f"{name}, {stream}", expected, None if found is None else found[number]
    head = answer.streams[HEAD_NAME]
    yield "head, P", head.sums, trace.pooled[number]
    yield "head, logits", head.output[0][0], trace.logits[number]
    yield "class", answer.winner, trace.classes[number]


def _first(by_second: Any, found: NDArray[Any] | None) -> str | None:
    if by_second is None or found is None:
        return None if by_second is found else ": one of the models has no such stream"
    expected = np.array(by_second)
    if expected.shape != found.shape:
        return f": expected the shape {expected.shape}, the golden model has {found.shape}"
    if np.array_equal(expected, found):
        return None
    at = tuple(int(i) for i in np.argwhere(expected != found)[0])
    return f" at {at}: expected {int(expected[at])}, the golden model has {int(found[at])}"
