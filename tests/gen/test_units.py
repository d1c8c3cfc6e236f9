# SPDX-License-Identifier: Apache-2.0
"""What is synthesized apart, and that its text depends on nothing around it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wsfracbnn.gen.design import AcceleratorDesign, build_design
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.stages.folding import StageFold
from wsfracbnn.gen.synthesis.units import STAGE, Unit, units_of, without_comments
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.random_network import random_description


@pytest.fixture(scope="module")
def network() -> NetworkDescription:
    return random_description(NetworkConfig(4, 4, 1, 4, (2, 4), (1, 1), 3), seed=3, name="tiny")


def units(design: AcceleratorDesign) -> dict[str, Unit]:
    found = units_of(design_sources(design), design.top, design.stage_modules)
    assert [unit.module for unit in found] == [*design.stage_modules, design.top]
    return {unit.module.removeprefix(f"{design.name}_"): unit for unit in found}


def test_a_stage_is_the_same_in_networks_of_other_names(network: NetworkDescription) -> None:
    folding = preset(network, "small")
    here, there = units(build_design(network, folding)), units(build_design(replace(network, name="other"), folding))
    for stage in here.keys() - {"top"}:
        assert here[stage].sources == there[stage].sources
    assert here["top"].sources != there["top"].sources


def test_a_stage_does_not_depend_on_the_folding_of_others(network: NetworkDescription) -> None:
    folding = preset(network, "small")
    other = folding.with_stages({"stage_02": StageFold(2, 18)})
    here, there = units(build_design(network, folding)), units(build_design(network, other))
    changed = {stage for stage in here if here[stage].sources != there[stage].sources}
    assert {"stage_02", "top"} <= changed
    assert changed.isdisjoint({"input", "stage_01"})


def test_a_unit_has_what_it_needs_and_no_more(network: NetworkDescription) -> None:
    found = units(build_design(network, preset(network, "small")))
    first = found["stage_01"]
    assert first.top == STAGE
    assert {"stage.v", "stage_weights.v", "fractional_engine.v", "match_count.v", "stream_fifo.v"} <= set(first.sources)
    assert not {"linear.v", "argmax.v", "frame_guard.v", "table_engine.v"} & set(first.sources)
    assert "tiny" not in "".join(first.sources.values())
    for unit in found.values():
        for name, text in unit.sources.items():
            assert f"module {name.removesuffix('.v')} " in text.replace("#(", " "), name


def test_the_top_module_sees_the_ports_of_the_stages_alone(network: NetworkDescription) -> None:
    top = units(build_design(network, preset(network, "small")))["top"]
    assert "(* blackbox *)\nmodule tiny_stage_01 (" in top.sources["tiny_stage_01.v"]
    assert "blackbox" not in top.sources["tiny_top.v"]
    assert "tiny_fractional_engine.v" not in top.sources
    assert "tiny_frame_guard.v" in top.sources


def test_comments_go_and_lines_stay() -> None:
    text = 'a /* one\n * two */ b // three\n(* x = "// no comment" *) c\n/* four */'
    assert without_comments(text) == 'a \n b \n(* x = "// no comment" *) c\n'
