# SPDX-License-Identifier: Apache-2.0
"""Cached runs of the tools: what is in them is read as anything from outside, and a damaged one is named."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from wsfracbnn.gen.devices import FAMILIES
from wsfracbnn.gen.synthesis import nextpnr, yosys
from wsfracbnn.gen.synthesis.cached import (
    Routed,
    read_cell_counts,
    read_netlist,
    read_report,
    read_routed,
    read_seconds,
)
from wsfracbnn.gen.synthesis.nextpnr import PlaceAndRoute
from wsfracbnn.gen.synthesis.tools import DIGESTS, run_in
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


ECP5 = FAMILIES["ecp5"]
WRITE = "import json, sys; [open(name, 'w').write(text) for name, text in json.loads(sys.argv[1]).items()]"


def leave(folder: Path, **files: Any) -> None:
    """A run whose tool left these files, as JSON; their names have dots for underscores."""
    contents = json.dumps({name.replace("_", "."): json.dumps(value) for name, value in files.items()})
    run_in(folder, {}, ["python", "-c", WRITE, contents], "log")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with a synthesis, a placement and its bitstream, in which any design is found."""
    for module in (yosys, nextpnr):
        monkeypatch.setattr(module, "cache_key", lambda package, sources, script: "key")
    leave(tmp_path / "ecp5-key", stat_json=STATISTICS, netlist_json=NETLIST)
    leave(tmp_path / "ecp5-25f-key", report_json=REPORT, design_config=".device LFE5U-25F")
    leave(tmp_path / "ecp5-25f-key" / "bitstream", design_bit="bits")
    return tmp_path


def use(cache: Path) -> list[str]:
    """Read all of it; returns what was reported."""
    said: list[str] = []
    area, _ = yosys.synthesize({"a.v": ""}, "a", ECP5, cache, report=said.append)
    assert area.luts == 3
    placement, placed = nextpnr.place_and_route("{}", PlaceAndRoute("ecp5-25f", 100), cache, report=said.append)
    assert placement.block_rams == 3
    assert nextpnr.pack_bitstream(placed, cache / "out.bit", report=said.append) == len('"bits"')
    assert (cache / "out.bit").read_text() == '"bits"'
    return said


def test_an_intact_run_is_used_without_a_word(cache: Path) -> None:
    assert use(cache) == []


def test_digests_are_those_of_sha256sum(cache: Path) -> None:
    done = subprocess.run(
        ["sha256sum", "--strict", "-c", DIGESTS], cwd=cache / "ecp5-key", capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["netlist.json: OK", "seconds.json: OK", "stat.json: OK"]


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("ecp5-key/stat.json", '"LUT4": 3', '"LUT4": 2'),
        ("ecp5-key/netlist.json", "DP16KD", "DP16KE"),
        ("ecp5-25f-key/report.json", "123.456", "223.456"),
        ("ecp5-25f-key/design.config", "25F", "45F"),
        ("ecp5-25f-key/bitstream/design.bit", "bits", "bytes"),
    ],
)
def test_a_run_that_differs_in_a_digit_is_refused(cache: Path, file: str, old: str, new: str) -> None:
    """Its form is right, so that nothing else would see it."""
    path = cache / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(InputError) as refused:
        use(cache)
    assert str(refused.value).startswith(f"{path}: the content is damaged, its digest is '")
    assert str(refused.value).endswith(f"; remove {path.parent}, then it is made anew")
    path.write_text(text)
    assert use(cache) == []


def test_how_long_a_run_took_is_held_to_its_digest_too(cache: Path) -> None:
    (cache / "ecp5-key" / "seconds.json").write_text("3600.0")
    with pytest.raises(InputError, match=r"seconds\.json: the content is damaged"):
        use(cache)


def test_a_file_that_is_missing_is_named(cache: Path) -> None:
    (cache / "ecp5-key" / "netlist.json").unlink()
    with pytest.raises(InputError, match=r"netlist\.json: no such file, .*; remove .*/ecp5-key, then"):
        use(cache)


@pytest.mark.parametrize(
    ("digests", "why"),
    [
        ("", "that of stat.json is missing"),
        ("0" * 63 + "  stat.json\n", "line 1"),
        ("0" * 64 + "  a\n\n", "line 2"),
        ("\0", "line 1"),
    ],
)
def test_damaged_digests_are_refused(cache: Path, digests: str, why: str) -> None:
    (cache / "ecp5-key" / DIGESTS).write_text(digests)
    with pytest.raises(InputError) as refused:
        use(cache)
    run = cache / "ecp5-key"
    assert (
        str(refused.value) == f"{run / DIGESTS}: not the digests of a run ({why}); remove {run}, then it is made anew"
    )


def test_a_run_without_digests_is_used_and_reported(cache: Path) -> None:
    (cache / "ecp5-key" / DIGESTS).unlink()
    assert use(cache) == [f"{cache / 'ecp5-key'}: carries no digests of its files, which are taken as they are"]
