// Group norm and layer norm on 16-bit numbers, statistics and arithmetic in float32.
//
// Where a group's numbers fit into the registers of a few blocks, group_norm_held reads them once.
// Elsewhere group norm takes two kernels, because a group's numbers lie scattered over all pixels: the first
// sums slabs of pixels, the second adds the slabs' sums (always in the same order) and normalises.
// Both read x as whole 16-byte vectors along the channels; the second read comes from the L2 cache.
// Sums are of x minus a pivot, the group's first number: close to the mean, so that the variance
// does not drown in the square of the mean, and the same for all slabs, so that sums simply add.
//
// The input may be two tensors side by side (channels of x, then of y), and a vector per batch item
// may be added to each pixel first.

// Channels ch..ch+7 of one pixel of [x | y], plus the shift. c1 is a multiple of 8.
__device__ __forceinline__ void load_pixel(const u16 *x, const u16 *y, const u16 *shift, u64 pixel,
                                           int ch, int c1, int c2, float *f) {
  Pack8 p = ch < c1 ? *(const Pack8 *)(x + pixel * c1 + ch)
                    : *(const Pack8 *)(y + pixel * c2 + (ch - c1));
  unpack8(p, f);
  if (shift) {
    float s[8];
    unpack8(*(const Pack8 *)(shift + ch), s);
#pragma unroll
    for (int i = 0; i < 8; i++) f[i] += s[i];
  }
}

__device__ __forceinline__ float load_one(const u16 *x, const u16 *y, const u16 *shift, u64 pixel,
                                          int ch, int c1, int c2) {
  float v = widen(ch < c1 ? x[pixel * c1 + ch] : y[pixel * c2 + (ch - c1)]);
  return shift ? v + widen(shift[ch]) : v;
}

// grid (slabs, batch), 512 threads, shared 2 * lanes * channels floats.
// partial [batch, slabs, groups] of (sum, sum of squares), both of x - pivot.
extern "C" __global__ void __launch_bounds__(512)
group_norm_sums(const u16 *x, const u16 *y, const u16 *shift, float2 *partial, int pixels, int c1,
                int c2, int groups, int shift_stride) {
  extern __shared__ float shared[];
  const int channels = c1 + c2;
  const int vectors = channels / 8;
  const int lanes = max(1, (int)blockDim.x / vectors);
  const int per_group = channels / groups;
  const int slab = blockIdx.x, slabs = gridDim.x, batch = blockIdx.y;
  const u64 base = (u64)batch * pixels;
  if (shift) shift += (u64)batch * shift_stride;
  const int first = (int)((u64)pixels * slab / slabs);
  const int last = (int)((u64)pixels * (slab + 1) / slabs);
  float *s1 = shared, *s2 = shared + lanes * channels;

  for (int vec = threadIdx.x % vectors, lane = threadIdx.x / vectors; lane < lanes;) {
    const int ch = vec * 8;
    float pivot[8], a[8], b[8];
#pragma unroll
    for (int i = 0; i < 8; i++) {
      pivot[i] = load_one(x, y, shift, base, (ch + i) / per_group * per_group, c1, c2);
      a[i] = 0;
      b[i] = 0;
    }
    int p = first + lane;
    for (; p + 3 * lanes < last; p += 4 * lanes) {
      float f[4][8];
#pragma unroll
      for (int k = 0; k < 4; k++)
        load_pixel(x, y, shift, base + p + k * lanes, ch, c1, c2, f[k]);
#pragma unroll
      for (int k = 0; k < 4; k++)
#pragma unroll
        for (int i = 0; i < 8; i++) {
          float d = f[k][i] - pivot[i];
          a[i] += d;
          b[i] += d * d;
        }
    }
    for (; p < last; p += lanes) {
      float f[8];
      load_pixel(x, y, shift, base + p, ch, c1, c2, f);
#pragma unroll
      for (int i = 0; i < 8; i++) {
        float d = f[i] - pivot[i];
        a[i] += d;
        b[i] += d * d;
      }
    }
#pragma unroll
    for (int i = 0; i < 8; i++) {
      s1[lane * channels + ch + i] = a[i];
      s2[lane * channels + ch + i] = b[i];
    }
    // More vectors than threads: the same thread takes several, all in lane 0.
    if (vectors <= (int)blockDim.x) break;
    vec += blockDim.x;
    if (vec >= vectors) break;
  }
  __syncthreads();
  const int warp = threadIdx.x / 32, lane32 = threadIdx.x % 32, warps = blockDim.x / 32;
  for (int g = warp; g < groups; g += warps) {
    float u = 0, v = 0;
    for (int n = lane32; n < lanes * per_group; n += 32) {
      int at = n / per_group * channels + g * per_group + n % per_group;
      u += s1[at];
      v += s2[at];
    }
    u = warp_sum(u);
    v = warp_sum(v);
    if (lane32 == 0) partial[((u64)batch * slabs + slab) * groups + g] = make_float2(u, v);
  }
}

