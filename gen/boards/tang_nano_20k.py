# SPDX-License-Identifier: Apache-2.0
"""Sipeed Tang Nano 20K as an amaranth platform; amaranth-boards 0.0.21 has none.

Pins: Sipeed's schematic 3921, as LiteX-Boards' sipeed_tang_nano_20k.py has them too. amaranth 0.5 calls nextpnr-gowin,
which has given way to nextpnr-himbaechel; its commands are replaced here. Loaded only where the board is asked for.
"""

from __future__ import annotations

from typing import Any, ClassVar

from amaranth.build import Attrs, Clock, Pins, Resource
from amaranth.vendor import GowinPlatform
from amaranth_boards.resources import LEDResources, UARTResource

DIE = "GW2A-18C"
"""What the tools call the die: a GW2AR is one with memory beside it."""


class TangNano20KPlatform(GowinPlatform):  # type: ignore[misc]  # published without type hints
    """Oscillator, serial line and LEDs."""

    part = "GW2AR-LV18QN88C8/I7"
    family = "GW2AR-18C"
    default_clk = "clk27"
    resources: ClassVar[list[Any]] = [
        Resource("clk27", 0, Pins("4", dir="i"), Clock(27e6), Attrs(IO_TYPE="LVCMOS33")),
        UARTResource(0, rx="70", tx="69", attrs=Attrs(PULL_MODE="UP", IO_TYPE="LVCMOS33")),
        *LEDResources(pins="15 16 17 18 19 20", invert=True, attrs=Attrs(IO_TYPE="LVCMOS33")),
    ]
    connectors: ClassVar[list[Any]] = []

    _apicula_required_tools = ("yosys", "nextpnr-himbaechel-gowin", "gowin_pack")

    _apicula_command_templates = (
        GowinPlatform._apicula_command_templates[0],
        rf"""
        {{{{invoke_tool("nextpnr-himbaechel-gowin")}}}}
            {{{{quiet("--quiet")}}}}
            {{{{get_override("nextpnr_opts")|options}}}}
            --log {{{{name}}}}.tim
            --device {{{{platform.part}}}}
            --vopt family={DIE}
            --vopt cst={{{{name}}}}.cst
            --json {{{{name}}}}.syn.json
            --write {{{{name}}}}.pnr.json
        """,
        rf"""
        {{{{invoke_tool("gowin_pack")}}}}
            -d {DIE}
            -o {{{{name}}}}.fs
            {{{{get_override("gowin_pack_opts")|options}}}}
            {{{{name}}}}.pnr.json
        """,
    )
