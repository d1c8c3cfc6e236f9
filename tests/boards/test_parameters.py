# SPDX-License-Identifier: Apache-2.0
"""Every block of rtl/board/ at the ends of its parameters, and at values that cannot be built."""

from __future__ import annotations

import pytest

from wsfracbnn.gen.locations import BOARD_RTL

from ..gen.rtl_tools import TOOLS, Parameters, elaborate, name_of, verible, yosys

BUILT: dict[str, list[Parameters]] = {
    "board_link": [
        {"DIVISOR": 8, "TIMEOUT": 1, "PIXELS": 1, "COLOURS": 1, "DEPTH": 4, "REPLIES": 2, "CLASS_W": 1},
        {"DIVISOR": 1000, "TIMEOUT": 5000000, "PIXELS": 65536, "COLOURS": 8, "DEPTH": 4096, "CLASS_W": 16},
    ],
    "crc32_byte": [{}],
    "reply_builder": [{"INFO_BYTES": 2, "CLASS_W": 1}, {"INFO_BYTES": 256, "CLASS_W": 16}],
    "request_parser": [
        {"PIXELS": 1, "COLOURS": 1},
        {"PIXELS": 1, "COLOURS": 2},
        {"PIXELS": 2, "COLOURS": 1},
        {"PIXELS": 65536, "COLOURS": 8},
    ],
    "reset_generator": [{"CYCLES": 1}, {"CYCLES": 2}, {"CYCLES": 65537}],
    "slip_decoder": [{"TIMEOUT": 1}, {"TIMEOUT": 5000000}],
    "slip_encoder": [{}],
    "uart_receiver": [{"DIVISOR": 4}, {"DIVISOR": 5}, {"DIVISOR": 10417}],
    "uart_transmitter": [{"DIVISOR": 2}, {"DIVISOR": 3}, {"DIVISOR": 10417}],
}
"""For each block the least and the greatest values that a board can ask for, and what lies at a corner between."""

REFUSED: dict[str, list[tuple[Parameters, str]]] = {
    "board_link": [({"DIVISOR": 3}, "DIVISOR_must_be_at_least_4"), ({"CLASS_W": 17}, "CLASS_W_must_be_1_to_16")],
    "reply_builder": [
        ({"INFO_BYTES": 1}, "INFO_BYTES_must_be_2_to_256"),
        ({"INFO_BYTES": 257}, "INFO_BYTES_must_be_2_to_256"),
        ({"CLASS_W": 0}, "CLASS_W_must_be_1_to_16"),
    ],
    "request_parser": [
        ({"PIXELS": 0}, "PIXELS_must_be_at_least_1"),
        ({"COLOURS": 0}, "COLOURS_must_be_at_least_1"),
    ],
    "reset_generator": [({"CYCLES": 0}, "CYCLES_must_be_at_least_1")],
    "slip_decoder": [({"TIMEOUT": 0}, "TIMEOUT_must_be_at_least_1")],
    "uart_receiver": [({"DIVISOR": 3}, "DIVISOR_must_be_at_least_4")],
    "uart_transmitter": [({"DIVISOR": 1}, "DIVISOR_must_be_at_least_2")],
}
"""Parameters that cannot be built, and the beginning of the module that is missing then."""

CHECKED = [(block, parameters, missing) for block, cases in REFUSED.items() for parameters, missing in cases]
BLOCKS = [(block, parameters) for block, cases in BUILT.items() for parameters in cases]


def test_every_block_and_every_parameter_is_tried() -> None:
    blocks = {path.stem for path in BOARD_RTL.glob("*.v")}
    assert BUILT.keys() == blocks
    assert REFUSED.keys() == blocks - {"crc32_byte", "slip_encoder"}  # they have no size


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
    assert verible(sorted(BOARD_RTL.glob("*.v"))) == (0, "")
