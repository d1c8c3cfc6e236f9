// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * sat(x): clamps a signed number of IN_W bits to OUT_W bits. Combinational.
 */
module saturate #(
    // Width of the input, more than OUT_W
    parameter IN_W  = 20,
    // Width of the output
    parameter OUT_W = 16
) (
    input  wire signed [IN_W-1:0]  in,
    output wire signed [OUT_W-1:0] out
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (OUT_W < 2) begin : check_1
        OUT_W_must_be_at_least_2 stop ();
    end
    if (IN_W <= OUT_W) begin : check_2
        IN_W_must_be_more_than_OUT_W stop ();
    end
endgenerate

// It fits where all bits from OUT_W - 1 upward are copies of the sign.
wire [IN_W-OUT_W:0] head = in[IN_W-1:OUT_W-1];
wire                fits = head == {IN_W-OUT_W+1{in[IN_W-1]}};

assign out = fits ? in[OUT_W-1:0] : {in[IN_W-1], {OUT_W-1{!in[IN_W-1]}}};

endmodule

`resetall
