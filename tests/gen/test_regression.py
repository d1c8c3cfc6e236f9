# SPDX-License-Identifier: Apache-2.0
"""What `wsfracbnn sim` computes, and how often: the golden streams of the simulated images once, and of no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from wsfracbnn.cli.app import app
from wsfracbnn.gen.emission import folder, vectors
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.simulation import regression, selection
from wsfracbnn.gen.simulation.run import SimulationResult
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.model import golden
from wsfracbnn.model.data.registry import load_dataset
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError


def result_of(simulator: str, images: int, failures: tuple[str, ...] = (), mismatches: int = 0) -> SimulationResult:
    """A simulation that ended so."""
    return SimulationResult(simulator, images, images, mismatches, 100, 200, 1.0, (), failures, {}, {})


def test_sim_runs_the_golden_model_once_for_the_images_that_it_simulates(
    digits_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[np.ndarray[Any, Any]] = []
    simulated: list[Path] = []
    run = golden.run

    def counted(description: NetworkDescription, images: Any) -> golden.NetworkTrace:
        seen.append(images)
        return run(description, images)

    def simulate(where: Path, name: str, file: Path, count: int, **_: Any) -> SimulationResult:
        simulated.append(file)
        return result_of(name, count)

    monkeypatch.setattr(golden, "run", counted)
    monkeypatch.setattr(regression, "simulate", simulate)
    monkeypatch.setattr(selection, "require_simulator", lambda name: None)
    arguments = ["sim", "--weights", str(digits_path), "--images", "3", "--out", str(tmp_path), "--fold", "small"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert [len(images) for images in seen] == [3]
    test_images = load_dataset("digits").test_images
    assert np.array_equal(seen[0], test_images[[0, 226, 453]])
    assert simulated == [tmp_path / "digits" / folder.VECTORS] * 2
    assert list(tmp_path.rglob("vectors.npz")) == [tmp_path / "digits" / "vectors.npz"]


def test_other_images_leave_the_verilog_and_its_times(tiny: NetworkDescription, tmp_path: Path) -> None:
    """A simulator's build stays valid when more images are to be simulated."""
    emit(tiny, preset(tiny, "small"), tmp_path / "net")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "net").rglob("*.v")}
    images = vectors.random_images(tiny, 7)
    emit(tiny, preset(tiny, "small"), tmp_path / "net", images)
    with np.load(tmp_path / "net" / folder.VECTORS) as file:
        assert len(file["images"]) == 7
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "net").rglob("*.v")} == times


ASKED = {"icarus": 2, "verilator": 2}


@pytest.mark.parametrize(
    "results, exactness, failures",
    [
        ([result_of("icarus", 2), result_of("verilator", 2)], True, []),
        ([result_of("icarus", 2), result_of("verilator", 2, mismatches=4)], True, ["verilator: 4 mismatches"]),
        ([result_of("icarus", 2)], True, ["verilator: did not run"]),
        ([result_of("icarus", 1), result_of("verilator", 2)], True, ["icarus: 1 images were compared, not 2"]),
        ([result_of("icarus", 0), result_of("verilator", 3)], True, [
            "icarus: 0 images were compared, not 2", "verilator: 3 images were compared, not 2",
        ]),
        ([result_of("icarus", 0), result_of("verilator", 0)], False, []),
        ([result_of("icarus", 2, ("hangs",), 1), result_of("verilator", 2)], True, ["icarus: hangs"]),
    ],
)  # fmt: skip
def test_verdicts(results: list[SimulationResult], exactness: bool, failures: list[str]) -> None:
    assert regression.failures_of(results, ASKED, exactness) == failures


def test_more_images_than_there_are_are_refused() -> None:
    digits = load_dataset("digits")
    assert regression.image_counts(["icarus", "verilator"], None, digits) == {"icarus": 8, "verilator": 100}
    assert regression.image_counts(["icarus"], 454, digits) == {"icarus": 454}
    with pytest.raises(InputError, match="--images: found 455, expected at most the 454 test images of digits"):
        regression.image_counts(["icarus"], 455, digits)
