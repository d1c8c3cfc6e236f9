// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * 2x2 average: (a + b + c + d + 2) >> 2 per channel, arithmetic shift.
 *
 * LANES channels a beat in and out. A memory holds the left pixel until the right one comes, another the sums of the
 * upper row's pairs until the lower row's come. Nothing feeds back, so every step of the sum has a register:
 *
 *      accept      a left pixel is kept; for a right one the left is read
 *      1           left + right; the pair above is read
 *      2           an upper pair is kept; the pair above passes a register, since block RAM is slow to answer
 *      3           upper pair + lower pair + 2
 *
 * Latency 4 cycles from the fourth pixel's beat, throughput 1 input beat a cycle. Reset restarts at a frame's first
 * pixel.
 */
module average_pool #(
    // Channels of a pixel
    parameter CHANNELS     = 16,
    // Channels a beat, a divisor of CHANNELS
    parameter LANES        = 1,
    // Width of the residual stream, B
    parameter BITS         = 16,
    // Pixels of an input row, even
    parameter WIDTH_PIXELS = 8,
    // 1: sums of the upper row in block RAM; 0: where synthesis finds best
    parameter BLOCK        = 0
) (
    input  wire                  clk,
    input  wire                  rst,

    // Stream input
    input  wire [LANES*BITS-1:0] s_axis_tdata,
    input  wire                  s_axis_tvalid,
    output wire                  s_axis_tready,

    // Stream output
    output wire [LANES*BITS-1:0] m_axis_tdata,
    output wire                  m_axis_tvalid,
    input  wire                  m_axis_tready
);

localparam BEATS  = CHANNELS / LANES;
localparam BEAT_W = BEATS > 1 ? $clog2(BEATS) : 1;
localparam COL_W  = WIDTH_PIXELS > 1 ? $clog2(WIDTH_PIXELS) : 1;
localparam PAIRS  = WIDTH_PIXELS / 2;
localparam WORDS  = PAIRS * BEATS;
localparam ADDR_W = WORDS > 1 ? $clog2(WORDS) : 1;
localparam PAIR_W = BITS + 1;
localparam SUM_W  = BITS + 2;

localparam LAST_BEAT = BEATS - 1;
localparam LAST_COL = WIDTH_PIXELS - 1;
localparam PIXEL_STEP = BEATS - 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (LANES < 1 || CHANNELS < 1 || CHANNELS % LANES != 0) begin : check_1
        LANES_must_divide_CHANNELS stop ();
    end
    if (BITS < 2) begin : check_2
        BITS_must_be_at_least_2 stop ();
    end
    if (WIDTH_PIXELS < 2 || WIDTH_PIXELS % 2 != 0) begin : check_3
        WIDTH_PIXELS_must_be_even stop ();
    end
endgenerate

reg [BEAT_W-1:0] beat;
reg [COL_W-1:0]  col;
reg              odd_row;
reg [ADDR_W-1:0] addr;  // beat of the current pair of columns

reg                    out_valid;
reg [LANES*BITS-1:0]   out_data;

// The whole pipeline moves or none of it.
wire step   = !out_valid || m_axis_tready;
wire accept = s_axis_tvalid && s_axis_tready;

assign s_axis_tready = step;
assign m_axis_tdata  = out_data;
assign m_axis_tvalid = out_valid;

always @(posedge clk) begin
    if (accept) begin
        if (beat != LAST_BEAT[BEAT_W-1:0]) begin
            beat <= beat + 1'b1;
            addr <= addr + 1'b1;
        end else begin
            beat <= {BEAT_W{1'b0}};
            if (col == LAST_COL[COL_W-1:0]) begin
                col     <= {COL_W{1'b0}};
                odd_row <= !odd_row;
                addr    <= {ADDR_W{1'b0}};
            end else begin
                col  <= col + 1'b1;
                // A pair's second column goes over the words of its first.
                addr <= col[0] ? addr + 1'b1 : addr - PIXEL_STEP[ADDR_W-1:0];
            end
        end
    end
    if (rst) begin
        beat    <= {BEAT_W{1'b0}};
        col     <= {COL_W{1'b0}};
        odd_row <= 1'b0;
        addr    <= {ADDR_W{1'b0}};
    end
end

// A word is written by left pixels and read by right ones, or written from the upper row and read from the lower one:
// never both in one cycle.
(* ramstyle = "no_rw_check", syn_ramstyle = "no_rw_check", no_rw_check *)
reg [LANES*BITS-1:0]   lefts [0:BEATS-1];
localparam unused_style     = BLOCK != 0 ? "block" : "auto";  // by simulators
localparam unused_syn_style = BLOCK != 0 ? "block_ram,no_rw_check" : "no_rw_check";
(* ram_style = unused_style, syn_ramstyle = unused_syn_style, ramstyle = "no_rw_check", no_rw_check *)
reg [LANES*PAIR_W-1:0] uppers [0:WORDS-1];

reg                    upper_1, upper_2;  // completes a pair of the upper row
reg                    lower_1, lower_2, lower_3;  // of the lower row
reg [ADDR_W-1:0]       addr_1, addr_2;
reg [LANES*BITS-1:0]   right_1, left_1;
reg [LANES*PAIR_W-1:0] pair_2, pair_3;
reg [LANES*PAIR_W-1:0] above_2, above_3;

wire [LANES*PAIR_W-1:0] pair;
wire [LANES*BITS-1:0]   average;

genvar lane;
generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : lanes
        wire signed [BITS-1:0]   left  = left_1[lane*BITS +: BITS];
        wire signed [BITS-1:0]   right = right_1[lane*BITS +: BITS];
        wire signed [PAIR_W-1:0] upper = above_3[lane*PAIR_W +: PAIR_W];
        wire signed [PAIR_W-1:0] lower = pair_3[lane*PAIR_W +: PAIR_W];

        // Four B-bit numbers plus 2 stay inside B + 2 bits: 4 * (2^(B-1) - 1) + 2 < 2^(B+1).
        wire signed [SUM_W-1:0]  sum             = upper + lower + $signed({{SUM_W-2{1'b0}}, 2'd2});
        wire [1:0]               unused_fraction = sum[1:0];

        assign pair[lane*PAIR_W +: PAIR_W] = left + right;
        assign average[lane*BITS +: BITS]  = sum[SUM_W-1:2];
    end
endgenerate

always @(posedge clk) begin
    if (accept && !col[0]) begin
        lefts[beat] <= s_axis_tdata;
    end
    if (step && upper_2) begin
        uppers[addr_2] <= pair_2;
    end
    if (step) begin
        upper_1   <= accept && col[0] && !odd_row;
        lower_1   <= accept && col[0] && odd_row;
        addr_1    <= addr;
        right_1   <= s_axis_tdata;
        left_1    <= lefts[beat];

        upper_2   <= upper_1;
        lower_2   <= lower_1;
        addr_2    <= addr_1;
        pair_2    <= pair;
        above_2   <= uppers[addr_1];

        lower_3   <= lower_2;
        pair_3    <= pair_2;
        above_3   <= above_2;

        out_valid <= lower_3;
        out_data  <= average;
    end
    if (rst) begin
        upper_1   <= 1'b0;
        upper_2   <= 1'b0;
        lower_1   <= 1'b0;
        lower_2   <= 1'b0;
        lower_3   <= 1'b0;
        out_valid <= 1'b0;
    end
end

endmodule

`resetall
