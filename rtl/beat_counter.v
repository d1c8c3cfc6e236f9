// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Reads the constants of a pixel's beats from a ROM, so that each beat's are there when it is.
 *
 * The ROM holds the current beat's word; when that beat is taken (`advance`) it reads the next one's. The address is
 * known beforehand, so that a handshake decides on the read alone. Word 0 is read in the cycle after reset, so that the
 * reset, which comes from afar, stays out of the address; no beat is taken in that cycle.
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

    // ROM: data belongs to the address of the last cycle with `read`
    output wire              read,
    output wire [BEAT_W-1:0] addr
);

localparam LAST = BEATS - 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (BEATS < 1) begin : check
        BEATS_must_be_at_least_1 stop ();
    end
endgenerate

reg [BEAT_W-1:0] following;  // the beat whose word is read next
reg              starting;   // no word is there yet

assign read = advance || starting;
assign addr = following;

always @(posedge clk) begin
    starting <= rst;
    if (read) begin
        following <= following == LAST[BEAT_W-1:0] ? {BEAT_W{1'b0}} : following + 1'b1;
    end
    if (rst) begin
        following <= {BEAT_W{1'b0}};
    end
end

endmodule

`resetall
