// SPDX-License-Identifier: Apache-2.0
//
// The least that can simulate the accelerator: Verilator's C++ model, pixels from a file, logits compared with a file.
// benchmarks/simulation_speed.py compiles it, and runs it with the two files and the width of a pixel.

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "verilated.h"
#include "Vtop.h"

int main(int argc, char** argv) {
    std::ifstream pixels(argv[1]);
    std::ifstream golden(argv[2]);
    std::vector<uint32_t> words;
    for (std::string line; std::getline(pixels, line);) words.push_back(std::stoul(line, nullptr, 16));
    std::vector<int32_t> logits;
    for (int32_t value; golden >> value;) logits.push_back(value);

    VerilatedContext context;
    Vtop top(&context);
    const uint32_t last = 1u << std::stoi(argv[3]);  // {tlast, tdata}
    size_t sent = 0;
    size_t received = 0;
    uint64_t cycle = 0;
    top.m_axis_tready = 1;
    while (received < logits.size()) {
        top.rst = cycle < 4;
        top.s_axis_tvalid = !top.rst && sent < words.size();
        if (top.s_axis_tvalid) {
            top.s_axis_tdata = words[sent] & (last - 1);
            top.s_axis_tlast = (words[sent] & last) != 0;
        }
        top.clk = 0;
        top.eval();
        const bool taken = top.s_axis_tvalid && top.s_axis_tready;
        if (!top.rst && top.m_axis_tvalid) {
            if (static_cast<int32_t>(top.m_axis_tdata) != logits[received]) {
                std::fprintf(stderr, "logit %zu: expected %d, got %d\n", received, logits[received],
                             static_cast<int32_t>(top.m_axis_tdata));
                return 1;
            }
            ++received;
        }
        top.clk = 1;
        top.eval();
        sent += taken;
        ++cycle;
    }
    std::printf("%llu\n", static_cast<unsigned long long>(cycle));
    return 0;
}
