// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * A register in a stream that breaks every path between its two sides, data, valid and ready alike.
 *
 * Latency 1 cycle, throughput 1 beat a cycle: a second register takes the beat that arrives while the first is not
 * taken, before `ready` can fall. Reset empties it.
 */
module stream_register #(
    // Width of a beat in bits
    parameter WIDTH = 8
) (
    input  wire             clk,
    input  wire             rst,

    // Stream input
    input  wire [WIDTH-1:0] s_axis_tdata,
    input  wire             s_axis_tvalid,
    output wire             s_axis_tready,

    // Stream output
    output wire [WIDTH-1:0] m_axis_tdata,
    output wire             m_axis_tvalid,
    input  wire             m_axis_tready
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check
        WIDTH_must_be_at_least_1 stop ();
    end
endgenerate

reg [WIDTH-1:0] out_data;
reg [WIDTH-1:0] spare_data;
reg             out_valid;
reg             spare_free;

wire out_free = !out_valid || m_axis_tready;

assign s_axis_tready = spare_free;
assign m_axis_tdata  = out_data;
assign m_axis_tvalid = out_valid;

always @(posedge clk) begin
    if (spare_free) begin
        spare_data <= s_axis_tdata;
    end
    if (out_free) begin
        out_data  <= spare_free ? s_axis_tdata : spare_data;
        out_valid <= s_axis_tvalid || !spare_free;
    end
    spare_free <= out_free || (spare_free && !s_axis_tvalid);
    if (rst) begin
        out_valid  <= 1'b0;
        spare_free <= 1'b1;
    end
end

endmodule

`resetall
