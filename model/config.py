# SPDX-License-Identifier: Apache-2.0
"""The shape of a network: one frozen dataclass describes any member of the family."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from pydantic import Field

from wsfracbnn.model.contract import TAPS
from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.limits import require_buildable
from wsfracbnn.model.reading import Schema, Several, check_fields, checked_values

MAX_WIDTH = 1024
"""Channels up to which the golden model's int32 cannot overflow: (3 * 9 * 1024 * 127 + 2^23) * 127 < 2^31."""

MAX_STAGES = MAX_WIDTH.bit_length()
"""As often as the width can double."""

MAX_BLOCKS = 256
"""Of all stages together. This and the next two bound what a small file can make a computer do."""

MAX_WEIGHTS = 100_000_000
"""Of convolutions and head; a ResNet-20 of width 256 has 69 million."""

MAX_IMAGE_VALUES = 2**24

Size = Annotated[int, Field(ge=1, le=4096)]
Levels = Annotated[int, Field(ge=1, le=128)]
Widths = Annotated[Several[Annotated[int, Field(ge=1, le=MAX_WIDTH)]], Field(min_length=1, max_length=MAX_STAGES)]
Blocks = Annotated[Several[Annotated[int, Field(ge=1, le=MAX_BLOCKS)]], Field(min_length=1, max_length=MAX_STAGES)]
ResidualBits = Annotated[int, Field(ge=8, le=24)]
ResidualFraction = Annotated[int, Field(ge=0)]
ResidualAlpha = Annotated[float, Field(gt=0, le=1)]


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
            (alpha of NF-ResNets, arXiv 2101.08692, section 4).
        weight_standardization: False only in the ablation that trains without it.
    """

    image_height: Size
    image_width: Size
    image_channels: Size
    thermometer_levels: Levels
    widths: Widths
    blocks: Blocks
    classes: Annotated[int, Field(ge=2, le=4096)]
    residual_bits: ResidualBits = 16
    residual_fraction: ResidualFraction = 10
    residual_alpha: ResidualAlpha = 0.5
    weight_standardization: bool = True

    def __post_init__(self) -> None:
        check_fields(self, "config key")

        def require(ok: bool, key: str, expected: str) -> None:
            if not ok:
                raise InputError(f"config key '{key}': found {shown(getattr(self, key))}, expected {expected}")

        require(256 % self.thermometer_levels == 0, "thermometer_levels", "a power of two up to 128")
        require(
            len(self.blocks) == len(self.widths),
            "blocks",
            f"one positive block count for each of the {len(self.widths)} widths",
        )
        require(sum(self.blocks) <= MAX_BLOCKS, "blocks", f"at most {MAX_BLOCKS} in all")
        require(
            all(b == 2 * a for a, b in zip(self.widths, self.widths[1:], strict=False)),
            "widths",
            f"channel counts from 1 to {MAX_WIDTH}, each twice the one before (the shortcut takes the channels twice)",
        )
        halvings = 2 ** (len(self.widths) - 1)
        for key in ("image_height", "image_width"):
            value = getattr(self, key)
            require(value % halvings == 0, key, f"a multiple of {halvings} (one halving per stage after the first)")
        require(self.residual_fraction < self.residual_bits, "residual_fraction", "0 to residual_bits - 1")
        require_buildable(self.image_channels, self.head_pixels(), self.widths[-1], self.residual_bits)
        if self.image_values > MAX_IMAGE_VALUES:
            raise InputError(f"config: images of {self.image_values:,} values, expected at most {MAX_IMAGE_VALUES:,}")
        if self.weights > MAX_WEIGHTS:
            raise InputError(f"config: a network of {self.weights:,} weights, expected at most {MAX_WEIGHTS:,}")

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Height, width and colours of an image."""
        return self.image_height, self.image_width, self.image_channels

    @property
    def image_values(self) -> int:
        """Pixels of an image times its colours."""
        return self.image_height * self.image_width * self.image_channels

    @property
    def weights(self) -> int:
        """Of all convolutions and the head."""
        return TAPS * self.input_bits * self.widths[0] + self.inner_weights

    @property
    def inner_weights(self) -> int:
        """Those behind the first convolution: a full-precision network, which takes pixels, has as many."""
        inner = sum(shape.fan_in * shape.out_channels for shape in self.convolutions())
        return inner + self.widths[-1] * self.classes

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
        """The inverse of `to_dict`.

        Raises:
            InputError: a key is unknown or missing, a value of the wrong type or too large.
        """
        return cls(**checked_values(cls, values, "config key"))


class NetworkTable(Schema):
    """The table `[network]` of a settings file: a shape of one's own, see `NetworkConfig` for each key.

    The classes are those of the dataset; `weight_standardization` is a setting of the run.
    """

    image_height: Size
    image_width: Size
    image_channels: Size
    thermometer_levels: Levels = 32
    widths: Widths
    blocks: Blocks
    residual_bits: ResidualBits = 16
    residual_fraction: ResidualFraction = 10
    residual_alpha: ResidualAlpha = 0.5

    def config(self, classes: int) -> NetworkConfig:
        """The network of that shape.

        Raises:
            InputError: the keys do not fit each other.
        """
        try:
            return NetworkConfig(classes=classes, **self.model_dump())
        except InputError as error:
            raise InputError(f"[network]: {error}") from None


def resnet20(classes: int, width: int = 16) -> NetworkConfig:
    """ResNet-20 for CIFAR: widths 16/32/64 (or width, 2x, 4x), three blocks each, 32 thermometer levels."""
    return NetworkConfig(32, 32, 3, 32, (width, 2 * width, 4 * width), (3, 3, 3), classes)


def digits(classes: int = 10, width: int = 16) -> NetworkConfig:
    """The small instance for scikit-learn's 8x8 digits: widths 16/32 (or width, 2x), one block each."""
    return NetworkConfig(8, 8, 1, 16, (width, 2 * width), (1, 1), classes)


ARCHITECTURES: dict[str, Callable[[int, int], NetworkConfig]] = {"digits": digits, "resnet20": resnet20}
