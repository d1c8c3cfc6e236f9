// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Sum pooling: P_c = sum of X_c over the PIXELS pixels of a frame, exact.
 *
 * LANES channels a beat. The sums leave with the beats of the frame's last pixel: latency 1 cycle, throughput 1 beat
 * a cycle. Reset restarts at a frame's first pixel.
 */
module sum_pool #(
    // Channels of a pixel
    parameter CHANNELS = 64,
    // Channels a beat, a divisor of CHANNELS
    parameter LANES    = 1,
    // Width of the residual stream, B
    parameter BITS     = 16,
    // Pixels of a frame
    parameter PIXELS   = 64,
    // Derived: PIXELS numbers of BITS bits
    parameter SUM_W    = BITS + $clog2(PIXELS)
) (
    input  wire                   clk,
    input  wire                   rst,

    // Stream input, X
    input  wire [LANES*BITS-1:0]  s_axis_tdata,
    input  wire                   s_axis_tvalid,
    output wire                   s_axis_tready,

    // Stream output, P
    output wire [LANES*SUM_W-1:0] m_axis_tdata,
    output wire                   m_axis_tvalid,
    input  wire                   m_axis_tready
);

localparam BEATS   = CHANNELS / LANES;
localparam BEAT_W  = BEATS > 1 ? $clog2(BEATS) : 1;
localparam PIXEL_W = PIXELS > 1 ? $clog2(PIXELS) : 1;

localparam LAST_BEAT = BEATS - 1;
localparam LAST_PIXEL = PIXELS - 1;

reg [BEAT_W-1:0]  beat;
reg [PIXEL_W-1:0] pixel;

wire first = pixel == 0;
wire last  = pixel == LAST_PIXEL[PIXEL_W-1:0];

reg [LANES*SUM_W-1:0] out_data;
reg                   out_valid;

wire out_free = !out_valid || m_axis_tready;
wire accept   = s_axis_tvalid && s_axis_tready;

assign s_axis_tready = !last || out_free;
assign m_axis_tdata  = out_data;
assign m_axis_tvalid = out_valid;

always @(posedge clk) begin
    if (accept) begin
        beat <= beat == LAST_BEAT[BEAT_W-1:0] ? {BEAT_W{1'b0}} : beat + 1'b1;
        if (beat == LAST_BEAT[BEAT_W-1:0]) begin
            pixel <= last ? {PIXEL_W{1'b0}} : pixel + 1'b1;
        end
    end
    if (rst) begin
        beat  <= {BEAT_W{1'b0}};
        pixel <= {PIXEL_W{1'b0}};
    end
end

reg  [LANES*SUM_W-1:0] sums [0:BEATS-1];
wire [LANES*SUM_W-1:0] stored = sums[beat];
wire [LANES*SUM_W-1:0] updated;

genvar lane;
generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
        wire signed [BITS-1:0]  x      = s_axis_tdata[lane*BITS +: BITS];
        wire signed [SUM_W-1:0] previous = first ? {SUM_W{1'b0}} : stored[lane*SUM_W +: SUM_W];
        wire signed [SUM_W-1:0] wide_x;
        if (SUM_W > BITS) begin : extend
            assign wide_x = {{SUM_W-BITS{x[BITS-1]}}, x};
        end else begin : same
            assign wide_x = x;
        end
        assign updated[lane*SUM_W +: SUM_W] = previous + wide_x;
    end
endgenerate

always @(posedge clk) begin
    if (accept) begin
        sums[beat] <= updated;
    end
    if (out_free) begin
        out_data  <= updated;
        out_valid <= s_axis_tvalid && last;
    end
    if (rst) begin
        out_valid <= 1'b0;
    end
end

endmodule

`resetall
