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


def pixel_lines(images: NDArray[np.uint8]) -> str:
    """Images (n, H, W, colours) as stream_player.v reads them: a pixel a line, {tlast, tdata} in hexadecimal."""
    digits = 2 * images.shape[-1]
    text = np.ascontiguousarray(images[..., ::-1]).tobytes().hex()  # the first colour in the low bits
    words = [text[at : at + digits] for at in range(0, len(text), digits)]
    pixels = images.shape[1] * images.shape[2]
    words[pixels - 1 :: pixels] = [f"1{word}" for word in words[pixels - 1 :: pixels]]
    return "".join(f"{word}\n" for word in words)


@dataclass(frozen=True)
class LayerResult:
    """How a stage's probed stream compares: values seen, values that differ, and the first that does in words."""

    name: str
    values: int
    mismatches: int
    first: str | None


def read_probe(path: Path, lanes: int, bits: int, start: int = 0) -> Array:
    """The values of a probe file (stream_probe.v) in stream order: a beat is `lanes` signed numbers, lane 0 lowest.

    A value with an x or z bit becomes UNKNOWN. bits: at most 32. start: byte of the file to begin at.
    """
    size = -(-lanes * bits // 32)
    raw = np.fromfile(path, "<u4", offset=start)
    raw = raw[: len(raw) // (2 * size) * (2 * size)].reshape(-1, size, 2)
    # A number lies in one word or two: a word more than there is, and both as one of 64 bits.
    words = np.zeros((2, len(raw), size + 1), np.uint64)
    words[:, :, :size] = raw.transpose(2, 0, 1)
    values = np.empty((len(raw), lanes), np.int64)
    for lane in range(lanes):
        word, shift = divmod(lane * bits, 32)
        pair = words[:, :, word] | words[:, :, word + 1] << np.uint64(32)
        number, unknown = (pair >> np.uint64(shift) & np.uint64((1 << bits) - 1)).astype(np.int64)
        values[:, lane] = np.where(unknown != 0, UNKNOWN, number - (number >> (bits - 1) << bits))
    return values.ravel()


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


def probe_file(stage: str) -> str:
    """Name of the file into which the testbench's probe of a stage writes."""
    return f"probe_{stage}.bin"


def compare_layers(
    folder: Path, lanes: dict[str, int], bits: int, vectors: Vectors, starts: dict[str, int]
) -> list[LayerResult]:
    """Compare every stage's probe file in `folder`, in dataflow order; the first failing one holds the fault.

    starts: byte of each probe file, by stage, at which the images' streams begin.
    """
    return [
        compare_layer(name, read_probe(folder / probe_file(name), lanes[name], bits, starts[name]), stream)
        for name, stream in vectors.streams.items()
    ]
