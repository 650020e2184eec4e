package quartet.engine.value;

import java.nio.file.Path;
import java.util.List;

/**
 * Where a part's weights come from and what is done to them on the way to a device. Only names and
 * numbers: equal sources give equal weights.
 */
public sealed interface PartSource {
  /** A part of one file. */
  static PartSource of(Path file) {
    return new Files(List.of(file));
  }

  /** As stored; a text encoder may be spread over several files. */
  record Files(List<Path> files) implements PartSource {
    /** Copies the list. */
    public Files {
      files = List.copyOf(files);
    }
  }

  /** With a LoRA's changes, times a strength, on top of what was there. */
  record WithLora(PartSource base, Path lora, double strength) implements PartSource {}

  /**
   * Two of the same shapes, {@code first * a + second * b} number by number.
   *
   * @param shares of the weights whose names begin so; the longest such name counts, and "" is for
   *     all others
   */
  record Merged(PartSource first, PartSource second, List<Share> shares) implements PartSource {
    /** Copies the list. */
    public Merged {
      shares = List.copyOf(shares);
    }
  }

  /** Factors of the two merged parts for names that begin with {@code prefix}. */
  record Share(String prefix, double first, double second) {}
}
