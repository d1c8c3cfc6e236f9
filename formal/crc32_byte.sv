// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * crc32_byte: a byte's step is the division by CRC-32's polynomial 0x04C11DB7, bit by bit, low bit first, for every
 * register and byte.
 */
module crc32_byte_properties (
    input wire [31:0] crc,
    input wire [7:0]  data
);

wire [31:0] next;

crc32_byte dut (
    .crc(crc),
    .data(data),
    .next(next)
);

function [31:0] reflected(input [31:0] value);
    integer i;
    begin
        for (i = 0; i < 32; i = i + 1) begin
            reflected[i] = value[31-i];
        end
    end
endfunction

// The remainder with its highest power on the left, as the polynomial is written; the block has it the other way round.
function [31:0] divided(input [31:0] remainder, input [7:0] bits);
    integer i;
    begin
        divided = remainder;
        for (i = 0; i < 8; i = i + 1) begin
            divided = {divided[30:0], 1'b0} ^ (divided[31] != bits[i] ? 32'h04C11DB7 : 32'd0);
        end
    end
endfunction

always @* begin
    step_of_division: assert (next == reflected(divided(reflected(crc), data)));
end

endmodule
