# SPDX-License-Identifier: Apache-2.0
"""Every block of rtl/soc/ at the ends of its parameters, and at values that cannot be built."""

from __future__ import annotations

import pytest

from wsfracbnn.gen.locations import SOC_RTL

from ..gen.rtl_tools import TOOLS, Parameters, elaborate, name_of, verible, yosys

BUILT: dict[str, list[Parameters]] = {
    "axi_lite_port": [{"ADDR_W": 3}, {"ADDR_W": 6}, {"ADDR_W": 32}],
    "frame_gate": [{}],
    "frame_statistics": [{"WIDTH": 1}, {"WIDTH": 32}],
    "pixel_unpacker": [
        {"IN_BYTES": 1, "COLOURS": 1, "PIXELS": 1},
        {"IN_BYTES": 1, "COLOURS": 64, "PIXELS": 65536},
        {"IN_BYTES": 8, "COLOURS": 1, "PIXELS": 2},
        {"IN_BYTES": 8, "COLOURS": 3, "PIXELS": 1024},
        {"IN_BYTES": 8, "COLOURS": 64, "PIXELS": 1},
    ],
    "reset_stretcher": [{"CYCLES": 2}, {"CYCLES": 16}],
    "reset_synchronizer": [{}],
    "result_packer": [
        {"WORDS": 1, "CLASS_W": 1},
        {"WORDS": 1, "CLASS_W": 16},
        {"WORDS": 2, "CLASS_W": 1},
        {"WORDS": 2, "CLASS_W": 16},
    ],
}
"""For each block the least and the greatest values that a wrapper can ask for, and what lies at a corner between."""

REFUSED: dict[str, list[tuple[Parameters, str]]] = {
    "axi_lite_port": [({"ADDR_W": 2}, "ADDR_W_must_be_at_least_3")],
    "frame_statistics": [({"WIDTH": 0}, "WIDTH_must_be_at_least_1")],
    "pixel_unpacker": [
        ({"IN_BYTES": 0}, "IN_BYTES_must_be_at_least_1"),
        ({"COLOURS": 0}, "COLOURS_must_be_at_least_1"),
        ({"PIXELS": 0}, "PIXELS_must_be_at_least_1"),
    ],
    "reset_stretcher": [({"CYCLES": 1}, "CYCLES_must_be_at_least_2")],
    "result_packer": [
        ({"WORDS": 0}, "WORDS_must_be_1_or_2"),
        ({"WORDS": 3}, "WORDS_must_be_1_or_2"),
        ({"CLASS_W": 0}, "CLASS_W_must_be_1_to_16"),
        ({"CLASS_W": 17}, "CLASS_W_must_be_1_to_16"),
    ],
}
"""Parameters that cannot be built, and the beginning of the module that is missing then."""

CHECKED = [(block, parameters, missing) for block, cases in REFUSED.items() for parameters, missing in cases]
BLOCKS = [(block, parameters) for block, cases in BUILT.items() for parameters in cases]


def test_every_block_and_every_parameter_is_tried() -> None:
    blocks = {path.stem for path in SOC_RTL.glob("*.v")}
    assert BUILT.keys() == blocks
    assert REFUSED.keys() == blocks - {"frame_gate", "reset_synchronizer"}  # they have no size


@pytest.mark.simulator
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("block, parameters", BLOCKS, ids=name_of)
def test_no_tool_warns_at_the_ends_of_a_parameter(tool: str, block: str, parameters: Parameters) -> None:
    assert TOOLS[tool](block, parameters) == (0, "")


@pytest.mark.synthesis
def test_yosys_builds_the_ends_of_every_parameter() -> None:
    assert yosys("; ".join(elaborate(block, parameters) for block, parameters in BLOCKS)) == (0, "")


@pytest.mark.simulator
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("block, parameters, missing", CHECKED, ids=name_of)
def test_what_cannot_be_built_stops_a_tool(tool: str, block: str, parameters: Parameters, missing: str) -> None:
    code, said = TOOLS[tool](block, parameters)
    assert code != 0
    assert missing in said


def test_the_text_keeps_to_verible_s_rules() -> None:
    assert verible(sorted(SOC_RTL.glob("*.v"))) == (0, "")
