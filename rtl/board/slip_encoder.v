// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Frames into a byte stream (SLIP, RFC 1055): END before and behind each, END and ESC in it as ESC and another byte.
 *
 * No latency but the bytes that are added: END in front lets a receiver drop what noise has left on the line. Reset
 * restarts before a frame.
 */
module slip_encoder (
    input  wire       clk,
    input  wire       rst,

    // Stream input, one byte a beat; tlast on a frame's last
    input  wire [7:0] s_axis_tdata,
    input  wire       s_axis_tvalid,
    output wire       s_axis_tready,
    input  wire       s_axis_tlast,

    // Stream output, one byte a beat
    output wire [7:0] m_axis_tdata,
    output wire       m_axis_tvalid,
    input  wire       m_axis_tready
);

localparam [7:0] END         = 8'hC0;
localparam [7:0] ESC         = 8'hDB;
localparam [7:0] ESCAPED_END = 8'hDC;
localparam [7:0] ESCAPED_ESC = 8'hDD;

localparam [1:0] BEFORE = 2'd0;
localparam [1:0] BYTES  = 2'd1;
localparam [1:0] SECOND = 2'd2;  // of the two that stand for one
localparam [1:0] BEHIND = 2'd3;

reg [1:0] state;

wire is_end  = s_axis_tdata == END;
wire special = is_end || s_axis_tdata == ESC;
wire moved   = m_axis_tvalid && m_axis_tready;
wire whole   = state == SECOND || (state == BYTES && !special);  // the input's byte is done with this one

// The byte that stands for the input's, or the first of the two that do; and the second.
wire [7:0] plain  = special ? ESC : s_axis_tdata;
wire [7:0] second = is_end ? ESCAPED_END : ESCAPED_ESC;

assign m_axis_tdata  = state == BYTES ? plain : state == SECOND ? second : END;
assign m_axis_tvalid = s_axis_tvalid || state == BEHIND;
assign s_axis_tready = whole && m_axis_tready;

always @(posedge clk) begin
    if (moved) begin
        case (state)
            BEFORE:  state <= BYTES;
            BEHIND:  state <= BEFORE;
            default: state <= !whole ? SECOND : s_axis_tlast ? BEHIND : BYTES;
        endcase
    end
    if (rst) begin
        state <= BEFORE;
    end
end

endmodule

`resetall
