# SPDX-License-Identifier: Apache-2.0
"""benchmarks/aims.py: an aim is reached, missed or not measured, by the rows that there are."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.aims import AIMS, SEEDS, Results, outcomes, read
from benchmarks.figures import add_figures, read_figures
from benchmarks.peer_designs.results import LayerRow
from wsfracbnn.gen.synthesis.record import HardwareRow, SimulationRow
from wsfracbnn.model.errors import InputError

ROUTED = ("cifar100", "cycles=12400", "ecp5-85f")


def found(results: Results) -> dict[tuple[str, str], tuple[float | None, bool | None]]:
    return {(o.what, o.unit): (o.measured, o.reached) for o in outcomes(results)}


def test_nothing_measured_reaches_nothing() -> None:
    assert set(found(Results((), ())).values()) == {(None, None)}


def test_figures_are_held_against_their_aims() -> None:
    rows = [HardwareRow("digits", "auto", "ecp5", lut4=6500, xnor_bits_per_cycle=650)]
    layers = [
        LayerRow("da4ml", "layer", "constant", 100, 0, 80, 70),
        LayerRow("WSFracBNN", "layer", "constant", 100, 0, 97, 105),
    ]
    by = found(Results(rows, layers))
    assert by["digits, auto, ECP5", "LUT4"] == (6500, True)
    assert by["digits, auto, ECP5", "LUT4 a bit"] == (10.0, False)
    assert by["constant weights, ECP5", "LUT4 an XNOR"] == (0.97, True)
    assert by["constant weights, 7 series", "LUT6 an XNOR"] == (1.05, False)


def test_a_routed_figure_is_the_median_of_its_seeds() -> None:
    rates = [9_000, 12_000, 10_100, 9_900, 10_500]
    assert len(rates) == SEEDS
    rows = [HardwareRow(*ROUTED, speed_grade=8, seed=n, lut4=60_000, images_per_s=r) for n, r in enumerate(rates)]
    key = "ResNet-20, cycles=12400, 85F speed 8", "images/s, median"
    assert found(Results(rows, ()))[key] == (10_100, True)
    assert found(Results(rows[1:], ()))[key] == (None, None)
    assert found(Results(rows, ()))["ResNet-20, ECP5", "LUT4 per image/s"] == (5.0, False)


def test_figures_of_other_files_are_held_against_theirs() -> None:
    areas = {("ecp5", "digits", "small"): 5000.0, ("ecp5", "digits", "auto"): 10_000.0}
    results = Results((), (), [SimulationRow("digits", 10, 3.0, 2.0)], areas, {"digits, fast: cycles an image": 300.0})
    by = found(results)
    assert by["digits, fast", "cycles an image"] == (300.0, False)
    assert by["digits, small against auto, ECP5", "of its LUT4"] == (0.5, True)
    assert by["simulation of digits, testbench over bare C++", "%"] == (50.0, False)
    assert by["simulation of ResNet-20, testbench over bare C++", "%"] == (None, None)


def test_what_stands_in_the_way_is_said_of_a_missed_aim_alone() -> None:
    missed, reached = (
        next(
            o
            for o in outcomes(Results([HardwareRow("digits", "auto", "ecp5", lut4=luts, xnor_bits_per_cycle=100)], ()))
            if o.unit == "LUT4 a bit"
        )
        for luts in (1000, 500)
    )
    assert missed.why
    assert not reached.why


def test_figures_are_added_to_those_that_are_there(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    assert read_figures(file) == {}
    add_figures(file, {"a": 1.0, "b": 2.0})
    add_figures(file, {"b": 3.0})
    assert read_figures(file) == {"a": 1.0, "b": 3.0}
    file.write_text('{"figures": {"a": "one"}}')
    with pytest.raises(InputError, match="figures"):
        add_figures(file, {"b": 4.0})
    assert "one" in file.read_text()


def test_the_project_s_own_results_are_read() -> None:
    assert len(outcomes(read())) == len(AIMS)
    assert sum(outcome.measured is not None for outcome in outcomes(read())) >= 8
