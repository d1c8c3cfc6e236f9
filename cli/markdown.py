# SPDX-License-Identifier: Apache-2.0
"""Sections of a Markdown page that commands write."""

from __future__ import annotations

from pathlib import Path

from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import require_writable, write_text
from wsfracbnn.model.reading import read_text


def require_section(path: Path, name: str) -> None:
    """Try whether `replace_section` can do its work, before the work whose results it gets.

    Raises:
        InputError: no such file, no such section, or it cannot be written.
    """
    _around(path, name)
    require_writable(path)


def replace_section(path: Path, name: str, text: str) -> None:
    """Put `text` between `<!-- name -->` and `<!-- /name -->` of a Markdown file, which is written whole or not at all.

    Raises:
        InputError: no such file, no such section, or it cannot be written.
    """
    before, after = _around(path, name)
    write_text(path, f"{before}\n{text}\n{after}")


def _around(path: Path, name: str) -> tuple[str, str]:
    """What is before and behind a section, its two marks included."""
    page = read_text(path, "a Markdown page")
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
        raise InputError(f"{path}: expected one section from '{begin}' to '{end}'")
    before, rest = page.split(begin)
    return before + begin, end + rest.split(end)[1]
