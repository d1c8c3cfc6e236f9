# SPDX-License-Identifier: Apache-2.0
"""`synth`, `pnr` and `card` from flags to files; Yosys and nextpnr are stand-ins that leave a run's results behind.

The tools themselves run in tests/gen/test_synthesis.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from wsfracbnn.cli.app import app
from wsfracbnn.gen.synthesis import nextpnr, stagewise, yosys
from wsfracbnn.gen.synthesis.tools import write_digests
from wsfracbnn.model.errors import InputError

CELLS = {
    "LUT4": 100,
    "CCU2C": 5,
    "TRELLIS_FF": 70,
    "DP16KD": 3,
    "INV": 2,
    "LUT6": 40,
    "FDRE": 60,
    "RAMB18E1": 1,
}
REPORT = {
    "utilization": {"TRELLIS_COMB": {"used": 120}, "TRELLIS_FF": {"used": 75}, "DP16KD": {"used": 3}},
    "fmax": {"clk": {"achieved": 123.456}},
    "critical_paths": [
        {"from": "posedge clk", "to": "posedge clk", "path": [{"from": {"cell": "a"}, "to": {"cell": "b"}}]}
    ],
}


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Stand-ins for the tools; returns the commands that they were started with."""
    commands: list[list[str]] = []

    def run_in(folder: Path, sources: Mapping[str, str], command: list[str], log: str, **options: Any) -> None:
        commands.append(command)
        folder.mkdir(parents=True)
        top = re.search(r"-top (\w+)", command[-1])
        cells = {"stage_01.memory": {"type": "DP16KD", "connections": {}}}
        cells |= {f"stage_01.quantize.{n}": {"type": "LUT4", "connections": {}} for n in range(7)}
        netlist = {"modules": {top[1] if top else "": {"attributes": {}, "cells": cells}}}
        files: dict[str, Any] = {
            "stat.json": {"design": {"num_cells_by_type": CELLS}},
            "netlist.json": netlist,
            "report.json": REPORT,
            "design.config": "routed",
            "seconds.json": 1.5,
        }
        for name, contents in files.items():
            (folder / name).write_text(json.dumps(contents))
        for name, text in sources.items():
            (folder / name).write_text(text)
        write_digests(folder)

    def key(package: str, sources: Mapping[str, str], script: str) -> str:
        return f"{hash((package, script, str(sources))):x}"

    for module in (yosys, nextpnr, stagewise):
        monkeypatch.setattr(module, "run_in", run_in)
        monkeypatch.setattr(module, "cache_key", key)
    return commands


def invoke(*arguments: object) -> str:
    """Run a command that must succeed; returns what it printed."""
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, f"{done.output}\n{done.exception!r}"
    return done.output


def test_synth_records_a_row_for_each_target(digits_path: Path, tmp_path: Path, tools: list[list[str]]) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- hardware -->\n<!-- /hardware -->\n<!-- memories -->\n<!-- /memories -->\n")
    results = tmp_path / "hardware.json"
    output = invoke(
        "synth", "--weights", digits_path, "--fold", "small", "--cache", tmp_path / "cache", "--results", results,
        "--page", page, "--memories", page,
    )  # fmt: skip
    contents = json.loads(results.read_text())
    ecp5, xc7 = contents["rows"]
    assert (ecp5["network"], ecp5["fold"], ecp5["device"]) == ("digits", "small", "ecp5")
    assert (ecp5["lut4"], ecp5["flip_flops"], ecp5["block_rams"]) == (110, 70, 3)
    assert (xc7["device"], xc7["lut6"], xc7["flip_flops"]) == ("xc7", 142, 60)
    assert ecp5["estimated_luts"] > 1000
    assert set(contents["lanes"]) == {"lut4_per_bit", "lut6_per_bit"}
    assert "| digits | small | ecp5 | - | 110 LUT4 | 70 | 3 | 0 |" in page.read_text()
    assert "| digits | small | ecp5 | - | 110 LUT4 |" in output
    assert re.search(r"^\| weights \| [0-9,]+ x 9 .*\| stage_01", page.read_text(), re.MULTILINE)
    scripts = [command[-1] for command in tools]
    assert any("synth_ecp5" in script for script in scripts)
    assert any("synth_xilinx" in script for script in scripts)


def test_synth_shows_where_the_area_goes(digits_path: Path, tmp_path: Path, tools: list[list[str]]) -> None:
    """As tables, in a page and as figures; the sum is that of the netlist's cells."""
    page = tmp_path / "page.md"
    page.write_text("<!-- breakdown-digits -->\n<!-- /breakdown-digits -->\n")
    given = ["synth", "--weights", digits_path, "--fold", "small", "--targets", "ecp5", "--cache", tmp_path / "cache"]
    given += ["--results", tmp_path / "hardware.json"]
    output = invoke(*given, "--breakdown", "--breakdown-page", page)
    for text in (output, page.read_text()):
        assert "| function | LUT4 | share | flip-flops | block RAMs |" in text
        assert "| total | 7 | 100.0% | 0 | 1 |" in text
    figures = json.loads(CliRunner().invoke(app, [*map(str, given), "--breakdown", "--json"]).stdout)
    shares = figures["breakdown"]["ecp5"]
    assert sum(share["area"]["luts"] for share in shares) == 7
    assert {share["part"] for share in shares} <= {"stage_01", ""}
    assert "breakdown" not in json.loads(CliRunner().invoke(app, [*map(str, given), "--json"]).stdout)
    page.write_text("nothing here")
    refused = CliRunner().invoke(app, [*map(str, given), "--breakdown-page", str(page)])
    assert "expected one section from '<!-- breakdown-digits -->'" in str(refused.exception)


