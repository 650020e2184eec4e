package quartet.engine.value;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** What steers a sampling run: entries whose predictions are averaged, each with its own reach. */
public record Conditioning(List<Entry> entries) {
  /** Copies the list. */
  public Conditioning {
    entries = List.copyOf(entries);
  }

  /** One entry over the whole picture and all timesteps. */
  public static Conditioning of(float[] tokens, int count, int width, float @Nullable [] pooled) {
    return new Conditioning(List.of(new Entry(tokens, count, width, pooled, 1f, 0.0, 1.0)));
  }

  /** The same with each entry changed. */
  public Conditioning map(UnaryOperator<Entry> change) {
    return new Conditioning(entries.stream().map(change).toList());
  }

  /**
   * One encoded text.
   *
   * @param tokens {@code [tokenCount, width]}, width innermost; not to be written to
   * @param pooled {@code [pooledWidth]} or null
   * @param reach where and when it acts
   * @param size what an SDXL model is told of the picture, where the workflow says so
   * @param controls networks that steer along with it
   * @param inpaint what an inpainting model is shown, where the workflow says so
   * @param images pictures that an unCLIP model is told of
   */
  @SuppressWarnings(
      "ArrayRecordComponent") // identity is enough: values are never compared, only passed on
  public record Entry(
      float[] tokens,
      int tokenCount,
      int width,
      float @Nullable [] pooled,
      Reach reach,
      Optional<SizeHint> size,
      List<ControlUse> controls,
      Optional<InpaintHint> inpaint,
      List<ImageUse> images) {
    /** Checks the length, copies the lists. */
    public Entry {
      if (tokens.length != (long) tokenCount * width) {
        throw new IllegalArgumentException(
            "conditioning [%d, %d] needs %d values, got %d"
                .formatted(tokenCount, width, (long) tokenCount * width, tokens.length));
      }
      controls = List.copyOf(controls);
      images = List.copyOf(images);
    }

    /** Over the whole picture. */
    public Entry(
        float[] tokens,
        int tokenCount,
        int width,
        float @Nullable [] pooled,
        float strength,
        double startPercent,
        double endPercent) {
      this(
          tokens,
          tokenCount,
          width,
          pooled,
          new Reach(strength, startPercent, endPercent, Optional.empty(), Optional.empty()),
          Optional.empty(),
          List.of(),
          Optional.empty(),
          List.of());
    }

    /** The same with other text. */
    public Entry withTokens(float[] other, int count, float @Nullable [] otherPooled) {
      return new Entry(other, count, width, otherPooled, reach, size, controls, inpaint, images);
    }

    /** The same acting elsewhere. */
    public Entry withReach(Reach other) {
      return new Entry(tokens, tokenCount, width, pooled, other, size, controls, inpaint, images);
    }

    /** The same with another size told. */
    public Entry withSize(SizeHint other) {
      return new Entry(
          tokens, tokenCount, width, pooled, reach, Optional.of(other), controls, inpaint, images);
    }

    /** The same with these networks. */
    public Entry withControls(List<ControlUse> other) {
      return new Entry(tokens, tokenCount, width, pooled, reach, size, other, inpaint, images);
    }

    /** The same with something shown to an inpainting model. */
    public Entry withInpaint(InpaintHint other) {
      return new Entry(
          tokens, tokenCount, width, pooled, reach, size, controls, Optional.of(other), images);
    }

    /** The same with one more picture. */
    public Entry withImage(ImageUse other) {
      List<ImageUse> all = new ArrayList<>(images);
      all.add(other);
      return new Entry(tokens, tokenCount, width, pooled, reach, size, controls, inpaint, all);
    }
  }

  /**
   * Where and when an entry acts.
   *
   * @param strength factor of its prediction
   * @param startPercent where in the run (0 = first step) it begins to act
   * @param endPercent where it ends
   * @param area the rectangle it is asked about, or the whole picture
   * @param mask how much each place counts, or all alike
   */
  public record Reach(
      float strength,
      double startPercent,
      double endPercent,
      Optional<Area> area,
      Optional<MaskReach> mask) {
    /** The same in a rectangle, with a strength. */
    public Reach within(Area other, double otherStrength) {
      return new Reach((float) otherStrength, startPercent, endPercent, Optional.of(other), mask);
    }

    /** The same under a mask. */
    public Reach under(MaskReach other) {
      return new Reach(strength, startPercent, endPercent, area, Optional.of(other));
    }

    /** The same with a strength. */
    public Reach withStrength(double other) {
      return new Reach((float) other, startPercent, endPercent, area, mask);
    }

    /** The same in a part of the run. */
    public Reach between(double start, double end) {
      return new Reach(strength, start, end, area, mask);
    }
  }

  /** A rectangle, in latent pixels or in shares of the picture. */
  public sealed interface Area {
    /** In latent pixels. */
    record Pixels(int height, int width, int y, int x) implements Area {}

    /** In shares of 1. */
    record Shares(double height, double width, double y, double x) implements Area {}
  }

  /**
   * A mask over an entry.
   *
   * @param strength factor of the mask
   * @param boundsOnly whether the model is asked about the mask's bounding box only
   */
  public record MaskReach(MaskBatch mask, float strength, boolean boundsOnly) {}

  /**
   * What an SDXL model is told of the picture. Source: Podell et al. 2023, section 2.2.
   *
   * @param aesthetic the refiner's score; absent for its usual one
   */
  public record SizeHint(
      int height,
      int width,
      int cropTop,
      int cropLeft,
      int targetHeight,
      int targetWidth,
      Optional<Double> aesthetic) {}

  /**
   * A ControlNet or T2I-Adapter at work.
   *
   * @param hint the picture it follows
   * @param strength factor of what it adds
   * @param alsoNegative whether it steers the negative text too if that has none of its own
   */
  public record ControlUse(
      ModelRefs.ControlRef net,
      ImageBatch hint,
      double strength,
      double startPercent,
      double endPercent,
      boolean alsoNegative) {}

  /**
   * Pictures that an unCLIP model is told of.
   *
   * @param strength factor of the label
   * @param noise how much of them is lost, 0..1
   */
  public record ImageUse(SeenImages images, double strength, double noise) {}

  /**
   * What an inpainting model sees beside the noisy latent.
   *
   * @param latent of the picture without what is to be painted
   * @param mask 1 where it is to be painted
   */
  public record InpaintHint(LatentBatch latent, MaskBatch mask) {}
}
