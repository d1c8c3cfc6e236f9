# SPDX-License-Identifier: Apache-2.0
"""What commands print: text from outside is shown as it is, neither markup nor commands to a terminal."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from rich.table import Table

from wsfracbnn.cli.console import PlainFormatter, console


@pytest.mark.parametrize("text", ["written to a[/b].svg", "[bold]", "x[/]", ":smile:", "[link=a]b[/link]"])
def test_markup_is_text(text: str) -> None:
    with console.capture() as capture:
        console.print(text, Path(text))
        console.print(Table(text, title=text))
    assert capture.get().count(text) >= 3


def test_control_characters_are_escaped_and_lines_stay() -> None:
    with console.capture() as capture:
        console.print("a\x1b[2Jb\nc\x07")
    assert capture.get() == "a\\x1b[2Jb\nc\\x07\n"


def test_log_lines_are_escaped() -> None:
    record = logging.LogRecord("wsfracbnn", logging.INFO, "", 1, "%s\nread", ("a\x1b[2J",), None)
    assert PlainFormatter("%(message)s").format(record) == "a\\x1b[2J\nread"


@pytest.mark.parametrize("arguments", [["count"], ["count", "--json"]])
def test_a_full_disk_behind_standard_output_is_a_sentence(arguments: list[str]) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "wsfracbnn.cli", *arguments]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "error: standard output: cannot be written (No space left on device)"
    assert "Traceback" not in done.stderr
