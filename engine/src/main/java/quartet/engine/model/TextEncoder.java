package quartet.engine.model;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import quartet.engine.model.clip.ClipKind;
import quartet.engine.value.Conditioning;
import quartet.tokenizer.ClipTokenizer;
import quartet.tokenizer.TokenChunk;

/**
 * Prompts to conditionings, with one text encoder or two whose tokens are put side by side. Owner:
 * its {@link CheckpointModels}. Thread: the device's.
 */
public final class TextEncoder {
  /** The model's own choice of layer. */
  public static final int DEFAULT_LAYER = 0;

  private static final int LAST = -1;
  private static final int LAST_BUT_ONE = -2;

  private final List<ClipEncoder> encoders;
  private final ClipTokenizer tokenizer;

  /** The encoders in the order in which their tokens are joined. */
  TextEncoder(List<ClipEncoder> encoders, ClipTokenizer tokenizer) {
    this.encoders = List.copyOf(encoders);
    this.tokenizer = tokenizer;
  }

  /** Its transformers by name, for messages. */
  public String family() {
    return encoders.stream()
        .map(encoder -> encoder.kind().title())
        .collect(Collectors.joining(" and "));
  }

  /** Whether it takes a prompt for each of two transformers. */
  public boolean isDouble() {
    return encoders.size() > 1;
  }

  /** Encodes a prompt that names no embeddings. */
  public Conditioning encode(String prompt, int stopAtLayer) {
    return encode(prompt, stopAtLayer, name -> Optional.empty());
  }

  /**
   * Encodes a prompt with its weights.
   *
   * @param stopAtLayer -1 for the last layer, -2 for the one before ("clip skip 2"), …; {@link
   *     #DEFAULT_LAYER} for what the model was trained with
   * @param embeddings finds a file of the embeddings folder by name
   */
  public Conditioning encode(
      String prompt, int stopAtLayer, Function<String, Optional<Path>> embeddings) {
    return encode(prompt, prompt, stopAtLayer, embeddings);
  }

  /**
   * Encodes one prompt for the first encoder (CLIP-L) and one for the second (OpenCLIP-bigG). With
   * one encoder only its own counts.
   */
  public Conditioning encode(
      String promptL,
      String promptG,
      int stopAtLayer,
      Function<String, Optional<Path>> embeddings) {
    EmbeddingVectors vectors = new EmbeddingVectors(embeddings, encoders);
    List<List<TokenChunk>> chunks = new ArrayList<>();
    int longest = 0;
    for (ClipEncoder encoder : encoders) {
      String prompt = encoder.kind() == ClipKind.G ? promptG : promptL;
      List<TokenChunk> own = tokenizer.tokenize(prompt, vectors);
      chunks.add(own);
      longest = Math.max(longest, own.size());
    }
    for (List<TokenChunk> own : chunks) {
      while (own.size() < longest) {
        own.add(ClipTokenizer.empty());
      }
    }
    return join(chunks, vectors, stopAtLayer);
  }

  /** Encodes windows of ids with the first encoder; the result is {@code [1, 77k, D]}. */
  Conditioning encode(List<TokenChunk> chunks, int stopAtLayer) {
    EmbeddingVectors none = new EmbeddingVectors(name -> Optional.empty(), encoders);
    List<List<TokenChunk>> all = new ArrayList<>();
    for (int n = 0; n < encoders.size(); n++) {
      all.add(chunks);
    }
    return join(all, none, stopAtLayer);
  }

  private Conditioning join(
      List<List<TokenChunk>> chunks, EmbeddingVectors vectors, int stopAtLayer) {
    List<ClipEncoder.Encoded> encoded = new ArrayList<>();
    int width = 0;
    for (int n = 0; n < encoders.size(); n++) {
      ClipEncoder encoder = encoders.get(n);
      int layer = stopAtLayer == DEFAULT_LAYER ? defaultLayer(encoder.kind()) : stopAtLayer;
      encoded.add(encoder.encode(chunks.get(n), vectors, layer, normed(encoder.kind())));
      width += encoder.width();
    }
    int count = encoded.getFirst().count();
    float[] tokens = new float[count * width];
    int column = 0;
    for (ClipEncoder.Encoded part : encoded) {
      for (int t = 0; t < count; t++) {
        System.arraycopy(part.tokens(), t * part.width(), tokens, t * width + column, part.width());
      }
      column += part.width();
    }
    // Of two encoders the second one's summary counts. Source: Podell et al. 2023, section 2.1.
    return Conditioning.of(tokens, count, width, encoded.getLast().pooled());
  }

  /** Stable Diffusion 1 was trained with the last layer, the others with the last but one. */
  private int defaultLayer(ClipKind kind) {
    return switch (kind) {
      case L -> encoders.size() == 1 ? LAST : LAST_BUT_ONE;
      case H, G -> LAST_BUT_ONE;
    };
  }

  /** SDXL takes its states as they are. Source: Stability-AI generative-models sd_xl_base.yaml. */
  private boolean normed(ClipKind kind) {
    return switch (kind) {
      case L -> encoders.size() == 1;
      case H -> true;
      case G -> false;
    };
  }
}
