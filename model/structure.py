# SPDX-License-Identifier: Apache-2.0
"""What a network description that is read may be: keys of net.json, arrays beside it, layers that fit each other.

A digest shows that a file is as it was written, and not that who wrote it meant well: a name becomes part of paths and
of Verilog, sizes become loops. Constants are held against their widths in limits.py, where they are used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, Field, create_model

from wsfracbnn.model.archive import read_arrays
from wsfracbnn.model.config import (
    MAX_BLOCKS,
    MAX_IMAGE_VALUES,
    MAX_WIDTH,
    Levels,
    ResidualBits,
    ResidualFraction,
    Size,
)
from wsfracbnn.model.contract import FACTOR_BITS_LIMIT, FACTOR_SHIFT_LIMIT, HEAD_NAME, INPUT_NAME, TAPS, stage_name
from wsfracbnn.model.data.dataset import MAX_CLASSES, NAME_LIMIT
from wsfracbnn.model.description import (
    ARRAY_TYPES,
    ARRAYS_LIMIT,
    VERSION,
    ConvLayer,
    HeadLayer,
    InputLayer,
    Layer,
    NetworkDescription,
    kind_named,
)
from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.limits import MAX_COLOURS, require_buildable
from wsfracbnn.model.names import ModuleName
from wsfracbnn.model.reading import Schema, checked, one_of, printable, read_json

FORMAT = "wsfracbnn-network"

Channels = Annotated[int, Field(ge=1, le=MAX_WIDTH)]
ClassName = Annotated[str, Field(min_length=1, max_length=NAME_LIMIT), AfterValidator(printable)]

_BOUNDS: Mapping[str, Any] = {
    "height": Size,
    "width": Size,
    "colours": Annotated[int, Field(ge=1, le=MAX_COLOURS)],
    "levels": Levels,
    "in_channels": Channels,
    "out_channels": Channels,
    "classes": Annotated[int, Field(ge=2, le=MAX_CLASSES)],
    "stride": Annotated[int, one_of(1, 2)],
    "scale_shift": Annotated[int, Field(ge=0, le=FACTOR_SHIFT_LIMIT)],
    "slope_shift": Annotated[int, Field(ge=0, le=FACTOR_SHIFT_LIMIT)],
    "gate_fraction": Annotated[float, Field(ge=0, le=1)],
    "factor_bits": Annotated[int, Field(ge=0, le=FACTOR_BITS_LIMIT)],
}
"""What a field of a layer may be, by its name; others are held against their annotations alone."""


class Structure(Schema):
    """net.json; each stage's entry is checked by its kind's own schema."""

    version: Annotated[int, one_of(VERSION)]  # the first that is looked at: another one has other keys
    format: Annotated[str, one_of(FORMAT)]
    name: ModuleName
    residual_bits: ResidualBits
    residual_fraction: ResidualFraction
    class_names: Annotated[list[ClassName], Field(min_length=2, max_length=MAX_CLASSES)]
    stages: Annotated[list[dict[str, Any]], Field(min_length=2, max_length=2 * MAX_BLOCKS + 2)]
    sha256: str


def load_description(folder: Path) -> NetworkDescription:
    """Read what `NetworkDescription.save` wrote.

    Raises:
        InputError: a file is missing, holds what no description does, or does not match its checksum.
    """
    raw = read_json(folder / "net.json", "a network description")
    arrays = read_arrays(folder / "net.npz", ARRAYS_LIMIT, "a network description's arrays")
    try:
        structure = read_structure(raw)
        layers = read_layers(structure.stages, arrays)
        require_consistent(structure.residual_bits, structure.class_names, layers)
    except InputError as error:
        raise InputError(f"{folder}/net.json: {error}") from None
    bits, fraction = structure.residual_bits, structure.residual_fraction
    description = NetworkDescription(structure.name, bits, fraction, tuple(structure.class_names), layers)
    if description.digest() != structure.sha256:
        raise InputError(f"{folder}: net.npz does not match the key 'sha256' in net.json")
    return description


def read_structure(raw: object) -> Structure:
    """net.json's value.

    Raises:
        InputError: names the key.
    """
    found = checked(Structure, raw)
    if found.residual_fraction >= found.residual_bits:
        raise InputError(
            f"key 'residual_fraction': found {found.residual_fraction}, expected less than 'residual_bits', which is "
            f"{found.residual_bits}"
        )
    return found


def read_layers(stages: Sequence[Mapping[str, Any]], arrays: Mapping[str, NDArray[Any]]) -> tuple[Layer, ...]:
    """The layers of net.json's stages with their arrays, each of the sizes that it says.

    Raises:
        InputError: names the key or the array.
    """
    layers = tuple(_layer(number, len(stages), entry, arrays) for number, entry in enumerate(stages))
    known = {f"{entry['name']}.{name}" for entry in stages for name in _array_fields(kind_named(entry["kind"]))}
    for name in arrays:
        if name not in known:
            raise InputError(f"net.npz: array {shown(name)} is unknown")
    return layers


def require_consistent(bits: int, class_names: Sequence[str], layers: Sequence[Layer]) -> None:
    """Raise `InputError` where layers do not take what those before them give, or the head gives other classes."""
    first, last = layers[0], layers[-1]
    if not isinstance(first, InputLayer):
        raise InputError(f"key 'stages[0].kind': found '{first.kind}', expected '{InputLayer.kind}'")
    if not isinstance(last, HeadLayer):
        raise InputError(f"key 'stages[{len(layers) - 1}].kind': found '{last.kind}', expected '{HeadLayer.kind}'")
    if 256 % first.levels:
        raise InputError(f"key 'stages[0].levels': found {first.levels}, expected a power of two up to 128")
    values = first.height * first.width * first.colours
    if values > MAX_IMAGE_VALUES:
        raise InputError(f"key 'stages[0].height': images of {values:,} values, expected at most {MAX_IMAGE_VALUES:,}")
    for number, (before, layer) in enumerate(pairwise(layers), start=1):
        place = f"key 'stages[{number}]"
        if isinstance(layer, InputLayer) or (isinstance(layer, HeadLayer) and layer is not last):
            raise InputError(f"{place}.kind': found '{layer.kind}', expected a layer that stands between others")
        for key in ("height", "width"):
            found, given = getattr(layer, key), getattr(before, f"out_{key}")
            if found != given:
                raise InputError(f"{place}.{key}': found {found}, expected {given}, as the layer before gives")
        if layer.in_channels != before.out_channels:
            raise InputError(
                f"{place}.in_channels': found {layer.in_channels}, expected {before.out_channels}, as the layer before "
                "gives"
            )
        if isinstance(layer, ConvLayer):
            _require_shortcut(layer, place)
    if last.classes != len(class_names):
        raise InputError(f"key 'class_names': found {len(class_names)} names, expected {last.classes}")
    require_buildable(first.colours, last.height * last.width, last.in_channels, bits)


def _require_shortcut(layer: ConvLayer, place: str) -> None:
    """With stride 2 the shortcut is a 2x2 average, its channels taken twice."""
    if layer.out_channels != layer.in_channels * layer.stride:
        raise InputError(
            f"{place}.out_channels': found {layer.out_channels}, expected {layer.in_channels * layer.stride}, as the "
            "shortcut gives"
        )
    for key in ("height", "width"):
        if getattr(layer, key) % layer.stride:
            raise InputError(f"{place}.{key}': found {getattr(layer, key)}, expected an even number before stride 2")


def _layer(number: int, count: int, entry: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Layer:
    place = f"stages[{number}]"
    kind = entry.get("kind")
    if not isinstance(kind, str):
        raise InputError(f"key '{place}.kind': found {shown(kind)}, expected a kind of layer")
    cls = kind_named(kind)
    if cls is None:
        raise InputError(f"key '{place}.kind': found {shown(kind)}, expected a known kind of layer")
    found = checked(_schema(cls), entry, within=place)
    name = INPUT_NAME if number == 0 else HEAD_NAME if number == count - 1 else stage_name(number)
    if (written := getattr(found, "name")) != name:  # noqa: B009 - a field that the schema was made with
        raise InputError(f"key '{place}.name': found {shown(written)}, expected '{name}'")
    # As they were written: the digest tells 0 from 0.0.
    plain = {key: value for key, value in entry.items() if key not in ("name", "kind")}
    kept = {key: _array(f"{name}.{key}", arrays, kind) for key, kind in _array_fields(cls).items()}
    layer = cls(**plain, **kept)
    for key, shape in _shapes(layer).items():
        if kept[key].shape != shape:
            raise InputError(f"net.npz: array '{name}.{key}': found the shape {kept[key].shape}, expected {shape}")
    return layer


def _array(name: str, arrays: Mapping[str, NDArray[Any]], expected: Any) -> NDArray[Any]:
    if name not in arrays:
        raise InputError(f"net.npz: array '{name}' is missing")
    array = arrays[name]
    if array.dtype.kind != "i" or not np.can_cast(array.dtype, expected):
        raise InputError(f"net.npz: array '{name}': found {array.dtype}, expected {np.dtype(expected)}")
    return array.astype(expected)


def _array_fields(cls: Any) -> dict[str, Any]:
    """Element types of the fields that hold arrays."""
    kinds = {} if cls is None else {field.name: str(field.type) for field in fields(cls)}
    return {name: ARRAY_TYPES[kind] for name, kind in kinds.items() if kind in ARRAY_TYPES}


@cache
def _schema(cls: Any) -> type[BaseModel]:
    """The schema of a kind's entry in net.json."""
    hints = get_type_hints(cls, include_extras=True)
    members: dict[str, Any] = {"name": (str, ...), "kind": (str, ...)}
    for field in fields(cls):
        if field.type not in ARRAY_TYPES:
            default = ... if field.default is MISSING else field.default
            members[field.name] = (_BOUNDS.get(field.name, hints[field.name]), default)
    model: type[BaseModel] = create_model(cls.__name__, __base__=Schema, **members)
    return model


def _shapes(layer: Layer) -> dict[str, tuple[int, ...]]:
    """The shapes of a layer's arrays; those of kinds from outside the package are not known here."""
    if isinstance(layer, InputLayer | ConvLayer):
        channels = (layer.out_channels,)
        weights = {"weights": (layer.out_channels, layer.in_channels, TAPS), "scale": channels, "bias_in": channels}
        if isinstance(layer, InputLayer):
            return weights
        return weights | {"thresholds": (layer.in_channels, 3)} | dict.fromkeys(("gate", "slope", "bias_out"), channels)
    if isinstance(layer, HeadLayer):
        return {"weights": (layer.classes, layer.in_channels), "bias": (layer.classes,)}
    return {}
