package quartet.cuda.raw;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import quartet.cuda.CudaStatus;

/**
 * cuBLASLt: matrix products with a fused bias. Source: cublasLt.h.
 *
 * <p>The library counts in columns first; a row-major {@code Y[M,N] = X[M,K] W[N,K]^T} is its
 * {@code Y^T = W X^T}, so W comes first and a bias of length N is its "bias vector along rows".
 *
 * <p>Owner: of its handle. Thread: the device's, with the context bound.
 */
public final class CublasLt implements AutoCloseable {
  private static final int COMPUTE_32F = 68;
  private static final int CUDA_R_32F = 0;
  private static final int LAYOUT_BATCH_COUNT = 5;
  private static final int LAYOUT_BATCH_OFFSET = 6;
  private static final int DESC_TRANSA = 3;
  private static final int DESC_EPILOGUE = 7;
  private static final int DESC_BIAS_POINTER = 8;
  private static final int EPILOGUE_BIAS = 4;
  private static final int PREF_MAX_WORKSPACE = 1;

  /** Those of B, C and D follow. */
  private static final int PREF_ALIGNMENT_A = 5;

  private static final int OP_TRANSPOSE = 1;
  private static final int ALGO_BYTES = 64;
  private static final int RESULT_BYTES = 96;
  private static final int RESULT_WORKSPACE = 64;
  private static final int RESULT_STATE = 72;

  private final NativeLibrary library;
  private final MemorySegment handle;
  private final MethodHandle getVersion;
  private final MethodHandle destroy;
  private final MethodHandle descCreate;
  private final MethodHandle descDestroy;
  private final MethodHandle descSet;
  private final MethodHandle layoutCreate;
  private final MethodHandle layoutDestroy;
  private final MethodHandle layoutSet;
  private final MethodHandle prefCreate;
  private final MethodHandle prefDestroy;
  private final MethodHandle prefSet;
  private final MethodHandle heuristic;
  private final MethodHandle matmul;

