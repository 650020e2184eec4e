package quartet.engine.sampling;

import org.jspecify.annotations.Nullable;
import quartet.engine.value.Conditioning;
import quartet.engine.value.MaskBatch;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/** A rectangle of a latent, in latent pixels. */
record Window(int y, int x, int height, int width) {
  /** Smallest extent of a mask's bounding box. Source: ComfyUI (behaviour). */
  private static final int LEAST = 8;

  /** What an entry is asked about; null for the whole latent. */
  static @Nullable Window of(
      Conditioning.Reach reach, @Nullable MaskBatch mask, int latentHeight, int latentWidth) {
    Window wanted = null;
    if (reach.area().isPresent()) {
      wanted =
          switch (reach.area().get()) {
            case Conditioning.Area.Pixels a -> new Window(a.y(), a.x(), a.height(), a.width());
            case Conditioning.Area.Shares a ->
                new Window(
                    (int) Math.rint(a.y() * latentHeight),
                    (int) Math.rint(a.x() * latentWidth),
                    Math.max(1, (int) Math.rint(a.height() * latentHeight)),
                    Math.max(1, (int) Math.rint(a.width() * latentWidth)));
          };
    }
    if (mask != null && reach.mask().map(Conditioning.MaskReach::boundsOnly).orElse(false)) {
      wanted = bounds(mask);
    }
    return wanted == null ? null : wanted.inside(latentHeight, latentWidth);
  }

  private static Window bounds(MaskBatch mask) {
    int top = mask.height();
    int left = mask.width();
    int bottom = -1;
    int right = -1;
    for (int i = 0; i < mask.values().length; i++) {
      if (mask.values()[i] != 0) {
        int y = i / mask.width() % mask.height();
        int x = i % mask.width();
        top = Math.min(top, y);
        left = Math.min(left, x);
        bottom = Math.max(bottom, y);
        right = Math.max(right, x);
      }
    }
    return bottom < 0
        ? new Window(0, 0, LEAST, LEAST)
        : new Window(
            top, left, Math.max(LEAST, bottom - top + 1), Math.max(LEAST, right - left + 1));
  }

  private Window inside(int latentHeight, int latentWidth) {
    int top = Math.min(y, latentHeight - 1);
    int left = Math.min(x, latentWidth - 1);
    return new Window(
        top, left, Math.min(height, latentHeight - top), Math.min(width, latentWidth - left));
  }

  boolean contains(Window other) {
    return y <= other.y
        && x <= other.x
        && other.y + other.height <= y + height
        && other.x + other.width <= x + width;
  }

  int area() {
    return height * width;
  }

  /** {@code [B, H, W, C] -> [B, height, width, C]}. */
  Tensor crop(Ops ops, Tensor image) {
    int batch = image.dim(0);
    int channels = image.dim(3);
    Tensor rows =
        ops.reshape(image, Shape.of((long) batch * image.dim(1), (long) image.dim(2) * channels));
    Tensor narrow = ops.sliceLast(rows, x * channels, (x + width) * channels);
    int line = width * channels;
    Tensor items = ops.reshape(narrow, Shape.of(batch, (long) image.dim(1) * line));
    Tensor part = ops.sliceLast(items, y * line, (y + height) * line);
    return ops.reshape(part, Shape.of(batch, height, width, channels));
  }

  /** {@code [B, height, width, C] -> [B, H, W, C]} with zeros around it. */
  Tensor place(Ops ops, Tensor part, int latentHeight, int latentWidth) {
    int batch = part.dim(0);
    int channels = part.dim(3);
    Tensor rows = ops.reshape(part, Shape.of((long) batch * height, (long) width * channels));
    rows = padded(ops, rows, x * channels, (latentWidth - x - width) * channels);
    int line = latentWidth * channels;
    Tensor items = ops.reshape(rows, Shape.of(batch, (long) height * line));
    items = padded(ops, items, y * line, (latentHeight - y - height) * line);
    return ops.reshape(items, Shape.of(batch, latentHeight, latentWidth, channels));
  }

  private static Tensor padded(Ops ops, Tensor rows, int before, int behind) {
    Tensor out = rows;
    if (before > 0) {
      out = ops.concatLast(zeros(ops, rows.dim(0), before), out);
    }
    return behind > 0 ? ops.concatLast(out, zeros(ops, rows.dim(0), behind)) : out;
  }

  private static Tensor zeros(Ops ops, int rows, int columns) {
    return ops.upload(HostTensor.of(Shape.of(rows, columns), new float[rows * columns]));
  }
}
