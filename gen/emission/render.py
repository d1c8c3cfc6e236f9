# SPDX-License-Identifier: Apache-2.0
"""Design state -> text: every emitted Verilog module, from the templates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path

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


def render_modules(design: AcceleratorDesign) -> Iterator[tuple[str, str]]:
    """(file name, text) of each emitted module: the top, the stages, and their ROMs under rom/."""
    env = environment(dict.fromkeys(stage.template_folder for stage in design.stages))
    yield f"{design.top}.v", env.get_template("top.v.j2").render(design=design)
    rom_template = env.get_template("rom.v.j2")
    for stage in design.stages:
        yield f"{design.name}_{stage.name}.v", env.get_template(stage.template).render(design=design, stage=stage)
        for rom in stage.roms:
            text = rom_template.render(design=design, stage=stage, rom=rom)
            yield f"rom/{design.name}_{stage.name}_{rom.suffix}.v", text


def design_sources(design: AcceleratorDesign) -> dict[str, str]:
    """The Verilog of a design by flat file names, without writing a folder."""
    emitted = {name.replace("/", "_"): text for name, text in render_modules(design)}
    return emitted | {source.name: source.read_text() for source in sorted(RTL.glob("*.v"))}
