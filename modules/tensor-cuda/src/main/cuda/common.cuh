// What every kernel file begins with: 16-bit numbers, wide loads, sums over warps and blocks.
// No header of the toolkit is included, so that NVRTC needs nothing but itself.
//
// BF16 = 1 compiles a file for bfloat16, 0 for float16; u16 is either one's storage.
#ifndef BF16
#define BF16 0
#endif

typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

// Element types as the host numbers them.
#define TYPE_F32 0
#define TYPE_F16 1
#define TYPE_BF16 2
#define TYPE_F8_E4M3 3
#define TYPE_F8_E5M2 4

#define FULL 0xffffffffu
#define INFINITY_F __int_as_float(0x7f800000)

__device__ __forceinline__ float half_to_float(u16 h) {
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"(h));
  return f;
}
__device__ __forceinline__ u16 float_to_half(float f) {
  u16 h;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(h) : "f"(f));
  return h;
}
__device__ __forceinline__ float bfloat_to_float(u16 h) { return __uint_as_float((u32)h << 16); }
__device__ __forceinline__ u16 float_to_bfloat(float f) {
  u16 h;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(h) : "f"(f));
  return h;
}

#if BF16
__device__ __forceinline__ float widen(u16 h) { return bfloat_to_float(h); }
__device__ __forceinline__ u16 narrow(float f) { return float_to_bfloat(f); }
__device__ __forceinline__ u32 narrow2(float low, float high) {
  u32 r;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
}
#else
__device__ __forceinline__ float widen(u16 h) { return half_to_float(h); }
__device__ __forceinline__ u16 narrow(float f) { return float_to_half(f); }
__device__ __forceinline__ u32 narrow2(float low, float high) {
  u32 r;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
  return r;
}
#endif

// Eight 16-bit numbers in one 16-byte access.
struct __align__(16) Pack8 {
  u32 w[4];
};
__device__ __forceinline__ void unpack8(const Pack8 &p, float *f) {
#pragma unroll
  for (int i = 0; i < 4; i++) {
    f[2 * i] = widen((u16)(p.w[i] & 0xffff));
    f[2 * i + 1] = widen((u16)(p.w[i] >> 16));
  }
}
__device__ __forceinline__ Pack8 pack8(const float *f) {
  Pack8 p;
#pragma unroll
  for (int i = 0; i < 4; i++) p.w[i] = narrow2(f[2 * i], f[2 * i + 1]);
  return p;
}

// Any element type, chosen at run time; for kernels that are not worth one copy per type.
__device__ __forceinline__ float load_any(const void *p, u64 i, int type) {
  if (type == TYPE_F32) return ((const float *)p)[i];
  if (type == TYPE_F16) return half_to_float(((const u16 *)p)[i]);
  return bfloat_to_float(((const u16 *)p)[i]);
}
__device__ __forceinline__ void store_any(void *p, u64 i, int type, float v) {
  if (type == TYPE_F32)
    ((float *)p)[i] = v;
  else if (type == TYPE_F16)
    ((u16 *)p)[i] = float_to_half(v);
  else
    ((u16 *)p)[i] = float_to_bfloat(v);
}

#define ACT_NONE 0
#define ACT_SILU 1
#define ACT_QUICK_GELU 2
#define ACT_GELU 3

__device__ __forceinline__ float silu(float x) { return x / (1.0f + __expf(-x)); }
__device__ __forceinline__ float gelu(float x) {
  return 0.5f * x * (1.0f + erff(x * 0.70710678118654752f));
}
__device__ __forceinline__ float activate(float x, int activation) {
  if (activation == ACT_SILU) return silu(x);
  if (activation == ACT_QUICK_GELU) return x / (1.0f + __expf(-1.702f * x));
  if (activation == ACT_GELU) return gelu(x);
  return x;
}

__device__ __forceinline__ float warp_sum(float v) {
#pragma unroll
  for (int d = 16; d > 0; d >>= 1) v += __shfl_xor_sync(FULL, v, d);
  return v;
}
__device__ __forceinline__ float warp_max(float v) {
#pragma unroll
  for (int d = 16; d > 0; d >>= 1) v = fmaxf(v, __shfl_xor_sync(FULL, v, d));
  return v;
}
