# SPDX-License-Identifier: Apache-2.0
"""results/batchnorm.json: accelerators that shift and add beside such that multiply, as typed rows and as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from wsfracbnn.gen.synthesis.record import Count, NotNegative, Text
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.files import updating, write_text
from wsfracbnn.model.reading import Schema, checked, read_json
from wsfracbnn.model.rows import markdown_table, read_rows

Percent = Annotated[float, Field(ge=0, le=100)]

NO_MULTIPLIERS, DSPS, LUTS = MULTIPLIERS = ("none", "DSPs", "LUTs")
"""What a design multiplies with."""


@dataclass(frozen=True)
class Design:
    """What is built: a network, its factors' width in the multiplied form (0: signed digits), and with what."""

    network: Text
    factor_bits: Count
    multipliers: Text

    @property
    def words(self) -> tuple[str, str, str]:
        """As the table says it."""
        factors = f"integers of {self.factor_bits} bits" if self.factor_bits else "2 signed digits"
        return self.network, factors, self.multipliers


@dataclass(frozen=True)
class Row:
    """A design's figures; None where one was not measured.

    Attributes:
        network, factor_bits, multipliers: those of `Design`.
        accuracy: top-1 in per cent on all test images, by the integer model.
        cycles_per_image: in simulation under Verilator, of `images_checked` images, bit-exact in every layer.
        lut4, scale_lut4, flip_flops, block_rams, dsps: by Yosys for ECP5; `scale_lut4` of them are scale paths and
            RPReLU.
        device, fmax_mhz: where nextpnr routed it, and the clock by the placer's seed.
        lut6, xc7_scale_lut6, xc7_flip_flops, xc7_dsps: by Yosys for Xilinx 7.
    """

    network: Text
    factor_bits: Count
    multipliers: Text
    accuracy: Percent | None = None
    images_checked: Count | None = None
    cycles_per_image: Count | None = None
    lut4: Count | None = None
    scale_lut4: Count | None = None
    flip_flops: Count | None = None
    block_rams: Count | None = None
    dsps: Count | None = None
    device: Text | None = None
    fmax_mhz: dict[str, NotNegative] = field(default_factory=dict)
    lut6: Count | None = None
    xc7_scale_lut6: Count | None = None
    xc7_flip_flops: Count | None = None
    xc7_dsps: Count | None = None

    @property
    def design(self) -> Design:
        """What is built."""
        return Design(self.network, self.factor_bits, self.multipliers)

    def updated(self, figures: Mapping[str, Any]) -> Row:
        """With further figures; clocks of other seeds stay."""
        clocks = self.fmax_mhz | figures.get("fmax_mhz", {})
        return replace(self, **{**figures, "fmax_mhz": clocks})


@dataclass(frozen=True)
class Precision:
    """How near a FracBNN of integers is to the real one.

    Attributes:
        network: which, and of which data. factor_bits: width of M and N; 0: the network in floating point.
        images: test images. accuracy: top-1 of them in per cent. same_class: share of them, in per cent, that get the
            class that the network in floating point gives.
    """

    network: Text
    factor_bits: Count
    images: Count
    accuracy: Percent
    same_class: Percent


@dataclass(frozen=True)
class Comparison:
    """The whole file."""

    rows: tuple[Row, ...] = ()
    precision: tuple[Precision, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Comparison:
        """The file's contents, or nothing where there is no file yet.

        Raises:
            InputError: not such a file.
        """
        if not path.exists():
            return cls()
        what = "a file of the comparison with BatchNorm"
        contents = read_json(path, what)
        try:
            found = checked(_File, contents)
            return cls(read_rows(Row, "rows", found.rows), read_rows(Precision, "precision", found.precision))
        except InputError as error:
            raise InputError(f"{path}: not {what} ({error})") from None


class _File(Schema):
    rows: list[dict[str, Any]]
    precision: list[dict[str, Any]]


def add_figures(path: Path, design: Design, figures: Mapping[str, Any]) -> Comparison:
    """Add figures to a design's row, one process at a time; returns what the file holds then.

    Raises:
        InputError: the file is no such file, or cannot be written.
    """
    with updating(path):
        found = Comparison.read(path)
        rows = found.rows if design in [row.design for row in found.rows] else (*found.rows, Row(**asdict(design)))
        rows = tuple(row.updated(figures) if row.design == design else row for row in rows)
        return _written(path, replace(found, rows=rows))


def add_precision(path: Path, measured: Precision) -> Comparison:
    """Add a row about precision, in the place of an earlier one of the same network and width; see `add_figures`."""
    with updating(path):
        found = Comparison.read(path)
        key = (measured.network, measured.factor_bits)
        others = [row for row in found.precision if (row.network, row.factor_bits) != key]
        return _written(path, replace(found, precision=(*others, measured)))


def _written(path: Path, contents: Comparison) -> Comparison:
    rows = [{key: value for key, value in asdict(row).items() if value is not None} for row in contents.rows]
    whole = {"rows": rows, "precision": [asdict(row) for row in contents.precision]}
    write_text(path, json.dumps(whole, indent=2) + "\n")
    return contents


def precision_table(rows: Sequence[Precision]) -> str:
    """How near integers come to floating point, as a Markdown table."""
    heads = ("network", "factors", "top-1", "class of the network in floating point", "images")
    lines = []
    for row in rows:
        factors = f"integers of {row.factor_bits} bits" if row.factor_bits else "floating point"
        lines.append((row.network, factors, f"{row.accuracy:.2f} %", f"{row.same_class:.2f} %", f"{row.images:,}"))
    return markdown_table(heads, lines)


def table(rows: Sequence[Row]) -> str:
    """All designs as a Markdown table."""
    heads = ["network", "factors", "multipliers", "top-1", "cycles/image", "LUT4", "scale and RPReLU", "flip-flops"]
    heads += ["DSPs", "clock, MHz", "LUT6", "scale and RPReLU", "DSPs"]
    lines = []
    for row in rows:
        numbers = [_number(n) for n in (row.cycles_per_image, row.lut4, row.scale_lut4, row.flip_flops, row.dsps)]
        clocks = ", ".join(f"{clock:.1f}" for clock in row.fmax_mhz.values()) or "-"
        xc7 = [_number(n) for n in (row.lut6, row.xc7_scale_lut6, row.xc7_dsps)]
        top = "-" if row.accuracy is None else f"{row.accuracy:.2f} %"
        lines.append([*row.design.words, top, *numbers, clocks, *xc7])
    return markdown_table(heads, lines)


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
