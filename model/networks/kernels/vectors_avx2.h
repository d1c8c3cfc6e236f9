// SPDX-License-Identifier: Apache-2.0
// Vectors of eight channels for CPUs with AVX2 and FMA; the functions are those of vectors_avx512.h.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace wsfracbnn {

constexpr int LANES = 8;

using Floats = __m256;  // with + - * / of the compiler's vectors
using Ints = __m256i;   // of 32 bits

struct Mask {
    __m256 bits;  // all ones or all zeros in a lane
};

// Which lanes are channels. Masked stores take many cycles on AMD, and there are none of 16 bits: whole vectors, which
// nearly all are, go without.
struct Lanes {
    Mask mask;
    int count;
    operator Mask() const { return mask; }
    bool all() const { return count == LANES; }
};

inline Lanes first_lanes(int count) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return {{_mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(count), lane))}, count < LANES ? count : LANES};
}

inline Floats broadcast(float x) { return _mm256_set1_ps(x); }
inline Ints broadcast(int32_t x) { return _mm256_set1_epi32(x); }

// --- memory ---------------------------------------------------------------------------------------------------------

inline Floats load(const float* from) { return _mm256_load_ps(from); }
inline Ints load(const int32_t* from) { return _mm256_load_si256(reinterpret_cast<const __m256i*>(from)); }
inline Floats load_unaligned(const float* from) { return _mm256_loadu_ps(from); }
inline Ints load_unaligned(const int32_t* from) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)); }
inline Floats load_where(Mask mask, const float* from) {
    return _mm256_maskload_ps(from, _mm256_castps_si256(mask.bits));
}
inline Ints load_int16(const int16_t* from) {
    return _mm256_cvtepi16_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(from)));
}
inline Ints load_int16_where(Lanes lanes, const int16_t* from) {
    if (lanes.all()) return _mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
    alignas(16) int16_t some[LANES] = {};
    std::memcpy(some, from, lanes.count * sizeof(int16_t));
    return load_int16(some);
}

inline void store(float* to, Floats x) { _mm256_store_ps(to, x); }
inline void store(int32_t* to, Ints x) { _mm256_store_si256(reinterpret_cast<__m256i*>(to), x); }
inline void store_unaligned(float* to, Floats x) { _mm256_storeu_ps(to, x); }
inline void store_unaligned(int32_t* to, Ints x) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), x); }
inline void store_where(float* to, Lanes lanes, Floats x) {
    if (lanes.all()) _mm256_storeu_ps(to, x);
    else _mm256_maskstore_ps(to, _mm256_castps_si256(lanes.mask.bits), x);
}
inline __m128i narrowed(Ints x) { return _mm_packs_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1)); }
inline void store_int16(int16_t* to, Ints x) {  // of integers that fit
    _mm_store_si128(reinterpret_cast<__m128i*>(to), narrowed(x));
}
inline void store_int16_where(int16_t* to, Lanes lanes, Ints x) {
    if (lanes.all()) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(to), narrowed(x));
        return;
    }
    alignas(16) int16_t all[LANES];
    store_int16(all, x);
    std::memcpy(to, all, lanes.count * sizeof(int16_t));
}

inline void add_to(double* sum, Floats x) {
    const __m256d low = _mm256_cvtps_pd(_mm256_castps256_ps128(x)), high = _mm256_cvtps_pd(_mm256_extractf128_ps(x, 1));
    _mm256_storeu_pd(sum, _mm256_add_pd(_mm256_loadu_pd(sum), low));
    _mm256_storeu_pd(sum + 4, _mm256_add_pd(_mm256_loadu_pd(sum + 4), high));
}

// --- arithmetic -----------------------------------------------------------------------------------------------------

inline Floats fma(Floats a, Floats b, Floats c) { return _mm256_fmadd_ps(a, b, c); }    // a b + c
inline Floats fms(Floats a, Floats b, Floats c) { return _mm256_fmsub_ps(a, b, c); }    // a b - c
inline Floats fnma(Floats a, Floats b, Floats c) { return _mm256_fnmadd_ps(a, b, c); }  // c - a b
inline Floats min(Floats a, Floats b) { return _mm256_min_ps(a, b); }
inline Floats max(Floats a, Floats b) { return _mm256_max_ps(a, b); }
inline Floats abs(Floats x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
inline Floats floor(Floats x) { return _mm256_floor_ps(x); }
inline Floats nearest(Floats x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
inline float largest_of(Floats x) {
    const __m128 four = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_movehdup_ps(two)));
}
inline Floats quotient(Floats a, Floats b) { return a / b; }
// x in [1/2, 2): the product is a normal number from whole = -125 on.
inline Floats times_power_of_two(Floats x, Floats whole) {
    const __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(whole), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), exponent));
}

inline Ints add(Ints a, Ints b) { return _mm256_add_epi32(a, b); }
inline Floats to_floats(Ints x) { return _mm256_cvtepi32_ps(x); }
inline Ints to_ints(Floats x) { return _mm256_cvtps_epi32(x); }  // to the nearest, ties to even
inline Ints words_beside(Ints low, Ints high) {                  // the low halves of both in one integer
    return _mm256_blend_epi16(low, _mm256_slli_epi32(high, 16), 0xAA);
}

// --- masks ----------------------------------------------------------------------------------------------------------

