# SPDX-License-Identifier: Apache-2.0
"""Area and clock of Verilog from any tool, by the flow of `wsfracbnn synth` and `pnr`.

A design with more ports than a package has pins is routed in a ring: shift registers that all its inputs come from and
all its outputs go to. Its own LUTs are those of the design alone, its clock is that of the whole.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsfracbnn.gen.devices import DEVICES, family_named
from wsfracbnn.gen.synthesis.nextpnr import PlaceAndRoute, Placement, place_and_route
from wsfracbnn.gen.synthesis.stagewise import synthesize_by_stage
from wsfracbnn.gen.synthesis.tools import Report, ToolFailedError
from wsfracbnn.gen.synthesis.units import units_of
from wsfracbnn.gen.synthesis.yosys import NETLIST, Area, synthesize

MHZ = 150.0
"""The clock that nextpnr aims at, as `wsfracbnn pnr` does."""

FILL = 0.7
"""Share of a device's LUTs that a design may take by Yosys: nextpnr adds up to a third, at the ends of carries."""

RING = "ring"
"""Module of the shift registers."""

CLOCK, XC7 = STEPS = ("clock", "xc7")
"""What may be measured beside the area on ECP5: the clock there, and the area on Xilinx 7."""


@dataclass(frozen=True)
class Port:
    """A port of a top module."""

    name: str
    is_input: bool
    width: int


@dataclass(frozen=True)
class Measured:
    """Of one design: area, on Xilinx 7 where that was asked for, and the clock where it was routed."""

    ecp5: Area
    routed: Placement | None
    xc7: Area | None


def ports_of(netlist: Path, top: str) -> list[Port]:
    """The ports of Yosys's netlist."""
    module: dict[str, Any] = json.loads(netlist.read_text())["modules"][top]
    return [
        Port(name, port["direction"] == "input", len(port["bits"])) for name, port in sorted(module["ports"].items())
    ]


def ring_around(top: str, ports: list[Port], clock: str) -> str:
    """Verilog of a module with three pins around `top`. clock: name of its clock."""
    given = [port for port in ports if port.is_input and port.name != clock]
    found = [port for port in ports if not port.is_input]
    connections = [f".{clock}(clk)"]
    for side, chosen in (("given", given), ("found", found)):
        place = 0
        for port in chosen:
            connections.append(f".{port.name}({side}[{place} +: {port.width}])")
            place += port.width
    inputs, outputs = (sum(port.width for port in side) for side in (given, found))
    return f"""
module {RING}(input clk, input serial_in, output serial_out);
reg [{inputs}:0] given;
wire [{outputs - 1}:0] found;
reg [{outputs}:0] kept;
assign serial_out = kept[{outputs}];
always @(posedge clk) begin
    given <= {{given[{inputs - 1}:0], serial_in}};
    kept <= {{kept[{outputs - 1}:0] ^ found, 1'b0}};
end
{top} design ({", ".join(connections)});
endmodule
"""


def measure(
    sources: Mapping[str, str], top: str, clock: str, cache: Path, report: Report, steps: Collection[str] = STEPS
) -> Measured:
    """Synthesize a design and route it in a ring on the smallest ECP5 that holds it.

    Args:
        sources: file names, those of the modules in them, and texts.
        clock: name of the top module's clock.
        steps: what is measured beside the area on ECP5, of `STEPS`.
    Raises:
        InputError: Yosys or nextpnr are missing or Yosys failed.
    """
    family = family_named("ecp5")
    # The ring is synthesized apart: it is shaped by the ports of the design, which only the netlist tells.
    unit = units_of(dict(sources) | {f"{RING}.v": f"module {RING}; {top} design(); endmodule"}, RING, [top])[0]
    ecp5, folder = synthesize(unit.sources, unit.top, family, cache, report=report, title=top)
    placement = area = None
    if CLOCK in steps:
        ring = dict(sources) | {f"{RING}.v": ring_around(top, ports_of(folder / NETLIST, unit.top), clock)}
        whole, linked = synthesize_by_stage(ring, RING, [top], family, cache, report=report)
        placement = route((linked / NETLIST).read_text(), whole, cache, report)
    if XC7 in steps:
        area, _ = synthesize(unit.sources, unit.top, family_named("xc7"), cache, report=report, title=top)
    return Measured(ecp5, placement, area)


def route(netlist: str, area: Area, cache: Path, report: Report) -> Placement | None:
    """Place and route on the smallest ECP5 that holds the area; None where none does or nextpnr finds no way."""
    device = smallest_device(area)
    if device is None:
        report(f"{area.luts:,} LUTs, {area.block_rams} block RAMs: no ECP5 holds them")
        return None
    try:
        return place_and_route(netlist, PlaceAndRoute(device, MHZ), cache, report=report)[0]
    except ToolFailedError as error:
        report(f"not routed: {error}")
        return None


def smallest_device(area: Area) -> str | None:
    """The ECP5 with the fewest LUTs that holds an area, or None."""
    fitting = [
        device
        for device in DEVICES.values()
        if device.family == "ecp5"
        and area.luts <= FILL * device.luts
        and area.flip_flops <= device.flip_flops
        and area.block_rams <= device.block_rams
    ]
    return min(fitting, key=lambda device: device.luts).name if fitting else None
