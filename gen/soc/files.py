# SPDX-License-Identifier: Apache-2.0
"""A wrapper to text: its Verilog, and what software and Vivado need beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from wsfracbnn.gen.emission.render import environment, own_names, soc_files
from wsfracbnn.gen.soc.registers import register_table
from wsfracbnn.gen.soc.view import MapView
from wsfracbnn.gen.soc.wrapper import AxiWrapper

COMPONENT = "component.xml"
"""IP-XACT; Vivado looks for this name."""

DRIVER = "driver/accelerator.py"


def wrapper_modules(wrapper: AxiWrapper) -> Iterator[tuple[str, str]]:
    """(file name, text) of the modules beside the accelerator's: wrapper, registers, blocks in lib/."""
    design = wrapper.design
    env = environment()
    given = {"design": design, "wrapper": wrapper, "map": MapView.of(wrapper)}
    for module, template in ((wrapper.module, "soc_top.j2"), (wrapper.registers_module, "soc_registers.j2")):
        yield f"{module}.v", own_names(design, env.get_template(template).render(**given))
    for path in soc_files():
        yield f"lib/{design.name}_{path.name}", own_names(design, path.read_text())


def wrapper_files(wrapper: AxiWrapper, sources: Sequence[str]) -> dict[str, str]:
    """The other files by their names in the emitted folder. sources: all Verilog, by its names there."""
    env = environment()
    design = wrapper.design
    given = {
        "design": design,
        "wrapper": wrapper,
        "map": MapView.of(wrapper),
        "sources": sources,
        "prefix": design.name.upper(),
    }
    templates = {
        COMPONENT: "soc_component.j2",
        DRIVER: "soc_driver.j2",
        f"driver/{design.name}_registers.h": "soc_header.j2",
    }
    files = {name: env.get_template(template).render(**given) for name, template in templates.items()}
    title = f"# Registers of {wrapper.module}\n\n"
    return files | {"driver/REGISTERS.md": title + register_table(wrapper.registers)}
