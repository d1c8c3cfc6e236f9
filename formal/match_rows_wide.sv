// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * match_rows_wide: match_rows as wide as it is generated: each of two rows' counts is the number of its `terms` that were 1
 * STAGES cycles before. Weights of a fixed sequence without a pattern; match_rows' own proof and the bench have others.
 */
module match_rows_wide_properties #(
    parameter WIDTH      = 9,
    parameter STAGES     = 1,
    parameter LUT_INPUTS = 4,
    parameter COUNT_W    = $clog2(WIDTH + 1)
) (
    input  wire                 clk,
    input  wire [WIDTH-1:0]     data,
    output wire [2*COUNT_W-1:0] count,
    output wire [2*WIDTH-1:0]   terms
);

// A shift register of 16 bits with feedback.
function [2*WIDTH-1:0] sequence_of_weights(input unused);
    reg [15:0] state;
    integer    i;
    begin
        state = 16'hace1;
        for (i = 0; i < 2 * WIDTH; i = i + 1) begin
            sequence_of_weights[i] = state[0];
            state = {state[0] ^ state[2] ^ state[3] ^ state[5], state[15:1]};
        end
    end
endfunction

localparam [2*WIDTH-1:0] WEIGHTS = sequence_of_weights(1'b0);

match_rows #(.WIDTH(WIDTH), .ROWS(2), .STAGES(STAGES), .LUT_INPUTS(LUT_INPUTS), .WEIGHTS(WEIGHTS)) dut (
    .clk(clk),
    .data(data),
    .counts(count)
);

assign terms = ~({data, data} ^ WEIGHTS);

endmodule
