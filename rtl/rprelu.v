// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Second half of RPReLU: V' = (V >= 0 ? V : (V * N) >> s) + b2; the first shift, b1, is already in V.
 *
 * From zero on N is 2^s, so that one product serves both halves; b2 * 2^s is added to it before the shift, which is
 * arithmetic and takes nothing off b2. N has at most two signed digits. LANES channels a beat; latency 4 cycles,
 * throughput 1 beat a cycle. Never stalls: what follows takes every beat when it comes (see result_room). Reset drops
 * what is under way and returns to a pixel's first beat.
 *
 * ROM word, lane 0 in the low bits:  lane = {b2 [BITS], digit 1 [5], digit 0 [5]}.
 */
module rprelu #(
    // Channels of a pixel
    parameter CHANNELS = 16,
    // Channels a beat, a divisor of CHANNELS
    parameter LANES    = 1,
    // Width of V
    parameter IN_W     = 20,
    // Width of b2, B
    parameter BITS     = 16,
    // s
    parameter SHIFT    = 6,
    // Digits of the constants, see shift_add
    parameter [47:0] SHIFTS   = {2{24'o76543210}},
    parameter [1:0]  NEGATED  = 2'b11,
    parameter [1:0]  OPTIONAL = 2'b11,
    parameter LUT_INPUTS = 4,
    // Code of 2^s
    parameter [9:0]  IDENTITY = 10'd16 + SHIFT,
    // Derived: |N| <= 127 adds 7 bits to the product, the shift takes SHIFT away, b2 may add one
    parameter PRODUCT_W = IN_W + 7,
    parameter BENT_W    = PRODUCT_W - SHIFT,
    parameter OUT_W     = (BENT_W > BITS ? BENT_W : BITS) + 1,
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

    // Stream input, V, taken at once
    input  wire [LANES*IN_W-1:0]  s_axis_tdata,
    input  wire                   s_axis_tvalid,

    // Stream output, V', to be taken at once
    output wire [LANES*OUT_W-1:0] m_axis_tdata,
    output wire                   m_axis_tvalid
);

localparam LATENCY = 4;
localparam SUM_W   = OUT_W + SHIFT;

initial begin
    if (SHIFT < 1 || SHIFT > 7) begin
        $display("ERROR: %m: SHIFT is %0d, expected 1 to 7: a slope has 8 bits", SHIFT);
        $finish;
    end
end

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
        reg signed [IN_W-1:0] v;
        reg [9:0]             code;
        reg [BITS-1:0]        bias;

        always @(posedge clk) begin
            v    <= s_axis_tdata[lane*IN_W +: IN_W];
            code <= s_axis_tdata[lane*IN_W+IN_W-1] ? rom_data[lane*(BITS+10) +: 10] : IDENTITY;
            bias <= rom_data[lane*(BITS+10)+10 +: BITS];
        end

        wire [SUM_W-1:0] sum;

        shift_add #(
            .IN_W(IN_W),
            .OUT_W(SUM_W),
            .DIGITS(2),
            .SHIFTS(SHIFTS),
            .NEGATED(NEGATED),
            .OPTIONAL(OPTIONAL),
            .LUT_INPUTS(LUT_INPUTS)
        ) slope (
            .clk(clk),
            .x(v),
            .code(code),
            .addend({{OUT_W-BITS{bias[BITS-1]}}, bias, {SHIFT{1'b0}}}),
            .result(sum)
        );

        wire [SHIFT-1:0] unused_fraction = sum[SHIFT-1:0];

        assign m_axis_tdata[lane*OUT_W +: OUT_W] = sum[SHIFT +: OUT_W];
    end
endgenerate

endmodule

`resetall
