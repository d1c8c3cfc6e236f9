# SPDX-License-Identifier: Apache-2.0
"""Golden vectors: what the integer model computes for a few images, as tb/network/golden.py reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model import golden
from wsfracbnn.model.arrays import write_arrays
from wsfracbnn.model.description import Ints, NetworkDescription
from wsfracbnn.model.errors import InputError

Reference = Callable[[NDArray[np.uint8]], Mapping[str, Ints]]
"""Images to the streams that the golden ones must equal, by name, and 'logits' (model/exactness.py)."""

RANDOM_IMAGES = 4
RANDOM_SEED = 2021


def random_images(description: NetworkDescription, count: int = RANDOM_IMAGES) -> NDArray[np.uint8]:
    """Seeded images (count, H, W, colours) for networks that come without samples; the first two all 0 and all 255."""
    first = description.input
    shape = (count, first.height, first.width, first.colours)
    images = np.random.default_rng(RANDOM_SEED).integers(0, 256, shape, dtype=np.uint8)
    images[0], images[min(1, count - 1)] = 0, 255
    return images


def write_vectors(
    path: Path,
    description: NetworkDescription,
    images: NDArray[np.uint8],
    labels: NDArray[np.int64] | None = None,
    reference: Reference | None = None,
) -> None:
    """Run the golden model on images (n, H, W, colours) and write the vector file; deterministic bytes.

    Raises:
        InputError: `reference` computes something else, or a constant of the network does not fit its width.
    """
    trace = golden.run(description, images)
    streams = {name: layer.output for name, layer in trace.layers.items()}
    if reference is not None:
        require_equal(reference(images), {**streams, "logits": trace.logits})
    arrays: dict[str, NDArray[Any]] = {
        "images": images,
        "labels": np.full(len(images), -1, dtype=np.int64) if labels is None else labels,
        "logits": trace.logits,
        "classes": trace.classes.astype(np.int64),
    }
    write_arrays(path, arrays | {f"stream_{name}": stream for name, stream in streams.items()})


def require_equal(found: Mapping[str, NDArray[Any]], golden_streams: Mapping[str, NDArray[Any]]) -> None:
    """Compare PyTorch's streams with the golden ones, in dataflow order.

    Raises:
        InputError: a stream is missing or another, or a value differs; says where.
    """
    if list(found) != list(golden_streams):
        raise InputError(f"PyTorch computes {', '.join(found)}, the integer model {', '.join(golden_streams)}")
    for name, expected in golden_streams.items():
        if found[name].shape != expected.shape:
            raise InputError(f"{name}: PyTorch's shape is {found[name].shape}, the integer model's {expected.shape}")
        if not np.array_equal(found[name], expected):
            at = tuple(int(i) for i in np.argwhere(found[name] != expected)[0])
            raise InputError(
                f"{name} at {at}: PyTorch computes {found[name][at]}, the integer model {expected[at]}: "
                "the network cannot be emitted exactly"
            )
