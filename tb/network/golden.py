# SPDX-License-Identifier: Apache-2.0
"""Golden vectors of a network and the comparison of probed streams with them.

Needs numpy alone: this file travels with every emitted folder. A vector file (.npz) holds

    images   (n, H, W, colours) uint8
    labels   (n,) int64, or -1 where unknown
    logits   (n, classes) int64
    classes  (n,) int64, the winner, lowest on a tie
    stream_<stage>  (n, H', W', C) int32, the residual stream that leaves each stage
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.int64]


@dataclass(frozen=True)
class Vectors:
    """The contents of a vector file."""

    images: NDArray[np.uint8]
    labels: Array
    logits: Array
    classes: Array
    streams: dict[str, NDArray[np.int32]]


def load_vectors(path: Path, count: int | None = None) -> Vectors:
    """The first `count` images of a vector file, or all."""
    with np.load(path, allow_pickle=False) as file:
        streams = {key.removeprefix("stream_"): file[key][:count] for key in file.files if key.startswith("stream_")}
        return Vectors(
            file["images"][:count], file["labels"][:count], file["logits"][:count], file["classes"][:count], streams
        )


@dataclass(frozen=True)
class LayerResult:
    """How a stage's probed stream compares: values seen, values that differ, and the first that does in words."""

    name: str
    values: int
    mismatches: int
    first: str | None


def read_probe(path: Path, lanes: int, bits: int) -> Array:
    """The values of a probe file in stream order: each line is a beat of `lanes` signed numbers, lane 0 lowest."""
    values: list[int] = []
    mask, sign = (1 << bits) - 1, 1 << (bits - 1)
    for line in path.read_text().split():
        try:
            beat = int(line, 16)
        except ValueError:  # an x or z digit: let no value match
            values += [1 << 40] * lanes
            continue
        values += [((beat >> (lane * bits) & mask) ^ sign) - sign for lane in range(lanes)]
    return np.array(values, dtype=np.int64)


def compare_layer(name: str, probed: Array, golden: NDArray[np.int32]) -> LayerResult:
    """Compare a probed stream with golden (n, H, W, C) values; both are pixel-major, channel-minor."""
    n, _, width, channels = golden.shape
    expected = golden.astype(np.int64).ravel()
    common = min(len(probed), len(expected))
    wrong = np.flatnonzero(probed[:common] != expected[:common])
    missing = abs(len(probed) - len(expected))
    first = None
    if wrong.size:
        at = int(wrong[0])
        image, rest = divmod(at, expected.size // n)
        pixel, channel = divmod(rest, channels)
        y, x = divmod(pixel, width)
        first = (
            f"{name}: image {image}, pixel (row {y}, column {x}), channel {channel}: "
            f"expected {expected[at]}, got {probed[at] if probed[at] < 1 << 40 else 'x'}"
        )
    elif missing:
        first = f"{name}: expected {len(expected)} values, got {len(probed)}"
    return LayerResult(name, common, int(wrong.size) + missing, first)


def compare_layers(folder: Path, lanes: dict[str, int], bits: int, vectors: Vectors) -> list[LayerResult]:
    """Compare every stage's probe file in `folder`, in dataflow order; the first failing one holds the fault."""
    return [
        compare_layer(name, read_probe(folder / f"probe_{name}.hex", lanes[name], bits), stream)
        for name, stream in vectors.streams.items()
    ]
