# SPDX-License-Identifier: Apache-2.0
"""What --help says of every command, and that it says it of all of them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wsfracbnn.cli.app import app
from wsfracbnn.gen.devices import FAMILIES, routable_devices
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.data.registry import SOURCES

COMMANDS = {
    "emit": ("Checkpoint to a self-contained folder", "--weights", "--out", "--name", "--fold", "--device", "--images"),
    "train": ("resumes from OUT.resume", "--config", "--teacher", "--start-from", "--set", *SOURCES),
    "accuracy": ("make the accuracy table", "--plan", "--jobs", "--page", "--collect-only", "--bundle"),
    "cost": ("before it is trained", "--config", "--device", "--gate-fraction", "--json"),
    "eval": ("test set", "--weights", "--data", "--images"),
    "predict": ("Classify pictures", "--weights", "--top", "--rtl", "--simulator"),
    "sim": ("every layer is compared", "--simulator", "--images", "--tests", "--waves", "--fold", "--lut-inputs"),
    "count": ("FracBNN against WSFracBNN", "--classes", "--gate-fraction", "--layers"),
    "card": ("model card", "--weights", "--out"),
    "draw": ("Draw the pipeline", "--out", "--fold"),
    "synth": ("LUTs, flip-flops, block RAMs", "--targets", "--page", "--memories", *FAMILIES),
    "report": ("self-contained HTML page", "--out", "--fold", "--family", "--results", "--cache", *FAMILIES),
    "pnr": ("Fmax, critical path", "--mhz", "--speed", "--seed", "--summary", "--bitstream", *routable_devices()),
    "explore": ("Foldings x devices x seeds", "--objective", "--scheduler", "--keep", "--at-most", *routable_devices()),
    "board": ("Verilog, pins, clock, scripts", "--weights", "--fold", "--mhz", "--baud", "--build", "--cache"),
    "run": ("compared with the integer model", "--port", "--emulate", "--window", "--patience", "--json"),
}


def text_of(arguments: list[str]) -> str:
    """What a command prints, on one line and without the frames of its boxes."""
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "200", "NO_COLOR": "1", "TERM": "dumb"})
    assert done.exit_code == 0, done.output
    return " ".join(re.sub(r"[^\x20-\x7e]", " ", re.sub(r"\x1b\[[0-9;]*m", "", done.output)).split())


def test_the_list_of_commands_is_whole() -> None:
    text = text_of(["--help"])
    assert "Train a BatchNorm-free fractional binary network" in text
    assert "--version" in text
    registered = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert registered == set(COMMANDS)
    assert all(f" {name} " in text for name in COMMANDS)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_help_names_purpose_and_options(command: str) -> None:
    text = text_of([command, "--help"])
    assert f"Usage: root {command} [OPTIONS]" in text or f"{command} [OPTIONS]" in text
    for expected in COMMANDS[command]:
        assert expected in text, expected


def test_readme_names_every_command() -> None:
    readme = (ROOT / "README.md").read_text()
    table = readme.split("| `wsfracbnn` | ")[1].split("\n\n")[0]
    assert {name for name in COMMANDS if f"`{name}`" not in table} == set()


def test_the_script_has_the_options_of_emit() -> None:
    script = ROOT / "gen" / "emit_rtl.py"
    done = subprocess.run([sys.executable, script, "--help"], capture_output=True, text=True, check=True)
    assert "Checkpoint to a self-contained folder" in done.stdout
    usage = script.read_text().split('"""')[1].splitlines()[0]
    for option in ("--weights", "--out", "--name", "--fold", "--lut-inputs"):
        assert option in done.stdout
        assert option in usage


def test_the_version_is_the_packages() -> None:
    from importlib import metadata

    assert text_of(["--version"]) == f"wsfracbnn {metadata.version('wsfracbnn')}"


def test_makefile_names_every_bundled_network() -> None:
    makefile = (ROOT / "Makefile").read_text()
    networks = "|".join(
        sorted((path.stem for path in (ROOT / "checkpoints").glob("*.pt")), key=lambda n: (n != "digits", n))
    )
    assert f"NETWORK={networks}" in makefile


def test_matplotlib_says_nothing_of_its_fonts(digits_path: Path, tmp_path: Path) -> None:
    """With an empty cache it reports that it made a list of fonts."""
    script = str(Path(sys.executable).parent / "wsfracbnn")
    command = [script, "draw", "--weights", str(digits_path), "--out", str(tmp_path / "p.png")]
    environment = {"PATH": "/usr/bin:/bin", "MPLCONFIGDIR": str(tmp_path / "empty"), "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path)
    assert "fontManager" not in done.stdout + done.stderr
    assert (tmp_path / "p.png").is_file()
