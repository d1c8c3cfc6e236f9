// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * reset_register: the copy is the reset of the cycle before.
 */
module reset_register_properties (
    input wire clk,
    input wire rst
);

wire rst_copy;

reset_register dut (
    .clk(clk),
    .rst(rst),
    .rst_copy(rst_copy)
);

reg started = 1'b0;
reg before;

always @(posedge clk) begin
    started <= 1'b1;
    before  <= rst;
end

always @* begin
    a_cycle_later: assert (!started || rst_copy == before);
end

endmodule
