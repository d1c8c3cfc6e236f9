// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * One byte's step of CRC-32 as Ethernet and zlib have it: polynomial 0x04C11DB7, bits reflected.
 *
 * The register begins as all ones; the checksum is its complement, sent low byte first. Behind data and checksum the
 * register holds 0xDEBB20E3. No latency.
 */
module crc32_byte (
    input  wire [31:0] crc,
    input  wire [7:0]  data,
    output wire [31:0] next
);

function [31:0] step;
    input [31:0] value;
    integer i;
    begin
        step = value;
        for (i = 0; i < 8; i = i + 1) begin
            step = {1'b0, step[31:1]} ^ (step[0] ? 32'hEDB88320 : 32'h0);
        end
    end
endfunction

assign next = step({crc[31:8], crc[7:0] ^ data});

endmodule

`resetall
