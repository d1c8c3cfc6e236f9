// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * pass_sequencer: each window has its first pass once, group by group and chunk by chunk; it goes on as soon as that is over
 * and fewer than HELD are held, and is released as soon as every output on its lists has had its second pass; at most RESULTS
 * are under way. No cycle is idle while there is work; a first pass goes before a second.
 */
module pass_sequencer_properties #(
    parameter GROUPS  = 2,
    parameter CHUNKS  = 1,
    parameter HELD    = 1,
    parameter RESULTS = 6,
    parameter LIST_W  = $clog2(GROUPS + 1)
) (
    input wire              clk,
    input wire              rst,
    input wire              window_valid,
    input wire              window_next,
    input wire [LIST_W-1:0] gated,          // outputs on the busiest list of the window whose first pass ends
    input wire              window_result,
    input wire              result_taken
);

localparam GROUP_W = GROUPS > 1 ? $clog2(GROUPS) : 1;
localparam CHUNK_W = CHUNKS > 1 ? $clog2(CHUNKS) : 1;
localparam TURN_W  = $clog2(HELD + 1);

wire               advance;
wire               release_window;
wire [TURN_W-1:0]  list_turn;
wire               plan_lsb_ends;
wire               issue_msb;
wire               issue_lsb;
wire               issue_begins;
wire               issue_ends;
wire [GROUP_W-1:0] issue_group;
wire [CHUNK_W-1:0] issue_chunk;

// Lists of HELD + 1 windows: what is left on each. They are complete when a window's gates are known.
reg [LIST_W-1:0] left [0:HELD];

wire [LIST_W-1:0] on_list = left[list_turn];

pass_sequencer #(.GROUPS(GROUPS), .CHUNKS(CHUNKS), .HELD(HELD), .RESULTS(RESULTS)) dut (
    .clk(clk),
    .rst(rst),
    .window_valid(window_valid),
    .window_next(window_next),
    .advance(advance),
    .release_window(release_window),
    .list_turn(list_turn),
    .lists_empty(on_list == 0),
    .lists_end(on_list <= 1),
    .plan_lsb_ends(plan_lsb_ends),
    .window_result(window_result),
    .result_taken(result_taken),
    .issue_msb(issue_msb),
    .issue_lsb(issue_lsb),
    .issue_begins(issue_begins),
    .issue_ends(issue_ends),
    .issue_group(issue_group),
    .issue_chunk(issue_chunk)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

// A window on the input stays until it is taken; one that is announced is there in the next cycle.
reg waited   = 1'b0;
reg promised = 1'b0;

always @(posedge clk) begin
    waited   <= !rst && window_valid && !advance;
    promised <= !rst && window_next && advance;
end

always @* begin
    assume (!(waited || promised) || window_valid);
    assume (gated <= GROUPS);
    assume (!window_next || window_valid);
end

