// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * One XNOR-popcount lane: S = sum over taps inside the image of w * (2*bit - 1), SIMD window bits a cycle.
 *
 * The m matches of the chunks of a window are accumulated and S = 2*m - correction. Where all v bits are inside the
 * image the correction is v. Bits outside come as 0 and match the weights that are 0, n of them, which the correction
 * v + 2*n takes out again: no mask stands between XNOR and popcount.
 *
 *   cycle 0            data
 *   cycle 1            weight of the same chunk
 *   cycle STAGES + 1   first, last and correction of the same chunk (the caller delays them)
 *   cycle STAGES + 2   sum, where last was set
 *
 * Throughput one chunk a cycle. Data only: nothing to reset.
 */
module xnor_lane #(
    // Window bits a cycle
    parameter SIMD       = 144,
    // Width of S
    parameter SUM_W      = 9,
    // Registers in match_count
    parameter STAGES     = 3,
    // Inputs of the target's LUTs, 4 or 6
    parameter LUT_INPUTS = 4
) (
    input  wire                    clk,

    input  wire [SIMD-1:0]         data,
    input  wire [SIMD-1:0]         weight,

    input  wire                    first,
    input  wire                    last,
    input  wire [SUM_W-1:0]        correction,

    output reg  signed [SUM_W-1:0] sum
);

localparam COUNT_W = $clog2(SIMD + 1);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (SIMD < 1) begin : check_1
        SIMD_must_be_at_least_1 stop ();
    end
    if (SUM_W <= COUNT_W) begin : check_2
        SUM_W_must_be_more_than_the_width_of_a_count stop ();
    end
endgenerate

// Lanes have the same data; synthesis makes as few of these registers as it finds good.
reg  [SIMD-1:0]    own_data;
wire [COUNT_W-1:0] count;

always @(posedge clk) begin
    own_data <= data;
end

match_count #(
    .WIDTH(SIMD),
    .STAGES(STAGES),
    .LUT_INPUTS(LUT_INPUTS)
) compare (
    .clk(clk),
    .data(own_data),
    .weight(weight),
    .given_counts(3'd0),
    .count(count)
);

// The matches of a whole window fit in SUM_W - 1 bits.
reg  [SUM_W-1:0] total;
wire [SUM_W-1:0] total_now = (first ? {SUM_W{1'b0}} : total) + {{SUM_W-COUNT_W{1'b0}}, count};

always @(posedge clk) begin
    total <= total_now;
    if (last) begin
        sum <= {total_now[SUM_W-2:0], 1'b0} - correction;
    end
end

endmodule

`resetall
