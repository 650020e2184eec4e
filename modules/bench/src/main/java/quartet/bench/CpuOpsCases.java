package quartet.bench;

import java.util.List;
import quartet.tensor.Activation;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.testkit.Cases;

/**
 * The shapes that {@link CpuOpsBench} measures: those of the demo model's UNet and VAE, and of
 * SD1.5's UNet at 512x512.
 */
final class CpuOpsCases {
  private CpuOpsCases() {}

  /** An op on inputs that are ready. */
  @FunctionalInterface
  interface Op {
    void run(Ops ops);
  }

  /** Makes the inputs. */
  @FunctionalInterface
  interface Preparation {
    Op on(Ops ops, Parameters parameters);
  }

  /**
   * One row.
   *
   * @param flop two per multiplication and addition of the direct form
   */
  record Case(String name, double flop, Preparation prepare) {}

  /** A product large enough that nothing but the multipliers counts. */
  static Case ceiling() {
    return linear("ceiling", 1024, 1024, 1024);
  }

  static List<Case> all() {
    return List.of(
        conv("unet", 64, 64, 64),
        conv("unet", 64, 64, 128),
        conv("unet", 64, 128, 64),
        conv("unet", 32, 128, 128),
        conv("unet", 16, 128, 128),
        conv("unet", 16, 192, 192),
        conv("unet", 64, 4, 64),
        conv("unet", 64, 64, 4),
        down("unet", 64, 64),
        down("unet", 32, 128),
        conv("vae", 512, 32, 32),
        conv("vae", 512, 32, 3),
        conv("vae", 256, 64, 64),
        conv("vae", 256, 64, 32),
        conv("vae", 128, 128, 128),
        conv("vae", 128, 64, 64),
        conv("vae", 512, 3, 32),
        conv("sd15", 64, 320, 320),
        conv("sd15", 64, 960, 320),
        conv("sd15", 32, 640, 640),
        conv("sd15", 16, 1280, 1280),
        conv("sd15", 8, 1280, 1280),
        linear("unet linear", 1024, 128, 128),
        linear("unet linear", 256, 192, 192),
        linear("sd15 linear", 4096, 320, 320),
        linear("sd15 linear", 77, 768, 320),
        linear("time embedding", 2, 320, 1280),
        geglu("unet geglu", 1024, 128, 512),
        geglu("sd15 geglu", 4096, 320, 1280),
        attention("unet", 1024, 1024, 8, 8),
        attention("unet", 1024, 1024, 8, 16),
        attention("unet", 256, 256, 8, 24),
        attention("unet cross", 1024, 77, 8, 16),
        attention("sd15", 4096, 4096, 8, 40),
        attention("sd15", 1024, 1024, 8, 80),
        attention("sd15 cross", 4096, 77, 8, 40),
        attention("vae", 4096, 4096, 1, 64),
        groupNorm("unet", 64, 64),
        groupNorm("unet", 32, 128),
        groupNorm("vae", 512, 32),
        groupNorm("sd15", 64, 320),
        layerNorm(1024, 128),
        layerNorm(4096, 320),
        add(4096, 320));
  }

  private static Case conv(String model, int side, int cin, int cout) {
    return conv(model + " conv3x3", side, cin, cout, Conv2dGeometry.SAME_3X3);
  }

  private static Case down(String model, int side, int channels) {
    return conv(model + " conv3x3 stride 2", side, channels, channels, Conv2dGeometry.DOWN_3X3);
  }

  private static Case conv(String name, int side, int cin, int cout, Conv2dGeometry geometry) {
    double pixels = (double) geometry.outHeight(side) * geometry.outWidth(side);
    return new Case(
        "%s %dx%d %d->%d".formatted(name, side, side, cin, cout),
        pixels * 18 * cin * cout,
        (ops, parameters) -> {
          Tensor x = tensor(ops, 1, side, side, cin);
          Parameters.Conv2d conv =
              parameters.conv2d(host(0.05, cout, cin, 3, 3), host(0.1, cout), geometry);
          return step -> step.conv2d(x, conv, null);
        });
  }

  private static Case linear(String name, int rows, int in, int out) {
    return new Case(
        "%s %dx%d->%d".formatted(name, rows, in, out),
        2.0 * rows * in * out,
        (ops, parameters) -> {
          Tensor x = tensor(ops, rows, in);
          Parameters.Linear linear = parameters.linear(host(0.05, out, in), host(0.1, out));
          return step -> step.linear(x, linear, Activation.NONE, null);
        });
  }

  private static Case geglu(String name, int rows, int in, int half) {
    return new Case(
        "%s %dx%d->%d".formatted(name, rows, in, half),
        4.0 * rows * in * half,
        (ops, parameters) -> {
          Tensor x = tensor(ops, rows, in);
          Parameters.Linear linear =
              parameters.linear(host(0.05, 2L * half, in), host(0.1, 2L * half));
          return step -> step.linearGeglu(x, linear);
        });
  }

  private static Case attention(String model, int tokens, int keys, int heads, int headDim) {
    long width = (long) heads * headDim;
    return new Case(
        "%s attention T=%d U=%d N=%d S=%d".formatted(model, tokens, keys, heads, headDim),
        4.0 * tokens * keys * width,
        (ops, parameters) -> {
          Tensor query = tensor(ops, 1, tokens, width);
          Tensor key = tensor(ops, 1, keys, width);
          Tensor value = tensor(ops, 1, keys, width);
          return step -> step.attention(query, key, value, heads, false);
        });
  }

  /** Counted as ten operations a number, about what statistics and SiLU take. */
  private static Case groupNorm(String model, int side, int channels) {
    return new Case(
        "%s groupNorm+SiLU %dx%d %d".formatted(model, side, side, channels),
        10.0 * side * side * channels,
        (ops, parameters) -> {
          Tensor x = tensor(ops, 1, side, side, channels);
          Parameters.Norm norm = parameters.norm(host(1, channels), host(1, channels));
          return step -> step.groupNorm(x, norm, 32, 1e-5f, Activation.SILU);
        });
  }

  private static Case layerNorm(int rows, int channels) {
    return new Case(
        "layerNorm %dx%d".formatted(rows, channels),
        8.0 * rows * channels,
        (ops, parameters) -> {
          Tensor x = tensor(ops, rows, channels);
          Parameters.Norm norm = parameters.norm(host(1, channels), host(1, channels));
          return step -> step.layerNorm(x, norm, 1e-5f);
        });
  }

  private static Case add(int rows, int channels) {
    return new Case(
        "add %dx%d".formatted(rows, channels),
        1.0 * rows * channels,
        (ops, parameters) -> {
          Tensor x = tensor(ops, rows, channels);
          return step -> step.add(x, x);
        });
  }

  private static Tensor tensor(Ops ops, long... extents) {
    return ops.upload(host(0.5, extents));
  }

  private static HostTensor host(double deviation, long... extents) {
    Shape shape = Shape.of(extents);
    return HostTensor.of(shape, new Cases(1).normal(shape.elements(), deviation));
  }
}