// grid (blocks, batch), 512 threads, shared 2 * channels floats. out [batch, pixels, c1 + c2].
extern "C" __global__ void __launch_bounds__(512)
group_norm_apply(const u16 *x, const u16 *y, const u16 *shift, const float2 *partial,
                 const float *gamma, const float *beta, u16 *out, int pixels, int c1, int c2,
                 int groups, int slabs, float epsilon, int activation, int shift_stride) {
  extern __shared__ float shared[];
  const int channels = c1 + c2;
  const int vectors = channels / 8;
  const int per_group = channels / groups;
  const int batch = blockIdx.y;
  const u64 base = (u64)batch * pixels;
  if (shift) shift += (u64)batch * shift_stride;
  float *scale = shared, *offset = shared + channels;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32, warps = blockDim.x / 32;
  for (int g = warp; g < groups; g += warps) {
    float u = 0, v = 0;
    for (int s = lane; s < slabs; s += 32) {
      float2 t = partial[((u64)batch * slabs + s) * groups + g];
      u += t.x;
      v += t.y;
    }
    u = warp_sum(u);
    v = warp_sum(v);
    const float count = (float)pixels * per_group;
    const float mean = u / count;
    const float variance = fmaxf(v / count - mean * mean, 0.0f);
    const float inverse = rsqrtf(variance + epsilon);
    const float pivot = load_one(x, y, shift, base, g * per_group, c1, c2);
    for (int k = lane; k < per_group; k += 32) {
      const int ch = g * per_group + k;
      const float a = inverse * gamma[ch];
      const float s = shift ? widen(shift[ch]) : 0.0f;
      scale[ch] = a;
      offset[ch] = beta[ch] - (mean + pivot - s) * a;
    }
  }
  __syncthreads();
  const u64 total = (u64)pixels * vectors;
  for (u64 n = (u64)blockIdx.x * blockDim.x + threadIdx.x; n < total;
       n += (u64)gridDim.x * blockDim.x) {
    const u64 pixel = n / vectors;
    const int ch = (int)(n % vectors) * 8;
    float f[8];
    load_pixel(x, y, nullptr, base + pixel, ch, c1, c2, f);
#pragma unroll
    for (int i = 0; i < 8; i++) f[i] = activate(f[i] * scale[ch + i] + offset[ch + i], activation);
    *(Pack8 *)(out + (base + pixel) * channels + ch) = pack8(f);
  }
}

