// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * AXI's reset, active low and perhaps asynchronous, as this project's blocks take it: active high, in step with the clock.
 *
 * It begins with the second edge of clk after aresetn has fallen, and ends with the fourth after that has risen. A reset
 * shorter than a cycle counts too. Two registers against metastability stand before rst at either end.
 */
module reset_synchronizer (
    input  wire clk,
    input  wire aresetn,
    output reg  rst
);

// Set at any time, cleared in step with the clock
(* ASYNC_REG = "TRUE", keep = "true", preserve, syn_keep = 1, syn_preserve = 1 *)
reg [1:0] held;

always @(posedge clk or negedge aresetn) begin
    if (!aresetn) begin
        held <= 2'b11;
    end else begin
        held <= {held[0], 1'b0};
    end
end

// Set in step with the clock too: held rises near an edge where aresetn falls there.
(* ASYNC_REG = "TRUE", keep = "true", preserve, syn_keep = 1, syn_preserve = 1 *)
reg seen;

always @(posedge clk) begin
    seen <= held[1];
    rst  <= seen;
end

endmodule

`resetall
