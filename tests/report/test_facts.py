# SPDX-License-Identifier: Apache-2.0
"""What a report knows of a design, and where it says each figure is from."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from wsfracbnn.gen.design import NOMINAL_MHZ, build_design
from wsfracbnn.gen.devices import FAMILIES
from wsfracbnn.gen.emission.folder import emit
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.report.facts import DesignFacts, gather, told_apart, with_shared_accuracy
from wsfracbnn.gen.report.overview import overview
from wsfracbnn.gen.report.sources import Measurements, read_design
from wsfracbnn.gen.sizing.area import estimate
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.synthesis.breakdown import break_down, by_part
from wsfracbnn.gen.synthesis.cached import PartArea, Share
from wsfracbnn.gen.synthesis.record import ESTIMATED, MEASURED, HardwareRow
from wsfracbnn.gen.synthesis.yosys import synthesize
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError

ECP5 = FAMILIES["ecp5"]


def facts_of(network: NetworkDescription, fold: str = "small", **known: Any) -> DesignFacts:
    return gather(build_design(network, choose_folding(network, fold)), ECP5, **known)


def cell(facts: DesignFacts, name: str) -> tuple[str, str]:
    """A figure of the overview, of the only design."""
    (row,) = (row for row in overview([facts]) if row.name.startswith(name))
    (found,) = row.cells
    return found


def test_a_simulation_is_found_beside_its_design_and_in_its_folder(
    simulation_folder: Path, nothing_measured: Measurements
) -> None:
    for folder in (simulation_folder, simulation_folder / "tiny"):
        facts = read_design(folder, nothing_measured)
        assert cell(facts, "top-1")[0] == "87.50 %"
        assert cell(facts, "RTL") == ("bit-exact to the golden model", "which was not compared with PyTorch")
        assert facts.cycles == facts.design.cycles + 7, "of the run with the most images"
        assert cell(facts, "cycles") == (f"{facts.cycles:,}", "measured")
        assert [stage.values for stage in facts.stages] == [10 * 2 + 10 * 7] * len(facts.stages)
        assert facts.options == {"--weights": "tiny.pt", "--fold": "small"}


def test_vectors_that_equal_pytorch_make_the_verdict(simulation_folder: Path, nothing_measured: Measurements) -> None:
    path = simulation_folder / "tiny" / "design.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"vectors_equal_pytorch": True}))
    assert cell(read_design(simulation_folder, nothing_measured), "RTL") == (
        "bit-exact",
        "2 images in icarus, 7 images in verilator",
    )


def changed_summary(folder: Path, **changes: Any) -> None:
    """Change keys of the summary's entry for Icarus."""
    path = folder / "summary.json"
    summary = json.loads(path.read_text())
    summary["simulators"]["icarus"] |= changes
    path.write_text(json.dumps(summary))


@pytest.mark.parametrize("changes", [{"mismatches": 3}, {"failures": ["test_reset: wrong"]}])
def test_one_simulator_that_failed_fails_the_design(
    simulation_folder: Path, nothing_measured: Measurements, changes: dict[str, Any]
) -> None:
    changed_summary(simulation_folder, **changes)
    assert cell(read_design(simulation_folder, nothing_measured), "RTL") == ("FAILED", "icarus")


def test_a_summary_that_does_not_say_what_was_compared_proves_nothing(
    simulation_folder: Path, nothing_measured: Measurements
) -> None:
    changed_summary(simulation_folder, layers=[])
    assert cell(read_design(simulation_folder, nothing_measured), "RTL")[0] == "not recorded"


def test_a_simulation_of_another_folding_says_nothing(
    network: NetworkDescription, simulation_folder: Path, nothing_measured: Measurements
) -> None:
    emit(network, choose_folding(network, "fast"), simulation_folder / "tiny")
    facts = read_design(simulation_folder, nothing_measured)
    assert facts.simulation is None
    assert cell(facts, "RTL")[0] == "not simulated"
    assert cell(facts, "cycles") == (f"{facts.design.cycles:,}", "estimated")
    assert cell(facts, "top-1") == ("-", "unknown")


