// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * An accelerator on a serial line: images in, logits and class out, by the protocol of docs/boards.md.
 *
 *   rx -> uart_receiver -> slip_decoder -> request_parser -> FIFO -> pixels
 *                                                \-> FIFO of replies -\
 *   tx <- uart_transmitter <- slip_encoder <- reply_builder <- logits -'
 *
 * REPLIES requests may wait for their replies, and one whose reply is being sent. Pixels leave as their bytes come. Reset
 * restarts at a frame; the accelerator has to be reset with it.
 */
module board_link #(
    // Cycles of a bit of the serial line
    parameter DIVISOR = 100,
    // Cycles of silence after which a frame is given up
    parameter TIMEOUT = 1000,
    // Pixels of an image, and bytes of a pixel
    parameter PIXELS  = 64,
    parameter COLOURS = 1,
    // Pixels that can wait for the accelerator, at least 2
    parameter DEPTH   = 64,
    // Replies that can wait, at least 2
    parameter REPLIES = 4,
    // Width of a class number, at most 16
    parameter CLASS_W = 4,
    // The payload of INFO, first byte in the low bits
    parameter INFO_BYTES = 16,
    parameter [INFO_BYTES*8-1:0] INFO = 0
) (
    input  wire                 clk,
    input  wire                 rst,

    // Serial line
    input  wire                 rx,
    output wire                 tx,

    // Changes with each reply that has been sent
    output reg                  activity,

    // Stream output to the accelerator, one pixel a beat; tlast on a frame's last
    output wire [COLOURS*8-1:0] m_axis_tdata,
    output wire                 m_axis_tvalid,
    input  wire                 m_axis_tready,
    output wire                 m_axis_tlast,

    // Stream input from the accelerator, one logit a beat; tuser on the last: the winning class
    input  wire [31:0]          s_axis_tdata,
    input  wire                 s_axis_tvalid,
    output wire                 s_axis_tready,
    input  wire                 s_axis_tlast,
    input  wire [CLASS_W-1:0]   s_axis_tuser
);

// -------------------------------------------------------------------------------------------------------------------
// Requests
// -------------------------------------------------------------------------------------------------------------------

wire [7:0] received_data;
wire       received_valid;
wire       received_broken;

uart_receiver #(
    .DIVISOR(DIVISOR)
) receiver (
    .clk(clk),
    .rst(rst),
    .rx(rx),
    .data(received_data),
    .valid(received_valid),
    .broken(received_broken)
);

wire [7:0] frame_data;
wire       frame_valid;
wire       frame_end;
wire       frame_bad;
wire       frame_late;

slip_decoder #(
    .TIMEOUT(TIMEOUT)
) decoder (
    .clk(clk),
    .rst(rst),
    .byte_data(received_data),
    .byte_valid(received_valid),
    .byte_broken(received_broken),
    .data(frame_data),
    .valid(frame_valid),
    .frame_end(frame_end),
    .frame_bad(frame_bad),
    .frame_late(frame_late)
);

wire [COLOURS*8-1:0] pixel_tdata;
wire                 pixel_tlast;
wire                 pixel_tvalid;
wire                 pixel_tready;
wire [15:0]          due_tdata;
wire                 due_tvalid;
wire                 due_tready;

request_parser #(
    .PIXELS(PIXELS),
    .COLOURS(COLOURS)
) parser (
    .clk(clk),
    .rst(rst),
    .data(frame_data),
    .valid(frame_valid),
    .frame_end(frame_end),
    .frame_bad(frame_bad),
    .frame_late(frame_late),
    .m_axis_tdata(pixel_tdata),
    .m_axis_tlast(pixel_tlast),
    .m_axis_tvalid(pixel_tvalid),
    .m_axis_tready(pixel_tready),
    .m_reply_tdata(due_tdata),
    .m_reply_tvalid(due_tvalid),
    .m_reply_tready(due_tready)
);

stream_fifo #(
    .WIDTH(COLOURS * 8 + 1),
    .DEPTH(DEPTH)
) pixels (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata({pixel_tlast, pixel_tdata}),
    .s_axis_tvalid(pixel_tvalid),
    .s_axis_tready(pixel_tready),
    .m_axis_tdata({m_axis_tlast, m_axis_tdata}),
    .m_axis_tvalid(m_axis_tvalid),
    .m_axis_tready(m_axis_tready)
);

// -------------------------------------------------------------------------------------------------------------------
// Replies
// -------------------------------------------------------------------------------------------------------------------

wire [15:0] next_tdata;
wire        next_tvalid;
wire        next_tready;

stream_fifo #(
    .WIDTH(16),
    .DEPTH(REPLIES)
) replies (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(due_tdata),
    .s_axis_tvalid(due_tvalid),
    .s_axis_tready(due_tready),
    .m_axis_tdata(next_tdata),
    .m_axis_tvalid(next_tvalid),
    .m_axis_tready(next_tready)
);

wire [7:0] reply_tdata;
wire       reply_tvalid;
wire       reply_tready;
wire       reply_tlast;

reply_builder #(
    .INFO_BYTES(INFO_BYTES),
    .INFO(INFO),
    .CLASS_W(CLASS_W)
) builder (
    .clk(clk),
    .rst(rst),
    .s_reply_tdata(next_tdata),
    .s_reply_tvalid(next_tvalid),
    .s_reply_tready(next_tready),
    .s_axis_tdata(s_axis_tdata),
    .s_axis_tuser(s_axis_tuser),
    .s_axis_tlast(s_axis_tlast),
    .s_axis_tvalid(s_axis_tvalid),
    .s_axis_tready(s_axis_tready),
    .m_axis_tdata(reply_tdata),
    .m_axis_tvalid(reply_tvalid),
    .m_axis_tready(reply_tready),
    .m_axis_tlast(reply_tlast)
);

wire [7:0] encoded_tdata;
wire       encoded_tvalid;
wire       encoded_tready;

slip_encoder encoder (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(reply_tdata),
    .s_axis_tvalid(reply_tvalid),
    .s_axis_tready(reply_tready),
    .s_axis_tlast(reply_tlast),
    .m_axis_tdata(encoded_tdata),
    .m_axis_tvalid(encoded_tvalid),
    .m_axis_tready(encoded_tready)
);

uart_transmitter #(
    .DIVISOR(DIVISOR)
) transmitter (
    .clk(clk),
    .rst(rst),
    .s_axis_tdata(encoded_tdata),
    .s_axis_tvalid(encoded_tvalid),
    .s_axis_tready(encoded_tready),
    .tx(tx)
);

always @(posedge clk) begin
    if (reply_tvalid && reply_tready && reply_tlast) begin
        activity <= !activity;
    end
    if (rst) begin
        activity <= 1'b0;
    end
end

endmodule

`resetall
