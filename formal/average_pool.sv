// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * average_pool: (a + b + c + d + 2) >> 2 of every 2x2 pixels and each channel leaves in order, 4 cycles after the last of
 * them, rows and frames back to back; no sum of the upper row is read while one is written.
 */
module average_pool_properties #(
    parameter CHANNELS     = 1,
    parameter LANES        = 1,
    parameter BITS         = 3,
    parameter WIDTH_PIXELS = 2
) (
    input wire                  clk,
    input wire                  rst,
    input wire                  mark,
    input wire [LANES*BITS-1:0] s_axis_tdata,
    input wire                  s_axis_tvalid,
    input wire                  m_axis_tready
);

localparam BEATS = CHANNELS / LANES;
localparam W     = LANES * BITS;

wire         s_axis_tready;
wire [W-1:0] m_axis_tdata;
wire         m_axis_tvalid;

average_pool #(.CHANNELS(CHANNELS), .LANES(LANES), .BITS(BITS), .WIDTH_PIXELS(WIDTH_PIXELS)) dut (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(W)) out (
    .clk(clk), .rst(rst), .data(m_axis_tdata), .valid(m_axis_tvalid), .ready(m_axis_tready));

wire in_beat = s_axis_tvalid && s_axis_tready && !rst;

// The last row and this one, as they came: the newest beat in the low bits.
reg [2*WIDTH_PIXELS*BEATS*W-1:0] history;
reg [7:0]                        beat = 8'd0;
reg [7:0]                        col  = 8'd0;
reg                              row  = 1'b0;  // of two

always @(posedge clk) begin
    if (in_beat) begin
        history <= {history, s_axis_tdata};
        beat    <= beat == BEATS - 1 ? 8'd0 : beat + 1'b1;
        if (beat == BEATS - 1) begin
            col <= col == WIDTH_PIXELS - 1 ? 8'd0 : col + 1'b1;
            row <= row != (col == WIDTH_PIXELS - 1);
        end
    end
    if (rst) begin
        beat <= 8'd0;
        col  <= 8'd0;
        row  <= 1'b0;
    end
end

// The same channels of the pixel to the left, of the one above and of the one above that to the left.
wire [W-1:0] left       = history[(BEATS-1)*W +: W];
wire [W-1:0] above      = history[(WIDTH_PIXELS*BEATS-1)*W +: W];
wire [W-1:0] above_left = history[((WIDTH_PIXELS+1)*BEATS-1)*W +: W];
wire [W-1:0] average;

genvar l;
generate
    for (l = 0; l < LANES; l = l + 1) begin : lanes
        wire signed [BITS-1:0] a = above_left[l*BITS +: BITS];
        wire signed [BITS-1:0] b = above[l*BITS +: BITS];
        wire signed [BITS-1:0] c = left[l*BITS +: BITS];
        wire signed [BITS-1:0] d = s_axis_tdata[l*BITS +: BITS];
        wire signed [31:0]     total   = a + b + c + d + 32'sd2;
        wire signed [31:0]     quarter = total >>> 2;
        assign average[l*BITS +: BITS] = quarter[BITS-1:0];
    end
endgenerate

wire [2:0]   inside;
wire         marked;
wire [2:0]   ahead;
wire [W-1:0] word;

words_in_order #(.WIDTH(W), .CAPACITY(4), .LATENCY(4)) averages (
    .clk(clk), .rst(rst), .mark(mark),
    .in_data(average), .in_beat(in_beat && row && col[0]),
    .out_data(m_axis_tdata), .out_valid(m_axis_tvalid), .out_beat(m_axis_tvalid && m_axis_tready && !rst),
    .inside(inside), .marked(marked), .ahead(ahead), .word(word));

(* hierconn *) wire \dut.upper_2 ;
(* hierconn *) wire \dut.lower_1 ;

always @* begin
    if (running) begin
        waits_for_its_end_only: assert (s_axis_tready == (!m_axis_tvalid || m_axis_tready));
        never_read_while_written: assert (!(\dut.upper_2 && \dut.lower_1 ));
    end
end

endmodule
