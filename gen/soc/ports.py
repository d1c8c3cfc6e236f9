# SPDX-License-Identifier: Apache-2.0
"""The wrapper's ports, by the bus that they belong to: the module's head and IP-XACT are made of this."""

from __future__ import annotations

from dataclasses import dataclass

VENDOR = "xilinx.com"
"""Who named the bus types that Vivado knows."""


@dataclass(frozen=True)
class Port:
    """A port of the module. logical: its name in the bus type; width: bits, None for a single wire."""

    name: str
    logical: str
    direction: str
    width: int | None = None

    @property
    def declaration(self) -> str:
        """As Verilog has it."""
        way = "input " if self.direction == "in" else "output"
        return f"{way} wire {'' if self.width is None else f'[{self.width - 1}:0] '}{self.name}"

    @property
    def high(self) -> int | None:
        """The highest bit, of a port that has several or might have."""
        return None if self.width is None else self.width - 1

    @property
    def several(self) -> bool:
        """Whether it is a vector."""
        return self.width is not None


@dataclass(frozen=True)
class Bus:
    """Ports that belong together.

    Attributes:
        library, kind: of the bus type; its abstraction is `kind`_rtl.
        mode: 'slave' or 'master'.
        comment: of the ports in Verilog.
        parameters: what else a tool wants to know.
        memory_map: of a bus with addresses, the name of its map.
    """

    name: str
    library: str
    kind: str
    mode: str
    comment: str
    ports: tuple[Port, ...]
    parameters: tuple[tuple[str, str], ...] = ()
    memory_map: str | None = None

    @property
    def parameter_lines(self) -> tuple[tuple[str, str, str], ...]:
        """Name, value and IP-XACT's identifier of each parameter."""
        prefix = f"BUSIFPARAM_VALUE.{self.name.upper()}"
        return tuple((name, value, f"{prefix}.{name}") for name, value in self.parameters)


def stream(name: str, mode: str, comment: str, data_bits: int) -> Bus:
    """An AXI4-Stream with tkeep and tlast."""
    forward, back = ("in", "out") if mode == "slave" else ("out", "in")
    ports = (
        Port(f"{name}_tdata", "TDATA", forward, data_bits),
        Port(f"{name}_tkeep", "TKEEP", forward, data_bits // 8),
        Port(f"{name}_tlast", "TLAST", forward),
        Port(f"{name}_tvalid", "TVALID", forward),
        Port(f"{name}_tready", "TREADY", back),
    )
    return Bus(name, "interface", "axis", mode, comment, ports)


def lite(name: str, comment: str, address_bits: int, memory_map: str) -> Bus:
    """An AXI4-Lite of 32 bits, without the optional signals of protection."""
    signals = (
        ("awaddr", "in", address_bits),
        ("awvalid", "in", None),
        ("awready", "out", None),
        ("wdata", "in", 32),
        ("wstrb", "in", 4),
        ("wvalid", "in", None),
        ("wready", "out", None),
        ("bresp", "out", 2),
        ("bvalid", "out", None),
        ("bready", "in", None),
        ("araddr", "in", address_bits),
        ("arvalid", "in", None),
        ("arready", "out", None),
        ("rdata", "out", 32),
        ("rresp", "out", 2),
        ("rvalid", "out", None),
        ("rready", "in", None),
    )
    ports = tuple(Port(f"{name}_{signal}", signal.upper(), way, width) for signal, way, width in signals)
    parameters = (("PROTOCOL", "AXI4LITE"),)
    return Bus(name, "interface", "aximm", "slave", comment, ports, parameters, memory_map)


def single(name: str, kind: str, logical: str, mode: str, comment: str, **parameters: str) -> Bus:
    """A clock, a reset or an interrupt."""
    port = Port(name, logical, "in" if mode == "slave" else "out")
    return Bus(name, "signal", kind, mode, comment, (port,), tuple(parameters.items()))
