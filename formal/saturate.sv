// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * saturate: what fits leaves as it is; what does not becomes the nearer end of the range.
 */
module saturate_properties #(
    parameter IN_W  = 20,
    parameter OUT_W = 16
) (
    input wire signed [IN_W-1:0] in
);

wire signed [OUT_W-1:0] out;

saturate #(.IN_W(IN_W), .OUT_W(OUT_W)) dut (
    .in(in),
    .out(out)
);

localparam signed [IN_W-1:0] HIGHEST = (1 << (OUT_W - 1)) - 1;
localparam signed [IN_W-1:0] LOWEST  = -(1 << (OUT_W - 1));

wire signed [IN_W-1:0] wide = out;

always @* begin
    clamped: assert (wide == (in > HIGHEST ? HIGHEST : in < LOWEST ? LOWEST : in));
end

endmodule
