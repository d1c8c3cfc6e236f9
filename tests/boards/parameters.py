# SPDX-License-Identifier: Apache-2.0
"""Parameters of every block of rtl/board/: the ends of what can be built, and values that cannot be.

tests/gen/test_parameters.py reads them.
"""

from __future__ import annotations

from ..gen.rtl_tools import Parameters

BUILT: dict[str, list[Parameters]] = {
    "board_link": [
        {"DIVISOR": 8, "TIMEOUT": 1, "PIXELS": 1, "COLOURS": 1, "DEPTH": 4, "REPLIES": 2, "CLASS_W": 1},
        {"DIVISOR": 1000, "TIMEOUT": 5000000, "PIXELS": 65536, "COLOURS": 8, "DEPTH": 4096, "CLASS_W": 16},
    ],
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

WITHOUT_SIZE = {"slip_encoder"}
