// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Scale path and RPReLU of each channel, turn about through one shifter and adders, by shifts and additions:
 *
 *   V  = rshift(x * M, r) + b1, with rshift(x, r) = (x + 2^(r-1)) >> r
 *   V' = (V >= 0 ? V : (V * N) >> s) + b2
 *
 * The same as two `affine`, of half the size, for beats that come every other cycle at most. What is multiplied lies so
 * that both products have their binary point at the larger of r and s.
 *
 * LANES channels a beat; latency 9 cycles, throughput a beat every 2 cycles. Beats are taken in every other cycle; what
 * follows takes every result when it comes (see credit_counter). Reset drops what is under way and returns to a pixel's
 * first beat.
 *
 * ROM word 2*beat: M and b1, word 2*beat + 1: N and b2; lane 0 in the low bits:  lane = {b [BITS], digit 1 [5], digit 0 [5]}.
 */
module scale_rprelu #(
    // Channels of a pixel
    parameter CHANNELS    = 16,
    // Channels a beat, a divisor of CHANNELS
    parameter LANES       = 1,
    // Width of x
    parameter IN_W        = 11,
    // Width of b1 and b2, B
    parameter BITS        = 16,
    // r
    parameter SCALE_SHIFT = 4,
    // s
    parameter SLOPE_SHIFT = 6,
    // Digits of M and N, see shift_add
    parameter [47:0] SHIFTS   = {2{24'o76543210}},
    parameter [1:0]  NEGATED  = 2'b11,
    parameter [1:0]  OPTIONAL = 2'b11,
    parameter LUT_INPUTS = 4,
    // Code of 2^s
    parameter IDENTITY = 16 + SLOPE_SHIFT,
    // Derived, as in affine: |M| and |N| are at most 127, so that a product has 7 bits more
    parameter V_W       = (IN_W + 7 - SCALE_SHIFT > BITS ? IN_W + 7 - SCALE_SHIFT : BITS) + 1,
    parameter OUT_W     = (V_W + 7 - SLOPE_SHIFT > BITS ? V_W + 7 - SLOPE_SHIFT : BITS) + 1,
    parameter BEATS     = CHANNELS / LANES,
    parameter ADDR_W    = $clog2(2 * BEATS),
    parameter WORD_W    = LANES * (BITS + 10)
) (
    input  wire                   clk,
    input  wire                   rst,

    // Constant ROM: data belongs to the address of the cycle before
    output wire [ADDR_W-1:0]      rom_addr,
    input  wire [WORD_W-1:0]      rom_data,

    // Stream input, x
    input  wire [LANES*IN_W-1:0]  s_axis_tdata,
    input  wire                   s_axis_tvalid,
    output wire                   s_axis_tready,

    // Stream output, V', to be taken at once
    output wire [LANES*OUT_W-1:0] m_axis_tdata,
    output wire                   m_axis_tvalid
);

localparam SHIFT     = SCALE_SHIFT > SLOPE_SHIFT ? SCALE_SHIFT : SLOPE_SHIFT;
localparam X_W       = IN_W + SHIFT - SCALE_SHIFT;  // of x and of V, where they lie
localparam HIGH_V_W  = V_W + SHIFT - SLOPE_SHIFT;
localparam OPERAND_W = X_W > HIGH_V_W ? X_W : HIGH_V_W;
localparam SUM_W     = OUT_W + SHIFT;
localparam BEAT_W    = BEATS > 1 ? $clog2(BEATS) : 1;
localparam LAST      = BEATS - 1;

localparam [SUM_W-1:0] HALF = SCALE_SHIFT != 0 ? (1 << SHIFT) >> 1 : 0;

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
    if (SCALE_SHIFT < 0) begin : check_4
        SCALE_SHIFT_must_be_at_least_0 stop ();
    end
    if (SLOPE_SHIFT < 1 || SLOPE_SHIFT > 7) begin : check_5
        SLOPE_SHIFT_must_be_1_to_7_for_the_8_bits_of_a_slope stop ();
    end
    if (LUT_INPUTS != 4 && LUT_INPUTS != 6) begin : check_6
        LUT_INPUTS_must_be_4_or_6 stop ();
    end
endgenerate

reg              slope_turn;  // V enters the shifter and not x
reg              rounds;      // x is in it
reg [BEAT_W-1:0] scale_beat;  // the next one to enter
reg [BEAT_W-1:0] slope_beat;

wire take = s_axis_tvalid && s_axis_tready;
wire v_valid;

assign s_axis_tready = !slope_turn;

// For the turn that follows.
generate
    if (BEATS > 1) begin : several_beats
        assign rom_addr = {slope_turn ? scale_beat : slope_beat, !slope_turn};
    end else begin : one_beat
        assign rom_addr = !slope_turn;
    end
endgenerate

delay_line #(
    .WIDTH(1),
    .CYCLES(5)
) delay_v (
    .clk(clk),
    .rst(rst),
    .in(take),
    .out(v_valid)
);

