// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * 2x2 average: (a + b + c + d + 2) >> 2 per channel, arithmetic shift.
 *
 * LANES channels a beat in and out. One memory holds the partial sums of half a row of pixels. Latency 1 cycle after
 * the fourth pixel's beat, throughput 1 input beat a cycle. Reset restarts at a frame's first pixel.
 */
module average_pool #(
    // Channels of a pixel
    parameter CHANNELS     = 16,
    // Channels a beat, a divisor of CHANNELS
    parameter LANES        = 1,
    // Width of the residual stream, B
    parameter BITS         = 16,
    // Pixels of an input row, even
    parameter WIDTH_PIXELS = 8
) (
    input  wire                  clk,
    input  wire                  rst,

    // Stream input
    input  wire [LANES*BITS-1:0] s_axis_tdata,
    input  wire                  s_axis_tvalid,
    output wire                  s_axis_tready,

    // Stream output
    output wire [LANES*BITS-1:0] m_axis_tdata,
    output wire                  m_axis_tvalid,
    input  wire                  m_axis_tready
);

localparam BEATS  = CHANNELS / LANES;
localparam BEAT_W = BEATS > 1 ? $clog2(BEATS) : 1;
localparam COL_W  = WIDTH_PIXELS > 1 ? $clog2(WIDTH_PIXELS) : 1;
localparam PAIRS  = WIDTH_PIXELS / 2;
localparam WORDS  = PAIRS * BEATS;
localparam ADDR_W = WORDS > 1 ? $clog2(WORDS) : 1;
localparam SUM_W  = BITS + 2;

localparam LAST_BEAT = BEATS - 1;
localparam LAST_COL = WIDTH_PIXELS - 1;
localparam PIXEL_STEP = BEATS - 1;

reg [BEAT_W-1:0] beat;
reg [COL_W-1:0]  col;
reg              odd_row;
reg [ADDR_W-1:0] addr;  // beat of the current pair of columns

wire first  = !odd_row && !col[0];
wire fourth = odd_row && col[0];

reg [LANES*BITS-1:0] out_data;
reg                  out_valid;

wire out_free = !out_valid || m_axis_tready;
wire accept   = s_axis_tvalid && s_axis_tready;

assign s_axis_tready = !fourth || out_free;
assign m_axis_tdata  = out_data;
assign m_axis_tvalid = out_valid;

always @(posedge clk) begin
    if (accept) begin
        if (beat != LAST_BEAT[BEAT_W-1:0]) begin
            beat <= beat + 1'b1;
            addr <= addr + 1'b1;
        end else begin
            beat <= {BEAT_W{1'b0}};
            if (col == LAST_COL[COL_W-1:0]) begin
                col     <= {COL_W{1'b0}};
                odd_row <= !odd_row;
                addr    <= {ADDR_W{1'b0}};
            end else begin
                col  <= col + 1'b1;
                // A pair's second column goes over the words of its first.
                addr <= col[0] ? addr + 1'b1 : addr - PIXEL_STEP[ADDR_W-1:0];
            end
        end
    end
    if (rst) begin
        beat    <= {BEAT_W{1'b0}};
        col     <= {COL_W{1'b0}};
        odd_row <= 1'b0;
        addr    <= {ADDR_W{1'b0}};
    end
end

reg  [LANES*SUM_W-1:0] sums [0:WORDS-1];
wire [LANES*SUM_W-1:0] stored = sums[addr];
wire [LANES*SUM_W-1:0] updated;
wire [LANES*BITS-1:0]  average;

genvar lane;
generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
        wire signed [BITS-1:0]  x       = s_axis_tdata[lane*BITS +: BITS];
        wire signed [SUM_W-1:0] wide_x  = {{SUM_W-BITS{x[BITS-1]}}, x};
        wire signed [SUM_W-1:0] previous  = first ? {SUM_W{1'b0}} : stored[lane*SUM_W +: SUM_W];
        wire signed [SUM_W-1:0] sum     = previous + wide_x;
        // Four B-bit numbers plus 2 stay inside B + 2 bits: 4 * (2^(B-1) - 1) + 2 < 2^(B+1).
        wire [SUM_W-1:0]        rounded = sum + {{SUM_W-2{1'b0}}, 2'd2};
        wire [1:0]              unused_fraction = rounded[1:0];
        assign updated[lane*SUM_W +: SUM_W] = sum;
        assign average[lane*BITS +: BITS]   = rounded[SUM_W-1:2];
    end
endgenerate

always @(posedge clk) begin
    if (accept) begin
        sums[addr] <= updated;
    end
    if (out_free) begin
        out_data  <= average;
        out_valid <= s_axis_tvalid && fourth;
    end
    if (rst) begin
        out_valid <= 1'b0;
    end
end

endmodule

`resetall