// Any number of channels, one block per batch item and group: for small and odd models.
// grid (groups, batch), 256 threads.
extern "C" __global__ void group_norm_plain(const u16 *x, const u16 *y, const u16 *shift,
                                            const float *gamma, const float *beta, u16 *out,
                                            int pixels, int c1, int c2, int groups, float epsilon,
                                            int activation, int shift_stride) {
  __shared__ float sums[2][8];
  const int channels = c1 + c2, per_group = channels / groups;
  const int g = blockIdx.x, batch = blockIdx.y;
  const u64 base = (u64)batch * pixels;
  if (shift) shift += (u64)batch * shift_stride;
  const float pivot = load_one(x, y, shift, base, g * per_group, c1, c2);
  const u64 count = (u64)pixels * per_group;
  float u = 0, v = 0;
  for (u64 n = threadIdx.x; n < count; n += blockDim.x) {
    float d = load_one(x, y, shift, base + n / per_group, g * per_group + (int)(n % per_group), c1,
                       c2) -
              pivot;
    u += d;
    v += d * d;
  }
  u = warp_sum(u);
  v = warp_sum(v);
  if (threadIdx.x % 32 == 0) {
    sums[0][threadIdx.x / 32] = u;
    sums[1][threadIdx.x / 32] = v;
  }
  __syncthreads();
  u = 0;
  v = 0;
  for (int k = 0; k < 8; k++) {
    u += sums[0][k];
    v += sums[1][k];
  }
  const float mean = u / (float)count;
  const float inverse = rsqrtf(fmaxf(v / (float)count - mean * mean, 0.0f) + epsilon);
  for (u64 n = threadIdx.x; n < count; n += blockDim.x) {
    const int ch = g * per_group + (int)(n % per_group);
    const u64 pixel = base + n / per_group;
    float f = load_one(x, y, shift, pixel, ch, c1, c2) - pivot - mean;
    out[pixel * channels + ch] = narrow(activate(f * inverse * gamma[ch] + beta[ch], activation));
  }
}

#if defined(PER_GROUP) && (CLUSTER == 1 || !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900)
// One group of one batch item by a cluster of CLUSTER blocks, each with its share of the pixels in
// registers. Means and squares about the mean are taken per block and merged as in Chan, Golub and
// LeVeque 1979, so that nothing drowns in the square of the mean; blocks see each other's through
// distributed shared memory.
//
// Compile-time: PER_GROUP channels of a group, WORDS 32-bit words an access, THREADS of a block,
// COUNT accesses of a thread. grid (CLUSTER, groups, batch).
#define VECTORS (PER_GROUP / 2 / WORDS)
struct __align__(4 * WORDS) Piece {
  u32 w[WORDS];
};

__device__ __forceinline__ float block_sum(float v, float *scratch) {
  v = warp_sum(v);
  __syncthreads();  // whoever still reads what the last call left
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = v;
  __syncthreads();
  float sum = 0;
#pragma unroll
  for (int k = 0; k < THREADS / 32; k++) sum += scratch[k];
  return sum;
}

#if CLUSTER > 1
__device__ __forceinline__ void cluster_barrier() {
  asm volatile("barrier.cluster.arrive.release.aligned;\nbarrier.cluster.wait.acquire.aligned;" ::: "memory");
}
__device__ __forceinline__ float from_block(const float *p, int rank) {
  u32 there;
  float v;
  asm volatile("mapa.shared::cluster.u32 %0, %1, %2;"
               : "=r"(there)
               : "r"((u32)__cvta_generic_to_shared(p)), "r"(rank));
  asm volatile("ld.shared::cluster.f32 %0, [%1];" : "=f"(v) : "r"(there) : "memory");
  return v;
}
#endif

