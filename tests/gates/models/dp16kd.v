// SPDX-License-Identifier: Apache-2.0

`timescale 1ns / 1ps
`default_nettype none

/*
 * Behaviour of an ECP5's block RAM, as far as Yosys's mapping uses it: share/lattice/brams_map_16kd.v and brams_16kd.txt
 * of Yosys, which itself has this cell as a black box only.
 *
 * 2048 bytes of 9 bits. Ports of 1, 2 and 4 bits see the lower 8 bits of a byte. Of 18 and 36 bits the lowest address
 * bits say which bytes are written; where they do, the write enable may be tied high. With DATA_WIDTH_A 36, port A writes
 * {DIB, DIA}, and port B reads: 36 bits as {DOB, DOA}, less at DOB. A byte that one port reads while the other writes it
 * is undefined, x here; both ports have the same clock. Modes that the mapping does not use end the simulation.
 */
module DP16KD #(
    parameter DATA_WIDTH_A = 18,
    parameter DATA_WIDTH_B = 18,
    parameter REGMODE_A = "NOREG",
    parameter REGMODE_B = "NOREG",
    parameter RESETMODE = "SYNC",
    parameter ASYNC_RESET_RELEASE = "SYNC",
    parameter CSDECODE_A = "0b000",
    parameter CSDECODE_B = "0b000",
    parameter WRITEMODE_A = "NORMAL",
    parameter WRITEMODE_B = "NORMAL",
    parameter CLKAMUX = "CLKA",
    parameter CLKBMUX = "CLKB",
    parameter GSR = "ENABLED",
    parameter INIT_DATA = "STATIC",
    parameter [319:0] INITVAL_00 = 320'h0,
    parameter [319:0] INITVAL_01 = 320'h0,
    parameter [319:0] INITVAL_02 = 320'h0,
    parameter [319:0] INITVAL_03 = 320'h0,
    parameter [319:0] INITVAL_04 = 320'h0,
    parameter [319:0] INITVAL_05 = 320'h0,
    parameter [319:0] INITVAL_06 = 320'h0,
    parameter [319:0] INITVAL_07 = 320'h0,
    parameter [319:0] INITVAL_08 = 320'h0,
    parameter [319:0] INITVAL_09 = 320'h0,
    parameter [319:0] INITVAL_0A = 320'h0,
    parameter [319:0] INITVAL_0B = 320'h0,
    parameter [319:0] INITVAL_0C = 320'h0,
    parameter [319:0] INITVAL_0D = 320'h0,
    parameter [319:0] INITVAL_0E = 320'h0,
    parameter [319:0] INITVAL_0F = 320'h0,
    parameter [319:0] INITVAL_10 = 320'h0,
    parameter [319:0] INITVAL_11 = 320'h0,
    parameter [319:0] INITVAL_12 = 320'h0,
    parameter [319:0] INITVAL_13 = 320'h0,
    parameter [319:0] INITVAL_14 = 320'h0,
    parameter [319:0] INITVAL_15 = 320'h0,
    parameter [319:0] INITVAL_16 = 320'h0,
    parameter [319:0] INITVAL_17 = 320'h0,
    parameter [319:0] INITVAL_18 = 320'h0,
    parameter [319:0] INITVAL_19 = 320'h0,
    parameter [319:0] INITVAL_1A = 320'h0,
    parameter [319:0] INITVAL_1B = 320'h0,
    parameter [319:0] INITVAL_1C = 320'h0,
    parameter [319:0] INITVAL_1D = 320'h0,
    parameter [319:0] INITVAL_1E = 320'h0,
    parameter [319:0] INITVAL_1F = 320'h0,
    parameter [319:0] INITVAL_20 = 320'h0,
    parameter [319:0] INITVAL_21 = 320'h0,
    parameter [319:0] INITVAL_22 = 320'h0,
    parameter [319:0] INITVAL_23 = 320'h0,
    parameter [319:0] INITVAL_24 = 320'h0,
    parameter [319:0] INITVAL_25 = 320'h0,
    parameter [319:0] INITVAL_26 = 320'h0,
    parameter [319:0] INITVAL_27 = 320'h0,
    parameter [319:0] INITVAL_28 = 320'h0,
    parameter [319:0] INITVAL_29 = 320'h0,
    parameter [319:0] INITVAL_2A = 320'h0,
    parameter [319:0] INITVAL_2B = 320'h0,
    parameter [319:0] INITVAL_2C = 320'h0,
    parameter [319:0] INITVAL_2D = 320'h0,
    parameter [319:0] INITVAL_2E = 320'h0,
    parameter [319:0] INITVAL_2F = 320'h0,
    parameter [319:0] INITVAL_30 = 320'h0,
    parameter [319:0] INITVAL_31 = 320'h0,
    parameter [319:0] INITVAL_32 = 320'h0,
    parameter [319:0] INITVAL_33 = 320'h0,
    parameter [319:0] INITVAL_34 = 320'h0,
    parameter [319:0] INITVAL_35 = 320'h0,
    parameter [319:0] INITVAL_36 = 320'h0,
    parameter [319:0] INITVAL_37 = 320'h0,
    parameter [319:0] INITVAL_38 = 320'h0,
    parameter [319:0] INITVAL_39 = 320'h0,
    parameter [319:0] INITVAL_3A = 320'h0,
    parameter [319:0] INITVAL_3B = 320'h0,
    parameter [319:0] INITVAL_3C = 320'h0,
    parameter [319:0] INITVAL_3D = 320'h0,
    parameter [319:0] INITVAL_3E = 320'h0,
    parameter [319:0] INITVAL_3F = 320'h0
) (
    input  wire CLKA, CEA, OCEA, WEA, RSTA, CSA0, CSA1, CSA2,
    input  wire ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
    input  wire DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8, DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15,
        DIA16, DIA17,
    output wire DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8, DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15,
        DOA16, DOA17,
    input  wire CLKB, CEB, OCEB, WEB, RSTB, CSB0, CSB1, CSB2,
    input  wire ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
    input  wire DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8, DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15,
        DIB16, DIB17,
    output wire DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8, DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15,
        DOB16, DOB17
);

