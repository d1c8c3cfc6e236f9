// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * PE output channels at once, both planes: matches of SIMD bits of the upper and of the lower plane with the same
 * weights, added up over a group's steps; then the lanes' sums leave one a cycle, lane 0 first.
 *
 *   S_m = 2 * upper - counted,  S_l = 2 * lower - counted,  counted = bits of the taps inside the image
 *
 * A step whose tap is outside adds nothing. `partial` steps have PAD bits of 0 that meet weights of 0: they match
 * always, and are taken out by counting PAD more. Lane l: weight[l*SIMD +: SIMD].
 *
 * Steps of a group lie between `first` and `last`; a group's last step comes at least PE cycles behind that of the
 * group before. Latency from there to lane 0's sums STAGES + 1 cycles. Reset drops what is under way.
 */
module plane_lanes #(
    // Output channels at once
    parameter PE         = 8,
    // Bits of either plane a step
    parameter SIMD       = 16,
    // Bits of a partial step that are none
    parameter PAD        = 0,
    // Most that a group counts, these included
    parameter MOST       = 576,
    // Registers in match_count
    parameter STAGES     = 2,
    // Inputs of the target's LUTs, 4 or 6
    parameter LUT_INPUTS = 4,
    // Derived: width of a count
    parameter COUNT_W    = $clog2(MOST + 1)
) (
    input  wire               clk,
    input  wire               rst,

    // A step
    input  wire [SIMD-1:0]    upper_bits,
    input  wire [SIMD-1:0]    lower_bits,
    input  wire [PE*SIMD-1:0] weight,
    input  wire               step,
    input  wire               is_inside,
    input  wire               partial,
    input  wire               first,
    input  wire               last,

    // A channel's sums
    output wire               valid,
    output wire [COUNT_W-1:0] upper,
    output wire [COUNT_W-1:0] lower,
    output wire [COUNT_W-1:0] counted
);

localparam MATCH_W = $clog2(SIMD + 1);
localparam LEFT_W  = $clog2(PE + 1);
localparam WHOLE   = SIMD;
localparam PADDED  = SIMD + PAD;
localparam ALL     = PE;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (PE < 1) begin : check_1
        PE_must_be_at_least_1 stop ();
    end
    if (SIMD < 1 || MOST < 2 * SIMD) begin : check_2
        SIMD_must_be_at_least_1_and_at_most_half_of_MOST stop ();
    end
    if (PAD < 0 || PAD >= SIMD) begin : check_3
        PAD_must_be_less_than_SIMD stop ();
    end
endgenerate

wire        tap_is_inside;  // the image
wire        is_partial;
wire        is_first;
wire        is_last;

delay_line #(
    .WIDTH(4),
    .CYCLES(STAGES)
) delay_control (
    .clk(clk),
    .rst(rst),
    .in({step && is_inside, partial, first, step && last}),
    .out({tap_is_inside, is_partial, is_first, is_last})
);

// Bits inside the image: the same for all lanes.
reg  [COUNT_W-1:0] bits;
reg  [COUNT_W-1:0] bits_of_group;
wire [COUNT_W-1:0] bits_of_step = is_partial ? PADDED[COUNT_W-1:0] : WHOLE[COUNT_W-1:0];
wire [COUNT_W-1:0] bits_before  = is_first ? {COUNT_W{1'b0}} : bits;
wire [COUNT_W-1:0] bits_now     = bits_before + (bits_of_step & {COUNT_W{tap_is_inside}});

// Sums that wait to leave, lane 0's in the low bits, and how many.
reg  [PE*2*COUNT_W-1:0] sums;
wire [PE*2*COUNT_W-1:0] sums_now;
reg  [LEFT_W-1:0]       left;

assign valid          = left != 0;
assign counted        = bits_of_group;
assign {lower, upper} = sums[2*COUNT_W-1:0];

always @(posedge clk) begin
    bits <= bits_now;
    if (is_last) begin
        bits_of_group <= bits_now;
        sums          <= sums_now;
        left          <= ALL[LEFT_W-1:0];
    end else begin
        sums <= sums >> COUNT_W >> COUNT_W;  // by 2 * COUNT_W at once, tools warn of one lane
        if (valid) begin
            left <= left - 1'b1;
        end
    end
    if (rst) begin
        left <= {LEFT_W{1'b0}};
    end
end

genvar lane;
genvar plane;
generate
    for (lane = 0; lane < PE; lane = lane + 1) begin : lanes
        for (plane = 0; plane < 2; plane = plane + 1) begin : planes
            wire [MATCH_W-1:0] agreeing;

            match_count #(
                .WIDTH(SIMD),
                .STAGES(STAGES),
                .LUT_INPUTS(LUT_INPUTS)
            ) compare (
                .clk(clk),
                .data(plane == 0 ? upper_bits : lower_bits),
                .weight(weight[lane*SIMD +: SIMD]),
                .given_counts(3'd0),
                .count(agreeing)
            );

            reg  [COUNT_W-1:0] total;
            wire [COUNT_W-1:0] added     = {{COUNT_W-MATCH_W{1'b0}}, agreeing & {MATCH_W{tap_is_inside}}};
            wire [COUNT_W-1:0] total_now = (is_first ? {COUNT_W{1'b0}} : total) + added;

            assign sums_now[(2*lane+plane)*COUNT_W +: COUNT_W] = total_now;

            always @(posedge clk) begin
                total <= total_now;
            end
        end
    end
endgenerate

endmodule

`resetall