extern "C" __global__ void
#if CLUSTER > 1
__cluster_dims__(CLUSTER, 1, 1)
#endif
__launch_bounds__(THREADS)
group_norm_held(const u16 *x, const u16 *y, const u16 *shift, const float *gamma, const float *beta,
                u16 *out, int pixels, int c1, int c2, float epsilon, int activation,
                int shift_stride) {
  __shared__ float scratch[THREADS / 32], moved[PER_GROUP], scale[PER_GROUP], offset[PER_GROUP];
#if CLUSTER > 1
  __shared__ float found[2];
#endif
  const int channels = c1 + c2, rank = blockIdx.x, batch = blockIdx.z;
  const int first_channel = blockIdx.y * PER_GROUP;
  const int first = (int)((u64)pixels * rank / CLUSTER);
  const int mine = ((int)((u64)pixels * (rank + 1) / CLUSTER) - first) * VECTORS;
  const u64 base = (u64)batch * pixels + first;

  Piece held[COUNT];
#pragma unroll
  for (int k = 0; k < COUNT; k++) {
    const int n = threadIdx.x + k * THREADS;
    if (n < mine) {
      const u64 pixel = base + n / VECTORS;
      const int ch = first_channel + n % VECTORS * (2 * WORDS);
      held[k] = ch < c1 ? *(const Piece *)(x + pixel * c1 + ch)
                        : *(const Piece *)(y + pixel * c2 + (ch - c1));
    }
  }
  for (int k = threadIdx.x; k < PER_GROUP; k += THREADS)
    moved[k] = shift ? widen(shift[(u64)batch * shift_stride + first_channel + k]) : 0.0f;
  __syncthreads();

  float sum = 0;
#pragma unroll
  for (int k = 0; k < COUNT; k++) {
    const int n = threadIdx.x + k * THREADS;
    if (n < mine) {
      const float *m = moved + n % VECTORS * (2 * WORDS);
#pragma unroll
      for (int i = 0; i < WORDS; i++)
        sum += widen((u16)(held[k].w[i] & 0xffff)) + m[2 * i] + (widen((u16)(held[k].w[i] >> 16)) + m[2 * i + 1]);
    }
  }
  float count = (float)mine * (2 * WORDS);
  float mean = count > 0 ? block_sum(sum, scratch) / count : block_sum(sum, scratch);
  float squares = 0;
#pragma unroll
  for (int k = 0; k < COUNT; k++) {
    const int n = threadIdx.x + k * THREADS;
    if (n < mine) {
      const float *m = moved + n % VECTORS * (2 * WORDS);
#pragma unroll
      for (int i = 0; i < WORDS; i++) {
        const float a = widen((u16)(held[k].w[i] & 0xffff)) + m[2 * i] - mean;
        const float b = widen((u16)(held[k].w[i] >> 16)) + m[2 * i + 1] - mean;
        squares += a * a + b * b;
      }
    }
  }
  squares = block_sum(squares, scratch);
#if CLUSTER > 1
  if (threadIdx.x == 0) {
    found[0] = mean;
    found[1] = squares;
  }
  cluster_barrier();
  mean = 0;
  squares = 0;
  count = 0;
  for (int r = 0; r < CLUSTER; r++) {
    const int of_block = (int)((u64)pixels * (r + 1) / CLUSTER) - (int)((u64)pixels * r / CLUSTER);
    if (of_block == 0) continue;
    const float more = (float)of_block * PER_GROUP;
    const float apart = from_block(found, r) - mean;
    squares += from_block(found + 1, r) + apart * apart * count * (more / (count + more));
    count += more;
    mean += apart * (more / count);
  }
#endif
  const float inverse = rsqrtf(squares / count + epsilon);
  for (int k = threadIdx.x; k < PER_GROUP; k += THREADS) {
    const float a = inverse * gamma[first_channel + k];
    scale[k] = a;
    offset[k] = beta[first_channel + k] - (mean - moved[k]) * a;
  }
  __syncthreads();
#pragma unroll
  for (int k = 0; k < COUNT; k++) {
    const int n = threadIdx.x + k * THREADS;
    if (n < mine) {
      const int at = n % VECTORS * (2 * WORDS);
      Piece made;
#pragma unroll
      for (int i = 0; i < WORDS; i++) {
        const float a = widen((u16)(held[k].w[i] & 0xffff)) * scale[at + 2 * i] + offset[at + 2 * i];
        const float b = widen((u16)(held[k].w[i] >> 16)) * scale[at + 2 * i + 1] + offset[at + 2 * i + 1];
        made.w[i] = narrow2(activate(a, activation), activate(b, activation));
      }
      *(Piece *)(out + (base + n / VECTORS) * channels + first_channel + at) = made;
    }
  }
#if CLUSTER > 1
  cluster_barrier();  // nobody leaves while another still reads what it found
#endif
}
#endif

