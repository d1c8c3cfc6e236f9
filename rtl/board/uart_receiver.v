// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Receiver of an asynchronous serial line: 8 data bits, least significant first, no parity, 1 stop bit.
 *
 * A bit lasts DIVISOR cycles and is read in its middle. A byte is given out for one cycle in the middle of its stop
 * bit; nothing holds it. Where the stop bit is 0 (a byte that began in the middle of another, a broken line) `broken`
 * is 1 for one cycle instead, and the receiver waits for the line to be idle. A start bit shorter than half a bit is
 * noise and ignored. Reset drops the byte that is arriving.
 */
module uart_receiver #(
    // Cycles of a bit, at least 4
    parameter DIVISOR = 100
) (
    input  wire       clk,
    input  wire       rst,

    // The line, asynchronous to clk
    input  wire       rx,

    // A byte, for one cycle
    output wire [7:0] data,
    output reg        valid,
    // One cycle for each byte without a stop bit
    output reg        broken
);

localparam COUNT_W = $clog2(DIVISOR);

localparam BIT  = DIVISOR - 1;
localparam HALF = DIVISOR / 2 - 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (DIVISOR < 4) begin : check_1
        DIVISOR_must_be_at_least_4 stop ();
    end
endgenerate

localparam [1:0] IDLE  = 2'd0;
localparam [1:0] START = 2'd1;
localparam [1:0] BITS  = 2'd2;
localparam [1:0] BREAK = 2'd3;  // after a missing stop bit: until the line is idle

reg [1:0]         state;
reg [COUNT_W-1:0] count;
reg [3:0]         bits;  // still to come, the stop bit included
reg [7:0]         word;
// The line passes three registers, two of them against metastability.
(* ASYNC_REG = "TRUE", keep = "true", preserve, syn_keep = 1, syn_preserve = 1 *)
reg [2:0]         line;

wire level = line[2];
wire now   = count == 0;

assign data = word;

always @(posedge clk) begin
    line <= {line[1:0], rx};
    if (rst) begin
        line <= 3'b111;
    end
end

always @(posedge clk) begin
    valid  <= 1'b0;
    broken <= 1'b0;
    count  <= now ? BIT[COUNT_W-1:0] : count - 1'b1;
    case (state)
        IDLE: begin
            count <= HALF[COUNT_W-1:0];
            if (!level) begin
                state <= START;
            end
        end
        START: begin
            bits <= 4'd9;
            if (now) begin
                state <= level ? IDLE : BITS;
            end
        end
        BITS: begin
            if (now) begin
                bits <= bits - 1'b1;
                if (bits != 4'd1) begin
                    word <= {level, word[7:1]};
                end else begin
                    valid  <= level;
                    broken <= !level;
                    state  <= level ? IDLE : BREAK;
                end
            end
        end
        default: begin
            if (level) begin
                state <= IDLE;
            end
        end
    endcase
    if (rst) begin
        state  <= IDLE;
        valid  <= 1'b0;
        broken <= 1'b0;
    end
end

endmodule

`resetall