delay_line #(
    .WIDTH(1),
    .CYCLES(4)
) delay_valid (
    .clk(clk),
    .rst(rst),
    .in(v_valid),
    .out(m_axis_tvalid)
);

always @(posedge clk) begin
    slope_turn <= !slope_turn;
    rounds     <= !slope_turn;
    if (take) begin
        scale_beat <= scale_beat == LAST[BEAT_W-1:0] ? {BEAT_W{1'b0}} : scale_beat + 1'b1;
    end
    if (v_valid) begin
        slope_beat <= slope_beat == LAST[BEAT_W-1:0] ? {BEAT_W{1'b0}} : slope_beat + 1'b1;
    end
    if (rst) begin
        slope_turn <= 1'b1;  // the first word is read before the first beat is taken
        scale_beat <= {BEAT_W{1'b0}};
        slope_beat <= {BEAT_W{1'b0}};
    end
end

genvar lane;
generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
        wire [IN_W-1:0] x = s_axis_tdata[lane*IN_W +: IN_W];

        reg [V_W-1:0]              v;
        reg signed [OPERAND_W-1:0] operand;
        reg [9:0]                  code;
        reg [BITS-1:0]             bias;

        wire [OPERAND_W-1:0] wide_x    = {{OPERAND_W-IN_W+1{x[IN_W-1]}}, x[IN_W-2:0]} << (SHIFT - SCALE_SHIFT);
        wire [OPERAND_W-1:0] wide_v    = {{OPERAND_W-V_W+1{v[V_W-1]}}, v[V_W-2:0]} << (SHIFT - SLOPE_SHIFT);
        wire [SUM_W-1:0]     wide_bias = {{SUM_W-BITS{bias[BITS-1]}}, bias};
        wire [SUM_W-1:0]     sum;
        wire [SHIFT-1:0]     unused_fraction = sum[SHIFT-1:0];

        always @(posedge clk) begin
            v       <= sum[SHIFT +: V_W];
            operand <= slope_turn ? wide_v : wide_x;
            code    <= slope_turn && !v[V_W-1] ? IDENTITY[9:0] : rom_data[lane*(BITS+10) +: 10];
            bias    <= rom_data[lane*(BITS+10)+10 +: BITS];
        end

        shift_add #(
            .IN_W(OPERAND_W),
            .OUT_W(SUM_W),
            .DIGITS(2),
            .SHIFTS(SHIFTS),
            .NEGATED(NEGATED),
            .OPTIONAL(OPTIONAL),
            .LUT_INPUTS(LUT_INPUTS)
        ) product (
            .clk(clk),
            .x(operand),
            .code(code),
            .addend((wide_bias << SHIFT) | (rounds ? HALF : {SUM_W{1'b0}})),
            .result(sum)
        );

        assign m_axis_tdata[lane*OUT_W +: OUT_W] = sum[SHIFT +: OUT_W];
    end
endgenerate

endmodule

`resetall
