# SPDX-License-Identifier: Apache-2.0
"""How large the one engine is: words of `--fold` and folding files that ask for the sequential architecture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from wsfracbnn.gen.sequential.design import SequentialFolding
from wsfracbnn.gen.sequential.size import WORD, EngineSize
from wsfracbnn.gen.stages.folding import StageFold, StageFolds, Target, divisors
from wsfracbnn.model.contract import HEAD_NAME
from wsfracbnn.model.description import ConvLayer, HeadLayer, InputLayer, NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.reading import Schema, checked

USUAL_PE = 8
USUAL_SIMD = 16
"""Sizes where none are given, or the largest divisors below: ResNet-20 at 100 images a second with 50 MHz."""


class _File(Schema):
    architecture: Literal["sequential"]
    target: Any = None
    pe: Annotated[int, Field(ge=1)]
    simd: Annotated[int, Field(ge=1)]
    weights_tail: Literal["luts", "block_ram"] = "block_ram"
    weights: Literal["constant", "loaded"] = "constant"


def sequential_folding(
    description: NetworkDescription, engine: EngineSize | None = None, target: Target | None = None
) -> SequentialFolding:
    """The folding of an engine of that size, or of the usual one.

    Raises:
        InputError: the network has layers that the engine does not compute, or their channels do not divide.
    """
    for name, layer in description.named_layers():
        if not isinstance(layer, (InputLayer, ConvLayer, HeadLayer)):
            raise InputError(
                f"folding '{WORD}': {name} is of the kind '{layer.kind}', which the engine does not compute"
            )
    if description.multiplied:
        raise InputError(
            f"folding '{WORD}': the network has factors that are multiplied by, which the engine does not compute; "
            "expected factors of two signed digits"
        )
    channels = description.input.out_channels
    if engine is None:
        engine = EngineSize(_divisor_up_to(channels, USUAL_PE), _divisor_up_to(channels, USUAL_SIMD))
    for key, found in (("pe", engine.pe), ("simd", engine.simd)):
        if found not in divisors(channels):
            some = ", ".join(map(str, divisors(channels)))
            raise InputError(
                f"key '{key}': found {found}, expected a divisor of the first layer's {channels} channels: {some}"
            )
    return SequentialFolding(_stage_folds(description, engine), target or Target(), engine)


def engine_sizes(description: NetworkDescription) -> list[EngineSize]:
    """Sizes to choose among for a device, the fastest first; of each, last the one whose weights end in LUTs.

    Raises:
        InputError: see `sequential_folding`.
    """
    usual = sequential_folding(description).engine
    pes = reversed(divisors(description.input.out_channels))
    return [EngineSize(pe, usual.simd, tail) for pe in pes for tail in (False, True)]


def _divisor_up_to(number: int, limit: int) -> int:
    return max(d for d in divisors(number) if d <= limit)


def _stage_folds(description: NetworkDescription, engine: EngineSize) -> StageFolds:
    """The head is the pipeline's, at its smallest."""
    of_engine = StageFold(engine.pe, engine.simd, 1 if engine.pe > 1 else None)
    return {name: StageFold(1, 1) if name == HEAD_NAME else of_engine for name in description.names}


def folding_from_word(description: NetworkDescription, wanted: str) -> SequentialFolding:
    """What `sequential` or `sequential=PExSIMD` means.

    Raises:
        InputError: neither of these, or a size that does not divide.
    """
    if wanted == WORD:
        return sequential_folding(description)
    match = re.fullmatch(rf"{WORD}=(\d{{1,6}})x(\d{{1,6}})", wanted, re.ASCII)
    if match is None:
        raise InputError(f"folding '{wanted}': expected {WORD} or {WORD}=PExSIMD, such as {WORD}=8x16")
    try:
        return sequential_folding(description, EngineSize(int(match[1]), int(match[2])))
    except InputError as error:
        raise InputError(f"folding '{wanted}': {error}") from None


def folding_from_file(
    path: Path, description: NetworkDescription, raw: Mapping[str, Any], target: Target
) -> SequentialFolding:
    """What a folding file with the key `architecture` holds. raw: its contents; target: read from them.

    Raises:
        InputError: an unknown key, or a size that does not divide.
    """
    try:
        given = checked(_File, raw)
        engine = EngineSize(given.pe, given.simd, given.weights_tail == "luts", given.weights == "loaded")
        if engine.tail_in_luts and engine.loaded:
            raise InputError("key 'weights_tail': found 'luts' beside weights that are loaded, expected 'block_ram'")
        return sequential_folding(description, engine, target)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
