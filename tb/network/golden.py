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


UNKNOWN = 1 << 40
"""A value that no stream can have, for x and z."""

NIBBLES = np.full(256, 255, np.uint8)
NIBBLES[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)


def pixel_lines(images: NDArray[np.uint8]) -> str:
    """Images (n, H, W, colours) as stream_player.v reads them: a pixel a line, {tlast, tdata} in hexadecimal."""
    colours = images.shape[-1]
    lines = []
    for image in images:
        words = [int.from_bytes(pixel.tobytes(), "little") for pixel in image.reshape(-1, colours)]
        words[-1] |= 1 << (8 * colours)
        lines += [f"{word:x}\n" for word in words]
    return "".join(lines)


@dataclass(frozen=True)
class LayerResult:
    """How a stage's probed stream compares: values seen, values that differ, and the first that does in words."""

    name: str
    values: int
    mismatches: int
    first: str | None


def read_probe(path: Path, lanes: int, bits: int) -> Array:
    """The values of a probe file in stream order: each line is a beat of `lanes` signed numbers, lane 0 lowest.

    A value with an x or z digit becomes UNKNOWN.
    """
    digits = -(-lanes * bits // 4)
    text = np.frombuffer(path.read_bytes(), np.uint8)
    text = text[: len(text) // (digits + 1) * (digits + 1)].reshape(-1, digits + 1)[:, :digits]
    if not len(text):
        return np.zeros(0, np.int64)
    nibbles = NIBBLES[text[:, ::-1]]  # (beats, digits), the lowest first
    unknown = nibbles > 15
    places = (nibbles[:, :, None] >> np.arange(4, dtype=np.uint8) & 1).reshape(len(text), -1)[:, : lanes * bits]
    weights = 1 << np.arange(bits, dtype=np.int64)
    weights[-1] *= -1
    values: Array = places.reshape(-1, bits) @ weights
    if unknown.any():
        of_bit = np.repeat(unknown, 4, axis=1)[:, : lanes * bits].reshape(-1, bits)
        values[of_bit.any(axis=1)] = UNKNOWN
    return values


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
            f"expected {expected[at]}, got {probed[at] if probed[at] != UNKNOWN else 'x'}"
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
