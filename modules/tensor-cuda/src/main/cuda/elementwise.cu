// Element-wise arithmetic on any mixture of float32, float16 and bfloat16, computed in float32.
// Each thread takes every gridDim*blockDim-th element, so that neighbours read neighbours.

#define EACH(n) \
  for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += (u64)gridDim.x * blockDim.x)

// out = a*x + b*y, each product and the sum rounded, as the reference does.
extern "C" __global__ void linear_combination(const void *x, int tx, const void *y, int ty,
                                              void *out, int to, float a, float b, u64 n) {
  EACH(n) store_any(out, i, to, __fadd_rn(__fmul_rn(a, load_any(x, i, tx)), __fmul_rn(b, load_any(y, i, ty))));
}

// The same with both factors read from the device, so that a recorded graph serves all steps.
extern "C" __global__ void linear_combination_by(const float *factors, int at, const void *x, int tx,
                                                 const void *y, int ty, void *out, int to, u64 n) {
  const float a = factors[at], b = factors[at + 1];
  EACH(n) store_any(out, i, to, __fadd_rn(__fmul_rn(a, load_any(x, i, tx)), __fmul_rn(b, load_any(y, i, ty))));
}

extern "C" __global__ void multiply(const void *x, int tx, const void *y, int ty, void *out, int to,
                                    u64 n) {
  EACH(n) store_any(out, i, to, load_any(x, i, tx) * load_any(y, i, ty));
}

extern "C" __global__ void affine(const void *x, int tx, void *out, int to, float scale, float shift,
                                  u64 n) {
  EACH(n) store_any(out, i, to, __fadd_rn(__fmul_rn(scale, load_any(x, i, tx)), shift));
}

extern "C" __global__ void cast(const void *x, int tx, void *out, int to, u64 n) {
  EACH(n) store_any(out, i, to, load_any(x, i, tx));
}

extern "C" __global__ void activation(const void *x, int tx, void *out, int to, int activation, u64 n) {
  EACH(n) {
    float v = load_any(x, i, tx);
    // Exact exponentials: this kernel is also what small, precise models use.
    float r = activation == ACT_SILU         ? v / (1.0f + expf(-v))
              : activation == ACT_QUICK_GELU ? v / (1.0f + expf(-1.702f * v))
                                             : activate(v, activation);
    store_any(out, i, to, r);
  }
}

// out = activation(x) + residual; in place if out is x.
extern "C" __global__ void activate_add(const void *x, int tx, const void *residual, int tr, void *out,
                                        int to, int activation, u64 n) {
  EACH(n) {
    float v = activate(load_any(x, i, tx), activation);
    store_any(out, i, to, residual ? v + load_any(residual, i, tr) : v);
  }
}

extern "C" __global__ void clamp(const void *x, int tx, void *out, int to, float low, float high, u64 n) {
  EACH(n) {
    float v = load_any(x, i, tx);
    store_any(out, i, to, v != v ? v : fminf(fmaxf(v, low), high));
  }
}

// x [batch, inner, channels] + vector [batch, channels] whose rows are `stride` apart.
extern "C" __global__ void add_per_channel(const void *x, int tx, const void *vector, int tv, void *out,
                                           int to, u64 inner, int channels, u64 stride, u64 n) {
  EACH(n) {
    const u64 batch = i / (inner * channels);
    const u64 at = batch * stride + i % channels;
    store_any(out, i, to, load_any(x, i, tx) + load_any(vector, at, tv));
  }
}

// y = x + bias (+ residual) where no library fused it. x, residual, out [rows, channels], 16-bit.
extern "C" __global__ void bias_add(const u16 *x, const u16 *bias, const u16 *residual, u16 *out,
                                    int channels, u64 n) {
  EACH(n) {
    float v = widen(x[i]);
    if (bias) v += widen(bias[i % channels]);
    if (residual) v += widen(residual[i]);
    out[i] = narrow(v);
  }
}

// x [rows, 2*width] -> value * gelu(gate) [rows, width]; eight numbers a thread where width allows.
extern "C" __global__ void __launch_bounds__(256)
geglu(const u16 *x, u16 *out, u64 rows, int width) {
  if (width % 8 == 0) {
    const u64 vectors = width / 8, total = rows * vectors;
    EACH(total) {
      const u64 row = i / vectors;
      const int at = (int)(i % vectors) * 8;
      float value[8], gate[8];
      unpack8(*(const Pack8 *)(x + row * 2 * width + at), value);
      unpack8(*(const Pack8 *)(x + row * 2 * width + width + at), gate);
#pragma unroll
      for (int k = 0; k < 8; k++) value[k] *= gelu(gate[k]);
      *(Pack8 *)(out + row * width + at) = pack8(value);
    }
  } else {
    EACH(rows * width) {
      const u64 row = i / width;
      const u64 at = row * 2 * width + i % width;
      out[i] = narrow(widen(x[at]) * gelu(widen(x[at + width])));
    }
  }
}
