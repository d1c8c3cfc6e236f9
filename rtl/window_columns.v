// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * What window_buffer and window_walk share: the two rows above the current one, a 3x3 window of the three rows, and how
 * it leaves.
 *
 * A step brings column `at` of the three rows into view behind the two columns before it, and reads column `next_at` of
 * the rows above for the step after; with `write` the pixel enters the line memory at `at`, which is then not `next_at`.
 * One step a cycle.
 *
 * While `complete` says that what is in view, the coming column included, is a window, it leaves: into a register as soon
 * as that is free or, without one, when it is taken. `load` says so; in the cycle after, that of `loaded`, the step is
 * due that shows what follows. `step` is to be a register of the caller's, since it enables all columns, and so that no
 * path leads from the output's ready to the steps. Reset drops the window that waits.
 *
 * The register lets a window follow the other without a pause. Without it the one after is offered two cycles after the
 * last was taken, which matters little where each is looked at for long, and 9 * WIDTH flip-flops are saved.
 *
 * m_window holds 9 * WIDTH bits, so that what enables it must come from a register: it follows the beat that announces
 * it by a cycle. Tap t = 3*ky + kx lies at m_window[t*WIDTH +: WIDTH]; tuser[t], which comes with the beat, tells whether
 * its row and its column are inside the image.
 */
module window_columns #(
    // Width of a pixel in bits
    parameter WIDTH   = 8,
    // Pixels of a row
    parameter COLUMNS = 8,
    // 1: a window leaves into a register
    parameter BUFFERED = 1,
    // Derived: width of a column's number
    parameter ADDR_W  = COLUMNS > 1 ? $clog2(COLUMNS) : 1
) (
    input  wire               clk,
    input  wire               rst,

    // Pixel of the current row at column `at`
    input  wire [WIDTH-1:0]   pixel,
    input  wire [ADDR_W-1:0]  at,
    input  wire [ADDR_W-1:0]  next_at,
    input  wire               write,
    input  wire               step,

    // A window is in view; it leaves; it has left. `complete` is not looked at in the cycle of `loaded`.
    input  wire               complete,
    input  wire [2:0]         rows_inside,
    input  wire [2:0]         cols_inside,
    output wire               load,
    output reg                loaded,

    // Stream output, one window a beat, the current row last; tnext: when the window is taken another is there in the
    // next cycle
    output wire [8:0]         m_axis_tuser,
    output wire               m_axis_tvalid,
    output wire               m_axis_tnext,
    input  wire               m_axis_tready,
    // The window, from a cycle after its beat is offered to a cycle after it is taken
    output wire [9*WIDTH-1:0] m_window
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WIDTH < 1) begin : check_1
        WIDTH_must_be_at_least_1 stop ();
    end
    if (COLUMNS < 1) begin : check_2
        COLUMNS_must_be_at_least_1 stop ();
    end
endgenerate

localparam unused_style     = COLUMNS > 32 ? "block" : "auto";  // by simulators
localparam unused_syn_style = COLUMNS > 32 ? "block_ram,no_rw_check" : "no_rw_check";
(* ram_style = unused_style, syn_ramstyle = unused_syn_style, ramstyle = "no_rw_check", no_rw_check *)
reg [2*WIDTH-1:0] lines [0:COLUMNS-1];
reg [2*WIDTH-1:0] line;

always @(posedge clk) begin
    if (write) begin
        lines[at] <= {line[WIDTH-1:0], pixel};
    end
    if (step) begin
        line <= lines[next_at];
    end
end

// Columns of three rows: the one coming into view and the two before it.
wire [3*WIDTH-1:0] column_2 = {line, pixel};
reg  [3*WIDTH-1:0] column_1;
reg  [3*WIDTH-1:0] column_0;

always @(posedge clk) begin
    if (step) begin
        column_1 <= column_2;
        column_0 <= column_1;
    end
end

// What is in view, and which of it is inside the image.
wire [9*WIDTH-1:0] window;
wire [8:0]         taps;

genvar ky;
generate
    for (ky = 0; ky < 3; ky = ky + 1) begin : rows
        assign window[(3*ky+0)*WIDTH +: WIDTH] = column_0[(2-ky)*WIDTH +: WIDTH];
        assign window[(3*ky+1)*WIDTH +: WIDTH] = column_1[(2-ky)*WIDTH +: WIDTH];
        assign window[(3*ky+2)*WIDTH +: WIDTH] = column_2[(2-ky)*WIDTH +: WIDTH];
        assign taps[3*ky +: 3] = rows_inside[ky] ? cols_inside : 3'b000;
    end
endgenerate

wire in_view = complete && !loaded;

always @(posedge clk) begin
    loaded <= load;
    if (rst) begin
        loaded <= 1'b0;
    end
end

generate
    if (BUFFERED != 0) begin : buffered
        reg [9*WIDTH-1:0] out_window;
        reg [8:0]         out_taps;
        reg               out_valid;
        reg               renew;  // the output was free in the last cycle; nothing has stepped since

        wire out_free = !out_valid || m_axis_tready;

        assign load          = in_view && out_free;
        assign m_axis_tnext  = in_view;
        assign m_axis_tvalid = out_valid;
        assign m_axis_tuser  = out_taps;
        assign m_window      = out_window;

        // Where the output is free, what it holds does not matter: whether a window is complete need not reach every bit.
        always @(posedge clk) begin
            renew <= out_free;
            if (renew) begin
                out_window <= window;
            end
            if (out_free) begin
                out_taps  <= taps;
                out_valid <= load;
            end
            if (rst) begin
                out_valid <= 1'b0;
            end
        end
    end else begin : direct
        assign load          = in_view && m_axis_tready;
        assign m_axis_tnext  = 1'b0;
        assign m_axis_tvalid = in_view;
        assign m_axis_tuser  = taps;
        assign m_window      = window;
    end
endgenerate

endmodule

`resetall
