// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Multiplies by a constant of few signed digits: product = sum over digits of +-(x << shift). Combinational.
 *
 * Digit d of the code is {enable, negate, shift[2:0]} at code[5*d +: 5].
 */
module shift_add #(
    // Width of x
    parameter IN_W   = 16,
    // Width of the product; the caller knows that it fits
    parameter OUT_W  = 24,
    // Signed digits
    parameter DIGITS = 2
) (
    input  wire signed [IN_W-1:0]  x,
    input  wire [5*DIGITS-1:0]     code,
    output wire signed [OUT_W-1:0] product
);

wire [OUT_W-1:0] wide = {{OUT_W-IN_W{x[IN_W-1]}}, x};

// partial[d] is the sum of the digits below d.
wire [(DIGITS+1)*OUT_W-1:0] partial;

assign partial[0 +: OUT_W] = {OUT_W{1'b0}};
assign product = partial[DIGITS*OUT_W +: OUT_W];

genvar d;
generate
    for (d = 0; d < DIGITS; d = d + 1) begin : digit
        wire             enable = code[5*d+4];
        wire             negate = code[5*d+3];
        wire [2:0]       shift  = code[5*d +: 3];
        wire [OUT_W-1:0] term   = enable ? wide << shift : {OUT_W{1'b0}};
        assign partial[(d+1)*OUT_W +: OUT_W] = negate ? partial[d*OUT_W +: OUT_W] - term
                                                      : partial[d*OUT_W +: OUT_W] + term;
    end
endgenerate

endmodule

`resetall
