// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * Sends the first WORDS words of a memory as a stream.
 *
 * The memory answers two cycles after its address and its words stay as they are meanwhile: a beat is what the memory
 * shows. Three cycles a beat. `start` begins; `busy` falls behind the last beat. Reset ends it.
 */
module stream_reader #(
    // Words to send
    parameter WORDS  = 4096,
    // Width of an address
    parameter ADDR_W = WORDS > 1 ? $clog2(WORDS) : 1
) (
    input  wire              clk,
    input  wire              rst,

    input  wire              start,
    output wire              busy,
    output wire [ADDR_W-1:0] read_addr,

    // The stream's handshake; its data is the memory's
    output wire              m_axis_tvalid,
    input  wire              m_axis_tready
);

localparam LAST = WORDS - 1;

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (WORDS < 1) begin : check_1
        WORDS_must_be_at_least_1 stop ();
    end
    if (ADDR_W < (WORDS > 1 ? $clog2(WORDS) : 1)) begin : check_2
        ADDR_W_must_hold_WORDS stop ();
    end
endgenerate

reg              running;
reg [ADDR_W-1:0] word;
reg [1:0]        age;   // cycles that the address has been there

wire taken = m_axis_tvalid && m_axis_tready;

assign busy          = running;
assign read_addr     = word;
assign m_axis_tvalid = running && age[1];

always @(posedge clk) begin
    if (!age[1]) begin
        age <= age + 2'd1;
    end
    if (taken) begin
        age     <= 2'd0;
        word    <= word + 1'b1;
        running <= word != LAST[ADDR_W-1:0];
    end
    if (start) begin
        running <= 1'b1;
        word    <= {ADDR_W{1'b0}};
        age     <= 2'd0;
    end
    if (rst) begin
        running <= 1'b0;
    end
end

endmodule

`resetall
