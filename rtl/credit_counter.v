// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Credits: how many results may still be begun, of RESULTS that can be under way or waiting at once.
 *
 * For a pipeline that never stalls and ends in a FIFO of RESULTS words. Work is begun only while there is credit, so that
 * the FIFO cannot overflow, and no path leads from its end to the pipeline's beginning. What is begun or taken counts from the next cycle on. Reset gives
 * all credit back.
 */
module credit_counter #(
    // Results that may be under way or waiting at once
    parameter RESULTS = 16
) (
    input  wire clk,
    input  wire rst,

    // One is begun (only with has_credit); one is taken out of the FIFO
    input  wire begun,
    input  wire taken,

    output reg  has_credit
);

localparam CREDIT_W = $clog2(RESULTS + 1);

localparam ALL = RESULTS;
localparam ONE = 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (RESULTS < 1) begin : check
        RESULTS_must_be_at_least_1 stop ();
    end
endgenerate

reg [CREDIT_W-1:0] remaining;  // has_credit is kept beside it: remaining != 0

always @(posedge clk) begin
    if (begun != taken) begin
        remaining <= remaining + ({CREDIT_W{begun}} | ONE[CREDIT_W-1:0]);  // one adder: +1 or, all ones, -1
        has_credit <= taken || remaining != 1;
    end
    if (rst) begin
        remaining <= ALL[CREDIT_W-1:0];
        has_credit <= 1'b1;
    end
end

endmodule

`resetall
