// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Fills memories from a stream of 32-bit beats: SHAPE, the words of each memory in turn, and the checksum.
 *
 * The last word of memory s is number LAST_WORDS[32*s +: 32], a word's last beat number LAST_BEATS[32*s +: 32], low beat
 * first. The last beat, with tlast, is the CRC-32 of all before, as Ethernet and zlib have it, bytes in the order of the
 * beats' low to high ones.
 *
 * `loaded` tells that all memories hold what came whole and right; it falls with the first beat of a stream, and stays
 * low where SHAPE is another, tlast comes early or late, or the checksum is wrong. `load_error` rises then, until the
 * next stream begins. A stream begins while `idle` only; then a beat a cycle, a word is written a cycle behind its last
 * beat. Reset ends a stream that is under way, without an error, and leaves what is loaded.
 */
module weight_loader #(
    // Memories
    parameter MEMORIES   = 2,
    // Words of each, and beats of each word, less one: 32 bits a memory, the first in the low bits
    parameter [32*MEMORIES-1:0] LAST_WORDS = 64'd0,
    parameter [32*MEMORIES-1:0] LAST_BEATS = 64'd0,
    // What a stream begins with that is made for these memories
    parameter [31:0] SHAPE = 32'd0,
    // Beats of the widest word
    parameter MOST_BEATS = 1,
    // Width of an address
    parameter ADDR_W     = 1
) (
    input  wire                     clk,
    input  wire                     rst,

    // Whether a stream may begin
    input  wire                     idle,

    // Stream input
    input  wire [31:0]              s_axis_tdata,
    input  wire                     s_axis_tvalid,
    output wire                     s_axis_tready,
    input  wire                     s_axis_tlast,

    // Write ports: which memory; its word is in the highest beats
    output reg  [MEMORIES-1:0]      write,
    output reg  [ADDR_W-1:0]        write_addr,
    output wire [32*MOST_BEATS-1:0] write_data,

    output reg                      loaded,
    output reg                      load_error
);

localparam MEMORY_W = MEMORIES > 1 ? $clog2(MEMORIES) : 1;
localparam BEAT_W   = MOST_BEATS > 1 ? $clog2(MOST_BEATS) : 1;
localparam LAST     = MEMORIES - 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (MEMORIES < 1) begin : check_1
        MEMORIES_must_be_at_least_1 stop ();
    end
    if (MOST_BEATS < 1) begin : check_2
        MOST_BEATS_must_be_at_least_1 stop ();
    end
endgenerate

localparam [1:0] SHAPE_BEAT = 2'd0;
localparam [1:0] FILL       = 2'd1;
localparam [1:0] CHECK      = 2'd2;
localparam [1:0] DISCARD    = 2'd3;  // after an error: up to tlast

reg [1:0]          state;
reg [MEMORY_W-1:0] memory;
reg [ADDR_W-1:0]   word;
reg [BEAT_W-1:0]   beat;
reg [31:0]         crc;

wire begins = state == SHAPE_BEAT;
wire accept = s_axis_tvalid && s_axis_tready;

assign s_axis_tready = !begins || idle;

// The last word and the last beat of the memory at hand
wire last_word   = word == LAST_WORDS[32*memory +: ADDR_W];
wire last_beat   = beat == LAST_BEATS[32*memory +: BEAT_W];
wire last_memory = memory == LAST[MEMORY_W-1:0];

wire right = begins ? s_axis_tdata == SHAPE && !s_axis_tlast :
    state == CHECK ? s_axis_tdata == ~crc && s_axis_tlast : !s_axis_tlast;

// Checksum of a beat, byte by byte
wire [31:0] after [0:4];

assign after[0] = begins ? 32'hFFFFFFFF : crc;

genvar i;
generate
    for (i = 0; i < 4; i = i + 1) begin : bytes
        crc32_byte step (
            .crc(after[i]),
            .data(s_axis_tdata[8*i +: 8]),
            .next(after[i+1])
        );
    end
endgenerate

// A word's beats as they come: the last is the highest.
reg [32*MOST_BEATS-1:0] gathered;

wire [32*MOST_BEATS+31:0] onward = {s_axis_tdata, gathered};
wire               [31:0] unused_beat = onward[31:0];

assign write_data = gathered;

// Nothing is loaded when the power comes.
initial begin
    loaded     = 1'b0;
    load_error = 1'b0;
end

integer m;

always @(posedge clk) begin
    write      <= {MEMORIES{1'b0}};
    write_addr <= word;
    if (accept) begin
        crc        <= after[4];
        gathered   <= onward[32*MOST_BEATS+31:32];
        loaded     <= state == CHECK && right;
        load_error <= state == DISCARD || !right;
        if (state != DISCARD && !right) begin
            state <= s_axis_tlast ? SHAPE_BEAT : DISCARD;
        end else begin
            case (state)
                SHAPE_BEAT: begin
                    state  <= FILL;
                    memory <= {MEMORY_W{1'b0}};
                    word   <= {ADDR_W{1'b0}};
                    beat   <= {BEAT_W{1'b0}};
                end
                FILL: begin
                    beat <= last_beat ? {BEAT_W{1'b0}} : beat + 1'b1;
                    if (last_beat) begin
                        for (m = 0; m < MEMORIES; m = m + 1) begin
                            write[m] <= memory == m[MEMORY_W-1:0];
                        end
                        word <= last_word ? {ADDR_W{1'b0}} : word + 1'b1;
                        if (last_word) begin
                            memory <= last_memory ? memory : memory + 1'b1;
                            state  <= last_memory ? CHECK : FILL;
                        end
                    end
                end
                default: begin
                    state <= s_axis_tlast ? SHAPE_BEAT : state;
                end
            endcase
        end
    end
    if (rst) begin
        state <= SHAPE_BEAT;
        write <= {MEMORIES{1'b0}};
    end
end

endmodule

`resetall
