package quartet.engine.nodes;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.HeapRoom;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.MaskBatch;
import quartet.engine.value.ModelRefs;
import quartet.image.Resize;
import quartet.image.ResizeMethod;

/** Nodes that resize, cut, put together and filter pictures. */
final class ImageNodes {
  private static final int MAX = CoreNodes.MAX_RESOLUTION;
  private static final Input.SocketInput<ImageBatch> IMAGE = Input.socket("image", PortType.IMAGE);
  private static final Input.ComboInput METHOD =
      Input.choice("upscale_method", "nearest-exact", "bilinear", "area", "bicubic", "lanczos");

  private ImageNodes() {}

  static List<Node> all() {
    return List.of(
        scaleBy(),
        scaleToPixels(),
        upscaleWithModel(),
        invert(),
        batch(),
        padForOutpaint(),
        crop(),
        repeat(),
        fromBatch(),
        blend(),
        blur(),
        sharpen(),
        compositeMasked());
  }

  private static NodeSchema.Builder schema(String name, String display, String category) {
    return NodeSchema.named(name).display(display).category(category).returns(PortType.IMAGE);
  }

  private static ImageBatch scaled(ImageBatch image, String method, double factor) {
    int height = Filters.scaled(image.height(), factor);
    int width = Filters.scaled(image.width(), factor);
    return scaled(image, method, height, width);
  }

  static ImageBatch scaled(ImageBatch image, String method, int height, int width) {
    HeapRoom.forFloats(image.batch(), image.channels(), height, width);
    float[] values =
        Resize.apply(
            ResizeMethod.named(method),
            image.values(),
            image.batch(),
            image.height(),
            image.width(),
            image.channels(),
            height,
            width);
    return new ImageBatch(values, image.batch(), height, width, image.channels());
  }

  private static ImageBatch scaledAround(ImageBatch image, String method, int height, int width) {
    int[] part = Resize.centreCrop(image.height(), image.width(), height, width);
    return scaled(cut(image, part), method, height, width);
  }

  private static ImageBatch cut(ImageBatch image, int[] part) {
    float[] values =
        Resize.crop(
            image.values(), image.batch(), image.height(), image.width(), image.channels(), part);
    return new ImageBatch(values, image.batch(), part[2], part[3], image.channels());
  }

  private static Node scaleBy() {
    Input.FloatInput factor = Input.fraction("scale_by", 1.0, 0.01, 8, 0.01);
    return FunctionNode.of(
        schema("ImageScaleBy", "Upscale Image By", "image/upscaling")
            .description("Resizes pictures by a factor.")
            .required(IMAGE, METHOD, factor),
        (inputs, context) -> {
          ImageBatch image = inputs.get(IMAGE);
          return NodeResult.of(scaled(image, inputs.get(METHOD), inputs.get(factor)));
        });
  }

  private static Node scaleToPixels() {
    Input.FloatInput megapixels = Input.fraction("megapixels", 1.0, 0.01, 16, 0.01);
    int mega = 1024 * 1024;
    return FunctionNode.of(
        schema("ImageScaleToTotalPixels", "Scale Image to Total Pixels", "image/upscaling")
            .extra("nodes_post_processing")
            .newer()
            .description("Resizes pictures to about so many million pixels.")
            .required(
                IMAGE,
                Input.options(
                    "upscale_method", "nearest-exact", "bilinear", "area", "bicubic", "lanczos"),
                megapixels),
        (inputs, context) -> {
          ImageBatch image = inputs.get(IMAGE);
          double total = inputs.get(megapixels) * mega;
          double factor = Math.sqrt(total / ((double) image.width() * image.height()));
          return NodeResult.of(scaled(image, inputs.get(METHOD), factor));
        });
  }

  private static Node upscaleWithModel() {
    Input.SocketInput<ModelRefs.UpscalerRef> model =
        Input.socket("upscale_model", PortType.UPSCALE_MODEL);
    return FunctionNode.of(
        schema("ImageUpscaleWithModel", "Upscale Image (using Model)", "image/upscaling")
            .extra("nodes_upscale_model")
            .newer()
            .description("Makes pictures larger with an upscale model.")
            .required(model, IMAGE),
        (inputs, context) ->
            NodeResult.of(
                context
                    .models()
                    .upscaler(inputs.get(model))
                    .apply(inputs.get(IMAGE), context.cancel())));
  }

  private static Node invert() {
    return FunctionNode.of(
        schema("ImageInvert", "Invert Image", "image")
            .description("1 minus each number.")
            .required(IMAGE),
        (inputs, context) -> {
          ImageBatch image = inputs.get(IMAGE);
          float[] out = new float[image.values().length];
          for (int i = 0; i < out.length; i++) {
            out[i] = 1f - image.values()[i];
          }
          return NodeResult.of(Filters.with(image, out));
        });
  }

