package quartet.engine.model;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import quartet.engine.model.blocks.CheckpointHints;
import quartet.engine.model.clip.ClipTextModel;
import quartet.engine.value.Conditioning;
import quartet.tensor.Backend;
import quartet.tensor.HostTensor;
import quartet.tensor.Shape;
import quartet.tensor.TensorScope;
import quartet.tokenizer.ClipTokenizer;
import quartet.tokenizer.TokenChunk;

/**
 * Prompts to conditionings. Owner: its {@link CheckpointModels}. Thread: the device's.
 *
 * <p>Small checkpoints may have a smaller vocabulary than CLIP's 49,408: their start and end come
 * from the file's hints, and word ids are folded into what is left by their remainder, so that any
 * prompt gives some valid ids.
 */
public final class TextEncoder {
  private final Backend backend;
  private final ClipTextModel model;
  private final ClipTokenizer tokenizer;
  private final int start;
  private final int end;

  TextEncoder(
      Backend backend, ClipTextModel model, ClipTokenizer tokenizer, CheckpointHints hints) {
    this.backend = backend;
    this.model = model;
    this.tokenizer = tokenizer;
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
   * Encodes a prompt with its weights.
   *
   * @param stopAtLayer -1 for the last layer, -2 for the one before ("clip skip 2"), …
   */
  public Conditioning encode(String prompt, int stopAtLayer) {
    return encode(tokenizer.tokenize(prompt), stopAtLayer);
  }

  /** Encodes windows of ids; the result is their tokens side by side, {@code [1, 77k, D]}. */
  Conditioning encode(List<TokenChunk> chunks, int stopAtLayer) {
    boolean weighted = chunks.stream().anyMatch(TokenChunk::isWeighted);
    List<TokenChunk> batch = new ArrayList<>(chunks);
    if (weighted) {
      batch.add(ClipTokenizer.empty());
    }
    int length = batch.getFirst().ids().length;
    int width = model.config().width();
    float[] selected;
    float[] last;
    try (TensorScope scope = backend.openScope("text encoder")) {
      HostTensor ids = HostTensor.of(Shape.of(batch.size(), length), ids(batch));
      ClipTextModel.Hidden hidden = model.forward(scope, ids, stopAtLayer);
      selected = scope.ops().download(hidden.selected());
      last = scope.ops().download(hidden.last());
    }
    float[] tokens = Arrays.copyOf(selected, chunks.size() * length * width);
    if (weighted) {
      int empty = chunks.size() * length * width;
      weigh(tokens, Arrays.copyOfRange(selected, empty, selected.length), chunks, width);
    }
    int pooledAt = firstEnd(ids(chunks.subList(0, 1))) * width;
    float[] pooled = Arrays.copyOfRange(last, pooledAt, pooledAt + width);
    return Conditioning.of(tokens, chunks.size() * length, width, pooled);
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
    return chunks.stream()
        .flatMapToInt(chunk -> Arrays.stream(chunk.ids()))
        .map(
            id ->
                switch (id) {
                  case ClipTokenizer.START -> start;
                  case ClipTokenizer.END -> end;
                  default -> id < vocabulary ? id : id % words;
                })
        .toArray();
  }

  private int firstEnd(int[] ids) {
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] == end) {
        return i;
      }
    }
    return ids.length - 1;
  }
}
