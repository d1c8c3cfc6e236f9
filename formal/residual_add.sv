// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * residual_add: a beat of both inputs is taken together, and a cycle later leaves every lane's sum, clamped to BITS bits.
 */
module residual_add_properties #(
    parameter LANES = 2,
    parameter IN_W  = 5,
    parameter BITS  = 4
) (
    input wire                  clk,
    input wire                  rst,
    input wire                  mark,
    input wire [LANES*IN_W-1:0] s_axis_tdata,
    input wire                  s_axis_tvalid,
    input wire [LANES*BITS-1:0] s_skip_tdata,
    input wire                  s_skip_tvalid,
    input wire                  m_axis_tready
);

wire                  s_axis_tready;
wire                  s_skip_tready;
wire [LANES*BITS-1:0] m_axis_tdata;
wire                  m_axis_tvalid;

residual_add #(.LANES(LANES), .IN_W(IN_W), .BITS(BITS)) dut (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .s_skip_tdata(s_skip_tdata),
    .s_skip_tvalid(s_skip_tvalid),
    .s_skip_tready(s_skip_tready),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(LANES * BITS)) out (
    .clk(clk), .rst(rst), .data(m_axis_tdata), .valid(m_axis_tvalid), .ready(m_axis_tready));

// The sums, by comparison with the ends of the range.
localparam signed [31:0] HIGHEST = (1 << (BITS - 1)) - 1;
localparam signed [31:0] LOWEST  = -(1 << (BITS - 1));

wire [LANES*BITS-1:0] sums;

genvar lane;
generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
        wire signed [IN_W-1:0] v    = s_axis_tdata[lane*IN_W +: IN_W];
        wire signed [BITS-1:0] skip = s_skip_tdata[lane*BITS +: BITS];
        wire signed [31:0]     sum  = v + skip;
        assign sums[lane*BITS +: BITS] = sum > HIGHEST ? HIGHEST : sum < LOWEST ? LOWEST : sum;
    end
endgenerate

wire                  taken = s_axis_tvalid && s_axis_tready;
wire [1:0]            inside;
wire                  marked;
wire [1:0]            ahead;
wire [LANES*BITS-1:0] word;

words_in_order #(.WIDTH(LANES * BITS), .CAPACITY(1), .LATENCY(1)) words (
    .clk(clk), .rst(rst), .mark(mark),
    .in_data(sums), .in_beat(taken && !rst),
    .out_data(m_axis_tdata), .out_valid(m_axis_tvalid), .out_beat(m_axis_tvalid && m_axis_tready && !rst),
    .inside(inside), .marked(marked), .ahead(ahead), .word(word));

always @* begin
    together: assert (taken == (s_skip_tvalid && s_skip_tready));
    if (running) begin
        taken_when_both_are_there: assert (taken == (s_axis_tvalid && s_skip_tvalid && (inside == 0 || m_axis_tready)));
    end
end

`ifdef INVARIANTS
always @* begin
    if (running) begin
        place: assert (inside == m_axis_tvalid);
        in_register: assert (!marked || m_axis_tdata == word);
    end
end
`endif

endmodule
