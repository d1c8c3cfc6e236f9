// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * A reset that software asks for: one cycle of `request` makes CYCLES of rst_out, from the cycle after it on.
 *
 * rst gives rst_out too, and CYCLES more: blocks whose own reset arrives a cycle later have then seen it.
 */
module reset_stretcher #(
    // Cycles of a reset, at least 2
    parameter CYCLES = 4
) (
    input  wire clk,
    input  wire rst,
    input  wire request,
    output wire rst_out
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (CYCLES < 2) begin : check
        CYCLES_must_be_at_least_2 stop ();
    end
endgenerate

reg [CYCLES-1:0] left;  // a one for each cycle that is to come

assign rst_out = left[0];

always @(posedge clk) begin
    if (rst || request) begin
        left <= {CYCLES{1'b1}};
    end else begin
        left <= {1'b0, left[CYCLES-1:1]};
    end
end

endmodule

`resetall
