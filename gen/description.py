# SPDX-License-Identifier: Apache-2.0
"""The network description: the waist between training and hardware.

Plain integers and shapes, nothing of torch and nothing of Verilog. `save` writes `net.json` (structure) beside
`net.npz` (arrays); `load` reads them back and checks them. Symbols are those of docs/numeric-contract.md.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wsfracbnn.model.errors import InputError

TAPS = 9
VERSION = 1

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class InputStage:
    """Thermometer encoder and binary convolution: X = sat(rshift(S * M_c, r) + b1_c).

    weights: (O, 9, colours * K) of +-1, taps row by row; scale M and bias b1: (O,).
    """

    height: int
    width: int
    colours: int
    levels: int
    out_channels: int
    scale_shift: int
    weights: Ints
    scale: Ints
    bias_in: Ints

    kind = "input"
    stride = 1

    @property
    def in_channels(self) -> int:
        return self.colours * self.levels

    @property
    def window_bits(self) -> int:
        return TAPS * self.in_channels

    @property
    def out_height(self) -> int:
        return self.height

    @property
    def out_width(self) -> int:
        return self.width


@dataclass(frozen=True)
class ConvStage:
    """Fractional activation, gated convolution, scale path, RPReLU and shortcut.

    height, width: of the input. thresholds: (I, 3), T1 <= T2 <= T3; weights: (O, 9, I) of +-1; gate G, scale M,
    bias_in b1, slope N, bias_out b2: (O,). gate_fraction: measured share of outputs whose second bit is computed.
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
    weights: Ints
    gate: Ints
    scale: Ints
    bias_in: Ints
    slope: Ints
    bias_out: Ints

    kind = "conv"

    @property
    def window_bits(self) -> int:
        return TAPS * self.in_channels

    @property
    def out_height(self) -> int:
        return self.height // self.stride

    @property
    def out_width(self) -> int:
        return self.width // self.stride


@dataclass(frozen=True)
class HeadStage:
    """Sum pooling and linear layer: logits_j = sum_c W_jc P_c + B_j. weights: (classes, C); bias: (classes,)."""

    height: int
    width: int
    in_channels: int
    classes: int
    weights: Ints
    bias: Ints

    kind = "head"


Stage = InputStage | ConvStage | HeadStage


@dataclass(frozen=True)
class NetworkDescription:
    """All stages of one network with their integer constants."""

    name: str
    residual_bits: int
    residual_fraction: int
    class_names: tuple[str, ...]
    input: InputStage
    convs: tuple[ConvStage, ...]
    head: HeadStage

    def stages(self) -> Iterator[tuple[str, Stage]]:
        """(name, stage) in dataflow order: 'input', 'stage_01', ..., 'head'."""
        yield "input", self.input
        for number, conv in enumerate(self.convs, start=1):
            yield f"stage_{number:02d}", conv
        yield "head", self.head

    def to_json(self) -> dict[str, Any]:
        """The structure without the arrays, plain JSON values."""
        return {
            "format": "wsfracbnn-network",
            "version": VERSION,
            "name": self.name,
            "residual_bits": self.residual_bits,
            "residual_fraction": self.residual_fraction,
            "class_names": list(self.class_names),
            "stages": [{"name": name, "kind": stage.kind} | _scalars(stage) for name, stage in self.stages()],
        }

    def arrays(self) -> dict[str, Ints]:
        """Every array under 'stage.field', in dataflow order."""
        return {
            f"{name}.{field.name}": getattr(stage, field.name)
            for name, stage in self.stages()
            for field in fields(stage)
            if field.type == "Ints"
        }

    def digest(self) -> str:
        """SHA-256 over structure and arrays: equal digests mean equal hardware."""
        sha = hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode())
        for key, array in self.arrays().items():
            sha.update(f"{key}{array.shape}".encode())
            sha.update(np.ascontiguousarray(array, dtype="<i8").tobytes())
        return sha.hexdigest()

    def save(self, folder: Path) -> None:
        """Write net.json and net.npz; the same description gives the same bytes."""
        structure = self.to_json() | {"sha256": self.digest()}
        (folder / "net.json").write_text(json.dumps(structure, indent=2) + "\n")
        np.savez_compressed(folder / "net.npz", **self.arrays())  # type: ignore[arg-type]

    @classmethod
    def load(cls, folder: Path) -> NetworkDescription:
        """Read what `save` wrote.

        Raises:
            InputError: a file is missing, is of another version, or does not match its checksum.
        """
        try:
            structure = json.loads((folder / "net.json").read_text())
            with np.load(folder / "net.npz", allow_pickle=False) as file:
                arrays = {key: file[key].astype(np.int64) for key in file.files}
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(f"{folder}: not a network description ({error})") from None
        if structure.get("version") != VERSION:
            raise InputError(f"{folder}/net.json: key 'version': found {structure.get('version')}, expected {VERSION}")

        def build(entry: dict[str, Any]) -> Any:
            kind = {"input": InputStage, "conv": ConvStage, "head": HeadStage}[entry["kind"]]
            values = {k: v for k, v in entry.items() if k not in ("name", "kind")}
            values |= {f.name: arrays[f"{entry['name']}.{f.name}"] for f in fields(kind) if f.type == "Ints"}
            return kind(**values)

        try:
            first, *convs, head = (build(entry) for entry in structure["stages"])
            description = cls(
                structure["name"],
                structure["residual_bits"],
                structure["residual_fraction"],
                tuple(structure["class_names"]),
                first,
                tuple(convs),
                head,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"{folder}/net.json: incomplete ({error})") from None
        if description.digest() != structure.get("sha256"):
            raise InputError(f"{folder}: net.npz does not match the sha256 in net.json")
        return description


def _scalars(stage: Stage) -> dict[str, Any]:
    return {f.name: getattr(stage, f.name) for f in fields(stage) if f.type != "Ints"}
