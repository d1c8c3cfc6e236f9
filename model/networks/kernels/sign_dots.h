// SPDX-License-Identifier: Apache-2.0
// Signs times planes as dot products of bytes.
//
// b in {-1, 0, +1} is stored as b + 1, the two planes one behind the other, and S = dot(w, b + 1) - sum(w); no sum
// exceeds 3 * 9 * channels.
#pragma once

#include "blocks.h"

namespace wsfracbnn {

class SignConvolution {
  public:
    static constexpr int CHANNELS = 4;  // of a 32-bit group of a plane

    void pack(const Geometry& g, const float* w) {
        const size_t tap_size = static_cast<size_t>(g.in_lanes) * g.out_lanes;
        auto* packed = reinterpret_cast<int8_t*>(weights_.zeroed(TAPS * tap_size / 4));
        int32_t* first = start_.zeroed(g.out_lanes);
        for (int o = 0; o < g.out_channels; ++o)
            for (int i = 0; i < g.in_channels; ++i)
                for (int t = 0; t < TAPS; ++t) {
                    const int sign = w[(o * g.in_channels + i) * TAPS + t] >= 0 ? 1 : -1;
                    packed[t * tap_size + static_cast<size_t>(i / 4) * g.out_lanes * 4 + o * 4 + i % 4] =
                        static_cast<int8_t>(sign);
                    first[o] -= sign;
                }
    }
    static void clear(int32_t* planes, size_t groups) { std::memset(planes, 1, groups * sizeof(int32_t)); }
    static int32_t entry_of(const Geometry&, int) { return 0; }
    // The planes of a vector of channels.
    static void put(int32_t* at, size_t to_second, Mask msb, Mask lsb, int32_t) {
        store_byte_planes(reinterpret_cast<uint8_t*>(at), reinterpret_cast<uint8_t*>(at + to_second), msb, lsb);
    }
    void convolve(const Geometry& g, const int32_t* planes, int y, int32_t* sums) const {
        convolve_planes<ByteDot>(g, g.in_lanes / CHANNELS, weights_.data(), start_.data(), planes, y, sums);
    }

  private:
    Buffer<int32_t> weights_, start_;
};

}  // namespace wsfracbnn
