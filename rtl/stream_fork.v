// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * One stream to two consumers: every beat reaches both, each takes it when it is ready.
 *
 * No latency and no storage but one bit per consumer, which remembers that it already has the current beat; a slow
 * consumer therefore lets the other run ahead by exactly one beat. Reset forgets both bits.
 */
module stream_fork #(
    // Width of a beat in bits
    parameter WIDTH = 8
) (
    input  wire             clk,
    input  wire             rst,

    // Stream input
    input  wire [WIDTH-1:0] s_axis_tdata,
    input  wire             s_axis_tvalid,
    output wire             s_axis_tready,

    // Stream output 0
    output wire [WIDTH-1:0] m0_axis_tdata,
    output wire             m0_axis_tvalid,
    input  wire             m0_axis_tready,

    // Stream output 1
    output wire [WIDTH-1:0] m1_axis_tdata,
    output wire             m1_axis_tvalid,
    input  wire             m1_axis_tready
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check
        WIDTH_must_be_at_least_1 stop ();
    end
endgenerate

reg taken_0;
reg taken_1;

wire done_0 = taken_0 || m0_axis_tready;
wire done_1 = taken_1 || m1_axis_tready;

assign m0_axis_tdata  = s_axis_tdata;
assign m1_axis_tdata  = s_axis_tdata;
assign m0_axis_tvalid = s_axis_tvalid && !taken_0;
assign m1_axis_tvalid = s_axis_tvalid && !taken_1;
assign s_axis_tready  = done_0 && done_1;

always @(posedge clk) begin
    if (s_axis_tvalid) begin
        taken_0 <= done_0 && !done_1;
        taken_1 <= done_1 && !done_0;
    end
    if (rst) begin
        taken_0 <= 1'b0;
        taken_1 <= 1'b0;
    end
end

endmodule

`resetall
