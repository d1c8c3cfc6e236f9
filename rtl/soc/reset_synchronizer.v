// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * AXI's reset, active low and perhaps asynchronous, as this project's blocks take it: active high, in step with the clock.
 *
 * It begins at once and ends two cycles after aresetn has risen.
 */
module reset_synchronizer (
    input  wire clk,
    input  wire aresetn,
    output wire rst
);

(* ASYNC_REG = "TRUE", keep = "true", preserve, syn_keep = 1, syn_preserve = 1 *)
reg [1:0] stages;

assign rst = stages[1];

always @(posedge clk or negedge aresetn) begin
    if (!aresetn) begin
        stages <= 2'b11;
    end else begin
        stages <= {stages[0], 1'b0};
    end
end

endmodule

`resetall
