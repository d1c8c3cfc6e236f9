// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * stream_fork: each beat reaches both outputs exactly once; neither output's valid waits for any ready.
 */
module stream_fork_properties #(
    parameter WIDTH = 3
) (
    input wire             clk,
    input wire             rst,
    input wire [WIDTH-1:0] s_axis_tdata,
    input wire             s_axis_tvalid,
    input wire             m0_axis_tready,
    input wire             m1_axis_tready
);

wire             s_axis_tready;
wire [WIDTH-1:0] m0_axis_tdata;
wire             m0_axis_tvalid;
wire [WIDTH-1:0] m1_axis_tdata;
wire             m1_axis_tvalid;

stream_fork #(.WIDTH(WIDTH)) dut (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .m0_axis_tdata(m0_axis_tdata),
    .m0_axis_tvalid(m0_axis_tvalid),
    .m0_axis_tready(m0_axis_tready),
    .m1_axis_tdata(m1_axis_tdata),
    .m1_axis_tvalid(m1_axis_tvalid),
    .m1_axis_tready(m1_axis_tready)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(WIDTH), .ASSUMED(1)) in (
    .clk(clk), .rst(rst), .data(s_axis_tdata), .valid(s_axis_tvalid), .ready(s_axis_tready));
beat_is_kept #(.WIDTH(WIDTH)) out_0 (
    .clk(clk), .rst(rst), .data(m0_axis_tdata), .valid(m0_axis_tvalid && running), .ready(m0_axis_tready));
beat_is_kept #(.WIDTH(WIDTH)) out_1 (
    .clk(clk), .rst(rst), .data(m1_axis_tdata), .valid(m1_axis_tvalid && running), .ready(m1_axis_tready));

// Which outputs have had the beat that is on the input.
reg had_0 = 1'b0;
reg had_1 = 1'b0;

wire beat_0 = m0_axis_tvalid && m0_axis_tready;
wire beat_1 = m1_axis_tvalid && m1_axis_tready;
wire taken  = s_axis_tvalid && s_axis_tready;

always @(posedge clk) begin
    had_0 <= !rst && !taken && (had_0 || beat_0);
    had_1 <= !rst && !taken && (had_1 || beat_1);
end

always @* begin
    if (running) begin
        offered_once: assert (m0_axis_tvalid == (s_axis_tvalid && !had_0) && m1_axis_tvalid == (s_axis_tvalid && !had_1));
        same_word: assert (m0_axis_tdata == s_axis_tdata && m1_axis_tdata == s_axis_tdata);
        taken_by_both: assert (!taken || ((had_0 || beat_0) && (had_1 || beat_1)));
        taken_at_once: assert (!s_axis_tvalid || taken || !((had_0 || beat_0) && (had_1 || beat_1)));
    end
end

`ifdef INVARIANTS
// What the block remembers.
(* hierconn *) wire \dut.taken_0 ;
(* hierconn *) wire \dut.taken_1 ;

always @* begin
    if (running) begin
        remembered: assert (\dut.taken_0 == had_0 && \dut.taken_1 == had_1);
    end
end
`endif

endmodule
