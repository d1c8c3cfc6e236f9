# SPDX-License-Identifier: Apache-2.0
"""Pictures from files: `predict`, by the integer model and by the Verilog, and `emit --images`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from wsfracbnn.cli.app import app
from wsfracbnn.gen.design import AcceleratorDesign, build_design
from wsfracbnn.gen.soc.wrapper import AxiWrapper
from wsfracbnn.model import golden
from wsfracbnn.model.checkpoint import Checkpoint, save_checkpoint
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.random_network import random_network

TINY = NetworkConfig(4, 4, 3, 4, (2, 4), (1, 1), 3)


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def figures(*arguments: object) -> dict[str, Any]:
    done = invoke(*arguments, "--json")
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture
def digit_files(tmp_path: Path) -> list[Path]:
    """Held-out digits as PNG, which keeps every pixel."""
    images = load_dataset("digits").test_images[:3, :, :, 0]
    files = [tmp_path / f"{number}.png" for number in range(len(images))]
    for file, image in zip(files, images, strict=True):
        Image.fromarray(image).save(file)
    return files


@pytest.fixture
def tiny_checkpoint(tmp_path: Path) -> Checkpoint:
    network = random_network(TINY, seed=3)
    checkpoint = Checkpoint("tiny", "wsfracbnn", TINY, network.state_dict(), ("cat", "dog", "cow"))
    save_checkpoint(checkpoint, tmp_path / "tiny.pt")
    return checkpoint


def test_pictures_get_the_integer_models_logits(
    digit_files: list[Path], digits_description: NetworkDescription
) -> None:
    found = figures("predict", *digit_files, "--weights", "digits", "--top", 10)
    logits, _ = golden.run_logits(digits_description, load_dataset("digits").test_images[:3])
    for prediction, file, row in zip(found["predictions"], digit_files, logits, strict=True):
        assert prediction["file"] == str(file)
        assert [entry["class"] for entry in prediction["classes"]] == np.argsort(-row, kind="stable").tolist()
        assert all(entry["logit"] == row[entry["class"]] for entry in prediction["classes"])
        assert all(entry["name"] == str(entry["class"]) for entry in prediction["classes"])


def test_a_bundled_networks_name_is_no_folders(digit_files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(digit_files[0].parent)
    Path("digits").mkdir()
    assert figures("predict", "0.png", "--weights", "digits")["network"] == "digits"


def test_a_folder_stands_for_its_pictures(digit_files: list[Path]) -> None:
    folder = digit_files[0].parent
    (folder / "notes.txt").write_text("no picture")
    (folder / ".hidden.png").write_text("none either")
    found = figures("predict", folder, "--weights", "digits")
    assert [Path(entry["file"]) for entry in found["predictions"]] == digit_files
    assert all(len(entry["classes"]) == 5 for entry in found["predictions"])


def test_the_table_names_the_class(digit_files: list[Path]) -> None:
    label = load_dataset("digits").test_labels[0]
    done = invoke("predict", digit_files[0], "--weights", "digits", "--top", 1)
    assert done.exit_code == 0, done.output
    assert f"0.png   │ {label}" in done.output


@pytest.mark.simulator
def test_the_verilog_computes_the_same(tmp_path: Path, tiny_checkpoint: Checkpoint) -> None:
    rng = np.random.default_rng(1)
    for number in range(2):
        picture = rng.integers(0, 256, (9, 7, 3), dtype=np.uint8)
        Image.fromarray(picture).save(tmp_path / f"{number}.png")
    options = ["--weights", tmp_path / "tiny.pt", "--simulator", "icarus", "--out", tmp_path / "out"]
    found = figures("predict", tmp_path / "0.png", tmp_path / "1.png", "--rtl", *options)
    assert found["computed_by"] == "icarus"
    assert found["failures"] == []
    by_model = figures("predict", tmp_path / "0.png", tmp_path / "1.png", "--weights", tmp_path / "tiny.pt")
    assert found["predictions"] == by_model["predictions"]
    assert {entry["name"] for entry in found["predictions"][0]["classes"]} == {"cat", "dog", "cow"}


@pytest.mark.simulator
def test_verilog_that_computes_something_else_fails(
    tmp_path: Path, tiny_checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wsfracbnn.gen.emission import folder

    Image.new("RGB", (4, 4), (90, 0, 200)).save(tmp_path / "a.png")
    write = folder._write_rtl

    def write_another(design: AcceleratorDesign, rtl: Path, wrapper: AxiWrapper | None) -> None:
        head = design.description.head
        other = design.description.with_layer("head", bias=head.bias + 1)
        write(build_design(other, design.folding), rtl, wrapper)

    monkeypatch.setattr(folder, "_write_rtl", write_another)
    options = ["--weights", tmp_path / "tiny.pt", "--simulator", "icarus", "--out", tmp_path / "out"]
    done = invoke("predict", tmp_path / "a.png", "--rtl", *options, "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout)["failures"] != []


@pytest.mark.parametrize("again", [["--images"], []], ids=["repeated", "as a shell expands *.png"])
def test_emit_takes_golden_vectors_from_pictures(tmp_path: Path, digit_files: list[Path], again: list[str]) -> None:
    pictures = ["--images", digit_files[0], *again, digit_files[2]]
    found = figures("emit", "--weights", "digits", *pictures, "--out", tmp_path / "o")
    with np.load(tmp_path / "o" / "vectors.npz") as vectors:
        assert np.array_equal(vectors["images"], load_dataset("digits").test_images[[0, 2]])
        assert vectors["labels"].tolist() == [-1, -1]
    assert found["name"] == "digits"


@pytest.mark.parametrize("fold", ["sequential", "sequential=2x4", "device=ice40-up5k"])
def test_emit_tells_what_one_engine_takes(tmp_path: Path, fold: str) -> None:
    out = tmp_path / "o"
    given = ("emit", "--weights", "digits", "--fold", fold, "--out", out)
    found = figures(*given)
    written = json.loads((out / "design.json").read_text())
    assert (found["cycles"], found["estimated_area"]) == (written["cycles"], written["estimated_area"])
    done = invoke(*given)
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert f"6 layers, all but the head in one engine, {found['cycles']:,} cycles an image" in said
    assert f"{found['estimated_area']['luts']:,} LUTs" in said


def test_emit_tells_the_area_of_the_device_that_was_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "o"
    done = invoke("emit", "--weights", "digits", "--device", "artix7-35t", "--out", out)
    assert done.exit_code == 0, done.output
    area = json.loads((out / "design.json").read_text())["estimated_area"]
    assert (area["family"], area["device"], area["fits"]) == ("xc7", "artix7-35t", True)
    assert json.loads((out / "fold.json").read_text())["target"] == {
        "lut_inputs": 6,
        "family": "xc7",
        "device": "artix7-35t",
    }
    assert area["share_of_device"]["luts"] == pytest.approx(area["luts"] / 20_800, abs=1e-3)
    assert f"estimated area of artix7-35t: {area['luts']:,} LUTs" in done.output
    readme = (out / "README.md").read_text()
    assert f"| the design | {area['luts']} | {area['flip_flops']} | {area['block_rams']} |" in readme
    assert "| the device has | 20800 | 41600 | 100 |" in readme


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["predict", "none.png", "--weights", "digits"], "none.png: no such file, expected a picture"),
        (["predict", "text.png", "--weights", "digits"], "text.png: not a picture in a format that can be read"),
        (["predict", "empty", "--weights", "digits"], "empty: no pictures in this folder"),
        (["run", "--emulate", "--weights", "digits", "--count", 500], "--count: found 500, expected at most the 454"),
        (["predict", "a.png", "--weights", "digits", "--fold", "fast"], "--fold: is for the Verilog, expected --rtl"),
        (
            ["predict", "a.png", "--weights", "digit"],
            "--weights: found 'digit', expected a checkpoint's file or one of ",
        ),
        (["emit", "--weights", "digits", "--images", "text.png"], "text.png: not a picture"),
        (["emit", "a.png", "--weights", "digits"], "found 'a.png', expected pictures behind --images alone"),
        (["emit", "--weights", "digits", "--device", "ecp6"], "FPGA device: found 'ecp6', expected one of"),
        (
            ["emit", "--weights", "digits", "--device", "zu3eg", "--fold", "luts=9000@ecp5"],
            "--device: found 'zu3eg', but",
        ),
        (["eval", "--weights", "digits", "--images", 455], "--images: found 455, expected at most the 454 test images"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[object], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.png").write_text("not a picture")
    (tmp_path / "empty").mkdir()
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    done = invoke(*arguments)
    assert isinstance(done.exception, InputError), done.output
    assert str(done.exception).startswith(sentence)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.png", "empty", "text.png"]
