# SPDX-License-Identifier: Apache-2.0
"""Folding files, which `--fold FILE` reads: as emitted in fold.json, or written by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from wsfracbnn.gen.devices import family_named
from wsfracbnn.gen.stages import kind_of
from wsfracbnn.gen.stages.folding import LUT_INPUTS, TARGET_KEY, Folding, StageFold, Target, divisors
from wsfracbnn.model.description import Layer, NetworkDescription
from wsfracbnn.model.errors import InputError


def read_folding(path: Path, description: NetworkDescription) -> Folding:
    """Read a folding file.

    {"target": {"lut_inputs": 4, "family": "ecp5"}, "input": {"pe": 2, "simd": 144},
    "stage_01": {"pe": 4, "simd": 144, "lanes": 2}, ..., "head": {"pe": 1, "simd": 1}}. `target` may be left out, or its
    family; `lanes` is for convolution stages, and only where they are fewer than PE.

    Raises:
        InputError: not JSON, a stage missing or unknown, or a number that does not divide.
    """
    try:
        raw = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a folding file ({error})") from None
    if not isinstance(raw, dict):
        raise InputError(f"{path}: found a {type(raw).__name__}, expected an object with one key per stage")
    target = _target(path, raw.pop(TARGET_KEY, {}))
    for name in raw:
        if name not in description.names:
            raise InputError(f"{path}: key '{name}' is unknown, expected {', '.join(description.names)}")
    return Folding(
        {name: _fold(path, name, layer, raw.get(name)) for name, layer in description.named_layers()}, target
    )


def _target(path: Path, entry: Any) -> Target:
    if not isinstance(entry, dict) or not set(entry) <= {"lut_inputs", "family"}:
        raise InputError(f"{path}: key '{TARGET_KEY}': found {entry!r}, expected lut_inputs and family")
    family = entry.get("family")
    if family is not None:
        family = family_named(family).name
    lut_inputs = entry.get("lut_inputs", family_named(family).lut_inputs if family else LUT_INPUTS[0])
    if lut_inputs not in LUT_INPUTS:
        raise InputError(
            f"{path}: key '{TARGET_KEY}.lut_inputs': found {lut_inputs!r}, expected {' or '.join(map(str, LUT_INPUTS))}"
        )
    return Target(lut_inputs, family)


def _fold(path: Path, name: str, layer: Layer, entry: Any) -> StageFold:
    kind = kind_of(layer)
    if not isinstance(entry, dict) or not all(isinstance(entry.get(k), int) for k in ("pe", "simd")):
        raise InputError(f'{path}: key \'{name}\': found {entry!r}, expected {{"pe": integer, "simd": integer}}')
    fold = StageFold(entry["pe"], entry["simd"], entry.get("lanes"))
    outputs, what = kind.outputs(layer)
    if fold.pe not in divisors(outputs):
        raise InputError(f"{path}: key '{name}.pe': found {fold.pe}, expected a divisor of {outputs} {what}")
    lanes = kind.lane_choices(layer, fold.pe)
    if fold.lanes is not None and fold.lanes not in lanes:
        some = ", ".join(map(str, lanes)) or "none"
        raise InputError(f"{path}: key '{name}.lanes': found {fold.lanes}, expected fewer than PE: {some}")
    simds = kind.simd_choices(layer)
    if fold.simd not in simds:
        some = ", ".join(map(str, simds))
        raise InputError(f"{path}: key '{name}.simd': found {fold.simd}, expected window bits at once: {some}")
    return fold
