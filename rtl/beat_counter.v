// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Counts the beats of a pixel: next = the number of the beat that will be current after this clock edge.
 *
 * Used to address constant ROMs with registered outputs, whose data is then there when its beat is.
 */
module beat_counter #(
    // Beats of a pixel
    parameter BEATS  = 4,
    // Derived: width of a beat's number
    parameter BEAT_W = BEATS > 1 ? $clog2(BEATS) : 1
) (
    input  wire              clk,
    input  wire              rst,
    input  wire              advance,
    output wire [BEAT_W-1:0] next
);

localparam LAST = BEATS - 1;

reg [BEAT_W-1:0] current;

wire [BEAT_W-1:0] following = current == LAST[BEAT_W-1:0] ? {BEAT_W{1'b0}} : current + 1'b1;

assign next = rst ? {BEAT_W{1'b0}} : advance ? following : current;

always @(posedge clk) begin
    current <= next;
end

endmodule

`resetall
