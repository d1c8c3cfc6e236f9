# SPDX-License-Identifier: Apache-2.0
"""All of a checkpoint that is no tensor: the schema of its plain values."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field

from wsfracbnn.model.data.preparation import AS_USUAL, Pictures
from wsfracbnn.model.data.split import BOUND_DIGITS
from wsfracbnn.model.names import ModuleName
from wsfracbnn.model.networks.registry import MODELS
from wsfracbnn.model.reading import Schema, one_of, printable

FORMAT = "wsfracbnn-checkpoint"
VERSION = 2

PLAIN = (str, int, float, bool, type(None))

KNOWN = {"dataset": str, "teacher": str, "start_from": str, "epochs": int, "seed": int}
"""What commands read of the training's record, where it is there."""


def plain(value: Any) -> Any:
    """For an `AfterValidator` annotation: a plain value of bounded size."""
    if type(value) not in PLAIN or (isinstance(value, int) and abs(value) >= 2**64):
        raise ValueError("a string, a number, true, false or nothing")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a finite number")
    if isinstance(value, str) and (len(value) > 1000 or not value.isprintable()):
        raise ValueError("at most 1000 printable characters")
    return value


def _known(training: dict[str, Any]) -> dict[str, Any]:
    for key, kind in KNOWN.items():
        if key in training and type(training[key]) is not kind:
            raise ValueError(f"'{key}' to be {'an integer' if kind is int else 'a string'}")
    return training


def _bound(value: str) -> str:
    if not re.fullmatch(f"[0-9a-f]{{{BOUND_DIGITS}}}", value):
        raise ValueError(f"{BOUND_DIGITS} hexadecimal digits")
    return value


class Header(Schema):
    """The keys of model/checkpoint.py's docstring but `state` and `samples`."""

    format: Annotated[str, one_of(FORMAT)]
    version: Annotated[int, one_of(VERSION)]
    model: Annotated[str, one_of(*MODELS)]
    name: ModuleName
    config: dict[str, Any]
    training: Annotated[dict[str, Annotated[Any, AfterValidator(plain)]], AfterValidator(_known)] = Field(
        default_factory=dict, max_length=200
    )
    pictures: Pictures = AS_USUAL
    held_out: list[Annotated[str, AfterValidator(_bound)]] | None = None
    class_names: list[Annotated[str, Field(max_length=100), AfterValidator(printable)]]
    test_accuracy: Annotated[float, Field(ge=0, le=100)] | None = None
    gate_fractions: list[Annotated[float, Field(ge=0, le=1)]] | None = None
    sha256: str | None = None