  private static Node batch() {
    Input.SocketInput<ImageBatch> first = Input.socket("image1", PortType.IMAGE);
    Input.SocketInput<ImageBatch> second = Input.socket("image2", PortType.IMAGE);
    return FunctionNode.of(
        schema("ImageBatch", "Batch Images", "image")
            .description("Two batches as one; the second is resized to the first.")
            .required(first, second),
        (inputs, context) -> {
          ImageBatch a = inputs.get(first);
          ImageBatch b = inputs.get(second);
          if (b.height() != a.height() || b.width() != a.width()) {
            b = scaledAround(b, "bilinear", a.height(), a.width());
          }
          int channels = Math.max(a.channels(), b.channels());
          ImageBatch one = Filters.channels(a, channels);
          ImageBatch other = Filters.channels(b, channels);
          float[] values =
              Arrays.copyOf(
                  one.values(),
                  HeapRoom.forFloats(a.batch() + b.batch(), channels, a.height(), a.width()));
          System.arraycopy(other.values(), 0, values, one.values().length, other.values().length);
          return NodeResult.of(
              new ImageBatch(values, a.batch() + b.batch(), a.height(), a.width(), channels));
        });
  }

  private static Node padForOutpaint() {
    Input.IntInput left = Input.integer("left", 0, 0, MAX, 8);
    Input.IntInput top = Input.integer("top", 0, 0, MAX, 8);
    Input.IntInput right = Input.integer("right", 0, 0, MAX, 8);
    Input.IntInput bottom = Input.integer("bottom", 0, 0, MAX, 8);
    Input.IntInput feathering = Input.integer("feathering", 40, 0, MAX, 1);
    return FunctionNode.of(
        schema("ImagePadForOutpaint", "Pad Image for Outpainting", "image")
            .description("Grey around a picture, and a mask of where it is to be painted.")
            .required(IMAGE, left, top, right, bottom, feathering)
            .returns(PortType.MASK),
        (inputs, context) -> {
          Filters.Padded padded =
              Filters.padded(
                  inputs.get(IMAGE),
                  inputs.getInt(left),
                  inputs.getInt(top),
                  inputs.getInt(right),
                  inputs.getInt(bottom),
                  inputs.getInt(feathering));
          return NodeResult.of(padded.image(), padded.mask());
        });
  }

  private static Node crop() {
    Input.IntInput width = Input.integer("width", 512, 1, MAX, 1);
    Input.IntInput height = Input.integer("height", 512, 1, MAX, 1);
    Input.IntInput x = Input.integer("x", 0, 0, MAX, 1);
    Input.IntInput y = Input.integer("y", 0, 0, MAX, 1);
    return FunctionNode.of(
        schema("ImageCrop", "Image Crop", "image/transform")
            .extra("nodes_images")
            .newer()
            .description("A rectangle of pictures.")
            .required(IMAGE, width, height, x, y),
        (inputs, context) -> {
          ImageBatch image = inputs.get(IMAGE);
          int[] part =
              Filters.part(
                  image.height(),
                  image.width(),
                  inputs.getInt(y),
                  inputs.getInt(x),
                  inputs.getInt(height),
                  inputs.getInt(width));
          return NodeResult.of(cut(image, part));
        });
  }

  private static Node repeat() {
    Input.IntInput amount = Input.integer("amount", 1, 1, 4096, 1);
    return FunctionNode.of(
        schema("RepeatImageBatch", "RepeatImageBatch", "image/batch")
            .extra("nodes_images")
            .newer()
            .description("The same pictures several times over.")
            .required(IMAGE, amount),
        (inputs, context) -> {
          ImageBatch image = inputs.get(IMAGE);
          int times = inputs.getInt(amount);
          float[] out =
              new float
                  [HeapRoom.forFloats(
                      (long) image.batch() * times,
                      image.channels(),
                      image.height(),
                      image.width())];
          for (int n = 0; n < times; n++) {
            System.arraycopy(
                image.values(), 0, out, n * image.values().length, image.values().length);
          }
          return NodeResult.of(
              new ImageBatch(
                  out, image.batch() * times, image.height(), image.width(), image.channels()));
        });
  }

