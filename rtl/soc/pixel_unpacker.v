// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Bytes of a DMA to pixels: IN_BYTES bytes a beat in, low byte first, one pixel of COLOURS bytes a beat out.
 *
 * Pixels lie back to back and need not begin with a beat. tkeep is a run of ones from the low bit on; a beat may hold no
 * byte. A pixel leaves once it is known whether it is the frame's last: a byte or the frame's end has followed.
 * Throughput: IN_BYTES bytes or one pixel a cycle, whichever takes longer.
 *
 * A frame that ends within a pixel, holds no pixel, or has another tkeep leaves with one pixel of zeros more, or two, so
 * that it has not PIXELS pixels: frame_guard then counts and drops it. Reset begins a frame.
 */
module pixel_unpacker #(
    // Bytes of a beat
    parameter IN_BYTES = 4,
    // Bytes of a pixel
    parameter COLOURS  = 3,
    // Pixels of a good frame
    parameter PIXELS   = 64
) (
    input  wire                  clk,
    input  wire                  rst,

    // Stream input, bytes
    input  wire [IN_BYTES*8-1:0] s_axis_tdata,
    input  wire [IN_BYTES-1:0]   s_axis_tkeep,
    input  wire                  s_axis_tlast,
    input  wire                  s_axis_tvalid,
    output wire                  s_axis_tready,

    // Stream output, pixels
    output wire [COLOURS*8-1:0]  m_axis_tdata,
    output wire                  m_axis_tlast,
    output wire                  m_axis_tvalid,
    input  wire                  m_axis_tready
);

localparam ROOM    = IN_BYTES + COLOURS;
localparam COUNT_W = $clog2(ROOM + 1);
localparam LEFT_W  = $clog2(COLOURS + 1);
localparam SENT_W  = $clog2(PIXELS + 1);

localparam BEFORE_LAST = PIXELS - 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (IN_BYTES < 1) begin : check_1
        IN_BYTES_must_be_at_least_1 stop ();
    end
    if (COLOURS < 1) begin : check_2
        COLOURS_must_be_at_least_1 stop ();
    end
    if (PIXELS < 1) begin : check_3
        PIXELS_must_be_at_least_1 stop ();
    end
endgenerate

reg [ROOM*8-1:0]  bytes;   // zero beyond those held
reg [COUNT_W-1:0] held;
reg               ending;  // the frame's last byte is among them
reg               damaged;
reg [SENT_W-1:0]  sent;    // pixels of this frame, PIXELS at most

// -------------------------------------------------------------------------------------------------------------------
// A pixel leaves
// -------------------------------------------------------------------------------------------------------------------

wire whole     = held >= COLOURS[COUNT_W-1:0];
wire more      = held > COLOURS[COUNT_W-1:0];
wire filling   = ending && !whole;
wire one_short = sent == BEFORE_LAST[SENT_W-1:0];
wire moved     = m_axis_tvalid && m_axis_tready;
wire closing   = moved && m_axis_tlast;

assign m_axis_tdata  = filling ? {(COLOURS * 8){1'b0}} : bytes[COLOURS*8-1:0];
assign m_axis_tlast  = filling ? !one_short : ending && !more && !damaged;
assign m_axis_tvalid = more || ending;

// -------------------------------------------------------------------------------------------------------------------
// A beat is taken behind what is left
// -------------------------------------------------------------------------------------------------------------------

wire [COUNT_W-1:0] left = moved && !filling ? held - COLOURS[COUNT_W-1:0] : held;
wire [ROOM*8-1:0]  rest = moved && !filling ? bytes >> (COLOURS * 8) : bytes;
wire               take = s_axis_tvalid && s_axis_tready;

assign s_axis_tready = !ending && left <= COLOURS[COUNT_W-1:0];

wire [IN_BYTES*8-1:0] kept;

genvar lane;
generate
    for (lane = 0; lane < IN_BYTES; lane = lane + 1) begin : lanes
        assign kept[lane*8 +: 8] = s_axis_tkeep[lane] ? s_axis_tdata[lane*8 +: 8] : 8'd0;
    end
endgenerate

function [COUNT_W-1:0] ones;
    input [IN_BYTES-1:0] keep;
    integer index;
    begin
        ones = {COUNT_W{1'b0}};
        for (index = 0; index < IN_BYTES; index = index + 1) begin
            ones = ones + {{(COUNT_W - 1){1'b0}}, keep[index]};
        end
    end
endfunction

// A beat is taken behind a pixel's bytes at most.
wire [ROOM*8-1:0] behind = {{(COLOURS * 8){1'b0}}, kept} << {left[LEFT_W-1:0], 3'b000};

// A byte that is kept above one that is not
wire gap;

generate
    if (IN_BYTES > 1) begin : several
        assign gap = |(s_axis_tkeep[IN_BYTES-1:1] & ~s_axis_tkeep[IN_BYTES-2:0]);
    end else begin : single
        assign gap = 1'b0;
    end
endgenerate

always @(posedge clk) begin
    bytes <= take ? rest | behind : rest;
    if (closing) begin
        bytes <= {(ROOM * 8){1'b0}};
    end
    if (rst) begin
        bytes <= {(ROOM * 8){1'b0}};
    end
end

always @(posedge clk) begin
    held <= take ? left + ones(s_axis_tkeep) : left;
    if (take) begin
        ending  <= s_axis_tlast;
        damaged <= damaged || gap;
    end
    if (moved && sent != PIXELS[SENT_W-1:0]) begin
        sent <= sent + 1'b1;
    end
    if (closing || rst) begin
        held    <= {COUNT_W{1'b0}};
        ending  <= 1'b0;
        damaged <= 1'b0;
        sent    <= {SENT_W{1'b0}};
    end
end

endmodule

`resetall
