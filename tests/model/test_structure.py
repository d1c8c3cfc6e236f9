# SPDX-License-Identifier: Apache-2.0
"""net.json and net.npz that do not fit together: each is refused with its own sentence."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.random_network import random_description
from wsfracbnn.model.structure import load_description

CONFIG = NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3)
"""Stages: input, 2 to 2, 2 to 2, 2 to 4 with stride 2, 4 to 4, head."""

Edit = Callable[[dict[str, Any], dict[str, Any]], Any]
"""Of net.json's value and net.npz's arrays."""


def in_stage(number: int, **values: Any) -> Edit:
    """Other values of a stage's keys."""
    return lambda raw, arrays: raw["stages"][number].update(values)


def with_array(name: str, make: Callable[[Any], Any]) -> Edit:
    """Another array."""
    return lambda raw, arrays: arrays.update({name: make(arrays.get(name))})


def with_kinds_exchanged(raw: dict[str, Any], arrays: dict[str, Any]) -> None:
    """The head's entry and arrays in place of the input's."""
    raw["stages"][0] = raw["stages"][-1] | {"name": "input"}
    arrays.update({name.replace("head.", "input."): array for name, array in arrays.items() if name[:5] == "head."})
    for name in [name for name in arrays if name.startswith("input.") and f"head.{name[6:]}" not in arrays]:
        del arrays[name]


def without_the_head(raw: dict[str, Any], arrays: dict[str, Any]) -> None:
    """A convolution comes last."""
    del raw["stages"][-1]
    raw["stages"][-1]["name"] = "head"
    for name in [name for name in arrays if name.startswith("head.")]:
        del arrays[name]
    for name in [name for name in arrays if name.startswith("stage_04.")]:
        arrays[name.replace("stage_04.", "head.")] = arrays.pop(name)


def with_images_of_four_thousand_lines(raw: dict[str, Any], arrays: dict[str, Any]) -> None:
    raw["stages"][0].update(height=4096, width=4096, colours=2)
    arrays["input.weights"] = np.tile(arrays["input.weights"], (1, 2, 1))


def with_three_levels(raw: dict[str, Any], arrays: dict[str, Any]) -> None:
    raw["stages"][0]["levels"] = 3
    arrays["input.weights"] = arrays["input.weights"][:, :3]


def with_the_head_twice(raw: dict[str, Any], arrays: dict[str, Any]) -> None:
    raw["stages"].append(dict(raw["stages"][-1]))
    raw["stages"][-2]["name"] = "stage_05"
    arrays.update({name.replace("head.", "stage_05."): a for name, a in arrays.items() if name[:5] == "head."})


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (
            lambda raw, arrays: raw.update(residual_bits=9, residual_fraction=9),
            "key 'residual_fraction': found 9, expected less than 'residual_bits', which is 9",
        ),
        (lambda raw, arrays: arrays.update(more=np.zeros(1, np.int8)), "net.npz: array 'more' is unknown"),
        (with_kinds_exchanged, "key 'stages[0].kind': found 'head', expected 'input'"),
        (without_the_head, "key 'stages[4].kind': found 'conv', expected 'head'"),
        (with_the_head_twice, "key 'stages[5].kind': found 'head', expected a layer that stands between others"),
        (with_three_levels, "key 'stages[0].levels': found 3, expected a power of two up to 128"),
        (with_images_of_four_thousand_lines, "key 'stages[0].height': images of 33,554,432 values, expected at most"),
        (in_stage(1, height=6), "key 'stages[1].height': found 6, expected 4, as the layer before gives"),
        (lambda raw, arrays: raw["class_names"].append("one more"), "key 'class_names': found 4 names, expected 3"),
        (in_stage(1, kind=7), "key 'stages[1].kind': found 7, expected a kind of layer"),
        (in_stage(1, kind="pool"), "key 'stages[1].kind': found 'pool', expected a known kind of layer"),
        (in_stage(1, name="first"), "key 'stages[1].name': found 'first', expected 'stage_01'"),
        (
            with_array("stage_01.weights", lambda array: array[:1]),
            "net.npz: array 'stage_01.weights': found the shape (1, 2, 9), expected (2, 2, 9)",
        ),
        (
            with_array("stage_01.weights", lambda array: array.astype(np.float32)),
            "net.npz: array 'stage_01.weights': found float32, expected int8",
        ),
        (lambda raw, arrays: arrays.pop("stage_01.weights"), "net.npz: array 'stage_01.weights' is missing"),
    ],
)
def test_each_misfit_has_its_sentence(tmp_path: Path, edit: Edit, sentence: str) -> None:
    random_description(CONFIG, seed=1).save(tmp_path)
    raw = json.loads((tmp_path / "net.json").read_text())
    with np.load(tmp_path / "net.npz") as file:
        arrays = dict(file)
    edit(raw, arrays)
    (tmp_path / "net.json").write_text(json.dumps(raw))
    np.savez(tmp_path / "net.npz", **arrays)
    with pytest.raises(InputError, match=re.escape(f"{tmp_path}/net.json: {sentence}")):
        load_description(tmp_path)


def test_constants_of_another_network_are_refused(tmp_path: Path) -> None:
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        random_description(CONFIG, seed).save(tmp_path / str(seed))
    (tmp_path / "1" / "net.npz").replace(tmp_path / "2" / "net.npz")
    with pytest.raises(InputError, match=r"net\.npz does not match the key 'sha256' in net\.json"):
        load_description(tmp_path / "2")
