// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Sends every pixel twice in a row: channels 0 .. C-1, then the same again as channels C .. 2C-1.
 *
 * BEATS beats a pixel; the first round passes straight through and fills a memory that the second round reads.
 * No latency, throughput 1 beat a cycle at the output. Reset restarts at a pixel's first beat.
 */
module repeat_pixel #(
    // Width of a beat in bits
    parameter WIDTH = 16,
    // Beats of a pixel
    parameter BEATS = 16
) (
    input  wire             clk,
    input  wire             rst,

    // Stream input
    input  wire [WIDTH-1:0] s_axis_tdata,
    input  wire             s_axis_tvalid,
    output wire             s_axis_tready,

    // Stream output
    output wire [WIDTH-1:0] m_axis_tdata,
    output wire             m_axis_tvalid,
    input  wire             m_axis_tready
);

localparam BEAT_W = BEATS > 1 ? $clog2(BEATS) : 1;

localparam LAST = BEATS - 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check_1
        WIDTH_must_be_at_least_1 stop ();
    end
    if (BEATS < 1) begin : check_2
        BEATS_must_be_at_least_1 stop ();
    end
endgenerate

reg [WIDTH-1:0]  memory [0:BEATS-1];
reg [BEAT_W-1:0] beat;
reg              again;  // second round

wire transfer = m_axis_tvalid && m_axis_tready;

assign m_axis_tdata  = again ? memory[beat] : s_axis_tdata;
assign m_axis_tvalid = again || s_axis_tvalid;
assign s_axis_tready = !again && m_axis_tready;

always @(posedge clk) begin
    if (transfer && !again) begin
        memory[beat] <= s_axis_tdata;
    end
    if (transfer) begin
        beat <= beat == LAST[BEAT_W-1:0] ? {BEAT_W{1'b0}} : beat + 1'b1;
        if (beat == LAST[BEAT_W-1:0]) begin
            again <= !again;
        end
    end
    if (rst) begin
        beat  <= {BEAT_W{1'b0}};
        again <= 1'b0;
    end
end

endmodule

`resetall
