// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Requests of the board protocol: command, sequence number, payload, CRC-32. An image's pixels go on while they arrive;
 * each request gives one entry for the reply.
 *
 * One pixel is held back until the checksum is known: with a good one it leaves as the frame's last. A frame that turns
 * out to be bad, and of which pixels have left, is given a wrong length, for which the accelerator gives no result; no
 * memory for an image is needed. A request that begins while there is no room for its reply, or while a bad frame still
 * waits to be closed, is ignored. The line does not wait: a pixel is offered for one cycle, and one that is not taken then
 * makes the request fail (OVERRUN). Only the beats that close a frame are offered until they are taken.
 *
 * Bytes come at most every eighth cycle, as they do from a serial line. Reset forgets the request; the accelerator has
 * to be reset with it.
 */
module request_parser #(
    // Pixels of an image, and bytes of a pixel
    parameter PIXELS  = 64,
    parameter COLOURS = 1
) (
    input  wire                 clk,
    input  wire                 rst,

    // Frames, as slip_decoder gives them
    input  wire [7:0]           data,
    input  wire                 valid,
    input  wire                 frame_end,
    input  wire                 frame_bad,
    input  wire                 frame_late,

    // Stream output, one pixel a beat, first colour in the low bits
    output wire [COLOURS*8-1:0] m_axis_tdata,
    output wire                 m_axis_tlast,
    output wire                 m_axis_tvalid,
    input  wire                 m_axis_tready,

    // Stream output, one beat a request: {code of the reply, sequence number}
    output wire [15:0]          m_reply_tdata,
    output wire                 m_reply_tvalid,
    input  wire                 m_reply_tready
);

localparam BYTES   = PIXELS * COLOURS;
localparam AROUND  = 6;  // command, sequence number, checksum
localparam LENGTH  = BYTES + AROUND;
localparam INDEX_W = $clog2(LENGTH + 2);
localparam COUNT_W = $clog2(PIXELS + 1);

localparam HEAD     = 2;
localparam BEHIND   = BYTES + HEAD;
localparam TOO_LONG = LENGTH + 1;
localparam ALL_BUT  = PIXELS - 1;

localparam [7:0] INFO  = 8'h01;
localparam [7:0] IMAGE = 8'h02;

localparam [7:0] REPLY_INFO     = 8'h81;
localparam [7:0] REPLY_RESULT   = 8'h82;
localparam [7:0] ERROR_CHECKSUM = 8'hE1;
localparam [7:0] ERROR_LENGTH   = 8'hE2;
localparam [7:0] ERROR_COMMAND  = 8'hE3;
localparam [7:0] ERROR_LATE     = 8'hE4;
localparam [7:0] ERROR_OVERRUN  = 8'hE5;
localparam [7:0] ERROR_BROKEN   = 8'hE6;

localparam [31:0] RESIDUE = 32'hDEBB20E3;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (PIXELS < 1) begin : check_1
        PIXELS_must_be_at_least_1 stop ();
    end
    if (COLOURS < 1) begin : check_2
        COLOURS_must_be_at_least_1 stop ();
    end
endgenerate

reg [INDEX_W-1:0] index;  // bytes of this frame, up to one more than an image's has
reg [7:0]         command;
reg [7:0]         sequence_number;
reg [31:0]        crc;
reg               refused;
reg               overrun;

wire        first   = index == 0;
wire        image   = command == IMAGE;
wire        payload = valid && image && !refused && index >= HEAD[INDEX_W-1:0] && index < BEHIND[INDEX_W-1:0];
wire [31:0] next_crc;

crc32_byte checksum (
    .crc(crc),
    .data(data),
    .next(next_crc)
);

// -------------------------------------------------------------------------------------------------------------------
// Pixels
// -------------------------------------------------------------------------------------------------------------------

localparam [1:0] OPEN  = 2'd0;
localparam [1:0] EXTRA = 2'd1;  // a pixel more than a frame has, the last but one
localparam [1:0] LAST  = 2'd2;

reg [1:0]           closing;
reg [COUNT_W-1:0]   sent;     // pixels of this frame that have left
reg [COLOURS*8-1:0] held;     // a whole pixel
reg                 holding;
wire [COLOURS*8-1:0] pixel;   // with this byte
wire                 complete;

generate
    if (COLOURS > 1) begin : gather
        localparam COLOUR_W = $clog2(COLOURS);
        localparam LAST_COLOUR = COLOURS - 1;

        reg [COLOURS*8-9:0] earlier;
        reg [COLOUR_W-1:0]  colour;

        assign pixel    = {data, earlier};
        assign complete = payload && colour == LAST_COLOUR[COLOUR_W-1:0];

        always @(posedge clk) begin
            if (payload) begin
                earlier <= pixel[COLOURS*8-1:8];
                colour <= complete ? {COLOUR_W{1'b0}} : colour + 1'b1;
            end
            if (rst || (valid && first)) begin
                colour <= {COLOUR_W{1'b0}};
            end
        end
    end else begin : single
        assign pixel    = data;
        assign complete = payload;
    end
endgenerate

wire follows = complete && holding && !overrun;

assign m_axis_tdata  = held;
assign m_axis_tlast  = closing == LAST;
assign m_axis_tvalid = follows || closing != OPEN;

// -------------------------------------------------------------------------------------------------------------------
// Verdict
// -------------------------------------------------------------------------------------------------------------------

wire over  = frame_end || frame_bad;
wire known = image || command == INFO;
wire right = index == (image ? LENGTH[INDEX_W-1:0] : AROUND[INDEX_W-1:0]);

// The first of these that is the case
wire [7:0] code = frame_late ? ERROR_LATE
                : frame_bad ? ERROR_BROKEN
                : crc != RESIDUE ? ERROR_CHECKSUM
                : !known ? ERROR_COMMAND
                : !right ? ERROR_LENGTH
                : overrun ? ERROR_OVERRUN
                : image ? REPLY_RESULT
                : REPLY_INFO;

assign m_reply_tdata  = {code, sequence_number};
assign m_reply_tvalid = over && !refused;

always @(posedge clk) begin
    if (valid) begin
        crc   <= next_crc;
        index <= index == TOO_LONG[INDEX_W-1:0] ? index : index + 1'b1;
        if (first) begin
            command <= data;
            refused <= !m_reply_tready || closing != OPEN;
            overrun <= 1'b0;
        end else if (index == 1) begin
            sequence_number <= data;
        end
    end
    if (complete) begin
        held    <= pixel;
        holding <= 1'b1;
    end
    if (follows) begin
        sent    <= sent + {{(COUNT_W-1){1'b0}}, m_axis_tready};
        overrun <= !m_axis_tready;
    end
    if (over) begin
        if (!refused && code == REPLY_RESULT) begin
            closing <= LAST;
        end else if (!refused && sent != 0) begin
            closing <= sent == ALL_BUT[COUNT_W-1:0] ? EXTRA : LAST;
        end
    end
    if (closing != OPEN && m_axis_tready) begin
        closing <= closing == EXTRA ? LAST : OPEN;
    end
    if (rst || over) begin
        index           <= {INDEX_W{1'b0}};
        crc             <= 32'hFFFFFFFF;
        holding         <= 1'b0;
        sent            <= {COUNT_W{1'b0}};
        sequence_number <= 8'd0;
        refused         <= 1'b0;
    end
    if (rst) begin
        closing <= OPEN;
        overrun <= 1'b0;
    end
end

endmodule

`resetall
