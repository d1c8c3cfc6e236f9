# SPDX-License-Identifier: Apache-2.0
"""From a folder of pictures to a trained network, its accuracy and its answers, by commands alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from wsfracbnn.cli.app import app
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.data.preparation import Pictures
from wsfracbnn.model.data.split import held_out
from wsfracbnn.model.errors import InputError

CONFIG = """dataset = "My shades"
epochs = 12
batch_size = 10
shift = 0
[network]
image_height = 4
image_width = 4
image_channels = 1
thermometer_levels = 8
widths = [8, 16]
blocks = [1, 1]
[pictures]
fit = "pad"
keep = 0.9
test_share = 0.25
"""


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def figures(*arguments: object) -> dict[str, Any]:
    done = invoke(*arguments, "--json")
    assert done.exit_code == 0, f"{done.output}{done.exception}"
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def refusal(*arguments: object) -> str:
    done = invoke(*arguments)
    assert isinstance(done.exception, InputError), done.output
    return str(done.exception)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with 20 dark and 20 light pictures and the settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rng = np.random.default_rng(1)
    for name, shade in (("dark", 60), ("light", 190)):
        (tmp_path / "My shades" / name).mkdir(parents=True)
        for number in range(20):
            picture = np.clip(rng.normal(shade, 20, (9, 12)), 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / "My shades" / name / f"{number}.png")
    (tmp_path / "a.toml").write_text(CONFIG)
    return tmp_path


def test_from_pictures_to_answers(folder: Path) -> None:
    trained = figures("train", "--config", "a.toml", "--data", "My shades")  # the same folder, as other commands need
    assert trained["name"] == "my_shades"
    checkpoint = load_checkpoint(folder / "build" / "my_shades.pt")
    assert checkpoint.class_names == ("dark", "light")
    assert checkpoint.training["dataset"] == "My shades/"
    assert checkpoint.pictures == Pictures(fit="pad", keep=0.9, test_share=0.25)
    assert checkpoint.held_out is not None
    weights = ["--weights", "build/my_shades.pt"]
    measured = figures("eval", *weights, "--data", "My shades")
    assert measured["images"] == 10
    assert measured["top1"] == pytest.approx(trained["test_accuracy"], abs=1e-3)
    assert measured["top1"] >= 90
    for name in ("dark", "light"):
        for number in range(20):
            picture = (folder / "My shades" / name / f"{number}.png").read_bytes()
            (folder / "My shades" / name / f"copy {number}.png").write_bytes(picture)
    later = figures("eval", *weights, "--data", "My shades")["images"]
    figures(
        "train", "--config", "a.toml", "--start-from", "build/my_shades.pt", "--out", "build/more.pt", "--epochs", "1"
    )
    assert load_checkpoint(folder / "build" / "more.pt").held_out == checkpoint.held_out
    another = ["--set", "pictures.split_seed=2", "--out", "build/other.pt"]
    assert refusal("train", "--config", "a.toml", "--teacher", "build/my_shades.pt", *another).startswith(
        "setting 'pictures.split_seed': found 2, but build/my_shades.pt ('teacher') was trained with 1; expected the"
    )
    kept = zip(checkpoint.class_names, checkpoint.held_out, strict=True)
    expected = [
        held_out([file.name for file in (folder / "My shades" / name).iterdir()], checkpoint.pictures, bound).sum()
        for name, bound in kept
    ]
    assert later == sum(expected)
    assert 10 < later < 40
    answers = figures("predict", "My shades/dark/0.png", "My shades/light/0.png", *weights)
    assert [found["classes"][0]["name"] for found in answers["predictions"]] == ["dark", "light"]
    assert refusal("eval", *weights).startswith("--data: missing, expected the folder or .npz file of 'My shades/'")
    (folder / "My shades" / "dark").rename(folder / "My shades" / "black")
    sentence = "My shades: found the classes black, light, expected dark, light"
    assert refusal("eval", *weights, "--data", "My shades") == sentence


def test_what_does_not_go_together_is_refused(folder: Path) -> None:
    assert refusal("train", "--config", "a.toml", "--data", "x").startswith(
        "--data: found 'x', but --dataset is 'My shades' itself"
    )
    assert refusal("train", "--config", "a.toml", "--bad-pictures", "eat").startswith("--bad-pictures: found 'eat'")
    (folder / "My shades" / "dark" / "bad.jpg").write_text("none")
    assert "bad.jpg: not a picture" in refusal("train", "--config", "a.toml")
    assert not (folder / "build" / "my_shades.pt").exists()
    found = figures("train", "--config", "a.toml", "--bad-pictures", "skip", "--epochs", 1)
    assert found["name"] == "my_shades"


def test_the_shapes_cost_is_for_the_folders_classes(folder: Path) -> None:
    found = figures("cost", "--config", "a.toml", "--device", "ecp5-25f", "--fold", "small")
    assert found["config"]["classes"] == 2
