// Softmax over rows, for attention whose heads are too wide for the flash kernel.

// scores float32 [rows, width], row r belongs to query first + r -> out 16-bit [rows, width].
// One block of 256 threads per row.
extern "C" __global__ void __launch_bounds__(256)
softmax_rows(const float *scores, u16 *out, int width, float scale, int causal, int first) {
  __shared__ float part[8];
  const u64 row = blockIdx.x;
  const float *in = scores + row * width;
  u16 *to = out + row * width;
  const int seen = causal ? min(width, first + (int)row + 1) : width;
  const int warp = threadIdx.x / 32;
  float top = -INFINITY_F;
  for (int i = threadIdx.x; i < seen; i += 256) top = fmaxf(top, in[i] * scale);
  top = warp_max(top);
  if (threadIdx.x % 32 == 0) part[warp] = top;
  __syncthreads();
  for (int k = 0; k < 8; k++) top = fmaxf(top, part[k]);
  __syncthreads();
  float sum = 0;
  for (int i = threadIdx.x; i < seen; i += 256) sum += __expf(in[i] * scale - top);
  sum = warp_sum(sum);
  if (threadIdx.x % 32 == 0) part[warp] = sum;
  __syncthreads();
  sum = 0;
  for (int k = 0; k < 8; k++) sum += part[k];
  const float inverse = 1.0f / sum;
  for (int i = threadIdx.x; i < width; i += 256)
    to[i] = i < seen ? narrow(__expf(in[i] * scale - top) * inverse) : (u16)0;
}