  private CublasLt(NativeLibrary library) {
    this.library = library;
    getVersion = library.function("cublasLtGetVersion", JAVA_LONG);
    MethodHandle create = library.function("cublasLtCreate", JAVA_INT, ADDRESS);
    destroy = library.function("cublasLtDestroy", JAVA_INT, ADDRESS);
    descCreate =
        library.function("cublasLtMatmulDescCreate", JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT);
    descDestroy = library.function("cublasLtMatmulDescDestroy", JAVA_INT, ADDRESS);
    descSet =
        library.function(
            "cublasLtMatmulDescSetAttribute", JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG);
    layoutCreate =
        library.function(
            "cublasLtMatrixLayoutCreate",
            JAVA_INT,
            ADDRESS,
            JAVA_INT,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG);
    layoutDestroy = library.function("cublasLtMatrixLayoutDestroy", JAVA_INT, ADDRESS);
    layoutSet =
        library.function(
            "cublasLtMatrixLayoutSetAttribute", JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_LONG);
    prefCreate = library.function("cublasLtMatmulPreferenceCreate", JAVA_INT, ADDRESS);
    prefDestroy = library.function("cublasLtMatmulPreferenceDestroy", JAVA_INT, ADDRESS);
    prefSet =
        library.function(
            "cublasLtMatmulPreferenceSetAttribute",
            JAVA_INT,
            ADDRESS,
            JAVA_INT,
            ADDRESS,
            JAVA_LONG);
    heuristic =
        library.function(
            "cublasLtMatmulAlgoGetHeuristic",
            JAVA_INT,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            JAVA_INT,
            ADDRESS,
            ADDRESS);
    matmul =
        library.function(
            "cublasLtMatmul",
            JAVA_INT,
            ADDRESS,
            ADDRESS,
            ADDRESS,
            JAVA_LONG,
            ADDRESS,
            JAVA_LONG,
            ADDRESS,
            ADDRESS,
            JAVA_LONG,
            ADDRESS,
            JAVA_LONG,
            ADDRESS,
            ADDRESS,
            JAVA_LONG,
            JAVA_LONG,
            JAVA_LONG);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment out = arena.allocate(ADDRESS);
      check((int) create.invokeExact(out), "cublasLtCreate");
      handle = out.get(ADDRESS, 0);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  /**
   * Loads the library and makes a handle on the thread's device.
   *
   * @throws quartet.errors.EngineException if it is not installed
   */
  public static CublasLt load() {
    return new CublasLt(
        LibrarySearch.ofThisProcess()
            .load(LibrarySearch.CUBLASLT)
            .orElseThrow(
                () ->
                    Missing.library(
                        "libcublasLt.so.13 (or .12)",
                        "Install the CUDA toolkit's cublas package, or name its folder in QUARTET_CUDA_LIBRARIES.")));
  }

  /** Version as {@code 13.1.1}: 10000 times the major number plus 100 times the minor one. */
  public String version() {
    try {
      long number = (long) getVersion.invokeExact();
      return "%d.%d.%d".formatted(number / 10_000, number / 100 % 100, number % 100);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  /** Where it was found. */
  public String path() {
    return library.path().toString();
  }

  /**
   * A product {@code Y = alpha X op(W) + beta C (+ bias)}.
   *
   * @param m rows of X and Y
   * @param n columns of Y
   * @param k columns of X
   * @param weightRows true if W is {@code [N, K]}, false if it is {@code [K, N]}
   * @param ldx elements from a row of X to the next; ldw, ldy likewise, C as Y
   * @param inType of X and W, as cudaDataType
   * @param outType of Y and C
   * @param batch products side by side
   * @param strideX elements from a product's X to the next one's; strideW, strideY likewise
   * @param alignment bytes that all addresses are multiples of, a power of two up to 256
   */
  public record Spec(
      int m,
      int n,
      int k,
      boolean weightRows,
      int ldx,
      int ldw,
      int ldy,
      int inType,
      int outType,
      boolean bias,
      boolean accumulate,
      int batch,
      long strideX,
      long strideW,
      long strideY,
      int alignment) {
    /** A single product of contiguous matrices with the weight's rows as outputs. */
    public static Spec linear(int m, int n, int k, int type, boolean bias, boolean accumulate) {
      return new Spec(m, n, k, true, k, k, n, type, type, bias, accumulate, 1, 0, 0, 0, 256);
    }
  }

  /**
   * One way of computing a product.
   *
   * @param hex the library's own bytes, which mean something to this version and card alone
   */
  public record Algorithm(String hex, long workspaceBytes) {}

  /** A product's descriptors, ready to run. Owner: whoever prepared it. */
  public final class Product implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final Spec spec;
    private final MemorySegment desc;
    private final MemorySegment layoutW;
    private final MemorySegment layoutX;
    private final MemorySegment layoutY;
    private final MemorySegment alpha;
    private final MemorySegment beta;
    private final MemorySegment biasPointer;
    private final MemorySegment algorithm;
    private long workspaceBytes;

    private Product(Spec spec) throws Throwable {
      this.spec = spec;
      MemorySegment out = arena.allocate(ADDRESS);
      check((int) descCreate.invokeExact(out, COMPUTE_32F, CUDA_R_32F), "cublasLtMatmulDescCreate");
      desc = out.get(ADDRESS, 0);
      MemorySegment number = arena.allocate(JAVA_INT);
      if (spec.weightRows()) {
        number.set(JAVA_INT, 0, OP_TRANSPOSE);
        check((int) descSet.invokeExact(desc, DESC_TRANSA, number, 4L), "set TRANSA");
      }
      if (spec.bias()) {
        number.set(JAVA_INT, 0, EPILOGUE_BIAS);
        check((int) descSet.invokeExact(desc, DESC_EPILOGUE, number, 4L), "set EPILOGUE");
      }
      layoutW =
          spec.weightRows()
              ? layout(spec.inType(), spec.k(), spec.n(), spec.ldw(), spec.strideW())
              : layout(spec.inType(), spec.n(), spec.k(), spec.ldw(), spec.strideW());
      layoutX = layout(spec.inType(), spec.k(), spec.m(), spec.ldx(), spec.strideX());
      layoutY = layout(spec.outType(), spec.n(), spec.m(), spec.ldy(), spec.strideY());
      alpha = arena.allocate(ValueLayout.JAVA_FLOAT);
      beta = arena.allocate(ValueLayout.JAVA_FLOAT);
      beta.set(ValueLayout.JAVA_FLOAT, 0, spec.accumulate() ? 1f : 0f);
      biasPointer = arena.allocate(JAVA_LONG);
      algorithm = arena.allocate(ALGO_BYTES, 8);
    }

    private MemorySegment layout(int type, long rows, long columns, long ld, long stride)
        throws Throwable {
      MemorySegment out = arena.allocate(ADDRESS);
      check((int) layoutCreate.invokeExact(out, type, rows, columns, ld), "layout");
      MemorySegment layout = out.get(ADDRESS, 0);
      if (spec.batch() > 1) {
        MemorySegment count = arena.allocate(JAVA_INT);
        count.set(JAVA_INT, 0, spec.batch());
        check((int) layoutSet.invokeExact(layout, LAYOUT_BATCH_COUNT, count, 4L), "batch");
        MemorySegment offset = arena.allocate(JAVA_LONG);
        offset.set(JAVA_LONG, 0, stride);
        check((int) layoutSet.invokeExact(layout, LAYOUT_BATCH_OFFSET, offset, 8L), "stride");
      }
      return layout;
    }

    /** The library's proposals, best guess first; empty if it has none. */
    public List<Algorithm> proposals(int most, long workspaceLimit) {
      try (Arena call = Arena.ofConfined()) {
        MemorySegment out = call.allocate(ADDRESS);
        check((int) prefCreate.invokeExact(out), "cublasLtMatmulPreferenceCreate");
        MemorySegment preference = out.get(ADDRESS, 0);
        MemorySegment limit = call.allocate(JAVA_LONG);
        limit.set(JAVA_LONG, 0, workspaceLimit);
        check((int) prefSet.invokeExact(preference, PREF_MAX_WORKSPACE, limit, 8L), "workspace");
        MemorySegment alignment = call.allocate(JAVA_INT);
        alignment.set(JAVA_INT, 0, spec.alignment());
        for (int attribute = PREF_ALIGNMENT_A; attribute < PREF_ALIGNMENT_A + 4; attribute++) {
          check((int) prefSet.invokeExact(preference, attribute, alignment, 4L), "alignment");
        }
        if (spec.bias()) {
          // Heuristics look at the pointer's alignment: any aligned address will do.
          setBias(256);
        }
        MemorySegment results = call.allocate((long) RESULT_BYTES * most, 8);
        MemorySegment found = call.allocate(JAVA_INT);
        int status =
            (int)
                heuristic.invokeExact(
                    handle,
                    desc,
                    layoutW,
                    layoutX,
                    layoutY,
                    layoutY,
                    preference,
                    most,
                    results,
                    found);
        check((int) prefDestroy.invokeExact(preference), "cublasLtMatmulPreferenceDestroy");
        List<Algorithm> list = new ArrayList<>();
        for (int i = 0; status == 0 && i < found.get(JAVA_INT, 0); i++) {
          MemorySegment result = results.asSlice((long) i * RESULT_BYTES, RESULT_BYTES);
          if (result.get(JAVA_INT, RESULT_STATE) == 0) {
            list.add(
                new Algorithm(
                    HexFormat.of()
                        .formatHex(result.asSlice(0, ALGO_BYTES).toArray(ValueLayout.JAVA_BYTE)),
                    result.get(JAVA_LONG, RESULT_WORKSPACE)));
          }
        }
        return list;
      } catch (Throwable e) {
        throw Downcall.broken(e);
      }
    }

    /** Uses an algorithm from now on. */
    public void choose(Algorithm chosen) {
      algorithm.copyFrom(MemorySegment.ofArray(HexFormat.of().parseHex(chosen.hex())));
      workspaceBytes = chosen.workspaceBytes();
    }

    /** Device memory that the chosen algorithm needs. */
    public long workspaceBytes() {
      return workspaceBytes;
    }

    /**
     * Queues the product.
     *
     * @param c what beta multiplies; may be {@code y}
     * @param bias N numbers of the output's type, or 0
     */
    public void run(
        float alphaValue, long x, long w, long c, long bias, long y, long workspace, long stream) {
      try {
        alpha.set(ValueLayout.JAVA_FLOAT, 0, alphaValue);
        if (spec.bias()) {
          setBias(bias);
        }
        int status =
            (int)
                matmul.invokeExact(
                    handle,
                    desc,
                    alpha,
                    w,
                    layoutW,
                    x,
                    layoutX,
                    beta,
                    c,
                    layoutY,
                    y,
                    layoutY,
                    algorithm,
                    workspace,
                    workspaceBytes,
                    stream);
        if (status != 0) {
          check(status, "cublasLtMatmul of " + spec);
        }
      } catch (Throwable e) {
        throw Downcall.broken(e);
      }
    }

    private void setBias(long address) throws Throwable {
      biasPointer.set(JAVA_LONG, 0, address);
      int status = (int) descSet.invokeExact(desc, DESC_BIAS_POINTER, biasPointer, 8L);
      if (status != 0) {
        check(status, "set BIAS_POINTER");
      }
    }

    @Override
    public void close() {
      try {
        check((int) layoutDestroy.invokeExact(layoutW), "layout destroy");
        check((int) layoutDestroy.invokeExact(layoutX), "layout destroy");
        check((int) layoutDestroy.invokeExact(layoutY), "layout destroy");
        check((int) descDestroy.invokeExact(desc), "desc destroy");
      } catch (Throwable e) {
        throw Downcall.broken(e);
      } finally {
        arena.close();
      }
    }
  }

  /** Prepares a product; an algorithm must be chosen before it runs. */
  public Product prepare(Spec spec) {
    try {
      return new Product(spec);
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  @Override
  public void close() {
    try {
      check((int) destroy.invokeExact(handle), "cublasLtDestroy");
    } catch (Throwable e) {
      throw Downcall.broken(e);
    }
  }

  private static void check(int status, String call) {
    if (status != 0) {
      throw CudaStatus.failure(CudaStatus.cublas(status), status, call, "cublasStatus_t");
    }
  }
}
