# SPDX-License-Identifier: Apache-2.0
"""The command line as a user meets it: what it prints, writes and ends with."""

from __future__ import annotations

import contextlib
import io
import json
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from unittest import mock

import pytest

from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.checkpoint import load_checkpoint

COMMAND = [str(Path(sys.executable).parent / "wsfracbnn")]
SCRIPT = [sys.executable, str(ROOT / "gen" / "emit_rtl.py")]


def run(command: list[str], folder: Path, *, own_process: bool = False) -> subprocess.CompletedProcess[str]:
    """A command in that folder: in a process of its own, or in this one, where PyTorch is loaded already."""
    if own_process:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True)
    arguments = command[command.index(SCRIPT[1]) :] if SCRIPT[1] in command else command
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.object(sys, "argv", arguments),
    ):
        try:
            runpy.run_path(arguments[0], run_name="__main__")
        except SystemExit as end:
            code = int(end.code or 0)
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())


@pytest.mark.parametrize("command", [SCRIPT, [*COMMAND, "emit"]])
def test_emit_writes_the_named_folder(digits_path: Path, tmp_path: Path, command: list[str]) -> None:
    done = run(
        [*command, "--weights", str(digits_path), "--out", "here", "--name", "mine", "--fold", "small"],
        tmp_path,
        own_process=True,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "here" / "rtl" / "mine_top.v").is_file()
    for word in ("stage_04", "ROM bits", "SIMD", "head"):
        assert word in done.stdout


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--weights", "no.pt"], "error: no.pt: no such file"),
        (["--weights", "DIGITS", "--name", "9lives"], "error: --name: found '9lives', expected up to 64 lower-case"),
        (["--weights", "DIGITS", "--fold", "no.json"], "error: no.json: no such file"),
        (["--weights", "DIGITS", "--out", "file"], "error: file: is a file, expected a new or emitted folder"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    digits_path: Path, tmp_path: Path, arguments: list[str], sentence: str
) -> None:
    (tmp_path / "file").write_text("mine")
    command = [*SCRIPT, *(str(digits_path) if a == "DIGITS" else a for a in arguments)]
    done = run(command, tmp_path, own_process="no.pt" in arguments)
    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_eval_reports_what_the_checkpoint_says(digits_path: Path, tmp_path: Path) -> None:
    done = run([*COMMAND, "eval", "--weights", str(digits_path)], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "top-1 98.68 %" in done.stdout


def test_count_prints_both_networks_and_the_ratio(digits_path: Path, tmp_path: Path) -> None:
    done = run([*COMMAND, "count", "--layers"], tmp_path)
    assert done.returncode == 0, done.stderr
    for text in ("54,263,808", "14,155,776", "BatchNorm", "load of WSFracBNN: 43."):
        assert text in done.stdout
    assert run([*COMMAND, "count", "--weights", str(digits_path)], tmp_path).returncode == 0


def test_train_writes_a_checkpoint_that_emits(tmp_path: Path) -> None:
    done = run([*COMMAND, "train", "--epochs", "1", "--out", "net.safetensors", "--name", "quick"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert run([*COMMAND, "emit", "--weights", "net.safetensors"], tmp_path).returncode == 0
    assert (tmp_path / "build" / "quick" / "quick.core").is_file()
    done = run([*COMMAND, "train", "--epochs", "1", "--out", "on.pt", "--start-from", "net.safetensors"], tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = (load_checkpoint(tmp_path / name) for name in ("net.safetensors", "on.pt"))
    assert (second.test_accuracy or 0) > (first.test_accuracy or 0)
    done = run([*COMMAND, "train", "--width", "8", "--out", "wide.pt", "--start-from", "net.safetensors"], tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith("error: net.safetensors: config key 'widths': found [")
    assert not (tmp_path / "wide.pt").exists()


@pytest.mark.simulator
def test_sim_writes_the_summary(digits_path: Path, tmp_path: Path) -> None:
    arguments = ["--weights", str(digits_path), "--simulator", "icarus", "--images", "2", "--out", "out"]
    done = run([*COMMAND, "sim", *arguments, "--tests", "bit_exact"], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bit-exact: 2 images in icarus" in done.stdout.splitlines()[-1]
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["network"] == "digits"
    assert summary["accuracy"] >= 97
    assert summary["layers"] == 6
    icarus = summary["simulators"]["icarus"]
    assert icarus["images"] == 2
    assert icarus["mismatches"] == 0
    assert icarus["cycles_per_image"] > 1000


def test_a_settings_file_gives_defaults_that_options_override(tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text('epochs = 9\nname = "fromfile"\nbatch_size = 256\n')
    done = run([*COMMAND, "train", "--config", "run.toml", "--epochs", "1", "--out", "net.pt"], tmp_path)
    assert done.returncode == 0, done.stderr
    checkpoint = load_checkpoint(tmp_path / "net.pt")
    assert checkpoint.name == "fromfile"
    assert checkpoint.training["epochs"] == 1
    assert checkpoint.training["batch_size"] == 256


@pytest.mark.parametrize(
    "text, sentence",
    [
        ("epoch = 3", "error: run.toml: key 'epoch' is unknown"),
        ("epochs = ", "error: run.toml: not a TOML file"),
        ('optimizer = "lion"', "error: run.toml: key 'optimizer': found 'lion'"),
    ],
)
def test_a_wrong_settings_file_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "run.toml").write_text(text)
    done = run([*COMMAND, "train", "--config", "run.toml"], tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(sentence)
    assert [p.name for p in tmp_path.iterdir()] == ["run.toml"]


def test_the_bundled_settings_are_those_of_the_bundled_checkpoint(digits_path: Path) -> None:
    settings = tomllib.loads((ROOT / "configs" / "digits.toml").read_text())
    training = load_checkpoint(digits_path).training
    assert {key: training[key] for key in settings if key in training} == {
        key: value for key, value in settings.items() if key in training
    }
    assert set(settings) - set(training) == {"arch", "model"}
