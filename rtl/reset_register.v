// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * A copy of the reset, one cycle later, for one part of a design.
 *
 * Each part has its own, so that no reset has to reach all of the die within a cycle. Synthesis keeps them apart,
 * although they are alike.
 */
(* keep_hierarchy = "yes", syn_hier = "hard" *)
module reset_register (
    input  wire clk,
    input  wire rst,
    output wire rst_copy
);

(* keep = "true", preserve, dont_merge, syn_keep = 1, syn_preserve = 1 *)
reg copy;

always @(posedge clk) begin
    copy <= rst;
end

assign rst_copy = copy;

endmodule

`resetall
