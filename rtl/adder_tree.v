// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Sum of VALUES signed numbers: neighbours are added in pairs, level by level, with a register after each level.
 *
 * Latency LEVELS cycles (one where there is a single number), throughput one sum a cycle. Data only: nothing to reset.
 */
module adder_tree #(
    // Numbers to add
    parameter VALUES  = 27,
    // Width of a number in bits
    parameter WIDTH   = 7,
    // Derived: levels of adders and width of the sum
    parameter LEVELS  = VALUES > 1 ? $clog2(VALUES) : 0,
    parameter SUM_W   = WIDTH + LEVELS
) (
    input  wire                    clk,
    input  wire [VALUES*WIDTH-1:0] values,
    output wire signed [SUM_W-1:0] sum
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (VALUES < 1) begin : check_1
        VALUES_must_be_at_least_1 stop ();
    end
    if (WIDTH < 1) begin : check_2
        WIDTH_must_be_at_least_1 stop ();
    end
endgenerate

genvar l;
genvar i;
generate
    for (l = 0; l <= LEVELS; l = l + 1) begin : level
        localparam COUNT = (VALUES + (1 << l) - 1) >> l;  // numbers that this level has
        localparam W     = WIDTH + l;

        wire [COUNT*W-1:0] numbers;

        if (l == 0) begin : inputs
            assign numbers = values;
        end else begin : add
            localparam BEFORE = (VALUES + (1 << (l - 1)) - 1) >> (l - 1);

            reg [COUNT*W-1:0] sums;

            for (i = 0; i < COUNT; i = i + 1) begin : pair
                wire signed [W-2:0] x = level[l-1].numbers[2*i*(W-1) +: W-1];
                if (2 * i + 1 < BEFORE) begin : two
                    wire signed [W-2:0] y = level[l-1].numbers[(2*i+1)*(W-1) +: W-1];
                    always @(posedge clk) begin
                        sums[i*W +: W] <= {x[W-2], x} + {y[W-2], y};
                    end
                end else begin : left_over
                    always @(posedge clk) begin
                        sums[i*W +: W] <= {x[W-2], x};
                    end
                end
            end

            assign numbers = sums;
        end
    end

    if (LEVELS > 0) begin : tree
        assign sum = level[LEVELS].numbers;
    end else begin : single
        reg [WIDTH-1:0] only;
        always @(posedge clk) begin
            only <= level[0].numbers;
        end
        assign sum = only;
    end
endgenerate

endmodule

`resetall
