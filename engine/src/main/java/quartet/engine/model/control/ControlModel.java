package quartet.engine.model.control;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.engine.model.unet.BatchPart;
import quartet.engine.model.unet.ControlNet;
import quartet.engine.model.unet.PromptContext;
import quartet.engine.value.ImageBatch;
import quartet.errors.EngineException;
import quartet.image.Resize;
import quartet.image.ResizeMethod;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/** A loaded ControlNet or T2I-Adapter. Owner: its file's models. Thread: the device's. */
public final class ControlModel {
  /** Pixels of the hint per pixel of the latent. */
  public static final int PIXELS_PER_LATENT = 8;

  private static final int RGB = 3;

  private final Kind kind;

  /** The two kinds. */
  private sealed interface Kind {
    record Net(ControlNet net) implements Kind {}

    record Adapter(T2iAdapter adapter) implements Kind {}
  }

  private ControlModel(Kind kind) {
    this.kind = kind;
  }

  /** A ControlNet. */
  public static ControlModel of(ControlNet net) {
    return new ControlModel(new Kind.Net(net));
  }

  /** A T2I-Adapter. */
  public static ControlModel of(T2iAdapter adapter) {
    return new ControlModel(new Kind.Adapter(adapter));
  }

  /** Width of the label it wants, or 0. */
  public int labelWidth() {
    return switch (kind) {
      case Kind.Net own -> own.net().labelWidth();
      case Kind.Adapter ignored -> 0;
    };
  }

  /** At least the most values per latent pixel that any of its tensors has. */
  public int widestPixel() {
    return switch (kind) {
      case Kind.Net own -> own.net().widestPixel();
      case Kind.Adapter own -> own.adapter().widestPixel();
    };
  }

  /**
   * What it adds, by input block of the UNet.
   *
   * @param inputs behind a block
   * @param skips to what is looked back at of it
   * @param middle behind the middle block, or null
   */
  public record Output(
      Map<Integer, Tensor> inputs, Map<Integer, Tensor> skips, @Nullable Tensor middle) {}

  /** A network with its picture and prompts. Owner: the scope it was prepared in. */
  public interface Prepared {
    /**
     * One evaluation.
     *
     * @param scope owns the results
     * @param part which of the prepared items these are
     * @param x {@code [B, H, W, C]} of the part, as the UNet sees it
     * @param timesteps {@code [B]} of the part
     */
    Output run(TensorScope scope, BatchPart part, Tensor x, float[] timesteps);
  }

  /**
   * What the picture looks like to it; the same in every step.
   *
   * @param scope owns the results
   * @return each {@code [B, h, w, C]}: one for a ControlNet, those of all levels for an adapter
   */
  public List<Tensor> look(TensorScope scope, Hint hint) {
    return switch (kind) {
      case Kind.Net own -> List.of(own.net().hint(scope, scope.ops().upload(hint.tensor())));
      case Kind.Adapter own -> own.adapter().features(scope, hint);
    };
  }

  /**
   * Prepares it for all steps of a run.
   *
   * @param scope owns what is prepared
   * @param seen what {@link #look} gave of all items
   * @param tokens {@code [B, T, D]}
   * @param labels {@code [B, L]} or null
   * @throws EngineException if the prompts are of another width than the network was trained with
   */
  public Prepared prepare(
      TensorScope scope, List<Tensor> seen, HostTensor tokens, @Nullable HostTensor labels) {
    return switch (kind) {
      case Kind.Net own -> prepare(own.net(), scope, seen.getFirst(), tokens, labels);
      case Kind.Adapter own ->
          (step, part, x, timesteps) ->
              own.adapter().output(seen.stream().map(level -> part.of(step.ops(), level)).toList());
    };
  }

