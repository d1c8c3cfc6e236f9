// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Frames out of a byte stream (SLIP, RFC 1055): END closes a frame, ESC and another byte stand for END or ESC in it.
 *
 * Bytes come out for one cycle each, a cycle after they came in. `frame_end` follows a frame's last byte; frames
 * without a byte are not mentioned. `frame_bad` comes in place of the rest of a frame that holds a byte without a stop
 * bit or an ESC before any other byte than its two (`frame_late` 0), or that stops for TIMEOUT cycles (`frame_late` 1);
 * what follows up to the next END is ignored, so that the next frame is whole again. Reset waits for the first byte of
 * a frame.
 */
module slip_decoder #(
    // Cycles between two bytes of a frame after which it is given up, at least 1
    parameter TIMEOUT = 1000
) (
    input  wire       clk,
    input  wire       rst,

    // From the line
    input  wire [7:0] byte_data,
    input  wire       byte_valid,
    input  wire       byte_broken,

    // A frame's bytes, each for one cycle; then one cycle of its end, or of its failure
    output reg  [7:0] data,
    output reg        valid,
    output reg        frame_end,
    output reg        frame_bad,
    output reg        frame_late
);

localparam COUNT_W = $clog2(TIMEOUT + 1);

localparam PATIENCE = TIMEOUT;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (TIMEOUT < 1) begin : check_1
        TIMEOUT_must_be_at_least_1 stop ();
    end
endgenerate

localparam [7:0] END            = 8'hC0;
localparam [7:0] ESC            = 8'hDB;
localparam [7:0] ESCAPED_END    = 8'hDC;
localparam [7:0] ESCAPED_ESC    = 8'hDD;

reg               open;      // a byte of the frame has come
reg               escaped;   // the last byte was ESC
reg               ignoring;  // up to the next END
reg [COUNT_W-1:0] patience;

wire is_end = byte_valid && byte_data == END;
wire wrong  = byte_broken || (byte_valid && escaped && byte_data != ESCAPED_END && byte_data != ESCAPED_ESC);
wire late   = (open || escaped) && patience == 0;

always @(posedge clk) begin
    valid      <= 1'b0;
    frame_end  <= 1'b0;
    frame_bad  <= 1'b0;
    frame_late <= 1'b0;
    patience   <= byte_valid || !(open || escaped) ? PATIENCE[COUNT_W-1:0] : patience - 1'b1;
    if (ignoring) begin
        ignoring <= !is_end;
    end else if (wrong || (late && !byte_valid)) begin
        // Noise between frames is no frame: nobody is told.
        frame_bad  <= open || escaped;
        frame_late <= !wrong;
        open       <= 1'b0;
        escaped    <= 1'b0;
        ignoring   <= !is_end;
    end else if (is_end) begin
        frame_end <= open;
        open      <= 1'b0;
    end else if (byte_valid) begin
        escaped <= !escaped && byte_data == ESC;
        if (escaped || byte_data != ESC) begin
            valid <= 1'b1;
            open  <= 1'b1;
            data  <= !escaped ? byte_data : byte_data == ESCAPED_END ? END : ESC;
        end
    end
    if (rst) begin
        open       <= 1'b0;
        escaped    <= 1'b0;
        ignoring   <= 1'b0;
        valid      <= 1'b0;
        frame_end  <= 1'b0;
        frame_bad  <= 1'b0;
        frame_late <= 1'b0;
    end
end

endmodule

`resetall
