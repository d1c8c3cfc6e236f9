// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Number of window bits inside the image, CHANNELS for each tap inside; the number of taps passes CYCLES registers.
 */
module valid_bits #(
    // Bits of one tap
    parameter CHANNELS = 16,
    // Width of the result
    parameter SUM_W    = 9,
    // Delay, at least 1
    parameter CYCLES   = 1
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [8:0]       taps,
    output wire [SUM_W-1:0] bits
);

localparam ONE = CHANNELS;

wire [3:0] count = {3'b000, taps[0]} + {3'b000, taps[1]} + {3'b000, taps[2]}
                 + {3'b000, taps[3]} + {3'b000, taps[4]} + {3'b000, taps[5]}
                 + {3'b000, taps[6]} + {3'b000, taps[7]} + {3'b000, taps[8]};
wire [3:0] delayed;

delay_line #(
    .WIDTH(4),
    .CYCLES(CYCLES)
) delay (
    .clk(clk),
    .rst(rst),
    .in(count),
    .out(delayed)
);

// count * CHANNELS as shifted copies of a constant.
assign bits = (delayed[0] ? ONE[SUM_W-1:0]      : {SUM_W{1'b0}})
            + (delayed[1] ? ONE[SUM_W-1:0] << 1 : {SUM_W{1'b0}})
            + (delayed[2] ? ONE[SUM_W-1:0] << 2 : {SUM_W{1'b0}})
            + (delayed[3] ? ONE[SUM_W-1:0] << 3 : {SUM_W{1'b0}});

endmodule

`resetall
