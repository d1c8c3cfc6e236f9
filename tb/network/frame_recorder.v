// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Simulation only: takes every beat of a stream while `record` is high and writes {tlast, tdata} and the time in
 * ns to a text file, a line a beat. `frames` counts the beats with tlast.
 */
module frame_recorder #(
    // Width of tdata in bits
    parameter WIDTH = 32,
    // File name, in the simulator's working folder
    parameter FILE  = "frames.txt"
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             record,
    input  wire             flush,

    // Stream input: always ready
    input  wire [WIDTH-1:0] tdata,
    input  wire             tlast,
    input  wire             tvalid,

    output reg  [31:0]      frames
);

integer file;

initial begin
    file = $fopen(FILE, "w");
    frames = 32'd0;
end

always @(posedge clk) begin
    if (record && tvalid && !rst) begin
        $fwrite(file, "%h %0d\n", {tlast, tdata}, $time);
        if (tlast) begin
            frames <= frames + 1;
        end
    end
    if (flush) begin
        $fflush(file);
    end
end

endmodule

`resetall
