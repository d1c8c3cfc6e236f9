// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Sequencer of the fractional engine: which window, pass, group and chunk the array works on in each cycle.
 *
 *   first pass of window p | second pass of window p-1 | first pass of window p+1 | second pass of window p | ...
 *
 * The first pass takes GROUPS * CHUNKS cycles, the second CHUNKS for each output on the busiest lane's list. When its
 * first pass is over, the window on the input becomes the last of the held ones (`advance`), as soon as there are fewer
 * than HELD; the oldest held window leaves when its second pass is over (`release_window`). A first pass goes before a waiting
 * second one, whose gates may not be known yet; with no next window, or no room for it, the second passes go ahead.
 *
 * Gates are known some cycles after a first pass. Nothing pauses for them where HELD first passes take as long.
 *
 * What is planned in a cycle is the command of the next: planning looks at everything, and a command comes straight
 * from registers. A window that can follow the present one at once (window_next) is planned for without a pause. Reset
 * forgets every window.
 */
module pass_sequencer #(
    // Groups of a window
    parameter GROUPS  = 16,
    // Cycles of one operation
    parameter CHUNKS  = 1,
    // Windows at most whose first pass is over and whose second is not
    parameter HELD    = 1,
    // Results that may be under way or waiting at once
    parameter RESULTS = 52,
    // Derived sizes
    parameter GROUP_W = GROUPS > 1 ? $clog2(GROUPS) : 1,
    parameter CHUNK_W = CHUNKS > 1 ? $clog2(CHUNKS) : 1,
    parameter TURN_W  = $clog2(HELD + 1)
) (
    input  wire               clk,
    input  wire               rst,

    // Windows: one is there; when it is taken another is there in the next cycle; it becomes the last held one
    input  wire               window_valid,
    input  wire               window_next,
    output reg                advance,
    // The oldest held window is done with
    output wire               release_window,

    // Lists of gated outputs, of the oldest held window, which is number `list_turn` of HELD + 1 that take turns: nothing
    // left on any, or one output at most on each
    output reg  [TURN_W-1:0]  list_turn,
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
localparam LAST_TURN         = HELD;

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
    if (HELD < 1) begin : check_4
        HELD_must_be_at_least_1 stop ();
    end
endgenerate

reg               stays;       // !advance, for planning: `advance` itself has all registers of the held window to reach
reg               first_done;  // the first pass of the window on the input has been planned
reg [HELD-1:0]    held;        // windows held, counted in ones from the right
reg [HELD:0]      known;       // windows, held or on the input, all of whose gates are known, in the same way
reg               running;     // an operation of several chunks is under way
reg               running_lsb;
reg [GROUP_W-1:0] group;       // of the first pass
reg               last_group;  // group == GROUPS - 1
reg [CHUNK_W-1:0] chunk;
reg               ends;        // chunk == CHUNKS - 1

// A new operation: the first pass of the window on the input before the second pass of the oldest held one.
wire has_credit;
wire second   = held[0] && known[0];
wire there    = stays ? window_valid : window_next;
wire can_msb  = there && !first_done && has_credit;
wire can_lsb  = second && !lists_empty;
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
wire first_done_now = first_done || (ends_msb && last_group);

// What the plan makes of the held windows, and of the one on the input, is ready for either choice before it is made.
// While an operation of the second pass is under way its output is still on the list.
wire release_else   = second && lists_empty;
wire room_if_lsb    = !held[HELD-1] || lists_end;
wire room_else      = !held[HELD-1] || release_else;
wire advance_if_msb = last_group && room_else;
wire advance_if_lsb = first_done && room_if_lsb;
wire advance_else   = first_done && room_else;
wire plan_advance   = ends_msb ? advance_if_msb : ends_lsb ? advance_if_lsb : advance_else;

assign release_window = ends_lsb ? lists_end : release_else;
assign plan_lsb_ends  = ends_lsb;

// One more, or one less; what falls out at the top is never set.
wire [HELD:0]   held_more  = {held, 1'b1};
wire [HELD:0]   held_less  = {1'b0, held};
wire [HELD+1:0] known_more = {known, 1'b1};
wire            unused_top = held_more[HELD] ^ held_less[0] ^ known_more[HELD+1];

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

    first_done <= first_done_now && !plan_advance;
    if (plan_advance != release_window) begin
        held <= plan_advance ? held_more[HELD-1:0] : held_less[HELD:1];
    end
    if (window_result != release_window) begin
        known <= window_result ? known_more[HELD:0] : known >> 1;
    end
    if (release_window) begin
        list_turn <= list_turn == LAST_TURN[TURN_W-1:0] ? {TURN_W{1'b0}} : list_turn + 1'b1;
    end

    if (rst) begin
        running    <= 1'b0;
        chunk      <= {CHUNK_W{1'b0}};
        ends       <= CHUNKS == 1;
        group      <= {GROUP_W{1'b0}};
        last_group <= GROUPS == 1;
        first_done <= 1'b0;
        held       <= {HELD{1'b0}};
        known      <= {HELD+1{1'b0}};
        list_turn  <= {TURN_W{1'b0}};
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
