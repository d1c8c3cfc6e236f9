// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * FACTOR narrow beats to one wide beat; the first narrow beat comes to the low bits.
 *
 * Latency 1 cycle after the last narrow beat, throughput 1 narrow beat a cycle. Reset drops a partly filled word.
 */
module stream_upsize #(
    // Width of a narrow beat in bits
    parameter WIDTH  = 8,
    // Narrow beats in a wide one
    parameter FACTOR = 2
) (
    input  wire                    clk,
    input  wire                    rst,

    // Stream input, narrow
    input  wire [WIDTH-1:0]        s_axis_tdata,
    input  wire                    s_axis_tvalid,
    output wire                    s_axis_tready,

    // Stream output, wide
    output wire [WIDTH*FACTOR-1:0] m_axis_tdata,
    output wire                    m_axis_tvalid,
    input  wire                    m_axis_tready
);

localparam COUNT_W = FACTOR > 1 ? $clog2(FACTOR) : 1;

localparam LAST = FACTOR - 1;

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
reg [COUNT_W-1:0]      count;
reg                    valid;

wire accept = s_axis_tvalid && s_axis_tready;

assign s_axis_tready = !valid || m_axis_tready;
assign m_axis_tdata  = word;
assign m_axis_tvalid = valid;

generate
    if (FACTOR > 1) begin : shift_in
        always @(posedge clk) begin
            if (accept) begin
                word <= {s_axis_tdata, word[WIDTH*FACTOR-1:WIDTH]};
            end
        end
    end else begin : pass
        always @(posedge clk) begin
            if (accept) begin
                word <= s_axis_tdata;
            end
        end
    end
endgenerate

always @(posedge clk) begin
    if (s_axis_tready) begin
        valid <= s_axis_tvalid && count == LAST[COUNT_W-1:0];
    end
    if (accept) begin
        count <= count == LAST[COUNT_W-1:0] ? {COUNT_W{1'b0}} : count + 1'b1;
    end
    if (rst) begin
        valid <= 1'b0;
        count <= {COUNT_W{1'b0}};
    end
end

endmodule

`resetall
