// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Simulation only: writes every transferred beat of a stream to a file, as the raw words of %z: two of 32 bits for
 * every 32 bits of a beat (the last ones filled up), the second telling which bits are x or z.
 *
 * Beats are written many at a time, which a simulator does in a fraction of the time that lines of text would take.
 * `flush` brings what is still waiting to the file.
 */
module stream_probe #(
    // Width of a beat in bits
    parameter WIDTH = 16,
    // File name, in the simulator's working folder
    parameter FILE  = "stream.bin"
) (
    input wire             clk,
    input wire             rst,
    input wire             flush,

    // Monitored stream
    input wire [WIDTH-1:0] tdata,
    input wire             tvalid,
    input wire             tready
);

localparam AT_ONCE = 64;
localparam WORD_W  = 32 * ((WIDTH + 31) / 32);

integer file;
integer count;
integer i;
reg [AT_ONCE*WORD_W-1:0] waiting;

initial begin
    file = $fopen(FILE, "wb");
    count = 0;
    waiting = {AT_ONCE*WORD_W{1'b0}};
end

always @(posedge clk) begin
    if (tvalid && tready && !rst) begin
        waiting[WORD_W*count +: WIDTH] = tdata;
        count = count + 1;
        if (count == AT_ONCE) begin
            $fwrite(file, "%z", waiting);
            count = 0;
        end
    end
    if (flush) begin
        for (i = 0; i < count; i = i + 1) begin
            $fwrite(file, "%z", waiting[WORD_W*i +: WORD_W]);
        end
        count = 0;
        $fflush(file);
    end
end

endmodule

`resetall
