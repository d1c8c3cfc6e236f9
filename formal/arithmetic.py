# SPDX-License-Identifier: Apache-2.0
"""Proofs that the blocks which compute do what their equations say.

Pipelines without feedback: what leaves depends on the last few cycles only, and registers begin with any value. A
bounded proof that is longer than the pipeline is therefore complete. Wide popcounts are beyond a solver: they are
followed cell by cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from formal.block import BOUNDED, CELLWISE, Block, Fault
from wsfracbnn.gen.stages.fractional_engine import match_count_stages

WIDE_COUNTS = (9, 18, 27, 36, 72, 135, 144, 288, 576, 1152, 2304)
"""Window bits that a lane may count at once: nine taps of 1 to 256 channels."""

NARROW_COUNTS = (1, 2, 4, 8, 16, 32, 64)
"""Bits that a lane of the sequential engine may count at once."""

UNROLLED_COUNTS = (9, 72, 135, 144, 288, 576)
"""Bits of a whole window of 1 to 64 channels."""


def _popcounts(widths: Sequence[int]) -> tuple[Mapping[str, int], ...]:
    """Sizes of popcounts, with as many registers as they are generated with, the quickest first."""
    return tuple(
        {"WIDTH": width, "STAGES": match_count_stages(width), "LUT_INPUTS": lut_inputs}
        for width in sorted(widths)
        for lut_inputs in (4, 6)
    )


ARITHMETIC = (
    Block(
        "saturate",
        1,
        (
            Fault(
                "looks at one bit less",
                "wire                fits = head == {IN_W-OUT_W+1{in[IN_W-1]}};",
                "wire                fits = head[IN_W-OUT_W:1] == {IN_W-OUT_W{in[IN_W-1]}};",
                "clamped",
            ),
        ),
        ({"IN_W": 20, "OUT_W": 16}, {"IN_W": 3, "OUT_W": 2}, {"IN_W": 17, "OUT_W": 16}, {"IN_W": 24, "OUT_W": 16}),
        quick=True,
    ),
    Block(
        "adder_tree",
        6,
        (
            Fault(
                "numbers without their signs",
                "sums[i*W +: W] <= {x[W-2], x} + {y[W-2], y};",
                "sums[i*W +: W] <= {1'b0, x} + {1'b0, y};",
                "summed",
            ),
            Fault(
                "the one left over is lost",
                "sums[i*W +: W] <= {x[W-2], x};",
                "sums[i*W +: W] <= {W{1'b0}};",
                "summed",
            ),
        ),
        (
            {"VALUES": 5, "WIDTH": 3},
            {"VALUES": 1, "WIDTH": 4},
            {"VALUES": 2, "WIDTH": 1},
            {"VALUES": 4, "WIDTH": 6},
            {"VALUES": 9, "WIDTH": 3},
        ),
        method=BOUNDED,
        quick=True,
    ),
    Block(
        "xnor_lane",
        8,
        (
            Fault("chunks before the first count", "(first ? {SUM_W{1'b0}} : total)", "total", "sum_of_the_window"),
            Fault("no correction", "1'b0} - correction;", "1'b0};", "sum_of_the_window"),
            Fault("weights a cycle early", "    .data(own_data),", "    .data(data),", "sum_of_the_window"),
        ),
        (
            {"SIMD": 4, "CHUNKS": 2, "STAGES": 1},
            {"SIMD": 9, "CHUNKS": 1, "STAGES": 1},
            {"SIMD": 6, "CHUNKS": 1, "STAGES": 2, "LUT_INPUTS": 6},
            {"SIMD": 3, "CHUNKS": 3, "STAGES": 1},
        ),
        method=BOUNDED,
    ),
    Block(
        "quantizer",
        1,
        (
            Fault("reaches is not above", "wire msb = x >= t2;", "wire msb = x > t2;", "words.in_order"),
            Fault(
                "thresholds move while a beat waits",
                "        thresholds <= rom_data;\n",
                "    end\n    begin\n        thresholds <= rom_data;\n    end\n    if (enable) begin\n",
                "words.in_order",
            ),
            Fault("reset leaves a beat", "        in_valid  <= 1'b0;\n", "", "words.none_made_up"),
        ),
        (
            {"CHANNELS": 4, "LANES": 2, "BITS": 4},
            {"CHANNELS": 1, "LANES": 1, "BITS": 16},
            {"CHANNELS": 3, "LANES": 1, "BITS": 8},
        ),
    ),
    Block(
        "shift_add",
        5,
        (
            Fault(
                "a negative digit is one too small",
                "wire [OUT_W:0]   total = {below, 1'b1} + {shifted ^ {OUT_W{late}}, negate};",
                "wire [OUT_W:0]   total = {below, 1'b1} + {shifted ^ {OUT_W{late}}, 1'b0};",
                "multiplied",
            ),
            Fault("x without its sign", "{{OUT_W-IN_W{x[IN_W-1]}}, x}", "{{OUT_W-IN_W{1'b0}}, x}", "multiplied"),
        ),
        (
            {"DIGITS": 1, "IN_W": 8, "OUT_W": 16},
            {"DIGITS": 1, "IN_W": 8, "OUT_W": 16, "LUT_INPUTS": 6},
            {"DIGITS": 2, "IN_W": 4, "OUT_W": 13, "FORM": 1},
            {"DIGITS": 2, "IN_W": 4, "OUT_W": 13, "FORM": 2, "LUT_INPUTS": 6},
            {"DIGITS": 2, "IN_W": 6, "OUT_W": 16, "MULTIPLY": 0},
            {"DIGITS": 2, "IN_W": 6, "OUT_W": 16, "MULTIPLY": 0, "LUT_INPUTS": 6},
        ),
        method=BOUNDED,
    ),
    Block(
        "affine",
        7,
        (
            Fault("rounds down", "ROUND != 0 ? (1 << SHIFT) >> 1 : 0;", "0;", "computed"),
            Fault(
                "the slope for all x",
                "code <= RPRELU != 0 && !x_in[IN_W-1] ? IDENTITY[9:0] :",
                "code <=",
                "computed",
                sizes={"RPRELU": 1, "ROUND": 0},
            ),
            Fault("a cycle too early", "localparam LATENCY = 4;", "localparam LATENCY = 3;", "valid_in_time"),
        ),
        ({"RPRELU": 0, "ROUND": 1}, {"RPRELU": 1, "ROUND": 0}, {"RPRELU": 0, "ROUND": 1, "LUT_INPUTS": 6, "IN_W": 8}),
        method=BOUNDED,
    ),
    Block(
        "affine_multiply",
        6,
        (
            Fault("rounds down", "ROUND != 0 ? (1 << SHIFT) >> 1 : 0;", "0;", "computed"),
            Fault(
                "the slope for all x",
                "factor  <= RPRELU != 0 && !x_in[IN_W-1] ? IDENTITY :",
                "factor  <=",
                "computed",
                sizes={"RPRELU": 1, "ROUND": 0},
            ),
            Fault(
                "the bias a cycle early",
                "sum     <= wide_product + addend;",
                "sum     <= wide_product + ((wide_bias << SHIFT) | HALF);",
                "computed",
            ),
            Fault("a cycle too early", "localparam LATENCY = 3;", "localparam LATENCY = 2;", "valid_in_time"),
        ),
        ({"RPRELU": 0, "ROUND": 1}, {"RPRELU": 1, "ROUND": 0}, {"RPRELU": 0, "ROUND": 1, "IN_W": 3, "FACTOR_W": 7}),
        method=BOUNDED,
    ),
    Block(
        "scale_rprelu",
        14,
        (
            Fault("rounds down", "SCALE_SHIFT != 0 ? (1 << SHIFT) >> 1 : 0;", "0;", "computed"),
            Fault(
                "the slope for all V", "code    <= slope_turn && !v[V_W-1] ? IDENTITY[9:0] :", "code    <=", "computed"
            ),
            Fault(
                "half is added to both",
                "(rounds ? HALF : {SUM_W{1'b0}})",
                "HALF",
                "computed",
            ),
            Fault("V comes a beat late", "if (v_valid) begin", "if (take) begin", "computed"),
            Fault("taken before a word is there", "slope_turn <= 1'b1;", "slope_turn <= 1'b0;", "ready_in_turn"),
        ),
        (
            {"SCALE_SHIFT": 2, "SLOPE_SHIFT": 3},
            {"SCALE_SHIFT": 3, "SLOPE_SHIFT": 2, "LUT_INPUTS": 6},
            {"SCALE_SHIFT": 0, "SLOPE_SHIFT": 1, "CHANNELS": 1, "IN_W": 2, "BITS": 2},
        ),
        method=BOUNDED,
    ),
    Block(
        "match_count",
        4,
        (
            Fault(
                "a carry is lost",
                "(x & y) | (x & z) | (y & z);",
                "(x & y) | (x & z);",
                "counted",
            ),
            Fault(
                "a wrong table",
                "64'hf99f90099009f99f",
                "64'hf99f90099009f99e",
                "counted",
                sizes={"WIDTH": 9, "STAGES": 1, "LUT_INPUTS": 6},
                depth=4,
            ),
        ),
        (
            {"WIDTH": 9, "STAGES": 2, "LUT_INPUTS": 4},
            {"WIDTH": 9, "STAGES": 2, "LUT_INPUTS": 6},
            {"WIDTH": 12, "STAGES": 3, "LUT_INPUTS": 4},
            {"WIDTH": 12, "STAGES": 3, "LUT_INPUTS": 6},
        ),
        method=BOUNDED,
    ),
    Block(
        "match_rows",
        4,
        (
            Fault(
                "a missing sixth bit counts",
                "{WIDTH < 6 * (six + 1), 5'd0}",
                "6'd0",
                "counted",
                sizes={"WIDTH": 17, "ROWS": 2, "STAGES": 3, "LUT_INPUTS": 6, "WEIGHTS": 0x34568C35A},
                depth=4,
            ),
            Fault(
                "a table of ones, whatever the weights",
                "of_ones[number[5:0] ^ ~WEIGHTS]",
                "of_ones[number[5:0]]",
                "counted",
                source="count_six",
                sizes={"WIDTH": 6, "ROWS": 1, "STAGES": 1, "LUT_INPUTS": 6, "WEIGHTS": 0x2C},
                depth=4,
            ),
        ),
        (
            {"WIDTH": 12, "ROWS": 2, "STAGES": 3, "LUT_INPUTS": 4, "WEIGHTS": 0xA5C_A51},
            {"WIDTH": 18, "ROWS": 2, "STAGES": 3, "LUT_INPUTS": 6, "WEIGHTS": 0x1E4B7_0C4B7},
            {"WIDTH": 17, "ROWS": 2, "STAGES": 3, "LUT_INPUTS": 6, "WEIGHTS": 0x34568C35A},
            {"WIDTH": 12, "ROWS": 5, "STAGES": 2, "LUT_INPUTS": 6, "WEIGHTS": 0xA5C_A9C_5A3_A5C_FFF},
        ),
        method=BOUNDED,
    ),
    Block(
        "match_count_wide",
        6,
        (
            Fault(
                "a carry is lost",
                "(x & y) | (x & z) | (y & z);",
                "(x & y) | (x & z);",
                "counted",
                source="match_count",
                sizes={"WIDTH": 576, "STAGES": 5, "LUT_INPUTS": 4},
            ),
            Fault(
                "a bit that no group adds up is passed twice",
                "levels[l-1].in[FROM+6*SIXES+3*THREES +: OVER];",
                "levels[l-1].in[FROM+6*SIXES+3*THREES-1 +: OVER];",
                "counted",
                source="match_count",
                sizes={"WIDTH": 144, "STAGES": 4, "LUT_INPUTS": 4},
            ),
            Fault(
                "carries of six bits change places",
                "assign out[TWICE+i] = six_count[2];",
                "assign out[TWICE+i] = six_count[1];",
                "counted",
                source="match_count",
                sizes={"WIDTH": 144, "STAGES": 4, "LUT_INPUTS": 6},
            ),
            Fault(
                "carries lie where others do",
                "KEPT_HIGHER + SIXES_ABOVE + THREES_ABOVE}",
                "KEPT_HIGHER + SIXES_ABOVE}",
                "counted",
                source="match_count",
                sizes={"WIDTH": 144, "STAGES": 4, "LUT_INPUTS": 6},
            ),
            Fault(
                "a table of six bits with one value wrong",
                "64'hfee8e880e8808000",
                "64'hfee8e880e8808001",
                "counted",
                source="count_six",
                sizes={"WIDTH": 576, "STAGES": 5, "LUT_INPUTS": 6},
            ),
            Fault(
                "a register too few",
                "(l * STAGES) / (LEVELS + 1) > ((l - 1) * STAGES) / (LEVELS + 1);",
                "(l * (STAGES - 1)) / (LEVELS + 1) > ((l - 1) * (STAGES - 1)) / (LEVELS + 1);",
                "in_its_time",
                source="match_count",
                sizes={"WIDTH": 144, "STAGES": 4, "LUT_INPUTS": 4},
            ),
            Fault(
                "one bit passes a register less",
                "assign in = out_register;",
                "assign in = {out_register[BITS-1:1], out[0]};",
                "counted",
                source="match_count",
                sizes={"WIDTH": 144, "STAGES": 4, "LUT_INPUTS": 4},
            ),
        ),
        _popcounts((*NARROW_COUNTS, *WIDE_COUNTS)),
        method=CELLWISE,
    ),
    Block(
        "match_rows_wide",
        6,
        (
            Fault(
                "a missing sixth bit counts",
                "{WIDTH < 6 * (six + 1), 5'd0}",
                "6'd0",
                "counted",
                source="match_rows",
                sizes={"WIDTH": 137, "STAGES": 4, "LUT_INPUTS": 6},
            ),
            Fault(
                "a row takes another row's count",
                "groups[s].like[3*six_weights(r, s) +: 3];",
                "groups[s].like[3*six_weights(0, s) +: 3];",
                "counted",
                source="match_rows",
                sizes={"WIDTH": 144, "STAGES": 4, "LUT_INPUTS": 6},
            ),
        ),
        _popcounts(UNROLLED_COUNTS),
        method=CELLWISE,
    ),
)
