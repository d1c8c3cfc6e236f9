# SPDX-License-Identifier: Apache-2.0
"""Parameters of every block of rtl/sequential/: the ends of what can be built, and values that cannot be.

tests/gen/test_parameters.py reads them.
"""

from __future__ import annotations

from ..gen.rtl_tools import Parameters

_PATH: Parameters = {"COUNT_W": 4, "BITS": 8, "SHIFT": 0, "SPAN": 0, "SIMD": 1, "X_W": 1, "PLANE_W": 1} | {
    "CONSTANT_W": 1,
    "CHANNEL_W": 1,
    "GATE_W": 2,
    "BIAS_IN_W": 2,
    "BIAS_OUT_W": 2,
    "THRESHOLD_W": 2,
}

BUILT: dict[str, list[Parameters]] = {
    "average_walk": [{"BITS": 8, "X_W": 2, "SIDE_W": 1, "CHANNEL_W": 1}, {"BITS": 24, "X_W": 24, "SIDE_W": 12}],
    "constant_walk": [{"ADDR_W": 1, "CHANNEL_W": 1}, {"ADDR_W": 20, "CHANNEL_W": 10}],
    "layer_walk": [
        {"PLANE_W": 1, "WEIGHT_W": 1, "SIDE_W": 1, "GROUP_W": 1, "STEP_W": 1, "PAUSE_W": 1},
        {"PLANE_W": 24, "WEIGHT_W": 24, "SIDE_W": 12, "GROUP_W": 10, "STEP_W": 13, "PAUSE_W": 10},
    ],
    "plane_lanes": [
        {"PE": 1, "SIMD": 1, "MOST": 9, "STAGES": 1},
        {"PE": 64, "SIMD": 64, "PAD": 63, "MOST": 4608, "STAGES": 3, "LUT_INPUTS": 6},
    ],
    "program_counter": [{"INSTRUCTIONS": 2, "DRAIN": 1}, {"INSTRUCTIONS": 520, "DRAIN": 1060}],
    "scale_path": [
        _PATH,
        _PATH
        | {"COUNT_W": 14, "BITS": 24, "SHIFT": 16, "SPAN": 16, "SIMD": 64, "X_W": 24, "PLANE_W": 24}
        | {"CONSTANT_W": 20, "CHANNEL_W": 10, "GATE_W": 15, "BIAS_IN_W": 24, "BIAS_OUT_W": 24, "THRESHOLD_W": 24}
        | {"LUT_INPUTS": 6},
    ],
    "stream_reader": [{"WORDS": 1, "ADDR_W": 1}, {"WORDS": 1, "ADDR_W": 5}, {"WORDS": 65537, "ADDR_W": 17}],
    "thermometer_bits": [
        {"COLOURS": 1, "LEVELS": 1, "SIMD": 1},
        {"COLOURS": 64, "LEVELS": 128, "SIMD": 1},
        {"COLOURS": 1, "LEVELS": 2, "SIMD": 64},
    ],
    "weight_loader": [
        {"MEMORIES": 1, "LAST_WORDS": 0, "LAST_BEATS": 0, "MOST_BEATS": 1, "ADDR_W": 1},
        {"MOST_BEATS": 2, "ADDR_W": 20},
    ],
    "two_port_ram": [{"WIDTH": 1, "WORDS": 1}, {"WIDTH": 1, "WORDS": 2}, {"WIDTH": 129, "WORDS": 1025}],
}
"""For each block the least and the greatest values that a network can ask for, and what lies at a corner between."""

REFUSED: dict[str, list[tuple[Parameters, str]]] = {
    "average_walk": [
        ({"BITS": 1}, "BITS_must_be_at_least_2"),
        ({"CHANNEL_W": 0}, "CHANNEL_W_must_be_at_least_1"),
    ],
    "constant_walk": [({"ADDR_W": 0}, "ADDR_W_must_be_at_least_1")],
    "layer_walk": [
        ({"PLANE_W": 0}, "PLANE_W_must_be_at_least_1"),
        ({"PAUSE_W": 0}, "PAUSE_W_must_be_at_least_1"),
    ],
    "plane_lanes": [
        ({"PE": 0}, "PE_must_be_at_least_1"),
        ({"SIMD": 16, "MOST": 31}, "SIMD_must_be_at_least_1_and_at_most_half_of_MOST"),
        ({"SIMD": 16, "PAD": 16}, "PAD_must_be_less_than_SIMD"),
    ],
    "program_counter": [
        ({"INSTRUCTIONS": 1}, "INSTRUCTIONS_must_be_at_least_2"),
        ({"DRAIN": 0}, "DRAIN_must_be_at_least_1"),
    ],
    "scale_path": [
        ({"SHIFT": 1, "SPAN": 2}, "SPAN_must_be_0_to_SHIFT"),
        ({"COUNT_W": 8, "GATE_W": 10}, "GATE_W_must_be_2_to_the_width_of_S"),
        ({"BITS": 8, "BIAS_IN_W": 9, "BIAS_OUT_W": 8, "THRESHOLD_W": 8}, "BIAS_IN_W_and_BIAS_OUT_W_must_be_2_to_BITS"),
        ({"BITS": 8, "BIAS_IN_W": 8, "BIAS_OUT_W": 8, "THRESHOLD_W": 9}, "THRESHOLD_W_must_be_2_to_BITS"),
    ],
    "stream_reader": [
        ({"WORDS": 0, "ADDR_W": 1}, "WORDS_must_be_at_least_1"),
        ({"WORDS": 9, "ADDR_W": 3}, "ADDR_W_must_hold_WORDS"),
    ],
    "thermometer_bits": [
        ({"COLOURS": 0}, "COLOURS_and_LEVELS_must_be_at_least_1"),
        ({"SIMD": 0}, "SIMD_must_be_at_least_1"),
    ],
    "weight_loader": [
        ({"MEMORIES": 0}, "MEMORIES_must_be_at_least_1"),
        ({"MOST_BEATS": 0}, "MOST_BEATS_must_be_at_least_1"),
    ],
    "two_port_ram": [({"WIDTH": 0}, "WIDTH_must_be_at_least_1"), ({"WORDS": 0}, "WORDS_must_be_at_least_1")],
}
"""Parameters that cannot be built, and the beginning of the module that is missing then."""
