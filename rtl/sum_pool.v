// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Sum pooling: P_c = sum of X_c over the PIXELS pixels of a frame, exact.
 *
 * LANES channels a beat. The sums leave with the beats of the frame's last pixel, throughput 1 beat a cycle. Partial
 * sums lie in a memory, which may be block RAM and slow to answer: a beat meets its own behind two registers, latency
 * 3 cycles. With one or two beats a pixel the same channel comes again too soon for that: they are then few enough for
 * registers, latency 1 cycle. Reset restarts at a frame's first pixel.
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

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (LANES < 1 || CHANNELS < 1 || CHANNELS % LANES != 0) begin : check_1
        LANES_must_divide_CHANNELS stop ();
    end
    if (BITS < 2) begin : check_2
        BITS_must_be_at_least_2 stop ();
    end
    if (PIXELS < 1) begin : check_3
        PIXELS_must_be_at_least_1 stop ();
    end
endgenerate

reg [BEAT_W-1:0]  beat;
reg [PIXEL_W-1:0] pixel;

wire first = pixel == 0;
wire last  = pixel == LAST_PIXEL[PIXEL_W-1:0];

reg [LANES*SUM_W-1:0] out_data;
reg                   out_valid;

// The whole pipeline moves or none of it.
wire step   = !out_valid || m_axis_tready;
wire accept = s_axis_tvalid && s_axis_tready;

assign s_axis_tready = step;
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

(* ramstyle = "no_rw_check", syn_ramstyle = "no_rw_check", no_rw_check *)
reg [LANES*SUM_W-1:0] sums [0:BEATS-1];

// A beat and its partial sum where they meet.
wire [LANES*BITS-1:0]  in;
wire                   in_valid;
wire                   in_first;
wire                   in_last;
wire [BEAT_W-1:0]      in_beat;
wire [LANES*SUM_W-1:0] stored;
wire [LANES*SUM_W-1:0] updated;

generate
    if (BEATS > 2) begin : registered
        reg [LANES*BITS-1:0]  in_1, in_2;
        reg                   valid_1, valid_2;
        reg                   first_1, first_2;
        reg                   last_1, last_2;
        reg [BEAT_W-1:0]      beat_1, beat_2;
        reg [LANES*SUM_W-1:0] stored_1, stored_2;

        assign {in, in_valid, in_first, in_last} = {in_2, valid_2, first_2, last_2};
        assign {in_beat, stored}                 = {beat_2, stored_2};

        always @(posedge clk) begin
            if (step) begin
                {in_1, first_1, last_1, beat_1} <= {s_axis_tdata, first, last, beat};
                {in_2, first_2, last_2, beat_2} <= {in_1, first_1, last_1, beat_1};
                valid_1  <= s_axis_tvalid;
                valid_2  <= valid_1;
                stored_1 <= sums[beat];
                stored_2 <= stored_1;
            end
            if (rst) begin
                valid_1 <= 1'b0;
                valid_2 <= 1'b0;
            end
        end
    end else begin : direct
        assign {in, in_valid, in_first, in_last} = {s_axis_tdata, s_axis_tvalid, first, last};
        assign {in_beat, stored}                 = {beat, sums[beat]};
    end
endgenerate

genvar lane;
generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
        wire signed [BITS-1:0]  x        = in[lane*BITS +: BITS];
        wire signed [SUM_W-1:0] previous = in_first ? {SUM_W{1'b0}} : stored[lane*SUM_W +: SUM_W];
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
    if (step && in_valid) begin
        sums[in_beat] <= updated;
    end
    if (step) begin
        out_data  <= updated;
        out_valid <= in_valid && in_last;
    end
    if (rst) begin
        out_valid <= 1'b0;
    end
end

endmodule

`resetall
