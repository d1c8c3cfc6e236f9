# SPDX-License-Identifier: Apache-2.0
"""Hardware results and where an area goes, as tables that `synth` and `pnr` print and pages in docs/ show."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from wsfracbnn.gen.devices import Family
from wsfracbnn.gen.synthesis.breakdown import by_function
from wsfracbnn.gen.synthesis.cached import PartArea, Share
from wsfracbnn.gen.synthesis.record import HardwareRow
from wsfracbnn.model.rows import markdown_table

MOST = 3
"""Functions of a stage that the table of stages names."""

COLUMNS = (
    "network",
    "fold",
    "device",
    "speed grade",
    "LUTs",
    "flip-flops",
    "block RAMs",
    "DSPs",
    "LUTs per XNOR bit and cycle",
    "Fmax, MHz",
    "cycles/image",
    "images/s",
)


def hardware_table(rows: Sequence[HardwareRow]) -> str:
    """The rows as a Markdown table; those without a clock are synthesized only.

    Rows that differ in the placer's seed alone are one line: the fastest, with the median of all beside clock and rate.
    """
    groups: dict[tuple[str | int | None, ...], list[HardwareRow]] = {}
    for row in rows:
        groups.setdefault(row.key[:-1], []).append(row)
    return markdown_table(COLUMNS, [*map(_cells, groups.values())])


def breakdown_tables(shares: Sequence[Share], family: Family) -> str:
    """Where an area goes, as two Markdown tables: by function, and by stage with what takes most of its LUTs."""
    total = sum((share.area for share in shares), PartArea(0, 0, 0))
    unit = f"LUT{family.lut_inputs}"
    heads = (unit, "share", "flip-flops", "block RAMs")
    functions = [_area_cells(name, area, total) for name, area in by_function(shares).items()]
    functions.append(_area_cells("total", total, total))
    stages = []
    for part in dict.fromkeys(share.part for share in shares):
        own = [share for share in shares if share.part == part]
        most = ", ".join(f"{share.function} {share.area.luts:,}" for share in own[:MOST])
        area = sum((share.area for share in own), PartArea(0, 0, 0))
        stages.append(_area_cells(part or "around the stages", area, total, most))
    tables = (
        markdown_table(("function", *heads), functions),
        markdown_table(("stage", *heads, "most of it"), stages),
    )
    return "\n\n".join(tables)


def _area_cells(name: str, area: PartArea, total: PartArea, *more: str) -> tuple[str, ...]:
    share = f"{area.luts / total.luts:.1%}" if total.luts else "-"
    return (name, f"{area.luts:,}", share, f"{area.flip_flops:,}", str(area.block_rams), *more)


def _cells(seeds: Sequence[HardwareRow]) -> tuple[str, ...]:
    """A line of the table. seeds: the rows that it stands for."""
    row = max(seeds, key=lambda one: one.fmax_mhz or 0.0)
    return (
        row.network,
        row.fold,
        row.device,
        _or_dash(row.speed_grade),
        f"{row.luts:,} LUT{4 if row.lut6 is None else 6}",
        f"{row.flip_flops:,}",
        str(row.block_rams),
        str(row.dsp),
        _or_dash(row.luts_per_bit),
        _or_dash(row.fmax_mhz, ".1f") + _median([one.fmax_mhz for one in seeds], ".1f"),
        _or_dash(row.cycles_per_image, ","),
        _or_dash(row.images_per_s, ",") + _median([one.images_per_s for one in seeds], ",.0f"),
    )


def _median(values: Sequence[float | None], form: str) -> str:
    """The median of several in parentheses, with their number; nothing for one."""
    known = [value for value in values if value is not None]
    return f" (median of {len(known)}: {statistics.median(known):{form}})" if len(known) > 1 else ""


def _or_dash(value: float | None, form: str = "") -> str:
    return "-" if value is None else format(value, form)
