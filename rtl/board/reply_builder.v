// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Replies of the board protocol: code, sequence number, payload, CRC-32, a byte a beat.
 *
 * A result's payload is the logits, 4 bytes each, low byte first, and the winning class in 2 bytes; it waits for the
 * accelerator. The payload of INFO is a constant, errors have none. Latency 1 cycle. Reset forgets the reply; the
 * accelerator has to be reset with it.
 */
module reply_builder #(
    // Bytes of INFO's payload, 2 to 256, and the payload, first byte in the low bits
    parameter INFO_BYTES = 16,
    parameter [INFO_BYTES*8-1:0] INFO = 0,
    // Width of a class number, at most 16
    parameter CLASS_W = 4
) (
    input  wire               clk,
    input  wire               rst,

    // Stream input, one beat a reply: {code, sequence number}
    input  wire [15:0]        s_reply_tdata,
    input  wire               s_reply_tvalid,
    output wire               s_reply_tready,

    // Stream input, one logit a beat; tuser on the last: the winning class
    input  wire [31:0]        s_axis_tdata,
    input  wire [CLASS_W-1:0] s_axis_tuser,
    input  wire               s_axis_tlast,
    input  wire               s_axis_tvalid,
    output wire               s_axis_tready,

    // Stream output, one byte a beat; tlast on a reply's last
    output wire [7:0]         m_axis_tdata,
    output wire               m_axis_tvalid,
    input  wire               m_axis_tready,
    output wire               m_axis_tlast
);

localparam [7:0] REPLY_INFO   = 8'h81;
localparam [7:0] REPLY_RESULT = 8'h82;

localparam LAST_INFO = INFO_BYTES - 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (INFO_BYTES < 2 || INFO_BYTES > 256) begin : check_1
        INFO_BYTES_must_be_2_to_256 stop ();
    end
    if (CLASS_W < 1 || CLASS_W > 16) begin : check_2
        CLASS_W_must_be_1_to_16 stop ();
    end
endgenerate

localparam [2:0] WAIT     = 3'd0;
localparam [2:0] HEAD     = 3'd1;  // code and sequence number
localparam [2:0] CONSTANT = 3'd2;  // INFO's payload
localparam [2:0] LOGITS   = 3'd3;
localparam [2:0] CLASS    = 3'd4;
localparam [2:0] CHECKSUM = 3'd5;

reg [2:0]  state;
reg [7:0]  count;  // of the state's bytes
reg [15:0] head;
reg [15:0] class_number;
reg [31:0] crc;

wire [31:0] next_crc;
wire [7:0]  code     = head[15:8];
wire [31:0] inverted = ~crc;
wire        moved    = m_axis_tvalid && m_axis_tready;
wire        fourth   = count[1:0] == 2'd3;

wire [INFO_BYTES*8-9:0] unused_info;  // the bytes behind
wire [7:0]              info;

assign {unused_info, info} = INFO >> {count, 3'b000};

wire [7:0] head_byte     = count[0] ? head[7:0] : code;
wire [7:0] logit_byte    = s_axis_tdata[{count[1:0], 3'b000} +: 8];
wire [7:0] class_byte    = count[0] ? class_number[15:8] : class_number[7:0];
wire [7:0] checksum_byte = inverted[{count[1:0], 3'b000} +: 8];

assign s_reply_tready = state == WAIT;
assign s_axis_tready  = state == LOGITS && fourth && m_axis_tready;
assign m_axis_tvalid  = state == LOGITS ? s_axis_tvalid : state != WAIT;
assign m_axis_tlast   = state == CHECKSUM && fourth;
assign m_axis_tdata   = state == HEAD ? head_byte
                      : state == CONSTANT ? info
                      : state == LOGITS ? logit_byte
                      : state == CLASS ? class_byte
                      : checksum_byte;

crc32_byte checksum (
    .crc(crc),
    .data(m_axis_tdata),
    .next(next_crc)
);

always @(posedge clk) begin
    if (state == WAIT) begin
        head  <= s_reply_tdata;
        crc   <= 32'hFFFFFFFF;
        count <= 8'd0;
        if (s_reply_tvalid) begin
            state <= HEAD;
        end
    end else if (moved) begin
        count <= count + 1'b1;
        if (state != CHECKSUM) begin
            crc <= next_crc;
        end
        case (state)
            HEAD: begin
                if (count[0]) begin
                    count <= 8'd0;
                    state <= code == REPLY_RESULT ? LOGITS : code == REPLY_INFO ? CONSTANT : CHECKSUM;
                end
            end
            CONSTANT: begin
                if (count == LAST_INFO[7:0]) begin
                    count <= 8'd0;
                    state <= CHECKSUM;
                end
            end
            LOGITS: begin
                if (fourth && s_axis_tlast) begin
                    count        <= 8'd0;
                    class_number <= {{(16-CLASS_W){1'b0}}, s_axis_tuser};
                    state        <= CLASS;
                end
            end
            CLASS: begin
                if (count[0]) begin
                    count <= 8'd0;
                    state <= CHECKSUM;
                end
            end
            default: begin
                if (fourth) begin
                    state <= WAIT;
                end
            end
        endcase
    end
    if (rst) begin
        state <= WAIT;
    end
end

endmodule

`resetall
