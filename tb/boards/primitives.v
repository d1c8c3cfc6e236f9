// SPDX-License-Identifier: Apache-2.0

`resetall
`timescale 1ns / 1ps

/*
 * Models of the boards' PLLs for simulation. The output's frequency follows from the input's and from the dividers that
 * an instance sets, by the formulas of the vendors' manuals; ports without influence on a board are not modelled.
 */

// clk_out has MULTIPLIER / DIVIDER times the frequency of clk_in, as soon as that has shown its period.
module pll_model #(
    parameter real MULTIPLIER = 1.0,
    parameter real DIVIDER    = 1.0
) (
    input  wire clk_in,
    output reg  clk_out,
    output reg  locked
);

realtime last;
realtime period;
integer  edges;

initial begin
    clk_out = 1'b0;
    locked  = 1'b0;
    edges   = 0;
    period  = 0.0;
    while (edges < 3) begin
        @(posedge clk_in);
        period = $realtime - last;
        last   = $realtime;
        edges  = edges + 1;
    end
    edges = 0;
    forever begin
        #(period * DIVIDER / MULTIPLIER / 2.0);
        clk_out = !clk_out;
        edges   = edges + 1;
        if (edges == 100) begin
            locked = 1'b1;
        end
    end
end

endmodule

// FPGA-TN-02200: f_CLKOP = f_CLKI * CLKFB_DIV / CLKI_DIV where CLKOP is fed back.
module EHXPLLL #(
    parameter PLLRST_ENA = "", parameter INTFB_WAKE = "", parameter STDBY_ENABLE = "", parameter DPHASE_SOURCE = "",
    parameter OUTDIVIDER_MUXA = "", parameter OUTDIVIDER_MUXB = "", parameter OUTDIVIDER_MUXC = "",
    parameter OUTDIVIDER_MUXD = "", parameter CLKOP_ENABLE = "", parameter FEEDBK_PATH = "",
    parameter CLKI_DIV = 1, parameter CLKFB_DIV = 1, parameter CLKOP_DIV = 8,
    parameter CLKOP_CPHASE = 0, parameter CLKOP_FPHASE = 0
) (
    input wire CLKI, input wire CLKFB, input wire RST, input wire STDBY, input wire PHASESEL0, input wire PHASESEL1,
    input wire PLLWAKESYNC, input wire ENCLKOP, input wire PHASEDIR, input wire PHASESTEP, input wire PHASELOADREG,
    output wire CLKOP, output wire LOCK
);
pll_model #(.MULTIPLIER(CLKFB_DIV), .DIVIDER(CLKI_DIV)) model (.clk_in(CLKI), .clk_out(CLKOP), .locked(LOCK));
endmodule

// FPGA-TN-02052: f_out = f_in * (DIVF + 1) / (2^DIVQ * (DIVR + 1)) with simple feedback.
module SB_PLL40_PAD #(
    parameter FEEDBACK_PATH = "", parameter [3:0] DIVR = 0, parameter [6:0] DIVF = 0, parameter [2:0] DIVQ = 0,
    parameter [2:0] FILTER_RANGE = 0
) (
    input wire PACKAGEPIN, input wire RESETB, input wire BYPASS, output wire PLLOUTGLOBAL, output wire LOCK
);
pll_model #(.MULTIPLIER(DIVF + 1), .DIVIDER((1 << DIVQ) * (DIVR + 1))) model (
    .clk_in(PACKAGEPIN), .clk_out(PLLOUTGLOBAL), .locked(LOCK)
);
endmodule

// UG286: f_CLKOUT = f_CLKIN * (FBDIV_SEL + 1) / (IDIV_SEL + 1).
module rPLL #(
    parameter FCLKIN = "", parameter IDIV_SEL = 0, parameter FBDIV_SEL = 0, parameter ODIV_SEL = 8
) (
    input wire CLKIN, input wire RESET, input wire RESET_P, input wire CLKFB, input wire [5:0] FBDSEL,
    input wire [5:0] IDSEL, input wire [5:0] ODSEL, input wire [3:0] PSDA, input wire [3:0] DUTYDA,
    input wire [3:0] FDLY, output wire CLKOUT, output wire LOCK
);
pll_model #(.MULTIPLIER(FBDIV_SEL + 1), .DIVIDER(IDIV_SEL + 1)) model (.clk_in(CLKIN), .clk_out(CLKOUT), .locked(LOCK));
endmodule

// UG472: f_CLKOUT0 = f_CLKIN1 * CLKFBOUT_MULT_F / (DIVCLK_DIVIDE * CLKOUT0_DIVIDE_F).
module MMCME2_BASE #(
    parameter real CLKIN1_PERIOD = 0.0, parameter DIVCLK_DIVIDE = 1, parameter real CLKFBOUT_MULT_F = 5.0,
    parameter real CLKOUT0_DIVIDE_F = 1.0
) (
    input wire CLKIN1, input wire CLKFBIN, input wire RST, input wire PWRDWN, output wire CLKFBOUT,
    output wire CLKOUT0, output wire LOCKED
);
pll_model #(.MULTIPLIER(CLKFBOUT_MULT_F), .DIVIDER(DIVCLK_DIVIDE * CLKOUT0_DIVIDE_F)) model (
    .clk_in(CLKIN1), .clk_out(CLKOUT0), .locked(LOCKED)
);
assign CLKFBOUT = CLKIN1;
endmodule

module BUFG (input wire I, output wire O);
assign O = I;
endmodule

`resetall
