// SPDX-License-Identifier: Apache-2.0
// Signs times planes by looking up sums of four products.
//
// Four channels of a pixel are one of 256 entries of a table: a nibble of msb, and one of lsb. An entry holds the sum
// over the four channels of w b for each of the sixteen nibbles that the weights of an output channel can be, msb in
// the lower half of a register and lsb in the upper one. A shuffle of bytes, with the weights of sixteen output
// channels as its indices, so gives sixteen sums of both planes: 128 products. An image is stored as the entries'
// offsets in 16 bits; one more entry, all zeros, is the border.
//
// Sums of four +-1 are even: half of each is added up in bytes, 63 of them at most, then in 32 bits. Where the channels
// are no multiple of four, the last group of them has a table of fewer products, and where their number is odd, sums
// are not halved, and 31 are added at most.
#pragma once

#include "blocks.h"

namespace wsfracbnn {

class SignConvolution {
  public:
    static constexpr int CHANNELS = 8;  // of a 32-bit group: two offsets, of both planes

    void pack(const Geometry& g, const float* w) {
        halved_ = g.in_channels % 2 == 0;
        auto* tables = reinterpret_cast<int8_t*>(tables_.zeroed(TABLES * TABLE / sizeof(int32_t)));
        for (int t = 0; t < TABLES; ++t) fill(tables + t * TABLE, products(g, t));
        lanes_ = round_up(g.out_channels, OUTPUTS);
        const size_t tap_size = static_cast<size_t>(groups(g)) * lanes_;
        auto* packed = reinterpret_cast<uint8_t*>(weights_.zeroed(TAPS * tap_size / sizeof(int32_t)));
        for (int o = 0; o < g.out_channels; ++o)
            for (int i = 0; i < g.in_channels; ++i)
                for (int t = 0; t < TAPS; ++t)
                    if (w[(o * g.in_channels + i) * TAPS + t] >= 0)
                        packed[t * tap_size + static_cast<size_t>(i / 4) * lanes_ + o] |= 1 << i % 4;
    }
    static void clear(int32_t* planes, size_t groups) {
        std::fill_n(reinterpret_cast<uint16_t*>(planes), 2 * groups, static_cast<uint16_t>(BORDER));
    }
    // What is added to both offsets of vector v: which tables its groups of channels have.
    static int32_t entry_of(const Geometry& g, int v) {
        const auto table = [&](int group) {
            return group < g.in_channels / 4 ? 0 : group <= (g.in_channels - 1) / 4 ? 1 : 2;
        };
        return table(2 * v) * TABLE | table(2 * v + 1) * TABLE << 16;
    }
    // Both planes of a vector of channels.
    static void put(int32_t* at, size_t, Mask msb, Mask lsb, int32_t entry) {
        const int m = bits_of(msb), l = bits_of(lsb);
        auto* offsets = reinterpret_cast<uint16_t*>(at);
        offsets[0] = static_cast<uint16_t>(((m & 15) | (l & 15) << 4) * ENTRY + (entry & 0xFFFF));
        offsets[1] = static_cast<uint16_t>((m >> 4 | (l & 0xF0)) * ENTRY + (entry >> 16));
    }
    void convolve(const Geometry& g, const int32_t* planes, int y, int32_t* sums) const {
        TapList taps;
        for (int ky = 0; ky < 3; ++ky)
            for (int kx = 0; kx < 3; ++kx)
                taps.add(static_cast<ptrdiff_t>(ky * g.in_pitch + kx) * groups(g),
                         static_cast<ptrdiff_t>(3 * ky + kx) * groups(g) * lanes_);
        const auto* data =
            reinterpret_cast<const uint16_t*>(planes) + static_cast<size_t>(y) * g.stride * g.in_pitch * groups(g);
        int lane = 0;
        for (; lane + 2 * OUTPUTS <= lanes_; lane += 2 * OUTPUTS)
            for (int x = 0; x < g.out_columns; x += 4) add_block<4, 2>(g, taps, data, x, lane, sums);
        if (lane == lanes_) return;
        int x = 0;
        for (; x + 8 <= g.out_columns; x += 8) add_block<8, 1>(g, taps, data, x, lane, sums);
        for (; x < g.out_columns; x += 4) add_block<4, 1>(g, taps, data, x, lane, sums);
    }

