package quartet.tensor.cuda;

import java.util.List;
import quartet.cuda.LaunchShape;
import quartet.cuda.raw.AttentionGraph;
import quartet.cuda.raw.CublasLt;
import quartet.tensor.DType;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/**
 * Attention: a flash kernel, ours or cuDNN's, for heads of at most {@value #MOST_HEAD} numbers,
 * elsewhere (the VAE's single head of 512) products around a softmax, a slab of queries at a time.
 *
 * <p>Thread: the device's.
 */
final class AttentionOps {
  private static final int MOST_HEAD = 160;
  private static final int QUERIES = 64;
  private static final int THREADS = 128;
  private static final double LOG2_E = 1.4426950408889634;

  /** Scores held at once by the other way, in numbers. */
  private static final long MOST_SCORES = 64L << 20;

  private final CudaScope scope;
  private final CudaBackend backend;

  AttentionOps(CudaScope scope, CudaBackend backend) {
    this.scope = scope;
    this.backend = backend;
  }

  CudaTensor attention(Tensor query, Tensor key, Tensor value, int heads, boolean causal) {
    CudaTensor q = half(query);
    CudaTensor k = half(key);
    CudaTensor v = half(value);
    check(q, k, v, heads);
    CudaTensor out = scope.allocate(q.shape(), q.dtype());
    if (q.shape().elements() == 0) {
      return out;
    }
    int head = q.dim(2) / heads;
    if (head % 8 == 0 && head <= MOST_HEAD && isWide(q) && isWide(k) && isWide(v)) {
      narrow(q, k, v, heads, causal, out);
    } else {
      plain(scope.dense(q), scope.dense(k), scope.dense(v), heads, causal, out);
    }
    return out;
  }

  private CudaTensor half(Tensor tensor) {
    CudaTensor mine = scope.own(tensor);
    return Types.isHalf(mine.dtype()) ? mine : scope.cudaOps().as(mine, DType.F16);
  }

  private static boolean isWide(CudaTensor x) {
    return (x.address() | x.rowStride() * 2) % 16 == 0;
  }

  private static void check(CudaTensor q, CudaTensor k, CudaTensor v, int heads) {
    if (q.shape().rank() != 3
        || !k.shape().equals(v.shape())
        || k.dim(0) != q.dim(0)
        || k.dim(2) != q.dim(2)
        || q.dtype() != k.dtype()
        || q.dtype() != v.dtype()) {
      throw new IllegalArgumentException(
          "attention: query %s, key %s and value %s do not fit".formatted(q, k, v));
    }
    if (heads < 1 || q.dim(2) % heads != 0) {
      throw new IllegalArgumentException(
          "attention: width of %s does not fall into %d heads".formatted(q, heads));
    }
    if (k.dim(1) == 0) {
      throw new IllegalArgumentException("attention: no key to attend to, " + k);
    }
  }

  /** Our kernel, or cuDNN's where it has one and that is faster. */
  private void narrow(
      CudaTensor q, CudaTensor k, CudaTensor v, int heads, boolean causal, CudaTensor out) {
    Runnable own = () -> flash(q, k, v, heads, causal, out);
    if (causal) {
      own.run();
      return;
    }
    backend
        .attentions()
        .run(
            new AttentionGraph.Spec(
                q.dim(0),
                heads,
                q.dim(1),
                k.dim(1),
                q.dim(2) / heads,
                q.rowStride(),
                k.rowStride(),
                v.rowStride(),
                q.dim(2),
                Types.cudnn(q.dtype())),
            new Attentions.Operands(q.address(), k.address(), v.address(), out.address()),
            own,
            !backend.isRecording());
  }

  private void flash(
      CudaTensor q, CudaTensor k, CudaTensor v, int heads, boolean causal, CudaTensor out) {
    int head = q.dim(2) / heads;
    int stride = (head + 15) / 16 * 16 + 8;
    int shared = 3 * QUERIES * stride * 2;
    KernelLibrary.Variant variant =
        new KernelLibrary.Variant(
            "attention",
            q.dtype() == DType.BF16,
            List.of(new KernelLibrary.Definition("HEAD", head)));
    backend.allowSharedBytes(variant, "attention", shared);
    backend.launch(
        variant,
        "attention",
        new LaunchShape((q.dim(1) + QUERIES - 1) / QUERIES, heads, q.dim(0), THREADS, shared),
        backend
            .arguments()
            .add(q.address())
            .add(k.address())
            .add(v.address())
            .add(out.address())
            .add(q.dim(1))
            .add(k.dim(1))
            .add(q.rowStride())
            .add(k.rowStride())
            .add(v.rowStride())
            .add((long) q.dim(2))
            .add((float) (LOG2_E / Math.sqrt(head)))
            .add(causal ? 1 : 0));
  }

  private void plain(
      CudaTensor q, CudaTensor k, CudaTensor v, int heads, boolean causal, CudaTensor out) {
    int width = q.dim(2);
    int head = width / heads;
    int queries = q.dim(1);
    int keys = k.dim(1);
    int bytes = q.dtype().byteSize();
    int slab = Math.toIntExact(Math.clamp(MOST_SCORES / keys, 1, queries));
    float scale = (float) (1 / Math.sqrt(head));
    try (CudaScope work = scope.child("attention")) {
      // cuBLASLt wants rows of whole 16-byte units; the softmax writes rows that long.
      CudaTensor scores = work.allocate(Shape.of(slab, keys), DType.F32);
      CudaTensor weights = work.allocate(Shape.of(slab, keys), q.dtype());
      for (int b = 0; b < q.dim(0); b++) {
        for (int n = 0; n < heads; n++) {
          for (int first = 0; first < queries; first += slab) {
            int count = Math.min(slab, queries - first);
            long from = ((long) b * queries + first) * width + (long) n * head;
            long keyFrom = (long) b * keys * width + (long) n * head;
            long any = (from | keyFrom) * bytes | 256;
            int alignment = Math.toIntExact(Long.lowestOneBit(any));
            run(
                spec(count, keys, head, true, width, width, keys, q.dtype(), DType.F32, alignment),
                q.address() + from * bytes,
                k.address() + keyFrom * bytes,
                scores.address());
            backend.launch(
                KernelLibrary.Variant.of("softmax", q.dtype() == DType.BF16),
                "softmax_rows",
                LaunchShape.of(count, 256),
                backend
                    .arguments()
                    .add(scores.address())
                    .add(weights.address())
                    .add(keys)
                    .add(scale)
                    .add(causal ? 1 : 0)
                    .add(first));
            run(
                spec(count, head, keys, false, keys, width, width, q.dtype(), q.dtype(), alignment),
                weights.address(),
                v.address() + keyFrom * bytes,
                out.address() + from * bytes);
          }
        }
      }
    }
  }

  private static CublasLt.Spec spec(
      int m,
      int n,
      int k,
      boolean weightRows,
      int ldx,
      int ldw,
      int ldy,
      DType in,
      DType out,
      int alignment) {
    return new CublasLt.Spec(
        m,
        n,
        k,
        weightRows,
        ldx,
        ldw,
        ldy,
        Types.cuda(in),
        Types.cuda(out),
        false,
        false,
        1,
        0,
        0,
        0,
        alignment);
  }

  private void run(CublasLt.Spec spec, long x, long w, long y) {
    backend.products().run(spec, new Products.Operands(1f, x, w, 0, 0, y), !backend.isRecording());
  }
}