// First passes, windows and results that are on their way.
reg [GROUP_W-1:0] group     = {GROUP_W{1'b0}};
reg [CHUNK_W-1:0] chunk     = {CHUNK_W{1'b0}};
reg [7:0]         unknown   = 8'd0;  // windows whose first pass is over and whose gates are not known
reg [7:0]         known     = 8'd0;  // those whose gates are known, and that are not released
reg [7:0]         held      = 8'd0;
reg [11:0]        under_way = 12'd0;
reg [TURN_W-1:0]  known_turn = {TURN_W{1'b0}};
reg               pass_over  = 1'b0;  // of the window on the input
reg [CHUNK_W-1:0] lsb_chunk  = {CHUNK_W{1'b0}};

wire msb_ends  = issue_msb && issue_ends;
wire last_msb  = msb_ends && issue_group == GROUPS - 1;
wire first_msb = issue_msb && issue_begins;

integer i;

always @(posedge clk) begin
    if (issue_msb) begin
        chunk <= issue_ends ? {CHUNK_W{1'b0}} : chunk + 1'b1;
        if (issue_ends) begin
            group <= group == GROUPS - 1 ? {GROUP_W{1'b0}} : group + 1'b1;
        end
    end
    if (issue_lsb) begin
        lsb_chunk <= issue_ends ? {CHUNK_W{1'b0}} : lsb_chunk + 1'b1;
    end
    unknown   <= unknown + last_msb - window_result;
    known     <= known + window_result - (release_window && running);
    held      <= held + advance - (release_window && running);
    under_way <= under_way + first_msb - result_taken;
    pass_over <= (pass_over || last_msb) && !advance;
    if (window_result) begin
        left[known_turn] <= gated;
        known_turn       <= known_turn == HELD ? {TURN_W{1'b0}} : known_turn + 1'b1;
    end
    if (plan_lsb_ends) begin
        left[list_turn] <= on_list - 1'b1;
    end
    if (rst) begin
        group      <= {GROUP_W{1'b0}};
        chunk      <= {CHUNK_W{1'b0}};
        lsb_chunk  <= {CHUNK_W{1'b0}};
        unknown    <= 8'd0;
        known      <= 8'd0;
        held       <= 8'd0;
        under_way  <= 12'd0;
        known_turn <= {TURN_W{1'b0}};
        pass_over  <= 1'b0;
        for (i = 0; i <= HELD; i = i + 1) begin
            left[i] <= {LIST_W{1'b0}};
        end
    end
end

always @* begin
    assume (!window_result || unknown != 0);
    assume (!result_taken || under_way != 0);
end

// What a cycle may plan for the next, as the outside sees it. An operation is in the middle, or one may begin: the first
// pass of a window that is there and has had none, with credit; the second of the oldest held window, if its gates are known.
wire middle      = (issue_msb || issue_lsb) && !issue_ends;
wire first_over  = (pass_over || last_msb) && !advance;
wire first_ready = !middle && (advance ? window_next : window_valid) && !first_over && under_way + first_msb < RESULTS;
wire can_release = known != 0 && held + advance != 0;
wire lsb_ready   = !middle && can_release && on_list != 0;
wire done_with   = can_release && (on_list == 0 || (plan_lsb_ends && on_list == 1));

reg was_middle = 1'b0;
reg was_first  = 1'b0;
reg was_second = 1'b0;
reg was_over   = 1'b0;  // a first pass was over, and there was room

always @(posedge clk) begin
    was_middle <= running && !rst && middle;
    was_first  <= running && !rst && first_ready;
    was_second <= running && !rst && lsb_ready;
    was_over   <= running && !rst && first_over && held + advance - done_with < HELD;
end

always @* begin
    if (running) begin
        one_pass_at_a_time: assert (!(issue_msb && issue_lsb));
        groups_in_order: assert (!issue_msb || issue_group == group);
        chunks_in_order: assert (!issue_msb || (issue_chunk == chunk && issue_begins == (chunk == 0)));
        ends_with_the_last_chunk: assert (!issue_msb || issue_ends == (chunk == CHUNKS - 1));
        second_pass_whole: assert (!issue_lsb || (issue_chunk == lsb_chunk && issue_ends == (lsb_chunk == CHUNKS - 1)));
        first_pass_of_a_window_that_is_there: assert (!issue_msb || window_valid);
        goes_on_after_its_first_pass: assert (!advance || ((pass_over || last_msb) && window_valid));
        credit: assert (under_way + first_msb <= RESULTS);
        nothing_left_behind: assert (!release_window || on_list == 0 || (plan_lsb_ends && on_list == 1));
        something_to_visit: assert (!plan_lsb_ends || on_list != 0);
        room: assert (held + advance <= HELD);
        released_when_done: assert (release_window == done_with);
        goes_on_when_there_is_room: assert (!was_over || advance);
        never_idle: assert (!(was_middle || was_first || was_second) || issue_msb || issue_lsb);
        first_pass_before_second: assert (!was_first || issue_msb);
    end
end

`ifdef INVARIANTS
// The plan is a cycle ahead of the command: what the block holds is what is counted here, and the present command.
(* hierconn *) wire               \dut.stays ;
(* hierconn *) wire               \dut.first_done ;
(* hierconn *) wire [HELD-1:0]    \dut.held ;
(* hierconn *) wire [HELD:0]      \dut.known ;
(* hierconn *) wire               \dut.running ;
(* hierconn *) wire               \dut.running_lsb ;
(* hierconn *) wire [GROUP_W-1:0] \dut.group ;
(* hierconn *) wire               \dut.last_group ;
(* hierconn *) wire [CHUNK_W-1:0] \dut.chunk ;
(* hierconn *) wire               \dut.ends ;
(* hierconn *) wire               \dut.has_credit ;
(* hierconn *) wire [$clog2(RESULTS+1)-1:0] \dut.credits.remaining ;

wire [GROUP_W-1:0] group_next = !msb_ends ? group : group == GROUPS - 1 ? {GROUP_W{1'b0}} : group + 1'b1;
wire [CHUNK_W-1:0] msb_next   = !issue_msb ? chunk : issue_ends ? {CHUNK_W{1'b0}} : chunk + 1'b1;
wire [CHUNK_W-1:0] lsb_next   = !issue_lsb ? lsb_chunk : issue_ends ? {CHUNK_W{1'b0}} : lsb_chunk + 1'b1;
wire [7:0]         all_held   = held + advance;
wire [8:0]         turns      = list_turn + known;  // known_turn, but for a whole round
wire [HELD:0]      held_ones  = (1 << all_held) - 1;
wire [HELD+1:0]    known_ones = (1 << known) - 1;

always @* begin
    if (running) begin
        taken: assert (\dut.stays == !advance && \dut.first_done == first_over);
        there_until_taken: assert (!pass_over || window_valid);
        held_in_ones: assert (\dut.held == held_ones);
        known_in_ones: assert (\dut.known == known_ones);
        counts: assert (known <= HELD + 1 && unknown <= HELD + 1 && chunk < CHUNKS && lsb_chunk < CHUNKS);
        windows_counted: assert (known + unknown + last_msb == all_held + first_over);
        turn_of_known: assert (list_turn <= HELD && known_turn == (turns > HELD ? turns - HELD - 1 : turns));
        group_of_plan: assert (\dut.group == group_next && group < GROUPS && \dut.last_group == (group_next == GROUPS - 1));
        chunk_of_plan: assert (\dut.chunk == (\dut.running_lsb ? lsb_next : msb_next) || !\dut.running );
        chunk_at_rest: assert (\dut.running || \dut.chunk == 0);
        chunk_ends: assert (\dut.chunk < CHUNKS && \dut.ends == (\dut.chunk == CHUNKS - 1));
        operation_under_way: assert (\dut.running == middle && (!middle || \dut.running_lsb == issue_lsb));
        one_in_the_middle: assert ((msb_next == 0 || (middle && issue_msb)) && (lsb_next == 0 || (middle && issue_lsb)));
        in_its_first_pass: assert (!(middle && issue_msb) || (!first_over && !advance));
        in_its_second_pass: assert (!(middle && issue_lsb) || (can_release && on_list != 0));
        groups_of_one_window: assert (!first_over || (group_next == 0 && msb_next == 0));
        credit_left: assert (\dut.credits.remaining + under_way + first_msb == RESULTS);
        credit_flag: assert (\dut.has_credit == (\dut.credits.remaining != 0));
    end
end
`endif

endmodule
