// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Lets frames in while `enable` is high; a frame that has begun, or whose first beat is offered, passes to its end. No
 * latency.
 *
 * The gate answers to `enable` a cycle later. begun and ended are high for the cycle in which a frame's first and last
 * beat pass. Reset closes the gate.
 */
module frame_gate (
    input  wire clk,
    input  wire rst,
    input  wire enable,

    // Stream input and output; the data pass beside the gate
    input  wire s_axis_tvalid,
    output wire s_axis_tready,
    input  wire s_axis_tlast,
    output wire m_axis_tvalid,
    input  wire m_axis_tready,

    output wire begun,
    output wire ended,
    // Between a frame's first beat and its last
    output reg  in_frame
);

reg  open;

wire taken     = s_axis_tvalid && s_axis_tready;
wire will_stay = taken ? !s_axis_tlast : in_frame;

assign s_axis_tready = open && m_axis_tready;
assign m_axis_tvalid = open && s_axis_tvalid;
assign begun         = taken && !in_frame;
assign ended         = taken && s_axis_tlast;

always @(posedge clk) begin
    in_frame <= will_stay;
    open     <= will_stay || enable || (m_axis_tvalid && !m_axis_tready);
    if (rst) begin
        in_frame <= 1'b0;
        open     <= 1'b0;
    end
end

endmodule

`resetall
