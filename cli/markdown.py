# SPDX-License-Identifier: Apache-2.0
"""Sections of a Markdown page that commands write."""

from __future__ import annotations

from pathlib import Path

from wsfracbnn.model.errors import InputError


def replace_section(path: Path, name: str, text: str) -> None:
    """Put `text` between `<!-- name -->` and `<!-- /name -->` of a Markdown file."""
    page = path.read_text()
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if page.count(begin) != 1 or page.count(end) != 1:
        raise InputError(f"{path}: expected one section from '{begin}' to '{end}'")
    before, rest = page.split(begin)
    after = rest.split(end)[1]
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")