def test_a_design_is_synthesized_as_a_whole_where_that_is_asked_for(
    digits_path: Path, tmp_path: Path, tools: list[list[str]]
) -> None:
    given = ["synth", "--weights", digits_path, "--fold", "small", "--targets", "ecp5", "--cache", tmp_path / "cache"]
    given += ["--results", tmp_path / "hardware.json"]
    invoke(*given, "--flat")
    tops = [found[1] for command in tools if (found := re.search(r"-top (\w+)", command[-1]))]
    assert tops == ["digits_top", "lane_bench"]
    tools.clear()
    invoke(*given)
    tops = [found[1] for command in tools if (found := re.search(r"-top (\w+)", command[-1]))]
    assert tops.count("stage") == 6
    assert tops[-1] == "digits_top"


@pytest.mark.parametrize("command", [["synth", "--targets", "ecp5"], ["pnr"]])
def test_figures_of_a_clone_are_left_alone_unless_named(
    digits_path: Path, tmp_path: Path, tools: list[list[str]], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "hardware.json").write_text("the project's own")
    monkeypatch.chdir(tmp_path)
    invoke(*command, "--weights", digits_path, "--fold", "small")
    assert (tmp_path / "results" / "hardware.json").read_text() == "the project's own"
    assert len(json.loads((tmp_path / "build" / "hardware.json").read_text())["rows"]) == 1


def test_results_of_two_commands_are_kept_together(digits_path: Path, tmp_path: Path, tools: list[list[str]]) -> None:
    """Each adds to what is there when it ends."""
    results = tmp_path / "hardware.json"
    first = ["--weights", digits_path, "--fold", "small", "--cache", tmp_path / "cache", "--results", results]
    invoke("synth", "--targets", "ecp5", *first)
    invoke("pnr", *first)
    invoke("synth", "--targets", "xc7", *first)
    assert [row["device"] for row in json.loads(results.read_text())["rows"]] == ["ecp5", "ecp5-85f", "xc7"]


def test_synth_refuses_an_unknown_target(digits_path: Path, tmp_path: Path, tools: list[list[str]]) -> None:
    done = CliRunner().invoke(app, ["synth", "--weights", str(digits_path), "--targets", "ecp5,stratix"])
    assert isinstance(done.exception, InputError)
    assert str(done.exception) == "FPGA family: found 'stratix', expected one of ecp5, ice40, xc7"
    assert tools == []


def test_pnr_records_clock_and_rate(digits_path: Path, tmp_path: Path, tools: list[list[str]]) -> None:
    results = tmp_path / "hardware.json"
    arguments = ["pnr", "--weights", digits_path, "--fold", "small", "--device", "ecp5-25f", "--speed", 7, "--seed", 3]
    output = invoke(*arguments, "--cache", tmp_path / "cache", "--results", results)
    (row,) = json.loads(results.read_text())["rows"]
    assert (row["device"], row["speed_grade"], row["seed"], row["fmax_mhz"]) == ("ecp5-25f", 7, 3, 123.46)
    assert row["images_per_s"] == round(123.46e6 / row["cycles_per_image"])
    assert row["cycles_are"] == "estimated by the folding solver"
    assert row["critical_path"] == "a -> b"
    assert row["block_rams_pinned"] is True
    assert "critical path:\n  a\n  b" in output
    assert "--25k" in tools[-1]
    assert tools[-1][tools[-1].index("--seed") + 1] == "3"


def test_what_is_routed_for_a_device_is_what_emit_writes_for_it(
    digits_path: Path, tmp_path: Path, tools: list[list[str]]
) -> None:
    """The larger device has block RAMs for weights too."""
    written = []
    for device in ("ecp5-25f", "ecp5-85f"):
        given = ["--weights", digits_path, "--device", device]
        invoke("pnr", *given, "--cache", tmp_path / device, "--results", tmp_path / "hardware.json")
        invoke("emit", *given, "--out", tmp_path / f"rtl-{device}")
        routed, emitted = (weight_styles(folder) for folder in (tmp_path / device, tmp_path / f"rtl-{device}"))
        assert routed == emitted
        written.append(emitted)
    assert written[0] != written[1]


def weight_styles(folder: Path) -> set[tuple[str, str]]:
    """(range of its bits, style) of each memory of weights; stages that are alike are synthesized once."""
    form = re.compile(r"localparam (\[.*?\]) CONTENTS_0.*?rom_style = (\S+)", re.DOTALL)
    texts = [path.read_text() for path in folder.rglob("*_weights.v")]
    return {(match[1], match[2]) for text in texts for match in form.finditer(text)}


def test_pnr_refuses_a_device_before_it_synthesizes(digits_path: Path, tools: list[list[str]]) -> None:
    done = CliRunner().invoke(app, ["pnr", "--weights", str(digits_path), "--device", "artix7-35t"])
    assert isinstance(done.exception, InputError)
    assert str(done.exception) == "device: found 'artix7-35t', expected one of ecp5-25f, ecp5-45f, ecp5-85f"
    assert tools == []


def test_card_says_what_the_checkpoint_records(digits_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "card.md"
    assert f"written to {out}" in invoke("card", "--weights", digits_path, "--out", out).replace("\n", "")
    text = out.read_text()
    for expected in ("# digits.pt", "scikit-learn's handwritten digits", "Top-1 98.68 %", "**Limits.**"):
        assert expected in text
    assert text == digits_path.with_suffix(".md").read_text()
