# SPDX-License-Identifier: Apache-2.0
"""Links of every Markdown page and of the notebook: files and anchors that are there. External ones are not fetched."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from wsfracbnn.gen.locations import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("docs/*.ipynb"), *ROOT.glob("*/*.md")])


@cache
def tokens(page: Path) -> tuple[Token, ...]:
    """The page as CommonMark with tables, as GitHub reads it."""
    text = page.read_text()
    if page.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    return tuple(MarkdownIt("commonmark").enable("table").parse(text))


def links(page: Path) -> Iterator[str]:
    for token in tokens(page):
        for part in token.children or ():
            if part.type == "link_open":
                yield str(part.attrs["href"])
            elif part.type == "image":
                yield str(part.attrs["src"])


@cache
def anchors(page: Path) -> frozenset[str]:
    """The headings' anchors as GitHub and the site make them."""
    seen: Counter[str] = Counter()
    found = set()
    parsed = tokens(page)
    for opening, inside in pairwise(parsed):
        if opening.type != "heading_open":
            continue
        words = "".join(part.content for part in inside.children or ())
        slug = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return frozenset(found)


def fault(page: Path, link: str) -> str | None:
    """What is wrong with a link, or None."""
    parts = urlsplit(link)
    if parts.scheme or parts.netloc:
        return None
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.exists():
        return f"{link}: no such file"
    if not target.is_relative_to(ROOT):
        return f"{link}: outside of the repository"
    if parts.fragment and target.suffix in (".md", ".ipynb") and parts.fragment not in anchors(target):
        return f"{link}: no such heading"
    return None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [wrong for link in links(page) if (wrong := fault(page, link))] == []


def test_wrong_links_are_seen(tmp_path: Path) -> None:
    page = ROOT / "docs" / "index.md"
    assert fault(page, "nothing.md") == "nothing.md: no such file"
    assert fault(page, "training.md#no-such") == "training.md#no-such: no such heading"
    assert fault(page, "../../elsewhere.md")
    assert fault(page, "training.md#the-recipe") is None
    written = tmp_path / "page.md"
    written.write_text(
        "# A `b` (c, d)\n\n## Same\n\n## Same\n\n`[x](y.md)` [z](https://a.b)\n\n| t |\n| - |\n| ![p](p.svg) |\n"
    )
    assert anchors(written) == {"a-b-c-d", "same", "same-1"}
    assert list(links(written)) == ["https://a.b", "p.svg"]


def test_the_pages_are_found() -> None:
    names = {str(page.relative_to(ROOT)) for page in PAGES}
    assert {"README.md", "docs/howto/mismatch.md", "docs/gates.ipynb", "checkpoints/digits.md"} <= names
