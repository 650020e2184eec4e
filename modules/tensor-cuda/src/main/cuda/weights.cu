// A checkpoint's numbers as the kernels want them.

#define EACH(n) \
  for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += (u64)gridDim.x * blockDim.x)

// Source: Micikevicius et al. 2022, FP8 formats for deep learning, table 1 (E4M3 without infinities).
__device__ float e4m3(unsigned char b) {
  const u32 sign = (u32)(b & 0x80) << 24, exponent = b >> 3 & 15, mantissa = b & 7;
  if (exponent == 15 && mantissa == 7) return __uint_as_float(sign | 0x7fc00000u);
  if (exponent == 0) return (sign ? -1.0f : 1.0f) * mantissa * 0.001953125f;
  return __uint_as_float(sign | (exponent + 120) << 23 | mantissa << 20);
}
__device__ float e5m2(unsigned char b) { return half_to_float((u16)(b << 8)); }

__device__ float load_stored(const void *p, u64 i, int type) {
  if (type == TYPE_F8_E4M3) return e4m3(((const unsigned char *)p)[i]);
  if (type == TYPE_F8_E5M2) return e5m2(((const unsigned char *)p)[i]);
  return load_any(p, i, type);
}

// The same order, another type.
extern "C" __global__ void convert_weights(const void *x, int tx, void *out, int to, u64 n) {
  EACH(n) store_any(out, i, to, load_stored(x, i, tx));
}

// [out, in, kernel] -> [out', kernel, in'], zeros where out' and in' go beyond. kernel = height*width.
extern "C" __global__ void convert_filter(const void *x, int tx, void *out, int to, int outs, int ins,
                                          int kernel, int wide_ins, u64 n) {
  EACH(n) {
    const int in = (int)(i % wide_ins);
    const int tap = (int)(i / wide_ins % kernel);
    const u64 o = i / wide_ins / kernel;
    const bool inside = in < ins && o < (u64)outs;
    store_any(out, i, to, inside ? load_stored(x, (o * ins + in) * kernel + tap, tx) : 0.0f);
  }
}