localparam [64*320-1:0] CONTENTS = {
        INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
        INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
        INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
        INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
        INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
        INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
        INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
        INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
};

wire [13:0] addr_a = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
wire [13:0] addr_b = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
wire [17:0] in_a = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2,
        DIA1, DIA0};
wire [17:0] in_b = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2,
        DIB1, DIB0};

reg [8:0]  memory [0:2047];
reg [35:0] out_a;
reg [35:0] out_b;

assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
        DOA1, DOA0} = DATA_WIDTH_A == 36 ? out_b[17:0] : out_a[17:0];
assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2,
        DOB1, DOB0} = DATA_WIDTH_B == 36 ? out_b[35:18] : out_b[17:0];

localparam BYTES_A = DATA_WIDTH_A >= 9 ? DATA_WIDTH_A / 9 : 1;
localparam BITS_A  = DATA_WIDTH_A >= 9 ? 9 : DATA_WIDTH_A;

wire [10:0] byte_a = addr_a[13:3] & ~(BYTES_A - 1);
wire [2:0]  bit_a  = DATA_WIDTH_A >= 9 ? 3'd0 : addr_a[2:0] & ~(DATA_WIDTH_A - 1);
wire        write_a = CEA && WEA && !RSTA;

localparam BYTES_B = DATA_WIDTH_B >= 9 ? DATA_WIDTH_B / 9 : 1;
localparam BITS_B  = DATA_WIDTH_B >= 9 ? 9 : DATA_WIDTH_B;

