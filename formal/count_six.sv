// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * count_six: the count is the number of bits, of six, that are like those of WEIGHTS, for all weights and all bits.
 */
module count_six_properties (
    input wire [5:0] in
);

wire [63:0] right;

genvar i;
generate
    for (i = 0; i < 64; i = i + 1) begin : all_weights
        localparam [5:0] WEIGHTS = i;

        wire [2:0] count;
        wire [2:0] expected;

        count_six #(.WEIGHTS(WEIGHTS)) dut (
            .in(in),
            .count(count)
        );

        number_of_ones #(.WIDTH(6)) alike (.in(~(in ^ WEIGHTS)), .out(expected));

        assign right[i] = count == expected;
    end
endgenerate

always @* begin
    counted: assert (&right);
end

endmodule
