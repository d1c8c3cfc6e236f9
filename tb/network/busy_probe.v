// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Simulation only: writes in how many of each INTERVAL cycles `busy` was high, one decimal number a line, from the
 * start of the simulation on.
 */
module busy_probe #(
    // Cycles of one number
    parameter INTERVAL = 100,
    // File name, in the simulator's working folder
    parameter FILE     = "busy.txt"
) (
    input wire clk,
    input wire flush,
    input wire busy
);

integer file;
integer cycle;
integer count;

initial begin
    file = $fopen(FILE, "w");
    cycle = 0;
    count = 0;
end

always @(posedge clk) begin
    if (cycle == INTERVAL - 1) begin
        $fwrite(file, "%0d\n", count + (busy === 1'b1 ? 1 : 0));
        cycle = 0;
        count = 0;
    end else begin
        cycle = cycle + 1;
        count = count + (busy === 1'b1 ? 1 : 0);
    end
    if (flush) begin
        $fflush(file);
    end
end

endmodule

`resetall
