// Moves numbers without changing them. Sizes are counted in bytes or in units of 2 or 4 bytes.

#define EACH(n) \
  for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += (u64)gridDim.x * blockDim.x)

// rows of row_bytes, from source_stride bytes apart to target_stride bytes apart.
template <typename Unit>
__device__ void copy_rows(const char *source, u64 source_stride, char *target, u64 target_stride,
                          u64 row_bytes, u64 rows) {
  const u64 units = row_bytes / sizeof(Unit);
  EACH(rows * units) {
    const u64 row = i / units, at = i % units;
    ((Unit *)(target + row * target_stride))[at] = ((const Unit *)(source + row * source_stride))[at];
  }
}
extern "C" __global__ void copy_rows_16(const char *s, u64 ss, char *t, u64 ts, u64 bytes, u64 rows) {
  copy_rows<Pack8>(s, ss, t, ts, bytes, rows);
}
extern "C" __global__ void copy_rows_2(const char *s, u64 ss, char *t, u64 ts, u64 bytes, u64 rows) {
  copy_rows<u16>(s, ss, t, ts, bytes, rows);
}

// [batch, rows, columns] -> [batch, columns, rows]: both directions between NCHW and NHWC.
extern "C" __global__ void transpose(const void *x, void *out, u64 rows, u64 columns, int bytes, u64 n) {
  EACH(n) {
    const u64 batch = i / (rows * columns), rest = i % (rows * columns);
    const u64 from = batch * rows * columns + rest % rows * columns + rest / rows;
    if (bytes == 4)
      ((u32 *)out)[i] = ((const u32 *)x)[from];
    else
      ((u16 *)out)[i] = ((const u16 *)x)[from];
  }
}

// x [batch, in_h, in_w, channels] -> [batch, out_h, out_w, channels]; pixel (y, x) is source pixel
// (y*in_h/out_h, x*in_w/out_w), floored.
template <typename Unit>
__device__ void resize(const Unit *x, Unit *out, int in_h, int in_w, int out_h, int out_w, u64 units,
                       u64 n) {
  EACH(n) {
    const u64 unit = i % units, pixel = i / units;
    const u64 column = pixel % out_w, row = pixel / out_w % out_h, batch = pixel / ((u64)out_w * out_h);
    const u64 from_row = row * in_h / out_h, from_column = column * in_w / out_w;
    out[i] = x[((batch * in_h + from_row) * in_w + from_column) * units + unit];
  }
}
extern "C" __global__ void resize_16(const Pack8 *x, Pack8 *out, int ih, int iw, int oh, int ow, u64 units,
                                     u64 n) {
  resize(x, out, ih, iw, oh, ow, units, n);
}
extern "C" __global__ void resize_2(const u16 *x, u16 *out, int ih, int iw, int oh, int ow, u64 units, u64 n) {
  resize(x, out, ih, iw, oh, ow, units, n);
}

// x [batch, h, w, c] of any type -> 16-bit [batch, h + top + bottom, w + left + right, wide], zeros
// around and in the channels beyond c.
extern "C" __global__ void pad_image(const void *x, int tx, void *out, int to, int h, int w, int c, int top,
                                     int left, int out_h, int out_w, int wide, u64 n) {
  EACH(n) {
    const int channel = (int)(i % wide);
    const u64 pixel = i / wide;
    const int column = (int)(pixel % out_w) - left;
    const int row = (int)(pixel / out_w % out_h) - top;
    const u64 batch = pixel / ((u64)out_w * out_h);
    const bool inside = channel < c && column >= 0 && column < w && row >= 0 && row < h;
    store_any(out, i, to, inside ? load_any(x, ((batch * h + row) * w + column) * c + channel, tx) : 0.0f);
  }
}

// table [rows, width] 16-bit, ids int32 -> out [count, width]. An id outside the table gives NaN;
// the host checks ids before they come here.
extern "C" __global__ void gather_rows(const u16 *table, const int *ids, u16 *out, int rows, int width,
                                       u64 n) {
  EACH(n) {
    const int id = ids[i / width];
    out[i] = id >= 0 && id < rows ? table[(u64)id * width + i % width] : (u16)0x7fff;
  }
}