def test_areas_are_the_models_unless_measured(network: NetworkDescription) -> None:
    facts = facts_of(network)
    assert {part.area_is for part in facts.parts} == {"estimated"}
    expected = estimate(build_design(network, choose_folding(network, "small").for_family(ECP5)), ECP5)
    # Each part is rounded by itself.
    assert facts.total.area is not None
    assert facts.total.area.luts == pytest.approx(expected.luts, abs=len(facts.parts) / 2)
    assert facts.total.area.block_rams == expected.block_rams
    assert cell(facts, "LUTs")[1] == "estimated"


def test_measured_areas_come_first_and_the_estimate_stays_beside_them(network: NetworkDescription) -> None:
    names = [stage.name for stage in facts_of(network).stages]
    breakdown = [Share(name, "window", PartArea(70, 200, 0)) for name in (*names, "")]
    breakdown += [Share(name, "weights", PartArea(30, 0, 1)) for name in (*names, "")]
    facts = facts_of(network, breakdown=breakdown)
    count = len(names) + 1
    assert facts.total.area == PartArea(100 * count, 200 * count, count)
    assert list(facts.functions) == ["window", "weights"]
    assert facts.functions["weights"] == PartArea(30 * count, 0, count)
    assert cell(facts, "flip-flops")[0] == f"{200 * count:,}"
    assert re.fullmatch(r"synthesized; estimated [\d,]+", cell(facts, "flip-flops")[1])
    routed = row(facts, "small", fmax_mhz=120.0, lut4=777)
    both = facts_of(network, breakdown=breakdown, rows=[routed])
    figure, remark = cell(both, "LUTs")
    assert figure == f"{100 * count:,}"
    assert re.fullmatch(r"synthesized; routed 777; estimated [\d,]+", remark)
    assert cell(facts_of(network, rows=[routed]), "LUTs")[0] == "777"


def row(facts: DesignFacts, fold: str, **values: Any) -> HardwareRow:
    return HardwareRow("tiny", fold, "ecp5-25f", speed_grade=6, seed=1, sha256=facts.design.digest, **values)


def test_only_results_of_the_same_network_at_the_same_folding_count(network: NetworkDescription) -> None:
    facts = facts_of(network)
    own = row(facts, "small", fmax_mhz=120.0, critical_path="a -> b")
    others = [
        row(facts, "fast", fmax_mhz=999.0),
        row(facts, "gone.json", fmax_mhz=999.0),
        HardwareRow("tiny", "small", "ecp5-25f", sha256="0" * 64, fmax_mhz=999.0),
    ]
    found = facts_of(network, rows=[*others, own])
    assert found.rows == (own,)
    assert cell(found, "clock") == ("120.0 MHz", "routed on ecp5-25f, speed grade 6, seed 1")
    assert cell(found, "critical path")[0] == "a -> b"
    assert found.rate == pytest.approx(120e6 / found.design.cycles)


def test_without_a_route_the_clock_is_nominal(network: NetworkDescription) -> None:
    facts = facts_of(network)
    assert cell(facts, "clock") == (f"{NOMINAL_MHZ} MHz", "nominal: not routed")
    assert cell(facts, "critical path") == ("-", "not routed")


def test_a_clock_of_another_family_is_none_of_this_one(network: NetworkDescription) -> None:
    routed = row(facts_of(network), "small", fmax_mhz=120.0)
    design = build_design(network, choose_folding(network, "small"))
    found = gather(design, FAMILIES["xc7"], rows=[routed])
    assert cell(found, "clock") == (f"{NOMINAL_MHZ} MHz", "nominal: not routed")
    assert found.rows == (routed,), "it is still told of"


def test_the_fastest_of_several_routes_gives_the_clock(network: NetworkDescription) -> None:
    facts = facts_of(network)
    rows = [row(facts, "small", fmax_mhz=mhz) for mhz in (100.0, 130.0, 90.0)]
    assert facts_of(network, rows=rows).mhz == 130.0


