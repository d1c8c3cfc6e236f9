// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Delays control bits by CYCLES clock cycles, so that they arrive beside data that took a pipeline. Reset clears it.
 */
module delay_line #(
    // Width in bits
    parameter WIDTH  = 1,
    // Delay, at least 1
    parameter CYCLES = 1
) (
    input  wire             clk,
    input  wire             rst,
    input  wire [WIDTH-1:0] in,
    output wire [WIDTH-1:0] out
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check_1
        WIDTH_must_be_at_least_1 stop ();
    end
    if (CYCLES < 1) begin : check_2
        CYCLES_must_be_at_least_1 stop ();
    end
endgenerate

reg [WIDTH*CYCLES-1:0] line;

assign out = line[WIDTH*(CYCLES-1) +: WIDTH];

generate
    if (CYCLES > 1) begin : long_line
        always @(posedge clk) begin
            line <= rst ? {WIDTH*CYCLES{1'b0}} : {line[WIDTH*(CYCLES-1)-1:0], in};
        end
    end else begin : one_register
        always @(posedge clk) begin
            line <= rst ? {WIDTH{1'b0}} : in;
        end
    end
endgenerate

endmodule

`resetall
