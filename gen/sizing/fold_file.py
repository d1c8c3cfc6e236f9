# SPDX-License-Identifier: Apache-2.0
"""Folding files, which `--fold FILE` reads: as emitted in fold.json, or written by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from wsfracbnn.gen.devices import device_named, family_named
from wsfracbnn.gen.sequential.folding import folding_from_file
from wsfracbnn.gen.sequential.size import ARCHITECTURE_KEY
from wsfracbnn.gen.stages import kind_of
from wsfracbnn.gen.stages.conv import LEAST_GROUPS
from wsfracbnn.gen.stages.folding import (
    IN_MEMORY,
    LUT_INPUTS,
    MOVED_KEY,
    PARITY_KEY,
    TARGET_KEY,
    Folding,
    StageFold,
    StageFolds,
    Target,
    divisors,
)
from wsfracbnn.model.description import Layer, NetworkDescription
from wsfracbnn.model.errors import InputError, shown
from wsfracbnn.model.reading import Schema, checked, one_of, read_json


def read_folding(path: Path, description: NetworkDescription) -> Folding:
    """Read a folding file.

    {"target": {"lut_inputs": 4, "family": "ecp5"}, "input": {"pe": 2, "simd": 144},
    "stage_01": {"pe": 4, "simd": 144, "lanes": 2}, ..., "head": {"pe": 1, "simd": 1}}. `target` may be left out, or its
    family, which a device stands for; `lanes` is for convolution stages, and only where they are fewer than PE. A stage
    with `"unrolled": true` takes a pixel a cycle; its PE and SIMD are all that there is. A convolution stage with
    `"windows": "memory"` has its windows in memories (conv_memory.py); `"block_ram": ["weights"]` names memories that
    block RAM holds and not LUTs. `"rom_parity": true` beside the stages checks the constant memories. A file with the
    key `architecture` is one of gen/sequential/folding.py.

    Raises:
        InputError: not JSON, a stage missing or unknown, or a number that does not divide.
    """
    raw = read_json(path, "a folding file")
    if not isinstance(raw, dict):
        raise InputError(f"{path}: found {shown(raw)}, expected an object with one key per stage")
    if ARCHITECTURE_KEY in raw:
        return folding_from_file(path, description, raw, _target(path, raw.get(TARGET_KEY, {})))
    for name in raw:
        if name not in (*description.names, TARGET_KEY, PARITY_KEY):
            raise InputError(f"{path}: key '{name}' is unknown, expected {', '.join(description.names)}")
    target = _target(path, raw.get(TARGET_KEY, {}))
    folds = {name: _fold(path, name, layer, raw) for name, layer in description.named_layers()}
    _require_possible(path, folds, target)
    parity = raw.get(PARITY_KEY, False)
    if not isinstance(parity, bool):
        raise InputError(f"{path}: key '{PARITY_KEY}': found {shown(parity)}, expected true or false")
    return Folding(folds, target, rom_parity=parity)


class _Target(Schema):
    lut_inputs: Annotated[int, one_of(*LUT_INPUTS)] | None = None
    family: str | None = None
    device: str | None = None


class _Fold(Schema):
    pe: Annotated[int, Field(ge=1)]
    simd: Annotated[int, Field(ge=1)]
    lanes: Annotated[int, Field(ge=1)] | None = None
    unrolled: bool = False
    windows: Annotated[str, one_of(IN_MEMORY)] | None = None
    block_ram: list[str] = Field(default_factory=list, max_length=16)


def _target(path: Path, entry: Any) -> Target:
    try:
        given = checked(_Target, entry, within=TARGET_KEY)
        family = None if given.family is None else family_named(given.family)
        device = None if given.device is None else device_named(given.device)
        if device is not None and given.family not in (None, device.family):
            raise InputError(
                f"key '{TARGET_KEY}.family': found {shown(given.family)}, expected '{device.family}' with the device "
                f"'{device.name}'"
            )
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    if device is not None:
        family = family_named(device.family)
    by_family = LUT_INPUTS[0] if family is None else family.lut_inputs
    lut_inputs = by_family if given.lut_inputs is None else given.lut_inputs
    return Target(lut_inputs, None if family is None else family.name, given.device)


def _fold(path: Path, name: str, layer: Layer, entries: Mapping[str, Any]) -> StageFold:
    kind = kind_of(layer)
    if name not in entries:
        raise InputError(f'{path}: key \'{name}\' is missing, expected {{"pe": integer, "simd": integer}}')
    try:
        given = checked(_Fold, entries[name], within=name)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    fold = StageFold(
        given.pe,
        given.simd,
        given.lanes,
        unrolled=given.unrolled,
        in_memory=given.windows is not None,
        moved=tuple(given.block_ram),
    )
    if fold.unrolled:
        return _unrolled(path, name, layer, fold)
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
        raise InputError(f"{path}: key '{name}.simd': found {fold.simd}, expected {kind.simd_meaning}: {some}")
    if fold.in_memory and replace(fold, moved=()) not in kind.choices(layer):
        raise InputError(
            f"{path}: key '{name}.windows': found '{IN_MEMORY}', expected no such key; it is for a convolution of at "
            f"least {LEAST_GROUPS} * PE output channels, where SIMD / 9 is a multiple of the channels of an input beat"
        )
    movable = kind_of(layer, fold).movable(layer, fold)
    for number, memory in enumerate(fold.moved):
        if memory not in movable or memory in fold.moved[:number]:
            some = ", ".join(movable) or "no such key"
            raise InputError(f"{path}: key '{name}.{MOVED_KEY}': found {shown(memory)}, expected each once of: {some}")
    return fold


def _require_possible(path: Path, folds: StageFolds, target: Target) -> None:
    if target.family is None:
        return
    for name, fold in folds.items():
        if not fold.is_possible_on(family_named(target.family)):
            raise InputError(
                f"{path}: key '{name}.windows': found '{IN_MEMORY}', expected no such key, since the family "
                f"'{target.family}' has no LUT RAM"
            )


def _unrolled(path: Path, name: str, layer: Layer, fold: StageFold) -> StageFold:
    try:
        expected = kind_of(layer).unrolled_fold(layer)
    except InputError as error:
        raise InputError(f"{path}: key '{name}': {error}") from None
    if expected is None:
        raise InputError(f"{path}: key '{name}.unrolled': found true, expected a stage with windows")
    if fold != expected:
        raise InputError(
            f"{path}: key '{name}': found {json.dumps(fold.to_json())}, expected {json.dumps(expected.to_json())}"
        )
    return fold
