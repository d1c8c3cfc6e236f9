// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * pass_sequencer: each window has its first pass once, group by group and chunk by chunk; it goes on when that is over, and
 * is released when every output on its lists has had its second pass; at most RESULTS are under way.
 */
module pass_sequencer_properties #(
    parameter GROUPS  = 2,
    parameter CHUNKS  = 1,
    parameter HELD    = 1,
    parameter RESULTS = 6
) (
    input wire       clk,
    input wire       rst,
    input wire       window_valid,
    input wire       window_next,
    input wire [2:0] gated,          // outputs on the busiest list of the window whose first pass ends
    input wire       window_result,
    input wire       result_taken
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
reg [2:0] left [0:HELD];

wire [2:0] on_list = left[list_turn];

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
reg [3:0]         unknown   = 4'd0;  // windows whose first pass is over and whose gates are not known
reg [3:0]         held      = 4'd0;
reg [7:0]         under_way = 8'd0;
reg [TURN_W-1:0]  known_turn = {TURN_W{1'b0}};
reg               pass_over  = 1'b0;  // of the window on the input
reg               lsb_busy   = 1'b0;
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
        unknown    <= 4'd0;
        held       <= 4'd0;
        under_way  <= 8'd0;
        known_turn <= {TURN_W{1'b0}};
        pass_over  <= 1'b0;
        for (i = 0; i <= HELD; i = i + 1) begin
            left[i] <= 3'd0;
        end
    end
end

always @* begin
    assume (!window_result || unknown != 0);
    assume (!result_taken || under_way != 0);
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
    end
end

endmodule
