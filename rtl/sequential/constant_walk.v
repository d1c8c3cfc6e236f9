// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Addresses of the constants of a layer's channels: from `base` on, one further with each `advance`, and back to it
 * behind the last channel.
 *
 * `start` begins at `base`, which stays as it is while the layer lasts, like `last`. The address comes a cycle after its
 * `start` or `advance`, one a cycle. Data only: nothing to reset.
 */
module constant_walk #(
    // Width of an address
    parameter ADDR_W    = 10,
    // Width of a channel's number
    parameter CHANNEL_W = 6
) (
    input  wire                 clk,
    input  wire                 start,
    input  wire                 advance,
    input  wire [ADDR_W-1:0]    base,
    // Number of channels less one
    input  wire [CHANNEL_W-1:0] last,
    output reg  [ADDR_W-1:0]    addr
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (ADDR_W < 1) begin : check_1
        ADDR_W_must_be_at_least_1 stop ();
    end
    if (CHANNEL_W < 1) begin : check_2
        CHANNEL_W_must_be_at_least_1 stop ();
    end
endgenerate

reg [CHANNEL_W-1:0] channel;

wire ends = channel == last;

always @(posedge clk) begin
    if (start) begin
        addr    <= base;
        channel <= {CHANNEL_W{1'b0}};
    end else if (advance) begin
        addr    <= ends ? base : addr + 1'b1;
        channel <= ends ? {CHANNEL_W{1'b0}} : channel + 1'b1;
    end
end

endmodule

`resetall