  private:
    static constexpr int OUTPUTS = 16;                     // channels of one shuffle
    static constexpr int ENTRY = 32, TABLE = 257 * ENTRY;  // bytes
    static constexpr int BORDER = 256 * ENTRY;
    static constexpr int TABLES = 3;  // of four channels, of the last few, of none

    static int groups(const Geometry& g) { return g.in_lanes / 4; }
    static int products(const Geometry& g, int table) { return table == 0 ? 4 : table == 1 ? g.in_channels % 4 : 0; }
    void fill(int8_t* table, int products) const {
        const auto sum = [&](int b, int w) {  // of the first products of two nibbles of signs
            const int unequal = __builtin_popcount((b ^ w) & ((1 << products) - 1));
            return static_cast<int8_t>((products - 2 * unequal) / (halved_ ? 2 : 1));
        };
        for (int entry = 0; entry < 256; ++entry)
            for (int w = 0; w < 16; ++w) {
                table[entry * ENTRY + w] = sum(entry & 15, w);
                table[entry * ENTRY + 16 + w] = sum(entry >> 4, w);
            }
    }

    // Both planes' sums of PIXELS pixels from x on and VECTORS * OUTPUTS output channels from `lane` on.
    template <int PIXELS, int VECTORS>
    __attribute__((noinline)) void add_block(const Geometry& g, const TapList& taps, const uint16_t* data, int x,
                                             int lane, int32_t* sums) const {
        const ptrdiff_t step = static_cast<ptrdiff_t>(g.stride) * groups(g);
        const auto* tables = reinterpret_cast<const char*>(tables_.data());
        const auto* weights = reinterpret_cast<const uint8_t*>(weights_.data()) + lane;
        const ptrdiff_t second = static_cast<ptrdiff_t>(g.out_columns) * g.out_lanes;
        const int limit = halved_ ? 63 : 31, shift = halved_ ? 1 : 0;
        data += x * step;
        sums += static_cast<ptrdiff_t>(x) * g.out_lanes + lane;
        Bytes sum[PIXELS][VECTORS];
#pragma GCC unroll 8
        for (int p = 0; p < PIXELS; ++p)
#pragma GCC unroll 2
            for (int v = 0; v < VECTORS; ++v) sum[p][v] = zero_bytes();
        bool first = true;
        int added = 0;
        const auto widen = [&] {
#pragma GCC unroll 8
            for (int p = 0; p < PIXELS; ++p)
#pragma GCC unroll 2
                for (int v = 0; v < VECTORS; ++v) {
                    for (int half = 0; half < 2; ++half) {
                        const int at = v * OUTPUTS + half * LANES;
                        if (lane + at >= g.out_lanes) break;
                        int32_t* to = sums + p * g.out_lanes + at;
                        const Ints m = shifted(widened(sum[p][v], half), shift),
                                   l = shifted(widened(sum[p][v], 2 + half), shift);
                        store(to, first ? m : add(load(to), m));
                        store(to + second, first ? l : add(load(to + second), l));
                    }
                    sum[p][v] = zero_bytes();
                }
            first = false;
            added = 0;
        };
        for (int t = 0; t < taps.count; ++t)
            for (int from = 0, count; from < groups(g); from += count) {
                count = std::min(groups(g) - from, limit);
                if (added + count > limit) widen();
                added += count;
                const uint16_t* d = data + taps.data[t] + from;
                const uint8_t* w = weights + taps.weight[t] + static_cast<ptrdiff_t>(from) * lanes_;
#pragma GCC unroll 1
                for (int k = 0; k < count; ++k, ++d, w += lanes_) {
                    Bytes weight[VECTORS];
#pragma GCC unroll 2
                    for (int v = 0; v < VECTORS; ++v) weight[v] = load_twice(w + v * OUTPUTS);
#pragma GCC unroll 8
                    for (int p = 0; p < PIXELS; ++p) {
                        const Bytes entry = load_bytes(tables + d[p * step]);
#pragma GCC unroll 2
                        for (int v = 0; v < VECTORS; ++v) sum[p][v] = add_bytes(sum[p][v], look_up(entry, weight[v]));
                    }
                }
            }
        widen();
    }

    bool halved_ = true;
    int lanes_ = 0;
    Buffer<int32_t> tables_, weights_;
};

}  // namespace wsfracbnn
