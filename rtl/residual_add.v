// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Residual sum: X' = sat(V + shortcut), sat clamps to BITS bits. Takes a beat of both inputs together.
 *
 * LANES channels a beat, latency 1 cycle, throughput 1 beat a cycle. Reset drops the output beat.
 */
module residual_add #(
    // Channels a beat
    parameter LANES = 1,
    // Width of V
    parameter IN_W  = 21,
    // Width of the residual stream, B; at most IN_W
    parameter BITS  = 16
) (
    input  wire                  clk,
    input  wire                  rst,

    // Stream input, V
    input  wire [LANES*IN_W-1:0] s_axis_tdata,
    input  wire                  s_axis_tvalid,
    output wire                  s_axis_tready,

    // Stream input, shortcut
    input  wire [LANES*BITS-1:0] s_skip_tdata,
    input  wire                  s_skip_tvalid,
    output wire                  s_skip_tready,

    // Stream output, X'
    output wire [LANES*BITS-1:0] m_axis_tdata,
    output wire                  m_axis_tvalid,
    input  wire                  m_axis_tready
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (LANES < 1) begin : check_1
        LANES_must_be_at_least_1 stop ();
    end
    if (BITS < 2) begin : check_2
        BITS_must_be_at_least_2 stop ();
    end
    if (IN_W < BITS) begin : check_3
        IN_W_must_be_at_least_BITS stop ();
    end
endgenerate

wire [LANES*BITS-1:0] clamped;

reg [LANES*BITS-1:0] out_data;
reg                  out_valid;

wire out_free = !out_valid || m_axis_tready;

assign s_axis_tready = out_free && s_skip_tvalid;
assign s_skip_tready = out_free && s_axis_tvalid;
assign m_axis_tdata  = out_data;
assign m_axis_tvalid = out_valid;

genvar lane;
generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
        wire signed [IN_W-1:0] v    = s_axis_tdata[lane*IN_W +: IN_W];
        wire signed [BITS-1:0] skip = s_skip_tdata[lane*BITS +: BITS];
        wire signed [IN_W:0]   sum  = {v[IN_W-1], v} + {{IN_W+1-BITS{skip[BITS-1]}}, skip};
        saturate #(
            .IN_W(IN_W + 1),
            .OUT_W(BITS)
        ) sat (
            .in(sum),
            .out(clamped[lane*BITS +: BITS])
        );
    end
endgenerate

always @(posedge clk) begin
    if (out_free) begin
        out_data  <= clamped;
        out_valid <= s_axis_tvalid && s_skip_tvalid;
    end
    if (rst) begin
        out_valid <= 1'b0;
    end
end

endmodule

`resetall
