# SPDX-License-Identifier: Apache-2.0
"""Proofs of the blocks that move beats: registers, FIFOs, forks, counters, frames."""

from __future__ import annotations

from formal.block import Block, Fault

STREAMS = (
    Block(
        "stream_register",
        1,
        (
            Fault(
                "ready does not fall for a word in the spare register",
                "spare_free <= out_free || (spare_free && !s_axis_tvalid);",
                "spare_free <= 1'b1;",
                "takes_two",
            ),
            Fault(
                "the spare word is passed over",
                "out_data  <= spare_free ? s_axis_tdata : spare_data;",
                "out_data  <= s_axis_tdata;",
                "words.in_order",
            ),
            Fault("reset leaves a beat", "        out_valid  <= 1'b0;\n", "", "words.none_made_up"),
        ),
        quick=True,
    ),
    Block(
        "stream_fork",
        1,
        (
            Fault(
                "an output is offered the same beat again",
                "s_axis_tvalid && !taken_1;",
                "s_axis_tvalid;",
                "offered_once",
            ),
            Fault("one output's ready is enough", "done_0 && done_1;", "done_0 || done_1;", "taken_by_both"),
            Fault("reset forgets one bit only", "        taken_1 <= 1'b0;\n", "", "offered_once"),
        ),
        quick=True,
    ),
    Block(
        "stream_fifo",
        2,
        (
            Fault(
                "takes a word too many",
                "full   <= store && stored == LAST_ADDR[COUNT_W-1:0];",
                "full   <= 1'b0;",
                "never_read_while_written",
            ),
            Fault(
                "reads an empty memory",
                "wire load      = read_free && some;",
                "wire load      = read_free;",
                "never_read_while_written",
            ),
            Fault("reset leaves a word", "        read_valid <= 1'b0;\n", "", "words.none_made_up"),
            Fault(
                "the last register takes a word only when it is asked for one",
                "assign read_taken    = !out_valid || m_axis_tready;",
                "assign read_taken    = m_axis_tready;",
                "words.in_time",
                sizes={"DEPTH": 4, "BLOCK": 1},
            ),
        ),
        (
            {"DEPTH": 4, "BLOCK": 0},
            {"DEPTH": 2, "BLOCK": 0},
            {"DEPTH": 3, "BLOCK": 0},
            {"DEPTH": 5, "BLOCK": 0},
            {"DEPTH": 4, "BLOCK": 1},
            {"DEPTH": 5, "BLOCK": 1},
            {"DEPTH": 6, "BLOCK": 1},
        ),
        quick=True,
    ),
    Block(
        "frame_guard",
        1,
        (
            Fault(
                "the last pixel waits for the status stream's ready",
                "assign m_axis_tvalid   = offer && !pixel_taken;",
                "assign m_axis_tvalid   = offer && (!last || m_status_tready);",
                "pixel_offered_once",
            ),
            Fault(
                "a status bit is offered again",
                "offer && last && !status_taken;",
                "offer && last;",
                "status_offered_once",
            ),
            Fault(
                "a short frame is not filled up",
                "if (too_short) begin\n                state <= FILL;",
                "if (too_short) begin\n                state <= PASS;",
                "input_taken",
            ),
            Fault("reset in a half-taken beat", "        pixel_taken  <= 1'b0;\n", "", "pixel_offered_once"),
        ),
        ({"PIXELS": 3}, {"PIXELS": 1}, {"PIXELS": 2}, {"PIXELS": 4}),
        quick=True,
    ),
    Block(
        "stream_upsize",
        1,
        (
            Fault(
                "the first beat comes to the high bits",
                "{s_axis_tdata, word[WIDTH*FACTOR-1:WIDTH]}",
                "{word[WIDTH*(FACTOR-1)-1:0], s_axis_tdata}",
                "words.in_order",
            ),
            Fault("reset keeps the count", "        count <= {COUNT_W{1'b0}};\n", "", "a_cycle_after_the_last"),
            Fault(
                "takes a beat while a word waits",
                "assign s_axis_tready = !valid || m_axis_tready;",
                "assign s_axis_tready = 1'b1;",
                "waits_for_a_whole_word_only",
            ),
        ),
        ({"FACTOR": 3}, {"FACTOR": 1}, {"FACTOR": 2}, {"FACTOR": 4}),
        quick=True,
    ),
    Block(
        "stream_downsize",
        1,
        (
            Fault("sends the low bits again", "word <= word >> STEP;", "word <= word;", "words.in_order"),
            Fault(
                "takes the next beat one too early",
                "left == 0 || (left == 1 && m_axis_tready);",
                "left <= 1;",
                "next_with_the_last",
            ),
            Fault(
                "reset leaves a beat",
                "        left <= {COUNT_W{1'b0}};\n    end\nend\n\nendmodule",
                "    end\nend\n\nendmodule",
                "no_pause",
            ),
        ),
        ({"FACTOR": 3}, {"FACTOR": 1}, {"FACTOR": 2}, {"FACTOR": 4}),
        quick=True,
    ),
    Block(
        "credit_counter",
        1,
        (
            Fault("credit in spite of none left", "taken || remaining != 1;", "1'b1;", "credit_while_there_is_room"),
            Fault(
                "a credit is lost where one is begun and taken",
                "if (begun != taken) begin",
                "if (begun || taken) begin",
                "credit_while_there_is_room",
            ),
        ),
        ({"RESULTS": 3}, {"RESULTS": 1}, {"RESULTS": 2}, {"RESULTS": 52}),
        quick=True,
    ),
    Block(
        "delay_line",
        1,
        (
            Fault(
                "a cycle too early",
                "line[WIDTH*(CYCLES-1) +: WIDTH];",
                "line[WIDTH*(CYCLES-2) +: WIDTH];",
                "zeros_first",
            ),
            Fault("reset does not clear", "line <= rst ? {WIDTH*CYCLES{1'b0}} : {", "line <= {", "zeros_first"),
        ),
        ({"CYCLES": 4}, {"CYCLES": 1}, {"CYCLES": 9}),
        quick=True,
    ),
    Block(
        "beat_counter",
        1,
        (
            Fault(
                "reads the current beat's word again",
                "assign read = advance || starting;",
                "assign read = starting;",
                "word_of_the_beat",
            ),
            Fault(
                "a beat too many a pixel",
                "following == LAST[BEAT_W-1:0] ? {BEAT_W{1'b0}} : following + 1'b1;",
                "following + 1'b1;",
                "address_exists",
            ),
        ),
        ({"BEATS": 3}, {"BEATS": 1}, {"BEATS": 2}, {"BEATS": 5}),
        quick=True,
    ),
    Block(
        "frame_filter",
        1,
        (
            Fault("waits for ready with its valid", "s_status_tvalid && good;", "ready && good;", "good_ones_leave"),
            Fault("counts good frames", "if (leaving && !good) begin", "if (leaving) begin", "counted"),
            Fault(
                "takes the status with any beat",
                "assign s_status_tready = leaving;",
                "assign s_status_tready = s_axis_tvalid && ready;",
                "a_status_for_a_frame",
            ),
        ),
        quick=True,
    ),
    Block(
        "argmax",
        1,
        (
            Fault(
                "the highest of several",
                "wire               better = number == 0 || difference[32];",
                "wire               better = number == 0 || difference[32] || difference == 0;",
                "lowest_of_several",
            ),
            Fault(
                "compares without the sign",
                "{best_logit[31], best_logit} - {logit[31], logit}",
                "{1'b0, best_logit} - {1'b0, logit}",
                "winner_is_largest",
            ),
            Fault(
                "the frame before counts",
                "better = number == 0 || difference[32];",
                "better = difference[32];",
                "lowest_of_several",
            ),
            Fault(
                "a logit is offered only when one is asked for",
                "assign s_axis_tready = !out_valid || m_axis_tready;",
                "assign s_axis_tready = m_axis_tready;",
                "waits_for_its_end_only",
            ),
        ),
        ({"CLASSES": 3}, {"CLASSES": 1}, {"CLASSES": 2}, {"CLASSES": 5}),
    ),
    Block(
        "repeat_pixel",
        1,
        (
            Fault(
                "the second round is written too",
                "if (transfer && !again) begin",
                "if (transfer && again) begin",
                "the_same_again",
            ),
            Fault(
                "takes the next pixel in the second round",
                "assign s_axis_tready = !again && m_axis_tready;",
                "assign s_axis_tready = m_axis_tready;",
                "first_round_is_taken",
            ),
            Fault("reset in the second round", "        again <= 1'b0;\n", "", "first_round_passes"),
        ),
        ({"BEATS": 3}, {"BEATS": 1}, {"BEATS": 2}, {"BEATS": 4}),
    ),
    Block(
        "residual_add",
        1,
        (
            Fault(
                "takes V without its shortcut",
                "assign s_axis_tready = out_free && s_skip_tvalid;",
                "assign s_axis_tready = out_free;",
                "together",
            ),
            Fault(
                "shortcut without its sign",
                "{{IN_W+1-BITS{skip[BITS-1]}}, skip}",
                "{{IN_W+1-BITS{1'b0}}, skip}",
                "words.in_order",
            ),
            Fault(
                "wraps where it should clamp",
                ".out(clamped[lane*BITS +: BITS])\n        );",
                ".out()\n        );\n        assign clamped[lane*BITS +: BITS] = sum[BITS-1:0];",
                "words.in_order",
            ),
        ),
        ({"LANES": 2, "IN_W": 5, "BITS": 4}, {"LANES": 1, "IN_W": 4, "BITS": 4}, {"LANES": 1, "IN_W": 21, "BITS": 16}),
    ),
    Block(
        "reset_contract",
        2,
        (
            Fault(
                "reset leaves a beat",
                "        out_valid  <= 1'b0;\n",
                "",
                "no_result_but_those_made",
                source="stream_register",
            ),
            Fault(
                "not ready after a reset",
                "        spare_free <= 1'b1;\n",
                "",
                "ready_after_reset",
                source="stream_register",
            ),
            Fault(
                "reset keeps the count",
                "        dropped_frames <= 16'd0;\n",
                "        dropped_frames <= dropped_frames;\n",
                "nothing_from_before",
                source="frame_filter",
            ),
            Fault(
                "a copy of the reset is never set",
                "copy <= rst;",
                "copy <= 1'b0;",
                "silent_after_reset",
                source="reset_register",
            ),
        ),
        quick=True,
    ),
)
