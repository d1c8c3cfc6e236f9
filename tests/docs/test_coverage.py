# SPDX-License-Identifier: Apache-2.0
"""How `make coverage` counts what Verilator wrote, and which tests it runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import coverage
from scripts.coverage import LINE, TOGGLE, Points, files_of_tests, shown_file, unreachable
from wsfracbnn.gen.locations import ROOT, RTL
from wsfracbnn.gen.simulation import job
from wsfracbnn.model.errors import InputError


def point(page: str, line: int, name: str, count: int, spans: str = "", block: Path = RTL / "saturate.v") -> str:
    """As Verilator writes it: keys and values between the bytes 1 and 2."""
    keys = {"f": str(block), "l": str(line), "page": page, "o": name} | ({"S": spans} if spans else {})
    return "C '" + "".join(f"\x01{key}\x02{value}" for key, value in keys.items()) + f"' {count}\n"


def test_points_of_several_runs_add_up() -> None:
    points = Points()
    points.add("# SystemC::Coverage-3\n" + point("v_line/saturate", 20, "block", 0, "20-22,25"))
    points.add(point("v_line/saturate", 20, "block", 3, "20") + point("v_toggle/saturate", 16, "in[0]:0->1", 4))
    points.add(point("v_toggle/saturate", 16, "in[1]:0->1", 0))
    points.add(point("v_line/bench", 1, "block", 0, block=ROOT / "tb" / "bench.v"))
    assert points.met[LINE] == {("rtl/saturate.v", number): 3 * (number == "20") for number in ("20", "21", "22", "25")}
    assert points.percent(LINE) == 25.0
    assert points.percent(LINE, [("rtl/saturate.v", number) for number in ("21", "22")]) == 50.0
    assert points.percent(TOGGLE) == 50.0
    assert list(points.missed(TOGGLE)) == [("rtl/saturate.v", "16 in[1]:0->1")]


def test_a_block_that_was_copied_for_a_network_is_the_block() -> None:
    assert shown_file("/x/net/rtl/lib/net_stream_fifo.v") == "rtl/stream_fifo.v"
    assert shown_file("/x/net/rtl/net_stage_01.v") == "emitted/net_stage_01.v"
    assert shown_file("/x/net/tb/stream_probe.v") is None


def test_a_function_with_a_line_that_was_reached_is_not_unreachable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "unreachable.toml"
    monkeypatch.setattr(coverage, "UNREACHABLE", table)
    lines = (RTL / "match_count.v").read_text().splitlines()
    first = next(n for n, line in enumerate(lines, 1) if line.startswith("function [15:0] threes("))
    table.write_text('[[function]]\nfile = "rtl/match_count.v"\nname = "threes"\nreason = "a reason"\n')
    points = Points()
    last = first + lines[first - 1 :].index("endfunction")
    assert unreachable(points) == {("rtl/match_count.v", str(n)): "a reason" for n in range(first, last + 1)}
    points.add(point("v_line/match_count", first + 1, "block", 1, block=RTL / "match_count.v"))
    with pytest.raises(InputError, match=f"line {first + 1} was reached, expected that nothing can"):
        unreachable(points)
    table.write_text('[[function]]\nfile = "rtl/match_count.v"\nname = "three"\nreason = "a reason"\n')
    with pytest.raises(InputError, match="found 0 functions 'three', expected one"):
        unreachable(Points())


def test_the_functions_that_nothing_can_reach_are_there() -> None:
    assert unreachable(Points())


def test_it_runs_every_test_file_or_those_asked_for() -> None:
    assert files_of_tests(["tb/saturate"]) == ["tb/saturate/test_saturate.py"]
    assert len(files_of_tests([])) > 150
    with pytest.raises(InputError, match="--only: found 'none'"):
        files_of_tests(["none"])


@pytest.mark.parametrize("simulator", ["icarus", "verilator"])
def test_jobs_of_verilator_alone_tell_what_they_cover(
    simulator: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(job, "Child", lambda words, **_: started.append(words))
    build = job.CocotbJob(simulator, (), "top", "bench", tmp_path, tmp_path)
    build.start()
    monkeypatch.setattr(job, "coverage_folder", tmp_path)
    build.start()
    without, covered = (set(arguments_of(words)) for words in started)
    more = covered - without
    if simulator == "icarus":
        assert more == set()
        return
    assert {"--coverage-line", "--coverage-toggle"} < more
    (file,) = more - {"--coverage-line", "--coverage-toggle"}
    assert file.startswith(f"+verilator+coverage+file+{tmp_path}/top-")


def arguments_of(words: list[str]) -> list[str]:
    """Of the compiler and of the simulation."""
    found: dict[str, Any] = json.loads(words[-1])
    return [*found["compile"], *found["plus"]]
