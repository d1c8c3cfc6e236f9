// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Operands of an XNOR-popcount lane from memories: 3x3 windows with zero padding 1 over a pixel stream, without a register
 * that holds a window and without a multiplexer that chooses a chunk of it.
 *
 *   pixels --> lines: four rows, one word a chunk of a pixel --> taps: a word a {window, plane, chunk} --> operands
 *
 * A chunk is SIMD / 9 channels of all nine taps; bit 9*c + t of the operands is channel c of tap t. One tap of a chunk a
 * cycle is copied from the lines, first all of a window's first bits, then all of its second, and 0 for taps outside the
 * image: 18 * CHUNKS + 1 cycles a window, one more where the second bits wait for their place, while the engine is at
 * work on those before. Taps are in nine LUT RAMs, or in block RAM, where a register gathers those of a chunk.
 *
 * A window is shown when its first bits are there, 9 * CHUNKS + 6 cycles after its last beat. Its place is taken again
 * when the window after it is taken: the second pass is over by then. Nothing tells whether its second bits are there.
 * They are when the second pass begins, since that follows a first pass of 9 * CHUNKS cycles or more and the pipeline
 * behind it.
 *
 * Pixels are taken as long as a row is free: two rows ahead of the window that is copied. The windows of a complete image
 * leave by themselves; the next image follows without a pause. Reset restarts at the first pixel.
 */
module operand_memory #(
    // Channels of a pixel
    parameter CHANNELS      = 16,
    // Operands at once, 9 times a divisor of CHANNELS
    parameter SIMD          = 144,
    // Image size in pixels
    parameter HEIGHT_PIXELS = 8,
    parameter WIDTH_PIXELS  = 8,
    // Pixels from one window to the next, either way: 1 or 2
    parameter STRIDE        = 1,
    // Windows that are kept: 2, or a larger power of two
    parameter SLOTS         = 2,
    // 1: taps in block RAM; 0: in LUT RAM
    parameter BLOCK         = 0,
    // Derived sizes
    parameter CHUNKS        = 9 * CHANNELS / SIMD,
    parameter CHUNK_W       = CHUNKS > 1 ? $clog2(CHUNKS) : 1
) (
    input  wire                clk,
    input  wire                rst,

    // Stream input, {msb, lsb} pairs: SIMD / 9 channels a beat, CHUNKS beats a pixel
    input  wire [2*SIMD/9-1:0] s_axis_tdata,
    input  wire                s_axis_tvalid,
    output wire                s_axis_tready,

    // Windows: one is there; when it is taken another is there in the next cycle
    output wire                window_valid,
    output wire                window_next,
    input  wire                window_taken,

    // What is wanted: a chunk of the first bits of the window that is there, or of the second bits of the one before
    input  wire                lsb,
    input  wire [CHUNK_W-1:0]  chunk,
    // Borders of the image that this window reaches across: {right, left, bottom, top}
    output wire [3:0]          border,
    // In the cycle after
    output wire [SIMD-1:0]     data
);

localparam LANES      = SIMD / 9;
localparam CHUNK_BITS = CHUNKS > 1 ? CHUNK_W : 0;
localparam SLOT_W     = $clog2(SLOTS);
localparam COL_W      = WIDTH_PIXELS > 1 ? $clog2(WIDTH_PIXELS) : 1;
localparam LINE_W     = 2 + COL_W + CHUNK_BITS;
localparam TAP_W      = SLOT_W + 1 + CHUNK_BITS;
localparam LAST_CHUNK = CHUNKS - 1;
localparam LAST_COL   = WIDTH_PIXELS - 1;
localparam LAST_SLOT  = SLOTS - 1;
localparam ROWS_ON    = STRIDE;  // from one row of windows to the next, and from the last to the next image's first
localparam ROWS_OVER  = HEIGHT_PIXELS - (HEIGHT_PIXELS - 1) / STRIDE * STRIDE;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (SIMD < 9 || SIMD % 9 != 0 || (9 * CHANNELS) % SIMD != 0) begin : check_1
        SIMD_must_be_9_times_a_divisor_of_CHANNELS stop ();
    end
    if (SLOTS < 2 || SLOTS != 1 << SLOT_W) begin : check_2
        SLOTS_must_be_a_power_of_two stop ();
    end
endgenerate

