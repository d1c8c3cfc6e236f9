# SPDX-License-Identifier: Apache-2.0
"""Commands and code that the pages show but no test runs: their options are there, and the code is Python."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from wsfracbnn.cli.app import app
from wsfracbnn.gen.locations import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS: dict[str, Any] = getattr(typer.main.get_command(app), "commands")  # noqa: B009  # of whichever click it is
SHOWN = re.compile(r"^(?:    |\$ )(?:\.venv/bin/)?wsfracbnn (?P<words>[a-z](?:\\\n|.)*)", re.MULTILINE)
PYTHON = re.compile(r"^```python.*\n((?:.*\n)*?)```$", re.MULTILINE)


def shown(page: Path) -> Iterator[list[str]]:
    """The words after `wsfracbnn` of each command on a page."""
    for command in SHOWN.finditer(page.read_text()):
        yield shlex.split(command["words"].replace("\\\n", " "), comments=True)


def options_of(name: str) -> set[str]:
    return {option for parameter in COMMANDS[name].params for option in (*parameter.opts, *parameter.secondary_opts)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_shows_options_that_there_are(page: Path) -> None:
    for name, *words in shown(page):
        assert name in COMMANDS, name
        given = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert given - options_of(name) == set(), f"{name} {' '.join(words)}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_code_on_a_page_is_python(page: Path) -> None:
    for block in PYTHON.finditer(page.read_text()):
        compile(block[1], str(page), "exec")


def test_the_commands_are_found() -> None:
    names = {words[0] for page in PAGES for words in shown(page)}
    assert names > {"cost", "train", "eval", "predict", "emit", "sim", "explore", "board", "run", "report"}
    (cluster,) = [words for words in shown(ROOT / "docs" / "explore-kubernetes.md") if words[0] == "explore"]
    assert cluster[-4:] == ["--scheduler", "tcp://localhost:8786", "--patience", "600"]
