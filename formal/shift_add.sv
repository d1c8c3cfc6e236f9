// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * shift_add: result = addend + x * K, DIGITS + 1 cycles later, for every constant K that the form of the digits can code:
 * FORM 0 all shifts and signs, 1 four shifts, of which the first digit is never subtracted, 2 two shifts, every digit used,
 * none subtracted.
 */
module shift_add_properties #(
    parameter IN_W       = 5,
    parameter OUT_W      = 15,
    parameter DIGITS     = 2,
    parameter LUT_INPUTS = 4,
    parameter FORM       = 0,
    parameter MULTIPLY   = 1
) (
    input wire                    clk,
    input wire signed [IN_W-1:0]  x,
    input wire [5*DIGITS-1:0]     code,
    input wire signed [OUT_W-1:0] addend
);

localparam [23:0]       EACH     = FORM == 0 ? 24'o76543210 : FORM == 1 ? 24'o64206420 : 24'o51515151;
localparam [DIGITS-1:0] NEGATED  = FORM == 0 ? {DIGITS{1'b1}} : FORM == 1 ? {DIGITS{1'b1}} << 1 : {DIGITS{1'b0}};
localparam [DIGITS-1:0] OPTIONAL = FORM == 2 ? {DIGITS{1'b0}} : {DIGITS{1'b1}};

wire signed [OUT_W-1:0] result;

shift_add #(
    .IN_W(IN_W), .OUT_W(OUT_W), .DIGITS(DIGITS), .SHIFTS({DIGITS{EACH}}), .NEGATED(NEGATED), .OPTIONAL(OPTIONAL),
    .LUT_INPUTS(LUT_INPUTS)
) dut (
    .clk(clk),
    .x(x),
    .code(code),
    .addend(addend),
    .result(result)
);

// K and x * K: by `*`, which solvers find hard, or as the sum of what x becomes by each digit.
function signed [OUT_W-1:0] times(input signed [OUT_W-1:0] factor, input [5*DIGITS-1:0] all);
    reg signed [OUT_W-1:0] term;
    integer d;
    begin
        times = 0;
        for (d = 0; d < DIGITS; d = d + 1) begin
            term = factor << EACH[3*all[5*d +: 3] +: 3];
            if (all[5*d+4] || !OPTIONAL[d]) begin
                times = all[5*d+3] && NEGATED[d] ? times - term : times + term;
            end
        end
    end
endfunction

wire signed [OUT_W-1:0] wide_x = x;
wire signed [OUT_W-1:0] k      = times(1, code);
wire signed [OUT_W-1:0] product;

generate
    if (MULTIPLY != 0) begin : multiplied_by_k
        assign product = wide_x * k;
    end else begin : multiplied_by_digits
        assign product = times(wide_x, code);
    end
endgenerate

wire [OUT_W-1:0] expected;
delayed #(.WIDTH(OUT_W), .CYCLES(DIGITS + 1)) later (.clk(clk), .in(product + addend), .out(expected));

reg [2:0] cycle = 3'd0;
always @(posedge clk) begin
    cycle <= cycle == DIGITS + 1 ? cycle : cycle + 1'b1;
end

always @* begin
    multiplied: assert (cycle <= DIGITS || result == expected);
end

endmodule
