# SPDX-License-Identifier: Apache-2.0
"""The shape of a network: one frozen dataclass describes any member of the family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from wsfracbnn.model.contract import TAPS
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.limits import require_buildable

MAX_WIDTH = 1024
"""Channels up to which the golden model's int32 cannot overflow: (3 * 9 * 1024 * 127 + 2^23) * 127 < 2^31."""


@dataclass(frozen=True)
class ConvShape:
    """Shape of one gated convolution: input channels, output channels, stride, input height and width."""

    in_channels: int
    out_channels: int
    stride: int
    height: int
    width: int

    @property
    def out_height(self) -> int:
        return self.height // self.stride

    @property
    def out_width(self) -> int:
        return self.width // self.stride

    @property
    def fan_in(self) -> int:
        """Number of window bits, 9 * in_channels."""
        return TAPS * self.in_channels


@dataclass(frozen=True)
class NetworkConfig:
    """A binary ResNet of the FracBNN family (arXiv 2012.12206, section 3).

    A thermometer-coded input convolution, then `blocks[i]` basic blocks of two gated 3x3 convolutions at
    `widths[i]` channels, then the head. Every stage after the first halves the image and doubles the channels,
    because its shortcut is a 2x2 average with the channels taken twice.

    Attributes:
        image_height, image_width, image_channels: input image, 8 bits per colour.
        thermometer_levels: K, bits per colour; K divides 256 and the resolution is 256 / K.
        widths: channels of each stage.
        blocks: basic blocks of each stage (two convolutions a block).
        classes: number of logits.
        residual_bits: B, width of the residual stream.
        residual_fraction: F, fractional bits of the residual stream.
        residual_alpha: initial standard deviation of a residual branch relative to its shortcut
            (alpha of NF-ResNets, arXiv 2101.08692, section 3).
        weight_standardization: False only in the ablation that trains without it.
    """

    image_height: int
    image_width: int
    image_channels: int
    thermometer_levels: int
    widths: tuple[int, ...]
    blocks: tuple[int, ...]
    classes: int
    residual_bits: int = 16
    residual_fraction: int = 10
    residual_alpha: float = 0.5
    weight_standardization: bool = True

    def __post_init__(self) -> None:
        def require(ok: bool, key: str, expected: str) -> None:
            if not ok:
                raise InputError(f"config key '{key}': found {getattr(self, key)!r}, expected {expected}")

        for key in ("image_height", "image_width", "image_channels", "thermometer_levels", "classes"):
            value = getattr(self, key)
            require(isinstance(value, int) and 1 <= value <= 4096, key, "an integer from 1 to 4096")
        for key in ("widths", "blocks"):
            require(isinstance(getattr(self, key), tuple), key, "a list of integers, one per stage")
        for key in ("residual_bits", "residual_fraction"):
            require(isinstance(getattr(self, key), int), key, "an integer")
        require(isinstance(self.residual_alpha, int | float), "residual_alpha", "a number in (0, 1]")
        require(isinstance(self.weight_standardization, bool), "weight_standardization", "true or false")
        require(256 % self.thermometer_levels == 0, "thermometer_levels", "a divisor of 256")
        require(self.thermometer_levels <= 128, "thermometer_levels", "at most 128 (resolution of at least 2)")
        require(self.classes >= 2, "classes", "at least 2")
        require(len(self.widths) >= 1, "widths", "at least one stage")
        require(
            len(self.blocks) == len(self.widths) and all(isinstance(b, int) and b >= 1 for b in self.blocks),
            "blocks",
            f"one positive block count for each of the {len(self.widths)} widths",
        )
        require(
            all(isinstance(w, int) and 1 <= w <= MAX_WIDTH for w in self.widths)
            and all(b == 2 * a for a, b in zip(self.widths, self.widths[1:], strict=False)),
            "widths",
            f"channel counts from 1 to {MAX_WIDTH}, each twice the one before (the shortcut takes the channels twice)",
        )
        halvings = 2 ** (len(self.widths) - 1)
        for key in ("image_height", "image_width"):
            value = getattr(self, key)
            require(value % halvings == 0, key, f"a multiple of {halvings} (one halving per stage after the first)")
        require(8 <= self.residual_bits <= 24, "residual_bits", "8 to 24")
        require(0 <= self.residual_fraction < self.residual_bits, "residual_fraction", "0 to residual_bits - 1")
        require(0 < self.residual_alpha <= 1, "residual_alpha", "a number in (0, 1]")
        require_buildable(self.image_channels, self.head_pixels(), self.widths[-1], self.residual_bits)

    @property
    def input_bits(self) -> int:
        """Thermometer bits of one pixel (channels of the input convolution)."""
        return self.image_channels * self.thermometer_levels

    def convolutions(self) -> list[ConvShape]:
        """The gated convolutions in order; two per block, the first of a later stage has stride 2."""
        shapes: list[ConvShape] = []
        height, width, channels = self.image_height, self.image_width, self.widths[0]
        for stage, (out_channels, blocks) in enumerate(zip(self.widths, self.blocks, strict=True)):
            for conv in range(2 * blocks):
                stride = 2 if stage > 0 and conv == 0 else 1
                shapes.append(ConvShape(channels, out_channels, stride, height, width))
                height, width, channels = height // stride, width // stride, out_channels
        return shapes

    def head_pixels(self) -> int:
        """Pixels that the head's sum pooling adds up."""
        last = self.convolutions()[-1]
        return last.out_height * last.out_width

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and lists, as stored in a checkpoint."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> NetworkConfig:
        """The inverse of `to_dict`; an unknown or missing key raises `InputError`."""
        known = set(cls.__dataclass_fields__)
        unknown = sorted(set(values) - known)
        if unknown:
            raise InputError(f"config key '{unknown[0]}' is unknown, expected {', '.join(sorted(known))}")
        try:
            arguments: dict[str, Any] = {k: tuple(v) if isinstance(v, list | tuple) else v for k, v in values.items()}
            return cls(**arguments)
        except TypeError as error:
            raise InputError(f"config: {error}") from None


def resnet20(classes: int, width: int = 16) -> NetworkConfig:
    """ResNet-20 for CIFAR: widths 16/32/64 (or width, 2x, 4x), three blocks each, 32 thermometer levels."""
    return NetworkConfig(32, 32, 3, 32, (width, 2 * width, 4 * width), (3, 3, 3), classes)


def digits(classes: int = 10, width: int = 16) -> NetworkConfig:
    """The small instance for scikit-learn's 8x8 digits: widths 16/32 (or width, 2x), one block each."""
    return NetworkConfig(8, 8, 1, 16, (width, 2 * width), (1, 1), classes)


ARCHITECTURES: dict[str, Callable[[int, int], NetworkConfig]] = {"digits": digits, "resnet20": resnet20}
