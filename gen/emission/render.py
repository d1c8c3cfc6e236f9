# SPDX-License-Identifier: Apache-2.0
"""Design state -> text: every emitted Verilog module, from the templates."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from types import MappingProxyType

import jinja2

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.locations import RTL, TEMPLATES


def environment(folders: Iterable[Path] = ()) -> jinja2.Environment:
    """The templates' environment: a missing value is an error, never an empty string.

    folders: where templates may lie beside the project's own.
    """
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader([TEMPLATES, *folders]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Verilog, not HTML
    )
    env.globals["version"] = metadata.version("wsfracbnn")
    return env


def render_modules(
    design: AcceleratorDesign, beside: Mapping[str, str] = MappingProxyType({})
) -> Iterator[tuple[str, str]]:
    """(file name, text) of every module of a design: the top, the stages, their ROMs in rom/, their blocks in lib/.

    All modules bear the network's name, the blocks of rtl/ too: tools know one name space only, and a project may hold
    several accelerators, of several versions of this program.

    Args:
        beside: modules that go with it, by file name: a board's, a wrapper's.
    """
    env = environment(dict.fromkeys(stage.template_folder for stage in design.stages))
    texts = []
    for module in design.modules():
        text = env.get_template(module.template).render(design=design, **module.given)
        texts.append(text)
        yield module.file, own_names(design, text)
    for file, text in beside.items():
        texts.append(text)
        yield file, own_names(design, text)
    for block, text in blocks_of(texts).items():
        if block not in design.blocks_left_out:
            yield f"lib/{design.name}_{block}.v", own_names(design, text)


def design_sources(design: AcceleratorDesign, beside: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """The Verilog of a design by flat file names, without writing a folder."""
    return {name.rpartition("/")[2]: text for name, text in render_modules(design, beside)}


@functools.cache
def library() -> Mapping[str, Path]:
    """Every block of rtl/ by its module's name, one a file."""
    return {source.stem: source for source in sorted(RTL.rglob("*.v"))}


def blocks_of(texts: Iterable[str]) -> dict[str, str]:
    """The blocks that modules have instances of, and those that these blocks have: name and text, by name."""
    found: dict[str, str] = {}
    unread = list(texts)
    while unread:
        named = {match[2] for match in _declaration_or_instance().finditer(unread.pop())} - found.keys()
        read = {name: library()[name].read_text() for name in named}
        found |= read
        unread += read.values()
    return dict(sorted(found.items()))


@functools.cache
def _declaration_or_instance() -> re.Pattern[str]:
    """The name of a block where its module or an instance of it begins: `name #(`, `name instance (`."""
    return re.compile(rf"^(\s*|module )({'|'.join(library())})(?= #?\(| \w+ \()", re.MULTILINE)


def own_names(design: AcceleratorDesign, text: str) -> str:
    """The text with the blocks named as this design's own. What this missed, no tool would elaborate."""
    return _declaration_or_instance().sub(rf"\g<1>{design.name}_\g<2>", text)
