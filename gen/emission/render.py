# SPDX-License-Identifier: Apache-2.0
"""Design state -> text: every emitted Verilog module, from the templates."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

import jinja2

from wsfracbnn.gen.design import AcceleratorDesign
from wsfracbnn.gen.locations import BOARD_RTL, RTL, SEQUENTIAL_RTL, SOC_RTL, TEMPLATES


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


def render_modules(design: AcceleratorDesign) -> Iterator[tuple[str, str]]:
    """(file name, text) of every module of a design: the top, the stages, their ROMs in rom/, the blocks in lib/.

    All modules bear the network's name, the blocks of rtl/ too: tools know one name space only, and a project may hold
    several accelerators, of several versions of this program.
    """
    env = environment(dict.fromkeys(stage.template_folder for stage in design.stages))
    for module in design.modules():
        text = env.get_template(module.template).render(design=design, **module.given)
        yield module.file, own_names(design, text)
    for source in library_files(design.library_folders):
        if source.stem in design.blocks_left_out:
            continue
        yield f"lib/{design.name}_{source.name}", own_names(design, source.read_text())


def design_sources(design: AcceleratorDesign) -> dict[str, str]:
    """The Verilog of a design by flat file names, without writing a folder."""
    return {name.rpartition("/")[2]: text for name, text in render_modules(design)}


def library_files(folders: Iterable[str] = ("",)) -> list[Path]:
    """The blocks in folders of rtl/, one module a file, of the file's name."""
    return [source for folder in folders for source in sorted((RTL / folder).glob("*.v"))]


def sequential_files() -> list[Path]:
    """The blocks of which the sequential architecture has more than the pipeline."""
    return sorted(SEQUENTIAL_RTL.glob("*.v"))


def board_files() -> list[Path]:
    """The blocks that stand between an accelerator and a board's pins, of the same form."""
    return sorted(BOARD_RTL.glob("*.v"))


def soc_files() -> list[Path]:
    """The blocks that stand between an accelerator and AXI, of the same form."""
    return sorted(SOC_RTL.glob("*.v"))


@functools.cache
def _declaration_or_instance() -> re.Pattern[str]:
    """The name of a block where its module or an instance of it begins: `name #(`, `name instance (`."""
    names = "|".join(source.stem for source in (*library_files(), *sequential_files(), *board_files(), *soc_files()))
    return re.compile(rf"^(\s*|module )({names})(?= #?\(| \w+ \()", re.MULTILINE)


def own_names(design: AcceleratorDesign, text: str) -> str:
    """The text with the blocks named as this design's own. What this missed, no tool would elaborate."""
    return _declaration_or_instance().sub(rf"\g<1>{design.name}_\g<2>", text)
