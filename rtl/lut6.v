// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * A function of six bits that is to become one 6-input LUT: out = TABLE[in].
 *
 * Synthesis keeps it whole: left alone it takes 6-bit sums apart for the sake of parts that it can share, and needs
 * more LUTs in the end. Combinational.
 */
(* keep_hierarchy = "yes", syn_hier = "hard" *)
module lut6 #(
    // Bit i: the value for in == i
    parameter [63:0] TABLE = 64'd0
) (
    input  wire [5:0] in,
    output wire       out
);

assign out = TABLE[in];

endmodule

`resetall
