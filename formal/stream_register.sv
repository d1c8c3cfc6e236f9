// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * stream_register: words leave in the order in which they came, a cycle later; two fit; reset empties it.
 */
module stream_register_properties #(
    parameter WIDTH = 3
) (
    input wire             clk,
    input wire             rst,
    input wire             mark,
    input wire [WIDTH-1:0] s_axis_tdata,
    input wire             s_axis_tvalid,
    input wire             m_axis_tready
);

wire             s_axis_tready;
wire [WIDTH-1:0] m_axis_tdata;
wire             m_axis_tvalid;

stream_register #(.WIDTH(WIDTH)) dut (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(WIDTH)) out (
    .clk(clk), .rst(rst), .data(m_axis_tdata), .valid(m_axis_tvalid), .ready(m_axis_tready));

wire [1:0]       inside;
wire             marked;
wire [1:0]       ahead;
wire [WIDTH-1:0] word;

words_in_order #(.WIDTH(WIDTH), .CAPACITY(2), .LATENCY(1)) words (
    .clk(clk), .rst(rst), .mark(mark),
    .in_data(s_axis_tdata), .in_beat(s_axis_tvalid && s_axis_tready && !rst),
    .out_data(m_axis_tdata), .out_valid(m_axis_tvalid), .out_beat(m_axis_tvalid && m_axis_tready && !rst),
    .inside(inside), .marked(marked), .ahead(ahead), .word(word));

// Neither side waits for the other: the input is ready wherever a word fits, whatever the output does.
always @* begin
    takes_two: assert (!running || s_axis_tready == (inside < 2));
end

`ifdef INVARIANTS
// Where words lie.
(* hierconn *) wire             \dut.out_valid ;
(* hierconn *) wire             \dut.spare_free ;
(* hierconn *) wire [WIDTH-1:0] \dut.out_data ;
(* hierconn *) wire [WIDTH-1:0] \dut.spare_data ;

always @* begin
    if (running) begin
        places: assert (inside == \dut.out_valid + !\dut.spare_free && (\dut.out_valid || \dut.spare_free ));
        in_register: assert (!(marked && ahead == 0) || \dut.out_data == word);
        in_spare: assert (!(marked && ahead == 1) || \dut.spare_data == word);
    end
end
`endif

endmodule
