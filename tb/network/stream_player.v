// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Simulation only: plays beats from a text file, {tlast, tdata} as one hexadecimal word a line, without a pause while
 * `play` is high.
 *
 * The testbench then need not run in every cycle: that is most of a simulation's time where it is written in Python.
 */
module stream_player #(
    // Width of tdata in bits
    parameter WIDTH = 8,
    // File name, in the simulator's working folder
    parameter FILE  = "pixels.hex"
) (
    input  wire             clk,
    input  wire             rst,
    input  wire             play,

    // Stream output
    output reg  [WIDTH-1:0] tdata,
    output reg              tlast,
    output reg              tvalid,
    input  wire             tready
);

integer file;
integer found;
reg [WIDTH:0] word;

initial begin
    file = 0;
    tvalid = 1'b0;
end

always @(posedge clk) begin
    if (rst || play !== 1'b1) begin
        tvalid <= 1'b0;
    end else if (!tvalid || tready) begin
        if (file == 0) begin
            file = $fopen(FILE, "r");
        end
        found = $fscanf(file, "%h", word);
        tvalid         <= found == 1;
        {tlast, tdata} <= word;
    end
end

endmodule

`resetall
