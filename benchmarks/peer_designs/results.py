# SPDX-License-Identifier: Apache-2.0
"""results/peers.json: accelerators of this project and of other tools side by side, as typed rows and as tables."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from wsfracbnn.gen.synthesis.record import Count, NotNegative, Text
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import updating, write_text
from wsfracbnn.model.reading import Schema, checked, read_json
from wsfracbnn.model.rows import markdown_table, placed, read_rows

Percent = Annotated[float, Field(ge=0, le=100)]

OWN = "WSFracBNN"
"""This project, as a tool of a row."""


@dataclass(frozen=True)
class PeerRow:
    """An accelerator for the digits.

    Attributes:
        tool: with its version. network, options: what it builds and how.
        accuracy: top-1 in per cent on all test images, by the integer model.
        images_checked: test images whose outputs in simulation are those of the integer model.
        cycles_per_image, latency_cycles: in that simulation.
        lut4, flip_flops, block_rams, dsps: by Yosys for ECP5.
        device, fmax_mhz, placed_lut4: where nextpnr routed it, its clock, and LUTs as nextpnr counts them, those of the
            registers around it among them; None where it did not.
        lut6, xc7_block_rams, xc7_dsps: by Yosys for Xilinx 7; None where that was not asked for.
    """

    tool: Text
    network: Text
    options: Text
    accuracy: Percent
    images_checked: Count
    cycles_per_image: Annotated[int, Field(ge=1, lt=2**63)]
    latency_cycles: Count
    lut4: Count
    flip_flops: Count
    block_rams: Count
    dsps: Count
    device: Text | None = None
    fmax_mhz: NotNegative | None = None
    placed_lut4: Count | None = None
    lut6: Count | None = None
    xc7_block_rams: Count | None = None
    xc7_dsps: Count | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """What a later measurement of the same takes the place of. A tool's version is not part of it."""
        return self.tool.split()[0], self.network, self.options

    def completed(self, earlier: PeerRow) -> PeerRow:
        """With what an earlier row of the same has and this one lacks, where they agree in all else."""
        lacking = {name: getattr(earlier, name) for name, value in asdict(self).items() if value is None}
        filled = replace(self, **lacking)
        return filled if filled == earlier else self

    @property
    def images_per_s(self) -> float | None:
        """The routed clock over the cycles of an image."""
        return None if self.fmax_mhz is None else self.fmax_mhz * 1e6 / self.cycles_per_image

    @property
    def lut4_per_rate(self) -> float | None:
        """LUT4 for one image a second."""
        return self.lut4 / self.images_per_s if self.images_per_s else None


@dataclass(frozen=True)
class LayerRow:
    """A block that XNORs and counts.

    Attributes:
        operations: XNORs in a cycle. patterns_checked: inputs whose outputs in simulation are those of numpy.
        lut4, lut6: by Yosys for ECP5 and Xilinx 7.
    """

    tool: Text
    layer: Text
    weights: Text
    operations: Annotated[int, Field(ge=1, lt=2**63)]
    patterns_checked: Count
    lut4: Count
    lut6: Count

    @property
    def key(self) -> tuple[str, ...]:
        """What a later measurement of the same takes the place of. A tool's version is not part of it."""
        return self.tool.split()[0], self.layer, self.weights


@dataclass(frozen=True)
class PeerResults:
    """The whole file."""

    accelerators: tuple[PeerRow, ...] = ()
    layers: tuple[LayerRow, ...] = ()

    def with_row(self, row: PeerRow | LayerRow) -> PeerResults:
        """With a row, in the place of an earlier one of the same."""
        if isinstance(row, PeerRow):
            earlier = next((other for other in self.accelerators if other.key == row.key), row)
            row = row.completed(earlier)
            return replace(self, accelerators=placed(self.accelerators, row))
        return replace(self, layers=placed(self.layers, row))

    @classmethod
    def read(cls, path: Path) -> PeerResults:
        """The file's contents, or nothing where there is no file yet.

        Raises:
            InputError: not such a file.
        """
        if not path.exists():
            return cls()
        what = "a file of peers' results"
        contents = read_json(path, what)
        try:
            found = checked(_File, contents)
            return cls(
                read_rows(PeerRow, "accelerators", found.accelerators),
                read_rows(LayerRow, "layers", found.layers),
            )
        except InputError as error:
            raise InputError(f"{path}: not {what} ({error})") from None


class _File(Schema):
    accelerators: list[dict[str, Any]]
    layers: list[dict[str, Any]]


def add_row(path: Path, row: PeerRow | LayerRow) -> PeerResults:
    """Add to the file, one process at a time; returns what it holds then.

    Raises:
        InputError: it is no such file, or cannot be written.
    """
    with updating(path):
        results = PeerResults.read(path).with_row(row)
        write_text(path, json.dumps(asdict(results), indent=2) + "\n")
    return results


def accelerator_table(rows: Sequence[PeerRow]) -> str:
    """Accelerators as a Markdown table."""
    speed = ("cycles/image", "clock, MHz", "images/s")
    area = ("LUT4", "LUT4 x cycles, million", "LUT4 per image/s", "LUT4 placed", "DSPs", "block RAMs", "LUT6")
    heads = ("tool", "network", "top-1", *speed, *area, "images simulated")
    lines: list[tuple[str, ...]] = []
    for row in rows:
        clock = "-" if row.fmax_mhz is None else f"{row.fmax_mhz:.1f} ({row.device})"
        lines.append(
            (
                row.tool,
                ", ".join(filter(None, (row.network, row.options))),
                f"{row.accuracy:.2f} %",
                f"{row.cycles_per_image:,}",
                clock,
                "-" if row.images_per_s is None else f"{row.images_per_s:,.0f}",
                f"{row.lut4:,}",
                significant(row.lut4 * row.cycles_per_image / 1e6),
                "-" if row.lut4_per_rate is None else significant(row.lut4_per_rate),
                "-" if row.placed_lut4 is None else f"{row.placed_lut4:,}",
                f"{row.dsps}",
                f"{row.block_rams}",
                "-" if row.lut6 is None else f"{row.lut6:,}",
                f"{row.images_checked}",
            )
        )
    return markdown_table(heads, lines)


def layer_table(rows: Sequence[LayerRow]) -> str:
    """Binary layers as a Markdown table."""
    heads = ("tool", "block", "weights", "XNORs a cycle", "LUT4", "LUT4 each", "LUT6", "LUT6 each")
    lines: list[tuple[str, ...]] = []
    for row in rows:
        each = [f"{luts / row.operations:.2f}" for luts in (row.lut4, row.lut6)]
        sizes = (f"{row.operations:,}", f"{row.lut4:,}", each[0], f"{row.lut6:,}", each[1])
        lines.append((row.tool, row.layer, row.weights, *sizes))
    return markdown_table(heads, lines)


def significant(value: float) -> str:
    """Two significant digits, without an exponent."""
    places = 0 if value == 0 else max(0, 1 - int(f"{value:e}".split("e")[1]))
    return f"{value:,.{places}f}"