inline Mask both(Mask a, Mask b) { return {_mm256_and_ps(a.bits, b.bits)}; }
inline Mask exclusive_or(Mask a, Mask b) { return {_mm256_xor_ps(a.bits, b.bits)}; }
inline Mask greater(Floats a, Floats b) { return {_mm256_cmp_ps(a, b, _CMP_GT_OQ)}; }
inline Mask at_least(Floats a, Floats b) { return {_mm256_cmp_ps(a, b, _CMP_GE_OQ)}; }
inline Mask less(Floats a, Floats b) { return {_mm256_cmp_ps(a, b, _CMP_LT_OQ)}; }
inline Mask at_least_where(Mask mask, Floats a, Floats b) { return both(mask, at_least(a, b)); }
inline Mask at_most_where(Mask mask, Floats a, Floats b) { return both(mask, at_least(b, a)); }
inline Mask at_least(Ints a, Ints b) { return {_mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_max_epi32(a, b), a))}; }
inline Mask unequal_where(Mask mask, Ints a, Ints b) {
    return {_mm256_andnot_ps(_mm256_castsi256_ps(_mm256_cmpeq_epi32(a, b)), mask.bits)};
}

inline Floats select(Mask mask, Floats yes, Floats no) { return _mm256_blendv_ps(no, yes, mask.bits); }
inline Floats keep_where(Mask mask, Floats x) { return _mm256_and_ps(mask.bits, x); }  // 0 elsewhere
inline Floats add_where(Mask mask, Floats a, Floats b) { return a + keep_where(mask, b); }
inline Floats multiply_where(Mask mask, Floats a, Floats b) { return select(mask, a * b, a); }
inline Floats fma_where(Mask mask, Floats a, Floats b, Floats c) { return fma(keep_where(mask, a), b, c); }
inline Ints count_where(Mask mask, Ints count) { return _mm256_sub_epi32(count, _mm256_castps_si256(mask.bits)); }

// --- planes ---------------------------------------------------------------------------------------------------------

inline __m256i words_of(Mask low, Mask high) {  // -1 where set, 0 elsewhere; `low` and `high` beside each other
    return _mm256_blend_epi16(_mm256_castps_si256(low.bits), _mm256_castps_si256(high.bits), 0xAA);
}
inline __m256i signs_of(__m256i set) {  // -1 to 1, 0 to -1
    return _mm256_sub_epi16(_mm256_set1_epi16(-1), _mm256_add_epi16(set, set));
}

inline int bits_of(Mask mask) { return _mm256_movemask_ps(mask.bits); }

inline void store_word_planes(int16_t* msb_to, int16_t* lsb_to, Mask msb, Mask lsb) {  // 1 where set, -1 elsewhere
    const __m256i words = _mm256_packs_epi32(_mm256_castps_si256(msb.bits), _mm256_castps_si256(lsb.bits));
    const __m256i signs = signs_of(_mm256_permute4x64_epi64(words, _MM_SHUFFLE(3, 1, 2, 0)));
    _mm_store_si128(reinterpret_cast<__m128i*>(msb_to), _mm256_castsi256_si128(signs));
    _mm_store_si128(reinterpret_cast<__m128i*>(lsb_to), _mm256_extracti128_si256(signs, 1));
}
inline Ints word_pairs(Mask msb, Mask lsb) {  // the same, msb in the low half of an integer, lsb in the high one
    return signs_of(words_of(msb, lsb));
}

// --- bytes ----------------------------------------------------------------------------------------------------------

using Bytes = __m256i;

inline Bytes zero_bytes() { return _mm256_setzero_si256(); }
inline Bytes load_bytes(const void* from) { return _mm256_load_si256(static_cast<const __m256i*>(from)); }
inline Bytes load_twice(const void* from) {  // sixteen of them
    return _mm256_broadcastsi128_si256(_mm_load_si128(static_cast<const __m128i*>(from)));
}
inline Bytes add_bytes(Bytes a, Bytes b) { return _mm256_add_epi8(a, b); }
inline Bytes look_up(Bytes table, Bytes indices) { return _mm256_shuffle_epi8(table, indices); }  // in each half
inline Ints widened(Bytes x, int quarter) {
    const __m128i half = quarter < 2 ? _mm256_castsi256_si128(x) : _mm256_extracti128_si256(x, 1);
    return _mm256_cvtepi8_epi32(quarter % 2 == 0 ? half : _mm_unpackhi_epi64(half, half));
}
inline Ints shifted(Ints x, int left) { return _mm256_sll_epi32(x, _mm_cvtsi32_si128(left)); }

// --- dot products ---------------------------------------------------------------------------------------------------
// sum += dot products of 32-bit groups.

struct WordDot {  // two 16-bit integers by two
    static Ints group(const int32_t* data) { return _mm256_set1_epi32(*data); }
    static Ints add(Ints sum, Ints data, Ints weight) { return _mm256_add_epi32(sum, _mm256_madd_epi16(data, weight)); }
};

// Sums that stay in registers at a time, of 16 registers: eight, because a product is no part of the chain of
// additions.
constexpr int BLOCK_PIXELS = 4;  // of a convolution: neighbours in a row
constexpr int BLOCK_PLANES = 1;
constexpr int BLOCK_VECTORS = 2;    // of output channels
constexpr int WEIGHT_CHANNELS = 4;  // of a gradient of weights: input channels
constexpr int WEIGHT_TAPS = 1;      // of a row
constexpr int WEIGHT_VECTORS = 2;   // of output channels
constexpr int WEIGHT_PIXELS = 64;   // of the image: what the first-level cache holds of them

}  // namespace wsfracbnn
