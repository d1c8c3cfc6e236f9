// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * From a channel's counts to its value and its activation in the next layer, one channel a cycle, never stalling:
 *
 *   S_m = 2 upper - counted,  S_l = 2 lower - counted,  A = 2 S_m + (S_m > G ? S_l : 0)
 *   V   = (((A << prescale) * M + half) >> SHIFT) + b1,  the layer's r being SHIFT - prescale
 *   V   = (V >= 0 ? V : (V * N) >> 6) + b2
 *   X'  = sat(V + (shortcut ? X : 0)),  q = [X' >= T1] + [X' >= T2] + [X' >= T3]
 *
 * Values come in the order of the stream, pixel by pixel and channel by channel, so that X is read, X' written and q
 * packed at addresses that count up from 0. Memories and ROMs answer two cycles after their address. `start` comes
 * before a layer's first value and behind the last of the layer before; all numbers of the layer stay until the path
 * is empty, 14 cycles behind the last value. Reset drops what is under way.
 *
 *   cycle  0  counts, address of G, M, b1      cycle  8  address of X
 *   cycle  2  A                                cycle 10  V + X, address of T
 *   cycle  4  address of N, b2                 cycle 12  X' leaves and is written
 *   cycle  6  V behind the scale               cycle 14  a word of SIMD activations is written
 */
