# SPDX-License-Identifier: Apache-2.0
"""benchmarks/batchnorm_hardware.py: rows and table, the page, what is compared, refusals."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.batchnorm_designs.measure import DESIGNS, Bench, family_of
from benchmarks.batchnorm_designs.rows import (
    DSPS,
    LUTS,
    NO_MULTIPLIERS,
    Comparison,
    Design,
    Precision,
    Row,
    add_figures,
    add_precision,
    precision_table,
    table,
)
from wsfracbnn.gen.devices import FAMILIES
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.checkpoint import Checkpoint, save_checkpoint
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.networks.fracbnn import FracBNN

RESULTS = ROOT / "results" / "batchnorm.json"
FIRST = Design("WSFracBNN", 0, NO_MULTIPLIERS)


def test_figures_of_a_design_come_together_and_clocks_of_other_seeds_stay(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    add_figures(path, FIRST, {"lut4": 10, "device": "ecp5-25f", "fmax_mhz": {"1": 100.0}})
    add_figures(path, Design("FracBNN", 18, DSPS), {"lut4": 20})
    found = add_figures(path, FIRST, {"fmax_mhz": {"2": 90.25}, "accuracy": 98.5})
    assert found == Comparison.read(path)
    rows = found.rows
    assert rows[0] == Row(*("WSFracBNN", 0, "none"), 98.5, lut4=10, device="ecp5-25f", fmax_mhz={"1": 100, "2": 90.25})
    first, second = table(rows).splitlines()[2:]
    assert first.startswith("| WSFracBNN | 2 signed digits | none | 98.50 % | - | 10 | - |")
    assert "| 100.0, 90.2 |" in first
    assert second.startswith("| FracBNN | integers of 18 bits | DSPs | - | - | 20 |")


@pytest.mark.parametrize(
    "text, message",
    [
        ('{"rows": 3, "precision": []}', "key 'rows': found 3"),
        ('{"rows": []}', "key 'precision' is missing"),
        ('{"rows": [{"network": "a"}], "precision": []}', r"rows\[0\]: key 'factor_bits' is missing"),
        ('{"rows": [], "precision": [{"network": "a", "factor_bits": -8}]}', r"precision\[0\]: key 'factor_bits'"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(InputError, match=rf"b\.json: not a file of the comparison with BatchNorm \(.*{message}"):
        Comparison.read(tmp_path / "b.json")


def test_a_row_about_precision_takes_the_place_of_the_same(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    add_precision(path, Precision("n", 0, 10, 80.0, 100.0))
    add_precision(path, Precision("n", 18, 10, 70.0, 90.0))
    found = add_precision(path, Precision("n", 18, 20, 75.0, 95.0))
    assert found == Comparison.read(path)
    assert precision_table(found.precision).splitlines()[2:] == [
        "| n | floating point | 80.00 % | 100.00 % | 10 |",
        "| n | integers of 18 bits | 75.00 % | 95.00 % | 20 |",
    ]


def test_the_page_has_the_tables_of_the_results() -> None:
    found = Comparison.read(RESULTS)
    page = (ROOT / "docs" / "hardware.md").read_text()
    assert f"<!-- batchnorm -->\n{table(found.rows)}\n<!-- /batchnorm -->" in page
    precision = precision_table(found.precision)
    assert f"<!-- batchnorm-precision -->\n{precision}\n<!-- /batchnorm-precision -->" in page
    assert [row.design for row in found.rows] == list(DESIGNS)


def test_integers_of_18_bits_are_as_good_as_floating_point() -> None:
    """Within seven tenths of a point, in the recorded rows; where the rest goes is in docs/hardware.md.

    Not those of the network that was trained longest, whose channels' units lie far apart: docs/hardware.md says so.
    """
    rows = {(row.network, row.factor_bits): row.accuracy for row in Comparison.read(RESULTS).precision}
    assert rows["FracBNN, matched, CIFAR-100", 18] < rows["FracBNN, matched, CIFAR-100", 0] - 5
    for network in {network for network, _ in rows if "matched" not in network}:
        assert rows[network, 18] == pytest.approx(rows[network, 0], abs=0.7)


def test_what_the_recorded_designs_multiply_with_is_what_their_rows_say() -> None:
    for row in Comparison.read(RESULTS).rows:
        assert row.dsps is not None
        assert (row.dsps > 0) == (row.multipliers == DSPS)
        assert (row.xc7_dsps or 0) == 0 or row.multipliers == DSPS


def test_without_dsps_is_an_option_of_the_synthesis_command() -> None:
    for name in ("ecp5", "xc7"):
        with_dsps, without = (family_of(Design("FracBNN", 18, kind), name) for kind in (DSPS, LUTS))
        assert with_dsps == FAMILIES[name]
        program, *options = with_dsps.command.split()
        assert without == replace(with_dsps, command=" ".join((program, "-nodsp", *options)))


def test_all_designs_have_one_folding_and_the_networks_that_they_name(
    digits_checkpoint: Checkpoint, tmp_path: Path
) -> None:
    network = FracBNN(digits_checkpoint.config)
    for name, values in network.named_parameters():
        if name.endswith(".norm.weight") or name == "norm.weight":
            values.data.fill_(0.05)  # as large as training makes it, where sums are as large as they are
    save_checkpoint(replace(digits_checkpoint, model="fracbnn", state=network.state_dict()), tmp_path / "f.pt")
    bench = Bench(tmp_path / "f.pt", "auto", tmp_path, tmp_path, print)
    built = {wanted: bench.design(wanted, FAMILIES["ecp5"]) for wanted in DESIGNS}
    assert len({design.folding.text() for design in built.values()}) == 1
    for wanted, design in built.items():
        assert {layer.factor_bits for layer in design.description.convs} == {wanted.factor_bits}
        assert design.name == {"WSFracBNN": "digits", "FracBNN": "digits_fracbnn"}[wanted.network]
        assert design.description.multiplied == (wanted.multipliers != NO_MULTIPLIERS)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--only", "area,power"], "--only: found 'power', expected some of precision, area, simulation, xc7, clock"),
        (["--seeds", "1,x"], "--seeds: found '1,x', expected numbers with commas between"),
    ],
)
def test_wrong_options_are_refused(tmp_path: Path, arguments: list[str], message: str) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "batchnorm_hardware.py"), *arguments]
    given = ["--results", str(tmp_path / "b.json"), "--cache", str(tmp_path / "c"), "--synthesis", str(tmp_path / "s")]
    done = subprocess.run([*command, *given], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert message in done.stderr
    assert not list(tmp_path.iterdir())
