// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * frame_filter: a result leaves where its frame was good, and is dropped and counted where it was bad; each takes one
 * status bit; valid waits for no ready.
 */
module frame_filter_properties #(
    parameter WIDTH = 2
) (
    input wire             clk,
    input wire             rst,
    input wire             s_status_tdata,
    input wire             s_status_tvalid,
    input wire [WIDTH-1:0] s_axis_tdata,
    input wire             s_axis_tlast,
    input wire             s_axis_tvalid,
    input wire             m_axis_tready
);

wire             s_status_tready;
wire             s_axis_tready;
wire [WIDTH-1:0] m_axis_tdata;
wire             m_axis_tlast;
wire             m_axis_tvalid;
wire [15:0]      dropped_frames;

frame_filter #(.WIDTH(WIDTH)) dut (
    .clk(clk),
    .rst(rst),
    .s_status_tdata(s_status_tdata),
    .s_status_tvalid(s_status_tvalid),
    .s_status_tready(s_status_tready),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tlast(s_axis_tlast),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tlast(m_axis_tlast),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .dropped_frames(dropped_frames)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(WIDTH + 1), .ASSUMED(1)) in (
    .clk(clk), .rst(rst), .data({s_axis_tlast, s_axis_tdata}), .valid(s_axis_tvalid), .ready(s_axis_tready));
beat_is_kept #(.WIDTH(1), .ASSUMED(1)) status (
    .clk(clk), .rst(rst), .data(s_status_tdata), .valid(s_status_tvalid), .ready(s_status_tready));
beat_is_kept #(.WIDTH(WIDTH + 1)) out (
    .clk(clk), .rst(rst), .data({m_axis_tlast, m_axis_tdata}), .valid(m_axis_tvalid), .ready(m_axis_tready));

wire known = s_axis_tvalid && s_status_tvalid;
wire taken = s_axis_tvalid && s_axis_tready;

reg [15:0] bad_frames = 16'd0;

always @(posedge clk) begin
    bad_frames <= rst ? 16'd0 : bad_frames + (taken && s_axis_tlast && !s_status_tdata);
end

always @* begin
    good_ones_leave: assert (m_axis_tvalid == (known && s_status_tdata));
    unchanged: assert ({m_axis_tlast, m_axis_tdata} == {s_axis_tlast, s_axis_tdata});
    taken_or_dropped: assert (taken == (known && (m_axis_tready || !s_status_tdata)));
    a_status_for_a_frame: assert ((s_status_tvalid && s_status_tready) == (taken && s_axis_tlast));
    if (running) begin
        counted: assert (dropped_frames == bad_frames);
    end
end

endmodule
