# SPDX-License-Identifier: Apache-2.0
"""Figures that stand in prose, beside those of others: they are the recorded ones."""

from __future__ import annotations

from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.synthesis.record import HardwareResults


def test_own_figures_beside_publications_are_the_recorded_ones() -> None:
    rows = HardwareResults.read(ROOT / "results" / "hardware.json").rows
    per_bit = {(row.network, row.fold, row.device): row.luts_per_bit for row in rows}
    expected = (
        f"ResNet-20: {per_bit['cifar100', 'auto', 'ecp5']} LUT4 (`auto`), "
        f"{per_bit['cifar100', 'cycles=3000', 'xc7']} LUT6 (`cycles=3000`); "
        f"digits: {per_bit['digits', 'auto', 'xc7']} LUT6 (`auto`)"
    )
    assert expected in (ROOT / "docs" / "hardware.md").read_text()


def test_the_front_page_has_the_recorded_clocks() -> None:
    """Its table shows the median of five seeds where there are five, and the row of one seed."""
    rows = HardwareResults.read(ROOT / "results" / "hardware.json").rows
    page = (ROOT / "README.md").read_text()
    for network, fold, device in (
        ("digits", "auto", "ecp5-25f"),
        ("cifar100", "auto", "ecp5-85f"),
        ("cifar10", "sequential", "ecp5-25f"),
    ):
        seeds = [row for row in rows if (row.network, row.fold, row.device) == (network, fold, device)]
        clocks = sorted(row.fmax_mhz for row in seeds if row.fmax_mhz is not None)
        median, best = clocks[len(clocks) // 2], clocks[-1]
        clock = f"{median:.1f}" if len(clocks) == 1 else f"{median:.1f} ({best:.1f})"
        line = f"| {seeds[0].luts:,} | {clock} | {seeds[0].cycles_per_image:,} |"
        assert line in page, f"{network} at {fold}: expected {line}"
