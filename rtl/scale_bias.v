// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Scale path: V = rshift(A * M, r) + b1, with rshift(x, r) = (x + 2^(r-1)) >> r, and no rounding at r = 0.
 *
 * Half of 2^r and b1 * 2^r have no bit in common: one addition before the shift does for rounding and bias both.
 * M has at most two signed digits. LANES channels a beat; latency 4 cycles, throughput 1 beat a cycle. Never stalls:
 * what follows takes every beat when it comes (see result_room). Reset drops what is under way and returns to a pixel's
 * first beat.
 *
 * ROM word, lane 0 in the low bits:  lane = {b1 [BITS], digit 1 [5], digit 0 [5]}.
 */
module scale_bias #(
    // Channels of a pixel
    parameter CHANNELS = 16,
    // Channels a beat, a divisor of CHANNELS
    parameter LANES    = 1,
    // Width of the accumulator A
    parameter ACC_W    = 11,
    // Width of b1, B
    parameter BITS     = 16,
    // r
    parameter SHIFT    = 4,
    // Digits of the constants, see shift_add
    parameter [47:0] SHIFTS   = {2{24'o76543210}},
    parameter [1:0]  NEGATED  = 2'b11,
    parameter [1:0]  OPTIONAL = 2'b11,
    parameter LUT_INPUTS = 4,
    // Derived: |M| <= 127, so the product has 7 bits more; the sum with b1 has one more than the wider of both
    parameter PRODUCT_W = ACC_W + 7,
    parameter V_W       = (PRODUCT_W - SHIFT > BITS ? PRODUCT_W - SHIFT : BITS) + 1,
    parameter BEATS     = CHANNELS / LANES,
    parameter BEAT_W    = BEATS > 1 ? $clog2(BEATS) : 1,
    parameter WORD_W    = LANES * (BITS + 10)
) (
    input  wire                   clk,
    input  wire                   rst,

    // Constant ROM: data belongs to the address of the last cycle with rom_read
    output wire                   rom_read,
    output wire [BEAT_W-1:0]      rom_addr,
    input  wire [WORD_W-1:0]      rom_data,

    // Stream input, A, taken at once
    input  wire [LANES*ACC_W-1:0] s_axis_tdata,
    input  wire                   s_axis_tvalid,

    // Stream output, V, to be taken at once
    output wire [LANES*V_W-1:0]   m_axis_tdata,
    output wire                   m_axis_tvalid
);

localparam LATENCY = 4;
localparam SUM_W   = V_W + SHIFT;

beat_counter #(
    .BEATS(BEATS)
) beat (
    .clk(clk),
    .rst(rst),
    .advance(s_axis_tvalid),
    .read(rom_read),
    .addr(rom_addr)
);

delay_line #(
    .WIDTH(1),
    .CYCLES(LATENCY)
) delay_valid (
    .clk(clk),
    .rst(rst),
    .in(s_axis_tvalid),
    .out(m_axis_tvalid)
);

genvar lane;
generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
        reg signed [ACC_W-1:0] a;
        reg [9:0]              code;
        reg [BITS-1:0]         bias;

        always @(posedge clk) begin
            a    <= s_axis_tdata[lane*ACC_W +: ACC_W];
            code <= rom_data[lane*(BITS+10) +: 10];
            bias <= rom_data[lane*(BITS+10)+10 +: BITS];
        end

        wire [V_W-1:0]   wide_bias = {{V_W-BITS{bias[BITS-1]}}, bias};
        wire [SUM_W-1:0] addend;
        wire [SUM_W-1:0] sum;

        if (SHIFT > 0) begin : round_half_up
            localparam [SHIFT-1:0] HALF = 1 << (SHIFT - 1);
            wire [SHIFT-1:0] unused_fraction = sum[SHIFT-1:0];
            assign addend = {wide_bias, HALF};
        end else begin : exact
            assign addend = wide_bias;
        end

        shift_add #(
            .IN_W(ACC_W),
            .OUT_W(SUM_W),
            .DIGITS(2),
            .SHIFTS(SHIFTS),
            .NEGATED(NEGATED),
            .OPTIONAL(OPTIONAL),
            .LUT_INPUTS(LUT_INPUTS)
        ) scale (
            .clk(clk),
            .x(a),
            .code(code),
            .addend(addend),
            .result(sum)
        );

        assign m_axis_tdata[lane*V_W +: V_W] = sum[SHIFT +: V_W];
    end
endgenerate

endmodule

`resetall
