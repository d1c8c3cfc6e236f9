# SPDX-License-Identifier: Apache-2.0
"""A wrapper to text: its Verilog, and what software and Vivado need beside it."""

from __future__ import annotations

from collections.abc import Sequence

from wsfracbnn.gen.emission.render import environment
from wsfracbnn.gen.soc.registers import register_table
from wsfracbnn.gen.soc.view import MapView
from wsfracbnn.gen.soc.wrapper import AxiWrapper

COMPONENT = "component.xml"
"""IP-XACT; Vivado looks for this name."""

DRIVER = "driver/accelerator.py"


def wrapper_modules(wrapper: AxiWrapper) -> dict[str, str]:
    """The modules beside the accelerator's by file name: wrapper and registers."""
    env = environment()
    given = {"design": wrapper.design, "wrapper": wrapper, "map": MapView.of(wrapper)}
    templates = {wrapper.module: "soc_top.j2", wrapper.registers_module: "soc_registers.j2"}
    return {f"{module}.v": env.get_template(template).render(**given) for module, template in templates.items()}


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
        wrapper.constraints: "soc_constraints.j2",
    }
    files = {name: env.get_template(template).render(**given) for name, template in templates.items()}
    title = f"# Registers of {wrapper.module}\n\n"
    return files | {"driver/REGISTERS.md": title + register_table(wrapper.registers)}
