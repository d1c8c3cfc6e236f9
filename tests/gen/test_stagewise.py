# SPDX-License-Identifier: Apache-2.0
"""Synthesis stage by stage: what is run, kept, left by a failure; and that it takes what the whole takes."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wsfracbnn.gen.design import AcceleratorDesign, build_design
from wsfracbnn.gen.devices import FAMILIES
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.sizing.memories import map_memories
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.stages.folding import StageFold
from wsfracbnn.gen.synthesis import stagewise, yosys
from wsfracbnn.gen.synthesis.breakdown import break_down, by_part
from wsfracbnn.gen.synthesis.cached import read_netlist
from wsfracbnn.gen.synthesis.stagewise import UNITS, earlier_linking, synthesize_by_stage
from wsfracbnn.gen.synthesis.tools import StoppedError, ToolFailedError, run_in, write_digests
from wsfracbnn.gen.synthesis.units import units_of
from wsfracbnn.gen.synthesis.yosys import NETLIST, Area, synthesize
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.random_network import random_description

ECP5 = FAMILIES["ecp5"]


@pytest.fixture(scope="module")
def network() -> NetworkDescription:
    return random_description(NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3), seed=3, name="tiny")


@pytest.fixture
def design(network: NetworkDescription) -> AcceleratorDesign:
    return build_design(network, preset(network, "small").for_family(ECP5))


def by_stage(
    design: AcceleratorDesign, cache: Path, said: list[str] | None = None, **options: Any
) -> tuple[Area, Path]:
    report = (lambda line: None) if said is None else said.append
    family = options.pop("family", ECP5)
    sources, top = design_sources(design), design.top
    return synthesize_by_stage(sources, top, design.stage_modules, family, cache, report=report, **options)


class Yosys:
    """In the place of Yosys: every unit takes a LUT for each module in it, and linking adds them up.

    fails: name of a source file with which it fails. seconds: that it takes.
    """

    def __init__(self) -> None:
        self.fails = ""
        self.seconds = 0.0
        self.most = 0
        self._running = 0
        self._lock = threading.Lock()

    def run_in(
        self, folder: Path, sources: Mapping[str, str], command: Sequence[str], log: str, **options: Any
    ) -> None:
        with self._lock:
            self._running += 1
            self.most = max(self.most, self._running)
        try:
            time.sleep(self.seconds)
            if self.fails in sources:
                raise ToolFailedError(f"{folder}: Yosys failed")
            self._leave(folder, sources, command[-1])
        finally:
            with self._lock:
                self._running -= 1

    def _leave(self, folder: Path, sources: Mapping[str, str], script: str) -> None:
        found = re.search(r"-top (\w+)", script)
        assert found is not None
        cell = {"type": "LUT4", "connections": {}}
        cells = {f"c{number}": cell for number in range(len(sources))}
        if UNITS in sources:
            units = json.loads(sources[UNITS])["modules"]
            cells = {f"{name}.{key}": cell for name, unit in units.items() for key in unit["cells"]}
        modules = {found[1]: {"attributes": {"top": "1"}, "cells": cells}}
        folder.mkdir(parents=True)
        (folder / "netlist.json").write_text(json.dumps({"modules": modules}))
        (folder / "stat.json").write_text(json.dumps({"design": {"num_cells_by_type": {"LUT4": len(cells)}}}))
        (folder / "seconds.json").write_text("1.5")
        write_digests(folder)


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Yosys:
    stand_in = Yosys()
    for module in (yosys, stagewise):
        monkeypatch.setattr(module, "run_in", stand_in.run_in)
    return stand_in


def test_a_design_is_synthesized_once(design: AcceleratorDesign, tool: Yosys, tmp_path: Path) -> None:
    said: list[str] = []
    area, run = by_stage(design, tmp_path, said)
    assert len(said) == len(design.stages) + 2
    assert said[-1] == "linking of tiny_top for Lattice ECP5 (LUT4)"
    units = units_of(design_sources(design), design.top, design.stage_modules)
    assert area.luts == sum(len(unit.sources) for unit in units)
    assert area.seconds == 1.5
    assert by_stage(design, tmp_path, said) == (area, run)
    assert len(said) == len(design.stages) + 2, "nothing more was run"
    assert earlier_linking(design_sources(design), design.top, design.stage_modules, ECP5, tmp_path) == run


def test_another_folding_of_a_stage_leaves_the_others(
    network: NetworkDescription, design: AcceleratorDesign, tool: Yosys, tmp_path: Path
) -> None:
    by_stage(design, tmp_path)
    folding = design.folding.with_stages({"stage_02": StageFold(2, 18)})
    said: list[str] = []
    by_stage(build_design(network, folding), tmp_path, said)
    names = [line.split(" ")[2] for line in said]
    assert {"tiny_stage_02", "tiny_top"} <= set(names)
    assert {"tiny_input", "tiny_stage_01"}.isdisjoint(names)
    said.clear()
    renamed = build_design(replace(network, name="other"), folding)
    by_stage(renamed, tmp_path, said)
    assert [line.split(" ")[0] + " " + line.split(" ")[2] for line in said] == [
        "synthesis other_top",
        "linking other_top",
    ]


def test_so_many_at_once_as_are_asked_for(design: AcceleratorDesign, tool: Yosys, tmp_path: Path) -> None:
    tool.seconds = 0.05
    by_stage(design, tmp_path / "a", jobs=1)
    assert tool.most == 1
    by_stage(design, tmp_path / "b", jobs=3)
    assert 2 <= tool.most <= 3


def test_where_one_stage_fails_nothing_is_linked(design: AcceleratorDesign, tool: Yosys, tmp_path: Path) -> None:
    tool.fails = "linear.v"
    with pytest.raises(ToolFailedError, match="Yosys failed"):
        by_stage(design, tmp_path)
    assert not list(tmp_path.glob("*linked*"))
    tool.fails = ""
    said: list[str] = []
    by_stage(design, tmp_path, said)
    assert "synthesis of tiny_head for Lattice ECP5 (LUT4)" in said
    assert said[-1].startswith("linking")


def test_a_damaged_stage_is_named_and_stays(design: AcceleratorDesign, tool: Yosys, tmp_path: Path) -> None:
    _, linked = by_stage(design, tmp_path)
    for path in linked.iterdir():
        path.unlink()
    linked.rmdir()
    damaged = next(path for path in sorted(tmp_path.glob("ecp5-*/netlist.json")))
    text = damaged.read_text().replace("LUT4", "LUT5")
    damaged.write_text(text)
    with pytest.raises(InputError, match=r"netlist\.json: the content is damaged"):
        by_stage(design, tmp_path)
    assert damaged.read_text() == text
    assert not linked.exists()


def test_a_family_that_cannot_is_synthesized_whole(design: AcceleratorDesign, tool: Yosys, tmp_path: Path) -> None:
    said: list[str] = []
    by_stage(design, tmp_path, said, family=replace(ECP5, by_stage=None))
    assert said == ["synthesis of tiny_top for Lattice ECP5 (LUT4)"]


def test_a_tool_that_is_no_longer_wanted_is_killed(tmp_path: Path) -> None:
    stop = threading.Event()
    pid = tmp_path / "pid"

    def stop_when_it_runs() -> None:
        while not pid.exists() or not pid.read_text():
            time.sleep(0.05)
        stop.set()

    threading.Thread(target=stop_when_it_runs, daemon=True).start()
    code = f"import os, pathlib, time; pathlib.Path({str(pid)!r}).write_text(str(os.getpid())); time.sleep(100)"
    with pytest.raises(StoppedError):
        run_in(tmp_path / "run", {}, [Path(sys.executable).name, "-c", code], "log", stop=stop)
    assert [path for path in tmp_path.iterdir() if path != pid] == [], "nothing that looks like a result"
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid.read_text()), 0)


@pytest.mark.synthesis
@pytest.mark.timeout(1800)
@pytest.mark.slow
@pytest.mark.parametrize("family", ["ecp5", "xc7"])
def test_stages_linked_take_what_the_whole_takes(
    network: NetworkDescription, family: str, synthesis_cache: Path
) -> None:
    """The same registers and memories under the same names; LUTs within 3 %, whose borders are drawn otherwise.

    A register at the border of two parts has a name in each, and a flat netlist may keep the other's.
    """
    known = FAMILIES[family]
    design = build_design(network, preset(network, "small").for_family(known))
    area, run = by_stage(design, synthesis_cache, family=known)
    whole, flat = synthesize(design_sources(design), design.top, known, synthesis_cache, report=lambda line: None)
    assert (area.flip_flops, area.block_rams, area.lut_ram_cells) == pytest.approx(
        (whole.flip_flops, whole.block_rams, whole.lut_ram_cells), rel=0.01
    )
    assert area.luts == pytest.approx(whole.luts, rel=0.03)
    assert area.cells.get("BUFG") == whole.cells.get("BUFG")
    found = [map_memories(design, read_netlist(path / NETLIST, design.top).cells, known) for path in (run, flat)]
    assert found[0] == found[1]
    parts = by_part(break_down(design, run, known), design)
    others = by_part(break_down(design, flat, known), design)
    assert sum(part.luts for part in parts.values()) == area.luts
    for name in parts:
        assert parts[name].flip_flops == pytest.approx(others[name].flip_flops, rel=0.05, abs=48)
        # LUTs that drive such a register go with its name.
        moved = abs(parts[name].flip_flops - others[name].flip_flops)
        assert parts[name].luts == pytest.approx(others[name].luts, rel=0.15, abs=30 + moved)