// -------------------------------------------------------------------------------------------------------------------
// Lines: four rows take turns. The row that comes is `rows_ahead` below that of the window that is copied.
// -------------------------------------------------------------------------------------------------------------------

reg  [1:0]         in_line;
reg  [COL_W-1:0]   in_col;
reg  [CHUNK_W-1:0] in_chunk;
reg  [1:0]         rows_ahead;
reg  [1:0]         line;  // of the window that is copied
wire [LINE_W-1:0]  in_addr;

wire       store    = s_axis_tvalid && s_axis_tready;
wire       pixel_in = store && in_chunk == LAST_CHUNK[CHUNK_W-1:0];
wire       row_in   = pixel_in && in_col == LAST_COL[COL_W-1:0];
wire       row_out;  // the windows of a row have been copied
wire       image_out;
wire [1:0] rows_out = !row_out ? 2'd0 : image_out ? ROWS_OVER[1:0] : ROWS_ON[1:0];

assign s_axis_tready = rows_ahead != 2'd3;

always @(posedge clk) begin
    if (store) begin
        in_chunk <= in_chunk == LAST_CHUNK[CHUNK_W-1:0] ? {CHUNK_W{1'b0}} : in_chunk + 1'b1;
    end
    if (pixel_in) begin
        in_col <= in_col == LAST_COL[COL_W-1:0] ? {COL_W{1'b0}} : in_col + 1'b1;
    end
    if (row_in) begin
        in_line <= in_line + 1'b1;
    end
    rows_ahead <= rows_ahead + {1'b0, row_in} - rows_out;
    line       <= line + rows_out;
    if (rst) begin
        in_chunk   <= {CHUNK_W{1'b0}};
        in_col     <= {COL_W{1'b0}};
        in_line    <= 2'd0;
        rows_ahead <= 2'd0;
        line       <= 2'd0;
    end
end

// The word that is read is never the one being written: a window is copied when its pixels are there, and until then no
// row of them is free.
localparam IN_BLOCK         = LINE_W > 4;
localparam unused_style     = IN_BLOCK ? "block" : "auto";  // by simulators
localparam unused_syn_style = IN_BLOCK ? "block_ram,no_rw_check" : "no_rw_check";
(* ram_style = unused_style, syn_ramstyle = unused_syn_style, ramstyle = "no_rw_check", no_rw_check *)
reg [2*LANES-1:0] lines [0:(1<<LINE_W)-1];
reg [LINE_W-1:0]  out_addr;
reg [2*LANES-1:0] word;
reg [2*LANES-1:0] late_word;  // block RAM is slow to answer

always @(posedge clk) begin
    if (store) begin
        lines[in_addr] <= s_axis_tdata;
    end
    word      <= lines[out_addr];
    late_word <= word;
end

// -------------------------------------------------------------------------------------------------------------------
// Copying: chunk by chunk, tap by tap
// -------------------------------------------------------------------------------------------------------------------

reg               copying;
reg               second;  // of the second bits
reg [CHUNK_W-1:0] at_chunk;
reg [1:0]         ky;
reg [1:0]         kx;

wire [COL_W-1:0]  col;
wire              ends_row;
wire [3:0]        reach;  // borders of the image that the window reaches across

// The pixel below and to the right, or what the image has of it, is there.
wire [1:0]     rows_needed = {1'b0, !reach[1]};
wire [COL_W:0] right_col   = {1'b0, col} + 1'b1;
wire           pixels_in   = rows_ahead > rows_needed
    || (rows_ahead == rows_needed && {1'b0, in_col} > right_col);

// Windows copied whole and not yet taken: one more has no place for its second bits.
reg [SLOT_W-1:0] copied;
wire             room = copied != LAST_SLOT[SLOT_W-1:0];

wire ends_tap    = ky == 2'd2 && kx == 2'd2;
wire ends_plane  = copying && ends_tap && at_chunk == LAST_CHUNK[CHUNK_W-1:0];
wire ends_window = ends_plane && second;

assign row_out = ends_window && ends_row;

window_position #(
    .HEIGHT_PIXELS(HEIGHT_PIXELS),
    .WIDTH_PIXELS(WIDTH_PIXELS),
    .STRIDE(STRIDE)
) copy_position (
    .clk(clk),
    .rst(rst),
    .step(ends_window),
    .col(col),
    .ends_row(ends_row),
    .ends_image(image_out),
    .border(reach)
);

always @(posedge clk) begin
    if (!copying) begin
        copying <= second ? room : pixels_in;
    end else if (ends_plane) begin
        copying <= !second && room;
        second  <= !second;
    end
    if (copying) begin
        kx <= kx == 2'd2 ? 2'd0 : kx + 1'b1;
        if (kx == 2'd2) begin
            ky <= ky == 2'd2 ? 2'd0 : ky + 1'b1;
        end
        if (ends_tap) begin
            at_chunk <= at_chunk == LAST_CHUNK[CHUNK_W-1:0] ? {CHUNK_W{1'b0}} : at_chunk + 1'b1;
        end
    end
    if (ends_window != window_taken) begin
        copied <= window_taken ? copied - 1'b1 : copied + 1'b1;
    end
    if (rst) begin
        copying  <= 1'b0;
        second   <= 1'b0;
        at_chunk <= {CHUNK_W{1'b0}};
        ky       <= 2'd0;
        kx       <= 2'd0;
        copied   <= {SLOT_W{1'b0}};
    end
end

// What is on its way from the lines to the taps: address, word, word in the register behind the memory, operands.
wire [1:0]       from_line = line + ky - 1'b1;
wire [COL_W-1:0] from_col  = kx == 2'd0 ? col - 1'b1 : kx == 2'd1 ? col : col + 1'b1;
wire [2:0]       rows_inside = {!reach[1], 1'b1, !reach[0]};
wire [2:0]       cols_inside = {!reach[3], 1'b1, !reach[2]};
wire [LINE_W-1:0] from_addr;

reg               addressed;
reg               addressed_second;
reg               addressed_inside;
reg               addressed_last;
reg [CHUNK_W-1:0] addressed_chunk;
reg [3:0]         addressed_tap;
reg               found;
reg               found_second;
reg               found_inside;
reg               found_last;
reg [CHUNK_W-1:0] found_chunk;
reg [3:0]         found_tap;
reg               read;
reg               read_second;
reg               read_inside;
reg               read_last;
reg [CHUNK_W-1:0] read_chunk;
reg [3:0]         read_tap;
reg [8:0]         write;  // the memory of which tap
reg               write_second;
reg               write_last;
reg [CHUNK_W-1:0] write_chunk;
reg [LANES-1:0]   operands;

wire [LANES-1:0]  first_bits;
wire [LANES-1:0]  second_bits;

genvar c;
generate
    for (c = 0; c < LANES; c = c + 1) begin : pairs
        assign {first_bits[c], second_bits[c]} = late_word[2*c +: 2];
    end
endgenerate

always @(posedge clk) begin
    out_addr         <= from_addr;
    addressed        <= copying;
    addressed_second <= second;
    addressed_inside <= rows_inside[ky] && cols_inside[kx];
    addressed_last   <= ends_plane;
    addressed_chunk  <= at_chunk;
    addressed_tap    <= {ky, kx};

    found            <= addressed;
    found_second     <= addressed_second;
    found_inside     <= addressed_inside;
    found_last       <= addressed_last;
    found_chunk      <= addressed_chunk;
    found_tap        <= addressed_tap;

    read             <= found;
    read_second      <= found_second;
    read_inside      <= found_inside;
    read_last        <= found_last;
    read_chunk       <= found_chunk;
    read_tap         <= found_tap;

    operands         <= (read_second ? second_bits : first_bits) & {LANES{read_inside}};
    write_second     <= read_second;
    write_last       <= read_last;
    write_chunk      <= read_chunk;
    if (rst) begin
        addressed      <= 1'b0;
        addressed_last <= 1'b0;
        found          <= 1'b0;
        found_last     <= 1'b0;
        read           <= 1'b0;
        read_last      <= 1'b0;
        write_last     <= 1'b0;
    end
end

// -------------------------------------------------------------------------------------------------------------------
// Taps
// -------------------------------------------------------------------------------------------------------------------

reg [SLOT_W-1:0] write_slot;
reg [SLOT_W-1:0] slot;       // of the window that is there
reg [SLOT_W-1:0] slot_held;  // of the one before
reg [SLOT_W:0]   shown;      // windows whose first bits are there
reg [3:0]        border_held;
wire [3:0]       border_there;
wire [COL_W-1:0] unused_col;
wire [1:0]       unused_ends;

wire             arrives = write_last && !write_second;
wire [TAP_W-1:0] write_addr;
wire [TAP_W-1:0] wanted_addr;

assign window_valid = shown != {SLOT_W+1{1'b0}};
assign window_next  = |shown[SLOT_W:1];
assign border       = lsb ? border_held : border_there;

window_position #(
    .HEIGHT_PIXELS(HEIGHT_PIXELS),
    .WIDTH_PIXELS(WIDTH_PIXELS),
    .STRIDE(STRIDE)
) position (
    .clk(clk),
    .rst(rst),
    .step(window_taken),
    .col(unused_col),
    .ends_row(unused_ends[0]),
    .ends_image(unused_ends[1]),
    .border(border_there)
);

always @(posedge clk) begin
    if (write_last && write_second) begin
        write_slot <= write_slot + 1'b1;
    end
    if (window_taken) begin
        slot        <= slot + 1'b1;
        slot_held   <= slot;
        border_held <= border_there;
    end
    if (arrives != window_taken) begin
        shown <= window_taken ? shown - 1'b1 : shown + 1'b1;
    end
    if (rst) begin
        write_slot <= {SLOT_W{1'b0}};
        slot       <= {SLOT_W{1'b0}};
        shown      <= {SLOT_W+1{1'b0}};
    end
end

generate
    if (CHUNKS == 1) begin : one_chunk
        wire unused_chunks = &{chunk, at_chunk, addressed_chunk, found_chunk, read_chunk, write_chunk};
        assign in_addr     = {in_line, in_col};
        assign from_addr   = {from_line, from_col};
        assign write_addr  = {write_slot, write_second};
        assign wanted_addr = {lsb ? slot_held : slot, lsb};
    end else begin : several_chunks
        assign in_addr     = {in_line, in_col, in_chunk};
        assign from_addr   = {from_line, from_col, at_chunk};
        assign write_addr  = {write_slot, write_second, write_chunk};
        assign wanted_addr = {lsb ? slot_held : slot, lsb, chunk};
    end
endgenerate

genvar t;
generate
    for (t = 0; t < 9; t = t + 1) begin : places
        localparam [3:0] PLACE = 4 * (t / 3) + t % 3;  // {ky, kx}

        always @(posedge clk) begin
            write[t] <= read && read_tap == PLACE && !rst;
        end
    end

    // A window's place is written after the window behind it has been taken, and read before.
    if (BLOCK != 0) begin : in_block_ram
        (* ram_style = "block", syn_ramstyle = "block_ram,no_rw_check", ramstyle = "no_rw_check", no_rw_check *)
        reg [9*LANES-1:0] memory [0:(1<<TAP_W)-1];
        reg [9*LANES-1:0] operands_found;
        reg [8*LANES-1:0] gathered;  // the taps before: those of a chunk come one behind the other
        wire              unused_writes = &write[7:0];

        always @(posedge clk) begin
            gathered <= {operands, gathered[8*LANES-1:LANES]};
            if (write[8]) begin
                memory[write_addr] <= {operands, gathered};
            end
            operands_found <= memory[wanted_addr];
        end

        for (t = 0; t < 9; t = t + 1) begin : taps
            for (c = 0; c < LANES; c = c + 1) begin : channels
                assign data[9*c+t] = operands_found[t*LANES+c];
            end
        end
    end else begin : in_lut_ram
        reg [TAP_W-1:0] read_addr;

        always @(posedge clk) begin
            read_addr <= wanted_addr;
        end

        for (t = 0; t < 9; t = t + 1) begin : taps
            (* ram_style = "distributed", syn_ramstyle = "distributed,no_rw_check", ramstyle = "MLAB,no_rw_check", no_rw_check *)
            reg [LANES-1:0] memory [0:(1<<TAP_W)-1];
            wire [LANES-1:0] operands_found = memory[read_addr];

            always @(posedge clk) begin
                if (write[t]) begin
                    memory[write_addr] <= operands;
                end
            end

            for (c = 0; c < LANES; c = c + 1) begin : channels
                assign data[9*c+t] = operands_found[c];
            end
        end
    end
endgenerate

endmodule

`resetall
