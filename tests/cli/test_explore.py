# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn explore` from options to its folder. Steps are made up; tests/explore/test_tools.py has the real ones."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner, Result

from wsfracbnn.cli import report_page
from wsfracbnn.cli.app import app
from wsfracbnn.gen.explore import cluster, jobs
from wsfracbnn.gen.locations import ROOT
from wsfracbnn.model.errors import InputError

from ..explore import fakes


@pytest.fixture
def made_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Steps that are made up, one after the other in this process."""
    monkeypatch.setenv(fakes.LOG, str(tmp_path / "log"))
    monkeypatch.setattr(jobs, "synthesize_design", fakes.synthesize)
    monkeypatch.setattr(jobs, "route_netlist", fakes.route)
    monkeypatch.setattr(jobs, "simulate_design", fakes.simulate)
    monkeypatch.setattr(cluster, "Cluster", fakes.SerialPool)
    monkeypatch.chdir(tmp_path)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["explore", "--weights", "digits", "--images", "3", *arguments])


def refusal(*arguments: str) -> str:
    done = invoke(*arguments)
    assert isinstance(done.exception, InputError), done.output
    return str(done.exception)


def test_from_options_to_the_best_folder(made_up: None, tmp_path: Path) -> None:
    """Two devices, four seeds of which the third does not fit, and a folding that is not bit-exact."""
    options = ("--fold", "small,auto,fast", "--devices", "ecp5-25f,ecp5-85f", "--seeds", "4", "--objective", "fmax_mhz")
    done = invoke(*options, "--json")
    assert done.exit_code == 1, "a design that is not bit-exact is a failed check"
    found = json.loads(done.stdout)
    results = {(one["fold"], one["device"]): one for one in found["results"]}
    assert len(results) == 6 - len(found["skipped"])
    for one in results.values():
        assert [clock["seed"] for clock in one["clocks"]] == [1, 2, 4]
        assert "seed 3: nextpnr failed: ERROR: Unable to place cell" in one["failures"]
        assert one["bit_exact"] is (one["fold"] != "fast")
    best = found["results"][found["best"]]
    assert best["fold"] != "fast"
    assert all(found["results"][place]["fold"] != "fast" for place in found["front"])
    assert "synthesized 1 of" in done.stderr
    assert "NOT bit-exact" in done.stderr
    folder = Path(found["folder"])
    assert folder == Path("build/explore/best/digits")
    assert {"README.md", "rtl", "vectors.npz", "manifest.sha256"} <= {path.name for path in folder.iterdir()}
    summary = json.loads((folder.parent / "summary.json").read_text())
    assert summary["build"] == best["build"]
    assert summary["simulators"]["verilator"]["images"] == 3
    page = Path("build/explore/report.html").read_text()
    assert "Exploration of digits" in page
    assert page.count("NOT bit-exact") == sum(1 for fold, _ in results if fold == "fast")
    rows = json.loads(Path("build/hardware.json").read_text())["rows"]
    routed = [row for row in rows if "fmax_mhz" in row]
    assert len(routed) == 3 * len(results)
    one = next(row for row in routed if row["fold"] == "auto" and row["seed"] == 4)
    assert (one["fmax_mhz"], one["cycles_per_image"], one["images_per_s"]) == (104.0, 1000, 104_000)
    assert one["cycles_are"] == "measured in simulation"
    wrong = next(row for row in routed if row["fold"] == "fast")
    assert wrong["cycles_are"] == "estimated by the folding solver"


def test_a_second_call_does_only_what_is_new(made_up: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_page, "write_for_exploration", lambda *_: None)
    options = ("--fold", "small,auto", "--devices", "ecp5-85f")
    assert invoke(*options, "--seeds", "2").exit_code == 0
    first = fakes.notes()
    assert sorted(first) == sorted(
        ["route ecp5-85f 6 1", "route ecp5-85f 6 2", "simulation", "synthesis digits_top"] * 2
    )
    done = invoke(*options, "--seeds", "2")
    assert done.exit_code == 0
    assert fakes.notes() == first
    assert re.search(
        r"(small|auto) on ecp5-85f, grade 6: 102,000 images/s at 102.0 MHz \(seed 2; median of 2: 101.5\)", done.stdout
    )
    assert invoke(*options, "--seeds", "4").exit_code == 0
    assert fakes.notes()[len(first) :] == [f"route ecp5-85f 6 {seed}" for _ in range(2) for seed in (3, 4)]
    # Other images are another simulation; synthesis and routes stay.
    assert CliRunner().invoke(app, ["explore", "--weights", "digits", "--images", "2", *options]).exit_code == 0
    assert fakes.notes().count("simulation") == 4


def test_limits_that_nothing_keeps_leave_no_best(made_up: None) -> None:
    done = invoke("--at-most", "luts=1", "--seeds", "1", "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert (found["best"], found["folder"]) == (None, None)
    assert "no design is routed, bit-exact and within the limits (most images_per_s, luts at most 1)" in done.stderr
    assert not Path("build/explore/best").exists()
    done = CliRunner().invoke(app, ["report", "build/explore"])
    assert "no design of this exploration is routed, bit-exact and within its limits" in str(done.exception)


def test_refusals_come_before_any_work(made_up: None) -> None:
    assert refusal("--objective", "speed").startswith("--objective: found 'speed', expected one of images_per_s")
    assert refusal("--at-least", "luts").startswith("--at-least: found 'luts', expected FIGURE=NUMBER")
    assert refusal("--jobs", "2", "--scheduler", "tcp://a:1").startswith("--jobs: found 2, but the workers are those")
    assert refusal("--devices", "zu3eg") == "--devices: found 'zu3eg', expected some of ecp5-25f, ecp5-45f, ecp5-85f"
    assert refusal("--images", "100000").startswith("--images: found 100000, expected at most the 454 test images")
    assert refusal("--devices", "ecp5-25f", "--fold", "cycles=140").startswith(
        ("--devices: none of the 1 designs is estimated to fit", "folding 'cycles=140': asks for")
    )
    assert fakes.notes() == []
    assert not Path("build").exists() or not list(Path("build").rglob("*.json"))


def test_without_dask_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name in ("distributed", "bokeh") else find(name)
    )
    monkeypatch.chdir(tmp_path)
    assert refusal("--weights", "nothing.pt") == (
        "distributed, bokeh: not installed for this Python; install with: pip install 'wsfracbnn[explore]'"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_workers_and_tools_and_what_is_finished_stays(number: signal.Signals, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.explore.command", "explore", "--weights", "digits", "--images", "3"]
    command += ["--seeds", "1", "--jobs", "1", "--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]
    command += ["--results", str(tmp_path / "h.json"), "--fold", "small"]
    environment = {**os.environ, fakes.LOG: str(tmp_path / "log")}
    with (tmp_path / "said").open("wb") as said:
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said, start_new_session=True)
    tool_file = tmp_path / "log.tool"
    deadline = time.monotonic() + 90
    results = tmp_path / "out" / "results"
    while not (tool_file.is_file() and tool_file.read_text().strip() and len(list(results.glob("*.json"))) == 2):
        assert time.monotonic() < deadline, (tmp_path / "said").read_text()
        assert child.poll() is None, (tmp_path / "said").read_text()
        time.sleep(0.1)
    tool = psutil.Process(int(tool_file.read_text()))
    processes = [tool, *psutil.Process(child.pid).children(recursive=True)]
    assert len(processes) >= 3, "a tool, its supervisor, a worker"
    if number == signal.SIGINT:
        os.killpg(child.pid, number)  # as a terminal does
    else:
        child.terminate()
    assert child.wait(timeout=60) != 0
    _, alive = psutil.wait_procs(processes, timeout=30)
    assert alive == []
    assert "Traceback" not in (tmp_path / "said").read_text()
    assert {path.name.split("-")[0] for path in results.glob("*.json")} == {"synthesis", "simulation"}
    assert not (tmp_path / "out" / ".lock").exists()
