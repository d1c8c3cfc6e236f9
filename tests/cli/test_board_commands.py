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
from wsfracbnn.gen.boards import toolchain
from wsfracbnn.gen.boards.toolchain import Bitstream
from wsfracbnn.gen.synthesis.yosys import Area
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


def test_a_yosys_that_does_not_run_is_a_sentence(
    digits_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "arty"
    for program in ("/nowhere/yosys", "/bin/false"):
        monkeypatch.setenv("YOSYS", program)
        done = CliRunner().invoke(app, ["board", "arty-a7-35", "--weights", str(digits_path), "--out", str(out)])
        assert isinstance(done.exception, InputError)
        assert str(done.exception).startswith(f"YOSYS: found '{program}', which does not run; expected Yosys")
    assert not out.exists()


def test_board_puts_the_bitstream_into_the_project_and_takes_an_old_one_away(
    digits_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "ulx3s"
    area = Area(luts=9_000, flip_flops=8_000, block_rams=30, lut_ram_cells=0, dsps=0, cells={}, seconds=1.0)
    made = Bitstream("top.bit", b"\x00bits", area, 101.5, {"TRELLIS_COMB": (9_000, 24_288)}, 1.0)
    monkeypatch.setattr(toolchain, "make_bitstream", lambda project, cache, report: made)
    monkeypatch.setattr(toolchain, "require_tools", lambda project: None)
    command = ["board", "ulx3s-25f", "--weights", str(digits_path), "--out", str(out), "--cache", str(tmp_path / "c")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "clock: 75 MHz, routed for 101.5 MHz" in done.output
    assert (out / "top.bit").read_bytes() == b"\x00bits"
    assert "top.bit" in (out / "manifest.sha256").read_text()
    done = CliRunner().invoke(app, [*command, "--no-build"])
    assert done.exit_code == 0, done.output
    assert not (out / "top.bit").exists()
    (out / "top.lpf").write_text("my pins")
    done = CliRunner().invoke(app, command)
    assert isinstance(done.exception, InputError)
    assert "changed since it was emitted, or not emitted: top.lpf" in str(done.exception)
    assert not (out / "top.bit").exists()
    done = CliRunner().invoke(app, [*command, "--force"])
    assert done.exit_code == 0, done.output
    assert (out / "top.lpf").read_text() != "my pins"


def test_board_tries_its_folder_before_the_work(digits_path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for option in ("--out", "--cache"):
        command = ["board", "ulx3s-25f", "--weights", str(digits_path), "--out", str(tmp_path / "new")]
        done = CliRunner().invoke(app, [*command, option, str(tmp_path / "file")])
        assert isinstance(done.exception, InputError)
        assert "is a file, expected a" in str(done.exception)
        assert not (tmp_path / "new").exists()


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
    arguments = ["run", "--emulate", "--weights", str(digits_path), "--results", str(results), *files]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    assert "3 equal the integer model's results" in done.output
    found = json.loads(results.read_text())["results"]
    assert [entry["logits"] for entry in found] == run(digits_description, images).logits.tolist()
    assert [entry["image"] for entry in found] == files


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--port: missing, expected a serial port, or --emulate without one"),
        (
            ["--emulate", "--port", "/dev/null"],
            "--port: found --port /dev/null and --emulate, expected a serial port, or --emulate without one",
        ),
        (["--emulate", "--results", "{here}"], "is a folder, expected the name of a file"),
        (["--emulate", "--count", "3", "{here}/text.png"], "--count: expected without pictures, it is for test images"),
        (["--emulate", "--data", "{here}", "{here}/text.png"], "--data: expected without pictures"),
        (["--emulate", "--window", "9"], "--window: found 9, expected 1 to 4, the replies that a board holds"),
        (["--emulate", "{here}/none.png"], "none.png"),
        (["--emulate", "{here}/text.png"], "text.png: not a picture in a format that can be read"),
        (["--port", "{here}/text.png"], "found no serial line that can be used"),
    ],
)
def test_run_refuses(arguments: list[str], message: str, digits_path: Path, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    given = [argument.replace("{here}", str(tmp_path)) for argument in arguments]
    done = CliRunner().invoke(app, ["run", "--weights", str(digits_path), *given])
    assert isinstance(done.exception, InputError)
    assert message in str(done.exception)
