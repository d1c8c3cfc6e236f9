# SPDX-License-Identifier: Apache-2.0
"""Golden vectors: what the integer model computes for a few images, as tb/network/golden.py reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model import golden
from wsfracbnn.model.description import NetworkDescription

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
    path: Path, description: NetworkDescription, images: NDArray[np.uint8], labels: NDArray[np.int64] | None = None
) -> None:
    """Run the golden model on images (n, H, W, colours) and write the vector file; deterministic bytes."""
    trace = golden.run(description, images)
    arrays: dict[str, Any] = {f"stream_{name}": layer.output for name, layer in trace.layers.items()}
    np.savez_compressed(
        path,
        images=images,
        labels=np.full(len(images), -1, dtype=np.int64) if labels is None else labels,
        logits=trace.logits,
        classes=trace.classes.astype(np.int64),
        **arrays,
    )
