// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Factor and bias of each channel by a multiplier: y = ((x * M + half) >> r) + b with M any integer. What `affine` does
 * for factors of two signed digits; this is for folded BatchNorm, whose factors have no few digits.
 *
 *   scale path  ROUND = 1, RPRELU = 0   V  = rshift(A * M, r) + b1, with rshift(x, r) = (x + 2^(r-1)) >> r
 *   RPReLU      ROUND = 0, RPRELU = 1   V' = (V >= 0 ? V : (V * N) >> s) + b2; the first shift, b1, is already in V
 *
 * b * 2^r and half of 2^r are added before the shift, and above the bend at zero the factor is 2^r: as in `affine`.
 * Registers stand before the multiplier and behind it, where those of a DSP block can be.
 *
 * LANES channels a beat; latency 3 cycles, throughput 1 beat a cycle. Never stalls: what follows takes every beat when
 * it comes (see credit_counter). Reset drops what is under way and returns to a pixel's first beat.
 *
 * ROM word, lane 0 in the low bits:  lane = {b [BITS], M [FACTOR_W]}.
 */
module affine_multiply #(
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
    // Width of M, which is not the least number of that width
    parameter FACTOR_W = 18,
    // Derived: the sum of product and b has one bit more than the wider of both
    parameter PRODUCT_W = IN_W + FACTOR_W - 1,
    parameter OUT_W     = (PRODUCT_W - SHIFT > BITS ? PRODUCT_W - SHIFT : BITS) + 1,
    parameter BEATS     = CHANNELS / LANES,
    parameter BEAT_W    = BEATS > 1 ? $clog2(BEATS) : 1,
    parameter LANE_W    = BITS + FACTOR_W,
    parameter WORD_W    = LANES * LANE_W
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

localparam LATENCY = 3;
localparam SUM_W   = OUT_W + SHIFT;
localparam [SUM_W-1:0] HALF = ROUND != 0 ? (1 << SHIFT) >> 1 : 0;
localparam [FACTOR_W-1:0] IDENTITY = RPRELU != 0 ? 1 << SHIFT : 0;  // where the line bends

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
    if (FACTOR_W < 2) begin : check_4
        FACTOR_W_must_be_at_least_2 stop ();
    end
    if (SHIFT < 0 || (RPRELU != 0 && SHIFT > FACTOR_W - 2)) begin : check_5
        SHIFT_must_be_2_less_than_the_width_of_a_slope stop ();
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

        reg signed [IN_W-1:0]      x;
        reg signed [FACTOR_W-1:0]  factor;
        reg [BITS-1:0]             bias;
        reg signed [PRODUCT_W-1:0] product;
        reg [SUM_W-1:0]            addend;
        reg [SUM_W-1:0]            sum;

        wire [SUM_W-1:0] wide_bias    = {{SUM_W-BITS{bias[BITS-1]}}, bias};
        wire [SUM_W-1:0] wide_product = {{SUM_W-PRODUCT_W{product[PRODUCT_W-1]}}, product};
        wire [SHIFT:0]   unused_fraction = sum[SHIFT:0];  // and the lowest bit of y: at SHIFT = 0 there is no fraction

        always @(posedge clk) begin
            x       <= x_in;
            factor  <= RPRELU != 0 && !x_in[IN_W-1] ? IDENTITY : rom_data[lane*LANE_W +: FACTOR_W];
            bias    <= rom_data[lane*LANE_W+FACTOR_W +: BITS];
            product <= x * factor;
            addend  <= (wide_bias << SHIFT) | HALF;
            sum     <= wide_product + addend;
        end

        assign m_axis_tdata[lane*OUT_W +: OUT_W] = sum[SHIFT +: OUT_W];
    end
endgenerate

endmodule

`resetall
