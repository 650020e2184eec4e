package quartet.engine.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.CheckpointHints;
import quartet.engine.model.clip.ClipKind;
import quartet.engine.model.clip.ClipTextModel;
import quartet.engine.model.clip.TokenVectors;
import quartet.tensor.Backend;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;
import quartet.tokenizer.ClipTokenizer;
import quartet.tokenizer.TokenChunk;

/**
 * Windows of ids to token vectors, with one transformer. Owner: its {@link TextEncoder}. Thread:
 * the device's.
 *
 * <p>Small checkpoints may have a smaller vocabulary than CLIP's 49,408: their start and end come
 * from the file's hints, and word ids are folded into what is left by their remainder, so that any
 * prompt gives some valid ids.
 */
final class ClipEncoder {
  private final Backend backend;
  private final ClipTextModel model;
  private final int start;
  private final int end;

  ClipEncoder(Backend backend, ClipTextModel model, CheckpointHints hints) {
    this.backend = backend;
    this.model = model;
    int vocabulary = model.config().vocabulary();
    this.start = hinted(hints.positive("bos"), vocabulary, ClipTokenizer.START, 2);
    this.end = hinted(hints.positive("eos"), vocabulary, ClipTokenizer.END, 1);
  }

  /** The hint, or CLIP's id, or else counted from the vocabulary's end as CLIP's are. */
  private static int hinted(OptionalInt hint, int vocabulary, int standard, int fromEnd) {
    int fallback = standard < vocabulary ? standard : vocabulary - fromEnd;
    int id = hint.orElse(fallback);
    return id < vocabulary ? id : fallback;
  }

  /**
   * An encoded prompt.
   *
   * @param tokens {@code [count, width]}
   * @param pooled {@code [P]}, of the first window, projected where the model has a projection
   */
  @SuppressWarnings("ArrayRecordComponent") // lives until the conditioning is made
  record Encoded(float[] tokens, int count, int width, float[] pooled) {}

  ClipKind kind() {
    return model.config().kind();
  }

  int width() {
    return model.config().width();
  }

  /**
   * Encodes windows; the result is their tokens side by side.
   *
   * @param vectors of the windows' custom tokens
   * @param stopAtLayer -1 for the last layer, -2 for the one before
   * @param normed whether that layer's state goes through the final norm
   */
  Encoded encode(
      List<TokenChunk> chunks, EmbeddingVectors vectors, int stopAtLayer, boolean normed) {
    boolean weighted = chunks.stream().anyMatch(TokenChunk::isWeighted);
    List<TokenChunk> batch = new ArrayList<>(chunks);
    if (weighted) {
      batch.add(ClipTokenizer.empty());
    }
    int length = batch.getFirst().ids().length;
    int width = width();
    int[] ids = ids(batch);
    float[] selected;
    float[] pooled;
    try (TensorScope scope = backend.openScope("text encoder")) {
      HostTensor host = HostTensor.of(Shape.of(batch.size(), length), ids);
      ClipTextModel.Hidden hidden =
          model.forward(scope, host, custom(batch, vectors, length), stopAtLayer, normed);
      selected = scope.ops().download(hidden.selected());
      // [B, T, D] as rows, of which the first window's first end token is the prompt's summary.
      Tensor rows =
          scope.ops().reshape(hidden.last(), Shape.of((long) batch.size() * length, width));
      int at = firstEnd(ids, length);
      pooled =
          scope
              .ops()
              .download(model.project(scope.ops(), scope.ops().sliceFirst(rows, at, at + 1)));
    }
    float[] tokens = Arrays.copyOf(selected, chunks.size() * length * width);
    if (weighted) {
      int empty = chunks.size() * length * width;
      weigh(tokens, Arrays.copyOfRange(selected, empty, selected.length), chunks, width);
    }
    return new Encoded(tokens, chunks.size() * length, width, pooled);
  }

  /**
   * Moves each token away from, or towards, what an empty prompt has at its place: {@code (z -
   * empty) * w + empty}. Source: ComfyUI {@code ClipTokenWeightEncoder} (behaviour).
   */
  private static void weigh(float[] tokens, float[] empty, List<TokenChunk> chunks, int width) {
    for (int c = 0; c < chunks.size(); c++) {
      double[] weights = chunks.get(c).weights();
      for (int t = 0; t < weights.length; t++) {
        if (weights[t] != 1.0) {
          float weight = (float) weights[t];
          for (int d = 0; d < width; d++) {
            int from = t * width + d;
            int at = c * weights.length * width + from;
            tokens[at] = (tokens[at] - empty[from]) * weight + empty[from];
          }
        }
      }
    }
  }

  private int[] ids(List<TokenChunk> chunks) {
    int vocabulary = model.config().vocabulary();
    int words = Math.min(start, end);
    int[] out = new int[chunks.size() * chunks.getFirst().ids().length];
    int at = 0;
    for (TokenChunk chunk : chunks) {
      boolean padding = false;
      for (int id : chunk.ids()) {
        if (id == ClipTokenizer.START) {
          out[at++] = start;
        } else if (id == ClipTokenizer.END) {
          out[at++] = padding && kind().padsWithZero() ? 0 : end;
          padding = true;
        } else if (id < 0) {
          out[at++] = 0; // a custom token: its vector is put in later
        } else {
          out[at++] = id < vocabulary ? id : id % words;
        }
      }
    }
    return out;
  }

  private @Nullable TokenVectors custom(
      List<TokenChunk> chunks, EmbeddingVectors vectors, int length) {
    if (chunks.stream().allMatch(chunk -> chunk.customs().isEmpty())) {
      return null;
    }
    int width = width();
    float[] keep = new float[chunks.size() * length * width];
    Arrays.fill(keep, 1f);
    float[] values = new float[keep.length];
    for (int c = 0; c < chunks.size(); c++) {
      for (int t = 0; t < length; t++) {
        int id = chunks.get(c).ids()[t];
        if (id < 0) {
          int at = (c * length + t) * width;
          Arrays.fill(keep, at, at + width, 0f);
          float[] vector = vectors.of(chunks.get(c).customs().get(-1 - id), kind(), width);
          System.arraycopy(vector, 0, values, at, width);
        }
      }
    }
    return new TokenVectors(keep, values);
  }

  private int firstEnd(int[] ids, int length) {
    for (int i = 0; i < length; i++) {
      if (ids[i] == end) {
        return i;
      }
    }
    return length - 1;
  }
}
