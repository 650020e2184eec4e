package quartet.engine.nodes;

import java.util.List;
import quartet.engine.model.Vae;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.Conditioning;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.MaskBatch;
import quartet.engine.value.ModelRefs;

/** Nodes that prepare pictures for inpainting, and that use a VAE in tiles. */
final class InpaintNodes {
  private static final int PIXELS_PER_LATENT = 8;
  private static final float GREY = 0.5f;

  private static final Input.SocketInput<ImageBatch> PIXELS =
      Input.socket("pixels", PortType.IMAGE);
  private static final Input.SocketInput<ModelRefs.VaeRef> VAE = Input.socket("vae", PortType.VAE);
  private static final Input.SocketInput<MaskBatch> MASK = Input.socket("mask", PortType.MASK);
  private static final Input.IntInput TILE = Input.integer("tile_size", 512, 64, 4096, 32);
  private static final Input.IntInput OVERLAP = Input.integer("overlap", 64, 0, 4096, 32);
  private static final Input.IntInput TEMPORAL = Input.integer("temporal_size", 64, 8, 4096, 4);
  private static final Input.IntInput TEMPORAL_OVERLAP =
      Input.integer("temporal_overlap", 8, 4, 4096, 4);

  private InpaintNodes() {}

  static List<Node> all() {
    return List.of(encodeForInpaint(), modelConditioning(), decodeTiled(), encodeTiled());
  }

  private static Node encodeForInpaint() {
    Input.IntInput grow = Input.integer("grow_mask_by", 6, 0, 64, 1);
    return FunctionNode.of(
        NodeSchema.named("VAEEncodeForInpaint")
            .display("VAE Encode (for Inpainting)")
            .category("latent/inpaint")
            .description("Encodes a picture with grey where it is to be painted anew.")
            .required(PIXELS, VAE, MASK, grow)
            .returns(PortType.LATENT),
        (inputs, context) -> {
          Prepared prepared = prepared(inputs.get(PIXELS), inputs.get(MASK));
          Vae vae = context.models().vae(inputs.get(VAE));
          LatentBatch latent = vae.encode(prepared.grey());
          MaskBatch grown = widened(prepared.mask(), inputs.getInt(grow));
          return NodeResult.of(masked(latent, grown));
        });
  }

  private static Node modelConditioning() {
    Input.SocketInput<Conditioning> positive = Input.socket("positive", PortType.CONDITIONING);
    Input.SocketInput<Conditioning> negative = Input.socket("negative", PortType.CONDITIONING);
    Input.BooleanInput noiseMask = Input.flag("noise_mask", true);
    return FunctionNode.of(
        NodeSchema.named("InpaintModelConditioning")
            .display("InpaintModelConditioning")
            .category("conditioning/inpaint")
            .description("Shows an inpainting model what is around and where it is to paint.")
            .required(positive, negative, VAE, PIXELS, MASK, noiseMask)
            .returns(PortType.CONDITIONING, "positive")
            .returns(PortType.CONDITIONING, "negative")
            .returns(PortType.LATENT, "latent"),
        (inputs, context) -> {
          Prepared prepared = prepared(inputs.get(PIXELS), inputs.get(MASK));
          Vae vae = context.models().vae(inputs.get(VAE));
          LatentBatch shown = vae.encode(prepared.grey());
          LatentBatch original = vae.encode(prepared.pixels());
          Conditioning.InpaintHint hint = new Conditioning.InpaintHint(shown, prepared.mask());
          return NodeResult.of(
              inputs.get(positive).map(entry -> entry.withInpaint(hint)),
              inputs.get(negative).map(entry -> entry.withInpaint(hint)),
              inputs.get(noiseMask) ? masked(original, prepared.mask()) : original);
        });
  }

  /** A picture cut to whole latent pixels, its mask, and the picture with grey under the mask. */
  private record Prepared(ImageBatch pixels, MaskBatch mask, ImageBatch grey) {}

