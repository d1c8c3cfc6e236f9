// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Lets only whole frames into the accelerator: PIXELS beats, tlast on the last.
 *
 * A short frame (tlast early) is filled up with zero pixels, a long one (no tlast on the last pixel) is cut and its
 * rest discarded up to its tlast. Either raises frame_error for one cycle and marks the frame: one status bit per
 * frame, 1 = good, leaves on the status stream with the frame's last pixel, for frame_filter to drop the result of a
 * bad one. Neither stream waits for the other's ready: of a last pixel and its status bit each is offered until it is
 * taken, and the next pixel follows when both are. Good frames pass without latency. Reset restarts at a frame's first
 * pixel.
 */
module frame_guard #(
    // Width of a pixel in bits
    parameter WIDTH  = 24,
    // Pixels of a frame
    parameter PIXELS = 1024
) (
    input  wire             clk,
    input  wire             rst,

    // Stream input
    input  wire [WIDTH-1:0] s_axis_tdata,
    input  wire             s_axis_tvalid,
    output wire             s_axis_tready,
    input  wire             s_axis_tlast,

    // Stream output, PIXELS beats a frame
    output wire [WIDTH-1:0] m_axis_tdata,
    output wire             m_axis_tvalid,
    input  wire             m_axis_tready,

    // Status output, one beat a frame: 1 = good
    output wire             m_status_tdata,
    output wire             m_status_tvalid,
    input  wire             m_status_tready,

    // One cycle for each bad frame
    output reg              frame_error
);

localparam COUNT_W = PIXELS > 1 ? $clog2(PIXELS) : 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check_1
        WIDTH_must_be_at_least_1 stop ();
    end
    if (PIXELS < 1) begin : check_2
        PIXELS_must_be_at_least_1 stop ();
    end
endgenerate

// The pixel before the last; a frame of one pixel has none, and its only one is always the last.
localparam PENULTIMATE = PIXELS > 1 ? PIXELS - 2 : 0;

localparam [1:0] PASS    = 2'd0;
localparam [1:0] FILL    = 2'd1;  // after a short frame: zero pixels
localparam [1:0] DISCARD = 2'd2;  // after a long frame: up to its tlast

reg [1:0]         state;
reg [COUNT_W-1:0] count;
// Known a pixel ahead, so that the handshakes of both ends wait for no comparison.
reg               last;

wire pass   = state == PASS;
wire fill   = state == FILL;
wire offer  = fill || (pass && s_axis_tvalid);

// Of the last pixel and its status bit the one that is gone while the other is not.
reg pixel_taken;
reg status_taken;

wire pixel_done  = pixel_taken || m_axis_tready;
wire status_done = status_taken || m_status_tready;
wire accept      = pixel_done && (!last || status_done);
wire moved       = offer && accept;

assign m_axis_tdata    = fill ? {WIDTH{1'b0}} : s_axis_tdata;
assign m_axis_tvalid   = offer && !pixel_taken;
assign m_status_tdata  = pass && s_axis_tlast;
assign m_status_tvalid = offer && last && !status_taken;
assign s_axis_tready   = state == DISCARD || (pass && accept);

wire too_short = moved && pass && s_axis_tlast && !last;
wire too_long  = moved && pass && !s_axis_tlast && last;

always @(posedge clk) begin
    frame_error <= too_short || too_long;
    if (moved) begin
        count <= last ? {COUNT_W{1'b0}} : count + 1'b1;
        last  <= PIXELS == 1 || (!last && count == PENULTIMATE[COUNT_W-1:0]);
    end
    if (offer && last) begin
        pixel_taken  <= pixel_done && !status_done;
        status_taken <= status_done && !pixel_done;
    end
    case (state)
        PASS: begin
            if (too_short) begin
                state <= FILL;
            end else if (too_long) begin
                state <= DISCARD;
            end
        end
        FILL: begin
            if (moved && last) begin
                state <= PASS;
            end
        end
        default: begin
            if (s_axis_tvalid && s_axis_tlast) begin
                state <= PASS;
            end
        end
    endcase
    if (rst) begin
        state        <= PASS;
        count        <= {COUNT_W{1'b0}};
        last         <= PIXELS == 1;
        pixel_taken  <= 1'b0;
        status_taken <= 1'b0;
        frame_error  <= 1'b0;
    end
end

endmodule

`resetall
