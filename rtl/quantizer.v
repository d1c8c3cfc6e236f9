// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Fractional activation: q = [X >= T1] + [X >= T2] + [X >= T3], two bits per channel, T1 <= T2 <= T3.
 *
 * LANES channels a beat; the thresholds of the current beat come from a ROM that this block addresses.
 * Latency 2 cycles, throughput 1 beat a cycle: thresholds are registered before they are compared, since they may come
 * late, from block RAM. Reset drops what is under way and returns to the first beat of a pixel.
 *
 * ROM word, lane 0 in the low bits:  lane = {T3, T2, T1}, each BITS wide and signed.
 */
module quantizer #(
    // Channels of a pixel
    parameter CHANNELS = 16,
    // Channels a beat, a divisor of CHANNELS
    parameter LANES    = 1,
    // Width of the residual stream, B
    parameter BITS     = 16,
    // Derived: beats of a pixel and the width of their number
    parameter BEATS    = CHANNELS / LANES,
    parameter BEAT_W   = BEATS > 1 ? $clog2(BEATS) : 1
) (
    input  wire                    clk,
    input  wire                    rst,

    // Threshold ROM: data belongs to the address of the last cycle with rom_read
    output wire                    rom_read,
    output wire [BEAT_W-1:0]       rom_addr,
    input  wire [LANES*3*BITS-1:0] rom_data,

    // Stream input, X
    input  wire [LANES*BITS-1:0]   s_axis_tdata,
    input  wire                    s_axis_tvalid,
    output wire                    s_axis_tready,

    // Stream output, {msb, lsb} of each lane
    output wire [LANES*2-1:0]      m_axis_tdata,
    output wire                    m_axis_tvalid,
    input  wire                    m_axis_tready
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (LANES < 1 || CHANNELS < 1 || CHANNELS % LANES != 0) begin : check_1
        LANES_must_divide_CHANNELS stop ();
    end
    if (BITS < 2) begin : check_2
        BITS_must_be_at_least_2 stop ();
    end
endgenerate

wire accept = s_axis_tvalid && s_axis_tready;

wire [LANES*2-1:0] levels;

reg [LANES*BITS-1:0]   in_data;
reg [LANES*3*BITS-1:0] thresholds;
reg [LANES*2-1:0]      out_data;
reg                    in_valid;
reg                    out_valid;

wire enable = !out_valid || m_axis_tready;

assign s_axis_tready = enable;
assign m_axis_tdata  = out_data;
assign m_axis_tvalid = out_valid;

beat_counter #(
    .BEATS(BEATS)
) beat (
    .clk(clk),
    .rst(rst),
    .advance(accept),
    .read(rom_read),
    .addr(rom_addr)
);

genvar lane;
generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
        wire signed [BITS-1:0] x  = in_data[lane*BITS +: BITS];
        wire signed [BITS-1:0] t1 = thresholds[(lane*3+0)*BITS +: BITS];
        wire signed [BITS-1:0] t2 = thresholds[(lane*3+1)*BITS +: BITS];
        wire signed [BITS-1:0] t3 = thresholds[(lane*3+2)*BITS +: BITS];
        wire msb = x >= t2;
        // Ordered thresholds: q is 3 or 2 above T2, 1 or 0 below.
        wire lsb = msb ? x >= t3 : x >= t1;
        assign levels[lane*2 +: 2] = {msb, lsb};
    end
endgenerate

always @(posedge clk) begin
    if (enable) begin
        in_data    <= s_axis_tdata;
        thresholds <= rom_data;
        in_valid   <= s_axis_tvalid;
        out_data   <= levels;
        out_valid  <= in_valid;
    end
    if (rst) begin
        in_valid  <= 1'b0;
        out_valid <= 1'b0;
    end
end

endmodule

`resetall
