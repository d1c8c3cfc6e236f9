# SPDX-License-Identifier: Apache-2.0
"""Proofs of the blocks that hold more of an image than can be followed by induction: bounded, at small sizes."""

from __future__ import annotations

from formal.block import BOUNDED, Block, Fault

STAGES = (
    Block(
        "sum_pool",
        14,
        (
            Fault(
                "the last frame's sum is added to",
                "wire signed [SUM_W-1:0] previous = in_first ? {SUM_W{1'b0}} : stored[lane*SUM_W +: SUM_W];",
                "wire signed [SUM_W-1:0] previous = stored[lane*SUM_W +: SUM_W];",
                "sum_of_the_frame",
            ),
            Fault(
                "a beat meets a partial sum that is not there yet",
                "if (BEATS > 2) begin : registered",
                "if (BEATS > 1) begin : registered",
                "sum_of_the_frame",
                sizes={"CHANNELS": 2, "PIXELS": 3},
                depth=14,
            ),
            Fault("reset keeps the pixel", "        pixel <= {PIXEL_W{1'b0}};\n    end", "    end", "sum_of_the_frame"),
        ),
        (
            {"CHANNELS": 4, "PIXELS": 2},
            {"CHANNELS": 3, "PIXELS": 3},
            {"CHANNELS": 2, "PIXELS": 3},
            {"CHANNELS": 1, "PIXELS": 4},
            {"CHANNELS": 4, "LANES": 2, "PIXELS": 3},
        ),
        method=BOUNDED,
    ),
    Block(
        "window_buffer",
        18,
        (
            Fault(
                "no padding on the left",
                "{!at_last_col, 1'b1, col != 0};",
                "{!at_last_col, 1'b1, 1'b1};",
                "windows.taps_inside",
            ),
            Fault(
                "a whole frame waits for the next",
                "wire complete = can_flush || (full && s_axis_tvalid);",
                "wire complete = full && s_axis_tvalid;",
                "windows.leaves_by_itself",
                depth=18,
            ),
            Fault(
                "a window follows its beat by two cycles",
                "renew <= out_free;",
                "renew <= out_valid && m_axis_tready;",
                "windows.pixels",
                source="window_columns",
            ),
        ),
        (
            {"ROWS": 2, "COLS": 2, "BUFFERED": 1},
            {"ROWS": 2, "COLS": 2, "BUFFERED": 0},
            {"ROWS": 3, "COLS": 3, "BUFFERED": 1},
            {"ROWS": 3, "COLS": 3, "BUFFERED": 0},
            {"ROWS": 2, "COLS": 3, "BUFFERED": 1},
        ),
        method=BOUNDED,
    ),
    Block(
        "window_walk",
        18,
        (
            Fault(
                "every column is a centre",
                "(next_row[0] && next_col[0])",
                "next_row[0]",
                "windows.pixels",
                sizes={"ROWS": 2, "COLS": 4, "STRIDE": 2},
                depth=20,
            ),
            Fault(
                "rows above are not kept",
                "{line[WIDTH-1:0], pixel};",
                "{pixel, pixel};",
                "windows.pixels",
                source="window_columns",
                depth=18,
            ),
        ),
        (
            {"ROWS": 2, "COLS": 2, "STRIDE": 1},
            {"ROWS": 2, "COLS": 2, "STRIDE": 1, "BUFFERED": 0},
            {"ROWS": 2, "COLS": 2, "STRIDE": 2},
            {"ROWS": 2, "COLS": 4, "STRIDE": 2},
            {"ROWS": 3, "COLS": 2, "STRIDE": 1},
        ),
        method=BOUNDED,
    ),
    Block(
        "window_stream",
        18,
        (
            Fault(
                "pixels of the next frame are not taken again after a flush",
                "assign then_at       = flush && at_last_row && at_last_col ? in_col : next_at;",
                "assign then_at       = next_at;",
                "windows.pixels",
                sizes={"ROWS": 2, "COLS": 3, "STRIDE": 1},
                depth=24,
            ),
            Fault(
                "a pixel is taken while a window waits",
                "assign s_axis_tready = (fill || full) && out_free;",
                "assign s_axis_tready = fill || (full && out_free);",
                "windows.pixels",
                sizes={"ROWS": 2, "COLS": 3, "STRIDE": 1},
                depth=18,
            ),
            Fault(
                "a whole frame waits for the next",
                "wire flush = can_flush && !(full && s_axis_tvalid) && out_free;",
                "wire flush = 1'b0;",
                "windows.leaves_by_itself",
                sizes={"ROWS": 2, "COLS": 3, "STRIDE": 1},
                depth=18,
            ),
        ),
        (
            {"ROWS": 2, "COLS": 3, "STRIDE": 1},
            {"ROWS": 3, "COLS": 3, "STRIDE": 1},
            {"ROWS": 2, "COLS": 2, "STRIDE": 2},
            {"ROWS": 2, "COLS": 4, "STRIDE": 2},
        ),
        method=BOUNDED,
    ),
    Block(
        "window_position",
        1,
        (
            Fault(
                "the right border is passed by a column",
                "ends_row   <= LAST_COL == 0 || (!ends_row && col == BEFORE_COL[COL_W-1:0]);",
                "ends_row   <= LAST_COL == 0 || (!ends_row && col == LAST_COL[COL_W-1:0]);",
                "ends",
            ),
            Fault(
                "the top border is that of every row",
                "            starts_image <= ends_image;",
                "            starts_image <= 1'b1;",
                "borders",
            ),
        ),
        (
            {"HEIGHT_PIXELS": 3, "WIDTH_PIXELS": 4, "STRIDE": 1},
            {"HEIGHT_PIXELS": 4, "WIDTH_PIXELS": 5, "STRIDE": 2},
            {"HEIGHT_PIXELS": 1, "WIDTH_PIXELS": 1, "STRIDE": 1},
            {"HEIGHT_PIXELS": 33, "WIDTH_PIXELS": 2, "STRIDE": 2},
        ),
    ),
    Block(
        "operand_memory",
        34,
        (
            Fault(
                "a window is copied before its last pixel is there",
                "{1'b0, in_col} > right_col",
                "{1'b0, in_col} >= right_col",
                "line_read_or_written",
                sizes={"ROWS": 1, "COLS": 2, "SLOTS": 2},
                depth=34,
            ),
            Fault(
                "pixels of a row that is not free are taken",
                "assign s_axis_tready = rows_ahead != 2'd3;",
                "assign s_axis_tready = 1'b1;",
                "line_read_or_written",
                depth=34,
            ),
            Fault(
                "bits outside the image count",
                "(read_second ? second_bits : first_bits) & {LANES{read_inside}};",
                "read_second ? second_bits : first_bits;",
                "operands_of_the_window",
                depth=34,
            ),
        ),
        (
            {"ROWS": 1, "COLS": 1, "SLOTS": 2},
            {"ROWS": 1, "COLS": 2, "SLOTS": 2},
        ),
        method=BOUNDED,
    ),
    Block(
        "pass_sequencer",
        20,
        (
            Fault(
                "a window goes on before its last group",
                "last_group && room_else;",
                "room_else;",
                "goes_on_after_its_first_pass",
            ),
            Fault(
                "released with an output on the list",
                "assign release_window = ends_lsb ? lists_end : release_else;",
                "assign release_window = ends_lsb || release_else;",
                "nothing_left_behind",
                depth=20,
            ),
            Fault(
                "begins without credit",
                "there && !first_done && has_credit;",
                "there && !first_done;",
                "credit",
                depth=20,
            ),
        ),
        (
            {"GROUPS": 2, "CHUNKS": 1, "HELD": 1},
            {"GROUPS": 2, "CHUNKS": 2, "HELD": 1, "RESULTS": 6},
            {"GROUPS": 2, "CHUNKS": 2, "HELD": 2, "RESULTS": 8},
            {"GROUPS": 1, "CHUNKS": 3, "HELD": 2, "RESULTS": 4},
            {"GROUPS": 3, "CHUNKS": 1, "HELD": 3, "RESULTS": 5},
        ),
        method=BOUNDED,
    ),
    Block(
        "table_engine",
        14,
        (
            Fault(
                "taps outside the image count",
                "s_window[value*LEVEL_W +: LEVEL_W] | {LEVEL_W{!taps[value/COLOURS]}};",
                "s_window[value*LEVEL_W +: LEVEL_W];",
                "results.in_order",
                depth=14,
            ),
            Fault(
                "the result before is added to",
                "summed_first ? {SUM_W{1'b0}} : totals[lane*SUM_W +: SUM_W];",
                "totals[lane*SUM_W +: SUM_W];",
                "results.in_order",
                sizes={"LEVELS": 2, "VALUES": 3},
                depth=14,
            ),
        ),
        ({"LEVELS": 1, "VALUES": 9}, {"LEVELS": 2, "VALUES": 3}),
        method=BOUNDED,
    ),
    Block(
        "fractional_engine",
        20,
        (
            Fault(
                "every output takes a second-pass sum",
                "assign lsb_ready     = take ? lsb_wanted : {PE{1'b0}};",
                "assign lsb_ready     = {PE{take}};",
                "results.in_order",
                source="fractional_core",
                depth=20,
            ),
            Fault(
                "a result does not wait for its second pass",
                "assign m_axis_tvalid = paired_valid && &(lsb_valid | ~lsb_wanted);",
                "assign m_axis_tvalid = paired_valid;",
                "results.in_order",
                source="fractional_core",
                depth=20,
            ),
            Fault(
                "a threshold that is met opens the gate",
                "open      <= sum > gate_threshold;",
                "open      <= sum >= gate_threshold;",
                "results.in_order",
                source="fractional_lane",
                depth=20,
            ),
        ),
        ({"GROUPS": 2, "HELD": 1}, {"GROUPS": 2, "HELD": 2}, {"GROUPS": 3, "HELD": 1, "LUT_INPUTS": 6}),
        method=BOUNDED,
    ),
    Block(
        "unrolled_engine",
        12,
        (
            Fault(
                "a threshold that is met opens the gate",
                "s_m > threshold ? s_l",
                "s_m >= threshold ? s_l",
                "sum_of_the_window",
            ),
            Fault(
                "bits outside the image count",
                "s_window[2*(t*IN_CHANNELS+c) +: 2] & {2{taps[t]}};",
                "s_window[2*(t*IN_CHANNELS+c) +: 2];",
                "sum_of_the_window",
            ),
            Fault("a cycle too early", ".CYCLES(STAGES + 5)", ".CYCLES(STAGES + 4)", "each_in_its_time"),
        ),
        (
            {"STAGES": 1, "LUT_INPUTS": 4, "WEIGHTS": 0x0B5},
            {"STAGES": 2, "LUT_INPUTS": 4, "WEIGHTS": 0x1FF},
            {"STAGES": 2, "LUT_INPUTS": 6, "WEIGHTS": 0x0B5},
            {"STAGES": 1, "LUT_INPUTS": 6, "WEIGHTS": 0x000},
        ),
        method=BOUNDED,
    ),
    Block(
        "linear",
        13,
        (
            Fault(
                "a group's products are added to the last one's",
                "end else if (begin_group) begin",
                "end else if (1'b0) begin",
                "logit_of_the_class",
                depth=14,
            ),
            Fault(
                "sums come in while logits wait",
                "assign s_axis_tready = state == LOAD;",
                "assign s_axis_tready = state == LOAD || state == SEND;",
                "one_frame_at_a_time",
                depth=14,
            ),
        ),
        ({"CHANNELS": 1}, {"CHANNELS": 2}, {"CHANNELS": 1, "DIGITS": 1}),
        method=BOUNDED,
    ),
)
