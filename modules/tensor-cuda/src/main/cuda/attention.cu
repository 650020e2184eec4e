// softmax(Q K^T / sqrt(S)) V for heads of at most 160 numbers, without ever storing the scores.
// Source: Dao 2023, "FlashAttention-2", algorithm 1; tensor-core fragments as the PTX manual lays
// mma.m16n8k16 out.
//
// A block is four warps; each keeps 16 queries in registers and walks all keys in tiles of 64.
// K and V have one buffer each: while the scores of a tile are computed its V arrives, and while V
// is used the next K arrives. Rows in shared memory are 8 numbers longer than a head, so that the
// eight rows an ldmatrix reads lie in different banks. Heads are padded with zeros to a multiple of
// 16 (40 -> 48). Bound: the exponentials (16 a clock and multiprocessor) for narrow heads, the
// tensor cores for wide ones.
//
// HEAD, the width of a head, is a compile-time constant (a multiple of 8): one module per width.
#ifndef HEAD
#define HEAD 64
#endif

#define PADDED ((HEAD + 15) / 16 * 16)
#define STRIDE (PADDED + 8)
#define QUERIES 64
#define KEYS 64
#define CHUNKS (HEAD / 8)
#define K_STEPS (PADDED / 16)
#define D_TILES (PADDED / 8)

