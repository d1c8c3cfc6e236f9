// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * One wide beat to FACTOR narrow beats, low bits first.
 *
 * Latency 1 cycle, throughput 1 narrow beat a cycle: the next wide beat is taken with the last narrow one.
 * Reset drops what is left of the current word.
 */
module stream_downsize #(
    // Width of a narrow beat in bits
    parameter WIDTH  = 8,
    // Narrow beats in a wide one
    parameter FACTOR = 2
) (
    input  wire                    clk,
    input  wire                    rst,

    // Stream input, wide
    input  wire [WIDTH*FACTOR-1:0] s_axis_tdata,
    input  wire                    s_axis_tvalid,
    output wire                    s_axis_tready,

    // Stream output, narrow
    output wire [WIDTH-1:0]        m_axis_tdata,
    output wire                    m_axis_tvalid,
    input  wire                    m_axis_tready
);

localparam COUNT_W = $clog2(FACTOR + 1);

localparam ALL  = FACTOR;
localparam STEP = FACTOR > 1 ? WIDTH : 0;  // of a word that is a single beat nothing is left to move

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check_1
        WIDTH_must_be_at_least_1 stop ();
    end
    if (FACTOR < 1) begin : check_2
        FACTOR_must_be_at_least_1 stop ();
    end
endgenerate

reg [WIDTH*FACTOR-1:0] word;
reg [COUNT_W-1:0]      left;  // narrow beats still to be sent

assign s_axis_tready = left == 0 || (left == 1 && m_axis_tready);
assign m_axis_tdata  = word[WIDTH-1:0];
assign m_axis_tvalid = left != 0;

always @(posedge clk) begin
    if (s_axis_tready) begin
        word <= s_axis_tdata;
    end else if (m_axis_tready) begin
        word <= word >> STEP;
    end
end

always @(posedge clk) begin
    if (s_axis_tready) begin
        left <= s_axis_tvalid ? ALL[COUNT_W-1:0] : {COUNT_W{1'b0}};
    end else if (m_axis_tready) begin
        left <= left - 1'b1;
    end
    if (rst) begin
        left <= {COUNT_W{1'b0}};
    end
end

endmodule

`resetall
