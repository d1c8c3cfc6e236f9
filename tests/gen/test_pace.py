# SPDX-License-Identifier: Apache-2.0
"""Cycles of an image as the pipeline makes them: what is known without a simulator. tb/network compares with one."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.sizing.pace import cycles_per_image
from wsfracbnn.gen.sizing.presets import PRESETS
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.stages import ConvStage
from wsfracbnn.gen.stages.conv import expected_busiest
from wsfracbnn.gen.stages.fractional_engine import GATE_CYCLES, held_windows
from wsfracbnn.gen.stages.pace import StagePace
from wsfracbnn.model.description import NetworkDescription


@pytest.mark.parametrize("fold", PRESETS)
def test_a_pipeline_is_no_faster_than_its_busiest_stage(digits_description: NetworkDescription, fold: str) -> None:
    """But for the gates, which are drawn; and hardly slower, since stages hold each other up a little."""
    design = build_design(digits_description, choose_folding(digits_description, fold))
    assert 0.99 * design.cycles <= cycles_per_image(design) <= 1.1 * design.cycles


def test_an_estimate_is_the_same_each_time(digits_description: NetworkDescription) -> None:
    design = build_design(digits_description, choose_folding(digits_description, "fast"))
    assert cycles_per_image(design) == cycles_per_image(design)


def test_an_engine_that_holds_one_window_pauses(digits_description: NetworkDescription) -> None:
    """Two cycles a pass, nine until the gates are known: a window every 9 + 2 cycles at best, two in turn."""
    design = build_design(digits_description, choose_folding(digits_description, "fast"))
    stages = []
    for stage in design.stages:
        if isinstance(stage, ConvStage):
            stage = replace(stage, engine=replace(stage.engine, held=1))
        stages.append(stage)
    alone = cycles_per_image(replace(design, stages=tuple(stages)))
    assert alone > 1.3 * cycles_per_image(design)


def test_stages_that_work_evenly_keep_the_slowest_ones_pace() -> None:
    """Three stages without gates, of 2, 5 and 3 cycles a pixel of 4 x 4."""

    class Row:
        one_engine = False
        stages = tuple(type("Even", (), {"pace": StagePace(4, 16, first=n, lookahead=5, room=12)})() for n in (2, 5, 3))

    assert cycles_per_image(Row()) == 5 * 16  # type: ignore[arg-type]


def test_windows_at_stride_2_need_the_pixel_at_their_lower_right() -> None:
    flow = StagePace(width=4, pixels=16, stride=2)
    assert [flow.completed_by(n) for n in range(6)] == [5, 7, 13, 15, 21, 23]


def test_gates_are_drawn_as_they_are_expected() -> None:
    flow = StagePace(4, 16, second=1, groups=8, lanes=4, gate_fraction=0.4)
    drawn = flow.busiest(random.Random(3), 20_000)
    assert sum(drawn) / len(drawn) == pytest.approx(expected_busiest(8, 4, 0.4), rel=0.01)
    assert max(drawn) <= 8


@pytest.mark.parametrize("cycles, stages, held", [(22.4, 4, 1), (9.0, 4, 1), (8.9, 4, 2), (3.8, 4, 3), (1.0, 4, 5)])
def test_windows_are_held_for_as_long_as_a_gate_takes(cycles: float, stages: int, held: int) -> None:
    assert held_windows(cycles, stages) == held
    assert held * max(cycles, 2) >= stages + GATE_CYCLES or held == 1
