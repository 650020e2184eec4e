package quartet.engine.model;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.clip.ClipKind;
import quartet.errors.EngineException;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.HostTensor;
import quartet.tokenizer.ClipTokenizer;
import quartet.tokenizer.TokenChunk;

/**
 * The learned vectors that a prompt names by {@code embedding:name}. Read when first named, kept
 * for one prompt. Source: Gal et al. 2022, "An Image is Worth One Word".
 *
 * <p>Thread: the device's.
 */
final class EmbeddingVectors implements ClipTokenizer.Embeddings {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddingVectors.class);
  private static final List<String> SUFFIXES = List.of("", ".safetensors", ".sft");
  private static final List<String> PICKLES = List.of(".pt", ".bin");

  private final Function<String, Optional<Path>> files;
  private final List<ClipEncoder> encoders;
  private final Map<String, Optional<Map<String, HostTensor>>> read = new HashMap<>();

  /**
   * Vectors for some encoders.
   *
   * @param files finds a file of the embeddings folder by name
   */
  EmbeddingVectors(Function<String, Optional<Path>> files, List<ClipEncoder> encoders) {
    this.files = files;
    this.encoders = encoders;
  }

  @Override
  public OptionalInt count(String name) {
    Optional<Map<String, HostTensor>> tensors = tensors(name);
    if (tensors.isEmpty()) {
      LOG.warn(
          "There is no embedding '{}' in models/embeddings; the prompt goes on without.", name);
      return OptionalInt.empty();
    }
    int count = 0;
    for (ClipEncoder encoder : encoders) {
      HostTensor tensor = tensor(name, tensors.get(), encoder.kind(), encoder.width());
      count = Math.max(count, rows(tensor));
    }
    return OptionalInt.of(count);
  }

  /** One token's vector. */
  float[] of(TokenChunk.Custom token, ClipKind kind, int width) {
    HostTensor tensor = tensor(token.name(), tensors(token.name()).orElseThrow(), kind, width);
    int row = Math.min(token.row(), rows(tensor) - 1);
    float[] vector = new float[width];
    for (int i = 0; i < width; i++) {
      vector[i] = (float) tensor.element((long) row * width + i);
    }
    return vector;
  }

  private static int rows(HostTensor tensor) {
    return Math.toIntExact(tensor.shape().elements() / tensor.shape().dim(-1));
  }

  private HostTensor tensor(
      String name, Map<String, HostTensor> tensors, ClipKind kind, int width) {
    HostTensor tensor = tensors.get("clip_" + kind.name().toLowerCase(Locale.ROOT));
    if (tensor == null) {
      tensor = tensors.values().iterator().next();
    }
    if (tensor.shape().rank() == 0 || tensor.shape().dim(-1) != width) {
      throw unfit(
          "The embedding '%s' has shape %s, but this text encoder's tokens are %d wide: it was trained for another model."
              .formatted(name, tensor.shape(), width),
          name);
    }
    return tensor;
  }

  private Optional<Map<String, HostTensor>> tensors(String name) {
    return read.computeIfAbsent(name, this::read);
  }

  private Optional<Map<String, HostTensor>> read(String name) {
    for (String suffix : SUFFIXES) {
      Optional<Path> file = files.apply(name + suffix);
      if (file.isPresent()) {
        refusePickle(name, file.get().toString());
        return Optional.of(read(name, file.get()));
      }
    }
    for (String suffix : PICKLES) {
      if (files.apply(name + suffix).isPresent()) {
        refusePickle(name, suffix);
      }
    }
    return Optional.empty();
  }

  private static void refusePickle(String name, String file) {
    if (PICKLES.stream().anyMatch(file::endsWith)) {
      throw unfit(
          "The embedding '%s' is a Python pickle (%s), which may run code and is not read. Convert it to safetensors."
              .formatted(name, file),
          name);
    }
  }

  /** Copies, so that the file need not stay open. */
  private static Map<String, HostTensor> read(String name, Path path) {
    Map<String, HostTensor> tensors = new java.util.LinkedHashMap<>();
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      List<String> names = new ArrayList<>(file.names());
      for (String key : names) {
        HostTensor tensor = file.tensor(key);
        if (!tensor.dtype().isFloating() || tensor.shape().elements() == 0) {
          continue;
        }
        float[] values = tensor.toFloats();
        for (float value : values) {
          if (!Float.isFinite(value)) {
            throw unfit(
                "The embedding '%s' holds %s in '%s': the file is damaged."
                    .formatted(name, value, key),
                name);
          }
        }
        tensors.put(key, HostTensor.of(tensor.shape(), values));
      }
    }
    if (tensors.isEmpty()) {
      throw unfit("The embedding '%s' holds no vectors.".formatted(name), name);
    }
    return tensors;
  }

  private static EngineException unfit(String message, String name) {
    return new EngineException(
        ModelErrorCode.MODEL_INPUT_UNFIT, message, Map.of("embedding", name), null);
  }
}
