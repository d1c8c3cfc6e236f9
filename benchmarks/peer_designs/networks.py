# SPDX-License-Identifier: Apache-2.0
"""The integer networks that da4ml and NNgen build, in plain numpy: what their Verilog is compared with.

Nothing here is from either tool, so that a mistake of a tool's own model would show as well.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model.arrays import write_arrays

Integers = NDArray[np.int64]

INT8 = 127
"""The largest absolute value of an int8 that is clipped symmetrically, as NNgen clips it."""


@dataclass(frozen=True)
class Mlp:
    """Fully connected layers with small integer weights; between two, a shift and a clip to `hidden_bits`.

        h = clip(floor((x W + b) / 2^shift), 0, 2^hidden_bits - 1);  logits = h W + b

    Attributes:
        input_bits: x is 0 to 2^input_bits - 1. weights: (inputs, outputs) of each layer. offsets: b, (outputs,).
        shifts: of each layer but the last.
    """

    input_bits: int
    hidden_bits: int
    weights: tuple[Integers, ...]
    offsets: tuple[Integers, ...]
    shifts: tuple[int, ...] = ()

    def logits(self, x: Integers) -> Integers:
        """The last layer's sums. x: (n, inputs) -> (n, outputs)."""
        for number, (weights, offsets) in enumerate(zip(self.weights, self.offsets, strict=True)):
            x = x @ weights + offsets
            if number < len(self.shifts):
                x = np.clip(x >> self.shifts[number], 0, 2**self.hidden_bits - 1)
        return x

    def pixels(self, images: NDArray[np.uint8]) -> Integers:
        """The upper bits of each pixel. images: (n, H, W, 1), 0 to 255 -> (n, H W)."""
        return images.reshape(len(images), -1).astype(np.int64) >> (8 - self.input_bits)

    def accuracy(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
        """Top-1 in per cent; of equal logits the first counts."""
        return top_1(self.logits(self.pixels(images)), labels)

    def write(self, path: Path) -> None:
        """Write the file that `da4ml_export.py` reads."""
        numbers = {"input_bits": self.input_bits, "hidden_bits": self.hidden_bits, "shifts": self.shifts}
        arrays = {name: np.asarray(value, dtype=np.int64) for name, value in numbers.items()}
        for number, (weights, offsets) in enumerate(zip(self.weights, self.offsets, strict=True)):
            arrays |= {f"weights_{number}": weights, f"offsets_{number}": offsets}
        write_arrays(path, arrays)

    @classmethod
    def read(cls, path: Path) -> Mlp:
        """The network of a file that `write` wrote."""
        arrays = _arrays(path)
        layers = range(sum(name.startswith("weights_") for name in arrays))
        return cls(
            int(arrays["input_bits"]),
            int(arrays["hidden_bits"]),
            tuple(arrays[f"weights_{number}"] for number in layers),
            tuple(arrays[f"offsets_{number}"] for number in layers),
            tuple(int(shift) for shift in arrays["shifts"]),
        )


def binary_layer(inputs: int, outputs: int, seed: int) -> Mlp:
    """A layer of random 1-bit weights, -1 or 1, whose outputs are sums of x w over bits x.

    With the number of weights that are -1 added, a sum is the number of bits that agree with their weights: what
    `match_count` counts. The difference is a constant, which a threshold behind the layer takes in.
    """
    weights = np.random.default_rng(seed).choice(np.array([-1, 1]), size=(inputs, outputs))
    return Mlp(1, 1, (weights,), (np.zeros(outputs, dtype=np.int64),))


@dataclass(frozen=True)
class Int8Layer:
    """A convolution or matrix with int8 weights, as NNgen computes it.

        y = clip(round((w * x + bias) scale / 2^shift), -127, 127), halves rounded away from zero

    Attributes:
        weights: (outputs, 3, 3, inputs) or (outputs, inputs). bias: int32 (outputs,). scale: int8 (outputs,).
    """

    weights: Integers
    bias: Integers
    scale: Integers
    shift: int

    def rescaled(self, sums: Integers) -> Integers:
        """Sums of products as int8. sums: (..., outputs)."""
        scaled = (sums + self.bias) * self.scale
        half = 1 << (self.shift - 1)
        rounded: Integers = (scaled + np.where(scaled < 0, half - 1, half)) >> self.shift
        return rounded.clip(-INT8, INT8)


LAYERS = ("conv_1", "conv_2", "linear")


@dataclass(frozen=True)
class Int8Cnn:
    """Two 3x3 convolutions, each with ReLU and 2x2 max pooling, and a matrix. layers: by `LAYERS`."""

    layers: Mapping[str, Int8Layer]

    def logits(self, x: Integers) -> Integers:
        """int8 logits. x: (n, H, W, 1), 0 to 127 -> (n, classes)."""
        for name in LAYERS[:-1]:
            layer = self.layers[name]
            padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
            windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
            x = np.maximum(layer.rescaled(np.einsum("nyxcij,oijc->nyxo", windows, layer.weights)), 0)
            n, height, width, channels = x.shape
            x = x.reshape(n, height // 2, 2, width // 2, 2, channels).max(axis=(2, 4))
        last = self.layers[LAYERS[-1]]
        return last.rescaled(x.reshape(len(x), -1) @ last.weights.T)

    @staticmethod
    def pixels(images: NDArray[np.uint8]) -> Integers:
        """Pixels as int8. images: (n, H, W, 1), 0 to 255 -> the same, 0 to 127."""
        return images.astype(np.int64) >> 1

    def accuracy(self, images: NDArray[np.uint8], labels: NDArray[np.int64]) -> float:
        """Top-1 in per cent; of equal logits the first counts."""
        return top_1(self.logits(self.pixels(images)), labels)

    def write(self, path: Path) -> None:
        """Write the file that `nngen_export.py` reads."""
        arrays: dict[str, Integers] = {}
        for name, layer in self.layers.items():
            arrays |= {f"{name}_weights": layer.weights, f"{name}_bias": layer.bias, f"{name}_scale": layer.scale}
            arrays[f"{name}_shift"] = np.array(layer.shift)
        write_arrays(path, arrays)

    @classmethod
    def read(cls, path: Path) -> Int8Cnn:
        """The network of a file that `write` wrote."""
        arrays = _arrays(path)

        def layer(name: str) -> Int8Layer:
            weights, bias, scale = (arrays[f"{name}_{part}"] for part in ("weights", "bias", "scale"))
            return Int8Layer(weights, bias, scale, int(arrays[f"{name}_shift"]))

        return cls({name: layer(name) for name in LAYERS})


def top_1(logits: Integers, labels: NDArray[np.int64]) -> float:
    """Share of the images whose largest logit is their label's, in per cent. logits: (n, classes)."""
    return float((logits.argmax(axis=1) == labels).mean() * 100)


def packed(values: Sequence[int], widths: Sequence[int]) -> int:
    """Values side by side, the first in the lowest bits, each in two's complement of its width."""
    word, place = 0, 0
    for value, width in zip(values, widths, strict=True):
        word |= (value & ((1 << width) - 1)) << place
        place += width
    return word


def unpacked(word: int, widths: Sequence[int], signed: Sequence[bool]) -> list[int]:
    """What `packed` put side by side."""
    values = []
    for width, is_signed in zip(widths, signed, strict=True):
        value = word & ((1 << width) - 1)
        values.append(value - (1 << width) if is_signed and width and value >> (width - 1) else value)
        word >>= width
    return values


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    with np.load(io.BytesIO(path.read_bytes())) as found:
        return dict(found)