  private static Prepared prepared(ImageBatch given, MaskBatch givenMask) {
    MaskBatch whole = Masks.resized(givenMask, given.height(), given.width());
    int height = given.height() / PIXELS_PER_LATENT * PIXELS_PER_LATENT;
    int width = given.width() / PIXELS_PER_LATENT * PIXELS_PER_LATENT;
    int top = given.height() % PIXELS_PER_LATENT / 2;
    int left = given.width() % PIXELS_PER_LATENT / 2;
    int[] part = {top, left, height, width};
    int channels = given.channels();
    float[] pixels =
        quartet.image.Resize.crop(
            given.values(), given.batch(), given.height(), given.width(), channels, part);
    float[] mask =
        quartet.image.Resize.crop(
            whole.values(), whole.batch(), whole.height(), whole.width(), 1, part);
    float[] grey = pixels.clone();
    int plane = height * width;
    for (int i = 0; i < grey.length; i++) {
      int pixel = i / channels;
      int item = pixel / plane % whole.batch();
      float keep = 1f - (float) Math.rint(mask[item * plane + pixel % plane]);
      grey[i] = (grey[i] - GREY) * keep + GREY;
    }
    return new Prepared(
        new ImageBatch(pixels, given.batch(), height, width, channels),
        new MaskBatch(mask, whole.batch(), height, width),
        new ImageBatch(grey, given.batch(), height, width, channels));
  }

  /** 1 wherever the mask is within a square of so many pixels. */
  private static MaskBatch widened(MaskBatch mask, int pixels) {
    int before = pixels == 0 ? 0 : (int) Math.ceil((pixels - 1) / 2.0);
    int extent = pixels == 0 ? 1 : pixels;
    int height = mask.height();
    int width = mask.width();
    float[] out = new float[mask.values().length];
    for (int b = 0; b < mask.batch(); b++) {
      float[] rows = new float[height * width];
      for (int i = 0; i < rows.length; i++) {
        int y = i / width;
        int x = i % width;
        for (int k = 0; k < extent; k++) {
          int from = x + k - before;
          boolean set =
              from >= 0
                  && from < width
                  && Math.rint(mask.values()[(b * height + y) * width + from]) != 0;
          rows[i] = set ? 1f : rows[i];
        }
      }
      for (int i = 0; i < rows.length; i++) {
        int y = i / width;
        for (int k = 0; k < extent; k++) {
          int from = y + k - before;
          if (from >= 0 && from < height && rows[from * width + i % width] != 0) {
            out[b * height * width + i] = 1f;
          }
        }
      }
    }
    return new MaskBatch(out, mask.batch(), height, width);
  }

  private static LatentBatch masked(LatentBatch latent, MaskBatch mask) {
    return new LatentBatch(
        latent.values(),
        latent.batch(),
        latent.channels(),
        latent.height(),
        latent.width(),
        mask,
        latent.batchIndex());
  }

  private static Node decodeTiled() {
    Input.SocketInput<LatentBatch> samples = Input.socket("samples", PortType.LATENT);
    return FunctionNode.of(
        NodeSchema.named("VAEDecodeTiled")
            .display("VAE Decode (Tiled)")
            .category("_for_testing")
            .description("Turns latents into pictures tile by tile, with little memory.")
            .required(samples, VAE, TILE, OVERLAP, TEMPORAL, TEMPORAL_OVERLAP)
            .returns(PortType.IMAGE),
        (inputs, context) -> {
          Vae vae = context.models().vae(inputs.get(VAE));
          int tile = inputs.getInt(TILE);
          int overlap = Math.min(inputs.getInt(OVERLAP), tile / 4);
          int factor = vae.scaleFactor();
          return NodeResult.of(
              vae.decodeTiled(
                  inputs.get(samples),
                  Math.max(1, tile / factor),
                  overlap / factor,
                  context.cancel()));
        });
  }

  private static Node encodeTiled() {
    return FunctionNode.of(
        NodeSchema.named("VAEEncodeTiled")
            .display("VAE Encode (Tiled)")
            .category("_for_testing")
            .description("Turns pictures into latents tile by tile, with little memory.")
            .required(PIXELS, VAE, TILE, OVERLAP, TEMPORAL, TEMPORAL_OVERLAP)
            .returns(PortType.LATENT),
        (inputs, context) ->
            NodeResult.of(
                context
                    .models()
                    .vae(inputs.get(VAE))
                    .encodeTiled(inputs.get(PIXELS), inputs.getInt(TILE), inputs.getInt(OVERLAP))));
  }
}