module scale_path #(
    // Width of counts
    parameter COUNT_W     = 11,
    // Width of the residual stream, B
    parameter BITS        = 16,
    // The largest r of all layers, and how far any other is below
    parameter SHIFT       = 2,
    parameter SPAN        = 2,
    // Activations of a word of the plane
    parameter SIMD        = 16,
    // Widths: addresses of X, of the plane, of constants, of a channel's number
    parameter X_W         = 14,
    parameter PLANE_W     = 10,
    parameter CONSTANT_W  = 10,
    parameter CHANNEL_W   = 6,
    // Widths of the constants as they are stored
    parameter GATE_W      = 11,
    parameter BIAS_IN_W   = 16,
    parameter BIAS_OUT_W  = 16,
    parameter THRESHOLD_W = 16,
    // Digits of M and N, see shift_add; code of 2^6 among the latter
    parameter [47:0] SCALE_SHIFTS   = {2{24'o76543210}},
    parameter [1:0]  SCALE_NEGATED  = 2'b11,
    parameter [1:0]  SCALE_OPTIONAL = 2'b11,
    parameter [47:0] SLOPE_SHIFTS   = {2{24'o76543210}},
    parameter [1:0]  SLOPE_NEGATED  = 2'b11,
    parameter [1:0]  SLOPE_OPTIONAL = 2'b11,
    parameter [9:0]  IDENTITY       = 10'd22,
    parameter LUT_INPUTS  = 4,
    // Derived
    parameter PRESCALE_W  = SPAN > 0 ? $clog2(SPAN + 1) : 0,
    parameter SCALE_W     = PRESCALE_W + BIAS_IN_W + 10 + GATE_W
) (
    input  wire                                clk,
    input  wire                                rst,

    // The layer: where its constants begin, channels less one
    input  wire                                start,
    input  wire [CONSTANT_W-1:0]               constants,
    input  wire [CHANNEL_W-1:0]                channels,
    input  wire                                shortcut,

    // A channel's counts
    input  wire                                valid,
    input  wire [COUNT_W-1:0]                  upper,
    input  wire [COUNT_W-1:0]                  lower,
    input  wire [COUNT_W-1:0]                  counted,

    // Constants: {prescale, b1, M [10], G}, {b2, N [10]}, {T3, T2, T1}
    output wire [CONSTANT_W-1:0]               scale_addr,
    input  wire [SCALE_W-1:0]                  scale_data,
    output wire [CONSTANT_W-1:0]               slope_addr,
    input  wire [BIAS_OUT_W+10-1:0]            slope_data,
    output wire [CONSTANT_W-1:0]               threshold_addr,
    input  wire [3*THRESHOLD_W-1:0]            threshold_data,

    // X and X'
    output wire [X_W-1:0]                      x_read_addr,
    input  wire [BITS-1:0]                     x_read_data,
    output wire                                x_write,
    output wire [X_W-1:0]                      x_write_addr,
    output wire [BITS-1:0]                     x_write_data,

    // The plane: {lower bits, upper bits}
    output wire                                plane_write,
    output wire [PLANE_W-1:0]                  plane_write_addr,
    output wire [2*SIMD-1:0]                   plane_write_data
);

localparam SLOPE_SHIFT = 6;
localparam S_W      = COUNT_W + 1;
localparam A_W      = S_W + 2;
localparam SHIFTED_W = A_W + SPAN;
// As in affine: a product has 7 bits more, the sum with b one more than the wider of both
localparam PRODUCT_W = SHIFTED_W + 7;
localparam V_W       = (PRODUCT_W - SHIFT > BITS ? PRODUCT_W - SHIFT : BITS) + 1;
localparam BENT_W    = (V_W + 7 - SLOPE_SHIFT > BITS ? V_W + 7 - SLOPE_SHIFT : BITS) + 1;
localparam PACKED_W  = SIMD > 1 ? $clog2(SIMD) : 1;
localparam LAST      = SIMD - 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (SHIFT < 0 || SPAN < 0 || SPAN > SHIFT) begin : check_1
        SPAN_must_be_0_to_SHIFT stop ();
    end
    if (GATE_W < 2 || GATE_W > S_W) begin : check_2
        GATE_W_must_be_2_to_the_width_of_S stop ();
    end
    if (BIAS_IN_W < 2 || BIAS_IN_W > BITS || BIAS_OUT_W < 2 || BIAS_OUT_W > BITS) begin : check_3
        BIAS_IN_W_and_BIAS_OUT_W_must_be_2_to_BITS stop ();
    end
    if (THRESHOLD_W < 2 || THRESHOLD_W > BITS) begin : check_4
        THRESHOLD_W_must_be_2_to_BITS stop ();
    end
    if (SIMD < 1) begin : check_5
        SIMD_must_be_at_least_1 stop ();
    end
endgenerate

// which[n]: a value is n cycles behind its counts
reg  [13:1] behind;
wire [13:0] which = {behind, valid};

always @(posedge clk) begin
    behind <= which[12:0];
    if (rst) begin
        behind <= 13'd0;
    end
end

// -------------------------------------------------------------------------------------------------------------------
// Gate and sum
// -------------------------------------------------------------------------------------------------------------------

constant_walk #(
    .ADDR_W(CONSTANT_W),
    .CHANNEL_W(CHANNEL_W)
) scale_walk (
    .clk(clk),
    .start(start),
    .advance(which[0]),
    .base(constants),
    .last(channels),
    .addr(scale_addr)
);

reg signed [S_W-1:0] upper_sum_1;
reg signed [S_W-1:0] lower_sum_1;
reg signed [S_W-1:0] upper_sum;
reg signed [A_W-1:0] both_sums;  // A behind an open gate: added while G is on its way

always @(posedge clk) begin
    upper_sum_1 <= {upper, 1'b0} - {1'b0, counted};
    lower_sum_1 <= {lower, 1'b0} - {1'b0, counted};
    upper_sum   <= upper_sum_1;
    both_sums   <= {upper_sum_1[S_W-1], upper_sum_1, 1'b0} + {{2{lower_sum_1[S_W-1]}}, lower_sum_1};
end

wire signed [S_W:0]         wide_sum = {upper_sum[S_W-1], upper_sum};
wire signed [S_W:0]         gate     = {{S_W+1-GATE_W{scale_data[GATE_W-1]}}, scale_data[GATE_W-1:0]};
wire signed [A_W-1:0]       total    = wide_sum > gate ? both_sums : {wide_sum, 1'b0};
wire signed [SHIFTED_W-1:0] shifted;

generate
    if (SPAN > 0) begin : scaled
        wire signed [SHIFTED_W-1:0] wide = {{SPAN{total[A_W-1]}}, total};
        assign shifted = wide << scale_data[SCALE_W-1 -: PRESCALE_W];
    end else begin : same
        assign shifted = total;
    end
endgenerate

// -------------------------------------------------------------------------------------------------------------------
// Scale and RPReLU: of affine's ROM ports only the data, the addresses are made here
// -------------------------------------------------------------------------------------------------------------------

wire [BITS+10-1:0] scale_word;
wire [V_W-1:0]     v;
wire               v_valid;
wire               unused_scale_read;
wire               unused_scale_addr;

assign scale_word[9:0] = scale_data[GATE_W +: 10];

generate
    if (BIAS_IN_W < BITS) begin : extend_bias_in
        wire sign = scale_data[BIAS_IN_W+10+GATE_W-1];
        assign scale_word[10 +: BITS] = {{BITS-BIAS_IN_W{sign}}, scale_data[10+GATE_W +: BIAS_IN_W]};
    end else begin : same_bias_in
        assign scale_word[10 +: BITS] = scale_data[10+GATE_W +: BITS];
    end
endgenerate

affine #(
    .CHANNELS(1),
    .LANES(1),
    .IN_W(SHIFTED_W),
    .BITS(BITS),
    .SHIFT(SHIFT),
    .ROUND(1),
    .RPRELU(0),
    .SHIFTS(SCALE_SHIFTS),
    .NEGATED(SCALE_NEGATED),
    .OPTIONAL(SCALE_OPTIONAL),
    .LUT_INPUTS(LUT_INPUTS)
) scale (
    .clk(clk),
    .rst(rst),
    .rom_read(unused_scale_read),
    .rom_addr(unused_scale_addr),
    .rom_data(scale_word),
    .s_axis_tdata(shifted),
    .s_axis_tvalid(which[2]),
    .m_axis_tdata(v),
    .m_axis_tvalid(v_valid)
);

constant_walk #(
    .ADDR_W(CONSTANT_W),
    .CHANNEL_W(CHANNEL_W)
) slope_walk (
    .clk(clk),
    .start(start),
    .advance(which[4]),
    .base(constants),
    .last(channels),
    .addr(slope_addr)
);

wire [BITS+10-1:0]       slope_word;
wire signed [BENT_W-1:0] bent;
wire                     unused_bent_valid;
wire                     unused_slope_read;
wire                     unused_slope_addr;

assign slope_word[9:0] = slope_data[9:0];

generate
    if (BIAS_OUT_W < BITS) begin : extend_bias_out
        wire sign = slope_data[BIAS_OUT_W+10-1];
        assign slope_word[10 +: BITS] = {{BITS-BIAS_OUT_W{sign}}, slope_data[10 +: BIAS_OUT_W]};
    end else begin : same_bias_out
        assign slope_word[10 +: BITS] = slope_data[10 +: BITS];
    end
endgenerate

affine #(
    .CHANNELS(1),
    .LANES(1),
    .IN_W(V_W),
    .BITS(BITS),
    .SHIFT(SLOPE_SHIFT),
    .ROUND(0),
    .RPRELU(1),
    .SHIFTS(SLOPE_SHIFTS),
    .NEGATED(SLOPE_NEGATED),
    .OPTIONAL(SLOPE_OPTIONAL),
    .LUT_INPUTS(LUT_INPUTS),
    .IDENTITY(IDENTITY)
) rprelu (
    .clk(clk),
    .rst(rst),
    .rom_read(unused_slope_read),
    .rom_addr(unused_slope_addr),
    .rom_data(slope_word),
    .s_axis_tdata(v),
    .s_axis_tvalid(v_valid),
    .m_axis_tdata(bent),
    .m_axis_tvalid(unused_bent_valid)
);

// -------------------------------------------------------------------------------------------------------------------
// Shortcut and saturation
// -------------------------------------------------------------------------------------------------------------------

reg [X_W-1:0] x_read;
reg [X_W-1:0] x_written;

reg signed [BENT_W:0] sum;
reg signed [BITS-1:0] x_out;

wire        [BITS-1:0] x         = x_read_data & {BITS{shortcut}};
wire signed [BENT_W:0] wide_x    = {{BENT_W+1-BITS{x[BITS-1]}}, x};
wire signed [BENT_W:0] wide_bent = {bent[BENT_W-1], bent};
wire signed [BITS-1:0] saturated;

saturate #(
    .IN_W(BENT_W + 1),
    .OUT_W(BITS)
) clamp (
    .in(sum),
    .out(saturated)
);

