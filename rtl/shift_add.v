// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Multiplies by a constant of few signed digits and adds: result = addend + sum over digits of +-(x << shift).
 *
 * Digit d of the code is {enable, negate, index[2:0]} at code[5*d +: 5]; the index chooses among the shifts that the
 * digit can have. The fewer these are the smaller the shifter: a layer's constants need few of them
 * (gen/stages/digit_codes.py), and entries that no index reaches repeat others, which costs nothing.
 * Latency DIGITS + 1 cycles (the shifts, then one addition each), throughput one result a cycle. Data only: nothing
 * to reset.
 */
module shift_add #(
    // Width of x
    parameter IN_W   = 16,
    // Width of the result; the caller knows that it fits
    parameter OUT_W  = 24,
    // Signed digits
    parameter DIGITS = 2,
    // Shifts of each digit, an octal digit for each index, index 0 and digit 0 last
    parameter [24*DIGITS-1:0] SHIFTS   = {DIGITS{24'o76543210}},
    // Which digits are ever subtracted, and which are ever left out
    parameter [DIGITS-1:0]    NEGATED  = {DIGITS{1'b1}},
    parameter [DIGITS-1:0]    OPTIONAL = {DIGITS{1'b1}},
    // 4: inverters stand behind the shifts, where they share a LUT; 6: before the adder, where they do
    parameter LUT_INPUTS = 4
) (
    input  wire                    clk,

    input  wire signed [IN_W-1:0]  x,
    input  wire [5*DIGITS-1:0]     code,
    input  wire signed [OUT_W-1:0] addend,
    output wire signed [OUT_W-1:0] result
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (IN_W < 2) begin : check_1
        IN_W_must_be_at_least_2 stop ();
    end
    if (OUT_W < IN_W) begin : check_2
        OUT_W_must_be_at_least_IN_W stop ();
    end
    if (DIGITS < 1 || DIGITS > 3) begin : check_3
        DIGITS_must_be_1_to_3 stop ();
    end
    if (LUT_INPUTS != 4 && LUT_INPUTS != 6) begin : check_4
        LUT_INPUTS_must_be_4_or_6 stop ();
    end
endgenerate

reg [OUT_W-1:0] waiting_addend;

always @(posedge clk) begin
    waiting_addend <= addend;
end

wire [OUT_W-1:0] wide = {{OUT_W-IN_W{x[IN_W-1]}}, x};

// Digit d is added d cycles after digit 0: its term waits so long.
genvar d;
genvar i;
generate
    for (d = 0; d < DIGITS; d = d + 1) begin : digit
        for (i = 0; i < 8; i = i + 1) begin : choice
            wire [OUT_W-1:0] shifted_x = wide << SHIFTS[24*d+3*i +: 3];
        end

        wire [2:0]       index = code[5*d +: 3];
        wire [OUT_W-1:0] among_0_to_3 = index[1] ? (index[0] ? choice[3].shifted_x : choice[2].shifted_x) :
                                                   (index[0] ? choice[1].shifted_x : choice[0].shifted_x);
        wire [OUT_W-1:0] among_4_to_7 = index[1] ? (index[0] ? choice[7].shifted_x : choice[6].shifted_x) :
                                                   (index[0] ? choice[5].shifted_x : choice[4].shifted_x);
        wire [OUT_W-1:0] chosen = index[2] ? among_4_to_7 : among_0_to_3;
        wire             used   = code[5*d+4] || !OPTIONAL[d];
        wire             minus  = code[5*d+3] && NEGATED[d];
        wire             early  = minus && LUT_INPUTS == 4;
        wire [OUT_W:0]   term   = used ? {minus, chosen ^ {OUT_W{early}}} : {OUT_W+1{1'b0}};
        wire [OUT_W-1:0] below;

        reg [(d+1)*(OUT_W+1)-1:0] waiting;
        reg [OUT_W-1:0]           sum;

        wire             negate  = waiting[(d+1)*(OUT_W+1)-1];
        wire [OUT_W-1:0] shifted = waiting[d*(OUT_W+1) +: OUT_W];

        if (d == 0) begin : lowest
            assign below = waiting_addend;
            always @(posedge clk) begin
                waiting <= term;
            end
        end else begin : higher
            assign below = digit[d-1].sum;
            always @(posedge clk) begin
                waiting <= {waiting[d*(OUT_W+1)-1:0], term};
            end
        end

        if (NEGATED[d]) begin : add_or_subtract
            // One adder for both: the inverted bits, and below the lowest bit 1 + 1, whose carry makes up the negative.
            wire             late  = negate && LUT_INPUTS != 4;
            wire [OUT_W:0]   total = {below, 1'b1} + {shifted ^ {OUT_W{late}}, negate};
            wire             unused_carried = total[0];

            always @(posedge clk) begin
                sum <= total[OUT_W:1];
            end
        end else begin : add
            wire unused_negate = negate;
            always @(posedge clk) begin
                sum <= below + shifted;
            end
        end
    end
endgenerate

assign result = digit[DIGITS-1].sum;

endmodule

`resetall
