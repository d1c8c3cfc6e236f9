// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Second half of RPReLU: V' = (V >= 0 ? V : (V * N) >> s) + b2; the first shift, b1, is already in V.
 *
 * N has at most two signed digits, >> is arithmetic. LANES channels a beat; latency 5 cycles, throughput 1 beat a
 * cycle. Never stalls: what follows takes every beat when it comes (see result_room). Reset drops what is under way and
 * returns to a pixel's first beat.
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

localparam LATENCY = 5;

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
        reg  [(LATENCY-1)*IN_W-1:0] values;  // V and b2 on their way beside the product
        reg  [(LATENCY-1)*BITS-1:0] biases;
        reg  [9:0]                  code;
        reg  signed [OUT_W-1:0]     sum;
        wire signed [PRODUCT_W-1:0] product;

        shift_add #(
            .IN_W(IN_W),
            .OUT_W(PRODUCT_W),
            .DIGITS(2),
            .SHIFTS(SHIFTS),
            .NEGATED(NEGATED),
            .OPTIONAL(OPTIONAL)
        ) slope (
            .clk(clk),
            .x(values[IN_W-1:0]),
            .code(code),
            .product(product)
        );

        wire [BENT_W-1:0] negative        = product[PRODUCT_W-1:SHIFT];
        wire [SHIFT-1:0]  unused_fraction = product[SHIFT-1:0];
        wire [IN_W-1:0]   v               = values[(LATENCY-2)*IN_W +: IN_W];
        wire [BITS-1:0]   bias            = biases[(LATENCY-2)*BITS +: BITS];

        wire [OUT_W-1:0] wide_negative = {{OUT_W-BENT_W{negative[BENT_W-1]}}, negative};
        wire [OUT_W-1:0] wide_v        = {{OUT_W-IN_W{v[IN_W-1]}}, v};
        wire [OUT_W-1:0] wide_bias     = {{OUT_W-BITS{bias[BITS-1]}}, bias};

        always @(posedge clk) begin
            values <= {values[(LATENCY-2)*IN_W-1:0], s_axis_tdata[lane*IN_W +: IN_W]};
            biases <= {biases[(LATENCY-2)*BITS-1:0], rom_data[lane*(BITS+10)+10 +: BITS]};
            code   <= rom_data[lane*(BITS+10) +: 10];
            sum    <= (v[IN_W-1] ? wide_negative : wide_v) + wide_bias;
        end

        assign m_axis_tdata[lane*OUT_W +: OUT_W] = sum;
    end
endgenerate

endmodule

`resetall
