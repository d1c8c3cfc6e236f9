# SPDX-License-Identifier: Apache-2.0
"""What the site is built from: pages and their places, and docstrings. What it is built with is not needed."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.site import build
from wsfracbnn.gen.locations import ROOT


@pytest.fixture
def staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with all pages, the notebook's as an empty one."""
    pages = tmp_path / "pages"
    monkeypatch.setattr(build, "PAGES", pages)
    monkeypatch.setattr(build, "PYTHON", tmp_path / "python")
    build.stage(write_notebook=lambda page: page.touch())
    return pages


def test_each_page_has_its_place_and_each_place_its_page(staged: Path) -> None:
    build.require_complete_navigation(ROOT / "zensical.toml")
    (staged / "more.md").touch()
    with pytest.raises(SystemExit, match=r"^zensical.toml: nav lacks \['more.md'\], and has no page for \[\]$"):
        build.require_complete_navigation(ROOT / "zensical.toml")


def test_the_reference_is_made_of_the_package_and_the_commands(staged: Path) -> None:
    assert "::: wsfracbnn.gen.sequential.design" in (staged / "reference" / "gen.sequential.md").read_text()
    assert "wsfracbnn explore" in (staged / "reference" / "commands.md").read_text()
    assert "](contributing.md#tests)" in (staged / "verification.md").read_text()


def documented(file: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Of each argument that a docstring explains: where, its name, and those that the function has."""
    for node in ast.walk(ast.parse(file.read_text())):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        _, _, section = (ast.get_docstring(node) or "").partition("Args:\n")
        names = [argument.arg for argument in ast.walk(node.args) if isinstance(argument, ast.arg)]
        for line in itertools.takewhile(lambda line: line.startswith("    "), section.splitlines()):
            if found := re.match(r"    (\S[^:]*):", line):
                yield f"{file.relative_to(ROOT)}:{node.lineno} {node.name}", found[1], names


def test_docstrings_explain_arguments_that_there_are() -> None:
    """What the reference is made with warns of others, and a warning ends `make docs`."""
    found = [
        entry for folder in ("model", "gen") for file in (ROOT / folder).rglob("*.py") for entry in documented(file)
    ]
    assert len(found) > 100
    assert [f"{where}: {name}" for where, name, names in found if name not in names] == []