  private static Prepared prepare(
      ControlNet net,
      TensorScope scope,
      Tensor seen,
      HostTensor tokens,
      @Nullable HostTensor labels) {
    int expected = net.contextWidth();
    if (expected != 0 && expected != tokens.shape().dim(2)) {
      throw new EngineException(
          ModelErrorCode.MODEL_INPUT_UNFIT,
          "This ControlNet was trained with prompts %d wide, but the model's are %d: it belongs to another kind of model."
              .formatted(expected, tokens.shape().dim(2)));
    }
    Ops ops = scope.ops();
    PromptContext context =
        net.prepare(scope, ops.upload(tokens), labels == null ? null : ops.upload(labels));
    return (step, part, x, timesteps) -> {
      Ops own = step.ops();
      ControlNet.Result result =
          net.forward(step, x, part.of(own, seen), timesteps, part.of(own, context));
      return new Output(Map.of(), result.skips(), result.middle());
    };
  }

  /**
   * The picture that is followed, at the size of the run, {@code [B, H, W, 3]} in 0..1.
   *
   * @param values not to be written to
   */
  @SuppressWarnings("ArrayRecordComponent") // lives while a run is prepared
  public record Hint(float[] values, int batch, int height, int width) {
    /** A picture cut to the proportions around its middle and resized, as often as need be. */
    public static Hint of(ImageBatch image, int height, int width, int batch) {
      float[] rgb = rgb(image);
      int[] part = Resize.centreCrop(image.height(), image.width(), height, width);
      float[] cropped = Resize.crop(rgb, image.batch(), image.height(), image.width(), RGB, part);
      float[] sized =
          Resize.apply(
              ResizeMethod.NEAREST_EXACT,
              cropped,
              image.batch(),
              part[2],
              part[3],
              RGB,
              height,
              width);
      int item = height * width * RGB;
      float[] all = new float[batch * item];
      for (int b = 0; b < batch; b++) {
        System.arraycopy(sized, b % image.batch() * item, all, b * item, item);
      }
      return new Hint(all, batch, height, width);
    }

    private static float[] rgb(ImageBatch image) {
      if (image.channels() == RGB) {
        return image.values();
      }
      float[] out = new float[image.values().length / image.channels() * RGB];
      for (int i = 0; i < out.length; i++) {
        out[i] = image.values()[i / RGB * image.channels() + i % RGB];
      }
      return out;
    }

    /** A rectangle of it. */
    public Hint part(int y, int x, int partHeight, int partWidth) {
      float[] cut =
          Resize.crop(values, batch, height, width, RGB, new int[] {y, x, partHeight, partWidth});
      return new Hint(cut, batch, partHeight, partWidth);
    }

    /** Some of its pictures. */
    public Hint items(BatchPart part) {
      int item = height * width * RGB;
      float[] some = Arrays.copyOfRange(values, part.from() * item, part.to() * item);
      return new Hint(some, part.to() - part.from(), height, width);
    }

    /** The same batch several times over. */
    public Hint repeated(int times) {
      float[] all = new float[times * values.length];
      for (int n = 0; n < times; n++) {
        System.arraycopy(values, 0, all, n * values.length, values.length);
      }
      return new Hint(all, times * batch, height, width);
    }

    HostTensor tensor() {
      return HostTensor.of(Shape.of(batch, height, width, RGB), values);
    }

    /** Blocks of pixels as channels: {@code [B, C, H, W]} order of PyTorch's pixel unshuffle. */
    HostTensor unshuffled(int factor, int channels) {
      int rows = height / factor;
      int columns = width / factor;
      int depth = channels * factor * factor;
      float[] out = new float[batch * rows * columns * depth];
      for (int i = 0; i < out.length; i++) {
        int c = i % depth;
        int place = i / depth;
        int x = place % columns * factor + c % factor;
        int y = place / columns % rows * factor + c / factor % factor;
        int colour = c / (factor * factor);
        int item = place / (rows * columns);
        int from = ((item * height + y) * width + x) * RGB;
        out[i] =
            channels == 1
                ? (values[from] + values[from + 1] + values[from + 2]) / RGB
                : values[from + colour];
      }
      return HostTensor.of(Shape.of(batch, rows, columns, depth), out);
    }
  }
}