  private static Node fromBatch() {
    Input.IntInput from = Input.integer("batch_index", 0, 0, 4095, 1);
    Input.IntInput length = Input.integer("length", 1, 1, 4096, 1);
    return FunctionNode.of(
        schema("ImageFromBatch", "ImageFromBatch", "image/batch")
            .extra("nodes_images")
            .newer()
            .description("Some pictures of a batch.")
            .required(IMAGE, from, length),
        (inputs, context) -> {
          ImageBatch image = inputs.get(IMAGE);
          int start = Math.min(image.batch() - 1, inputs.getInt(from));
          int count = Math.min(image.batch() - start, inputs.getInt(length));
          int item = image.values().length / image.batch();
          return NodeResult.of(
              new ImageBatch(
                  Arrays.copyOfRange(image.values(), start * item, (start + count) * item),
                  count,
                  image.height(),
                  image.width(),
                  image.channels()));
        });
  }

  private static Node blend() {
    Input.SocketInput<ImageBatch> first = Input.socket("image1", PortType.IMAGE);
    Input.SocketInput<ImageBatch> second = Input.socket("image2", PortType.IMAGE);
    Input.FloatInput factor = Input.fraction("blend_factor", 0.5, 0, 1, 0.01);
    Input.ComboInput mode =
        Input.options(
            "blend_mode", "normal", "multiply", "screen", "overlay", "soft_light", "difference");
    return FunctionNode.of(
        schema("ImageBlend", "ImageBlend", "image/postprocessing")
            .extra("nodes_post_processing")
            .newer()
            .description("Mixes two pictures by a mode.")
            .required(first, second, factor, mode),
        (inputs, context) -> {
          ImageBatch a = inputs.get(first);
          ImageBatch b = inputs.get(second);
          if (b.height() != a.height() || b.width() != a.width()) {
            b = scaledAround(b, "bicubic", a.height(), a.width());
          }
          return NodeResult.of(
              Filters.blended(a, b, inputs.get(factor).floatValue(), inputs.get(mode)));
        });
  }

  private static Node blur() {
    Input.IntInput radius = Input.integer("blur_radius", 1, 1, 31, 1);
    Input.FloatInput sigma = Input.fraction("sigma", 1.0, 0.1, 10, 0.1);
    return FunctionNode.of(
        schema("ImageBlur", "ImageBlur", "image/postprocessing")
            .extra("nodes_post_processing")
            .newer()
            .description("Gaussian blur.")
            .required(IMAGE, radius, sigma),
        (inputs, context) ->
            NodeResult.of(
                Filters.blurred(inputs.get(IMAGE), inputs.getInt(radius), inputs.get(sigma))));
  }

  private static Node sharpen() {
    Input.IntInput radius = Input.integer("sharpen_radius", 1, 1, 31, 1);
    Input.FloatInput sigma = Input.fraction("sigma", 1.0, 0.1, 10, 0.01);
    Input.FloatInput alpha = Input.fraction("alpha", 1.0, 0, 5, 0.01);
    return FunctionNode.of(
        schema("ImageSharpen", "ImageSharpen", "image/postprocessing")
            .extra("nodes_post_processing")
            .newer()
            .description("Sharpens by a kernel that takes the surroundings away.")
            .required(IMAGE, radius, sigma, alpha),
        (inputs, context) ->
            NodeResult.of(
                Filters.sharpened(
                    inputs.get(IMAGE),
                    inputs.getInt(radius),
                    inputs.get(sigma),
                    inputs.get(alpha))));
  }

  private static Node compositeMasked() {
    Input.SocketInput<ImageBatch> destination = Input.socket("destination", PortType.IMAGE);
    Input.SocketInput<ImageBatch> source = Input.socket("source", PortType.IMAGE);
    Input.IntInput x = Input.integer("x", 0, 0, MAX, 1);
    Input.IntInput y = Input.integer("y", 0, 0, MAX, 1);
    Input.BooleanInput resize = Input.flag("resize_source", false);
    Input.SocketInput<MaskBatch> mask = Input.socket("mask", PortType.MASK);
    return FunctionNode.of(
        schema("ImageCompositeMasked", "ImageCompositeMasked", "image")
            .extra("nodes_mask")
            .newer()
            .description("Puts one picture onto another where a mask says so.")
            .required(destination, source, x, y, resize)
            .optional(mask),
        (inputs, context) -> {
          ImageBatch below = inputs.get(destination);
          ImageBatch above = Filters.channels(inputs.get(source), below.channels());
          if (inputs.get(resize)) {
            above = scaled(above, "bilinear", below.height(), below.width());
          }
          ImageBatch placed = above;
          Optional<MaskBatch> share =
              inputs.find(mask).map(own -> Masks.resized(own, placed.height(), placed.width()));
          return NodeResult.of(
              Filters.onto(below, placed, inputs.getInt(x), inputs.getInt(y), share));
        });
  }
}
