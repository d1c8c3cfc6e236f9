// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Simulation only: writes every transferred beat of a stream to a text file, one hexadecimal word a line.
 *
 * `flush` brings what is still buffered to the file.
 */
module stream_probe #(
    // Width of a beat in bits
    parameter WIDTH = 16,
    // File name, in the simulator's working folder
    parameter FILE  = "stream.hex"
) (
    input wire             clk,
    input wire             rst,
    input wire             flush,

    // Monitored stream
    input wire [WIDTH-1:0] tdata,
    input wire             tvalid,
    input wire             tready
);

integer file;

initial begin
    file = $fopen(FILE, "w");
end

always @(posedge clk) begin
    if (tvalid && tready && !rst) begin
        $fwrite(file, "%h\n", tdata);
    end
    if (flush) begin
        $fflush(file);
    end
end

endmodule

`resetall
