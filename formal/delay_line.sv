// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * delay_line: what comes in leaves CYCLES cycles later; for as long after a reset nothing but zeros.
 */
module delay_line_properties #(
    parameter WIDTH  = 2,
    parameter CYCLES = 4
) (
    input wire             clk,
    input wire             rst,
    input wire             mark,
    input wire [WIDTH-1:0] in
);

localparam AGE_W = $clog2(CYCLES + 1);

wire [WIDTH-1:0] out;

delay_line #(.WIDTH(WIDTH), .CYCLES(CYCLES)) dut (
    .clk(clk),
    .rst(rst),
    .in(in),
    .out(out)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

// A word that the solver marks, its age in cycles, and the cycles since a reset.
reg [AGE_W-1:0] age   = {AGE_W{1'b0}};  // 0: none is marked
reg [WIDTH-1:0] word;
reg [AGE_W-1:0] since = {AGE_W{1'b0}};

always @(posedge clk) begin
    if (age == 0 && mark) begin
        age  <= 1;
        word <= in;
    end else if (age != 0) begin
        age <= age == CYCLES ? {AGE_W{1'b0}} : age + 1'b1;
    end
    if (since != CYCLES) begin
        since <= since + 1'b1;
    end
    if (rst) begin
        age   <= {AGE_W{1'b0}};
        since <= {AGE_W{1'b0}};
    end
end

always @* begin
    if (running) begin
        leaves_in_time: assert (age != CYCLES || out == word);
        zeros_first: assert (since >= CYCLES || out == 0);
    end
end

`ifdef INVARIANTS
(* hierconn *) wire [WIDTH*CYCLES-1:0] \dut.line ;

wire [WIDTH*CYCLES-1:0] older = \dut.line >> (since * WIDTH);

always @* begin
    if (running) begin
        on_its_way: assert (age == 0 || \dut.line [(age-1)*WIDTH +: WIDTH] == word);
        cleared: assert (older == 0);
        ages: assert (age <= since && since <= CYCLES);
    end
end
`endif

endmodule
