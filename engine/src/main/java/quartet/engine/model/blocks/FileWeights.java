package quartet.engine.model.blocks;

import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.DType;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;

/**
 * Tensors of files under other names, and seen otherwise where a format stores them otherwise.
 *
 * <p>Owner: nobody; the files stay open as long as anybody reads.
 */
public final class FileWeights implements Weights {
  private record Source(SafetensorsFile file, String name, UnaryOperator<HostTensor> view) {}

  private final Map<String, Source> sources;
  private final String origin;
  private final String id;

  private final String prefix;

  private FileWeights(Map<String, Source> sources, String origin, String id, String prefix) {
    this.sources = Collections.unmodifiableMap(sources);
    this.origin = origin;
    this.id = id;
    this.prefix = prefix;
  }

  /** Everything in a file under its own names. */
  public static FileWeights all(SafetensorsFile file) {
    return below(file, "");
  }

  /** What begins with a prefix, without it. */
  public static FileWeights below(SafetensorsFile file, String prefix) {
    Builder builder = new Builder();
    for (String name : file.names()) {
      if (name.startsWith(prefix)) {
        builder.put(name.substring(prefix.length()), file, name);
      }
    }
    return builder.build(file, prefix);
  }

  @Override
  public String origin() {
    return origin;
  }

  @Override
  public @Nullable MemorySegment mapping() {
    List<SafetensorsFile> files = sources.values().stream().map(Source::file).distinct().toList();
    return files.size() == 1 ? files.getFirst().mapping() : null;
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public Set<String> names() {
    return sources.keySet();
  }

  @Override
  public @Nullable HostTensor tensorOrNull(String name) {
    Source source = sources.get(name);
    return source == null ? null : source.view().apply(source.file().tensor(source.name()));
  }

  @Override
  public String nameInFile(String name) {
    Source source = sources.get(name);
    return source == null ? prefix + name : source.name();
  }

  /** Collects names. */
  public static final class Builder {
    private final Map<String, Source> sources = new LinkedHashMap<>();

    /** A tensor as it is. */
    public Builder put(String name, SafetensorsFile file, String nameInFile) {
      return put(name, file, nameInFile, tensor -> tensor);
    }

    /** A tensor seen otherwise. Eight-bit weights with a scale beside them are multiplied by it. */
    public Builder put(
        String name, SafetensorsFile file, String nameInFile, UnaryOperator<HostTensor> view) {
      sources.put(name, new Source(file, nameInFile, scaled(file, nameInFile, view)));
      return this;
    }

    /** What was put so far. */
    public boolean isEmpty() {
      return sources.isEmpty();
    }

    /**
     * The weights of one file.
     *
     * @param prefix where they stand in it, for messages about missing ones
     */
    public FileWeights build(SafetensorsFile file, String prefix) {
      return build(file.path().toString(), file.sourceId() + "#" + prefix, prefix);
    }

    /** The weights of several files. */
    public FileWeights build(String origin, String id, String prefix) {
      return new FileWeights(new LinkedHashMap<>(sources), origin, id, prefix);
    }

    private static UnaryOperator<HostTensor> scaled(
        SafetensorsFile file, String name, UnaryOperator<HostTensor> view) {
      String scaleName = name.replaceFirst("\\.weight$", ".scale_weight");
      if (scaleName.equals(name) || !file.has(scaleName)) {
        return view;
      }
      HostTensor scale = file.tensor(scaleName);
      return tensor -> {
        DType stored = tensor.dtype();
        boolean eightBit = stored == DType.F8_E4M3 || stored == DType.F8_E5M2;
        if (!eightBit || scale.shape().elements() != 1) {
          return view.apply(tensor);
        }
        float factor = scale.toFloats()[0];
        float[] values = tensor.toFloats();
        for (int i = 0; i < values.length; i++) {
          values[i] *= factor;
        }
        return view.apply(HostTensor.of(tensor.shape(), values));
      };
    }
  }

  /**
   * {@code [rows, columns] -> [columns, rows]}; what is no matrix stays as it is, and one of whole
   * numbers stays one, so that whoever reads it says what is wrong.
   */
  public static HostTensor transposed(HostTensor matrix) {
    if (matrix.shape().rank() != 2) {
      return matrix;
    }
    int rows = matrix.shape().dim(0);
    int columns = matrix.shape().dim(1);
    if (!matrix.dtype().isFloating()) {
      return HostTensor.of(Shape.of(columns, rows), new int[rows * columns]);
    }
    float[] from = matrix.toFloats();
    float[] to = new float[from.length];
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < columns; c++) {
        to[c * rows + r] = from[r * columns + c];
      }
    }
    return HostTensor.of(Shape.of(columns, rows), to);
  }
}
