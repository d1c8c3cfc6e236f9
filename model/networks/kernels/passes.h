// SPDX-License-Identifier: Apache-2.0
// What the passes of both networks share: constants by channel, planes, kept sums, gradients in 16 bits, parts of a
// batch.
#pragma once

#include "convolution.h"

namespace wsfracbnn {

constexpr int PARTS = 8;         // of a batch; at most so many threads work
constexpr int BLOCK_IMAGES = 8;  // go through all stages together, so that their gradient stays in the cache
constexpr float GATE_SLOPE = 5.0f;

// Rows of constants, each filled up with zeros to whole vectors.
class Constants {
  public:
    void pad(const float* from, int rows, int step, int channels) {
        lanes_ = round_up(channels, LANES);
        float* to = values_.zeroed(static_cast<size_t>(rows) * lanes_);
        for (int r = 0; r < rows; ++r) std::copy_n(from + static_cast<size_t>(r) * step, channels, to + r * lanes_);
    }
    const float* row(int r) const { return values_.data() + r * lanes_; }
    Floats vector(int r, int v) const { return load(row(r) + v * LANES); }

  private:
    Buffer<float> values_;
    int lanes_ = 0;
};

struct Workspace {
    Buffer<int32_t> planes, rows, pairs, gradient_pairs, gradients;
    Buffer<int16_t> shortcut;
    Buffer<float> of_m, of_l, of_row, of_x, of_next;
};

// --- planes ---------------------------------------------------------------------------------------------------------

struct Bits {
    Mask msb, lsb;
};

inline Bits two_bits(Ints x, const Ints* t) {
    const Mask below = at_least(x, t[0]), middle = at_least(x, t[1]);
    return {middle, exclusive_or(exclusive_or(below, middle), at_least(x, t[2]))};
}

enum class PlaneFormat { SIGNS, WORDS, PAIRS };

template <PlaneFormat FORMAT>
constexpr int CHANNELS_PER_GROUP = FORMAT == PlaneFormat::SIGNS   ? SignConvolution::CHANNELS
                                   : FORMAT == PlaneFormat::WORDS ? 2
                                                                  : 1;

// Signs: as SignConvolution reads them. Words hold b of the two planes one behind the other; pairs hold both planes of
// a channel side by side.
template <PlaneFormat FORMAT>
inline void store_planes(int32_t* at, size_t to_second_plane, Bits bits, int32_t entry) {
    if constexpr (FORMAT == PlaneFormat::SIGNS) SignConvolution::put(at, to_second_plane, bits.msb, bits.lsb, entry);
    else if constexpr (FORMAT == PlaneFormat::WORDS)
        store_word_planes(reinterpret_cast<int16_t*>(at), reinterpret_cast<int16_t*>(at + to_second_plane), bits.msb,
                          bits.lsb);
    else store(at, word_pairs(bits.msb, bits.lsb));
}

// --- sums -----------------------------------------------------------------------------------------------------------

template <bool BINARY>
struct KeptSums;
template <>
struct KeptSums<true> {
    using Type = int16_t;
    static void keep(int16_t* to, Ints s, Floats) { store_int16(to, s); }
    static Floats read(const int16_t* from) { return to_floats(load_int16(from)); }
};
template <>
struct KeptSums<false> {
    using Type = float;
    static void keep(float* to, Ints, Floats s) { store(to, s); }
    static Floats read(const float* from) { return load(from); }
};

// Gradients of S_m and S_l in 16 bits: as pairs for of_w, and each in a bordered plane for of_b.
inline __attribute__((noinline)) void quantize_gradients(const Geometry& g, const float* of_m, const float* of_l,
                                                         float steps, int32_t* pairs, int32_t* planes) {
    const Floats scale = broadcast(steps);
    for (int y = 0; y < g.out_height; ++y) {
        int32_t* pair = pairs + (static_cast<size_t>(y) * (g.out_width + 2) + 1) * g.out_lanes;
        const size_t row = (static_cast<size_t>(y + 1) * g.out_pitch + 1) * g.out_lanes;
        auto* word_m = reinterpret_cast<int16_t*>(planes) + row;
        int16_t* word_l = word_m + g.bordered_out() * g.out_lanes;
        for (int k = 0; k < g.out_width * g.out_lanes; k += LANES, of_m += LANES, of_l += LANES) {
            const Ints m = to_ints(load(of_m) * scale);
            const Ints l = to_ints(load(of_l) * scale);
            store(pair + k, words_beside(m, l));
            store_int16(word_m + k, m);
            store_int16(word_l + k, l);
        }
    }
}

// The gradient of a row of the pooling shortcut: a quarter of both halves' to each of the four pixels.
inline void spread_row(const Geometry& g, const float* of_row, int y, float* of_x) {
    float* upper = of_x + static_cast<size_t>(2 * y) * g.width * g.in_channels;
    float* lower = upper + static_cast<size_t>(g.width) * g.in_channels;
    for (int p = 0; p < g.out_width; ++p, of_row += g.out_lanes)
        for (int c = 0; c < g.in_channels; ++c) {
            const size_t left = static_cast<size_t>(2 * p) * g.in_channels + c, right = left + g.in_channels;
            upper[left] = upper[right] = lower[left] = lower[right] = 0.25f * (of_row[c] + of_row[c + g.in_channels]);
        }
}

// Calls work(part, first, last) for every part of the batch, in blocks of a few images.
template <class Work>
void for_each_block(int images, int threads, const Work& work) {
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int part = 0; part < PARTS; ++part) {
        const int begin = static_cast<int>(static_cast<int64_t>(images) * part / PARTS);
        const int end = static_cast<int>(static_cast<int64_t>(images) * (part + 1) / PARTS);
        for (int first = begin; first < end; first += BLOCK_IMAGES)
            work(part, first, std::min(end, first + BLOCK_IMAGES));
    }
}

inline Workspace& workspace() {
    static thread_local Workspace ws;
    return ws;
}

}  // namespace wsfracbnn