assign x_read_addr  = x_read;
assign x_write      = which[12];
assign x_write_addr = x_written;
assign x_write_data = x_out;

always @(posedge clk) begin
    sum   <= wide_bent + wide_x;
    x_out <= saturated;
    if (which[8]) begin
        x_read <= x_read + 1'b1;
    end
    if (which[12]) begin
        x_written <= x_written + 1'b1;
    end
    if (start) begin
        x_read    <= {X_W{1'b0}};
        x_written <= {X_W{1'b0}};
    end
end

// -------------------------------------------------------------------------------------------------------------------
// Activation of the next layer
// -------------------------------------------------------------------------------------------------------------------

constant_walk #(
    .ADDR_W(CONSTANT_W),
    .CHANNEL_W(CHANNEL_W)
) threshold_walk (
    .clk(clk),
    .start(start),
    .advance(which[10]),
    .base(constants),
    .last(channels),
    .addr(threshold_addr)
);

wire signed [BITS:0] value = {x_out[BITS-1], x_out};
wire [2:0]           reaches;

genvar t;
generate
    for (t = 0; t < 3; t = t + 1) begin : thresholds
        wire        [THRESHOLD_W-1:0] stored    = threshold_data[t*THRESHOLD_W +: THRESHOLD_W];
        wire signed [BITS:0]          threshold = {{BITS+1-THRESHOLD_W{stored[THRESHOLD_W-1]}}, stored};
        assign reaches[t] = value >= threshold;
    end
endgenerate

reg                is_upper;
reg                is_lower;
reg [PACKED_W-1:0] packed_bits;
reg [SIMD-1:0]     upper_bits;
reg [SIMD-1:0]     lower_bits;
reg                whole;
reg [PLANE_W-1:0]  word;

wire [SIMD:0] upper_onward = {is_upper, upper_bits};
wire [SIMD:0] lower_onward = {is_lower, lower_bits};
wire          unused_left  = upper_onward[0] ^ lower_onward[0];

assign plane_write      = whole;
assign plane_write_addr = word;
assign plane_write_data = {lower_bits, upper_bits};

always @(posedge clk) begin
    // T1 <= T2 <= T3: below T2 the lower bit is [X >= T1], above it [X >= T3].
    is_upper <= reaches[1];
    is_lower <= reaches[1] ? reaches[2] : reaches[0];
    if (which[13]) begin
        upper_bits  <= upper_onward[SIMD:1];
        lower_bits  <= lower_onward[SIMD:1];
        packed_bits <= packed_bits == LAST[PACKED_W-1:0] ? {PACKED_W{1'b0}} : packed_bits + 1'b1;
    end
    whole <= which[13] && packed_bits == LAST[PACKED_W-1:0];
    if (whole) begin
        word <= word + 1'b1;
    end
    if (start) begin
        packed_bits <= {PACKED_W{1'b0}};
        word        <= {PLANE_W{1'b0}};
    end
    if (rst) begin
        whole <= 1'b0;
    end
end

endmodule

`resetall
