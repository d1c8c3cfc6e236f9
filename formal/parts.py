# SPDX-License-Identifier: Apache-2.0
"""Proofs of the smallest blocks: no state, or a register that holds nothing for longer than a cycle.

A proof over as many cycles as there are registers, and one more, is complete.
"""

from __future__ import annotations

from formal.block import BOUNDED, Block, Fault

PARTS = (
    Block(
        "reset_register",
        3,
        (Fault("no register", "assign rst_copy = copy;", "assign rst_copy = rst;", "a_cycle_later"),),
        method=BOUNDED,
        quick=True,
    ),
    Block(
        "lut6",
        2,
        (Fault("inputs in another order", "TABLE[in];", "TABLE[{in[0], in[5:1]}];", "each_entry"),),
        method=BOUNDED,
        quick=True,
    ),
    Block(
        "count_six",
        2,
        (
            Fault("a wrong entry", "64'h8117177e177e7ee8", "64'h8117177e177e7ee9", "counted"),
            Fault(
                "counts what differs", "of_ones[number[5:0] ^ ~WEIGHTS]", "of_ones[number[5:0] ^ WEIGHTS]", "counted"
            ),
        ),
        method=BOUNDED,
        quick=True,
    ),
    Block(
        "chunk_select",
        2,
        (
            Fault(
                "the last chunk is left out",
                "for (n = 0; n < CHUNKS; n = n + 1) begin",
                "for (n = 0; n < CHUNKS - 1; n = n + 1) begin",
                "selected",
            ),
        ),
        (
            {"WIDTH": 3, "CHUNKS": 5},
            {"WIDTH": 1, "CHUNKS": 1},
            {"WIDTH": 1, "CHUNKS": 2},
            {"WIDTH": 2, "CHUNKS": 9},
            {"WIDTH": 16, "CHUNKS": 4},
        ),
        method=BOUNDED,
        quick=True,
    ),
    Block(
        "operand_select",
        3,
        (
            Fault(
                "bits outside the image count",
                "lsb_chosen[9*k +: 9] <= taps & {9{wanted && lsb}};",
                "lsb_chosen[9*k +: 9] <= {9{wanted && lsb}};",
                "selected",
            ),
            Fault(
                "always the first bits",
                "lsb_chosen[9*k +: 9] <= taps & {9{wanted && lsb}};",
                "lsb_chosen[9*k +: 9] <= 9'd0;",
                "selected",
            ),
        ),
        (
            {"SIMD": 18, "CHUNKS": 3},
            {"SIMD": 9, "CHUNKS": 1},
            {"SIMD": 9, "CHUNKS": 2},
            {"SIMD": 36, "CHUNKS": 1},
        ),
        method=BOUNDED,
        quick=True,
    ),
    Block(
        "pixel_level",
        2,
        (
            Fault("rounds down", "{2'b00, pixel} + HALF[9:0];", "{2'b00, pixel};", "bits_of_the_code"),
            Fault("the sum wraps", "{2'b00, pixel} + HALF[9:0];", "{2'b00, pixel + HALF[7:0]};", "bits_of_the_code"),
        ),
        tuple({"LEVELS": levels} for levels in (32, 1, 2, 4, 8, 16, 64, 128)),
        method=BOUNDED,
        quick=True,
    ),
    Block(
        "crc32_byte",
        2,
        (
            Fault("another polynomial", "32'hEDB88320", "32'h82F63B78", "step_of_division"),
            Fault("a bit too few", "i < 8;", "i < 7;", "step_of_division"),
            Fault(
                "the data comes to the high bits",
                "{crc[31:8], crc[7:0] ^ data}",
                "{crc[31:24] ^ data, crc[23:0]}",
                "step_of_division",
            ),
        ),
        method=BOUNDED,
        quick=True,
    ),
)