def test_cycles_that_results_have_from_a_simulation_come_before_the_estimate(network: NetworkDescription) -> None:
    facts = facts_of(network)
    cycles = facts.design.cycles + 5
    estimated = row(facts, "small", fmax_mhz=100.0, cycles_per_image=cycles, cycles_are=ESTIMATED)
    assert cell(facts_of(network, rows=[estimated]), "cycles") == (f"{facts.design.cycles:,}", "estimated")
    measured = row(facts, "small", fmax_mhz=100.0, cycles_per_image=cycles, cycles_are=MEASURED)
    found = facts_of(network, rows=[estimated, measured])
    assert cell(found, "cycles") == (f"{cycles:,}", "measured, as the results for ecp5-25f say")


def test_designs_are_told_apart(network: NetworkDescription) -> None:
    small, fast = facts_of(network, "small"), facts_of(network, "fast")
    assert [facts.label for facts in told_apart([small])] == ["tiny"]
    assert [facts.label for facts in told_apart([small, fast])] == [
        f"tiny, {facts.design.cycles:,} cycles" for facts in (small, fast)
    ]
    others = gather(build_design(network, choose_folding(network, "small").with_lut_inputs(6)), ECP5)
    labels = [facts.label for facts in told_apart([small, others])]
    assert labels == [
        f"tiny, {facts.design.cycles:,} cycles, {facts.design.short_build_id}" for facts in (small, others)
    ]


def test_the_accuracy_is_the_networks_whatever_the_folding(network: NetworkDescription) -> None:
    small, fast = facts_of(network, "small", accuracy=77.0), facts_of(network, "fast")
    shown = with_shared_accuracy([fast, small])
    assert [cell(facts, "top-1") for facts in shown] == [
        ("77.00 %", "that of the same network beside it"),
        ("77.00 %", "as the checkpoint says"),
    ]
    another = replace(network, name="other")
    assert with_shared_accuracy([small, facts_of(another)])[1].accuracy is None


def test_files_that_do_not_belong_together_are_refused(
    network: NetworkDescription, simulation_folder: Path, nothing_measured: Measurements
) -> None:
    fold = simulation_folder / "tiny" / "fold.json"
    fold.write_text(choose_folding(network, "fast").text())
    with pytest.raises(InputError, match=r"design.json: key 'build': found '[0-9a-f]{16}', expected '[0-9a-f]{16}'"):
        read_design(simulation_folder, nothing_measured)


def test_a_folder_of_another_kind_is_refused(tmp_path: Path, nothing_measured: Measurements) -> None:
    with pytest.raises(InputError, match="none: no such folder, expected one that 'wsfracbnn sim' or"):
        read_design(tmp_path / "none", nothing_measured)
    with pytest.raises(InputError, match=r"found neither design.json nor summary.json"):
        read_design(tmp_path, nothing_measured)


@pytest.mark.synthesis
@pytest.mark.parametrize("family", ["ecp5", pytest.param("xc7", marks=pytest.mark.slow)])
def test_the_parts_of_a_synthesized_design_are_the_whole(
    network: NetworkDescription, simulation_folder: Path, synthesis_cache: Path, tmp_path: Path, family: str
) -> None:
    design = build_design(network, choose_folding(network, "small").for_family(FAMILIES[family]))
    whole, run = synthesize(design_sources(design), design.top, FAMILIES[family], synthesis_cache)
    parts = by_part(break_down(design, run, FAMILIES[family]), design)
    assert sum(area.luts for area in parts.values()) == whole.luts
    assert sum(area.flip_flops for area in parts.values()) == whole.flip_flops
    assert sum(area.block_rams for area in parts.values()) == whole.block_rams
    assert parts[""].luts < whole.luts / 3, "most bears a stage's name"

    facts = read_design(simulation_folder, Measurements((), synthesis_cache, FAMILIES[family]))
    assert facts.total.measured == PartArea(whole.luts, whole.flip_flops, whole.block_rams)
    assert facts.functions["XNOR and popcount"].luts > 0
    assert read_design(simulation_folder, Measurements((), tmp_path, FAMILIES[family])).total.measured is None
