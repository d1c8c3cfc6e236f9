# SPDX-License-Identifier: Apache-2.0
"""Waveforms: what is recorded, how deep, and that views name signals that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pylibfst
import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.simulation import views
from wsfracbnn.gen.simulation.run import simulate
from wsfracbnn.gen.simulation.views import expected_seconds, write_views
from wsfracbnn.gen.simulation.waves import Waves, wave_suffix
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.model.config import resnet20
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.random_network import random_description


def signals_of(path: Path) -> set[str]:
    """Full names of an .fst or .vcd file, with the range of those of several bits."""
    if path.suffix == ".vcd":
        return set(_names(path.read_text()))
    reader = pylibfst.lib.fstReaderOpen(str(path).encode())
    assert reader != pylibfst.ffi.NULL
    try:
        _, signals = pylibfst.get_scopes_signals2(reader)
        return {re.sub(r"\s+\[", "[", name) for name in signals.by_name}
    finally:
        pylibfst.lib.fstReaderClose(reader)


def _names(text: str) -> list[str]:
    found, scope = [], []
    for line in text.split("$enddefinitions")[0].splitlines():
        words = line.split()
        if words[:1] == ["$scope"]:
            scope.append(words[2])
        elif words[:1] == ["$upscope"]:
            scope.pop()
        elif words[:1] == ["$var"]:
            found.append(".".join([*scope, "".join(words[4:-1])]))
    return found


def shown(view: Path) -> list[str]:
    """The signals that a view names."""
    lines = view.read_text().splitlines()
    if view.suffix == ".sucl":
        return [line.split()[1] for line in lines if line.startswith("variable_add ")]
    return [line for line in lines if re.match(r"\w+(\.\w+)+(\[\d+:0\])?$", line)]


@pytest.mark.simulator
@pytest.mark.parametrize(
    "simulator, depths",
    [
        ("icarus", (0, 2)),
        pytest.param("verilator", (0, 2), marks=pytest.mark.slow),
        ("verilator", (2,)),
    ],
)
def test_views_name_signals_that_were_recorded(
    tiny: NetworkDescription, tmp_path: Path, simulator: str, depths: tuple[int, ...]
) -> None:
    design = emit(tiny, preset(tiny, "small"), tmp_path / "net")
    vectors = tmp_path / "net" / "vectors.npz"
    sizes = []
    for depth in depths:
        result = simulate(tmp_path / "net", simulator, vectors, 1, tests="bit_exact", waves=Waves(depth))
        assert not result.failures
        assert result.waves is not None
        found = signals_of(result.waves)
        # Icarus writes the testbench's scope at the root, Verilator may write its own above it.
        names = {name.removeprefix("TOP.") for name in found}
        bare = {name.split("[")[0] for name in names}
        for viewer, view in write_views(result.waves, design).items():
            wanted = shown(view)
            assert len(wanted) > 4 * len(design.stages), viewer
            assert {name.split("[")[0] for name in wanted} <= bare
        deepest = max(name.count(".") for name in bare)
        assert deepest == 2 if depth == 2 else deepest > 4
        sizes.append(result.waves.stat().st_size)
    assert sizes[-1] > 500
    assert len(depths) == 1 or sizes[0] > 2 * sizes[1]


@pytest.mark.simulator
def test_views_of_one_engine_name_signals_that_were_recorded(tiny: NetworkDescription, tmp_path: Path) -> None:
    """Its layers have no streams between them."""
    design = emit(tiny, choose_folding(tiny, "sequential"), tmp_path / "net")
    vectors = tmp_path / "net" / "vectors.npz"
    result = simulate(tmp_path / "net", "icarus", vectors, 1, tests="bit_exact", waves=Waves(2))
    assert not result.failures
    assert result.waves is not None
    bare = {name.split("[")[0] for name in signals_of(result.waves)}
    for viewer, view in write_views(result.waves, design).items():
        wanted = {name.split("[")[0] for name in shown(view)}
        assert {f"{design.name}_testbench.dut.{name}" for name in ("s_axis_tdata", "m_axis_tdata")} <= wanted, viewer
        assert wanted <= bare


def test_verilator_writes_vcd_where_fst_cannot_be_compiled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compiler = tmp_path / "c++"
    compiler.write_text("#!/bin/sh\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (wave_suffix("verilator"), wave_suffix("icarus")) == ("vcd", "fst")


def test_long_recordings_are_expected_to_be_long(tiny: NetworkDescription) -> None:
    tiny_design = build_design(tiny, preset(tiny, "small"))
    description = random_description(resnet20(classes=100), seed=1)
    large = build_design(description, preset(description, "auto"))
    assert expected_seconds("icarus", tiny_design, 1) < views.PATIENCE_S < expected_seconds("icarus", large, 1)
    assert expected_seconds("verilator", large, 1) < expected_seconds("icarus", large, 1)
