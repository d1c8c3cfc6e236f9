// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * AXI's reset, active low and perhaps asynchronous, as this project's blocks take it: active high, in step with the clock.
 *
 * It begins one to two cycles after aresetn has fallen, and ends three after that has risen. A reset shorter than a cycle
 * counts too.
 */
module reset_synchronizer (
    input  wire clk,
    input  wire aresetn,
    output reg  rst
);

(* ASYNC_REG = "TRUE", keep = "true", preserve, syn_keep = 1, syn_preserve = 1 *)
reg [1:0] stages;

always @(posedge clk or negedge aresetn) begin
    if (!aresetn) begin
        stages <= 2'b11;
    end else begin
        stages <= {stages[0], 1'b0};
    end
end

// Begins in step with the clock too.
always @(posedge clk) begin
    rst <= stages[1];
end

endmodule

`resetall
