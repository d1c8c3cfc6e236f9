// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Drops and counts the results of bad frames: a result passes where its frame's status bit is 1.
 *
 * No latency. A result waits for its status, which frame_guard sends with the frame's last pixel. The count of
 * dropped frames wraps at 2^16. Reset clears it.
 */
module frame_filter #(
    // Width of a beat in bits
    parameter WIDTH = 32
) (
    input  wire             clk,
    input  wire             rst,

    // Status input, one beat a frame: 1 = good
    input  wire             s_status_tdata,
    input  wire             s_status_tvalid,
    output wire             s_status_tready,

    // Stream input
    input  wire [WIDTH-1:0] s_axis_tdata,
    input  wire             s_axis_tlast,
    input  wire             s_axis_tvalid,
    output wire             s_axis_tready,

    // Stream output
    output wire [WIDTH-1:0] m_axis_tdata,
    output wire             m_axis_tlast,
    output wire             m_axis_tvalid,
    input  wire             m_axis_tready,

    output reg  [15:0]      dropped_frames
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check
        WIDTH_must_be_at_least_1 stop ();
    end
endgenerate

wire good    = s_status_tdata;
wire ready   = s_status_tvalid && (!good || m_axis_tready);
wire leaving = s_axis_tvalid && ready && s_axis_tlast;

assign m_axis_tdata    = s_axis_tdata;
assign m_axis_tlast    = s_axis_tlast;
assign m_axis_tvalid   = s_axis_tvalid && s_status_tvalid && good;
assign s_axis_tready   = ready;
assign s_status_tready = leaving;

always @(posedge clk) begin
    if (leaving && !good) begin
        dropped_frames <= dropped_frames + 1'b1;
    end
    if (rst) begin
        dropped_frames <= 16'd0;
    end
end

endmodule

`resetall
