// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Number of ones among WIDTH bits, through STAGES registers.
 *
 * Six bits at a time are counted into three (a LUT6 per count bit), then a binary tree adds the counts. The first
 * register follows the six-bit counts, the others are spread evenly over the tree. Latency STAGES cycles, throughput
 * one vector a cycle. Data only: nothing to reset.
 */
module popcount #(
    // Bits to count
    parameter WIDTH   = 144,
    // Registers on the way: 2 to 1 + clog2(ceil(WIDTH / 6)); 1 for up to six bits
    parameter STAGES  = 3,
    // Derived: width of the count
    parameter COUNT_W = $clog2(WIDTH + 1)
) (
    input  wire               clk,
    input  wire [WIDTH-1:0]   bits,
    output wire [COUNT_W-1:0] count
);

localparam GROUPS = (WIDTH + 5) / 6;
localparam LEVELS = $clog2(GROUPS);
localparam LEAVES = 1 << LEVELS;
localparam FEWEST = LEVELS > 0 ? 2 : 1;

initial begin
    if (STAGES < FEWEST || STAGES > 1 + LEVELS) begin
        $display("ERROR: %m: STAGES is %0d, expected %0d to %0d", STAGES, FEWEST, 1 + LEVELS);
        $finish;
    end
end

wire [LEAVES*6-1:0] padded = {{LEAVES*6-WIDTH{1'b0}}, bits};

// The six-bit counts, all of them in one vector of COUNT_W bits each.
function [LEAVES*COUNT_W-1:0] count_six(input [LEAVES*6-1:0] in);
    integer n;
    for (n = 0; n < LEAVES; n = n + 1) begin
        count_six[n*COUNT_W +: COUNT_W] =
            {{COUNT_W-1{1'b0}}, in[6*n]}   + {{COUNT_W-1{1'b0}}, in[6*n+1]} + {{COUNT_W-1{1'b0}}, in[6*n+2]}
          + {{COUNT_W-1{1'b0}}, in[6*n+3]} + {{COUNT_W-1{1'b0}}, in[6*n+4]} + {{COUNT_W-1{1'b0}}, in[6*n+5]};
    end
endfunction

reg [LEAVES*COUNT_W-1:0] sixes;

always @(posedge clk) begin
    sixes <= count_six(padded);
end

// Stage s adds levels FIRST .. LAST - 1 of the tree. Whole vectors in one function call rather than a wire per node:
// an event-driven simulator then does a stage's work once a cycle.
genvar s;
generate
    for (s = 1; s < STAGES; s = s + 1) begin : stages
        localparam FIRST = ((s - 1) * LEVELS) / (STAGES - 1);
        localparam LAST  = (s * LEVELS) / (STAGES - 1);
        localparam IN_N  = LEAVES >> FIRST;
        localparam OUT_N = LEAVES >> LAST;

        function [OUT_N*COUNT_W-1:0] add_pairs(input [IN_N*COUNT_W-1:0] in);
            reg [IN_N*COUNT_W-1:0] nodes;
            integer level;
            integer n;
            begin
                nodes = in;
                for (level = FIRST; level < LAST; level = level + 1) begin
                    for (n = 0; n < LEAVES >> (level + 1); n = n + 1) begin
                        nodes[n*COUNT_W +: COUNT_W] = nodes[2*n*COUNT_W +: COUNT_W] + nodes[(2*n+1)*COUNT_W +: COUNT_W];
                    end
                end
                add_pairs = nodes[OUT_N*COUNT_W-1:0];
            end
        endfunction

        wire [IN_N*COUNT_W-1:0] in;
        reg  [OUT_N*COUNT_W-1:0] sums;

        if (s == 1) begin : from_sixes
            assign in = sixes;
        end else begin : from_stage
            assign in = stages[s-1].sums;
        end

        always @(posedge clk) begin
            sums <= add_pairs(in);
        end
    end

    if (STAGES > 1) begin : from_tree
        assign count = stages[STAGES-1].sums[COUNT_W-1:0];
    end else begin : from_leaf
        assign count = sixes[COUNT_W-1:0];
    end
endgenerate

endmodule

`resetall
