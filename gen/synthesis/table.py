# SPDX-License-Identifier: Apache-2.0
"""The table of hardware results, as `synth` and `pnr` print it and docs/results.md shows it."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from wsfracbnn.gen.synthesis.record import HardwareRow

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
    lines = [COLUMNS, ("---",) * len(COLUMNS), *map(_cells, groups.values())]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


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
