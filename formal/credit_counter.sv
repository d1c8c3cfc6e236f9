// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * credit_counter: there is credit exactly while fewer than RESULTS are under way or waiting; no count is lost where one is
 * begun and another taken at once; reset gives all credit back.
 */
module credit_counter_properties #(
    parameter RESULTS = 3
) (
    input wire clk,
    input wire rst,
    input wire begun,
    input wire taken
);

localparam COUNT_W = $clog2(RESULTS + 1);

wire has_credit;

credit_counter #(.RESULTS(RESULTS)) dut (
    .clk(clk),
    .rst(rst),
    .begun(begun),
    .taken(taken),
    .has_credit(has_credit)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

reg [COUNT_W:0] under_way = {COUNT_W+1{1'b0}};

always @(posedge clk) begin
    under_way <= rst ? {COUNT_W+1{1'b0}} : under_way + begun - taken;
end

// Work is begun with credit only, and only what was begun is taken.
always @* begin
    assume (!begun || has_credit);
    assume (!taken || under_way != 0);
end

always @* begin
    if (running) begin
        credit_while_there_is_room: assert (has_credit == (under_way < RESULTS));
        never_too_many: assert (under_way <= RESULTS);
    end
end

`ifdef INVARIANTS
(* hierconn *) wire [COUNT_W-1:0] \dut.remaining ;

always @* begin
    if (running) begin
        complement: assert (\dut.remaining + under_way == RESULTS);
    end
end
`endif

endmodule
