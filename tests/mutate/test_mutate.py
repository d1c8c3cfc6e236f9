# SPDX-License-Identifier: Apache-2.0
"""Mutants: what they are, that tests find those that they are said to find, and the page of the last full run."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from wsfracbnn.gen.locations import ROOT, RTL
from wsfracbnn.model.errors import InputError

from .campaign import all_mutants, carry_out, changed_since, in_order, page_of, read_results, remembered, written
from .equivalence import same_behaviour
from .jobs import FAILED, LIMIT, PASSED, STOPPED, Simulation, bench_jobs
from .killers import REFUSED, SAME, Cache, Killers
from .mutants import Mutant, mutants_of
from .reasons import Reason, read_reasons, stale

SAMPLE = 2
"""Mutants of the regression: of blocks that changed first, of those that the committed run killed."""

FORK = (RTL / "stream_fork.v").read_text()


def mutant_of(old: str, new: str, file: str = "stream_fork.v", nth: int = 0) -> Mutant:
    """A mutant that is among those of a block."""
    return [m for m in mutants_of(file, (RTL / file).read_text()) if (m.old, m.new) == (old, new)][nth]


def found_in(verilog: str) -> set[tuple[str, str, str]]:
    """Operator, what stood there, and what stands there now, of a module's mutants."""
    return {(m.operator, m.old, m.new) for m in mutants_of("block.v", f"module block;\n{verilog}\nendmodule\n")}


@pytest.mark.parametrize(
    ("verilog", "expected"),
    [
        (
            "assign ready = a && !b;",
            {
                ("operator", "&&", "||"),
                ("term", "a && !b", "(a)"),
                ("term", "a && !b", "(!b)"),
                ("inversion", "!b", "b"),
                ("stuck", "a && !b", "(a && !b) & ~1"),
                ("stuck", "a && !b", "(a && !b) | 1"),
            },
        ),
        (
            "always @(posedge clk) if (rst) q <= 2'd3;",
            {
                ("negation", "rst", "!(rst)"),
                ("condition", "rst", "1'b1"),
                ("dropped", "q <= 2'd3;", ";"),
                ("constant", "2'd3", "2'd0"),
                ("constant", "2'd3", "2'd2"),
            },
        ),
        ("reg [W-1:0] memory [0:LAST];", {("narrow", "W-1", "W-1 - 1"), ("narrow", "LAST", "LAST - 1")}),
        (
            "assign x = {a, b[i]};",
            {
                ("stuck", "{a, b[i]}", "({a, b[i]}) & ~1"),
                ("stuck", "{a, b[i]}", "({a, b[i]}) | 1"),
                ("order", "{a, b[i]}", "{b[i], a}"),
                ("select", "i", "(i) + 1"),
            },
        ),
        ("part one (.clk(clk), .rst(rst));", {("tied", "rst", "1'b0")}),
        ("generate if (W < 1) begin : check_1 stop s (); end endgenerate", set()),
        ("localparam unused_style = W > 1;", set()),
    ],
)
def test_mutants_of_a_statement(verilog: str, expected: set[tuple[str, str, str]]) -> None:
    assert found_in(verilog) == expected


def test_a_width_written_in_another_way_is_no_mistake() -> None:
    for rest, sign, bound in (("1", ">", "2"), ("0", ">=", "1")):
        text = f"module block;\nlocalparam N_W = N > 1 ? $clog2(N) : {rest};\nendmodule\n"
        found = {mutant.applied(text) for mutant in mutants_of("block.v", text)}
        assert f"module block;\nlocalparam N_W = N {sign} {bound} ? $clog2(N) : {rest};\nendmodule\n" not in found
        assert any("N <= 1" in changed for changed in found)


def test_a_name_stays_while_its_statement_does() -> None:
    """Lines before it, comments and layout may change; its own text may not."""
    before = {m.name for m in mutants_of("stream_fork.v", FORK)}
    moved = FORK.replace("reg taken_0;", "// A comment.\n\nreg  taken_0;\nwire another;")
    assert {m.name for m in mutants_of("stream_fork.v", moved)} == before
    changed = {m.name for m in mutants_of("stream_fork.v", FORK.replace("taken_0 || m0", "m0_axis_tvalid || m0"))}
    assert before - changed
    assert len(changed & before) > 0.9 * len(before)


def test_mutants_differ_from_each_other_and_keep_the_lines() -> None:
    found = mutants_of("stream_fork.v", FORK)
    texts = {mutant.applied(FORK) for mutant in found}
    assert len(texts) == len({mutant.name for mutant in found}) == len(found)
    assert FORK not in texts
    assert {text.count("\n") for text in texts} == {FORK.count("\n")}


def test_order_is_the_seeds_and_changed_blocks_come_first() -> None:
    found = all_mutants(["stream_fork", "frame_gate"])
    assert in_order(found, 1) == in_order(list(reversed(found)), 1)
    assert in_order(found, 1) != in_order(found, 2)
    blocks = [mutant.block for mutant in in_order(found, 1, ["frame_gate"])]
    assert blocks == sorted(blocks)


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match=r"--only: found 'bogus', expected one of: adder_tree, "):
        all_mutants(["bogus"])
    with pytest.raises(InputError, match=r"--changed-first: found 'no-such-commit', expected a commit that Git knows"):
        changed_since("no-such-commit")


