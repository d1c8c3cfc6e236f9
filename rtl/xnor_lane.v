// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * One XNOR-popcount lane: S = sum over taps inside the image of w * (2*bit - 1), SIMD window bits a cycle.
 *
 * With m matches among v bits inside the image, S = m - (v - m) = 2*m - v. The m of several chunks are accumulated.
 *
 *   cycle 0            data, mask, weight
 *   cycle STAGES + 1   first, last and valid_bits of the same chunk (the caller delays them)
 *   cycle STAGES + 2   sum, where last was set
 *
 * Throughput one chunk a cycle. Data only: nothing to reset.
 */
module xnor_lane #(
    // Window bits a cycle
    parameter SIMD   = 144,
    // Width of S
    parameter SUM_W  = 9,
    // Registers in the popcount
    parameter STAGES = 3
) (
    input  wire                    clk,

    input  wire [SIMD-1:0]         data,
    input  wire [SIMD-1:0]         mask,
    input  wire [SIMD-1:0]         weight,

    input  wire                    first,
    input  wire                    last,
    input  wire [SUM_W-1:0]        valid_bits,

    output reg  signed [SUM_W-1:0] sum
);

localparam COUNT_W = $clog2(SIMD + 1);

// Registered before it is counted: weights may come late, from block RAM.
reg  [SIMD-1:0]    match;
wire [COUNT_W-1:0] count;

always @(posedge clk) begin
    match <= mask & ~(data ^ weight);
end

popcount #(
    .WIDTH(SIMD),
    .STAGES(STAGES)
) counter (
    .clk(clk),
    .bits(match),
    .count(count)
);

// The matches of a whole window fit in SUM_W - 1 bits.
reg  [SUM_W-1:0] total;
wire [SUM_W-1:0] total_now = (first ? {SUM_W{1'b0}} : total) + {{SUM_W-COUNT_W{1'b0}}, count};

always @(posedge clk) begin
    total <= total_now;
    if (last) begin
        sum <= {total_now[SUM_W-2:0], 1'b0} - valid_bits;
    end
end

endmodule

`resetall
