package quartet.engine.nodes;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;
import quartet.engine.files.FileError;
import quartet.engine.node.Catalog;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.MaskBatch;
import quartet.errors.EngineException;
import quartet.image.ImageReader;
import quartet.image.Pixels;

/** Reads a picture; its transparency becomes the mask. */
record LoadImage(NodeSchema schema, Input<String> image) implements Node {
  /** Extent of the empty mask of a picture without alpha. Source: comfyui-protocol §5.3. */
  private static final int EMPTY_MASK = 64;

  private static final int RGB = 3;
  private static final float MAX_BYTE = 255f;

  static Node fromInput() {
    return of(
        NodeSchema.named("LoadImage")
            .display("Load Image")
            .description(
                "Reads a picture from the input folder. The mask is 1 where it is transparent."),
        new Input.ComboInput("image", Catalog::inputImages, null, true, true));
  }

  static Node fromOutput() {
    return of(
        NodeSchema.named("LoadImageOutput")
            .display("Load Image (from Outputs)")
            .experimental()
            .description("Reads a picture that was made here, chosen from a list of them."),
        new Input.RemoteImageInput("image", "output"));
  }

  private static Node of(NodeSchema.Builder schema, Input<String> image) {
    return new LoadImage(
        schema
            .category("image")
            .required(image)
            .returns(PortType.IMAGE)
            .returns(PortType.MASK)
            .build(),
        image);
  }

  @Override
  public Set<String> checkedByItself() {
    return Set.of(image.name());
  }

  @Override
  public Optional<String> check(NodeInputs constants, Catalog catalog) {
    return constants
        .find(image)
        .filter(name -> !catalog.imageExists(name))
        .map(name -> "no such picture: " + name);
  }

  @Override
  public Optional<String> changeStamp(NodeInputs constants, NodeContext.Files files) {
    return constants.find(image).map(name -> sha256(files.image(name)));
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    Pixels pixels = ImageReader.read(context.files().image(inputs.get(image)));
    int count = pixels.height() * pixels.width();
    float[] colours = new float[count * RGB];
    float[] mask = new float[count];
    int channels = pixels.channels();
    for (int i = 0; i < count; i++) {
      for (int c = 0; c < RGB; c++) {
        colours[i * RGB + c] = Byte.toUnsignedInt(pixels.bytes()[i * channels + c]) / MAX_BYTE;
      }
      if (channels > RGB) {
        mask[i] = 1f - Byte.toUnsignedInt(pixels.bytes()[i * channels + RGB]) / MAX_BYTE;
      }
    }
    return NodeResult.of(
        new ImageBatch(colours, 1, pixels.height(), pixels.width(), RGB),
        channels > RGB
            ? new MaskBatch(mask, 1, pixels.height(), pixels.width())
            : new MaskBatch(new float[EMPTY_MASK * EMPTY_MASK], 1, EMPTY_MASK, EMPTY_MASK));
  }

  /** A hash of a whole file. */
  static String sha256(Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      byte[] block = new byte[1 << 16];
      for (int n = in.read(block); n >= 0; n = in.read(block)) {
        digest.update(block, 0, n);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (IOException e) {
      throw new EngineException(
          FileError.IMAGE_NOT_FOUND, "Cannot read " + file.getFileName() + ": " + e, e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this JDK has no SHA-256", e);
    }
  }
}
