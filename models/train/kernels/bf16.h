// The parts of a training step that are not matrix products, fused so that each reads and writes memory once.
//
// Activations between kernels are bfloat16 (the upper half of a float's bits), arithmetic is float. Conversations are
// packed one after another without padding: N tokens in all, `starts` holds the first token of each and N at the end.
// Loaded through ctypes by ../fused.py, which documents the mathematics; written with GCC's vector extensions, so that
// the same source compiles for any processor. This header has the number formats, attention.cpp and rows.cpp the kernels.
#pragma once
#include <cstdint>
#include <cstring>

typedef float Lanes __attribute__((vector_size(64), aligned(4)));      // 16 floats, at any address
typedef uint32_t Words __attribute__((vector_size(64), aligned(2)));  // 16 pairs of bfloat16, or the bits of Lanes
typedef uint16_t bf16;

constexpr int WIDTH = 16;  // floats in Lanes

static inline float widen(bf16 x) {
  uint32_t bits = uint32_t(x) << 16;
  float out;
  std::memcpy(&out, &bits, 4);
  return out;
}

// Rounds to the nearest, ties to even.
static inline bf16 narrow(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return bf16((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static inline Lanes& lanes(float* p) { return *reinterpret_cast<Lanes*>(p); }
static inline const Lanes& lanes(const float* p) { return *reinterpret_cast<const Lanes*>(p); }
static inline long padded(long n) { return (n + WIDTH - 1) / WIDTH * WIDTH; }
