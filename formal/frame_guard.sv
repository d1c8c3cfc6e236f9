// SPDX-License-Identifier: Apache-2.0

`default_nettype none

/*
 * frame_guard: PIXELS beats leave for every frame that comes, of whatever length, and one status bit, which is 1 where
 * the frame had that length. Neither output waits for the other's ready. A bad frame raises frame_error for one cycle.
 */
module frame_guard_properties #(
    parameter WIDTH  = 2,
    parameter PIXELS = 3
) (
    input wire             clk,
    input wire             rst,
    input wire [WIDTH-1:0] s_axis_tdata,
    input wire             s_axis_tvalid,
    input wire             s_axis_tlast,
    input wire             m_axis_tready,
    input wire             m_status_tready
);

localparam COUNT_W = PIXELS > 1 ? $clog2(PIXELS) : 1;

wire             s_axis_tready;
wire [WIDTH-1:0] m_axis_tdata;
wire             m_axis_tvalid;
wire             m_status_tdata;
wire             m_status_tvalid;
wire             frame_error;

frame_guard #(.WIDTH(WIDTH), .PIXELS(PIXELS)) dut (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .s_axis_tlast(s_axis_tlast),
    .m_axis_tdata(m_axis_tdata),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready),
    .m_status_tdata(m_status_tdata),
    .m_status_tvalid(m_status_tvalid),
    .m_status_tready(m_status_tready),
    .frame_error(frame_error)
);

wire running;
reset_comes_first first (.clk(clk), .rst(rst), .running(running));

beat_is_kept #(.WIDTH(WIDTH + 1), .ASSUMED(1)) in (
    .clk(clk), .rst(rst), .data({s_axis_tlast, s_axis_tdata}), .valid(s_axis_tvalid), .ready(s_axis_tready));
beat_is_kept #(.WIDTH(WIDTH)) out (
    .clk(clk), .rst(rst), .data(m_axis_tdata), .valid(m_axis_tvalid && running), .ready(m_axis_tready));
beat_is_kept #(.WIDTH(1)) status (
    .clk(clk), .rst(rst), .data(m_status_tdata), .valid(m_status_tvalid && running), .ready(m_status_tready));

// The rule, written down without the block: where in the frame we are, and what has left of its last pixel.
reg [COUNT_W-1:0] place      = {COUNT_W{1'b0}};
reg               filling    = 1'b0;  // the frame was short
reg               discarding = 1'b0;  // the frame was long
reg               had_pixel  = 1'b0;
reg               had_status = 1'b0;
reg               was_bad    = 1'b0;

wire passing     = !filling && !discarding;
wire offered     = filling || (passing && s_axis_tvalid);
wire last        = place == PIXELS - 1;
wire pixel_gone  = had_pixel || m_axis_tready;
wire status_gone = !last || had_status || m_status_tready;
wire gone        = offered && pixel_gone && status_gone;
wire bad         = gone && passing && s_axis_tlast != last;

always @(posedge clk) begin
    was_bad <= bad && !rst;
    if (gone) begin
        place     <= last ? {COUNT_W{1'b0}} : place + 1'b1;
        had_pixel <= 1'b0;
        had_status <= 1'b0;
    end else if (offered) begin
        had_pixel  <= pixel_gone;
        had_status <= last && status_gone;
    end
    filling    <= (filling && !(gone && last)) || (bad && s_axis_tlast);
    discarding <= (discarding && !(s_axis_tvalid && s_axis_tlast)) || (bad && !s_axis_tlast);
    if (rst) begin
        place      <= {COUNT_W{1'b0}};
        filling    <= 1'b0;
        discarding <= 1'b0;
        had_pixel  <= 1'b0;
        had_status <= 1'b0;
    end
end

always @* begin
    if (running) begin
        pixel_offered_once: assert (m_axis_tvalid == (offered && !had_pixel));
        status_offered_once: assert (m_status_tvalid == (offered && last && !had_status));
        pixel_or_zero: assert (!m_axis_tvalid || m_axis_tdata == (filling ? {WIDTH{1'b0}} : s_axis_tdata));
        good_or_bad: assert (!m_status_tvalid || m_status_tdata == (passing && s_axis_tlast));
        input_taken: assert (s_axis_tready == (discarding || (passing && pixel_gone && status_gone)));
        error_for_a_cycle: assert (frame_error == was_bad);
    end
end

`ifdef INVARIANTS
// What the block remembers.
(* hierconn *) wire [1:0]         \dut.state ;
(* hierconn *) wire [COUNT_W-1:0] \dut.count ;
(* hierconn *) wire               \dut.last ;
(* hierconn *) wire               \dut.pixel_taken ;
(* hierconn *) wire               \dut.status_taken ;

always @* begin
    if (running) begin
        state: assert (\dut.state == {discarding, filling} && !(filling && discarding));
        counter: assert (place < PIXELS && \dut.count == place && \dut.last == last && (!discarding || place == 0));
        remembered: assert (\dut.pixel_taken == had_pixel && \dut.status_taken == had_status);
        // Only of a last pixel, and never both: they would be done with.
        half_gone: assert (!(had_pixel || had_status) || (last && !discarding && !(had_pixel && had_status)));
        half_gone_stays: assert (!(had_pixel || had_status) || offered);
    end
end
`endif

endmodule
