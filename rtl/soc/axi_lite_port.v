// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps
`default_nettype none

/*
 * AXI4-Lite to registers of 32 bits: one write pulse for each write, one look for each read. All are answered OKAY.
 *
 * A write is done in the cycle after its address and its data have both come, in any order, and the answer before it has
 * been taken; a read is answered two cycles after its address. Reset drops what is under way.
 */
module axi_lite_port #(
    // Width of a byte address, at least 3
    parameter ADDR_W = 6
) (
    input  wire              clk,
    input  wire              rst,

    // AXI4-Lite
    input  wire [ADDR_W-1:0] s_axi_awaddr,
    input  wire              s_axi_awvalid,
    output wire              s_axi_awready,
    input  wire [31:0]       s_axi_wdata,
    input  wire [3:0]        s_axi_wstrb,
    input  wire              s_axi_wvalid,
    output wire              s_axi_wready,
    output wire [1:0]        s_axi_bresp,
    output reg               s_axi_bvalid,
    input  wire              s_axi_bready,
    input  wire [ADDR_W-1:0] s_axi_araddr,
    input  wire              s_axi_arvalid,
    output wire              s_axi_arready,
    output reg  [31:0]       s_axi_rdata,
    output wire [1:0]        s_axi_rresp,
    output reg               s_axi_rvalid,
    input  wire              s_axi_rready,

    // Registers: word addresses; read_data belongs to read_word in the same cycle
    output wire              write,
    output reg  [ADDR_W-3:0] write_word,
    output reg  [31:0]       write_data,
    output reg  [3:0]        write_strb,
    output reg  [ADDR_W-3:0] read_word,
    input  wire [31:0]       read_data
);

// Parameters that cannot be built: no tool finds the module that is named then.
generate
    if (ADDR_W < 3) begin : check
        ADDR_W_must_be_at_least_3 stop ();
    end
endgenerate

localparam [1:0] OKAY = 2'b00;

reg  address_there;
reg  data_there;
reg  read_there;

// Bytes of a word have no address of their own.
wire unused_bits = &{1'b0, s_axi_awaddr[1:0], s_axi_araddr[1:0]};

wire look = read_there && (!s_axi_rvalid || s_axi_rready);

assign s_axi_awready = !address_there;
assign s_axi_wready  = !data_there;
assign s_axi_arready = !read_there;
assign s_axi_bresp   = OKAY;
assign s_axi_rresp   = OKAY;
assign write         = address_there && data_there && (!s_axi_bvalid || s_axi_bready);

always @(posedge clk) begin
    if (!address_there) begin
        write_word <= s_axi_awaddr[ADDR_W-1:2];
    end
    if (!data_there) begin
        write_data <= s_axi_wdata;
        write_strb <= s_axi_wstrb;
    end
    if (!read_there) begin
        read_word <= s_axi_araddr[ADDR_W-1:2];
    end
    if (look) begin
        s_axi_rdata <= read_data;
    end
end

always @(posedge clk) begin
    address_there <= address_there ? !write : s_axi_awvalid;
    data_there    <= data_there ? !write : s_axi_wvalid;
    read_there    <= read_there ? !look : s_axi_arvalid;
    s_axi_bvalid  <= write || (s_axi_bvalid && !s_axi_bready);
    s_axi_rvalid  <= look || (s_axi_rvalid && !s_axi_rready);
    if (rst) begin
        address_there <= 1'b0;
        data_there    <= 1'b0;
        read_there    <= 1'b0;
        s_axi_bvalid  <= 1'b0;
        s_axi_rvalid  <= 1'b0;
    end
end

endmodule

`resetall
