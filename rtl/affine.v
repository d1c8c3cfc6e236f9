// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Factor and bias of each channel: y = ((x * M + half) >> r) + b, by shifts and additions.
 *
 *   scale path  ROUND = 1, RPRELU = 0   V  = rshift(A * M, r) + b1, with rshift(x, r) = (x + 2^(r-1)) >> r
 *   RPReLU      ROUND = 0, RPRELU = 1   V' = (V >= 0 ? V : (V * N) >> s) + b2; the first shift, b1, is already in V
 *
 * b * 2^r is added before the shift, which is arithmetic and takes nothing off b, and half of 2^r has no bit in common
 * with it: one addition does for both. Where the line bends at zero, the factor above is 2^r, so that one product
 * serves both halves. Factors have at most two signed digits.
 *
 * LANES channels a beat; latency 4 cycles, throughput 1 beat a cycle. Never stalls: what follows takes every beat when
 * it comes (see credit_counter). Reset drops what is under way and returns to a pixel's first beat.
 *
 * ROM word, lane 0 in the low bits:  lane = {b [BITS], digit 1 [5], digit 0 [5]}.
 */
module affine #(
    // Channels of a pixel
    parameter CHANNELS = 16,
    // Channels a beat, a divisor of CHANNELS
    parameter LANES    = 1,
    // Width of x
    parameter IN_W     = 11,
    // Width of b, B
    parameter BITS     = 16,
    // r, s
    parameter SHIFT    = 4,
    // 1: round half up, 0: round down
    parameter ROUND    = 1,
    // 1: the factor is for negative x
    parameter RPRELU   = 0,
    // Digits of the constants, see shift_add
    parameter [47:0] SHIFTS   = {2{24'o76543210}},
    parameter [1:0]  NEGATED  = 2'b11,
    parameter [1:0]  OPTIONAL = 2'b11,
    parameter LUT_INPUTS = 4,
    // Code of 2^r, where the line bends
    parameter IDENTITY = 16 + SHIFT,
    // Derived: |M| <= 127, so the product has 7 bits more; the sum with b has one more than the wider of both
    parameter PRODUCT_W = IN_W + 7,
    parameter OUT_W     = (PRODUCT_W - SHIFT > BITS ? PRODUCT_W - SHIFT : BITS) + 1,
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

    // Stream input, x, taken at once
    input  wire [LANES*IN_W-1:0]  s_axis_tdata,
    input  wire                   s_axis_tvalid,

    // Stream output, y, to be taken at once
    output wire [LANES*OUT_W-1:0] m_axis_tdata,
    output wire                   m_axis_tvalid
);

localparam LATENCY = 4;
localparam SUM_W   = OUT_W + SHIFT;
localparam [SUM_W-1:0] HALF = ROUND != 0 ? (1 << SHIFT) >> 1 : 0;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (LANES < 1 || CHANNELS < 1 || CHANNELS % LANES != 0) begin : check_1
        LANES_must_divide_CHANNELS stop ();
    end
    if (IN_W < 2) begin : check_2
        IN_W_must_be_at_least_2 stop ();
    end
    if (BITS < 2) begin : check_3
        BITS_must_be_at_least_2 stop ();
    end
    if (SHIFT < 0) begin : check_4
        SHIFT_must_be_at_least_0 stop ();
    end
    if (RPRELU != 0 && (SHIFT < 1 || SHIFT > 7)) begin : check_5
        SHIFT_must_be_1_to_7_for_the_8_bits_of_a_slope stop ();
    end
    if (LUT_INPUTS != 4 && LUT_INPUTS != 6) begin : check_6
        LUT_INPUTS_must_be_4_or_6 stop ();
    end
endgenerate

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
        wire signed [IN_W-1:0] x_in = s_axis_tdata[lane*IN_W +: IN_W];

        reg signed [IN_W-1:0] x;
        reg [9:0]             code;
        reg [BITS-1:0]        bias;

        always @(posedge clk) begin
            x    <= x_in;
            code <= RPRELU != 0 && !x_in[IN_W-1] ? IDENTITY[9:0] : rom_data[lane*(BITS+10) +: 10];
            bias <= rom_data[lane*(BITS+10)+10 +: BITS];
        end

        wire [SUM_W-1:0] wide_bias = {{SUM_W-BITS{bias[BITS-1]}}, bias};
        wire [SUM_W-1:0] sum;
        wire [SHIFT:0]   unused_fraction = sum[SHIFT:0];  // and the lowest bit of y: at SHIFT = 0 there is no fraction

        shift_add #(
            .IN_W(IN_W),
            .OUT_W(SUM_W),
            .DIGITS(2),
            .SHIFTS(SHIFTS),
            .NEGATED(NEGATED),
            .OPTIONAL(OPTIONAL),
            .LUT_INPUTS(LUT_INPUTS)
        ) product (
            .clk(clk),
            .x(x),
            .code(code),
            .addend((wide_bias << SHIFT) | HALF),
            .result(sum)
        );

        assign m_axis_tdata[lane*OUT_W +: OUT_W] = sum[SHIFT +: OUT_W];
    end
endgenerate

endmodule

`resetall
