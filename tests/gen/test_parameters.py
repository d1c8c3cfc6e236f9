# SPDX-License-Identifier: Apache-2.0
"""Every block of rtl/ and its folders at the ends of its parameters, and at values that cannot be built.

Five tools read each: Verilator, Icarus, slang, Yosys and, for the style of the text, Verible.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from wsfracbnn.gen.locations import BOARD_RTL, RTL, SEQUENTIAL_RTL, SOC_RTL

from ..boards import parameters as board
from ..sequential import parameters as sequential
from ..soc import parameters as soc
from .rtl_tools import TOOLS, Parameters, elaborate, name_of, verible, yosys

BUILT: dict[str, list[Parameters]] = {
    "adder_tree": [{"VALUES": 1, "WIDTH": 1}, {"VALUES": 2, "WIDTH": 1}, {"VALUES": 257, "WIDTH": 33}],
    "affine": [
        {"CHANNELS": 1, "LANES": 1, "IN_W": 2, "BITS": 4, "SHIFT": 1},
        {"CHANNELS": 1, "LANES": 1, "IN_W": 5, "BITS": 8, "SHIFT": 0, "ROUND": 0},
        {"CHANNELS": 8, "LANES": 8, "IN_W": 25, "BITS": 24, "SHIFT": 7, "ROUND": 0, "RPRELU": 1, "LUT_INPUTS": 6},
        {"CHANNELS": 512, "LANES": 2, "IN_W": 16, "BITS": 16, "SHIFT": 20},
    ],
    "affine_multiply": [
        {"CHANNELS": 1, "LANES": 1, "IN_W": 2, "BITS": 2, "SHIFT": 0, "ROUND": 0, "RPRELU": 1, "FACTOR_W": 2},
        {"CHANNELS": 1, "LANES": 1, "IN_W": 5, "BITS": 8, "SHIFT": 0, "ROUND": 0, "FACTOR_W": 4},
        {"CHANNELS": 8, "LANES": 8, "IN_W": 25, "BITS": 24, "SHIFT": 16, "ROUND": 0, "RPRELU": 1, "FACTOR_W": 18},
        {"CHANNELS": 512, "LANES": 2, "IN_W": 16, "BITS": 16, "SHIFT": 31},
    ],
    "argmax": [{"CLASSES": 1}, {"CLASSES": 2}, {"CLASSES": 1025}],
    "average_pool": [
        {"CHANNELS": 1, "LANES": 1, "BITS": 2, "WIDTH_PIXELS": 2},
        {"CHANNELS": 6, "LANES": 6, "BITS": 24, "WIDTH_PIXELS": 2},
        {"CHANNELS": 6, "LANES": 2, "BITS": 16, "WIDTH_PIXELS": 258},
        {"CHANNELS": 6, "LANES": 2, "BITS": 16, "WIDTH_PIXELS": 4, "BLOCK": 1},
    ],
    "beat_counter": [{"BEATS": 1}, {"BEATS": 2}, {"BEATS": 1025}],
    "chunk_select": [{"WIDTH": 1, "CHUNKS": 1}, {"WIDTH": 1, "CHUNKS": 2}, {"WIDTH": 33, "CHUNKS": 65}],
    "count_six": [{}],
    "crc32_byte": [{}],
    "credit_counter": [{"RESULTS": 1}, {"RESULTS": 2}, {"RESULTS": 1025}],
    "delay_line": [{"WIDTH": 1, "CYCLES": 1}, {"WIDTH": 65, "CYCLES": 33}],
    "fractional_core": [
        {"IN_CHANNELS": 1, "OUT_CHANNELS": 1, "PE": 1, "SIMD": 9, "STAGES": 1},
        {"IN_CHANNELS": 64, "OUT_CHANNELS": 64, "PE": 2, "SIMD": 144, "STAGES": 3, "LUT_INPUTS": 6},
        {"IN_CHANNELS": 7, "OUT_CHANNELS": 4, "PE": 2, "SIMD": 63, "STAGES": 2},
    ],
    "fractional_engine": [
        {"IN_CHANNELS": 1, "OUT_CHANNELS": 1, "PE": 1, "SIMD": 9, "STAGES": 1},
        {"IN_CHANNELS": 2, "OUT_CHANNELS": 2, "PE": 2, "SIMD": 9, "STAGES": 1},
        {"IN_CHANNELS": 16, "OUT_CHANNELS": 16, "PE": 16, "SIMD": 144, "STAGES": 4, "HELD": 5},
        {"IN_CHANNELS": 16, "OUT_CHANNELS": 16, "PE": 8, "SIMD": 144, "STAGES": 4, "HELD": 2},
        {"IN_CHANNELS": 14, "OUT_CHANNELS": 3, "PE": 1, "SIMD": 126, "STAGES": 3, "LUT_INPUTS": 6},
        {"IN_CHANNELS": 64, "OUT_CHANNELS": 64, "PE": 1, "SIMD": 9, "STAGES": 1},
    ],
    "fractional_lane": [
        {"SIMD": 9, "GROUPS": 1, "CHUNKS": 1, "DEPTH": 4, "SUM_W": 5, "STAGES": 1},
        {"SIMD": 9, "GROUPS": 1, "CHUNKS": 16, "DEPTH": 7, "SUM_W": 9, "STAGES": 1},
        {"SIMD": 144, "GROUPS": 2, "CHUNKS": 1, "DEPTH": 10, "SUM_W": 9, "STAGES": 3},
        {"SIMD": 144, "GROUPS": 2, "CHUNKS": 1, "DEPTH": 17, "SUM_W": 9, "STAGES": 3, "WINDOWS": 4},
        {"SIMD": 9, "GROUPS": 64, "CHUNKS": 64, "DEPTH": 200, "SUM_W": 11, "STAGES": 1, "LUT_INPUTS": 6},
    ],
    "frame_filter": [{"WIDTH": 1}, {"WIDTH": 65}],
    "frame_guard": [{"WIDTH": 1, "PIXELS": 1}, {"WIDTH": 1, "PIXELS": 2}, {"WIDTH": 264, "PIXELS": 65537}],
    "line_engine": [
        {"IN_CHANNELS": 1, "OUT_CHANNELS": 9, "PE": 1, "SIMD": 9, "HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 1, "STAGES": 1},
        {"IN_CHANNELS": 64, "OUT_CHANNELS": 64, "PE": 1, "SIMD": 9, "STAGES": 1, "STRIDE": 2},
        {"IN_CHANNELS": 16, "OUT_CHANNELS": 18, "PE": 2, "SIMD": 144, "SLOTS": 8, "LUT_INPUTS": 6},
        {"IN_CHANNELS": 14, "OUT_CHANNELS": 18, "PE": 2, "SIMD": 63, "BLOCK": 1},
    ],
    "linear": [
        {"CHANNELS": 1, "CLASSES": 1, "LANES": 1, "IN_W": 2},
        {"CHANNELS": 1, "CLASSES": 2, "LANES": 2, "IN_W": 32},
        {"CHANNELS": 64, "CLASSES": 300, "LANES": 3, "IN_W": 22, "LUT_INPUTS": 6},
        {"CHANNELS": 1, "CLASSES": 1, "LANES": 1, "IN_W": 2, "DIGITS": 1},
        {"CHANNELS": 64, "CLASSES": 100, "LANES": 1, "IN_W": 22, "DIGITS": 1, "LUT_INPUTS": 6},
    ],
    "lut6": [{}],
    "match_count": [
        {"WIDTH": 1, "STAGES": 1},
        {"WIDTH": 2, "STAGES": 1, "LUT_INPUTS": 6},
        {"WIDTH": 9, "STAGES": 2},
        {"WIDTH": 576, "STAGES": 4},
        {"WIDTH": 576, "STAGES": 4, "LUT_INPUTS": 6},
        {"WIDTH": 1, "STAGES": 1, "LUT_INPUTS": 6, "COUNTED": 1},
        {"WIDTH": 576, "STAGES": 4, "COUNTED": 1},
        {"WIDTH": 576, "STAGES": 4, "LUT_INPUTS": 6, "COUNTED": 1},
    ],
    "match_rows": [
        {"WIDTH": 1, "ROWS": 1, "STAGES": 1},
        {"WIDTH": 1, "ROWS": 2, "STAGES": 1, "LUT_INPUTS": 6},
        {"WIDTH": 144, "ROWS": 5, "STAGES": 3},
        {"WIDTH": 144, "ROWS": 5, "STAGES": 3, "LUT_INPUTS": 6},
    ],
    "operand_memory": [
        {"CHANNELS": 1, "SIMD": 9, "HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 1},
        {"CHANNELS": 1, "SIMD": 9, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2, "STRIDE": 2, "SLOTS": 8},
        {"CHANNELS": 12, "SIMD": 36, "HEIGHT_PIXELS": 258, "WIDTH_PIXELS": 259, "SLOTS": 2},
        {"CHANNELS": 128, "SIMD": 1152, "HEIGHT_PIXELS": 3, "WIDTH_PIXELS": 32, "SLOTS": 16},
        {"CHANNELS": 12, "SIMD": 36, "HEIGHT_PIXELS": 8, "WIDTH_PIXELS": 9, "SLOTS": 2, "BLOCK": 1},
    ],
    "operand_select": [{"SIMD": 9, "CHUNKS": 1}, {"SIMD": 9, "CHUNKS": 2}, {"SIMD": 144, "CHUNKS": 4}],
    "pass_sequencer": [
        {"GROUPS": 1, "CHUNKS": 1, "RESULTS": 7},
        {"GROUPS": 1, "CHUNKS": 2, "RESULTS": 7},
        {"GROUPS": 2, "CHUNKS": 1, "RESULTS": 10},
        {"GROUPS": 1, "CHUNKS": 1, "RESULTS": 14, "HELD": 5},
        {"GROUPS": 64, "CHUNKS": 64, "RESULTS": 196},
    ],
    "pixel_level": [{"LEVELS": 1}, {"LEVELS": 2}, {"LEVELS": 128}],
    "quantizer": [
        {"CHANNELS": 1, "LANES": 1, "BITS": 2},
        {"CHANNELS": 64, "LANES": 64, "BITS": 24},
        {"CHANNELS": 64, "LANES": 1, "BITS": 16},
    ],
    "repeat_pixel": [{"WIDTH": 1, "BEATS": 1}, {"WIDTH": 1, "BEATS": 2}, {"WIDTH": 65, "BEATS": 257}],
    "reset_register": [{}],
    "residual_add": [{"LANES": 1, "IN_W": 2, "BITS": 2}, {"LANES": 9, "IN_W": 30, "BITS": 16}],
    "saturate": [{"IN_W": 3, "OUT_W": 2}, {"IN_W": 40, "OUT_W": 24}],
    "shift_add": [
        {"IN_W": 2, "OUT_W": 9, "DIGITS": 1},
        {"IN_W": 33, "OUT_W": 40, "DIGITS": 2, "LUT_INPUTS": 6},
        {"IN_W": 32, "OUT_W": 40, "DIGITS": 3},
    ],
    "stream_downsize": [{"WIDTH": 1, "FACTOR": 1}, {"WIDTH": 1, "FACTOR": 2}, {"WIDTH": 65, "FACTOR": 33}],
    "stream_fifo": [
        {"WIDTH": 1, "DEPTH": 2, "BLOCK": 0},
        {"WIDTH": 1, "DEPTH": 4, "BLOCK": 1},
        {"WIDTH": 3, "DEPTH": 3, "BLOCK": 0},
        {"WIDTH": 65, "DEPTH": 1025},
    ],
    "stream_fork": [{"WIDTH": 1}, {"WIDTH": 65}],
    "stream_register": [{"WIDTH": 1}, {"WIDTH": 65}],
    "stream_upsize": [{"WIDTH": 1, "FACTOR": 1}, {"WIDTH": 1, "FACTOR": 2}, {"WIDTH": 65, "FACTOR": 33}],
    "scale_rprelu": [
        {"CHANNELS": 1, "LANES": 1, "IN_W": 2, "BITS": 2, "SCALE_SHIFT": 0, "SLOPE_SHIFT": 1},
        {"CHANNELS": 8, "LANES": 8, "IN_W": 25, "BITS": 24, "SCALE_SHIFT": 7, "SLOPE_SHIFT": 7, "LUT_INPUTS": 6},
        {"CHANNELS": 6, "LANES": 2, "IN_W": 16, "BITS": 4, "SCALE_SHIFT": 20, "SLOPE_SHIFT": 6},
        {"CHANNELS": 512, "LANES": 1, "IN_W": 13, "BITS": 16, "SCALE_SHIFT": 4, "SLOPE_SHIFT": 6},
    ],
    "sum_pool": [
        {"CHANNELS": 1, "LANES": 1, "BITS": 2, "PIXELS": 1},
        {"CHANNELS": 2, "LANES": 1, "BITS": 16, "PIXELS": 2},
        {"CHANNELS": 12, "LANES": 4, "BITS": 24, "PIXELS": 256},
    ],
    "table_engine": [
        {"COLOURS": 1, "LEVELS": 1, "OUT_CHANNELS": 1, "PE": 1, "VALUES": 9},
        {"COLOURS": 1, "LEVELS": 1, "OUT_CHANNELS": 2, "PE": 1, "VALUES": 1},
        {"COLOURS": 3, "LEVELS": 32, "OUT_CHANNELS": 16, "PE": 16, "VALUES": 27},
        {"COLOURS": 8, "LEVELS": 128, "OUT_CHANNELS": 64, "PE": 2, "VALUES": 3},
        {"COLOURS": 1, "LEVELS": 16, "OUT_CHANNELS": 8, "PE": 8, "VALUES": 9, "RESULTS": 13},
    ],
    "window_buffer": [
        {"WIDTH": 1, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2},
        {"WIDTH": 1, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 3, "BUFFERED": 0},
        {"WIDTH": 32, "HEIGHT_PIXELS": 257, "WIDTH_PIXELS": 256},
    ],
    "window_columns": [
        {"WIDTH": 1, "COLUMNS": 1},
        {"WIDTH": 1, "COLUMNS": 2, "BUFFERED": 0},
        {"WIDTH": 32, "COLUMNS": 257},
    ],
    "unrolled_engine": [
        {"IN_CHANNELS": 1, "OUT_CHANNELS": 1, "STAGES": 1},
        {"IN_CHANNELS": 16, "OUT_CHANNELS": 32, "STAGES": 4},
        {"IN_CHANNELS": 14, "OUT_CHANNELS": 3, "STAGES": 4, "LUT_INPUTS": 6},
    ],
    "window_position": [
        {"HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 1},
        {"HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 2, "STRIDE": 2},
        {"HEIGHT_PIXELS": 257, "WIDTH_PIXELS": 258, "STRIDE": 2},
    ],
    "window_stream": [
        {"WIDTH": 1, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2},
        {"WIDTH": 32, "HEIGHT_PIXELS": 257, "WIDTH_PIXELS": 256},
        {"WIDTH": 1, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2, "STRIDE": 2},
        {"WIDTH": 8, "HEIGHT_PIXELS": 256, "WIDTH_PIXELS": 258, "STRIDE": 2},
    ],
    "window_walk": [
        {"WIDTH": 1, "HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 1},
        {"WIDTH": 1, "HEIGHT_PIXELS": 2, "WIDTH_PIXELS": 2, "STRIDE": 2, "BUFFERED": 0},
        {"WIDTH": 32, "HEIGHT_PIXELS": 256, "WIDTH_PIXELS": 258, "STRIDE": 2},
        {"WIDTH": 8, "HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 257},
    ],
    "xnor_lane": [
        {"SIMD": 1, "SUM_W": 2, "STAGES": 1},
        {"SIMD": 9, "SUM_W": 5, "STAGES": 1},
        {"SIMD": 576, "SUM_W": 11, "STAGES": 4, "LUT_INPUTS": 6},
    ],
}
"""For each block the least and the greatest values that a network can ask for, and what lies at a corner between."""

REFUSED: dict[str, list[tuple[Parameters, str]]] = {
    "adder_tree": [({"VALUES": 0}, "VALUES_must_be_at_least_1"), ({"WIDTH": 0}, "WIDTH_must_be_at_least_1")],
    "affine": [
        ({"CHANNELS": 10, "LANES": 4}, "LANES_must_divide_CHANNELS"),
        ({"SHIFT": -1}, "SHIFT_must_be_at_least_0"),
        ({"SHIFT": 8, "RPRELU": 1}, "SHIFT_must_be_1_to_7_for_the_8_bits_of_a_slope"),
        ({"LUT_INPUTS": 5}, "LUT_INPUTS_must_be_4_or_6"),
    ],
    "affine_multiply": [
        ({"CHANNELS": 10, "LANES": 4}, "LANES_must_divide_CHANNELS"),
        ({"FACTOR_W": 8, "SHIFT": 7, "RPRELU": 1}, "SHIFT_must_be_2_less_than_the_width_of_a_slope"),
        ({"FACTOR_W": 1, "SHIFT": 0}, "FACTOR_W_must_be_at_least_2"),
    ],
    "argmax": [({"CLASSES": 0}, "CLASSES_must_be_at_least_1")],
    "average_pool": [
        ({"CHANNELS": 10, "LANES": 4}, "LANES_must_divide_CHANNELS"),
        ({"WIDTH_PIXELS": 7}, "WIDTH_PIXELS_must_be_even"),
    ],
    "beat_counter": [({"BEATS": 0}, "BEATS_must_be_at_least_1")],
    "chunk_select": [({"CHUNKS": 0}, "CHUNKS_must_be_at_least_1")],
    "credit_counter": [({"RESULTS": 0}, "RESULTS_must_be_at_least_1")],
    "delay_line": [({"CYCLES": 0}, "CYCLES_must_be_at_least_1")],
    "fractional_core": [
        ({"OUT_CHANNELS": 16, "PE": 3}, "PE_must_divide_OUT_CHANNELS"),
        ({"IN_CHANNELS": 16, "SIMD": 27}, "SIMD_must_be_9_times_a_divisor_of_IN_CHANNELS"),
    ],
    "fractional_engine": [
        ({"IN_CHANNELS": 16, "SIMD": 27}, "SIMD_must_be_9_times_a_divisor_of_IN_CHANNELS"),
        ({"IN_CHANNELS": 16, "SIMD": 16}, "SIMD_must_be_9_times_a_divisor_of_IN_CHANNELS"),
    ],
    "fractional_lane": [
        ({"SIMD": 10}, "SIMD_must_be_a_multiple_of_9"),
        ({"WINDOWS": 1}, "WINDOWS_must_be_at_least_2"),
    ],
    "frame_filter": [({"WIDTH": 0}, "WIDTH_must_be_at_least_1")],
    "frame_guard": [({"PIXELS": 0}, "PIXELS_must_be_at_least_1")],
    "line_engine": [({"OUT_CHANNELS": 16, "PE": 2}, "OUT_CHANNELS_must_be_at_least_9_times_PE")],
    "linear": [
        ({"CLASSES": 10, "LANES": 3}, "LANES_must_divide_CLASSES"),
        ({"IN_W": 33}, "IN_W_must_be_2_to_32"),
        ({"DIGITS": 2, "SHIFTS": 0, "NEGATED": 0, "OPTIONAL": 0}, "DIGITS_must_be_1_or_3"),
    ],
    "match_count": [
        ({"LUT_INPUTS": 3}, "LUT_INPUTS_must_be_4_or_6"),
        ({"STAGES": 0}, "STAGES_must_be_1_to_one_more_than_the_levels"),
        ({"WIDTH": 9, "STAGES": 20}, "STAGES_must_be_1_to_one_more_than_the_levels"),
    ],
    "match_rows": [({"ROWS": 0}, "ROWS_must_be_at_least_1")],
    "operand_memory": [
        ({"SIMD": 27}, "SIMD_must_be_9_times_a_divisor_of_CHANNELS"),
        ({"SLOTS": 1}, "SLOTS_must_be_a_power_of_two"),
        ({"SLOTS": 6}, "SLOTS_must_be_a_power_of_two"),
    ],
    "operand_select": [({"SIMD": 12}, "SIMD_must_be_a_multiple_of_9")],
    "pass_sequencer": [
        ({"RESULTS": 0}, "RESULTS_must_be_at_least_1"),
        ({"HELD": 0}, "HELD_must_be_at_least_1"),
    ],
    "pixel_level": [
        ({"LEVELS": 256}, "LEVELS_must_be_a_power_of_two_up_to_128"),
        ({"LEVELS": 24}, "LEVELS_must_be_a_power_of_two_up_to_128"),
    ],
    "quantizer": [({"CHANNELS": 10, "LANES": 4}, "LANES_must_divide_CHANNELS")],
    "repeat_pixel": [({"BEATS": 0}, "BEATS_must_be_at_least_1")],
    "residual_add": [({"IN_W": 8, "BITS": 16}, "IN_W_must_be_at_least_BITS")],
    "saturate": [({"IN_W": 16, "OUT_W": 16}, "IN_W_must_be_more_than_OUT_W")],
    "shift_add": [
        ({"IN_W": 9, "OUT_W": 8}, "OUT_W_must_be_at_least_IN_W"),
        ({"DIGITS": 4}, "DIGITS_must_be_1_to_3"),
        ({"LUT_INPUTS": 5}, "LUT_INPUTS_must_be_4_or_6"),
    ],
    "stream_downsize": [({"FACTOR": 0}, "FACTOR_must_be_at_least_1")],
    "stream_fifo": [
        ({"DEPTH": 1, "BLOCK": 0}, "DEPTH_must_be_at_least_2_or_4_in_block_RAM"),
        ({"DEPTH": 3, "BLOCK": 1}, "DEPTH_must_be_at_least_2_or_4_in_block_RAM"),
    ],
    "stream_fork": [({"WIDTH": 0}, "WIDTH_must_be_at_least_1")],
    "stream_register": [({"WIDTH": 0}, "WIDTH_must_be_at_least_1")],
    "stream_upsize": [({"FACTOR": 0}, "FACTOR_must_be_at_least_1")],
    "scale_rprelu": [
        ({"CHANNELS": 10, "LANES": 4}, "LANES_must_divide_CHANNELS"),
        ({"SCALE_SHIFT": -1}, "SCALE_SHIFT_must_be_at_least_0"),
        ({"SLOPE_SHIFT": 8}, "SLOPE_SHIFT_must_be_1_to_7_for_the_8_bits_of_a_slope"),
        ({"LUT_INPUTS": 5}, "LUT_INPUTS_must_be_4_or_6"),
    ],
    "sum_pool": [({"CHANNELS": 10, "LANES": 4}, "LANES_must_divide_CHANNELS")],
    "table_engine": [
        ({"OUT_CHANNELS": 16, "PE": 3}, "PE_must_divide_OUT_CHANNELS"),
        ({"COLOURS": 3, "VALUES": 4}, "VALUES_must_divide_9_times_COLOURS"),
        ({"LEVELS": 0}, "LEVELS_must_be_at_least_1"),
    ],
    "window_buffer": [({"HEIGHT_PIXELS": 1}, "an_image_must_have_at_least_2_by_2_pixels")],
    "window_columns": [({"COLUMNS": 0}, "COLUMNS_must_be_at_least_1")],
    "unrolled_engine": [({"OUT_CHANNELS": 0}, "OUT_CHANNELS_must_be_at_least_1")],
    "window_position": [
        ({"WIDTH_PIXELS": 0}, "an_image_must_have_at_least_1_by_1_pixels"),
        ({"STRIDE": 3}, "STRIDE_must_be_1_or_2"),
    ],
    "window_stream": [
        ({"WIDTH_PIXELS": 1}, "an_image_must_have_at_least_2_by_2_pixels"),
        ({"STRIDE": 3}, "STRIDE_must_be_1_or_2"),
        ({"STRIDE": 2, "HEIGHT_PIXELS": 7}, "STRIDE_2_needs_an_even_image"),
    ],
    "window_walk": [
        ({"STRIDE": 3}, "STRIDE_must_be_1_or_2"),
        ({"STRIDE": 2, "WIDTH_PIXELS": 7}, "STRIDE_2_needs_an_even_image"),
    ],
    "xnor_lane": [
        ({"SIMD": 9, "SUM_W": 4}, "SUM_W_must_be_more_than_the_width_of_a_count"),
        ({"SIMD": 0}, "SIMD_must_be_at_least_1"),
        ({"STAGES": 0}, "STAGES_must_be_1"),
    ],
}
"""Parameters that cannot be built, and the beginning of the module that is missing then."""

WITHOUT_SIZE = {"count_six", "crc32_byte", "lut6", "reset_register"}

FOLDERS = {
    RTL: (BUILT, REFUSED, WITHOUT_SIZE),
    BOARD_RTL: (board.BUILT, board.REFUSED, board.WITHOUT_SIZE),
    SEQUENTIAL_RTL: (sequential.BUILT, sequential.REFUSED, set()),
    SOC_RTL: (soc.BUILT, soc.REFUSED, soc.WITHOUT_SIZE),
}

CHECKED = [
    (block, parameters, missing)
    for _, refused, _ in FOLDERS.values()
    for block, cases in refused.items()
    for parameters, missing in cases
]
STOPPED = [
    case
    for case in CHECKED
    if (case[0], case[2])
    in {
        ("affine", "LUT_INPUTS_must_be_4_or_6"),
        ("fractional_core", "PE_must_divide_OUT_CHANNELS"),
        ("window_walk", "STRIDE_2_needs_an_even_image"),
    }
]
"""Of those, what Yosys is given, which takes seconds for each."""

BLOCKS = [(block, parameters) for block, cases in BUILT.items() for parameters in cases]
"""Of rtl/ alone."""

ALL_BLOCKS = [
    (block, parameters) for built, _, _ in FOLDERS.values() for block, cases in built.items() for parameters in cases
]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_every_block_and_every_parameter_is_tried(folder: Path) -> None:
    built, refused, without_size = FOLDERS[folder]
    blocks = {path.stem for path in folder.glob("*.v")}
    assert built.keys() == blocks
    assert refused.keys() == blocks - without_size


@pytest.mark.simulator
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("block, parameters", ALL_BLOCKS, ids=name_of)
def test_no_tool_warns_at_the_ends_of_a_parameter(tool: str, block: str, parameters: Parameters) -> None:
    assert TOOLS[tool](block, parameters) == (0, "")


@pytest.mark.synthesis
@pytest.mark.parametrize("part", range(2))
def test_yosys_builds_the_ends_of_every_parameter(part: int) -> None:
    assert yosys(elaborate(*ALL_BLOCKS[part::2])) == (0, "")


@pytest.mark.simulator
@pytest.mark.parametrize("tool", TOOLS)
@pytest.mark.parametrize("block, parameters, missing", CHECKED, ids=name_of)
def test_what_cannot_be_built_stops_a_tool(tool: str, block: str, parameters: Parameters, missing: str) -> None:
    code, said = TOOLS[tool](block, parameters)
    assert code != 0
    assert missing in said


@pytest.mark.synthesis
@pytest.mark.parametrize("block, parameters, missing", STOPPED, ids=name_of)
def test_what_cannot_be_built_stops_synthesis(block: str, parameters: Parameters, missing: str) -> None:
    code, said = yosys(elaborate((block, parameters)))
    assert code != 0
    assert missing in said


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_the_text_keeps_to_verible_s_rules(folder: Path) -> None:
    assert verible(sorted(folder.glob("*.v"))) == (0, "")


def test_a_check_stands_in_the_block_and_names_a_parameter_of_it() -> None:
    for path in RTL.glob("*.v"):
        for missing in re.findall(r"^        (\w+) stop \(\);$", path.read_text(), re.MULTILINE):
            first = missing.split("_must_")[0]
            assert re.search(rf"parameter.*\b{first}\b", path.read_text()) or first.startswith(("an_", "STRIDE_2"))
