// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * A result as a DMA takes it: a frame of 32-bit words, the logits in order, then the winning class.
 *
 * OUT_BYTES bytes a beat, the lowest of the first word in the low bits. A last beat that is not full says so in tkeep, a
 * bit for each byte. No latency; throughput 1 word a cycle, or 1 byte where a beat is one. Reset begins a frame.
 */
module result_packer #(
    // Bytes of a beat: 1, 4 or 8
    parameter OUT_BYTES = 4,
    // Width of a class number, at most 16
    parameter CLASS_W   = 4
) (
    input  wire                   clk,
    input  wire                   rst,

    // Stream input, one logit a beat; tuser on the last: the winning class
    input  wire [31:0]            s_axis_tdata,
    input  wire [CLASS_W-1:0]     s_axis_tuser,
    input  wire                   s_axis_tlast,
    input  wire                   s_axis_tvalid,
    output wire                   s_axis_tready,

    // Stream output
    output wire [OUT_BYTES*8-1:0] m_axis_tdata,
    output wire [OUT_BYTES-1:0]   m_axis_tkeep,
    output wire                   m_axis_tlast,
    output wire                   m_axis_tvalid,
    input  wire                   m_axis_tready
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (OUT_BYTES != 1 && OUT_BYTES != 4 && OUT_BYTES != 8) begin : check_1
        OUT_BYTES_must_be_1_or_4_or_8 stop ();
    end
    if (CLASS_W < 1 || CLASS_W > 16) begin : check_2
        CLASS_W_must_be_1_to_16 stop ();
    end
endgenerate

reg [CLASS_W-1:0] winner;
reg               winner_due;  // all logits have passed, the class has not

wire [31:0] word       = winner_due ? {{(32 - CLASS_W){1'b0}}, winner} : s_axis_tdata;
wire        word_valid = winner_due || s_axis_tvalid;
wire        word_ready;

assign s_axis_tready = !winner_due && word_ready;

always @(posedge clk) begin
    if (!winner_due) begin
        winner <= s_axis_tuser;
    end
    if (word_valid && word_ready) begin
        winner_due <= !winner_due && s_axis_tlast;
    end
    if (rst) begin
        winner_due <= 1'b0;
    end
end

generate
    if (OUT_BYTES == 8) begin : pairs
        reg [31:0] first;
        reg        first_there;

        wire whole = first_there || winner_due;

        assign word_ready    = !whole || m_axis_tready;
        assign m_axis_tdata  = first_there ? {word, first} : {32'd0, word};
        assign m_axis_tkeep  = {{4{first_there}}, 4'hf};
        assign m_axis_tvalid = word_valid && whole;
        assign m_axis_tlast  = winner_due;

        always @(posedge clk) begin
            if (!first_there) begin
                first <= word;
            end
            if (word_valid && word_ready) begin
                first_there <= !whole;
            end
            if (rst) begin
                first_there <= 1'b0;
            end
        end
    end else if (OUT_BYTES == 1) begin : bytes
        reg [1:0] number;  // of the byte within its word

        wire last = number == 2'd3;

        assign word_ready    = last && m_axis_tready;
        assign m_axis_tdata  = word[number*8 +: 8];
        assign m_axis_tkeep  = 1'b1;
        assign m_axis_tvalid = word_valid;
        assign m_axis_tlast  = winner_due && last;

        always @(posedge clk) begin
            if (m_axis_tvalid && m_axis_tready) begin
                number <= number + 2'd1;
            end
            if (rst) begin
                number <= 2'd0;
            end
        end
    end else begin : single
        assign word_ready    = m_axis_tready;
        assign m_axis_tdata  = word;
        assign m_axis_tkeep  = 4'hf;
        assign m_axis_tvalid = word_valid;
        assign m_axis_tlast  = winner_due;
    end
endgenerate

endmodule

`resetall
