# SPDX-License-Identifier: Apache-2.0
"""Settings: read from TOML, refused in one sentence, all documented; and the schedules they name."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.config import NetworkConfig, NetworkTable
from wsfracbnn.model.data.preparation import Pictures
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.training.schedules import learning_rate
from wsfracbnn.model.training.settings import TrainConfig, combined, make_run, parse_assignments, read_toml


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
    gentle = dataclasses.replace(cosine, binary_rate=0.25)
    assert learning_rate(dataclasses.replace(cosine, binary_from=1.0), 99.99) < 1e-4
    assert learning_rate(gentle, 39.99) == learning_rate(cosine, 39.99)
    assert learning_rate(gentle, 70.0) == pytest.approx(0.25 * learning_rate(cosine, 70.0))
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


NETWORK = """epochs = 3
[network]
image_height = 12
image_width = 8
image_channels = 3
widths = [8, 16]
blocks = [1, 2]
residual_alpha = 0.25
"""


def test_a_table_describes_a_network_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(NETWORK)
    run = make_run(read_toml(tmp_path / "a.toml"))
    assert run.config(5) == NetworkConfig(12, 8, 3, 32, (8, 16), (1, 2), 5, residual_alpha=0.25)
    assert run.record()["arch"] == "own"
    assert run.settings.epochs == 3


def test_one_key_of_the_table_is_overridden(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(NETWORK)
    overridden = parse_assignments(["network.blocks=[3, 1]", "network.thermometer_levels=16", "epochs=4"])
    run = make_run(combined(read_toml(tmp_path / "a.toml"), overridden))
    assert run.config(5) == NetworkConfig(12, 8, 3, 16, (8, 16), (3, 1), 5, residual_alpha=0.25)
    assert run.settings.epochs == 4


@pytest.mark.parametrize(
    "old, new, message",
    [
        ("[8, 16]", "[8, 15]", r"\[network\]: config key 'widths': found \(8, 15\), expected .* each twice"),
        (
            "image_width = 8",
            "image_width = 7",
            r"\[network\]: config key 'image_width': found 7, expected a multiple of 2",
        ),
        ("blocks = [1, 2]", "blocks = 3", r"key 'network.blocks': found 3, expected a list"),
        ("image_height = 12", "", r"key 'network.image_height' is missing"),
        ("residual_alpha", "alpha", r"key 'network.alpha' is unknown, expected one of blocks, image_channels"),
        ("[network]", "width = 4\n[network]", r"setting 'width': found 4 beside the table \[network\]"),
        ("residual_alpha = 0.25", "residual_bits = 7", r"key 'network.residual_bits': found 7, expected at least 8"),
        (NETWORK, "network = 3", r"key 'network': found 3, expected a table of keys"),
    ],
)
def test_a_table_that_is_wrong_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    (tmp_path / "a.toml").write_text(NETWORK.replace(old, new))
    with pytest.raises(InputError, match=f"a.toml: {message}"):
        read_toml(tmp_path / "a.toml")


def test_the_documentation_lists_every_key_of_the_tables() -> None:
    training, pictures = ((ROOT / "docs" / name).read_text() for name in ("training.md", "pictures.md"))
    for key in NetworkTable.model_fields:
        assert re.search(rf"^\| .*`{key}`.*\|.*\| \S", training, re.MULTILINE), key
    for key, field in Pictures.model_fields.items():
        row = re.search(rf"^\| `{key}` \| (\S+) \| \S", pictures, re.MULTILINE)
        assert row is not None, key
        assert row[1] == (f"{field.default:g}" if isinstance(field.default, float) else str(field.default))
