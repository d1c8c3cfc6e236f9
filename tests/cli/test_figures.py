# SPDX-License-Identifier: Apache-2.0
"""`--json` on every command that prints figures; the command started in other ways, and its completion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from wsfracbnn.cli.app import app
from wsfracbnn.cli.console import console
from wsfracbnn.cli.figures import CheckFailedError, Figures, with_json

WITHOUT_FIGURES = {"card", "draw", "report"}


def figures(*arguments: object) -> Any:
    done = CliRunner().invoke(app, [*map(str, arguments), "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert done.stderr != "" or arguments[0] == "cost"
    return json.loads(done.stdout)


def test_every_command_with_figures_has_the_option() -> None:
    for command in app.registered_commands:
        name = command.name or str(getattr(command.callback, "__name__", ""))
        text = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"}).output
        assert ("--json" in text) != (name in WITHOUT_FIGURES), name


def test_eval_and_count_give_what_their_tables_show() -> None:
    found = figures("eval", "--weights", "digits")
    assert found["top1"] == pytest.approx(98.68, abs=0.01)
    assert found["images"] == 454
    assert list(found["gates_open"]) == ["stage_01", "stage_02", "stage_03", "stage_04"]
    networks = figures("count")["networks"]
    assert networks["WSFracBNN"]["total"]["msb"] == 54_263_808
    loads = [layer["load"] for layer in networks["FracBNN"]["layers"]]
    assert sum(loads) == pytest.approx(networks["FracBNN"]["total"]["load"])


def test_train_gives_what_it_reached(tmp_path: Path) -> None:
    found = figures("train", "--epochs", 1, "--out", tmp_path / "a.pt", "--name", "quick")
    assert found["name"] == "quick"
    assert Path(found["checkpoint"]).is_file()
    assert 10 < found["test_accuracy"] <= 100


def test_a_failed_check_prints_its_figures_and_exits_with_1() -> None:
    broken = typer.Typer()

    def check() -> Figures:
        console.print("a table")
        raise CheckFailedError({"mismatches": 3})

    broken.command()(with_json(check))
    done = CliRunner().invoke(broken, ["--json"])
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {"mismatches": 3}
    assert done.stderr == "a table\n"
    assert CliRunner().invoke(broken, []).stdout == "a table\n"


@pytest.mark.parametrize("module", ["wsfracbnn", "wsfracbnn.cli"])
def test_the_package_is_a_command(module: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("wsfracbnn ")


def completions(line: str) -> list[str]:
    """What bash offers for the last word of a command line."""
    environment = {"_WSFRACBNN_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    script = str(Path(sys.executable).parent / "wsfracbnn")
    return subprocess.run([script], capture_output=True, text=True, env=os.environ | environment).stdout.split()


def test_a_shell_completes_commands_and_options() -> None:
    assert completions("wsfracbnn pre") == ["predict"]
    assert completions("wsfracbnn predict --si") == ["--simulator"]


@pytest.mark.parametrize(
    "line, expected",
    [
        ("emit --weights d", ["digits"]),
        ("eval --weights cifar100", ["cifar100", "cifar100_wide"]),
        ("sim --weights dig", ["digits"]),
        ("pnr --weights dig", ["digits"]),
        ("count --weights dig", ["digits"]),
        ("report dig", ["digits"]),
        ("emit --weights build/mine", []),  # then the shell completes files
        ("train --config dig", ["digits", "digits-fracbnn"]),
        ("cost --config accuracy", []),  # plans of runs
        ("accuracy --plan accuracy-32", ["accuracy-32"]),
        ("train --dataset f", ["fashion_mnist"]),
        ("emit --device ecp5-8", ["ecp5-85f"]),
        ("cost --device ice", ["ice40-up5k"]),
        ("sim --fold s", ["sequential", "small"]),
        ("board icebr", ["icebreaker"]),
    ],
)
def test_a_shell_completes_names(line: str, expected: list[str]) -> None:
    assert completions(f"wsfracbnn {line}") == expected
