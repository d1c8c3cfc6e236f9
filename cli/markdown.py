# SPDX-License-Identifier: Apache-2.0
"""Sections of a Markdown page that commands write."""

from __future__ import annotations

from pathlib import Path

from wsfracbnn.model.errors import InputError
from wsfracbnn.model.reading import read_text


def replace_section(path: Path, name: str, text: str) -> None:
    """Put `text` between `<!-- name -->` and `<!-- /name -->` of a Markdown file.

    Raises:
        InputError: no such file, or no such section in it.
    """
    page = read_text(path, "a Markdown page")
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise InputError(f"{path}: expected one section from '{begin}' to '{end}'")
    before, rest = page.split(begin)
    after = rest.split(end)[1]
    temporary = path.with_name(path.name + ".partial")
    temporary.write_text(f"{before}{begin}\n{text}\n{end}{after}", encoding="utf-8")
    temporary.replace(path)
