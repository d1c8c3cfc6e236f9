// SPDX-License-Identifier: Apache-2.0
// Some channels of a pixel in one register, buffers of them, and what the loops over them share.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>

#ifdef __AVX512VNNI__
#include "vectors_avx512.h"
#else
#include "vectors_avx2.h"
#endif

namespace wsfracbnn {

constexpr int TAPS = 9;

inline int round_up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

// Which lanes of vector `v` are channels: the last vector may be partly empty.
inline Lanes lanes_of(int channels, int v) { return first_lanes(channels - v * LANES); }

// A growing buffer, aligned to cache lines; its contents do not survive growing.
template <class T>
class Buffer {
  public:
    Buffer() = default;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { std::free(data_); }

    T* sized(size_t count) {
        if (count > capacity_) {
            std::free(data_);
            data_ = static_cast<T*>(std::aligned_alloc(64, (count * sizeof(T) + 63) / 64 * 64));
            if (data_ == nullptr) throw std::bad_alloc();
            capacity_ = count;
        }
        return data_;
    }
    T* zeroed(size_t count) {
        std::memset(sized(count), 0, count * sizeof(T));
        return data_;
    }
    T* data() const { return data_; }

  private:
    T* data_ = nullptr;
    size_t capacity_ = 0;
};

inline Floats load_int16_as_float(const int16_t* from, Lanes lanes) { return to_floats(load_int16_where(lanes, from)); }

// Half up, as the contract does it: floor(x + 1/2).
inline Floats round_half_up(Floats x) { return floor(x + broadcast(0.5f)); }

// soft (1 - soft) of soft = sigmoid(z), to 1e-4 of itself: e / (1 + e)^2 with e = exp(-|z|). No less than 2^-50, which
// is nothing beside a gradient and keeps products with it from becoming denormal: each of those takes a hundred cycles.
inline Floats sigmoid_slope(Floats z) {
    const Floats t = max(abs(z) * broadcast(-1.44269504f), broadcast(-50.0f));
    const Floats whole = nearest(t);
    const Floats f = t - whole;
    Floats e = broadcast(0.00961813f);  // Taylor's series of 2^f, |f| <= 1/2
    e = fma(e, f, broadcast(0.05550411f));
    e = fma(e, f, broadcast(0.24022651f));
    e = fma(e, f, broadcast(0.69314718f));
    e = fma(e, f, broadcast(1.0f));
    e = times_power_of_two(e, whole);
    const Floats sum = e + broadcast(1.0f);
    return quotient(e, sum * sum);
}

inline void add_to(float* sum, Floats value) { store_unaligned(sum, load_unaligned(sum) + value); }

}  // namespace wsfracbnn
