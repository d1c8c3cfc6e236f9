// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * window_stream: every STRIDE-th pixel's 3x3 window leaves in order, with the image's own pixels inside it; the windows of a
 * whole frame leave without another pixel.
 */
module window_stream_properties #(
    parameter WIDTH    = 1,
    parameter ROWS     = 2,
    parameter COLS     = 2,
    parameter STRIDE   = 1
) (
    input wire             clk,
    input wire             rst,
    input wire [WIDTH-1:0] s_axis_tdata,
    input wire             s_axis_tvalid,
    input wire             m_axis_tready
);

wire               s_axis_tready;
wire [8:0]         m_axis_tuser;
wire               m_axis_tvalid;
wire [9*WIDTH-1:0] m_window;

window_stream #(.WIDTH(WIDTH), .HEIGHT_PIXELS(ROWS), .WIDTH_PIXELS(COLS), .STRIDE(STRIDE)) dut (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .m_axis_tuser(m_axis_tuser),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_window(m_window)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(WIDTH), .ASSUMED(1)) in (
    .clk(clk), .rst(rst), .data(s_axis_tdata), .valid(s_axis_tvalid), .ready(s_axis_tready));
beat_is_kept #(.WIDTH(9)) out (
    .clk(clk), .rst(rst), .data(m_axis_tuser), .valid(m_axis_tvalid), .ready(m_axis_tready));

windows_of_frames #(.WIDTH(WIDTH), .ROWS(ROWS), .COLS(COLS), .STRIDE(STRIDE)) windows (
    .clk(clk), .rst(rst), .running(running),
    .in_data(s_axis_tdata), .in_valid(s_axis_tvalid), .in_ready(s_axis_tready),
    .taps(m_axis_tuser), .valid(m_axis_tvalid), .next(1'b0), .ready(m_axis_tready), .window(m_window));

// No word of the line memory is read in the cycle in which it is written.
(* hierconn *) wire [$clog2(COLS)-1:0] \dut.at ;
(* hierconn *) wire [$clog2(COLS)-1:0] \dut.then_at ;
(* hierconn *) wire                    \dut.pixel ;
(* hierconn *) wire                    \dut.step ;

always @* begin
    if (running) begin
        never_read_while_written: assert (!(\dut.pixel && \dut.step )
                                          || \dut.at != \dut.then_at );
    end
end

endmodule
