// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * affine_multiply: y = ((x * M + half) >> r) + b of each channel's own integers, 3 cycles later; with RPRELU the factor is
 * 2^r where x is not negative.
 */
module affine_multiply_properties #(
    parameter CHANNELS   = 2,
    parameter LANES      = 1,
    parameter IN_W       = 5,
    parameter BITS       = 5,
    parameter SHIFT      = 3,
    parameter ROUND      = 1,
    parameter RPRELU     = 0,
    parameter FACTOR_W   = 5
) (
    input wire                  clk,
    input wire                  rst,
    input wire [LANES*IN_W-1:0] s_axis_tdata,
    input wire                  s_axis_tvalid
);

localparam BEATS     = CHANNELS / LANES;
localparam BEAT_W    = BEATS > 1 ? $clog2(BEATS) : 1;
localparam PRODUCT_W = IN_W + FACTOR_W - 1;
localparam OUT_W     = (PRODUCT_W - SHIFT > BITS ? PRODUCT_W - SHIFT : BITS) + 1;
localparam LANE_W    = BITS + FACTOR_W;
localparam WORD_W    = LANES * LANE_W;

wire                   rom_read;
wire [BEAT_W-1:0]      rom_addr;
reg  [WORD_W-1:0]      rom_data;
wire [LANES*OUT_W-1:0] m_axis_tdata;
wire                   m_axis_tvalid;

affine_multiply #(
    .CHANNELS(CHANNELS), .LANES(LANES), .IN_W(IN_W), .BITS(BITS), .SHIFT(SHIFT), .ROUND(ROUND), .RPRELU(RPRELU),
    .FACTOR_W(FACTOR_W)
) dut (
    .clk(clk),
    .rst(rst),
    .rom_read(rom_read),
    .rom_addr(rom_addr),
    .rom_data(rom_data),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

// Constants of all channels, and a ROM that holds them. M is not the least number of its width, as `affine_multiply`
// says.
(* anyconst *) wire [BEATS*WORD_W-1:0] constants;

genvar c;
generate
    for (c = 0; c < CHANNELS; c = c + 1) begin : channels
        wire [FACTOR_W-1:0] m = constants[c*LANE_W +: FACTOR_W];
        always @* begin
            assume (m != {1'b1, {FACTOR_W-1{1'b0}}});
        end
    end
endgenerate

always @(posedge clk) begin
    if (rom_read) begin
        rom_data <= constants[rom_addr*WORD_W +: WORD_W];
    end
end

reg [BEAT_W-1:0] beat  = {BEAT_W{1'b0}};
reg              start = 1'b0;
reg [2:0]        since = 3'd0;  // cycles since a reset

always @(posedge clk) begin
    start <= rst;
    since <= rst ? 3'd0 : since == 3'd3 ? since : since + 1'b1;
    beat  <= rst ? {BEAT_W{1'b0}} : !s_axis_tvalid ? beat : beat == BEATS - 1 ? {BEAT_W{1'b0}} : beat + 1'b1;
end

// What has just been reset offers nothing yet.
always @* begin
    assume (!start || !s_axis_tvalid);
end

localparam HALF = ROUND != 0 ? (1 << SHIFT) >> 1 : 0;

wire [WORD_W-1:0]      own = constants[beat*WORD_W +: WORD_W];
wire [LANES*OUT_W-1:0] y;

genvar lane;
generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
        wire signed [IN_W-1:0]                   x       = s_axis_tdata[lane*IN_W +: IN_W];
        wire signed [FACTOR_W-1:0]               m       = own[lane*LANE_W +: FACTOR_W];
        wire signed [BITS-1:0]                   b       = own[lane*LANE_W+FACTOR_W +: BITS];
        wire signed [IN_W+FACTOR_W+SHIFT:0]      product = x * m;
        wire signed [IN_W+FACTOR_W+SHIFT:0]      rounded = product + HALF;
        wire signed [IN_W+FACTOR_W+SHIFT:0]      scaled  = RPRELU != 0 && x >= 0 ? x : rounded >>> SHIFT;
        wire signed [IN_W+FACTOR_W+BITS+SHIFT:0] shifted = scaled + b;
        assign y[lane*OUT_W +: OUT_W] = shifted;
    end
endgenerate

wire [LANES*OUT_W-1:0] expected;
wire                   expected_valid;
delayed #(.WIDTH(LANES * OUT_W), .CYCLES(3)) later (.clk(clk), .in(y), .out(expected));
delayed #(.WIDTH(1), .CYCLES(3)) valid_later (.clk(clk), .in(s_axis_tvalid && !rst), .out(expected_valid));

always @* begin
    if (running) begin
        valid_in_time: assert (m_axis_tvalid == (expected_valid && since == 3'd3));
        computed: assert (!m_axis_tvalid || m_axis_tdata == expected);
    end
end

`ifdef INVARIANTS
(* hierconn *) wire [BEAT_W-1:0] \dut.beat.following ;
(* hierconn *) wire              \dut.beat.starting ;

wire [BEAT_W-1:0] next = beat == BEATS - 1 ? {BEAT_W{1'b0}} : beat + 1'b1;

always @* begin
    if (running) begin
        begins: assert (!start || beat == 0);
        counter: assert (\dut.beat.following == (start ? {BEAT_W{1'b0}} : next) && \dut.beat.starting == start);
        constants_there: assert (beat < BEATS && (start || rom_data == own));
    end
end
`endif

endmodule
