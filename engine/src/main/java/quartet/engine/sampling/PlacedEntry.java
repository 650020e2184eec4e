package quartet.engine.sampling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.engine.value.Conditioning;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.MaskBatch;

/**
 * An entry with its reach worked out for one latent's size.
 *
 * @param window what the model is asked about, or null for everything
 * @param weights how much each place counts, {@code [batch, h, w]} of the window, or null for the
 *     strength everywhere
 * @param negative whether it is to be avoided
 */
@SuppressWarnings("ArrayRecordComponent") // lives for one run; identity is enough
record PlacedEntry(
    Conditioning.Entry entry,
    @Nullable Window window,
    float @Nullable [] weights,
    boolean negative) {
  /** Rows and columns over which an area fades at its edges. Source: ComfyUI (behaviour). */
  private static final int FADE = 8;

  /** Whether it is the same everywhere, so that its strength says all. */
  boolean everywhere() {
    return window == null && weights == null;
  }

  /** Works out the reach of a list's entries. */
  static List<PlacedEntry> of(Conditioning conditioning, LatentBatch latent, boolean negative) {
    List<PlacedEntry> placed = new ArrayList<>();
    for (Conditioning.Entry entry : conditioning.entries()) {
      placed.add(of(entry, latent, negative));
    }
    return placed;
  }

  private static PlacedEntry of(Conditioning.Entry entry, LatentBatch latent, boolean negative) {
    Conditioning.Reach reach = entry.reach();
    MaskBatch mask =
        reach
            .mask()
            .map(own -> LatentMask.resized(own.mask(), latent.height(), latent.width()))
            .orElse(null);
    Window window = Window.of(reach, mask, latent.height(), latent.width());
    float @Nullable [] weights = null;
    if (mask != null) {
      float factor = reach.mask().orElseThrow().strength() * reach.strength();
      weights = masked(mask, window, latent, factor);
    } else if (window != null) {
      weights = faded(window, latent, reach.strength());
    }
    return new PlacedEntry(entry, window, weights, negative);
  }

  private static float[] masked(
      MaskBatch mask, @Nullable Window window, LatentBatch latent, float factor) {
    Window part = window == null ? new Window(0, 0, latent.height(), latent.width()) : window;
    float[] weights = new float[latent.batch() * part.area()];
    int at = 0;
    for (int b = 0; b < latent.batch(); b++) {
      int item = b % mask.batch();
      for (int y = 0; y < part.height(); y++) {
        int from = (item * mask.height() + part.y() + y) * mask.width() + part.x();
        for (int x = 0; x < part.width(); x++) {
          weights[at++] = mask.values()[from + x] * factor;
        }
      }
    }
    return weights;
  }

  /** Falls off towards edges that are not the picture's own. */
  private static float[] faded(Window window, LatentBatch latent, float strength) {
    float[] rows = fade(window.y(), window.height(), latent.height());
    float[] columns = fade(window.x(), window.width(), latent.width());
    float[] weights = new float[latent.batch() * window.area()];
    for (int i = 0; i < weights.length; i++) {
      int y = i / window.width() % window.height();
      weights[i] = strength * rows[y] * columns[i % window.width()];
    }
    return weights;
  }

  private static float[] fade(int start, int length, int whole) {
    float[] factors = new float[length];
    Arrays.fill(factors, 1f);
    int over = Math.min(FADE, length / 4);
    for (int t = 0; t < over; t++) {
      float factor = 1f / over * (t + 1);
      if (start != 0) {
        factors[t] *= factor;
      }
      if (start + length < whole) {
        factors[length - 1 - t] *= factor;
      }
    }
    return factors;
  }

  /**
   * A list with a counterpart for each of another list's areas: where one side is asked about a
   * rectangle and the other is not, the other is asked about it too, or the guidance there would be
   * against something else. Source: ComfyUI {@code create_cond_with_same_area_if_none} (behaviour).
   */
  static List<PlacedEntry> withCounterparts(List<PlacedEntry> own, List<PlacedEntry> others) {
    List<PlacedEntry> all = new ArrayList<>(own);
    for (PlacedEntry other : others) {
      if (other.window() == null) {
        continue;
      }
      PlacedEntry smallest = smallestAround(all, other.window());
      if (smallest != null && !other.window().equals(smallest.window())) {
        Conditioning.Entry text = smallest.entry();
        Conditioning.Entry copy =
            text.withReach(other.entry().reach()).withControls(other.entry().controls());
        all.add(new PlacedEntry(copy, other.window(), other.weights(), smallest.negative()));
      }
    }
    return all;
  }

  /**
   * The negative list with the networks of the positive one, as far as those ask for it and no
   * negative text over the whole picture has its own. Source: ComfyUI {@code
   * apply_empty_x_to_equal_area} (behaviour).
   */
  static List<PlacedEntry> withSharedControls(
      List<PlacedEntry> negative, List<PlacedEntry> positive) {
    List<Integer> free = new ArrayList<>();
    for (int i = 0; i < negative.size(); i++) {
      if (negative.get(i).window() == null) {
        if (!negative.get(i).entry().controls().isEmpty()) {
          return negative;
        }
        free.add(i);
      }
    }
    List<PlacedEntry> all = new ArrayList<>(negative);
    int used = 0;
    for (PlacedEntry entry : positive) {
      List<Conditioning.ControlUse> shared =
          entry.entry().controls().stream().filter(Conditioning.ControlUse::alsoNegative).toList();
      if (entry.window() == null && !shared.isEmpty() && !free.isEmpty()) {
        int at = free.get(used % free.size());
        PlacedEntry text = negative.get(at);
        PlacedEntry steered =
            new PlacedEntry(
                text.entry().withControls(shared), null, text.weights(), text.negative());
        if (used < free.size()) {
          all.set(at, steered);
        } else {
          all.add(steered);
        }
        used++;
      }
    }
    return all;
  }

  private static @Nullable PlacedEntry smallestAround(List<PlacedEntry> list, Window window) {
    PlacedEntry smallest = null;
    for (PlacedEntry candidate : list) {
      Window own = candidate.window();
      if (own == null) {
        smallest = smallest == null ? candidate : smallest;
      } else if (own.contains(window)
          && (smallest == null
              || smallest.window() == null
              || smallest.window().area() > own.area())) {
        smallest = candidate;
      }
    }
    return smallest;
  }
}
