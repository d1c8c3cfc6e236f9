# SPDX-License-Identifier: Apache-2.0
"""The folding that takes a pixel a cycle: its folds, its file, its weights, and what it refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.emission.render import design_sources
from wsfracbnn.gen.sizing.area import area_estimate
from wsfracbnn.gen.sizing.fold_file import read_folding
from wsfracbnn.gen.sizing.pace import cycles_per_image
from wsfracbnn.gen.sizing.presets import preset, unrolled
from wsfracbnn.gen.sizing.targets import choose_folding
from wsfracbnn.gen.stages import UnrolledConvStage, UnrolledInputStage
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.description import NetworkDescription
from wsfracbnn.model.errors import InputError
from wsfracbnn.model.random_network import random_description


def test_every_stage_with_windows_takes_a_pixel_a_cycle(digits_description: NetworkDescription) -> None:
    """The head, which has its classes at once and 32 channels to go through, is a little slower."""
    design = build_design(digits_description, choose_folding(digits_description, "unrolled"))
    first, *convs, head = design.stages
    assert isinstance(first, UnrolledInputStage)
    assert all(isinstance(conv, UnrolledConvStage) for conv in convs)
    assert [stage.cycles for stage in design.stages[:-1]] == [64, 64, 64, 64, 16]
    assert head.cycles == design.cycles == cycles_per_image(design) == 72
    # Both planes of 16 and 32 channels.
    assert design.convs[-1].xnor_bits == 2 * 32 * 288


def test_a_folding_file_brings_it_back(digits_description: NetworkDescription, tmp_path: Path) -> None:
    folding = unrolled(digits_description)
    (tmp_path / "fold.json").write_text(folding.text())
    assert read_folding(tmp_path / "fold.json", digits_description) == folding


def test_single_stages_are_unrolled_by_a_file(digits_description: NetworkDescription, tmp_path: Path) -> None:
    """Their neighbours are widened to them."""
    some = preset(digits_description, "auto").to_json() | {"stage_02": {"pe": 16, "simd": 144, "unrolled": True}}
    (tmp_path / "fold.json").write_text(json.dumps(some))
    design = build_design(digits_description, read_folding(tmp_path / "fold.json", digits_description))
    assert [isinstance(stage, UnrolledConvStage) for stage in design.stages].count(True) == 1
    assert design.stages[2].in_lanes == 16


def test_the_weights_are_in_the_stage_s_module(tiny: NetworkDescription) -> None:
    """Those of the description, the last channel first."""
    design = build_design(tiny, unrolled(tiny))
    sources = design_sources(design)
    stage = design.convs[0]
    text = next(text for name, text in sources.items() if name.endswith(f"{tiny.name}_{stage.name}.v"))
    found = re.findall(r"^    \d+'h([0-9a-f]+),? +// output channel (\d+)$", text, re.MULTILINE)
    assert [int(channel) for _, channel in found] == list(reversed(range(stage.layer.out_channels)))
    for digits, channel in found:
        bits = (stage.layer.weights[int(channel)].reshape(-1) > 0).tolist()
        assert int(digits, 16) == sum(bit << place for place, bit in enumerate(bits))
    assert not any("weights" in name and "head" not in name for name in sources)


def test_it_is_estimated(digits_description: NetworkDescription) -> None:
    """More LUTs than any other folding."""
    estimates = [
        area_estimate(build_design(digits_description, choose_folding(digits_description, fold)))
        for fold in ("fast", "unrolled")
    ]
    assert all(found is not None for found in estimates)
    assert estimates[0].area.luts < estimates[1].area.luts  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "config, reason",
    [
        (NetworkConfig(1, 4, 1, 4, (2,), (1,), 3), "found an image of 1 x 4 pixels"),
        (NetworkConfig(4, 4, 1, 4, (128,), (1,), 3), "128 to 128 channels with 147,456 weights"),
    ],
)
def test_what_cannot_be_unrolled_is_refused(config: NetworkConfig, reason: str) -> None:
    description = random_description(config, seed=1, name="large")
    with pytest.raises(InputError, match=reason):
        choose_folding(description, "unrolled")
