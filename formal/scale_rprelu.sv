// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * scale_rprelu: V = rshift(x * M, r) + b1 and V' = (V >= 0 ? V : (V * N) >> s) + b2 of each channel's own constants, 9 cycles
 * after a beat is taken; one is taken every other cycle from the second after a reset on.
 */
module scale_rprelu_properties #(
    parameter CHANNELS    = 2,
    parameter LANES       = 1,
    parameter IN_W        = 3,
    parameter BITS        = 3,
    parameter SCALE_SHIFT = 2,
    parameter SLOPE_SHIFT = 3,
    parameter LUT_INPUTS  = 4
) (
    input wire                  clk,
    input wire                  rst,
    input wire [LANES*IN_W-1:0] s_axis_tdata,
    input wire                  s_axis_tvalid
);

localparam LATENCY = 9;
localparam BEATS   = CHANNELS / LANES;
localparam BEAT_W  = BEATS > 1 ? $clog2(BEATS) : 1;
localparam ADDR_W  = $clog2(2 * BEATS);
localparam V_W     = (IN_W + 7 - SCALE_SHIFT > BITS ? IN_W + 7 - SCALE_SHIFT : BITS) + 1;
localparam OUT_W   = (V_W + 7 - SLOPE_SHIFT > BITS ? V_W + 7 - SLOPE_SHIFT : BITS) + 1;
localparam LANE_W  = BITS + 10;
localparam WORD_W  = LANES * LANE_W;
localparam WIDE_W  = OUT_W + 10;

wire [ADDR_W-1:0]      rom_addr;
reg  [WORD_W-1:0]      rom_data;
wire                   s_axis_tready;
wire [LANES*OUT_W-1:0] m_axis_tdata;
wire                   m_axis_tvalid;

scale_rprelu #(
    .CHANNELS(CHANNELS), .LANES(LANES), .IN_W(IN_W), .BITS(BITS), .SCALE_SHIFT(SCALE_SHIFT), .SLOPE_SHIFT(SLOPE_SHIFT),
    .LUT_INPUTS(LUT_INPUTS)
) dut (
    .clk(clk),
    .rst(rst),
    .rom_addr(rom_addr),
    .rom_data(rom_data),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

// Constants of all channels, and a ROM that holds them. One signed digit each: |M| and |N| are at most 127, as
// `scale_rprelu` says, and shift_add's proof covers more digits.
(* anyconst *) wire [2*BEATS*WORD_W-1:0] constants;

function signed [WIDE_W-1:0] times(input signed [WIDE_W-1:0] factor, input [4:0] digit);
    times = !digit[4] ? 0 : digit[3] ? -(factor << digit[2:0]) : factor << digit[2:0];
endfunction

genvar c;
generate
    for (c = 0; c < 2 * CHANNELS; c = c + 1) begin : factors
        always @* begin
            assume (!constants[c*LANE_W+9] && (!constants[c*LANE_W+4] || constants[c*LANE_W +: 3] != 3'd7));
        end
    end
endgenerate

always @(posedge clk) begin
    rom_data <= constants[rom_addr*WORD_W +: WORD_W];
end

wire taken = s_axis_tvalid && s_axis_tready;

reg [BEAT_W-1:0] beat  = {BEAT_W{1'b0}};
reg              turn  = 1'b0;  // a beat can be taken
reg [3:0]        since = 4'd0;  // cycles since a reset

always @(posedge clk) begin
    turn  <= !rst && !turn;
    since <= rst ? 4'd0 : since == LATENCY ? since : since + 1'b1;
    beat  <= rst ? {BEAT_W{1'b0}} : !taken ? beat : beat == BEATS - 1 ? {BEAT_W{1'b0}} : beat + 1'b1;
end

localparam HALF = (1 << SCALE_SHIFT) >> 1;

wire [WORD_W-1:0]      scale = constants[2*beat*WORD_W +: WORD_W];
wire [WORD_W-1:0]      slope = constants[(2*beat+1)*WORD_W +: WORD_W];
wire [LANES*OUT_W-1:0] y;

genvar lane;
generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
        wire signed [IN_W-1:0]   x       = s_axis_tdata[lane*IN_W +: IN_W];
        wire signed [BITS-1:0]   b1      = scale[lane*LANE_W+10 +: BITS];
        wire signed [BITS-1:0]   b2      = slope[lane*LANE_W+10 +: BITS];
        wire signed [WIDE_W-1:0] scaled  = times(x, scale[lane*LANE_W +: 5]) + HALF;
        wire signed [WIDE_W-1:0] shifted = scaled >>> SCALE_SHIFT;
        wire signed [WIDE_W-1:0] v       = shifted + b1;
        wire signed [WIDE_W-1:0] bent    = times(v, slope[lane*LANE_W +: 5]);
        wire signed [WIDE_W-1:0] below   = bent >>> SLOPE_SHIFT;
        wire signed [WIDE_W-1:0] result  = (v >= 0 ? v : below) + b2;
        assign y[lane*OUT_W +: OUT_W] = result;
    end
endgenerate

wire [LANES*OUT_W-1:0] expected;
wire                   expected_valid;
delayed #(.WIDTH(LANES * OUT_W), .CYCLES(LATENCY)) later (.clk(clk), .in(y), .out(expected));
delayed #(.WIDTH(1), .CYCLES(LATENCY)) valid_later (.clk(clk), .in(taken && !rst), .out(expected_valid));

always @* begin
    if (running) begin
        ready_in_turn: assert (s_axis_tready == turn);
        valid_in_time: assert (m_axis_tvalid == (expected_valid && since == LATENCY));
        computed: assert (!m_axis_tvalid || m_axis_tdata == expected);
    end
end

endmodule
