// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * The reset of a board that has no button for it: 1 from configuration on until the clock has been good for CYCLES.
 *
 * The registers begin with the values that configuration gives them. Nothing else of a design relies on such values, but
 * for `loaded` of weight_loader.
 * `good` (a PLL's lock, asynchronous) passes two registers; where it falls, the reset comes again. The cycles also give
 * an iCE40's block RAMs their time, whose contents can be read only some microseconds after configuration.
 */
module reset_generator #(
    // Cycles of a good clock before the reset ends, at least 1
    parameter CYCLES = 4096
) (
    input  wire clk,
    input  wire good,
    // Synchronous, active high
    output wire rst
);

localparam COUNT_W = CYCLES > 1 ? $clog2(CYCLES) : 1;

localparam LAST = CYCLES - 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (CYCLES < 1) begin : check_1
        CYCLES_must_be_at_least_1 stop ();
    end
endgenerate

(* ASYNC_REG = "TRUE", keep = "true", preserve, syn_keep = 1, syn_preserve = 1 *)
reg [1:0]         stable;
reg [COUNT_W-1:0] count;
reg               released;

assign rst = !released;

initial begin
    stable   = 2'b00;
    count    = {COUNT_W{1'b0}};
    released = 1'b0;
end

always @(posedge clk) begin
    stable <= {stable[0], good};
    if (!stable[1]) begin
        count    <= {COUNT_W{1'b0}};
        released <= 1'b0;
    end else if (!released) begin
        count    <= count + 1'b1;
        released <= count == LAST[COUNT_W-1:0];
    end
end

endmodule

`resetall