@pytest.mark.simulator
@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (FORK, PASSED),
        (FORK.replace("s_axis_tvalid && !taken_1;", "s_axis_tvalid;"), FAILED),
        (
            FORK.replace("assign m0_axis_tdata  = s_axis_tdata;", "assign m0_axis_tdata = s_axis_tdata + 0 * $time;"),
            PASSED,
        ),
    ],
    ids=["none", "fault", "harmless"],
)
def test_a_bench_tells_a_fault_from_none(tmp_path: Path, text: str, verdict: str) -> None:
    simulation = Simulation(bench_jobs("stream_fork")[0], tmp_path / "work")
    assert simulation.build({"stream_fork.v": text})
    assert simulation.run(300_000, 60).verdict == verdict


@pytest.mark.simulator
def test_a_simulation_that_does_not_end_is_stopped(tmp_path: Path) -> None:
    """By simulated time, and where none passes by CPU time."""
    simulation = Simulation(bench_jobs("stream_fork")[0], tmp_path / "work")
    simulation.build({})
    assert simulation.run(100, 60).verdict == LIMIT
    loop = "reg x; initial begin x = 0; forever #0 x = !x; end\nreg taken_0;"
    assert simulation.build({"stream_fork.v": FORK.replace("reg taken_0;", loop)})
    assert simulation.run(300_000, 2).verdict == STOPPED


@pytest.mark.simulator
def test_verdicts(tmp_path: Path) -> None:
    """Found by a bench; the same program; what does not compile; each outcome is kept."""
    cache = Cache(tmp_path / "outcomes.jsonl")
    with Killers({}, cache, tmp_path / "work") as killers:
        found = killers.judge(mutant_of("taken_0 || m0_axis_tready", "(taken_0)"))
        assert (found.verdict, found.tried) == (FAILED, 1)
        assert found.by.startswith("stream_fork WIDTH=8: reaches_both_consumers/")
        same = Mutant("stream_fork.v", "term", "x", 1, "", " ", 0, 0)
        assert killers.judge(same).verdict == SAME
        refused = Mutant("stream_fork.v", "term", "x", 1, "", "bogus", 0, 0)
        assert killers.judge(refused).verdict == REFUSED
    kept = (tmp_path / "outcomes.jsonl").read_text()
    again = Cache(tmp_path / "outcomes.jsonl")
    with Killers({}, again, tmp_path / "work") as killers:
        assert killers.judge(mutant_of("taken_0 || m0_axis_tready", "(taken_0)")) == found
    assert (tmp_path / "outcomes.jsonl").read_text() == kept
    assert not list((tmp_path / "work").iterdir())


@pytest.mark.synthesis
@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("done_0 && !done_1;", "!done_1 && done_0;", True),
        ("taken_0 || m0_axis_tready;", "taken_0 ^ m0_axis_tready;", False),
    ],
)
def test_yosys_tells_the_same_circuit_from_another(tmp_path: Path, old: str, new: str, same: bool) -> None:
    assert FORK.count(old) == 1
    assert same_behaviour(bench_jobs("stream_fork")[0], "stream_fork.v", FORK.replace(old, new), tmp_path) == same


def test_a_reason_goes_stale_with_its_lines() -> None:
    mutant = mutant_of("taken_0 || m0_axis_tready", "(taken_0)")
    good = Reason(mutant.name, "", ("wire done_1 = taken_1 || m1_axis_tready;",))
    assert stale([good], [mutant]) == []
    gone = Reason(mutant.name, "", ("wire done_1 = 1'b1;",))
    assert stale([gone], [mutant]) == [f"{mutant.name}: relies on 'wire done_1 = 1'b1;', which is gone"]
    assert stale([good], []) == [f"{mutant.name}: there is no such mutant any more"]


def test_no_written_reason_is_stale() -> None:
    assert stale(read_reasons(), all_mutants()) == []


def test_committed_results_are_whole() -> None:
    figures = read_results()
    assert figures["total"] == figures["killed"] + figures["equivalent"] + figures["survived"]
    assert figures["killed"] == len(figures["killers"])
    assert figures["survived"] == len(figures["survivors"])
    assert figures["equivalent"] == len(figures["equivalents"])
    assert all(row["because"] for row in figures["equivalents"])
    assert figures["killed"] >= 0.95 * (figures["total"] - figures["equivalent"])
    for name in ("total", "killed", "equivalent"):
        assert figures[name] == sum(row[name] for row in figures["blocks"].values())


def test_page_shows_the_committed_results() -> None:
    page = (ROOT / "docs" / "verification.md").read_text()
    assert f"<!-- mutants -->\n{page_of(read_results())}\n<!-- /mutants -->" in page


def test_results_are_written_as_they_are_read() -> None:
    figures = read_results()
    assert json.loads(written(figures)) == figures


def reference() -> str:
    """What a change is compared with: the main branch, where Git knows one."""
    for name in ("origin/main", "main"):
        if subprocess.run(["git", "rev-parse", "-q", "--verify", name], cwd=ROOT, capture_output=True).returncode == 0:
            return name
    return "HEAD"


@pytest.mark.simulator
def test_mutants_that_were_killed_still_are() -> None:
    """A sample, of blocks that changed first, by two processes: their benches lose nothing."""
    known = remembered()
    try:
        changed = changed_since(reference())
    except InputError:  # no Git here
        changed = []
    order = [mutant for mutant in in_order(all_mutants(), 1, changed) if mutant.name in known]
    rows, refused = carry_out(order, SAMPLE, 2, lambda rows: None, known)
    assert [row.told for row in rows if not row.verdict.killed] == []
    assert (len(rows), refused) == (SAMPLE, 0)
