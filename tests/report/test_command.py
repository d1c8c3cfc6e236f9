# SPDX-License-Identifier: Apache-2.0
"""`wsfracbnn report` as it is typed: which designs, which options, what is refused."""

from __future__ import annotations

import importlib.util
import json
import re
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wsfracbnn.cli import report_page, simulate
from wsfracbnn.cli.app import app
from wsfracbnn.gen.synthesis.record import HardwareResults, HardwareRow
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError


def run(*arguments: object) -> str:
    """What the command prints, or the sentence with which it is refused."""
    done = CliRunner().invoke(app, ["report", *map(str, arguments)])
    if isinstance(done.exception, InputError):
        return str(done.exception)
    assert done.exit_code == 0, done.output
    return done.output


def heading(page: Path) -> str:
    found = re.search(r"<h1>(.*)</h1>", page.read_text())
    assert found is not None
    return found[1]


def test_build_sim_is_the_default(simulation_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("build").mkdir()
    simulation_folder.rename("build/sim")
    assert run().strip().endswith("written to build/report.html")
    assert heading(Path("build/report.html")) == "tiny"


def test_folders_and_checkpoints_stand_side_by_side(simulation_folder: Path, digits_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    run(simulation_folder, digits_path, "--fold", "small", "--out", out)
    text = out.read_text()
    assert heading(out) == "tiny beside digits"
    assert "98.68 %" in text, "the checkpoint's own accuracy"
    assert "as the checkpoint says" in text
    assert f"wsfracbnn report {simulation_folder} {digits_path} --out {out} --fold small" in text


def test_a_bundled_network_is_found_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command to reproduce names it likewise; a folder of that name comes first."""
    monkeypatch.chdir(tmp_path)
    run("digits", "--fold", "small")
    text = Path("build/report.html").read_text()
    assert heading(Path("build/report.html")) == "digits"
    assert "wsfracbnn report digits --out build/report.html" in text
    Path("digits").mkdir()
    assert "digits: found neither design.json nor summary.json" in run("digits")


def test_results_of_several_files_are_taken(
    network: NetworkDescription, simulation_folder: Path, tmp_path: Path
) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for number, (path, device) in enumerate(zip(files, ("ecp5-25f", "ecp5-45f"), strict=True)):
        row = HardwareRow("tiny", "small", device, sha256=network.digest(), fmax_mhz=100.0 + number)
        HardwareResults((row,)).write(path)
    out = tmp_path / "r.html"
    run(simulation_folder, "--results", files[0], "--results", files[1], "--out", out)
    text = out.read_text()
    assert "ecp5-25f" in text
    assert "101.0 MHz" in text, "the faster clock"


def test_what_cannot_be_is_refused_with_nothing_written(simulation_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "r.html"
    before = sorted(tmp_path.rglob("*"))
    assert run(simulation_folder, "--out", "r.htm").startswith("--out: found 'r.htm', expected a name that ends with")
    assert "expected a file of hardware results" in run(simulation_folder, "--results", "no.json", "--out", out)
    assert run(simulation_folder, "--family", "gowin9", "--out", out).startswith("FPGA family: found 'gowin9'")
    assert sorted(tmp_path.rglob("*")) == before


def without(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """Have a Python that lacks a module."""
    there = importlib.util.find_spec

    def find(name: str, package: str | None = None) -> ModuleSpec | None:
        return None if name == module else there(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find)


def test_missing_packages_are_named(simulation_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "vl_convert")
    assert run(simulation_folder, "--out", tmp_path / "r.html") == (
        "vl-convert-python: not installed for this Python; install with: pip install 'wsfracbnn[report]'"
    )


def test_a_simulation_does_without_a_report_where_packages_are_missing(
    simulation_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    without(monkeypatch, "altair")
    simulate._write_report(simulation_folder)
    assert capsys.readouterr().out == (
        "report: not written: altair: not installed for this Python; install with: pip install 'wsfracbnn[report]'\n"
    )
    assert not (simulation_folder / "report.html").exists()


def test_a_simulation_that_went_wrong_is_said_to_be(simulation_folder: Path) -> None:
    path = simulation_folder / "summary.json"
    summary = json.loads(path.read_text())
    summary["simulators"]["icarus"] |= {"images": 0, "failures": ["test_images: first wrong layer: stage_01"]}
    path.write_text(json.dumps(summary))
    page = report_page.write_beside_simulation(simulation_folder)
    text = page.read_text()
    assert '<span class="bad">FAILED</span>' in text
    assert "icarus: test_images: first wrong layer: stage_01" in text
