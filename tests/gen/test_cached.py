# SPDX-License-Identifier: Apache-2.0
"""Cached runs of the tools: what is in them is read as anything from outside, and a damaged one is named."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wsfracbnn.gen.devices import FAMILIES
from wsfracbnn.gen.synthesis import yosys
from wsfracbnn.gen.synthesis.cached import (
    Routed,
    read_cell_counts,
    read_netlist,
    read_report,
    read_routed,
    read_seconds,
)
from wsfracbnn.model.errors import InputError

STATISTICS = {"creator": "Yosys", "design": {"num_cells": 5, "num_cells_by_type": {"LUT4": 3, "$lut": 2}}}
NETLIST = {"modules": {"top": {"cells": {"ram": {"type": "DP16KD", "connections": {}}}}}}
STEP = {"from": {"cell": "a", "loc": [1, 2]}, "to": {"cell": "b"}}
REPORT: dict[str, Any] = {
    "utilization": {"DP16KD": {"available": 56, "used": 3}},
    "fmax": {"clk": {"achieved": 123.456, "constraint": 150}},
    "critical_paths": [
        {"from": "<async>", "to": "posedge clk", "path": [STEP]},
        {"from": "posedge clk", "to": "posedge clk", "path": [STEP, {"from": {"cell": "b"}, "to": {"cell": "c"}}]},
    ],
}


def read_top(path: Path) -> object:
    return read_netlist(path, "top").cells


def write(folder: Path, contents: Any) -> Path:
    path = folder / "run" / "file.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(contents if isinstance(contents, str) else json.dumps(contents))
    return path


def test_intact_files_are_read(tmp_path: Path) -> None:
    assert read_cell_counts(write(tmp_path, STATISTICS)) == {"LUT4": 3, "$lut": 2}
    assert read_top(write(tmp_path, NETLIST)) == {"ram": "DP16KD"}
    assert read_report(write(tmp_path, REPORT)) == Routed({"DP16KD": 3}, 123.46, ("a", "b", "c"))
    assert read_seconds(write(tmp_path, 2)) == 2.0


@pytest.mark.parametrize(
    ("read", "contents", "why"),
    [
        (read_cell_counts, {"design": {}}, "key 'design.num_cells_by_type' is missing"),
        (read_cell_counts, {"design": {"num_cells_by_type": {"LUT4": -1}}}, "found -1, expected at least 0"),
        (read_cell_counts, {"design": {"num_cells_by_type": {"LUT4": True}}}, "found True, expected an integer"),
        (read_cell_counts, json.dumps(STATISTICS)[:-9], "not Yosys's statistics"),
        (read_cell_counts, "[" * 100_000, "nested more than 20 deep"),
        (read_top, {"modules": {"other": {"cells": {}}}}, "key 'modules.top' is missing"),
        (read_top, {"modules": {"top": {"cells": {"ram": {"type": 3}}}}}, "found 3, expected a string"),
        (
            read_top,
            {"modules": {"top": {"cells": {"ram": {"type": "a", "attributes": []}}}}},
            "expected a table of keys",
        ),
        (read_report, REPORT | {"fmax": {}}, "expected at least 1 of them"),
        (read_report, REPORT | {"fmax": {"clk": {"achieved": "fast"}}}, "expected a number"),
        (read_report, REPORT | {"critical_paths": REPORT["critical_paths"][:1]}, "no path from clock to clock"),
        (read_report, REPORT | {"utilization": {"DP16KD": {}}}, "key 'utilization.DP16KD.used' is missing"),
        (read_seconds, "soon", "not the seconds of a run"),
        (read_seconds, "NaN", "found NaN, expected finite numbers"),
        (read_seconds, [1], "expected a number"),
    ],
)
def test_damaged_files_are_named_with_what_to_do(
    tmp_path: Path, read: Callable[[Path], object], contents: Any, why: str
) -> None:
    path = write(tmp_path, contents)
    with pytest.raises(InputError) as refused:
        read(path)
    assert str(refused.value).startswith(f"{path}: not ")
    assert why in str(refused.value)
    assert str(refused.value).endswith(f"; remove {path.parent}, then it is made anew")


def test_a_routed_design_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "design.config").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not nextpnr's routed design"):
        read_routed(tmp_path / "design.config")


def test_a_damaged_run_is_neither_used_nor_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache is asked first; Yosys is not started behind somebody's back."""
    monkeypatch.setattr(yosys, "cache_key", lambda package, sources, script: "key")
    run = tmp_path / "ecp5-key"
    run.mkdir()
    (run / "stat.json").write_text("{")
    with pytest.raises(InputError, match=r"ecp5-key/stat\.json: not Yosys's statistics"):
        yosys.synthesize({"a.v": ""}, "a", FAMILIES["ecp5"], tmp_path)
    assert (run / "stat.json").read_text() == "{"