__device__ __forceinline__ u32 shared_address(const void *p) {
  return (u32)__cvta_generic_to_shared(p);
}
__device__ __forceinline__ void copy_16(u16 *target, const u16 *source, bool inside) {
  const int bytes = inside ? 16 : 0;
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(target)),
               "l"(source), "r"(bytes));
}
__device__ __forceinline__ void commit() { asm volatile("cp.async.commit_group;"); }
template <int Left>
__device__ __forceinline__ void arrive() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Left));
}
__device__ __forceinline__ void load_4(u32 *r, const u16 *p) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(p)));
}
__device__ __forceinline__ void load_4_transposed(u32 *r, const u16 *p) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
               : "r"(shared_address(p)));
}
__device__ __forceinline__ void multiply_add(float *d, const u32 *a, u32 b0, u32 b1) {
#if BF16
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
#else
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
#endif
               : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
__device__ __forceinline__ float exp2_fast(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// Rows first..first+63 of one head into shared memory; rows from `rows` on become zeros.
__device__ __forceinline__ void fetch(u16 *target, const u16 *source, int first, int rows, u64 row_stride) {
  for (int n = threadIdx.x; n < KEYS * CHUNKS; n += 128) {
    const int row = n / CHUNKS, chunk = n % CHUNKS;
    const bool inside = first + row < rows;
    copy_16(target + row * STRIDE + chunk * 8,
            source + (u64)(inside ? first + row : 0) * row_stride + chunk * 8, inside);
  }
}

// grid (tiles of 64 queries, heads, batch), 128 threads, shared 3 * 64 * STRIDE numbers.
// Row strides are in numbers; a batch item's rows follow the previous one's.
extern "C" __global__ void __launch_bounds__(128)
attention(const u16 *q, const u16 *k, const u16 *v, u16 *out, int queries, int keys, u64 q_stride,
          u64 k_stride, u64 v_stride, u64 out_stride, float scale_log2, int causal) {
  extern __shared__ __align__(16) u16 memory[];
  u16 *q_tile = memory, *k_tile = memory + QUERIES * STRIDE, *v_tile = k_tile + KEYS * STRIDE;
  const int first_query = blockIdx.x * QUERIES;
  const u64 head_offset = (u64)blockIdx.y * HEAD;
  q += (u64)blockIdx.z * queries * q_stride + head_offset;
  k += (u64)blockIdx.z * keys * k_stride + head_offset;
  v += (u64)blockIdx.z * keys * v_stride + head_offset;
  out += (u64)blockIdx.z * queries * out_stride + head_offset;
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;

  // The padding of narrow heads stays zero throughout: copies never touch it.
  if (PADDED > HEAD) {
    for (int n = threadIdx.x; n < 3 * 64; n += 128) {
      Pack8 zero = {{0, 0, 0, 0}};
      *(Pack8 *)(memory + n * STRIDE + HEAD) = zero;
    }
  }
  fetch(q_tile, q, first_query, queries, q_stride);
  fetch(k_tile, k, 0, keys, k_stride);
  commit();
  arrive<0>();
  __syncthreads();

  // A fragments of this warp's 16 queries.
  u32 q_part[K_STEPS][4];
#pragma unroll
  for (int s = 0; s < K_STEPS; s++)
    load_4(q_part[s], q_tile + (warp * 16 + lane % 16) * STRIDE + s * 16 + lane / 16 * 8);

  float result[D_TILES][4];
#pragma unroll
  for (int d = 0; d < D_TILES; d++)
#pragma unroll
    for (int i = 0; i < 4; i++) result[d][i] = 0;
  float top[2] = {-INFINITY_F, -INFINITY_F}, sum[2] = {0, 0};
  const int row0 = first_query + warp * 16 + lane / 4;

  int tiles = (keys + KEYS - 1) / KEYS;
  if (causal) tiles = min(tiles, (first_query + QUERIES + KEYS - 1) / KEYS);
  for (int tile = 0; tile < tiles; tile++) {
    const int first_key = tile * KEYS;
    fetch(v_tile, v, first_key, keys, v_stride);
    commit();

    float score[8][4];
#pragma unroll
    for (int n = 0; n < 8; n++)
#pragma unroll
      for (int i = 0; i < 4; i++) score[n][i] = 0;
#pragma unroll
    for (int s = 0; s < K_STEPS; s++) {
#pragma unroll
      for (int n = 0; n < 4; n++) {
        // Two tiles of 8 keys by 16 numbers: B fragments (b0, b1) of each.
        u32 part[4];
        load_4(part, k_tile + (n * 16 + lane % 8 + lane / 16 * 8) * STRIDE + s * 16 + lane / 8 % 2 * 8);
        multiply_add(score[2 * n], q_part[s], part[0], part[1]);
        multiply_add(score[2 * n + 1], q_part[s], part[2], part[3]);
      }
    }
    if (first_key + KEYS > keys || (causal && first_key + KEYS > first_query)) {
#pragma unroll
      for (int n = 0; n < 8; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
          const int key = first_key + n * 8 + lane % 4 * 2 + i % 2;
          const int query = row0 + i / 2 * 8;
          if (key >= keys || (causal && key > query)) score[n][i] = -INFINITY_F;
        }
    }
    float highest[2] = {top[0], top[1]};
#pragma unroll
    for (int n = 0; n < 8; n++) {
      highest[0] = fmaxf(highest[0], fmaxf(score[n][0], score[n][1]));
      highest[1] = fmaxf(highest[1], fmaxf(score[n][2], score[n][3]));
    }
    u32 weight[8][2];
#pragma unroll
    for (int r = 0; r < 2; r++) {
      highest[r] = fmaxf(highest[r], __shfl_xor_sync(FULL, highest[r], 1));
      highest[r] = fmaxf(highest[r], __shfl_xor_sync(FULL, highest[r], 2));
      // A row that has seen no key yet keeps weights of zero instead of NaN.
      const float base = highest[r] == -INFINITY_F ? 0.0f : highest[r] * scale_log2;
      const float shrink = exp2_fast(top[r] * scale_log2 - base);
      top[r] = highest[r];
      float added = 0;
#pragma unroll
      for (int n = 0; n < 8; n++) {
        const float a = exp2_fast(score[n][2 * r] * scale_log2 - base);
        const float b = exp2_fast(score[n][2 * r + 1] * scale_log2 - base);
        added += a + b;
        weight[n][r] = narrow2(a, b);
      }
      sum[r] = sum[r] * shrink + added;
#pragma unroll
      for (int d = 0; d < D_TILES; d++) {
        result[d][2 * r] *= shrink;
        result[d][2 * r + 1] *= shrink;
      }
    }
    arrive<0>();
    __syncthreads();  // V is here, and nobody reads K any more
    if (tile + 1 < tiles) {
      fetch(k_tile, k, first_key + KEYS, keys, k_stride);
      commit();
    }
#pragma unroll
    for (int s = 0; s < 4; s++) {
      const u32 a[4] = {weight[2 * s][0], weight[2 * s][1], weight[2 * s + 1][0], weight[2 * s + 1][1]};
#pragma unroll
      for (int d = 0; d < D_TILES / 2; d++) {
        // 16 keys by two tiles of 8 numbers.
        u32 part[4];
        load_4_transposed(part, v_tile + (s * 16 + lane % 16) * STRIDE + d * 16 + lane / 16 * 8);
        multiply_add(result[2 * d], a, part[0], part[1]);
        multiply_add(result[2 * d + 1], a, part[2], part[3]);
      }
    }
    arrive<0>();
    __syncthreads();  // the next K is here, and nobody reads V any more
  }
#pragma unroll
  for (int r = 0; r < 2; r++) {
    sum[r] += __shfl_xor_sync(FULL, sum[r], 1);
    sum[r] += __shfl_xor_sync(FULL, sum[r], 2);
    const int row = row0 + r * 8;
    if (row < queries) {
      const float inverse = 1.0f / sum[r];
#pragma unroll
      for (int d = 0; d < HEAD / 8; d++)
        *(u32 *)(out + (u64)row * out_stride + d * 8 + lane % 4 * 2) =
            narrow2(result[d][2 * r] * inverse, result[d][2 * r + 1] * inverse);
    }
  }
}
