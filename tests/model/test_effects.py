# SPDX-License-Identifier: Apache-2.0
"""Settings that change nothing are named, those that ask for nothing are not; the project's own all have an effect."""

from __future__ import annotations

from typing import Any

import pytest

from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.training.effects import without_effect
from wsfracbnn.model.training.settings import make_run, read_toml


@pytest.mark.parametrize(
    ("values", "sentences"),
    [
        ({}, []),
        ({"distill_views": 4, "temperature": 2.0}, ["settings 'temperature', 'distill_views': no effect, as there is"]),
        ({"distill_views": 4, "teacher": "t.pt"}, []),
        ({"distill_views": 0}, []),
        ({"momentum": 0.5}, ["setting 'momentum': no effect, as the optimizer is not sgd"]),
        ({"momentum": 0.5, "optimizer": "sgd"}, []),
        ({"mix_alpha": 0.5}, ["setting 'mix_alpha': no effect, as no images are mixed"]),
        ({"mix_alpha": 0.5, "mix": "cutmix"}, []),
        ({"agc": 0.1, "model": "fracbnn"}, ["setting 'agc': no effect, as the model is not wsfracbnn"]),
        ({"agc": 0.0, "model": "fracbnn"}, []),
        ({"gate_target": 0.3, "gate_weight": 0.0}, ["setting 'gate_target': no effect, as gate_weight is 0"]),
        ({"gate_weight": 2.0, "model": "resnet"}, ["setting 'gate_weight': no effect, as the model has neither"]),
        ({"gate_start": 1.0, "start_from": "a.pt"}, ["setting 'gate_start': no effect, as the thresholds"]),
        ({"gate_start": 1.0, "model": "fracbnn_matched"}, []),
        ({"binary_weight_decay": 0.0, "binary_from": 1.0}, ["setting 'binary_weight_decay': no effect"]),
        (
            {"binary_from": 0.4, "model": "resnet"},
            ["setting 'binary_from': no effect, as the model's weights stay real"],
        ),
        ({"binary_from": 0.0, "model": "resnet"}, []),
    ],
)
def test_sentences(values: dict[str, Any], sentences: list[str]) -> None:
    found = without_effect(make_run(values), values)
    assert len(found) == len(sentences)
    for sentence, start in zip(found, sentences, strict=True):
        assert sentence.startswith(start)


@pytest.mark.parametrize("path", [*sorted((ROOT / "configs").glob("cifar*.toml")), ROOT / "configs" / "digits.toml"])
def test_the_projects_own_settings_have_an_effect(path: Any) -> None:
    """Only a teacher is missing in them: it is named on the command line."""
    values = read_toml(path)
    if "temperature" in values:
        values["teacher"] = "teacher.pt"
    assert without_effect(make_run(values), values) == []
