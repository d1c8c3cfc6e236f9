# SPDX-License-Identifier: Apache-2.0
"""results/simulation.json: rows of simulations, the command that adds them, and the page that shows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from wsfracbnn.cli.app import app
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.gen.simulation import regression, selection
from wsfracbnn.gen.simulation.record import add_run_rows, read_run_rows, run_rows, run_table
from wsfracbnn.gen.simulation.run import SimulationResult
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError

LAYERS = tuple({"name": name, "values": 500, "mismatches": 0} for name in ("input", "stage_01", "head"))


def result_of(simulator: str, images: int, cycles: int | None = 1450, **more: Any) -> SimulationResult:
    """A simulation that ended so."""
    busy = {"stage_01": 0.97123, "head": 0.5}
    return SimulationResult(
        **({"layers": LAYERS, "failures": (), "busy": busy, "occupancy": {}} | more),
        simulator=simulator,
        images=images,
        correct=images,
        mismatches=0,
        cycles_per_image=cycles,
        latency_cycles=4140,
        seconds=1.0,
    )


def test_rows_are_of_a_network_a_fold_and_a_simulator(tiny: NetworkDescription, tmp_path: Path) -> None:
    path = tmp_path / "simulation.json"
    assert read_run_rows(path) == ()
    design = build_design(tiny, preset(tiny, "small"))
    first = run_rows(design, "small", [result_of("icarus", 1, None, busy={}), result_of("verilator", 7)])
    assert add_run_rows(path, first) == tuple(first)
    (again,) = run_rows(design, "small", [result_of("icarus", 8)])
    assert add_run_rows(path, [again]) == read_run_rows(path) == (again, first[1])
    assert run_table(first).splitlines()[2:] == [
        "| tiny | small | icarus | 1 | 3 | 1,500 | 0 | - | 4,140 | - |",
        "| tiny | small | verilator | 7 | 3 | 1,500 | 0 | 1,450 | 4,140 | 97.1% |",
    ]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulators that compare all images at once; those of Icarus differ where more than two are asked for."""

    def simulate(where: Path, name: str, file: Path, count: int, **_: Any) -> SimulationResult:
        return result_of(name, count, failures=("wrong",) if name == "icarus" and count > 2 else ())

    monkeypatch.setattr(regression, "simulate", simulate)
    monkeypatch.setattr(selection, "require_simulator", lambda name: None)


@pytest.mark.usefixtures("stand_in")
def test_sim_records_what_was_exact_and_nothing_else(digits_path: Path, tmp_path: Path) -> None:
    results, page = tmp_path / "simulation.json", tmp_path / "page.md"
    page.write_text("<!-- simulation -->\n<!-- /simulation -->\n")
    words = ["sim", "--weights", str(digits_path), "--out", str(tmp_path / "sim"), "--fold", "small"]
    words += ["--results", str(results), "--page", str(page)]
    done = CliRunner().invoke(app, [*words, "--images", "3"])
    assert done.exit_code == 1, done.output
    assert not results.exists()
    done = CliRunner().invoke(app, [*words, "--images", "2"])
    assert done.exit_code == 0, done.output
    rows = read_run_rows(results)
    assert [(row.fold, row.simulator, row.images) for row in rows] == [
        ("small", "icarus", 2),
        ("small", "verilator", 2),
    ]
    assert page.read_text() == f"<!-- simulation -->\n{run_table(rows)}\n<!-- /simulation -->\n"


def test_a_file_of_something_else_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "simulation.json"
    path.write_text(json.dumps({"rows": [{"network": "digits"}]}))
    with pytest.raises(InputError, match=r"not a file of simulations' results \(rows\[0\]: key 'fold' is missing"):
        read_run_rows(path)


def test_the_page_shows_the_recorded_rows() -> None:
    rows = read_run_rows(ROOT / "results" / "simulation.json")
    assert not any(row.mismatches for row in rows)
    assert f"<!-- simulation -->\n{run_table(rows)}\n<!-- /simulation -->" in (ROOT / "docs" / "results.md").read_text()
