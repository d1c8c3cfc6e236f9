// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * pixel_level: the level is the number of bits [p >= R k + R/2], k = 0 .. LEVELS - 1, R = 256 / LEVELS, that are set, for
 * every pixel p.
 */
module pixel_level_properties #(
    parameter LEVELS = 32
) (
    input wire [7:0] pixel
);

localparam LEVEL_W    = $clog2(LEVELS + 2);
localparam RESOLUTION = 256 / LEVELS;

wire [LEVEL_W-1:0] level;

pixel_level #(.LEVELS(LEVELS)) dut (
    .pixel(pixel),
    .level(level)
);

wire [LEVELS-1:0] code;

genvar k;
generate
    for (k = 0; k < LEVELS; k = k + 1) begin : thermometer
        assign code[k] = pixel >= RESOLUTION * k + RESOLUTION / 2;
    end
endgenerate

wire [$clog2(LEVELS+1)-1:0] set;
number_of_ones #(.WIDTH(LEVELS)) ones (.in(code), .out(set));

always @* begin
    bits_of_the_code: assert (level == set);
end

endmodule
