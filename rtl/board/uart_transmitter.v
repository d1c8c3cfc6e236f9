// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Transmitter of an asynchronous serial line: 8 data bits, least significant first, no parity, 1 stop bit.
 *
 * A bit lasts DIVISOR cycles, a byte ten bits. Throughput 1 byte every 10 * DIVISOR cycles, and a cycle in between.
 * Reset ends the byte that is leaving; the line idles at 1.
 */
module uart_transmitter #(
    // Cycles of a bit, at least 2
    parameter DIVISOR = 100
) (
    input  wire       clk,
    input  wire       rst,

    // Stream input, one byte a beat
    input  wire [7:0] s_axis_tdata,
    input  wire       s_axis_tvalid,
    output wire       s_axis_tready,

    // The line
    output wire       tx
);

localparam COUNT_W = $clog2(DIVISOR);

localparam BIT = DIVISOR - 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (DIVISOR < 2) begin : check_1
        DIVISOR_must_be_at_least_2 stop ();
    end
endgenerate

// Start bit, data and stop bit, of which the lowest is on the line; ones follow.
reg [9:0]         word;
reg [3:0]         bits;  // still to be sent
reg [COUNT_W-1:0] count;

assign s_axis_tready = bits == 0;
assign tx            = word[0];

always @(posedge clk) begin
    if (s_axis_tready) begin
        count <= BIT[COUNT_W-1:0];
        if (s_axis_tvalid) begin
            word <= {1'b1, s_axis_tdata, 1'b0};
            bits <= 4'd10;
        end
    end else if (count == 0) begin
        count <= BIT[COUNT_W-1:0];
        word  <= {1'b1, word[9:1]};
        bits  <= bits - 1'b1;
    end else begin
        count <= count - 1'b1;
    end
    if (rst) begin
        word <= 10'h3ff;
        bits <= 4'd0;
    end
end

endmodule

`resetall
