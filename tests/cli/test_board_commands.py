# SPDX-License-Identifier: Apache-2.0
"""The commands `board` and `run`, the latter against an emulated board."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from wsfracbnn.cli.app import app
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.golden import run


def test_board_writes_a_vivado_project(digits_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "arty"
    done = CliRunner().invoke(app, ["board", "arty-a7-35", "--weights", str(digits_path), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "build it with Vivado" in done.output
    assert "xc7a35ticsg324-1L" in (out / "top.tcl").read_text()
    assert "digits_board" in (out / "top.v").read_text()
    assert json.loads((out / "board.json").read_text())["clock_mhz"] == 100


def test_run_compares_pictures_with_the_integer_model(
    digits_path: Path, digits_description: NetworkDescription, tmp_path: Path
) -> None:
    generator = np.random.default_rng(4)
    images = generator.integers(0, 256, (3, 8, 8, 1), dtype=np.uint8)
    files = []
    for number, image in enumerate(images):
        files.append(str(tmp_path / f"{number}.png"))
        Image.fromarray(image[:, :, 0]).save(files[-1])
    results = tmp_path / "results.json"
    arguments = ["run", "--emulate", "--weights", str(digits_path), "--json", str(results), *files]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    assert "3 equal the integer model's results" in done.output
    found = json.loads(results.read_text())["results"]
    assert [entry["logits"] for entry in found] == run(digits_description, images).logits.tolist()
    assert [entry["image"] for entry in found] == files


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--port: expected a serial port, or --emulate without one"),
        (["--emulate", "--port", "/dev/null"], "--port: expected a serial port, or --emulate without one"),
        (["--emulate", "--window", "9"], "--window: found 9, expected 1 to 4, the replies that a board holds"),
        (["--emulate", "{here}/none.png"], "none.png: found no picture that can be read"),
        (["--emulate", "{here}/text.png"], "text.png: found no picture that can be read"),
        (["--port", "{here}/text.png"], "found no serial line that can be used"),
    ],
)
def test_run_refuses(arguments: list[str], message: str, digits_path: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    given = [argument.replace("{here}", str(tmp_path)) for argument in arguments]
    done = CliRunner().invoke(app, ["run", "--weights", str(digits_path), *given])
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)
