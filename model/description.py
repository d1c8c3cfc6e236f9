# SPDX-License-Identifier: Apache-2.0
"""The network description: the waist between training and hardware.

Plain integers and shapes, nothing of torch and nothing of Verilog. `save` writes `net.json` (structure) beside
`net.npz` (arrays); structure.py reads them back and checks them. Symbols are those of docs/numeric-contract.md.

A network is a chain of layers, of which the first reads pixels and the last gives logits. A further kind of layer
between them is a frozen dataclass that `layer_kind` registers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model.arrays import write_arrays
from wsfracbnn.model.contract import HEAD_NAME, INPUT_NAME, TAPS, stage_name

VERSION = 2
"""Of net.json and net.npz; 2 has the weights as (O, I, 9)."""

ARRAYS_LIMIT = 2**30
"""Bytes of net.npz when unpacked."""

Ints = NDArray[np.int64]
Signs = NDArray[np.int8]

ARRAY_TYPES: Mapping[str, Any] = {"Ints": np.int64, "Signs": np.int8}
"""Element types of the fields that hold arrays, by the fields' annotations."""


class Layer(Protocol):
    """What every layer has: its kind, and for one image the sizes of its input and of its output.

    Implementations are frozen dataclasses; fields that hold arrays are annotated `Ints` or `Signs`.
    """

    kind: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def height(self) -> int:
        """Rows of the input."""

    @property
    def width(self) -> int:
        """Columns of the input."""

    @property
    def in_channels(self) -> int:
        """Channels of the input."""

    @property
    def out_height(self) -> int:
        """Rows of the output."""

    @property
    def out_width(self) -> int:
        """Columns of the output."""

    @property
    def out_channels(self) -> int:
        """Channels of the output."""


LayerClass = TypeVar("LayerClass", bound=type[Layer])

_LAYER_KINDS: dict[str, type[Layer]] = {}


def layer_kind(cls: LayerClass) -> LayerClass:
    """Class decorator that makes a kind of layer known to `load_description`."""
    _LAYER_KINDS[cls.kind] = cls
    return cls


def kind_named(name: str) -> type[Layer] | None:
    """The class of a kind of layer, None where there is none of that name."""
    return _LAYER_KINDS.get(name)


@layer_kind
@dataclass(frozen=True)
class InputLayer:
    """Thermometer encoder and binary convolution: X = sat(rshift(S * M_c, r) + b1_c).

    weights: (O, colours * K, 9) of +-1, colour-major; scale M and bias_in b1: (O,). factor_bits: see `ConvLayer`.
    """

    height: int
    width: int
    colours: int
    levels: int
    out_channels: int
    scale_shift: int
    weights: Signs
    scale: Ints
    bias_in: Ints
    factor_bits: int = 0

    kind: ClassVar[str] = "input"

    @property
    def in_channels(self) -> int:
        """Thermometer bits of a pixel."""
        return self.colours * self.levels

    @property
    def window_bits(self) -> int:
        """Bits of a 3x3 window."""
        return TAPS * self.in_channels

    @property
    def out_height(self) -> int:
        return self.height

    @property
    def out_width(self) -> int:
        return self.width


@layer_kind
@dataclass(frozen=True)
class ConvLayer:
    """Fractional activation, gated convolution, scale path, RPReLU and shortcut.

    height, width: of the input. thresholds: (I, 3), T1 <= T2 <= T3; weights: (O, I, 9) of +-1; gate G, scale M,
    bias_in b1, slope N, bias_out b2: (O,). gate_fraction: measured share of outputs whose second bit is computed.
    factor_bits: 0 where M and N are sums of two signed digits; in the multiplied form, the width of these integers.
    """

    height: int
    width: int
    in_channels: int
    out_channels: int
    stride: int
    scale_shift: int
    slope_shift: int
    gate_fraction: float
    thresholds: Ints
    weights: Signs
    gate: Ints
    scale: Ints
    bias_in: Ints
    slope: Ints
    bias_out: Ints
    factor_bits: int = 0

    kind: ClassVar[str] = "conv"

    @property
    def window_bits(self) -> int:
        """Bits of a 3x3 window."""
        return TAPS * self.in_channels

    @property
    def out_height(self) -> int:
        return self.height // self.stride

    @property
    def out_width(self) -> int:
        return self.width // self.stride


