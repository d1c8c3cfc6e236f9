# SPDX-License-Identifier: Apache-2.0
"""docs/import.md: its example runs and gives what training begins with; the survey's verdicts on single operators."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.onnx_survey import Operator, counterpart, survey
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.training.fine_tune import begin_with

(EXAMPLE,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/import.md").read_text(), re.DOTALL)


def test_the_example_copies_filters_whose_shape_agrees(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "checkpoints").symlink_to(ROOT / "checkpoints")
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(1)
    foreign = [generator.normal(size=(16, 16, 3, 3)), generator.normal(size=(8, 16, 3, 3))]
    exec(EXAMPLE, {"foreign": foreign})
    made, before = load_checkpoint(tmp_path / "start.pt"), load_checkpoint(ROOT / "checkpoints/digits.pt")
    first, second = (f"stages.{number}.gated.conv.weight" for number in (0, 1))
    assert torch.equal(made.state[first] > 0, torch.as_tensor(foreign[0]) >= 0)
    assert not torch.equal(made.state[first], before.state[first])
    assert torch.equal(made.state[second], before.state[second])
    network = made.network()
    begin_with(network, tmp_path / "start.pt")
    weight = network.state_dict()[first]
    assert torch.equal(weight > 0, torch.as_tensor(foreign[0]) >= 0)


PADDED = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}


@pytest.mark.parametrize(
    "operator, there",
    [
        (Operator("Conv", PADDED), True),
        (Operator("Conv", PADDED | {"pads": [0, 0, 0, 0]}), False),
        (Operator("Conv", PADDED | {"kernel_shape": [1, 1]}), False),
        (Operator("BipolarQuant", {}), True),
        (Operator("Quant", {}, bits=2), True),
        (Operator("Quant", {}, bits=4), False),
        (Operator("BatchNormalization", {}), False),
        (Operator("Softmax", {}), False),
    ],
)
def test_what_the_survey_finds(operator: Operator, there: bool) -> None:
    assert counterpart(operator)[0] is there


def test_operators_of_one_kind_are_counted_by_what_becomes_of_them() -> None:
    rows = survey(
        iter([Operator("Conv", PADDED), Operator("Conv", PADDED), Operator("Conv", PADDED | {"pads": [0] * 4})])
    )
    assert [(kind, count, there) for kind, count, there, _ in rows] == [("Conv", 2, True), ("Conv", 1, False)]
