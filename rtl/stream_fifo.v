// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * First-in first-out buffer of exactly DEPTH words.
 *
 * Throughput 1 word a cycle (DEPTH = 1: a word every other cycle). All but the last word lie in a memory that is read
 * through a register. Latency 1 cycle where that is distributed RAM; 2 cycles where it is block RAM, which is slow to
 * answer and gets an output register behind it. Reset empties it.
 */
module stream_fifo #(
    // Width of a word in bits
    parameter WIDTH = 8,
    // Words that fit, those in registers included
    parameter DEPTH = 4,
    // 1: block RAM, for deep ones; 0: what synthesis finds best, distributed RAM where there is any
    parameter BLOCK = DEPTH > 33
) (
    input  wire             clk,
    input  wire             rst,

    // Stream input
    input  wire [WIDTH-1:0] s_axis_tdata,
    input  wire             s_axis_tvalid,
    output wire             s_axis_tready,

    // Stream output
    output wire [WIDTH-1:0] m_axis_tdata,
    output wire             m_axis_tvalid,
    input  wire             m_axis_tready
);

localparam INNER   = BLOCK ? DEPTH - 1 : DEPTH;  // words without the output register behind block RAM
localparam WORDS   = INNER > 1 ? INNER - 1 : 1;
localparam ADDR_W  = WORDS > 1 ? $clog2(WORDS) : 1;
localparam COUNT_W = $clog2(INNER + 1);

localparam LAST_ADDR = WORDS - 1;
localparam ALL_BUT_ONE = INNER - 1;

initial begin
    if (INNER < 1) begin
        $display("ERROR: %m: DEPTH is %0d, expected at least %0d", DEPTH, BLOCK ? 2 : 1);
        $finish;
    end
end

// The word that is read is never the one being written: with an empty memory words bypass it, and a full one takes none.
localparam unused_style = BLOCK ? "block" : "auto";  // by simulators
(* ram_style = unused_style, no_rw_check *)
reg [WIDTH-1:0]   memory [0:WORDS-1];
reg [ADDR_W-1:0]  write_addr;
reg [ADDR_W-1:0]  read_addr;
reg [COUNT_W-1:0] count;         // words, the output word included
reg               out_valid;     // count != 0
reg               more;          // count > 1: the memory is not empty
reg               full;
reg               out_bypassed;  // the output word came straight from the input
reg [WIDTH-1:0]   read_data;
reg [WIDTH-1:0]   bypass_data;

wire out_take;
wire push   = s_axis_tvalid && s_axis_tready;
wire pop    = out_valid && out_take;
wire load   = pop && more;
wire bypass = push && !more && (!out_valid || out_take);
wire store  = push && !bypass;

assign s_axis_tready = !full;

wire [WIDTH-1:0] out_data = out_bypassed ? bypass_data : read_data;

generate
    if (BLOCK) begin : registered
        reg [WIDTH-1:0] last_data;
        reg             last_valid;

        assign out_take      = !last_valid || m_axis_tready;
        assign m_axis_tdata  = last_data;
        assign m_axis_tvalid = last_valid;

        always @(posedge clk) begin
            if (out_take) begin
                last_data  <= out_data;
                last_valid <= out_valid;
            end
            if (rst) begin
                last_valid <= 1'b0;
            end
        end
    end else begin : direct
        assign out_take      = m_axis_tready;
        assign m_axis_tdata  = out_data;
        assign m_axis_tvalid = out_valid;
    end
endgenerate

always @(posedge clk) begin
    if (store) begin
        memory[write_addr] <= s_axis_tdata;
    end
    if (load) begin
        read_data <= memory[read_addr];
    end
    if (bypass) begin
        bypass_data <= s_axis_tdata;
    end
    if (load || bypass) begin
        out_bypassed <= bypass;
    end
end

always @(posedge clk) begin
    if (store) begin
        write_addr <= write_addr == LAST_ADDR[ADDR_W-1:0] ? {ADDR_W{1'b0}} : write_addr + 1'b1;
    end
    if (load) begin
        read_addr <= read_addr == LAST_ADDR[ADDR_W-1:0] ? {ADDR_W{1'b0}} : read_addr + 1'b1;
    end
    if (push && !pop) begin
        count     <= count + 1'b1;
        out_valid <= 1'b1;
        more      <= out_valid;
        full      <= count == ALL_BUT_ONE[COUNT_W-1:0];
    end else if (pop && !push) begin
        count     <= count - 1'b1;
        out_valid <= more;
        more      <= more && count != 2;
        full      <= 1'b0;
    end
    if (rst) begin
        write_addr <= {ADDR_W{1'b0}};
        read_addr  <= {ADDR_W{1'b0}};
        count      <= {COUNT_W{1'b0}};
        out_valid  <= 1'b0;
        more       <= 1'b0;
        full       <= 1'b0;
    end
end

endmodule

`resetall
