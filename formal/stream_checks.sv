// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * An offered beat stays, unchanged, until it is taken. ASSUMED = 1: the environment keeps to that, and nothing is shown.
 */
module beat_is_kept #(
    parameter WIDTH   = 1,
    parameter ASSUMED = 0
) (
    input wire             clk,
    input wire             rst,
    input wire [WIDTH-1:0] data,
    input wire             valid,
    input wire             ready
);

reg             waited = 1'b0;
reg [WIDTH-1:0] offered;

always @(posedge clk) begin
    waited  <= valid && !ready && !rst;
    offered <= data;
end

generate
    if (ASSUMED != 0) begin : environment
        always @* begin
            assume (!waited || (valid && data == offered));
        end
    end else begin : block
        always @* begin
            stays: assert (!waited || valid);
            unchanged: assert (!waited || !valid || data == offered);
        end
    end
endgenerate

endmodule

/*
 * Words leave as they came: none is lost, doubled, moved past another or made up. At most CAPACITY are inside, and one
 * is offered within LATENCY cycles of its arrival or of the one before it leaving (0: in the cycle itself), unless it may
 * have to wait for others (TIMED = 0).
 *
 * The solver marks a word of its choice, by `mark`, and the word is followed: what holds for any holds for all. The
 * block's own file says where a marked word lies (`marked`, `ahead`, `word`), which makes the proofs inductive.
 */
module words_in_order #(
    parameter WIDTH    = 1,
    parameter CAPACITY = 1,
    parameter LATENCY  = 1,
    parameter TIMED    = 1,
    parameter COUNT_W  = $clog2(CAPACITY + 2)
) (
    input wire               clk,
    input wire               rst,
    input wire               mark,
    input wire [WIDTH-1:0]   in_data,
    input wire               in_beat,
    input wire [WIDTH-1:0]   out_data,
    input wire               out_valid,
    input wire               out_beat,

    output reg [COUNT_W-1:0] inside,  // words
    output reg               marked,  // one of them is marked
    output reg [COUNT_W-1:0] ahead,   // of it: words that came before and are still inside
    output reg [WIDTH-1:0]   word     // it
);

localparam WAIT_W = $clog2(LATENCY + 2);

reg [WAIT_W-1:0] waiting;  // cycles in which words were inside and none was offered

initial begin
    inside  = {COUNT_W{1'b0}};
    waiting = {WAIT_W{1'b0}};
    marked  = 1'b0;
end

wire passes = inside == 0 && in_beat && out_beat;

always @(posedge clk) begin
    inside  <= inside + in_beat - out_beat;
    waiting <= inside == 0 || out_valid ? {WAIT_W{1'b0}} : waiting + 1'b1;
    if (marked && out_beat) begin
        ahead  <= ahead - 1'b1;
        marked <= ahead != 0;
    end else if (!marked && mark && in_beat && !passes) begin
        ahead  <= inside - out_beat;
        marked <= 1'b1;
        word   <= in_data;
    end
    if (rst) begin
        inside  <= {COUNT_W{1'b0}};
        waiting <= {WAIT_W{1'b0}};
        marked  <= 1'b0;
    end
end

always @* begin
    none_made_up: assert (!out_beat || inside != 0 || (LATENCY == 0 && in_beat));
    in_order: assert (!(out_beat && marked && ahead == 0) || out_data == word);
    straight_through: assert (!passes || out_data == in_data);
    capacity: assert (inside <= CAPACITY);
    follows: assert (!marked || ahead < inside);
    in_time: assert (TIMED == 0 || inside == 0 || out_valid || waiting + 1 < LATENCY);
end

endmodule

/*
 * Reset comes first, for one cycle at least, and again at any time. What registers hold before is arbitrary: the proofs
 * hold for every state that power-up may leave.
 */
module reset_comes_first (
    input  wire clk,
    input  wire rst,
    output reg  running  // a cycle with reset is over
);

initial begin
    running = 1'b0;
end

always @(posedge clk) begin
    running <= 1'b1;
end

always @* begin
    assume (running || rst);
end

endmodule

/*
 * What came in CYCLES cycles before.
 */
module delayed #(
    parameter WIDTH  = 1,
    parameter CYCLES = 1
) (
    input  wire             clk,
    input  wire [WIDTH-1:0] in,
    output wire [WIDTH-1:0] out
);

reg [WIDTH*CYCLES-1:0] line;

assign out = line[WIDTH*(CYCLES-1) +: WIDTH];

always @(posedge clk) begin
    line <= {line, in};
end

endmodule