@layer_kind
@dataclass(frozen=True)
class HeadLayer:
    """Sum pooling and linear layer: logits_j = sum_c W_jc P_c + B_j. weights: (classes, C); bias: (classes,)."""

    height: int
    width: int
    in_channels: int
    classes: int
    weights: Ints
    bias: Ints

    kind: ClassVar[str] = "head"

    @property
    def out_height(self) -> int:
        return 1

    @property
    def out_width(self) -> int:
        return 1

    @property
    def out_channels(self) -> int:
        """One logit a class."""
        return self.classes


@dataclass(frozen=True)
class NetworkDescription:
    """All layers of one network with their integer constants, in dataflow order."""

    name: str
    residual_bits: int
    residual_fraction: int
    class_names: tuple[str, ...]
    layers: tuple[Layer, ...]

    @property
    def input(self) -> InputLayer:
        """The first layer."""
        first = self.layers[0]
        assert isinstance(first, InputLayer)
        return first

    @property
    def convs(self) -> tuple[ConvLayer, ...]:
        """The gated convolutions."""
        return tuple(layer for layer in self.layers if isinstance(layer, ConvLayer))

    @property
    def head(self) -> HeadLayer:
        """The last layer."""
        last = self.layers[-1]
        assert isinstance(last, HeadLayer)
        return last

    @property
    def names(self) -> tuple[str, ...]:
        """'input', 'stage_01', ..., 'head': a name for each layer, and for the hardware stage that it becomes."""
        between = (stage_name(number) for number in range(1, len(self.layers) - 1))
        return INPUT_NAME, *between, HEAD_NAME

    def named_layers(self) -> Iterator[tuple[str, Layer]]:
        """(name, layer) in dataflow order."""
        return zip(self.names, self.layers, strict=True)

    def with_layer(self, name: str, **changes: Any) -> NetworkDescription:
        """The same network with other values in some fields of one layer."""
        layers = tuple(replace(layer, **changes) if key == name else layer for key, layer in self.named_layers())
        return replace(self, layers=layers)

    @property
    def multiplied(self) -> bool:
        """Whether a layer has the contract's multiplied form, so that hardware needs multipliers."""
        return any(isinstance(layer, (InputLayer, ConvLayer)) and layer.factor_bits for layer in self.layers)

    def in_multiplied_form(self, bits: int) -> NetworkDescription:
        """The same numbers as integers of `bits` bits that are multiplied by, whatever digits they have."""
        layers = tuple(
            replace(layer, factor_bits=bits) if isinstance(layer, (InputLayer, ConvLayer)) else layer
            for layer in self.layers
        )
        return replace(self, layers=layers)

    def to_json(self) -> dict[str, Any]:
        """The structure without the arrays, plain JSON values."""
        return {
            "format": "wsfracbnn-network",
            "version": VERSION,
            "name": self.name,
            "residual_bits": self.residual_bits,
            "residual_fraction": self.residual_fraction,
            "class_names": list(self.class_names),
            "stages": [{"name": name, "kind": layer.kind} | _scalars(layer) for name, layer in self.named_layers()],
        }

    def arrays(self) -> dict[str, Ints | Signs]:
        """Every array under 'stage.field', in dataflow order."""
        return {
            f"{name}.{field.name}": getattr(layer, field.name)
            for name, layer in self.named_layers()
            for field in fields(layer)
            if field.type in ARRAY_TYPES
        }

    def digest(self) -> str:
        """SHA-256 over structure and arrays: equal digests mean the same integer network.

        How it is built in hardware is not part of it; folding and target are in the build id of an emitted folder.
        """
        sha = hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode())
        for key, array in self.arrays().items():
            sha.update(f"{key}{array.shape}".encode())
            sha.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
        return sha.hexdigest()

    def save(self, folder: Path) -> None:
        """Write net.json and net.npz; the same description gives the same bytes."""
        structure = self.to_json() | {"sha256": self.digest()}
        (folder / "net.json").write_text(json.dumps(structure, indent=2) + "\n")
        write_arrays(folder / "net.npz", self.arrays())


def _scalars(layer: Layer) -> dict[str, Any]:
    """Fields that hold no arrays; one that has its default is left out, so that a field can be added with one."""
    found = {field.name: getattr(layer, field.name) for field in fields(layer) if field.type not in ARRAY_TYPES}
    defaults = {field.name: field.default for field in fields(layer) if field.default is not MISSING}
    return {name: value for name, value in found.items() if name not in defaults or value != defaults[name]}