wire [10:0] byte_b = addr_b[13:3] & ~(BYTES_B - 1);
wire [2:0]  bit_b  = DATA_WIDTH_B >= 9 ? 3'd0 : addr_b[2:0] & ~(DATA_WIDTH_B - 1);
wire        write_b = CEB && WEB && !RSTB;

integer i;
integer j;
integer k;

initial begin
    for (i = 0; i < 1024; i = i + 1) begin
        {memory[2*i+1], memory[2*i]} = CONTENTS[20*i +: 18];
    end
    out_a = 36'd0;
    out_b = 36'd0;
    if (
        REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || CLKAMUX != "CLKA" || CLKBMUX != "CLKB"
        || CSDECODE_A != "0b000" || CSDECODE_B != "0b000" || CSA0 || CSA1 || CSA2 || CSB0 || CSB1 || CSB2
    ) begin
        $display("DP16KD: a mode that is not modelled");
        $finish;
    end
end

wire [35:0] in_data_a = DATA_WIDTH_A == 36 ? {in_b, in_a} : {18'd0, in_a};

always @(posedge CLKA) begin
    if (RSTA) begin
        out_a <= 36'd0;
    end else if (CEA) begin
        for (j = 0; j < BYTES_A; j = j + 1) begin
            if (!WEA) begin
                // One byte is the other port's, where that writes.
                if (write_b && byte_a + j >= byte_b && byte_a + j < byte_b + BYTES_B
                    && (BYTES_B == 1 || addr_b[byte_a + j - byte_b])
                    && (BITS_A == 9 || BITS_B == 9 || bit_a + BITS_A > bit_b && bit_b + BITS_B > bit_a)) begin
                    out_a[9*j +: BITS_A] <= {BITS_A{1'bx}};
                end else begin
                    out_a[9*j +: BITS_A] <= memory[byte_a + j] >> bit_a;
                end
            end else if (BYTES_A == 1 || addr_a[j]) begin
                memory[byte_a + j][bit_a +: BITS_A] <= in_data_a[9*j +: BITS_A];
                if (WRITEMODE_A == "WRITETHROUGH") begin
                    out_a[9*j +: BITS_A] <= in_data_a[9*j +: BITS_A];
                end
            end
            if (WEA && WRITEMODE_A == "READBEFOREWRITE") begin
                out_a[9*j +: BITS_A] <= memory[byte_a + j] >> bit_a;
            end
        end
    end
end

wire [35:0] in_data_b = {18'd0, in_b};

always @(posedge CLKB) begin
    if (RSTB) begin
        out_b <= 36'd0;
    end else if (CEB) begin
        for (k = 0; k < BYTES_B; k = k + 1) begin
            if (!WEB) begin
                // One byte is the other port's, where that writes.
                if (write_a && byte_b + k >= byte_a && byte_b + k < byte_a + BYTES_A
                    && (BYTES_A == 1 || addr_a[byte_b + k - byte_a])
                    && (BITS_B == 9 || BITS_A == 9 || bit_b + BITS_B > bit_a && bit_a + BITS_A > bit_b)) begin
                    out_b[9*k +: BITS_B] <= {BITS_B{1'bx}};
                end else begin
                    out_b[9*k +: BITS_B] <= memory[byte_b + k] >> bit_b;
                end
            end else if (BYTES_B == 1 || addr_b[k]) begin
                memory[byte_b + k][bit_b +: BITS_B] <= in_data_b[9*k +: BITS_B];
                if (WRITEMODE_B == "WRITETHROUGH") begin
                    out_b[9*k +: BITS_B] <= in_data_b[9*k +: BITS_B];
                end
            end
            if (WEB && WRITEMODE_B == "READBEFOREWRITE") begin
                out_b[9*k +: BITS_B] <= memory[byte_b + k] >> bit_b;
            end
        end
    end
end

always @(posedge RSTA or posedge RSTB) begin
    if (RESETMODE == "ASYNC" && $time > 0) begin
        $display("DP16KD: an asynchronous reset, which is not modelled");
        $finish;
    end
end

endmodule

`resetall
