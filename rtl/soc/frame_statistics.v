// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Counts frames, and knows whether any is on its way.
 *
 * Each input is high for one cycle a frame. Counts wrap; overflow stays high once one has. Once nothing is on its way,
 * frames_in = frames_out + frames_dropped. Reset clears all.
 */
module frame_statistics #(
    // Width of a count
    parameter WIDTH = 32
) (
    input  wire             clk,
    input  wire             rst,

    // A frame's first beat is taken, its last; the frame had a wrong length; its result is dropped; its result has left
    input  wire             begun,
    input  wire             ended,
    input  wire             bad,
    input  wire             dropped,
    input  wire             left,

    // Frames that have begun and neither left nor been dropped
    output wire             on_the_way,
    output reg  [WIDTH-1:0] frames_in,
    output reg  [WIDTH-1:0] frames_out,
    output reg  [WIDTH-1:0] frames_bad,
    output reg  [WIDTH-1:0] frames_dropped,
    output reg              overflow
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check
        WIDTH_must_be_at_least_1 stop ();
    end
endgenerate

// More than an accelerator of the longest pipeline holds.
localparam WAY_W = 16;

reg [WAY_W-1:0] way;

assign on_the_way = way != 0;

wire [WAY_W-1:0] arriving  = {{(WAY_W - 1){1'b0}}, begun};
wire [WAY_W-1:0] leaving_1 = {{(WAY_W - 1){1'b0}}, dropped};
wire [WAY_W-1:0] leaving_2 = {{(WAY_W - 1){1'b0}}, left};

always @(posedge clk) begin
    way <= way + arriving - leaving_1 - leaving_2;
    if (ended) begin
        frames_in <= frames_in + 1'b1;
    end
    if (left) begin
        frames_out <= frames_out + 1'b1;
    end
    if (bad) begin
        frames_bad <= frames_bad + 1'b1;
    end
    if (dropped) begin
        frames_dropped <= frames_dropped + 1'b1;
    end
    if ((ended && &frames_in) || (left && &frames_out) || (bad && &frames_bad) || (dropped && &frames_dropped)) begin
        overflow <= 1'b1;
    end
    if (rst) begin
        way            <= {WAY_W{1'b0}};
        frames_in      <= {WIDTH{1'b0}};
        frames_out     <= {WIDTH{1'b0}};
        frames_bad     <= {WIDTH{1'b0}};
        frames_dropped <= {WIDTH{1'b0}};
        overflow       <= 1'b0;
    end
end

endmodule

`resetall
