// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Sequencer of the fractional engine: which window, pass, group and chunk the array works on in each cycle.
 *
 *   first pass of window p | second pass of window p-1 | first pass of window p+1 | second pass of window p | ...
 *
 * The first pass takes GROUPS * CHUNKS cycles, the second CHUNKS for each output on the busiest lane's list. A first
 * pass goes before a waiting second one, whose gates may not be known yet; with no next window the second pass goes
 * ahead alone. When the first pass of the window on the input and the second pass of the held one are over, the former
 * becomes the held one (`advance`).
 *
 * What is planned in a cycle is the command of the next: planning looks at everything, and a command comes straight
 * from registers. A window that can follow the present one at once (window_next) is planned for without a pause.
 */
module pass_sequencer #(
    // Groups of a window
    parameter GROUPS  = 16,
    // Cycles of one operation
    parameter CHUNKS  = 1,
    // Results that may be under way or waiting at once
    parameter RESULTS = 52,
    // Derived sizes
    parameter GROUP_W = GROUPS > 1 ? $clog2(GROUPS) : 1,
    parameter CHUNK_W = CHUNKS > 1 ? $clog2(CHUNKS) : 1
) (
    input  wire               clk,
    input  wire               rst,

    // Windows: one is there; when it is taken another is there in the next cycle; it becomes the held one
    input  wire               window_valid,
    input  wire               window_next,
    output reg                advance,

    // Lists of gated outputs, of the window parity asked for: nothing left on any, or one output at most on each
    output wire               list_parity,
    input  wire               lists_empty,
    input  wire               lists_end,
    // A second-pass operation is planned to its end
    output wire               plan_lsb_ends,

    // The last first-pass result of a window is back; a result is taken
    input  wire               window_result,
    input  wire               result_taken,

    // Command
    output reg                issue_msb,
    output reg                issue_lsb,
    output reg                issue_begins,
    output reg                issue_ends,
    output reg  [GROUP_W-1:0] issue_group,
    output reg  [CHUNK_W-1:0] issue_chunk
);

localparam BEFORE_LAST_GROUP = GROUPS > 1 ? GROUPS - 2 : 0;
localparam BEFORE_LAST_CHUNK = CHUNKS > 1 ? CHUNKS - 2 : 0;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (GROUPS < 1) begin : check_1
        GROUPS_must_be_at_least_1 stop ();
    end
    if (CHUNKS < 1) begin : check_2
        CHUNKS_must_be_at_least_1 stop ();
    end
    if (RESULTS < 1) begin : check_3
        RESULTS_must_be_at_least_1 stop ();
    end
endgenerate

reg               stays;       // !advance, for planning: `advance` itself has all registers of the held window to reach
reg               parity;      // of the window on the input
reg               first_done;  // its first pass has been planned
reg               first_known; // ... and all its gates are known
reg               held;        // the held window's second pass is not finished
reg               held_known;  // all its gates are known
reg               running;     // an operation of several chunks is under way
reg               running_lsb;
reg [GROUP_W-1:0] group;       // of the first pass
reg               last_group;  // group == GROUPS - 1
reg [CHUNK_W-1:0] chunk;
reg               ends;        // chunk == CHUNKS - 1

// A new operation: the first pass of the window on the input before the second pass of the held one.
wire has_credit;
wire there    = stays ? window_valid : window_next;
wire can_msb  = there && !first_done && has_credit;
wire can_lsb  = held && held_known && !lists_empty;
wire plan_lsb = running ? running_lsb : !can_msb && can_lsb;
wire plan_msb = running ? !running_lsb : can_msb;
wire plan     = plan_msb || plan_lsb;
wire begins   = !running;

credit_counter #(
    .RESULTS(RESULTS)
) credits (
    .clk(clk),
    .rst(rst),
    .begun(plan_msb && begins),
    .taken(result_taken),
    .has_credit(has_credit)
);

// Of several chunks an operation that begins does not end: what ends need not wait for the choice of what begins.
wire ends_msb       = CHUNKS == 1 ? plan_msb : running && !running_lsb && ends;
wire ends_lsb       = CHUNKS == 1 ? plan_lsb : running && running_lsb && ends;
wire boundary       = CHUNKS == 1 || !running || ends;
wire first_done_now = first_done || (ends_msb && last_group);

// What the plan makes of the held window, and of the one on the input, is ready for either choice before it is made.
wire second_is_done = !held || (held_known && lists_empty);
wire second_ends    = !held || (held_known && lists_end);
wire second_done    = ends_lsb ? second_ends : second_is_done;
wire advance_if_msb = last_group && second_is_done;
wire advance_if_lsb = first_done && second_ends;
wire advance_else   = first_done && second_is_done;
wire plan_advance   = boundary && (ends_msb ? advance_if_msb : ends_lsb ? advance_if_lsb : advance_else);

// The gates of a window are known when its last first-pass result is back; windows come back in order.
wire result_is_held = held && !held_known;

assign list_parity   = !parity;
assign plan_lsb_ends = ends_lsb;

always @(posedge clk) begin
    running     <= plan && !ends;
    running_lsb <= plan_lsb;
    if (plan) begin
        chunk <= ends ? {CHUNK_W{1'b0}} : chunk + 1'b1;
        ends  <= CHUNKS == 1 || (!ends && chunk == BEFORE_LAST_CHUNK[CHUNK_W-1:0]);
    end
    if (ends_msb) begin
        group      <= last_group ? {GROUP_W{1'b0}} : group + 1'b1;
        last_group <= GROUPS == 1 || (!last_group && group == BEFORE_LAST_GROUP[GROUP_W-1:0]);
    end

    if (plan_advance) begin
        first_done  <= 1'b0;
        first_known <= 1'b0;
        held        <= 1'b1;
        held_known  <= first_known || window_result;
        parity      <= !parity;
    end else begin
        first_done <= first_done_now;
        if (window_result) begin
            if (result_is_held) begin
                held_known <= 1'b1;
            end else begin
                first_known <= 1'b1;
            end
        end
        if (boundary && second_done) begin
            held <= 1'b0;
        end
    end

    if (rst) begin
        running     <= 1'b0;
        chunk       <= {CHUNK_W{1'b0}};
        ends        <= CHUNKS == 1;
        group       <= {GROUP_W{1'b0}};
        last_group  <= GROUPS == 1;
        parity      <= 1'b0;
        first_done  <= 1'b0;
        first_known <= 1'b0;
        held        <= 1'b0;
        held_known  <= 1'b0;
    end
end

always @(posedge clk) begin
    issue_msb    <= plan_msb;
    issue_lsb    <= plan_lsb;
    issue_begins <= begins;
    issue_ends   <= ends;
    issue_group  <= group;
    issue_chunk  <= chunk;
    advance      <= plan_advance;
    stays        <= !plan_advance;
    if (rst) begin
        issue_msb <= 1'b0;
        issue_lsb <= 1'b0;
        advance   <= 1'b0;
        stays     <= 1'b1;
    end
end

endmodule

`resetall
