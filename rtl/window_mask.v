// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * One mask bit per tap to one per window bit: mask[t*CHANNELS +: CHANNELS] = taps[t]. Wires only.
 */
module window_mask #(
    // Bits of one tap
    parameter CHANNELS = 16
) (
    input  wire [8:0]            taps,
    output wire [9*CHANNELS-1:0] mask
);

genvar t;
generate
    for (t = 0; t < 9; t = t + 1) begin : per_tap
        assign mask[t*CHANNELS +: CHANNELS] = {CHANNELS{taps[t]}};
    end
endgenerate

endmodule

`resetall
