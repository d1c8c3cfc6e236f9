# SPDX-License-Identifier: Apache-2.0
"""The input stage's tables are the thermometer code's XNOR and popcount, for every pixel value."""

from __future__ import annotations

import numpy as np
import pytest

from wsfracbnn.gen.design import build_design
from wsfracbnn.gen.sizing.presets import preset
from wsfracbnn.gen.stages import InputStage
from wsfracbnn.gen.stages.folding import StageFold
from wsfracbnn.gen.stages.table_engine import level_products
from wsfracbnn.model.config import NetworkConfig
from wsfracbnn.model.random_network import random_description


@pytest.mark.parametrize("levels", [1, 2, 32, 128])
def test_level_products_are_xnor_and_popcount(levels: int) -> None:
    weights = np.random.default_rng(levels).choice(np.array([-1, 1], np.int8), (5, levels))
    resolution = 256 // levels
    for pixel in range(256):
        code = np.array([pixel >= resolution * k + resolution // 2 for k in range(levels)])
        matches = (code == (weights > 0)).sum(-1)
        np.testing.assert_array_equal(level_products(weights, int(code.sum())), 2 * matches - levels)
    np.testing.assert_array_equal(level_products(weights, levels + 1), 0)


def test_rom_words_hold_the_products() -> None:
    """Every table of every folding, read back from the packed words."""
    description = random_description(NetworkConfig(4, 4, 3, 8, (4,), (1,), 2), seed=1)
    stage = description.input
    window = stage.weights.reshape(4, 3, 8, 9).transpose(0, 3, 1, 2).reshape(4, 27, 8)
    for pe, simd in [(p, s) for p in (1, 2, 4) for s in InputStage.simd_choices(stage)]:
        design = build_design(description, preset(description, "small").with_stages({"input": StageFold(pe, simd)}))
        engine = design.input.engine
        assert engine.values * stage.levels == simd
        assert len(engine.tables.words) == engine.values
        for table, words in enumerate(engine.tables.words):
            for address, word in enumerate(words):
                group_chunk, level = address >> engine.level_w, address & ((1 << engine.level_w) - 1)
                group, chunk = divmod(group_chunk, engine.chunks)
                for lane in range(pe):
                    found = word >> (lane * engine.value_w) & ((1 << engine.value_w) - 1)
                    product = int(level_products(window[group * pe + lane, chunk * engine.values + table], level))
                    assert found == product & ((1 << engine.value_w) - 1)