// A row by `lanes` neighbouring threads that hold PACKS packs of 8 numbers each.
template <int PACKS>
__device__ __forceinline__ void layer_norm_row(const u16 *in, const float *gamma, const float *beta,
                                               u16 *to, int lane, int lanes, int width,
                                               float epsilon) {
  float f[PACKS][8];
  float sum = 0;
#pragma unroll
  for (int k = 0; k < PACKS; k++) {
    unpack8(*(const Pack8 *)(in + (k * lanes + lane) * 8), f[k]);
#pragma unroll
    for (int i = 0; i < 8; i++) sum += f[k][i];
  }
  for (int d = lanes / 2; d > 0; d >>= 1) sum += __shfl_xor_sync(FULL, sum, d);
  const float mean = sum / width;
  float square = 0;
#pragma unroll
  for (int k = 0; k < PACKS; k++)
#pragma unroll
    for (int i = 0; i < 8; i++) {
      f[k][i] -= mean;
      square += f[k][i] * f[k][i];
    }
  for (int d = lanes / 2; d > 0; d >>= 1) square += __shfl_xor_sync(FULL, square, d);
  const float inverse = rsqrtf(square / width + epsilon);
#pragma unroll
  for (int k = 0; k < PACKS; k++) {
    const int at = (k * lanes + lane) * 8;
#pragma unroll
    for (int i = 0; i < 2; i++) {
      const float4 g = *(const float4 *)(gamma + at + 4 * i);
      const float4 b = *(const float4 *)(beta + at + 4 * i);
      f[k][4 * i] = f[k][4 * i] * inverse * g.x + b.x;
      f[k][4 * i + 1] = f[k][4 * i + 1] * inverse * g.y + b.y;
      f[k][4 * i + 2] = f[k][4 * i + 2] * inverse * g.z + b.z;
      f[k][4 * i + 3] = f[k][4 * i + 3] * inverse * g.w + b.w;
    }
    *(Pack8 *)(to + at) = pack8(f[k]);
  }
}

// Rows whose packs of 8 divide evenly among `lanes` threads, a power of two; 128 threads.
// grid (rows / (128 / lanes)). x, out [rows, width].
extern "C" __global__ void __launch_bounds__(128)
layer_norm_packed(const u16 *x, const float *gamma, const float *beta, u16 *out, u64 rows,
                  int width, float epsilon, int lanes) {
  u64 row = (u64)blockIdx.x * (128 / lanes) + threadIdx.x / lanes;
  // Threads without a row do the last one again: all must take part in the sums.
  if (row >= rows) row = rows - 1;
  const u16 *in = x + row * width;
  u16 *to = out + row * width;
  const int lane = threadIdx.x % lanes;
  switch (width / 8 / lanes) {
    case 1: layer_norm_row<1>(in, gamma, beta, to, lane, lanes, width, epsilon); break;
    case 2: layer_norm_row<2>(in, gamma, beta, to, lane, lanes, width, epsilon); break;
    case 3: layer_norm_row<3>(in, gamma, beta, to, lane, lanes, width, epsilon); break;
    case 4: layer_norm_row<4>(in, gamma, beta, to, lane, lanes, width, epsilon); break;
    case 5: layer_norm_row<5>(in, gamma, beta, to, lane, lanes, width, epsilon); break;
    case 6: layer_norm_row<6>(in, gamma, beta, to, lane, lanes, width, epsilon); break;
    case 7: layer_norm_row<7>(in, gamma, beta, to, lane, lanes, width, epsilon); break;
    default: layer_norm_row<8>(in, gamma, beta, to, lane, lanes, width, epsilon); break;
  }
}

// Rows of any width: one warp per row, 128 threads. x, out [rows, width].
extern "C" __global__ void __launch_bounds__(128)
layer_norm(const u16 *x, const float *gamma, const float *beta, u16 *out, u64 rows, int width,
           float epsilon) {
  const u64 row = (u64)blockIdx.x * 4 + threadIdx.x / 32;
  if (row >= rows) return;
  const int lane = threadIdx.x % 32;
  const u16 *in = x + row * width;
  u16 *to = out + row * width;
  float sum = 0;
  for (int i = lane; i < width; i += 32) sum += widen(in[i]);
  const float mean = warp_sum(sum) / width;
  float square = 0;
  for (int i = lane; i < width; i += 32) {
    float d = widen(in[i]) - mean;
    square += d * d;
  }
  const float inverse = rsqrtf(warp_sum(square) / width + epsilon);
  for (int i = lane; i < width; i += 32)
    to[i] = narrow((widen(in[i]) - mean) * inverse * gamma[i] + beta[i]);
}
