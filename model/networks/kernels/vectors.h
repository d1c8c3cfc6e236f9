// SPDX-License-Identifier: Apache-2.0
// Sixteen channels of a pixel in one 512-bit register, buffers of them, and what the loops over them share.
#pragma once

#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <type_traits>

namespace wsfracbnn {

constexpr int LANES = 16;
constexpr int TAPS = 9;
constexpr int BLOCK_PIXELS = 8;  // rows are computed in blocks of so many pixels; buffers are as wide

inline int round_up(int value, int multiple) { return (value + multiple - 1) / multiple * multiple; }

// Which lanes of vector `v` are channels: the last vector may be partly empty.
inline __mmask16 lanes_of(int channels, int v) {
    const int left = channels - v * LANES;
    return left >= LANES ? 0xFFFF : static_cast<__mmask16>((1u << left) - 1);
}

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

inline __m512 load_int16_as_float(const int16_t* from, __mmask16 lanes) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(_mm256_maskz_loadu_epi16(lanes, from)));
}

// floor(x), and round half up as the contract does it: floor(x + 1/2).
inline __m512 floor_of(__m512 x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC); }
inline __m512 round_half_up(__m512 x) { return floor_of(_mm512_add_ps(x, _mm512_set1_ps(0.5f))); }

// soft (1 - soft) of soft = sigmoid(z), to 1e-4 of itself: e / (1 + e)^2 with e = exp(-|z|). No less than 2^-50, which
// is nothing beside a gradient and keeps products with it from becoming denormal: each of those takes a hundred cycles.
inline __m512 sigmoid_slope(__m512 z) {
    const __m512 t =
        _mm512_max_ps(_mm512_mul_ps(_mm512_abs_ps(z), _mm512_set1_ps(-1.44269504f)), _mm512_set1_ps(-50.0f));
    const __m512 whole = _mm512_roundscale_ps(t, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 f = _mm512_sub_ps(t, whole);
    __m512 e = _mm512_set1_ps(0.00961813f);  // Taylor's series of 2^f, |f| <= 1/2
    e = _mm512_fmadd_ps(e, f, _mm512_set1_ps(0.05550411f));
    e = _mm512_fmadd_ps(e, f, _mm512_set1_ps(0.24022651f));
    e = _mm512_fmadd_ps(e, f, _mm512_set1_ps(0.69314718f));
    e = _mm512_fmadd_ps(e, f, _mm512_set1_ps(1.0f));
    e = _mm512_scalef_ps(e, whole);
    const __m512 sum = _mm512_add_ps(e, _mm512_set1_ps(1.0f));
    return _mm512_mul_ps(e, _mm512_rcp14_ps(_mm512_mul_ps(sum, sum)));
}

inline void add_to(float* sum, __m512 value) { _mm512_storeu_ps(sum, _mm512_add_ps(_mm512_loadu_ps(sum), value)); }

}  // namespace wsfracbnn
