# SPDX-License-Identifier: Apache-2.0
"""Settings: read from TOML, refused in one sentence, all documented; and the schedules they name."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.training.schedules import learning_rate
from wsfracbnn.model.training.settings import TrainConfig, make_run, parse_assignments, read_toml


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"optimizer": "lion"}, "setting 'optimizer': found 'lion'"),
        ({"epochs": 0}, "setting 'epochs': found 0, expected at least 1"),
        ({"mix": "blend"}, "setting 'mix': found 'blend', expected none or mixup or cutmix"),
        ({"ema": 1.0}, "setting 'ema': found 1.0"),
        ({"binary_from": 2.0}, "setting 'binary_from': found 2.0"),
    ],
)
def test_impossible_settings_are_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        dataclasses.replace(TrainConfig(), **changes)  # type: ignore[arg-type]


def test_schedules() -> None:
    cosine = TrainConfig(epochs=100, binary_from=0.4, learning_rate=1.0, warmup_epochs=2)
    assert learning_rate(cosine, 0.0) < 0.01
    assert learning_rate(cosine, 2.0) == pytest.approx(1.0, abs=0.01)
    assert learning_rate(cosine, 39.99) == pytest.approx(0.1, abs=0.01)
    assert learning_rate(cosine, 99.99) < 1e-4
    step = dataclasses.replace(cosine, schedule="step", warmup_epochs=0, binary_from=0.5)
    rates = [learning_rate(step, e) for e in (0, 25, 49.99, 50, 69.9, 70, 80, 90)]
    assert rates == pytest.approx([1, 0.5, 0.0002, 1, 1, 0.1, 0.01, 0.001], abs=1e-4)


def test_settings_are_read_from_toml_and_overridden(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('dataset = "cifar100"\narch = "resnet20"\nepochs = 7\nagc = 1\n')
    values = read_toml(tmp_path / "a.toml") | parse_assignments(["epochs=9", "mix=mixup", "flip=true"])
    run = make_run(values)
    assert (run.dataset, run.settings.epochs, run.settings.mix, run.settings.flip) == ("cifar100", 9, "mixup", True)
    assert run.settings.agc == 1.0
    assert str(run.checkpoint_path) == "build/cifar100.pt"


@pytest.mark.parametrize(
    "text, message",
    [
        ("epoch = 3", "key 'epoch' is unknown, expected one of agc, arch"),
        ("epochs = 3.5", "key 'epochs': found 3.5, expected an integer"),
        ("flip = 1", "key 'flip': found 1, expected true or false"),
        ("arch = 'vgg'", "key 'arch': found 'vgg', expected digits or resnet20"),
        ("epochs = ", "not a TOML file of settings"),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(InputError, match=message):
        make_run(read_toml(tmp_path / "a.toml"))


def test_the_documentation_lists_every_setting_with_its_default() -> None:
    page = (ROOT / "docs" / "training.md").read_text()
    for field in dataclasses.fields(TrainConfig):
        row = re.search(rf"^\| `{field.name}` \| (\S+) \| \S", page, re.MULTILINE)
        assert row is not None, field.name
        (value,) = parse_assignments([f"{field.name}={row[1]}"]).values()
        assert value == field.default, field.name
