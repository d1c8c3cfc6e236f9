# SPDX-License-Identifier: Apache-2.0
"""The numbers of an accelerator's AXI wrapper: everything that its templates print."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from wsfracbnn.gen.design import AcceleratorDesign, require_constant_weights
from wsfracbnn.gen.soc.ports import Bus, lite, single, stream
from wsfracbnn.gen.soc.registers import ADDRESS_BITS, MAGIC, MAP_VERSION, REGISTERS, Register
from wsfracbnn.model.errors import InputError

STREAM_BITS = (8, 32, 64)
"""Widths of the streams: those that a DMA has."""

RESET_CYCLES = 4
"""Of a reset by software: the accelerator's parts have theirs a cycle later, and the stages' registers one more."""

ADDRESS_RANGE = 4096
"""Bytes of the address space that a system gives the registers, the least that it can map."""

FAMILIES = (
    *("artix7", "kintex7", "spartan7", "virtex7", "zynq"),
    *("artixuplus", "kintexu", "kintexuplus", "virtexu", "virtexuplus", "zynquplus", "versal"),
)
"""Devices that Vivado may offer the wrapper for: it is plain Verilog."""


@dataclass(frozen=True)
class AxiWidths:
    """Widths of the two streams, in bits."""

    input_bits: int = 32
    output_bits: int = 32

    @classmethod
    def of(cls, input_bits: int, output_bits: int) -> AxiWidths:
        """Checked.

        Raises:
            InputError: a width that is not made.
        """
        for option, found in (("--axis-in", input_bits), ("--axis-out", output_bits)):
            if found not in STREAM_BITS:
                *others, last = map(str, STREAM_BITS)
                raise InputError(f"{option}: found {found}, expected {', '.join(others)} or {last} bits a beat")
        return cls(input_bits, output_bits)


@dataclass(frozen=True)
class AxiWrapper:
    """An accelerator behind AXI."""

    design: AcceleratorDesign
    widths: AxiWidths

    def __post_init__(self) -> None:
        require_constant_weights(self.design, "wrapper")

    @property
    def module(self) -> str:
        """Name of the wrapper, the top of an IP."""
        return f"{self.design.name}_axi"

    @property
    def constraints(self) -> str:
        """File of timing constraints, by its name in the folder."""
        return f"constraints/{self.module}.xdc"

    @property
    def registers_module(self) -> str:
        """Name of the module with the registers."""
        return f"{self.design.name}_registers"

    @property
    def input_bytes(self) -> int:
        """Of a beat of the input."""
        return self.widths.input_bits // 8

    @property
    def output_bytes(self) -> int:
        """Of a beat of the output."""
        return self.widths.output_bits // 8

    @property
    def input_beat_w(self) -> int:
        """Data, tkeep and tlast."""
        return self.widths.input_bits + self.input_bytes + 1

    @property
    def output_beat_w(self) -> int:
        """Data, tkeep and tlast."""
        return self.widths.output_bits + self.output_bytes + 1

    @property
    def image_bytes(self) -> int:
        """Of an image as a DMA sends it."""
        return self.design.pixels * self.design.input.layer.colours

    @property
    def result_words(self) -> int:
        """Of a result: the logits and the class."""
        return int(self.design.head.layer.classes) + 1

    @property
    def reset_cycles(self) -> int:
        """Of a reset by software."""
        return RESET_CYCLES

    @property
    def registers(self) -> tuple[Register, ...]:
        """The map."""
        return REGISTERS

    @property
    def address_bits(self) -> int:
        """Of a byte address at the registers."""
        return ADDRESS_BITS

    @property
    def word_bits(self) -> int:
        """Of a register's number."""
        return ADDRESS_BITS - 2

    @property
    def address_range(self) -> int:
        """Bytes that a system maps."""
        return ADDRESS_RANGE

    @property
    def families(self) -> tuple[str, ...]:
        """As Vivado calls them."""
        return FAMILIES

    @property
    def ip_version(self) -> str:
        """Two numbers, as Vivado wants them."""
        return ".".join(map(str, program_version()[:2]))

    @functools.cached_property
    def constants(self) -> dict[str, int]:
        """What the fields of kind CONSTANT hold, by their signals' names."""
        layer, build = self.design.input.layer, int(self.design.short_build_id, 16)
        major, minor, patch = program_version()
        return {
            "id_value": MAGIC,
            "version_map": MAP_VERSION,
            "version_patch": patch,
            "version_minor": minor,
            "version_major": major,
            "build_low_value": build & 0xFFFFFFFF,
            "build_high_value": build >> 32,
            "image_height": layer.height,
            "image_width": layer.width,
            "format_colours": layer.colours,
            "format_input_bytes": self.input_bytes,
            "format_output_bytes": self.output_bytes,
            "classes_value": int(self.design.head.layer.classes),
        }

    @property
    def buses(self) -> tuple[Bus, ...]:
        """All ports."""
        return (
            single(
                "aclk",
                "clock",
                "CLK",
                "slave",
                "One clock for everything",
                ASSOCIATED_BUSIF="s_axis:m_axis:s_axi",
                ASSOCIATED_RESET="aresetn",
            ),
            single("aresetn", "reset", "RST", "slave", "Active low, need not keep step", POLARITY="ACTIVE_LOW"),
            stream(
                "s_axis",
                "slave",
                "AXI4-Stream input: the bytes of an image, pixels packed, row by row; tlast on the last beat",
                self.widths.input_bits,
            ),
            stream(
                "m_axis",
                "master",
                "AXI4-Stream output: signed 32-bit logits, then the winning class; tlast on the last beat",
                self.widths.output_bits,
            ),
            lite("s_axi", "AXI4-Lite: the registers", self.address_bits, "s_axi"),
            single(
                "irq",
                "interrupt",
                "INTERRUPT",
                "master",
                "High while an enabled event is not cleared",
                SENSITIVITY="LEVEL_HIGH",
            ),
        )

    @property
    def port_lines(self) -> tuple[str, ...]:
        """The head of the module: each bus with its comment, an empty line between two."""
        groups = []
        for bus in self.buses:
            ports = ",\n".join(f"    {port.declaration}" for port in bus.ports)
            groups.append(f"    // {bus.comment}\n{ports}")
        return tuple(",\n\n".join(groups).split("\n"))

    @property
    def views(self) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
        """The uses of the files, as Vivado calls them: name, environment, and the constraints that go along."""
        return (
            ("xilinx_anylanguagesynthesis", ":vivado.xilinx.com:synthesis", (self.constraints,)),
            ("xilinx_anylanguagebehavioralsimulation", ":vivado.xilinx.com:simulation", ()),
        )

    def summary(self) -> dict[str, Any]:
        """In design.json, for programs."""
        return {"module": self.module, "input_bits": self.widths.input_bits, "output_bits": self.widths.output_bits}


def program_version() -> tuple[int, int, int]:
    """This program's, in numbers."""
    found = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", metadata.version("wsfracbnn"))
    assert found is not None
    major, minor, patch = (int(number or 0) for number in found.groups())
    return major, minor, patch
