# SPDX-License-Identifier: Apache-2.0
"""What a testbench left behind, and what it was given: files that a full disk, a kill or an editor may have damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from wsfracbnn.model.archive import read_arrays
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.names import ModuleName
from wsfracbnn.model.reading import Schema, Several, checked, read_json

VECTORS_LIMIT = 16 * 2**30
"""Bytes of a vector file when unpacked: ResNet-20's streams of 10,000 images have 6 GiB."""

Count = Annotated[int, Field(ge=0, lt=2**63)]

Model = TypeVar("Model", bound=Schema)


class Layer(Schema):
    """How many values of a stage's stream were compared, and how many differ."""

    name: str
    values: Count
    mismatches: Count


class Measured(Schema):
    """result.json, as tb/network/bench_network.py writes it; the defaults stand for one that did not get so far."""

    images: Count = 0
    correct: Count | None = None
    mismatches: Count = 0
    cycles_per_image: Count | None = None
    latency_cycles: Count = 0
    layers: Several[Layer] = ()
    busy: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    occupancy: dict[str, list[Count]] = Field(default_factory=dict)


class _Design(Schema, extra="ignore"):
    name: ModuleName


def read_measured(path: Path) -> Measured:
    """What the testbench measured.

    Raises:
        InputError: the file is damaged.
    """
    return _read(path, Measured, "the result of a simulation")


def read_name(path: Path) -> str:
    """The network's name in an emitted folder's design.json.

    Raises:
        InputError: no such file, or it is damaged.
    """
    return _read(path, _Design, "the description of an emitted folder").name


def read_images(vectors: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Images (n, H, W, colours) and labels (n,), -1 for none, of a vector file.

    Raises:
        InputError: no such file, or it is damaged.
    """
    arrays = read_arrays(vectors, VECTORS_LIMIT, "a vector file")
    images, labels = (arrays.get(key, np.zeros(0)) for key in ("images", "labels"))
    if images.ndim != 4 or images.dtype != np.uint8 or labels.dtype != np.int64 or labels.shape != images.shape[:1]:
        raise InputError(f"{vectors}: not a vector file (found no images with labels)")
    return images, labels


def values_to_compare(vectors: Path, images: int) -> dict[str, int]:
    """Values of each stage's stream and of the logits in the first images of a vector file, by layer.

    Raises:
        InputError: no such file, or it is damaged.
    """
    arrays = read_arrays(vectors, VECTORS_LIMIT, "a vector file")
    streams: dict[str, Any] = {
        key.removeprefix("stream_"): array for key, array in arrays.items() if key.startswith("stream_")
    }
    if "logits" not in arrays:
        raise InputError(f"{vectors}: not a vector file (no array 'logits')")
    return {name: stream[:images].size for name, stream in (streams | {"head": arrays["logits"]}).items()}


def _read(path: Path, schema: type[Model], what: str) -> Model:
    contents = read_json(path, what)
    try:
        return checked(schema, contents)
    except InputError as error:
        raise InputError(f"{path}: not {what} ({error})") from None
