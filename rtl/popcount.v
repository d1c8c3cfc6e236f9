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
    // Registers on the way, 1 to 1 + clog2(ceil(WIDTH / 6))
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

initial begin
    if (STAGES < 1 || STAGES > 1 + LEVELS) begin
        $display("ERROR: %m: STAGES is %0d, expected 1 to %0d", STAGES, 1 + LEVELS);
        $finish;
    end
end

wire [LEAVES*6-1:0] padded = {{LEAVES*6-WIDTH{1'b0}}, bits};

// Node n of the tree adds nodes 2n and 2n + 1; nodes LEAVES .. 2*LEAVES - 1 are the six-bit counts, node 1 the result.
wire [2*LEAVES*COUNT_W-1:COUNT_W] node;

assign count = node[COUNT_W +: COUNT_W];

genvar n;
genvar level;
generate
    for (n = 0; n < LEAVES; n = n + 1) begin : leaves
        wire [5:0] six = padded[n*6 +: 6];
        reg  [2:0] ones;
        always @(posedge clk) begin
            ones <= {2'b00, six[0]} + {2'b00, six[1]} + {2'b00, six[2]}
                  + {2'b00, six[3]} + {2'b00, six[4]} + {2'b00, six[5]};
        end
        if (COUNT_W >= 3) begin : full
            assign node[(LEAVES+n)*COUNT_W +: COUNT_W] = {{COUNT_W-3{1'b0}}, ones};
        end else begin : narrow
            assign node[(LEAVES+n)*COUNT_W +: COUNT_W] = ones[COUNT_W-1:0];
        end
    end
    for (level = 0; level < LEVELS; level = level + 1) begin : levels
        // Level 0 adds the leaves; a register follows where the even spread crosses an integer.
        localparam NODES      = LEAVES >> (level + 1);
        localparam REGISTERED = ((level + 1) * (STAGES - 1)) / LEVELS != (level * (STAGES - 1)) / LEVELS;
        for (n = NODES; n < 2 * NODES; n = n + 1) begin : nodes
            wire [COUNT_W-1:0] sum = node[2*n*COUNT_W +: COUNT_W] + node[(2*n+1)*COUNT_W +: COUNT_W];
            if (REGISTERED) begin : registered
                reg [COUNT_W-1:0] sum_reg;
                always @(posedge clk) begin
                    sum_reg <= sum;
                end
                assign node[n*COUNT_W +: COUNT_W] = sum_reg;
            end else begin : combinational
                assign node[n*COUNT_W +: COUNT_W] = sum;
            end
        end
    end
endgenerate

endmodule

`resetall
