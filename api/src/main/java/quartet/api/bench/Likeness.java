package quartet.api.bench;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;

/**
 * How alike the pictures of two servers are, pair by pair.
 *
 * @param pairs that were compared
 * @param equal pairs of which every pixel is the same
 * @param apart pairs of different sizes, or with a file that is no picture
 * @param decibels peak signal-to-noise ratio of each pair that differs, over red, green and blue of
 *     eight bits; smallest first
 */
public record Likeness(int pairs, int equal, int apart, List<Double> decibels) {
  private static final double PEAK = 255;
  private static final int COLOURS = 3;

  /** Copies the list. */
  public Likeness {
    decibels = decibels.stream().sorted().toList();
  }

  /** Of two lists of results, prompt by prompt; prompts that failed on one side are left out. */
  public static Likeness of(List<Side.Made> ours, List<Side.Made> theirs) {
    int pairs = 0;
    int equal = 0;
    int apart = 0;
    List<Double> decibels = new ArrayList<>();
    for (int i = 0; i < Math.min(ours.size(), theirs.size()); i++) {
      if (ours.get(i) instanceof Side.Made.Pictures left
          && theirs.get(i) instanceof Side.Made.Pictures right) {
        for (int j = 0; j < Math.min(left.files().size(), right.files().size()); j++) {
          pairs++;
          double error = meanSquaredError(left.files().get(j), right.files().get(j));
          if (error < 0) {
            apart++;
          } else if (error == 0) {
            equal++;
          } else {
            decibels.add(10 * Math.log10(PEAK * PEAK / error));
          }
        }
      }
    }
    return new Likeness(pairs, equal, apart, decibels);
  }

  /** Negative if they cannot be compared. */
  private static double meanSquaredError(byte[] left, byte[] right) {
    BufferedImage a = decode(left);
    BufferedImage b = decode(right);
    if (a == null || b == null || a.getWidth() != b.getWidth() || a.getHeight() != b.getHeight()) {
      return -1;
    }
    double sum = 0;
    for (int y = 0; y < a.getHeight(); y++) {
      for (int x = 0; x < a.getWidth(); x++) {
        int p = a.getRGB(x, y);
        int q = b.getRGB(x, y);
        for (int shift = 0; shift < COLOURS * 8; shift += 8) {
          double difference = (p >> shift & 0xFF) - (q >> shift & 0xFF);
          sum += difference * difference;
        }
      }
    }
    return sum / ((double) a.getWidth() * a.getHeight() * COLOURS);
  }

  private static @Nullable BufferedImage decode(byte[] file) {
    try {
      return ImageIO.read(new ByteArrayInputStream(file));
    } catch (IOException e) {
      return null;
    }
  }

  /** For people. */
  @Override
  public String toString() {
    if (pairs == 0) {
      return "no picture of one has a counterpart of the other";
    }
    String text = "%d pairs, %d equal in every pixel".formatted(pairs, equal);
    if (!decibels.isEmpty()) {
      text +=
          String.format(
              Locale.ROOT,
              ", %d that differ: PSNR %.1f dB at least, %.1f dB in the middle",
              decibels.size(),
              decibels.getFirst(),
              decibels.get(decibels.size() / 2));
    }
    return apart == 0 ? text : text + ", %d of different sizes or unreadable".formatted(apart);
  }
}
